"""The reports that every real sender and receiver has to carry, and how what came is compared."""
import re

import fixtures
from cases import expect, expect_equal
from clients import SENDER, Pop3, deliver, fetch_all
from gateway import HOSTNAME, started

REPORTS = {name: getattr(fixtures, name)() for name in ("large_headers", "expanded", "eight_bit", "dots")}
REPORTS["25_mib"] = fixtures.large(25 << 20)


def check_trace(fetched, mailbox, message, what, protocol="ESMTPS"):
    """The three trace fields say what they should; the message after them is as it was sent."""
    fields, rest = fixtures.without_trace(fetched)
    expect_equal(fields["Return-Path"], f"<{SENDER}>", f"{what}: Return-Path")
    expect_equal(fields["Delivered-To"], mailbox.email, f"{what}: Delivered-To")
    for part in ("from client.example.com", f"by {HOSTNAME}", f"with {protocol} ", "TLSv1."):
        expect(part in fields["Received"], f"{what}: no {part!r} in Received: {fields['Received']}")
    expect_equal(rest, message, what)


def sent_by_program(stage, send):
    gateway, mailbox = started(stage)
    for name, message in REPORTS.items():
        file = stage.folder / name
        file.write_bytes(message)
        send(gateway, mailbox, file)
    for (name, message), fetched in zip(REPORTS.items(), fetch_all(gateway, mailbox).values(), strict=True):
        check_trace(fetched, mailbox, message, name)


def check_relayed(fetched, mailbox, message, hello, what):
    """As check_trace, for a mail server: it has put one Received field of its own before the message."""
    fields, rest = fixtures.without_trace(fetched)
    expect_equal(fields["Return-Path"], f"<{SENDER}>", f"{what}: Return-Path")
    expect(f"from {hello}" in fields["Received"] and "with ESMTPS " in fields["Received"],
           f"{what}: Received: {fields['Received']}")
    own = re.match(rb"Received: [^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*", rest)
    expect(own, f"{what}: no Received of the server's own: {rest[:200]!r}")
    expect_equal(rest[own.end():], message, what)


def filled(stage):
    """A gateway with all reports in it, and what RETR must give, in order."""
    gateway, mailbox = started(stage)
    for message in REPORTS.values():
        deliver(gateway, message, mailbox)
    wanted = fetch_all(gateway, mailbox)
    for (name, message), fetched in zip(REPORTS.items(), wanted.values(), strict=True):
        check_trace(fetched, mailbox, message, name)
    with Pop3(gateway, mailbox) as pop:
        sizes = [int(size) for _, size in pop.listing("LIST")]
        expect_equal(sizes, [len(fetched) for fetched in wanted.values()], "sizes in LIST")
        expect_equal(pop.must("STAT"), f"+OK {len(sizes)} {sum(sizes)}", "STAT")
    return gateway, mailbox, list(wanted.values())


def compare(got, wanted, program):
    expect_equal(len(got), len(wanted), f"messages through {program}")
    for name, ours, theirs in zip(REPORTS, got, wanted):
        expect_equal(ours, theirs, f"{name} through {program}")
