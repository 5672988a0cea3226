#!/usr/bin/env python3
"""Journal reports sent by curl, swaks and Postfix arrive octet by octet through curl, fetchmail and
mpop, over POP3S and over STLS on the plain port.

Which program carries what: all senders here take CRLF text with dots, 8-bit and long lines as it is;
Postfix adds its own Received before it. Bare LF, NUL and bare CR are nobody's to send but a raw
connection's. curl keeps every octet when fetching; fetchmail and mpop hand on lines that end by LF.
"""
import fixtures
from cases import case, expect, expect_equal, need, run
from clients import (SENDER, Pop3, Smtp, curl_fetch, curl_send, deliver, fetch_all, fetchmail_fetch,
                     message_id, mpop_fetch, swaks_send)
from gateway import HOSTNAME, started
from postfix import Postfix

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


@case
def curl_sends_every_report(stage):
    need("curl")
    sent_by_program(stage, curl_send)


@case
def swaks_sends_every_report(stage):
    need("swaks")
    sent_by_program(stage, swaks_send)


def sent_by_postfix(stage, tls):
    gateway, mailbox = started(stage)
    postfix = Postfix(stage, gateway, tls)
    for message in REPORTS.values():
        postfix.send(message, mailbox)
    for (name, message), fetched in zip(REPORTS.items(), fetch_all(gateway, mailbox).values(), strict=True):
        fields, rest = fixtures.without_trace(fetched)
        expect("from sender.example.com" in fields["Received"] and "with ESMTPS " in fields["Received"],
               f"Postfix {tls}: Received: {fields['Received']}")
        expect_equal(fields["Return-Path"], f"<{SENDER}>", f"{name}: Return-Path")
        expect(rest.startswith(b"Received: from client.example.com"), f"{name}: no Received of Postfix")
        expect_equal(rest[-len(message):], message, f"{name} by Postfix")


@case
def postfix_sends_every_report_with_opportunistic_tls(stage):
    sent_by_postfix(stage, "may")


@case
def postfix_sends_every_report_with_mandatory_tls(stage):
    sent_by_postfix(stage, "encrypt")


@case
def bare_line_feeds_arrive_by_bdat(stage):
    gateway, mailbox = started(stage)
    message = fixtures.bare_line_feeds()
    with Smtp(gateway) as smtp:
        for chunk in (None, 1000, 7):  # whole, and cut within lines
            smtp.envelope(mailbox)
            message_id(smtp.bdat(message, chunk))
        smtp.envelope(mailbox)
        smtp.send(f"BDAT {len(message)}\r\n".encode() + message)
        expect(smtp.reply().startswith("250"), "the chunk before an empty last one is refused")
        message_id(smtp.ask("BDAT 0 LAST"))
    found = fetch_all(gateway, mailbox)
    expect_equal(len(found), 4, "messages")
    for fetched in found.values():
        check_trace(fetched, mailbox, fixtures.as_stored(message), "bare LF by BDAT")


@case
def octets_no_program_sends_are_kept(stage):
    gateway, mailbox = started(stage)
    message = fixtures.odd_octets()
    for form in ("DATA", "BDAT"):
        deliver(gateway, message, mailbox, form=form)
    for fetched, form in zip(fetch_all(gateway, mailbox).values(), ("DATA", "BDAT"), strict=True):
        check_trace(fetched, mailbox, message, f"NUL, bare CR and long lines by {form}")


@case
def one_octet_at_a_time_is_the_same_message(stage):
    gateway, mailbox = started(stage)
    message = b"Subject: slow\r\n\r\n.dot\r\nbare\nfeed\r\n..\r\nend"
    with Smtp(gateway) as smtp:
        smtp.envelope(mailbox)
        smtp.must("DATA", "354")
        for octet in fixtures.stuffed(message):
            smtp.send(bytes([octet]))
        message_id(smtp.reply())
    fetched, = fetch_all(gateway, mailbox).values()
    check_trace(fetched, mailbox, fixtures.as_stored(message), "octet by octet")


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


@case
def curl_fetches_every_report(stage):
    need("curl")
    gateway, mailbox, wanted = filled(stage)
    for stls in (False, True):
        got = [curl_fetch(gateway, mailbox, number + 1, stls, stage.folder) for number in range(len(wanted))]
        compare(got, wanted, f"curl, {'STLS' if stls else 'POP3S'}")


@case
def fetchmail_fetches_every_report(stage):
    need("fetchmail")
    gateway, mailbox, wanted = filled(stage)
    for stls in (False, True):
        folder = stage.folder / f"fetchmail-{stls}"
        folder.mkdir()
        compare(fetchmail_fetch(gateway, mailbox, stls, folder),
                [fetched.replace(b"\r\n", b"\n") for fetched in wanted],
                f"fetchmail, {'STLS' if stls else 'POP3S'}")


@case
def mpop_fetches_every_report(stage):
    need("mpop")
    gateway, mailbox, wanted = filled(stage)
    for stls in (False, True):
        folder = stage.folder / f"mpop-{stls}"
        folder.mkdir()
        compare(mpop_fetch(gateway, mailbox, stls, folder),
                [fetched.replace(b"\r\n", b"\n") for fetched in wanted],
                f"mpop, {'STLS' if stls else 'POP3S'}")


if __name__ == "__main__":
    run()
