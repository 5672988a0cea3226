#!/usr/bin/env python3
# build: release
# time limit: 900 s
"""A password is changed while very many messages wait, mail arrives and an archiver's session is open: no
message file is touched, the session goes on, and the new password opens all of it.

100,000 messages in `make soak`, 5,000 in `make test`.
"""
import time

import fixtures
from cases import case, expect, expect_equal, run, wait_for
from clients import Pop3
from passwords import Sender, change, opens_nothing, password, state
from strain import figure, filled, release_only, short_or_full

MESSAGES = short_or_full(5_000, 100_000)


@case
def a_change_touches_no_message(stage):
    gateway, old, folder, uidls = filled(stage, MESSAGES)
    release_only(gateway)
    before = state(gateway.sealed_files())
    expect_equal(len(before), MESSAGES, "messages that wait")
    sender = Sender(gateway, old, 1)
    with Pop3(gateway, old) as session:
        expect_equal(len(session.listing("UIDL")), MESSAGES, "what the session lists")
        session.must("DELE 2")
        sender.start()
        wait_for("mail to arrive", 60, lambda: sender.stored or sender.failure)
        start = time.perf_counter()
        new = change(gateway, old)
        took = time.perf_counter() - start
        expect_equal(state(before), before, "names, inodes and times of the messages that waited")
        sent = len(sender.stored)
        wait_for("mail to go on", 60, lambda: len(sender.stored) > sent + 3 or sender.failure)
        for number in (1, MESSAGES):
            session.retr(number)
        session.must("QUIT")
    opens_nothing(gateway, old)
    sender.ending.set()
    sender.join()
    expect(sender.failure is None, f"the sender failed: {sender.failure!r}")
    del before[folder / uidls[1]]
    expect_equal(state(before), before, "the same, after the session has deleted one")
    with Pop3(gateway, new) as session:
        listed = [uidl for _, uidl in session.listing("UIDL")]
        expect_equal(set(listed), (set(uidls) - {uidls[1]}) | sender.stored, "what the new password lists")
        for number in (1, MESSAGES - 1, len(listed)):
            session.retr(number)
        session.must("QUIT")
    figure(f"a password changed with {MESSAGES:,} messages waiting: {took * 1000:.0f} ms")
    start = time.perf_counter()
    password(gateway, new, "--reset")
    figure(f"reset with {MESSAGES:,} messages waiting: {(time.perf_counter() - start) * 1000:.0f} ms")
    expect_equal(state(before), before, "the same, after a reset")


if __name__ == "__main__":
    run()
