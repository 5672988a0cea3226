"""What tests of load and abuse look at: memory, processor time, descriptors, and whether others are
served meanwhile.

Figures are printed, a line each that begins with `figure: `. Memory is judged, times never are.
"""
import contextlib
import os
import select
import ssl
import time

import fixtures
from cases import Failure, expect, expect_equal, seconds, wait_for
from clients import REPLY_SECONDS, deliver, fetch_all
from gateway import started

LIMIT_MIB = 128
SOAK_SECONDS = 600  # from here on DURATION means the full numbers


_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


def short_or_full(short, full):
    return full if seconds(5) >= SOAK_SECONDS else short


def figure(text):
    print(f"figure: {text}", flush=True)


def filled(stage, number):
    """A mailbox with `number` messages: one that was delivered, and its sealed octets once more under
    each id that later arrivals would have had."""
    gateway, mailbox = started(stage)
    uidls = [deliver(gateway, fixtures.small(1), mailbox)]
    first, = gateway.sealed_files()
    sealed = first.read_bytes()
    now = int(uidls[0].replace("-", "")[:12], 16)  # RFC 9562 section 5.7: milliseconds
    for count in range(1, number):
        at = f"{now + count:012x}"
        uidls.append(f"{at[:8]}-{at[8:]}-7000-8000-{count:012x}")
        (first.parent / uidls[-1]).write_bytes(sealed)
    return gateway, mailbox, first.parent, uidls


def release_only(gateway):
    with open(f"/proc/{gateway.process.pid}/maps", encoding="utf-8") as maps:
        sanitized = "libasan" in maps.read()
    expect(not sanitized, "this is a build with AddressSanitizer; give the release build to this test")


def descriptors(gateway):
    """How many it holds, but for the folders of mailboxes, which stay open between deliveries (128 at most)."""
    folder = f"/proc/{gateway.process.pid}/fd"
    return sum(not os.path.isdir(f"{folder}/{number}") for number in os.listdir(folder))


def processor_seconds(gateway):
    """Of all its threads, to the nanosecond: the clock that clock_getcpuclockid(3) names."""
    return time.clock_gettime((~gateway.process.pid << 3) | 2)


def unfinished(gateway):
    """What the gateway holds open below mailboxes/, named or not."""
    return [target for target in gateway.open_files().values() if "/mailboxes/" in target]


def exchange(wire, octets, lines):
    """Sends all, while it reads what comes: a peer stops reading until its answers are taken. Returns
    when there are `lines` of them, or at the end of the stream."""
    unsent, seen, counted, ended = memoryview(octets), 0, 0, False
    deadline = time.monotonic() + REPLY_SECONDS
    wire.socket.setblocking(False)
    try:
        while unsent or (seen < lines and not ended):
            expect(time.monotonic() < deadline, f"{seen} of {lines} answers came within {REPLY_SECONDS} s")
            try:
                if unsent:
                    with contextlib.suppress(*_NOT_NOW):
                        unsent = unsent[wire.socket.send(unsent[:1 << 16]):]
                more = wire.socket.recv(1 << 18)
            except _NOT_NOW:
                select.select([wire.socket], [wire.socket] if unsent else [], [], 1)
                continue
            except OSError as error:
                raise Failure(f"the connection broke after {seen} answers: {error}") from None
            ended = not more
            wire.buffer += more
            seen += wire.buffer.count(b"\n", counted)
            counted = len(wire.buffer)
    finally:
        wire.socket.settimeout(REPLY_SECONDS)


class Siege:
    """A gateway under one attack. Others are served in its midst and after it, memory stays below
    LIMIT_MIB, and what the attack held is given back."""

    def __init__(self, stage, name, settings=None, measured=True):
        self.name, self.measured = name, measured
        self.gateway, self.mailbox = started(stage, settings)
        self.other = self.gateway.create("other")
        if measured:
            release_only(self.gateway)
        self.longest = 0.0
        self.others_are_served()  # so that what is made once is there before we count
        self.longest = 0.0
        self.at_peace = descriptors(self.gateway)

    def others_are_served(self):
        """One message in and out, each over a connection of its own."""
        start = time.monotonic()
        uidl = deliver(self.gateway, fixtures.small(1), self.other)
        expect_equal(list(fetch_all(self.gateway, self.other, delete=True)), [uidl], "what another client fetches")
        self.longest = max(self.longest, time.monotonic() - start)

    def all_is_given_back(self, within=30):
        try:
            wait_for("its descriptors to be given back", within, lambda: descriptors(self.gateway) <= self.at_peace)
        except Failure as failure:
            raise Failure(f"{failure}: {descriptors(self.gateway)} are open, {self.at_peace} were") from None

    def ends(self):
        self.others_are_served()
        self.all_is_given_back()
        if not self.measured:
            return
        peak = self.gateway.status("VmHWM") / 1024
        figure(f"{self.name}: peak memory {peak:.1f} MiB; a message of somebody else went in and out "
               f"within {self.longest:.2f} s")
        expect(peak < LIMIT_MIB, f"{self.name}: peak memory {peak:.1f} MiB, wanted less than {LIMIT_MIB} MiB")
