#!/usr/bin/env python3
"""kill -9 at any moment loses nothing: every message that got its 250 is there afterwards, whole, once.

The moments are drawn from a seed that is printed (SEED= repeats a run). Nothing is sent twice, so
nothing may be there twice. DURATION=seconds goes on in rounds of 500 deliveries.
"""
import hashlib
import os
import random
import re
import ssl
import threading
import time

import fixtures
from cases import Failure, case, expect, expect_equal, run, seconds, wait_for
from clients import Pop3, Smtp, fetch_all, message_id
from gateway import started

SENDERS = 4
CONNECTIONS = 64
KILLS = 12
DELIVERIES = 500
SEED = int(os.environ.get("SEED", "20261122"))
CUT = (ConnectionError, ssl.SSLError, TimeoutError, Failure, OSError)


class Sending:
    """Senders that go on over every crash until enough was accepted; they note what got its 250."""

    def __init__(self, gateway, mailboxes, seed, wanted, senders=SENDERS):
        self.gateway, self.mailboxes, self.seed, self.wanted = gateway, mailboxes, seed, wanted
        self.lock = threading.Lock()
        self.next_number = 0
        self.accepted = {mailbox: {} for mailbox in mailboxes}  # mailbox -> {id: number}
        self.count = 0
        self.refused = []
        self.up = threading.Event()
        self.threads = [threading.Thread(target=self._send, args=(index,)) for index in range(senders)]
        for thread in self.threads:
            thread.start()

    def done(self):
        return self.count >= self.wanted

    def number(self):
        with self.lock:
            self.next_number += 1
            return self.next_number

    def _send(self, index):
        rng = random.Random(f"{self.seed}/{index}")
        while not self.done():
            self.up.wait(1)
            try:
                with Smtp(self.gateway) as smtp:
                    while not self.done():
                        self._one(smtp, rng)
            except CUT:
                pass  # the crash; the message under way was not accepted

    def _one(self, smtp, rng):
        mailboxes = rng.sample(self.mailboxes, rng.choice((1, 1, len(self.mailboxes))))
        number = self.number()
        message = fixtures.small(number, self.seed)
        smtp.envelope(*mailboxes)
        answer = smtp.data(fixtures.stuffed(message)) if rng.random() < 0.5 else smtp.bdat(message, 700)
        if answer.startswith("250"):
            uidl = message_id(answer)
            with self.lock:
                self.count += 1
                for mailbox in mailboxes:
                    self.accepted[mailbox][uidl] = number
        elif answer:
            self.refused.append(answer)

    def crash_until_done(self, rng):
        """Kills and restarts; returns how often."""
        kills = 0
        while True:
            self.up.set()
            enough = self.count + rng.randint(1, 60)
            while self.count < enough and not self.done():
                time.sleep(0.0005)
            time.sleep(rng.uniform(0, 0.02))  # not always right after a 250
            if self.done():
                break
            self.up.clear()
            self.gateway.kill()
            kills += 1
            self.gateway.start()
        self.join()
        return kills

    def crash_every_few_hundred_milliseconds(self, rng, kills):
        """Counted from the first message that was accepted since the start."""
        for _ in range(kills):
            before = self.count
            self.up.set()
            wait_for("a message to be accepted", 60, lambda: self.count > before)
            time.sleep(rng.uniform(0, 0.6))
            self.up.clear()
            self.gateway.kill()
            self.gateway.start()
        self.wanted = 0
        self.up.set()
        self.join()

    def join(self):
        for thread in self.threads:
            thread.join(120)
            expect(not thread.is_alive(), "a sender does not end")


def check_mailbox(gateway, sending, mailbox, fetched_before=None):
    """All accepted ones are there (or were fetched); what is there is whole and there once."""
    found = {**(fetched_before or {}), **fetch_all(gateway, mailbox)}
    missing = set(sending.accepted[mailbox]) - set(found)
    expect(not missing, f"{len(missing)} accepted messages are gone: {sorted(missing)[:5]}")
    numbers = {}
    for uidl, fetched in found.items():
        fields, rest = fixtures.without_trace(fetched)
        number = int(re.search(rb"X-Number: -?\d+-(\d+)", rest)[1])
        expect_equal(hashlib.sha256(rest).hexdigest(),
                     hashlib.sha256(fixtures.small(number, sending.seed)).hexdigest(), f"SHA-256 of {uidl}")
        expect(sending.accepted[mailbox].get(uidl, number) == number, f"{uidl} is another message")
        expect(fields["Delivered-To"] == mailbox.email, f"{uidl} lies in the wrong mailbox")
        expect(numbers.setdefault(number, uidl) == uidl, f"number {number} is there twice")
    return found


def nothing_is_left_over(gateway, listed):
    files = {path.name for path in gateway.sealed_files()}
    expect_equal(files - listed, set(), "files that are no message, after the restart")


def round_of(gateway, mailboxes, seed):
    rng = random.Random(seed)
    sending = Sending(gateway, mailboxes, seed, DELIVERIES)
    kills = sending.crash_until_done(rng)
    gateway.kill()  # and once more after the last 250
    gateway.start()
    listed = set()
    for mailbox in mailboxes:
        listed |= set(check_mailbox(gateway, sending, mailbox))
    nothing_is_left_over(gateway, listed)
    print(f"  seed {seed}: {sending.count} accepted, {kills + 1} kills, {len(sending.refused)} refused", flush=True)
    expect(not sending.refused, f"refused without cause: {sending.refused[:3]}")


@case
def nothing_accepted_is_lost_by_kill(stage):
    gateway, first = started(stage)
    mailboxes = [first, gateway.create("second"), gateway.create("third")]
    end, seed = time.monotonic() + seconds(0), SEED
    while True:
        round_of(gateway, mailboxes, seed)
        seed += 1
        if time.monotonic() >= end:
            break
        for mailbox in mailboxes:
            fetch_all(gateway, mailbox, delete=True)


@case
def nothing_is_lost_between_sender_and_archiver(stage):
    """As above while an archiver fetches and deletes: each message was fetched, or is there."""
    gateway, mailbox = started(stage)
    sending = Sending(gateway, [mailbox], -SEED, DELIVERIES // 2)
    fetched, removed = {}, set()

    def archive():
        while not sending.done():
            sending.up.wait(1)
            batch = {}
            try:
                with Pop3(gateway, mailbox) as pop:
                    for number, uidl in pop.listing("UIDL")[:20]:
                        batch[uidl] = pop.retr(number)
                        pop.must(f"DELE {number}")
                    fetched.update(batch)
                    pop.must("QUIT")
                    removed.update(batch)
            except CUT:
                pass  # the crash; or the lock of the session before

    archiver = threading.Thread(target=archive)
    archiver.start()
    kills = sending.crash_until_done(random.Random(SEED))
    archiver.join(120)
    gateway.kill()
    gateway.start()
    back = removed & set(fetch_all(gateway, mailbox))
    expect(not back, f"{len(back)} messages came back after QUIT's +OK: {sorted(back)[:5]}")
    check_mailbox(gateway, sending, mailbox, fetched)
    print(f"  seed {SEED}: {sending.count} accepted, {kills + 1} kills, {len(removed)} removed", flush=True)


@case
def nothing_accepted_over_64_connections_is_lost(stage):
    """Killed every few hundred milliseconds; three mailboxes, whose folders and syncs the connections share."""
    gateway, first = started(stage)
    mailboxes = [first, gateway.create("second"), gateway.create("third")]
    end, seed = time.monotonic() + seconds(0), SEED
    while True:
        before = time.monotonic()
        sending = Sending(gateway, mailboxes, seed, 1 << 30, CONNECTIONS)
        sending.crash_every_few_hundred_milliseconds(random.Random(seed), KILLS)
        lasted = time.monotonic() - before
        gateway.kill()
        gateway.start()
        listed = set()
        for mailbox in mailboxes:
            listed |= set(check_mailbox(gateway, sending, mailbox))
        nothing_is_left_over(gateway, listed)
        expect(not sending.refused, f"refused without cause: {sending.refused[:3]}")
        print(f"figure: seed {seed}: {sending.count} messages accepted over {CONNECTIONS} connections, none lost by "
              f"{KILLS + 1} kills in {lasted:.0f} s", flush=True)
        seed += 1
        if time.monotonic() >= end:
            break
        for mailbox in mailboxes:
            fetch_all(gateway, mailbox, delete=True)


if __name__ == "__main__":
    run()
