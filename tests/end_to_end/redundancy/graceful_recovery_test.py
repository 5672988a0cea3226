#!/usr/bin/env python3
# time limit: 600 s
# waits
"""Failover with graceful recovery: the domain is a CNAME for the node in use. On the way back a temporary MX record of
the second node's own name sends new mail to the first already, while archivers, who follow the CNAME, empty the second.
"""
from scene import Scene, move_messages

from cases import case, expect_equal, run, wait_for
from gateway import DOMAIN
from names import cname_record, mx_record
from passwords import counts


def leads_to(node):
    return cname_record(DOMAIN, node.place.name)


def fail_over(scene, fault):
    one, other = scene.nodes
    scene.strike(one, fault)
    other.start()
    scene.publish(leads_to(other))
    scene.mail_reaches(other)


def recover(scene, fault, mailbox, with_drain):
    """Returns what had to be moved by hand in the end."""
    one, other = scene.nodes
    one.heal(fault)
    scene.publish(leads_to(other), mx_record(other.place.name, one.place.name, 0))
    scene.mail_reaches(one)
    if with_drain:
        other.command("drain", "on", "--yes")
        other.wait_log("drained, safe to stop", seconds=120)
    else:
        wait_for("the second node to be empty", 120, lambda: counts(other, mailbox) == (0, 0), pause=0.2)
    other.stop()
    if with_drain:
        expect_equal(other.sealed_files(), [], "messages left on the second node")
        other.command("drain", "off")
    scene.publish(leads_to(one))
    left = len(other.sealed_files())
    move_messages(other, one)
    return left


@case
def archivers_empty_the_second_while_the_first_takes_mail(stage):
    scene = Scene(stage)
    one, other = scene.nodes
    mailbox = scene.twins()
    other.stop()
    scene.publish(leads_to(one))
    scene.traffic(mailbox, DOMAIN)
    scene.stream.some_more()
    late = 0
    for fault in scene.faults(least=2):
        other.log_file.write_bytes(b"")  # what was drained before
        fail_over(scene, fault)
        late += recover(scene, fault, mailbox, with_drain=scene.random.random() < 0.5)
    scene.end()
    print(f"figure: {late} messages came to the second node after it was found empty, and were moved")


if __name__ == "__main__":
    run()
