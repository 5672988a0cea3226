#!/usr/bin/env python3
# time limit: 600 s
# waits
"""Messages moved by hand between the folders of one mailbox on two nodes, in either direction, while both take mail and
archivers fetch.
"""
import time

from scene import Scene, move_messages, mx

from cases import case, run, seconds


@case
def moved_messages_are_fetched_where_they_are(stage):
    scene = Scene(stage)
    mailbox = scene.twins()
    scene.publish(*mx(10, 10))
    scene.traffic(mailbox, *(node.place.name for node in scene.nodes))
    scene.stream.some_more()
    until, moves = time.monotonic() + seconds(5), 0
    while moves < 5 or time.monotonic() < until:
        source, target = scene.random.sample(scene.nodes, 2)
        stopped = scene.random.choice([None, None, source, target])
        if stopped:
            scene.strike(stopped, "stopped")
        move_messages(source, target)
        if stopped:
            stopped.heal("stopped")
        moves += 1
    scene.end()


if __name__ == "__main__":
    run()
