#!/usr/bin/env python3
# build: release
# time limit: 600 s
"""Wrong passwords by the thousand: the owner of a mailbox gets in all the same, and nobody learns from
an answer, or from how long it takes, which mailboxes exist.

`make soak` floods for 30 s and tries 200 passwords of each kind; `make test` does the same in seconds.
"""
import asyncio
import collections
import contextlib
import itertools
import math
import multiprocessing
import os
import re
import statistics
import time

from cases import case, expect, expect_equal, run, wait_for
from clients import Pop3, Smtp, tls_context
from gateway import started
from strain import descriptors, figure, processor_seconds, release_only, short_or_full

ATTACKER = "127.0.0.2"
A_SECOND = 200
TRIES_EACH = 5  # after so many failures the gateway ends a connection
WRONG = "not-the-password"


def milliseconds(seconds):
    return f"{seconds * 1000:.0f} ms"


def log_in(gateway, mailbox, password, source=""):
    """(answer, seconds from PASS to its answer) of one login on a connection of its own."""
    with Pop3(gateway, source=source) as pop:
        pop.must(f"USER {mailbox}")
        start = time.perf_counter()
        answer = pop.ask(f"PASS {password}")
        return answer, time.perf_counter() - start


async def connection_of_attacker(gateway, mailbox, answers):
    reader, writer = await asyncio.open_connection(gateway.host, gateway.pop3s, ssl=tls_context(),
                                                   local_addr=(ATTACKER, 0))
    try:
        await reader.readline()
        for number in range(TRIES_EACH):
            writer.write(f"USER {mailbox}\r\nPASS {WRONG}-{number}\r\n".encode())
            await reader.readline()
            answers[re.match(r"-ERR \[(\S+)\]|", (await reader.readline()).decode())[1]] += 1
    finally:
        writer.close()


async def attack(gateway, mailbox, end):
    """New connections at a steady pace, however long the answers take, until `end` is set."""
    answers, tasks = collections.Counter(), set()
    begun = time.monotonic()
    for number in range(1 << 30):
        await asyncio.sleep(begun + number * TRIES_EACH / A_SECOND - time.monotonic())
        if end.is_set():
            break
        tasks.add(asyncio.create_task(connection_of_attacker(gateway, mailbox, answers)))
        tasks -= {task for task in tasks if task.done()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return answers, time.monotonic() - begun


@contextlib.contextmanager
def under_attack(gateway, mailbox, seen):
    """In a process of its own, so that attacker and owner do not share an interpreter."""
    context = multiprocessing.get_context("fork")
    end, results = context.Event(), context.SimpleQueue()
    attacker = context.Process(target=lambda: results.put(asyncio.run(attack(gateway, mailbox, end))), daemon=True)
    attacker.start()
    try:
        yield
    finally:
        end.set()
        seen.append(results.get())
        attacker.join()


def log_ins_for(gateway, mailbox, duration):
    """Seconds of each login of the owner, and of each NOOP to the SMTP side in between."""
    logins, noops = [], []
    begun = time.monotonic()
    with Smtp(gateway) as smtp:
        while time.monotonic() - begun < duration or len(logins) < 3:
            answer, took = log_in(gateway, mailbox.address, mailbox.password)
            expect(answer.startswith("+OK"), f"the owner hears {answer!r} after {len(logins)} log-ins")
            logins.append(took)
            start = time.perf_counter()
            smtp.must("NOOP", "250")
            noops.append(time.perf_counter() - start)
    return logins, noops


@case
def the_owner_gets_in_during_a_flood_of_wrong_passwords(stage):
    gateway, mailbox = started(stage)
    release_only(gateway)
    calm, _ = log_ins_for(gateway, mailbox, 1)
    duration, seen = short_or_full(5, 30), []
    with under_attack(gateway, mailbox.address, seen):
        wait_for("the first wrong password", 20, lambda: "login refused" in gateway.log())
        used, start = processor_seconds(gateway), time.monotonic()
        logins, noops = log_ins_for(gateway, mailbox, duration)
        share = (processor_seconds(gateway) - used) / (time.monotonic() - start)
    (answers, lasted), = seen
    figure(f"wrong log-ins from {ATTACKER} for {lasted:.0f} s: {sum(answers.values()) / lasted:.0f} answered a second, "
           + ", ".join(f"{count} by [{answer}]" for answer, count in answers.most_common()))
    figure(f"{len(logins)} log-ins from 127.0.0.1 meanwhile: median {milliseconds(statistics.median(logins))}, "
           f"longest {milliseconds(max(logins))}; in peace median {milliseconds(statistics.median(calm))}, "
           f"longest {milliseconds(max(calm))}; longest wait for an SMTP NOOP {milliseconds(max(noops))}")
    figure(f"processor of the gateway meanwhile: {share:.2f} of {os.cpu_count()} cores, on a machine with a load of "
           f"{os.getloadavg()[0]:.1f}; bounded by min(cores, 2) passwords tried at once")
    expect_equal(set(answers) - {"AUTH", "SYS/TEMP"}, set(), "other answers to wrong passwords")
    expect(answers["AUTH"] and answers["SYS/TEMP"], f"this was no flood: {dict(answers)}")
    lines = len(re.findall("logins? put off", gateway.log()))
    expect(1 <= lines <= 2 + lasted / 60, f"{answers['SYS/TEMP']} log-ins put off are {lines} lines of log")


@case
def clients_that_have_gone_cost_no_unlock(stage):
    gateway, mailbox = started(stage)
    release_only(gateway)
    log_in(gateway, mailbox.address, mailbox.password)
    before = processor_seconds(gateway)
    log_in(gateway, mailbox.address, mailbox.password)
    one = processor_seconds(gateway) - before
    at_peace = descriptors(gateway)
    waiting = [Pop3(gateway, source=f"127.0.1.{1 + number // 4}") for number in range(64)]
    for pop in waiting:
        pop.must(f"USER {mailbox.address}")
    before = processor_seconds(gateway)
    for pop in waiting:
        pop.send(f"PASS {WRONG}\r\n".encode())
    for pop in waiting:
        pop.close()
    wait_for("their turns to pass", 60, lambda: descriptors(gateway) <= at_peace)
    spent = (processor_seconds(gateway) - before) / one
    figure(f"64 log-ins whose clients left while they waited took the processor time of {spent:.1f}")
    expect(spent < 32, f"64 log-ins of clients that had gone took the processor time of {spent:.1f}")


def overlap(first, second):
    """(chance that a value of one lot is below one of the other, two-sided p) by Mann and Whitney: 0.5 where
    the lots cannot be told apart; p by the normal approximation, which 20 values each are enough for."""
    below = sum((a < b) + (a == b) / 2 for a in first for b in second)
    n, m = len(first), len(second)
    z = (below - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)
    return below / (n * m), math.erfc(abs(z) / math.sqrt(2))


@case
def an_unknown_mailbox_is_not_told_from_a_wrong_password(stage):
    gateway, mailbox = started(stage)
    release_only(gateway)
    log_in(gateway, mailbox.address, mailbox.password)
    before = processor_seconds(gateway)
    for _ in range(5):
        log_in(gateway, mailbox.address, mailbox.password)
    right = (processor_seconds(gateway) - before) / 5
    tries = short_or_full(20, 200)
    names = {"wrong password": mailbox.address, "unknown mailbox": f"mbx-{'0' * 32}"}
    texts = set()
    took = {name: [] for name in names}
    spent = dict.fromkeys(names, 0.0)
    # Each try comes from an address of its own: answers to one that failed before are slowed.
    sources = (f"127.0.{2 + number // 250}.{1 + number % 250}" for number in itertools.count())
    for number in range(tries):
        for name, address in names.items() if number % 2 else reversed(names.items()):
            before = processor_seconds(gateway)
            answer, seconds = log_in(gateway, address, WRONG, source=next(sources))
            spent[name] += processor_seconds(gateway) - before
            texts.add(answer)
            took[name].append(seconds)
    expect(len(texts) == 1 and texts.pop().startswith("-ERR [AUTH]"), f"the answers differ: {texts}")
    chance, p = overlap(*took.values())
    figure(f"{tries} tries each: " + ", ".join(f"{name} median {statistics.median(each) * 1000:.2f} ms"
                                               for name, each in took.items())
           + f"; one is the quicker in {chance:.3f} of pairs (0.5: no difference; Mann-Whitney p = {p:.2f})")
    for name, each in spent.items():
        figure(f"processor time for each {name}: {each / tries * 1000:.1f} ms; for each right one {right * 1000:.1f} ms")
        expect(0.6 < each / tries / right < 1.6, f"{name}: not the work of one unlock")
    several = spent["unknown mailbox"] / spent["wrong password"]
    expect(0.8 < several < 1.25, f"an unknown mailbox takes {several:.2f} times the work of a wrong password")


if __name__ == "__main__":
    run()
