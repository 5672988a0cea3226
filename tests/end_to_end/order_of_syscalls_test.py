#!/usr/bin/env python3
"""A live server says nothing before it is true: at each 250, each +OK to QUIT and each answer to a command all
that it promises has been synced, data, names and the folders on the way (SPEC section 8). Seen by strace.
"""
import os
import re
import threading

import fixtures
from cases import case, expect, expect_equal, need, run
from clients import Pop3, Smtp, message_id
from gateway import Gateway, started
from system_calls import Disk, calls, traced

ACCEPTED = re.compile(r"250 2\.0\.0 [^\"]*?([0-9a-f]{8}-[0-9a-f-]{27})")


def sends(name, arguments, peer):
    """Whether the call sends something to such a peer."""
    return name in ("write", "writev", "sendmsg", "sendto") and re.match(rf"\d+<{peer}", arguments)


def acknowledged(gateway, file):
    """Yields the disk and the id at each 250 to a message."""
    disk = Disk(gateway.data)
    for call in calls(file):
        if sends(*call[2:4], "TCP"):
            for uidl in ACCEPTED.findall(call[3]):
                yield disk, uidl
        disk.take(*call)


def deliver(gateway, mailboxes, message, times=1):
    """In the clear, so that strace can read the answers."""
    uidls = []
    with Smtp(gateway, starttls=False) as smtp:
        for _ in range(times):
            smtp.envelope(*mailboxes)
            uidls.append(message_id(smtp.data(fixtures.stuffed(message))))
    return uidls


def paths_of(gateway, uidl):
    return [str(path) for path in (gateway.data / "mailboxes").glob(f"*/*/{uidl}")]


@case
def a_message_is_on_the_disk_before_its_250(stage):
    need("strace")
    gateway, first = started(stage)
    others = [gateway.create(f"mailbox {number}") for number in range(3)]
    with traced(gateway) as file:
        one = deliver(gateway, [first], fixtures.journal_report(), 2)
        several = deliver(gateway, others, fixtures.large(600_000))
    seen, made = {}, set()
    for disk, uidl in acknowledged(gateway, file):
        paths = paths_of(gateway, uidl)
        expect_equal(len(paths), 3 if uidl in several else 1, "copies of the message")
        faults = sum((disk.faults(path) for path in paths), [])
        expect(not faults, f"250 to {uidl}, but " + "; ".join(faults))
        seen[uidl] = True
    for call in calls(file):
        if call[2].startswith("mkdir"):
            made.add(call[3])
    expect_equal(list(seen), one + several, "messages whose 250 was seen")
    expect(len(made) >= 8, "a new mailbox's first message makes its two folders; this trace shows no such thing")


@case
def shared_syncs_cover_every_message_that_waited_for_them(stage):
    """Two mailboxes, many connections: one sync of a folder serves several messages, but none that came after it."""
    need("strace")
    gateway, mailbox = started(stage)
    second = gateway.create("second")
    accepted = []

    def send(index):
        accepted.extend(deliver(gateway, [(mailbox, second)[index % 2]], fixtures.small(index), 12))

    with traced(gateway) as file:
        threads = [threading.Thread(target=send, args=(index,)) for index in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    seen = set()
    for disk, uidl in acknowledged(gateway, file):
        path, = paths_of(gateway, uidl)
        faults = disk.faults(path)
        expect(not faults, f"250 to {uidl}, but " + "; ".join(faults))
        seen.add(uidl)
    expect_equal((len(seen), seen), (16 * 12, set(accepted)), "messages whose 250 was seen")
    syncs = sum(call[2] == "fsync" and re.match(r"\d+<[^>]*/age1[0-9a-z]*>", call[3]) is not None for call in calls(file))
    print(f"figure: {syncs} syncs of folders for {len(seen)} messages over 16 connections")


@case
def deleted_messages_are_gone_from_the_disk_before_the_ok_to_quit(stage):
    need("strace")
    gateway, mailbox = started(stage)
    deliver(gateway, [mailbox], fixtures.small(1), 3)
    with Pop3(gateway, mailbox) as pop:
        uidls = [uidl for _, uidl in pop.listing("UIDL")]
        paths = [paths_of(gateway, uidl)[0] for uidl in uidls]
        for number in (1, 3):
            pop.must(f"DELE {number}")
        with traced(gateway) as file:
            pop.must("QUIT")
            while pop.fill():  # strace has surely written down a call once the next one was made
                pass
    disk, answered = Disk(gateway.data), False
    for call in calls(file):
        if sends(*call[2:4], "TCP") and not answered:
            answered = True
            for path in (paths[0], paths[2]):
                expect(disk.is_gone(path), f"+OK, but {path} may come back")
                aside = os.path.join(os.path.dirname(path), "deleted", os.path.basename(path))
                expect(not disk.faults(aside), f"+OK, but {disk.faults(aside)}")
        disk.take(*call)
    expect(answered, "no answer to QUIT was seen")
    expect_equal(paths_of(gateway, uidls[1]), [paths[1]], "what was not deleted")


@case
def a_record_is_on_the_disk_before_a_password_is_shown(stage):
    need("strace")
    gateway = Gateway(stage).start()
    with traced(gateway) as file:
        mailbox = gateway.create("first")
        changed = gateway.command("mailbox", "password", mailbox.address, "--json", text=mailbox.password + "\n")
        gateway.command("mailbox", "list")  # so that the answer before it is surely written down
    expect(mailbox.address in changed.stdout.decode(), "the password was not changed")
    disk, answers = Disk(gateway.data), 0
    records = [str(path) for place in ("config", "node")
               for path in (gateway.data / place / "mailboxes" / mailbox.address).glob("*.toml")]
    expect_equal(len(records), 2, "places of the record")
    for call in calls(file):
        if sends(*call[2:4], "UNIX") and mailbox.address in call[3]:
            answers += 1
            faults = sum((disk.faults(path) for path in records), [])
            expect(not faults, "the command was answered, but " + "; ".join(faults))
        disk.take(*call)
    expect(answers >= 2, f"{answers} answers to commands were seen, wanted 2")


if __name__ == "__main__":
    run()
