#!/usr/bin/env python3
"""Nobody reads mail without the password: no file, file name, log line, command line or environment
of the server shows a word of a message, its subject, or a mailbox password, at rest or in flight.
"""
import os
import pathlib
import re

import fixtures
from cases import case, expect, need_root, run, wait_for
from clients import Pop3, Smtp, deliver, fetch_all, message_id, sasl_plain
from gateway import Gateway
from traces import nothing_shows

BODY = fixtures.SECRET.encode()
SUBJECT = fixtures.SUBJECT.encode()


def secrets_of(mailbox):
    return {"body": BODY, "subject": SUBJECT, "password": mailbox.password.encode(),
            "SASL response": sasl_plain(mailbox).encode()}


def watched(stage):
    """A server that logs all it can."""
    need_root("reads /proc of a process that forbids being looked at")
    gateway = Gateway(stage, {"log": {"level": "debug"}}).start()
    return gateway, gateway.create()


def all_logged(gateway, phrase):
    wait_for(f"the log to name {phrase}", 20, lambda: phrase in gateway.log())


@case
def nothing_shows_at_rest(stage):
    gateway, mailbox = watched(stage)
    for message in (fixtures.journal_report(), fixtures.large_headers()):
        last = deliver(gateway, message, mailbox)
        last = deliver(gateway, message, mailbox, form="BDAT")
    all_logged(gateway, last)
    expect(len(fetch_all(gateway, mailbox)) == 4, "the messages are not there")
    nothing_shows(gateway, secrets_of(mailbox), "after four messages in and out")
    gateway.command("message", "list", mailbox.address, environment={"POSTERN_PASSWORD": mailbox.password})
    gateway.command("check", code=None)
    fetch_all(gateway, mailbox, delete=True)
    nothing_shows(gateway, secrets_of(mailbox), "after they were deleted")


@case
def nothing_shows_in_flight(stage):
    gateway, mailbox = watched(stage)
    message = fixtures.journal_report(body=(fixtures.SECRET + "\r\n").encode() * 40_000)  # 2.5 MB: reaches the disk
    wire = fixtures.stuffed(message)
    with Smtp(gateway) as by_data, Smtp(gateway) as by_bdat:
        by_data.envelope(mailbox)
        by_data.must("DATA", "354")
        by_data.send(wire[:-5000])
        by_bdat.envelope(mailbox)
        by_bdat.send(f"BDAT {len(message)} LAST\r\n".encode() + message[:-5000])
        wait_for("the messages to reach the disk", 20, lambda: sum(
            os.stat(f"/proc/{gateway.process.pid}/fd/{number}").st_size
            for number in gateway.open_files()) > 2 << 20)
        nothing_shows(gateway, secrets_of(mailbox), "while two messages are half in")
        by_data.send(wire[-5000:])
        by_bdat.send(message[-5000:])
        message_id(by_data.reply())
        message_id(by_bdat.reply())


@case
def nothing_shows_while_a_session_has_the_password(stage):
    gateway, mailbox = watched(stage)
    deliver(gateway, fixtures.large(4 << 20), mailbox)
    with Pop3(gateway, mailbox) as pop, Pop3(gateway) as sasl:
        pop.must("STAT")
        sasl.ask(f"AUTH PLAIN {sasl_plain(mailbox)}")  # -ERR [IN-USE], after the work of a login
        pop.send(b"RETR 1\r\n")
        pop.line()
        nothing_shows(gateway, secrets_of(mailbox), "in the middle of a RETR")
        pop.body()
        pop.must("QUIT")
    with Pop3(gateway) as pop:  # what people type into the wrong place
        pop.ask(f"USER {mailbox.password}")
        pop.ask(mailbox.password)
        pop.ask(f"PASS  {mailbox.password}")
        pop.ask(f"pass\t{mailbox.password}")
    with Smtp(gateway) as smtp:
        smtp.ask(f"AUTH PLAIN {sasl_plain(mailbox)}")
        smtp.ask("NOOP end-of-misuse")
    nothing_shows(gateway, secrets_of(mailbox), "after passwords in wrong places")


@case
def other_accounts_may_read_nothing(stage):
    gateway, mailbox = watched(stage)
    deliver(gateway, fixtures.journal_report(), mailbox)
    for path in (gateway.data, *gateway.data.rglob("*")):
        mode = path.lstat().st_mode
        expect(not mode & 0o077, f"{path.relative_to(gateway.data)} is open to others: {mode & 0o777:o}")


@case
def a_core_dump_is_impossible(stage):
    gateway, _ = watched(stage)
    limits = pathlib.Path(f"/proc/{gateway.process.pid}/limits").read_text(encoding="ascii")
    expect(re.search(r"Max core file size +0 +", limits), "the server may dump core: " + limits)


if __name__ == "__main__":
    run()
