#!/usr/bin/env python3
# build: release
# time limit: 600 s
"""After an outage many messages wait. Login, STAT, UIDL and LIST open none of them, their time grows
with the number and no faster, and other clients are served meanwhile.

100,000 messages in `make soak`, 2,000 in `make test`.
"""
import contextlib
import multiprocessing
import os
import re
import subprocess
import time

import fixtures
from cases import Skip, case, expect, expect_equal, need, run
from clients import Pop3, Smtp
from gateway import die_with_parent
from strain import LIMIT_MIB, figure, filled, release_only, short_or_full

MESSAGES = short_or_full(2_000, 100_000)


@contextlib.contextmanager
def opened_files(gateway, traced):
    """Puts into `traced` the paths the gateway opens meanwhile, those of the folders it reads included."""
    trace = gateway.folder / "trace"
    strace = subprocess.Popen(["strace", "--follow-forks", "--trace=open,openat,openat2,creat", "--string-limit=4096",
                               f"--output={trace}", f"--attach={gateway.process.pid}"],
                              stderr=subprocess.PIPE, preexec_fn=die_with_parent)
    try:
        said = os.read(strace.stderr.fileno(), 4096).decode()
        if "attached" not in said:
            raise Skip(f"strace cannot look at the gateway: {said.strip()}")
        yield
    finally:
        strace.terminate()
        strace.wait()
        strace.stderr.close()
    traced.extend(re.findall(r'open\w*\((?:AT_FDCWD|\d+), "([^"]*)"', trace.read_text()))


def timed(steps, name, work):
    start = time.perf_counter()
    found = work()
    steps[name] = time.perf_counter() - start
    return found


def session(gateway, mailbox):
    """(seconds of each step, UIDL, LIST) of a login and its questions, and QUIT."""
    steps = {}
    with Pop3(gateway) as pop:
        pop.must(f"USER {mailbox.address}")
        timed(steps, "login", lambda: pop.must(f"PASS {mailbox.password}"))
        stat = timed(steps, "STAT", lambda: pop.must("STAT"))
        uidl = timed(steps, "UIDL", lambda: pop.listing("UIDL"))
        sizes = timed(steps, "LIST", lambda: pop.listing("LIST"))
        pop.must("QUIT")
    expect_equal(stat, f"+OK {len(sizes)} {sum(int(size) for _, size in sizes)}", "STAT against LIST")
    return steps, uidl, sizes


def ask_noops(gateway, ready, end, longest):
    """In a process of its own, so that reading long lists here does not keep it waiting."""
    with Smtp(gateway) as smtp:
        smtp.must("NOOP", "250")
        ready.set()
        found = 0.0
        while not end.is_set():
            start = time.perf_counter()
            smtp.must("NOOP", "250")
            found = max(found, time.perf_counter() - start)
            time.sleep(0.001)
        longest.put(found)


@contextlib.contextmanager
def another_client(gateway, waits):
    """Puts into `waits` the longest time in which an SMTP session elsewhere got its NOOP answered."""
    context = multiprocessing.get_context("fork")
    ready, end, longest = context.Event(), context.Event(), context.SimpleQueue()
    client = context.Process(target=ask_noops, args=(gateway, ready, end, longest), daemon=True)
    client.start()
    try:
        expect(ready.wait(30), "the other client gets no answer")
        yield
    finally:
        end.set()
    waits.append(longest.get())
    client.join()


@case
def many_waiting_messages_feel_normal(stage):
    gateway, mailbox, _, uidls = filled(stage, MESSAGES)
    release_only(gateway)
    waits = []
    with another_client(gateway, waits):
        steps, uidl, sizes = session(gateway, mailbox)
    expect_equal([each for _, each in uidl], uidls, "the messages, in order of arrival")
    expect_equal(len({size for _, size in sizes}), 1, "sizes of equal messages")
    figure(f"{MESSAGES:,} waiting messages: " + ", ".join(f"{name} {took * 1000:.0f} ms" for name, took in steps.items())
           + f"; longest wait for a NOOP of another client {waits[0] * 1000:.0f} ms")
    with Pop3(gateway, mailbox) as pop:
        for number in (1, MESSAGES):
            _, rest = fixtures.without_trace(pop.retr(number))
            expect_equal(rest, fixtures.small(1), f"message {number}")
        for number in range(1, MESSAGES + 1, 1000):
            last = min(number + 999, MESSAGES)
            pop.send(b"".join(b"DELE %d\r\n" % each for each in range(number, last + 1)))
            for _ in range(number, last + 1):
                pop.line()
        waits.clear()
        with another_client(gateway, waits):
            start = time.perf_counter()
            pop.must("QUIT")
            took = time.perf_counter() - start
    figure(f"all of them deleted: QUIT {took:.1f} s; longest wait for a NOOP of another client {waits[0] * 1000:.0f} ms")
    expect_equal(gateway.sealed_files(), [], "what is left")
    peak = gateway.status("VmHWM") / 1024
    figure(f"peak memory with {MESSAGES:,} waiting messages: {peak:.1f} MiB")
    expect(peak < LIMIT_MIB, f"peak memory {peak:.1f} MiB, wanted less than {LIMIT_MIB} MiB")


@case
def no_message_is_opened_to_be_listed(stage):
    need("strace")
    gateway, mailbox, folder, uidls = filled(stage, MESSAGES)
    traced = []
    with opened_files(gateway, traced):
        session(gateway, mailbox)
    below = {path for path in traced if path.startswith(str(gateway.data / "mailboxes")) or path in uidls}
    expect_equal(below, {str(folder)}, "what was opened of the mailbox's folder and all that lies in it")


if __name__ == "__main__":
    run()
