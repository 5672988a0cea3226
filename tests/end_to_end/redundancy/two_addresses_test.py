#!/usr/bin/env python3
# time limit: 600 s
# waits
"""Two A records under one name: senders and archivers come to either node, as they happen to choose."""
from scene import Scene

from cases import case, expect, run
from gateway import DOMAIN
from names import host_record


@case
def whichever_node_is_chosen_nothing_is_lost(stage):
    scene = Scene(stage)
    mailbox = scene.twins()
    scene.publish(host_record(DOMAIN, *(node.host for node in scene.nodes)))
    scene.traffic(mailbox, DOMAIN)
    scene.stream.some_more()
    scene.trouble()
    scene.end()
    for node in scene.nodes:
        expect(node.took() > 0, f"{node.place.name} has taken nothing")


if __name__ == "__main__":
    run()
