#!/usr/bin/env python3
"""Journal reports sent by curl, swaks and msmtp arrive octet by octet, and curl fetches them so, over
POP3S and over STLS on the plain port.

All senders here take CRLF text with dots, 8-bit and long lines as it is. Bare LF, NUL and bare CR are
nobody's to send but a raw connection's.
"""
import fixtures
from cases import case, expect, expect_equal, need, run
from clients import Smtp, curl_fetch, curl_send, deliver, fetch_all, message_id, msmtp_send, swaks_send
from gateway import started
from reports import check_trace, compare, filled, sent_by_program


@case
def curl_sends_every_report(stage):
    need("curl")
    sent_by_program(stage, curl_send)


@case
def swaks_sends_every_report(stage):
    need("swaks")
    sent_by_program(stage, swaks_send)


@case
def msmtp_sends_every_report(stage):
    need("msmtp")
    sent_by_program(stage, msmtp_send)


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


@case
def curl_fetches_every_report(stage):
    need("curl")
    gateway, mailbox, wanted = filled(stage)
    for stls in (False, True):
        got = [curl_fetch(gateway, mailbox, number + 1, stls, stage.folder) for number in range(len(wanted))]
        compare(got, wanted, f"curl, {'STLS' if stls else 'POP3S'}")


if __name__ == "__main__":
    run()
