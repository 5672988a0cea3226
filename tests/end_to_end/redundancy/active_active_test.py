#!/usr/bin/env python3
# time limit: 600 s
# waits
"""Active-active: two MX records, unequal or equal, twins that both take mail, an archiver with one profile for each.
"""
from scene import Scene, mx

from cases import case, run


def begun(stage, *preferences, fetchmail=False):
    scene = Scene(stage)
    mailbox = scene.twins()
    scene.publish(*mx(*preferences))
    one, other = (node.place.name for node in scene.nodes)
    scene.traffic(mailbox, one, *([] if fetchmail else [other]), fetchmail=[other] if fetchmail else [])
    scene.stream.some_more()
    return scene


@case
def the_second_takes_what_the_first_cannot(stage):
    scene = begun(stage, 10, 20)
    one, other = scene.nodes
    scene.strike(one, "stopped")
    scene.mail_reaches(other)
    one.heal("stopped")
    scene.trouble()
    scene.end()


@case
def both_take_mail_behind_equal_records(stage):
    scene = begun(stage, 10, 10, fetchmail=True)
    for node in scene.nodes:
        scene.mail_reaches(node)
    scene.trouble()
    scene.end()


if __name__ == "__main__":
    run()
