#!/usr/bin/env python3
# time limit: 600 s
# waits
"""Two A records under one name: senders and archivers come to either node, as they happen to choose."""
from scene import Scene

from cases import case, run
from gateway import DOMAIN
from names import host_record


@case
def whichever_node_is_chosen_nothing_is_lost(stage):
    scene = Scene(stage)
    mailbox = scene.twins()
    scene.publish(host_record(DOMAIN, *(node.host for node in scene.nodes)))
    scene.traffic(mailbox, DOMAIN)
    scene.stream.some_more()
    for node in scene.nodes:
        scene.mail_reaches(node)
    scene.trouble()
    scene.end()


if __name__ == "__main__":
    run()
