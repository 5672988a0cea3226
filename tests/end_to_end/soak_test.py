#!/usr/bin/env python3
# build: release
# time limit: 900 s
"""A day of journal traffic in ten minutes, the clock along with it: memory and descriptors stay level, the log has
nothing to warn of, and what was accepted was fetched. 100,000 messages in `make soak`, as an organisation of 1,000
people has in a day; the pace is the same in `make test`, for 25 seconds.
"""
import os
import random
import re
import signal
import threading
import time

import fixtures
from cases import case, expect, expect_equal, run, seconds, wait_for
from clients import Pop3, Smtp, message_id, program
from clock import with_clock
from gateway import Gateway
from scrape import figures, watch
from strain import SOAK_SECONDS, figure, release_only
from web import Web, token_of

SECONDS = min(max(seconds(25), 25), SOAK_SECONDS)
DAY = 86400
PACE = DAY / SOAK_SECONDS        # how much faster the clock runs
RATE = 100_000 / SOAK_SECONDS    # messages a second
SENDERS, MAILBOXES = 4, 8
SIZES = ((55, 8 << 10), (33, 32 << 10), (10, 128 << 10), (2, 1 << 20))  # of a hundred
# Grown from the middle to the end, by the line that fits best. In ten minutes 120 octets a message would be more.
MOST_MEMORY, MOST_DESCRIPTORS = 6 << 10, 8  # KiB; sessions come and go
WARNING = r"^\S+ (?:warning|error) .*$"
OF_OTHERS = "disk space comes to store.min_free soon"  # tests beside this one fill the same disk, and the clock runs


class Part(threading.Thread):
    """Does `step` again and again, `pause` seconds apart, until it is told to end."""

    def __init__(self, step, pause):
        super().__init__(daemon=True)
        self.step, self.pause, self.ending, self.failure, self.times = step, pause, threading.Event(), None, 0
        self.start()

    def run(self):
        due = time.monotonic()
        try:
            while not self.ending.is_set():
                self.step()
                self.times += 1
                due = max(due + self.pause, time.monotonic() - 1)  # what was missed for longer is not made up for
                self.ending.wait(max(0, due - time.monotonic()))
        except Exception as failure:  # what ended it is the test's to tell
            self.failure = failure

    def end(self):
        self.ending.set()
        self.join(120)
        expect(not self.is_alive() and self.failure is None, f"{self.step.__qualname__} failed: {self.failure!r}")


class Day:
    def __init__(self, stage):
        self.offset, environment = with_clock(stage)
        self.gateway = watch(Gateway(stage, {"log": {"level": "notice"}}, environment=environment, web=True)).start()
        release_only(self.gateway)
        self.mailboxes = [self.gateway.create(f"tenant {number}") for number in range(MAILBOXES)]
        self.page = Web(self.gateway, token_of(self.gateway, "read"))
        self.messages = [(share, fixtures.stuffed(fixtures.large(size))) for share, size in SIZES]
        self.began, self.sent, self.octets, self.fetched = time.monotonic(), set(), 0, set()
        self.lock = threading.Lock()

    def move_clock(self):
        self.offset.write_text(f"+{int((time.monotonic() - self.began) * PACE)}")

    def sender(self, number):
        """Connections of some dozens of messages, as mail systems have them."""
        rng = random.Random(number)
        open_now = [Smtp(self.gateway)]

        def send():
            if rng.random() < 0.03:
                open_now[0].must("QUIT", "221")
                open_now[0].close()
                open_now[0] = Smtp(self.gateway)
            wire, = rng.choices([wire for _, wire in self.messages], [share for share, _ in self.messages])
            open_now[0].envelope(rng.choice(self.mailboxes))
            uidl = message_id(open_now[0].data(wire))
            with self.lock:
                self.sent.add(uidl)
                self.octets += len(wire)
        return send, open_now

    def archiver(self, number):
        """Polls the mailboxes in turn, reads all that is there, and deletes it."""
        turn = [number]

        def poll():
            mailbox = self.mailboxes[turn[0] % MAILBOXES]
            turn[0] += 2
            self.fetch(mailbox)
        return poll

    def fetch(self, mailbox):
        with Pop3(self.gateway, mailbox) as pop:
            found = pop.listing("UIDL")
            for number, _ in found:
                expect(len(pop.retr(number)) > 4096, "a message is shorter than each that was sent")
                pop.must(f"DELE {number}")
            pop.must("QUIT")
        with self.lock:
            self.fetched |= {uidl for _, uidl in found}

    def look(self):
        """As the page and Prometheus do."""
        told = [self.page.must(200, self.page.get(path)) for path in ("status", "mailboxes", "traffic")]
        kinds = {each["kind"] for each in told[0]["warnings"]} - {"disk_trend"}
        expect(not kinds, f"warnings of the day: {told[0]['warnings']}")
        figures(self.gateway)

    def administrate(self):
        self.gateway.signal(signal.SIGHUP)
        program(str(self.gateway.binary), "backup", "export", "--config", str(self.gateway.config))
        program(str(self.gateway.binary), "status", "--json", "--config", str(self.gateway.config))

    def sample(self):
        return (time.monotonic() - self.began, self.gateway.status("VmRSS"),
                len(os.listdir(f"/proc/{self.gateway.process.pid}/fd")))


def slope(points):
    """Of the line with the least squares through (x, y)."""
    middle = sum(x for x, _ in points) / len(points)
    return sum((x - middle) * y for x, y in points) / sum((x - middle) ** 2 for x, _ in points)


@case
def a_day_leaves_nothing_behind(stage):
    day = Day(stage)
    gateway = day.gateway
    for mailbox in day.mailboxes:  # what is opened once and kept: folders of mailboxes, caches
        with Smtp(gateway) as smtp:
            smtp.envelope(mailbox)
            day.sent.add(message_id(smtp.data(day.messages[0][1])))
        day.fetch(mailbox)
    day.look()
    day.administrate()
    gateway.wait_log("reloaded: certificate", 60)
    at_rest = day.sample()[2]

    senders = [day.sender(number) for number in range(SENDERS)]
    parts = [Part(day.move_clock, 1), *(Part(send, SENDERS / RATE) for send, _ in senders),
             *(Part(day.archiver(number), 1) for number in range(2)), Part(day.look, 1), Part(day.administrate, 5)]
    samples = []
    while (now := day.sample())[0] < SECONDS and not any(part.failure for part in parts):
        samples.append(now)
        time.sleep(0.2)
    for part in parts:
        part.end()
    for _, (smtp,) in senders:
        smtp.close()
    for mailbox in day.mailboxes:
        day.fetch(mailbox)
    expect_equal(day.fetched, day.sent, "messages: fetched and accepted")

    later = [sample for sample in samples if sample[0] > SECONDS / 2]
    span = later[-1][0] - later[0][0]
    memory, descriptors = (slope([(sample[0], sample[column]) for sample in later]) * span for column in (1, 2))
    figure(f"soak: {len(day.sent):,} messages, {day.octets / (1 << 30):.2f} GiB, in {samples[-1][0]:.0f} s ({RATE * samples[-1][0]:,.0f} "
           f"were due), a clock of {samples[-1][0] * PACE / 3600:.1f} h")
    figure(f"soak: memory {later[0][1] / 1024:.1f} MiB in the middle, {later[-1][1] / 1024:.1f} at the end, by the slope "
           f"{memory / 1024:+.2f} in {span:.0f} s; peak {gateway.status('VmHWM') / 1024:.1f}")
    figure(f"soak: descriptors {later[0][2]} and {later[-1][2]}, by the slope {descriptors:+.2f}; at rest {at_rest} before")
    expect(memory < MOST_MEMORY, f"memory grows by {memory:.0f} KiB in {span:.0f} s")
    expect(descriptors < MOST_DESCRIPTORS, f"descriptors grow by {descriptors:.1f} in {span:.0f} s")
    wait_for(f"descriptors to be {at_rest} again", 60, lambda: day.sample()[2] <= at_rest + 1, pause=0.2)
    said = [line for line in re.findall(WARNING, gateway.log(), re.M) if OF_OTHERS not in line]
    expect(not said, f"{len(said)} warnings in the log: {said[:3]}")
    expect(all(part.times for part in parts), f"steps done: {[(part.step.__name__, part.times) for part in parts]}")
    days = {line[:10] for line in gateway.log().splitlines()}
    if SECONDS >= SOAK_SECONDS:
        expect(len(days) > 1, f"no midnight passed: {days}")


if __name__ == "__main__":
    run()
