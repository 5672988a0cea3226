#!/usr/bin/env python3
# time limit: 600 s
# waits
"""Failover: a second node stands ready, with a backup of the first one's records; in a failure the A record leads to
it, and afterwards back, and what the second has not handed out is moved to the first.
"""
from scene import Scene, move_messages, stand_by

from cases import case, expect, expect_equal, run
from gateway import DOMAIN
from names import host_record


def fail_over(scene, fault):
    one, other = scene.nodes
    scene.strike(one, fault)
    scene.publish(host_record(DOMAIN, other.host))
    other.start()
    shown = other.command("certificate", "status").stdout.decode()
    expect(other.place.name in shown, f"the certificate: {shown}")
    scene.mail_reaches(other)


def go_back(scene, fault):
    one, other = scene.nodes
    one.heal(fault)
    scene.publish(host_record(DOMAIN, one.host))
    other.stop()  # so that it takes no more
    left = len(other.sealed_files())
    move_messages(other, one)
    expect_equal(other.sealed_files(), [], "messages left on the second node")
    scene.mail_reaches(one)
    return left


@case
def a_second_node_stands_in_for_the_first(stage):
    scene = Scene(stage)
    one, other = scene.nodes
    one.start()
    mailbox = one.create()
    stand_by(one, other, stage)
    scene.publish(host_record(DOMAIN, one.host))
    scene.traffic(mailbox, DOMAIN)
    scene.stream.some_more()
    moved = 0
    for fault in scene.faults(least=2):
        fail_over(scene, fault)
        moved += go_back(scene, fault)
    scene.end()
    print(f"figure: {moved} messages moved back to the first node")


if __name__ == "__main__":
    run()
