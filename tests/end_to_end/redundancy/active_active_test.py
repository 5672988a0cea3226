#!/usr/bin/env python3
# time limit: 600 s
# waits
"""Active-active: two MX records, unequal or equal, twins that both take mail, an archiver with one profile for each.
"""
from scene import Scene, mx

from cases import case, expect, run


def nothing_is_lost(stage, *preferences, fetchmail=False):
    scene = Scene(stage)
    mailbox = scene.twins()
    scene.publish(*mx(*preferences))
    one, other = (node.place.name for node in scene.nodes)
    scene.traffic(mailbox, one, *([] if fetchmail else [other]), fetchmail=[other] if fetchmail else [])
    scene.stream.some_more()
    scene.trouble()
    scene.end()
    return scene


@case
def the_second_takes_what_the_first_cannot(stage):
    scene = nothing_is_lost(stage, 10, 20)
    expect("relay=msgw2" in scene.sender.log(), "the second has taken nothing")


@case
def both_take_mail_behind_equal_records(stage):
    scene = nothing_is_lost(stage, 10, 10, fetchmail=True)
    for node in scene.nodes:
        expect(f"relay={node.place.name}" in scene.sender.log(), f"{node.place.name} has taken nothing")


if __name__ == "__main__":
    run()
