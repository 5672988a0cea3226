#!/usr/bin/env python3
# time limit: 600 s
# waits
"""Restore on a new machine: the old one is gone for good, the new one has a backup of its records; senders and archivers
go on as they were, and what waited on the old disk is opened even by a password that is younger than it.
"""
from scene import Scene, move_messages, stand_by

from cases import case, expect, run
from gateway import DOMAIN
from names import host_record
from passwords import change


@case
def a_backup_and_the_old_disk_bring_all_back(stage):
    scene = Scene(stage)
    old, new = scene.nodes
    old.start()
    mailbox = old.create()
    scene.publish(host_record(DOMAIN, old.host))
    scene.traffic(mailbox)  # nobody fetches: all of it waits on the old machine
    scene.stream.some_more(20)
    stand_by(old, new, stage)
    scene.mail_reaches(old)
    scene.strike(old, "killed")
    waited = len(old.sealed_files())
    expect(waited > 0, "nothing waits on the old machine")
    new.start()
    scene.publish(host_record(DOMAIN, new.host))
    scene.mail_reaches(new)
    scene.archiver.mailbox = change(new, mailbox)
    scene.archiver.follow(DOMAIN)
    move_messages(old, new)
    scene.trouble([new])
    scene.end()
    print(f"figure: {waited} messages came with the old disk")


if __name__ == "__main__":
    run()
