#!/usr/bin/env python3
"""A power cut at any moment loses nothing: every message that got its 250 is there afterwards, whole; what QUIT
removed does not come back; every record that a command was told of holds. Also after a kill -9 before it.

A recorder between the gateway and the kernel (tests/power) writes down what is done and what is synced. Cuts are made
from that journal, at moments and of kinds drawn from a seed that is printed (SEED= repeats them; how threads
interleave is another each time). The gateway is started on some of what they leave. DURATION=seconds goes on.
"""
import os
import pathlib
import random
import re
import threading
import time

import fixtures
import passwords
from cases import Failure, Skip, case, expect, expect_equal, run, seconds, wait_for
from clients import Pop3, Smtp, fetch_all, message_id
from gateway import Gateway
from power_cut import KINDS, Disk, Journal

SEED = int(os.environ.get("SEED", "20261122"))
RECORDER = pathlib.Path(__file__).resolve().parents[2] / "build/dev/tests/power/power_recorder.so"
SENDERS = 6
DELIVERIES = 240
CUTS = 250
STARTS = 3
MESSAGE = re.compile(r"mailboxes/(mbx-[0-9a-f]{32})/age1[0-9a-z]+/(deleted/)?([0-9a-f]{8}-[0-9a-f-]{27})")
RECORD = re.compile(r"(config|node)/mailboxes/(mbx-[0-9a-f]{32})/n-[0-9a-f]+\.toml")
CUT_OFF = (ConnectionError, TimeoutError, Failure, OSError)


class Load:
    """Senders, an archiver and an admin at work; each marks in the journal what it was promised."""

    def __init__(self, stage, seed):
        self.seed = seed
        self.lock = threading.Lock()
        self.commands = threading.Lock()  # none between two servers: it would take the lock of the data
        self.gateway = Gateway(stage)
        self.journal = self.gateway.folder / "journal"
        if not RECORDER.exists():
            raise Skip(f"{RECORDER} is not built")
        self.gateway.environment.update({
            "POWER_JOURNAL": str(self.journal),
            "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0:" + os.environ.get("ASAN_OPTIONS", "")})
        self._start()
        self.mailboxes = [self.gateway.create(f"mailbox {number}") for number in range(3)]
        self.count = self.numbers = 0

    def _start(self):
        """With the recorder, which is not for commands."""
        self.gateway.environment["LD_PRELOAD"] = str(RECORDER)
        self.gateway.start()
        del self.gateway.environment["LD_PRELOAD"]

    def mark(self, *words):
        with self.lock, open(self.journal, "ab", buffering=0) as journal:
            journal.write("\t".join(("mark", *words)).encode() + b"\n")

    def done(self):
        return self.count >= DELIVERIES

    def run(self):
        jobs = [threading.Thread(target=self._again, args=(self._send, index), daemon=True) for index in range(SENDERS)]
        jobs += [threading.Thread(target=self._again, args=(job, 0), daemon=True) for job in (self._archive, self._administer)]
        for job in jobs:
            job.start()
        wait_for("half of the deliveries", 120, lambda: self.count >= DELIVERIES // 2)
        self._kill()
        for job in jobs:
            job.join(180)
            expect(not job.is_alive(), "the load does not end")
        self.gateway.kill()  # orderly ends are another test's subject

    def _kill(self):
        """A killed program may have been in the midst of an event."""
        with self.commands:
            with self.lock:
                self.gateway.kill()
                os.truncate(self.journal, Journal(self.journal).whole)
            self._start()

    def _again(self, job, index):
        rng = random.Random(f"{self.seed}/{job.__name__}/{index}")
        while not self.done():
            try:
                job(rng)
            except CUT_OFF:
                time.sleep(0.05)  # killed; it starts again at once

    def _send(self, rng):
        with Smtp(self.gateway) as smtp:
            while not self.done():
                mailboxes = rng.sample(self.mailboxes, rng.choice((1, 1, 1, 3)))
                with self.lock:
                    self.numbers += 1
                    number = self.numbers
                smtp.envelope(*mailboxes)
                uidl = message_id(smtp.data(fixtures.stuffed(self.message(number))))
                self.mark("accepted", uidl, str(number), *(mailbox.address for mailbox in mailboxes))
                self.count += 1

    def message(self, number):
        return fixtures.small(number, self.seed) if number % 20 else fixtures.large(300_000, number)

    def _archive(self, rng):
        mailbox = self.mailboxes[0]
        with Pop3(self.gateway, mailbox) as pop:
            listing = pop.listing("UIDL")
            chosen = rng.sample(listing, min(len(listing), 9))
            for number, _ in chosen:
                pop.retr(number)
                pop.must(f"DELE {number}")
            uidls = [uidl for _, uidl in chosen]
            self.mark("removing", mailbox.address, *uidls)
            pop.must("QUIT")
            self.mark("removed", mailbox.address, *uidls)

    def _administer(self, rng):
        with self.commands:
            made = self.gateway.create("made meanwhile")
            self.mark("created", made.address, made.password)
            if rng.random() < 0.7:
                self.mark("changing", made.address)
                changed = passwords.change(self.gateway, made)
                self.mark("created", changed.address, changed.password)


class Audit:
    """What must hold of everything that a cut leaves."""

    def __init__(self, load):
        self.load = load
        journal = Journal(load.journal)
        self.marks, self.moments = journal.marks, len(journal.events)
        self.disk = Disk(journal.events, load.gateway.data.stat().st_ino)
        self.whole = self.disk.undisturbed()
        self.expect_complete()
        self.octets = {path.rpartition("/")[2]: {} for path in self.whole}
        for path, octets in self.whole.items():
            if found := MESSAGE.fullmatch(path):
                self.octets[found[3]][found[1]] = octets
        self.records = self.disk.versions()

    def expect_complete(self):
        """The recorder has missed nothing: what it tells is what is there."""
        data = self.load.gateway.data
        there = {str(path.relative_to(data)): path.read_bytes() for path in data.rglob("*") if path.is_file()}
        expect_equal(sorted(self.whole), sorted(there), "files that the journal tells of")
        for path, octets in there.items():
            expect_equal(self.whole[path], octets, f"what the journal tells of {path}")

    def promised(self, moment):
        accepted, removing, removed, created, changing = {}, set(), set(), {}, set()
        for when, (kind, *words) in self.marks:
            if when >= moment:
                break
            if kind == "accepted":
                accepted.update({(address, words[0]): int(words[1]) for address in words[2:]})
            elif kind in ("removing", "removed"):
                (removing if kind == "removing" else removed).update((words[0], uidl) for uidl in words[1:])
            elif kind == "created":
                created[words[0]] = (when, words[1])
                changing.discard(words[0])
            else:
                changing.add(words[0])
        return accepted, removing, removed, created, changing

    def check(self, moment, left):
        accepted, removing, removed, created, _ = self.promised(moment)
        waiting, aside, records = {}, {}, {}
        for path, octets in left.items():
            if found := MESSAGE.fullmatch(path):
                place = aside if found[2] else waiting
                expect((found[1], found[3]) not in place, f"{path} is there twice")
                place[found[1], found[3]] = octets
                whole = self.octets.get(found[3], {}).get(found[1], octets)
                expect_equal(octets, whole, f"the octets of {path}")
            elif found := RECORD.fullmatch(path):
                records[found[2], found[1]] = (path, octets)
        for message in accepted:
            expect(message in waiting or (message in removing and message in aside), f"accepted, and gone: {message}")
        for message in removed:
            expect(message not in waiting, f"removed, and there again: {message}")
        for address, (when, _) in created.items():
            for place in ("config", "node"):
                expect((address, place) in records, f"{address} has no record in {place}/")
                path, octets = records[address, place]
                expect(octets in [version for at, version in self.records[path] if at >= self._last(path, when)],
                       f"{path} is older than what was promised, or in part")

    def _last(self, path, when):
        """When the version was made that was there at `when`."""
        return max(at for at, _ in self.records[path] if at < when)

    def cut_often(self, rng, cuts):
        """Half of them just after something was promised."""
        for count in range(cuts):
            moment = rng.choice(self.marks)[0] + 1 if count % 2 else rng.randint(1, self.moments)
            self.cut(moment, KINDS[count // 2 % len(KINDS)], rng.random())

    def cut(self, moment, kind, seed):
        left = self.disk.after(moment, kind, seed)
        try:
            self.check(moment, left)
        except Failure as failure:
            raise Failure(f"power cut before event {moment} of {self.moments}, {kind}, seed {seed}: {failure}") from None
        return left

    def start_on(self, stage, moment, kind, seed):
        """A gateway on what is left serves what was promised."""
        left = self.cut(moment, kind, seed)
        accepted, removing, _, created, changing = self.promised(moment)
        gateway = Gateway(stage)
        for path, octets in left.items():
            file = gateway.data / path
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file.write_bytes(octets)
            file.chmod(0o600)
        gateway.start()
        for mailbox in self.load.mailboxes:
            found = fetch_all(gateway, mailbox)
            for (address, uidl), number in accepted.items():
                if address == mailbox.address and (address, uidl) not in removing:
                    expect(uidl in found, f"{uidl} is not served after a cut before event {moment}, {kind}, seed {seed}")
                    expect_equal(fixtures.without_trace(found[uidl])[1], self.load.message(number), f"message {uidl}")
        for address in set(created) - changing:
            with Pop3(gateway) as pop:
                pop.must(f"USER {address}")
                pop.must(f"PASS {created[address][1]}")
        gateway.stop()
        return len(accepted)


@case
def no_power_cut_takes_what_was_promised(stage):
    end, seed, all_cuts = time.monotonic() + seconds(0), SEED, 0
    while True:
        load = Load(stage, seed)
        load.run()
        audit, rng = Audit(load), random.Random(seed)
        audit.cut_often(rng, CUTS)
        served = sum(audit.start_on(stage, rng.randint(audit.moments // 2, audit.moments), kind, rng.random())
                     for kind in rng.sample(KINDS, STARTS))
        all_cuts += CUTS
        print(f"figure: seed {seed}: {CUTS} power cuts in {audit.moments} events of {load.count} deliveries; "
              f"{STARTS} starts on what they left served {served} messages", flush=True)
        seed += 1
        if time.monotonic() >= end:
            break


if __name__ == "__main__":
    run()
