#!/usr/bin/env python3
"""The answers that senders, archivers and intruders get over real connections: unknown mailboxes,
wrong passwords, logins in the clear, relaying, look-alikes of the end of data, what is injected
before TLS, connections that die in the middle.
"""
import re

import fixtures
from cases import case, expect, expect_equal, run, wait_for
from clients import SENDER, Pop3, Smtp, Wire, deliver, fetch_all, message_id, sasl_plain
from gateway import DOMAIN, Gateway, started

STRANGER = "mbx-" + "0123456789abcdef" * 2


@case
def recipients_are_judged_by_the_address_alone(stage):
    gateway, mailbox = started(stage)
    with Smtp(gateway) as smtp:
        smtp.must("RCPT TO:<x@example.com>", "503")
        smtp.must(f"MAIL FROM:<{SENDER}>", "250 2.1.0")
        for recipient, answer in ((f"{STRANGER}@{DOMAIN}", "451 4.3.0"),     # well-formed, never heard of
                                  (f"sales@{DOMAIN}", "550 5.1.1"),
                                  (f"mbx-123@{DOMAIN}", "550 5.1.1"),
                                  (f"{mailbox.address}@elsewhere.example.com", "550 5.7.1"),
                                  ("victim@example.net", "550 5.7.1"),        # relaying
                                  (f"victim%example.net@{DOMAIN}", "550 5.1.1"),
                                  (mailbox.email.upper(), "250 2.1.5"),
                                  (mailbox.email, "250 2.1.5")):              # the same again
            smtp.must(f"RCPT TO:<{recipient}>", answer)
        uidl = message_id(smtp.data(fixtures.stuffed(fixtures.small(1))))
        smtp.must("DATA", "503")
    expect_equal(list(fetch_all(gateway, mailbox)), [uidl], "one copy for a mailbox named twice")


@case
def unknown_mailboxes_get_550_where_so_configured(stage):
    gateway, _ = started(stage, {"smtp": {"unknown_mailbox": "550"}})
    with Smtp(gateway) as smtp:
        smtp.must("MAIL FROM:<>", "250")
        smtp.must(f"RCPT TO:<{STRANGER}@{DOMAIN}>", "550 5.1.1")


@case
def a_suspended_mailbox_puts_off_and_can_be_fetched(stage):
    gateway, mailbox = started(stage)
    uidl = deliver(gateway, fixtures.small(1), mailbox)
    gateway.command("mailbox", "suspend", mailbox.address)
    with Smtp(gateway) as smtp:
        smtp.must("MAIL FROM:<>", "250")
        smtp.must(f"RCPT TO:<{mailbox.email}>", "450 4.2.1")
        gateway.command("mailbox", "activate", mailbox.address)
        smtp.must(f"RCPT TO:<{mailbox.email}>", "250")
    expect_equal(list(fetch_all(gateway, mailbox)), [uidl], "what waits")


@case
def ehlo_offers_what_is_promised(stage):
    gateway, _ = started(stage, {"smtp": {"max_message_size": "1MiB"}})
    with Smtp(gateway, starttls=False) as smtp:
        before = {line[4:] for line in smtp.features.splitlines()[1:]}
        smtp.starttls()
        after = {line[4:] for line in smtp.features.splitlines()[1:]}
    expect_equal(after, {"PIPELINING", "SIZE 1048576", "8BITMIME", "SMTPUTF8", "CHUNKING",
                         "ENHANCEDSTATUSCODES"}, "features under TLS")
    expect_equal(before, after | {"STARTTLS"}, "features before TLS")


@case
def too_large_is_552_and_the_session_goes_on(stage):
    gateway, mailbox = started(stage, {"smtp": {"max_message_size": "1MiB"}})
    message = fixtures.large(1200_000)
    with Smtp(gateway) as smtp:
        smtp.must(f"MAIL FROM:<> SIZE={len(message)}", "552 5.3.4")
        smtp.envelope(mailbox)
        expect(smtp.data(fixtures.stuffed(message)).startswith("552 5.3.4"), "DATA beyond the size")
        smtp.envelope(mailbox)
        smtp.send(f"BDAT {len(message)} LAST\r\n".encode() + message)
        expect(smtp.reply().startswith("552 5.3.4"), "BDAT beyond the size")
        smtp.envelope(mailbox)
        uidl = message_id(smtp.data(fixtures.stuffed(fixtures.small(1))))
    expect_equal(list(fetch_all(gateway, mailbox)), [uidl], "what is in the mailbox")
    nothing_left(gateway, {uidl})


@case
def nothing_but_crlf_dot_crlf_ends_a_message(stage):
    """No SMTP smuggling: each look-alike, followed by what an intruder would add, is one message."""
    gateway, mailbox = started(stage)
    inner = f"MAIL FROM:<evil@example.net>\r\nRCPT TO:<{mailbox.email}>\r\nDATA\r\nsmuggled\r\n".encode()
    alikes = {b"\n.\n": b"\r\n.\r\n", b"\n.\r\n": b"\r\n.\r\n", b"\r\n.\n": b"\r\n\r\n", b"\r.\r": b"\r.\r",
              b"\r.\r\n": b"\r.\r\n", b"\r\n.\r": b"\r\n\r", b"\r\r\n.\r\r\n": b"\r\r\n\r\r\n",
              b"\r\n.\0\r\n": b"\r\n\0\r\n", b"\r\n. \r\n": b"\r\n \r\n", b"\n\r\n..\r\n": b"\r\n\r\n.\r\n",
              b"\0.\0": b"\0.\0", b"\r\n\0.\r\n": b"\r\n\0.\r\n"}
    with Smtp(gateway) as smtp:
        for alike in alikes:
            smtp.envelope(mailbox)
            smtp.must("DATA", "354")
            smtp.send(b"Subject: x\r\n\r\nbefore" + alike + inner + b"\r\n.\r\nNOOP\r\n")
            message_id(smtp.reply())
            answer = smtp.reply()
            expect(answer.startswith("250 2.0.0") and not smtp.buffer, f"{alike!r}: NOOP gets {answer}")
    found = fetch_all(gateway, mailbox)
    for (alike, stored), fetched in zip(alikes.items(), found.values(), strict=True):
        _, rest = fixtures.without_trace(fetched)
        expect_equal(rest, b"Subject: x\r\n\r\nbefore" + stored + inner + b"\r\n", f"after {alike!r}")


@case
def what_comes_before_starttls_is_forgotten(stage):
    gateway, _ = started(stage)
    with Smtp(gateway, starttls=False) as smtp:
        smtp.send(b"STARTTLS\r\nNOOP injected\r\nRSET\r\n")
        expect(smtp.reply().startswith("220"), "STARTTLS is refused")
        smtp.buffer.clear()
        smtp.handshake()
        smtp.must("MAIL FROM:<>", "503")  # not an answer to what was injected; and EHLO is forgotten
        smtp.must("EHLO again.example.com", "250")
        smtp.must("STARTTLS", "503")


@case
def what_comes_before_stls_is_forgotten(stage):
    gateway, mailbox = started(stage)
    with Pop3(gateway, plain=True) as pop:
        pop.send(f"STLS\r\nCAPA\r\nUSER {mailbox.address}\r\n".encode())
        expect(pop.line().startswith(b"+OK"), "STLS is refused")
        pop.buffer.clear()
        pop.handshake()
        answer = pop.ask(f"PASS {mailbox.password}")
        expect(answer.startswith("-ERR"), f"USER injected before TLS counts: {answer}")
        pop.must(f"USER {mailbox.address}")
        pop.must(f"PASS {mailbox.password}")
        expect(pop.ask("STLS").startswith("-ERR"), "STLS twice")


@case
def no_login_before_tls(stage):
    gateway, mailbox = started(stage)
    with Pop3(gateway, plain=True) as pop:
        capabilities = pop.listing("CAPA")
        expect(("STLS",) in capabilities, f"no STLS in {capabilities}")
        expect(not {("USER",), ("SASL", "PLAIN")} & set(capabilities), f"logins in the clear: {capabilities}")
        for command in (f"USER {mailbox.address}", f"PASS {mailbox.password}",
                        f"AUTH PLAIN {sasl_plain(mailbox)}", "AUTH PLAIN"):
            expect(pop.ask(command).startswith("-ERR"), f"{command.split()[0]} before TLS")
        expect(pop.ask("STAT").startswith("-ERR"), "STAT without login")
    with Pop3(gateway) as pop:
        capabilities = pop.listing("CAPA")
        expect({("USER",), ("SASL", "PLAIN"), ("UIDL",), ("TOP",)} <= set(capabilities) and
               ("STLS",) not in capabilities, f"under TLS: {capabilities}")


@case
def wrong_password_and_unknown_mailbox_get_the_same_answer(stage):
    gateway, mailbox = started(stage)
    answers = set()
    for user, password in ((mailbox.address, "wrong"), (STRANGER, "wrong"), ("nobody", "wrong"),
                           (mailbox.address, mailbox.password + " "), (mailbox.address, mailbox.password[:-1]),
                           (f"{mailbox.address}@elsewhere.example.com", mailbox.password)):
        with Pop3(gateway) as pop:
            pop.must(f"USER {user}")
            answers.add(pop.ask(f"PASS {password}"))
            expect(pop.ask("STAT").startswith("-ERR"), "STAT after a refused login")
    expect_equal(len(answers), 1, f"answers {answers}; their number")
    expect(answers.pop().startswith("-ERR [AUTH]"), f"the answer is {answers}")
    with Pop3(gateway) as pop:
        pop.must(f"AUTH PLAIN {sasl_plain(mailbox)}")
        with Pop3(gateway) as second:
            second.must(f"USER {mailbox.email.upper()}")
            answer = second.ask(f"PASS {mailbox.password}")
            expect(answer.startswith("-ERR [IN-USE]"), f"a second login gets {answer}")


@case
def deletions_count_at_quit_only(stage):
    gateway, mailbox = started(stage)
    first, second, third = (deliver(gateway, fixtures.small(number), mailbox) for number in range(3))
    with Pop3(gateway, mailbox) as pop:
        pop.must("DELE 1")
        pop.drop()
    with wait_for("the lock of a dropped session", 60, lambda: unlocked(gateway, mailbox)) as pop:
        expect_equal([uidl for _, uidl in pop.listing("UIDL")], [first, second, third], "after a drop")
        pop.must("DELE 1")
        pop.must("RSET")
        pop.must("DELE 2")
        expect(pop.ask("RETR 2").startswith("-ERR"), "RETR of a deleted message")
        pop.must("QUIT")
    with Pop3(gateway, mailbox) as pop:
        pop.must("DELE 1")
        pop.send(b"QUIT\r\n")
        pop.drop()  # as piler does: it does not wait for the answer
    left = wait_for("the deletion of a client that is gone", 60, lambda: [third] == listed(gateway, mailbox))
    expect(left, "the third is left")


def unlocked(gateway, mailbox):
    """A session, or nothing where another one still holds the mailbox."""
    pop = Pop3(gateway)
    pop.must(f"USER {mailbox.address}")
    if pop.ask(f"PASS {mailbox.password}").startswith("+OK"):
        return pop
    pop.close()
    return None


def listed(gateway, mailbox):
    pop = unlocked(gateway, mailbox)
    if pop is None:
        return None
    with pop:
        return [uidl for _, uidl in pop.listing("UIDL")]


def nothing_left(gateway, wanted=frozenset()):
    """No file of a message that was not accepted, neither with a name nor without."""
    wait_for("no unfinished message to be left", 30, lambda:
             {path.name for path in gateway.sealed_files()} == set(wanted)
             and not [target for target in gateway.open_files().values() if "/mailboxes/" in target])


@case
def a_connection_that_dies_leaves_nothing(stage):
    gateway, mailbox = started(stage)
    message = fixtures.large(3 << 20)
    starts = (f"BDAT {len(message)} LAST\r\n".encode() + message[:-1],
              f"BDAT {len(message)}\r\n".encode() + message,
              b"DATA\r\n" + fixtures.stuffed(message)[:-5],
              b"DATA\r\n" + fixtures.stuffed(message)[:-2])
    for start in starts:
        for end in ("drop", "close"):
            with Smtp(gateway) as smtp:
                smtp.envelope(mailbox)
                smtp.send(start)
                getattr(smtp, end)()
    nothing_left(gateway)
    expect_equal(fetch_all(gateway, mailbox), {}, "what is in the mailbox")


@case
def bdat_keeps_to_its_octets(stage):
    gateway, mailbox = started(stage)
    with Smtp(gateway) as smtp:
        smtp.send(b"BDAT 6 LAST\r\nQUIT\r\n")
        expect(smtp.reply().startswith("503"), "BDAT without MAIL")  # consumed, not obeyed
        smtp.envelope(mailbox)
        smtp.send(b"BDAT 13\r\nQUIT\r\n.\r\nQUIT")
        expect(smtp.reply().startswith("250"), "a chunk full of commands")
        smtp.must("DATA", "503")
        smtp.send(b"BDAT 2 LAST\r\n\r\n")
        uidl = message_id(smtp.reply())
        smtp.send(b"BDAT 6 LAST\r\nQUIT\r\n")
        expect(smtp.reply().startswith("503"), "BDAT after LAST")
        smtp.must("NOOP", "250")
        smtp.ask("BDAT 9223372036854775808")
        expect(smtp.at_end(), "a size nobody can announce does not end the session")
    _, rest = fixtures.without_trace(fetch_all(gateway, mailbox)[uidl])
    expect_equal(rest, b"QUIT\r\n.\r\nQUIT\r\n", "the message")


@case
def pipelined_commands_are_answered_in_order(stage):
    gateway, mailbox = started(stage)
    with Smtp(gateway) as smtp:
        smtp.send(f"MAIL FROM:<>\r\nRCPT TO:<{mailbox.email}>\r\nRCPT TO:<a@example.net>\r\nDATA\r\n".encode())
        expect_equal([smtp.reply()[:3] for _ in range(4)], ["250", "250", "550", "354"], "answers")
        smtp.send(b"x: y\r\n\r\n.\r\nMAIL FROM:<>\r\nQUIT\r\n")
        uidl = message_id(smtp.reply())
        expect_equal([smtp.reply()[:3] for _ in range(2)], ["250", "221"], "answers")
        expect(smtp.at_end(), "the connection outlives QUIT")
    with Pop3(gateway) as pop:
        pop.send(f"USER {mailbox.address}\r\nPASS {mailbox.password}\r\nSTAT\r\nUIDL 1\r\nQUIT\r\n".encode())
        answers = [pop.line().decode().rstrip() for _ in range(5)]
        expect(all(answer.startswith("+OK") for answer in answers), f"answers {answers}")
        expect_equal(answers[3], f"+OK 1 {uidl}", "UIDL")


@case
def other_protocols_are_shown_the_door(stage):
    gateway, _ = started(stage)
    with Smtp(gateway, starttls=False) as smtp:
        smtp.send(b"POST / HTTP/1.1\r\nHost: x\r\n\r\nMAIL FROM:<a@example.com>\r\n")
        lines = []
        while line := smtp.line():
            lines.append(line)
        expect(len(lines) <= 1 and not [line for line in lines if line.startswith(b"250")],
               f"HTTP is answered with {lines}")


@case
def smtp_under_tls_from_the_start(stage):
    gateway = Gateway(stage)
    gateway.configure({"smtp": {"listen": [], "listen_tls": [f"{gateway.host}:{gateway.smtp}"]}})
    gateway.spawn()
    wait_for("the POP3 port", 60, lambda: gateway.greets(gateway.pop3, b"+OK"))
    mailbox = gateway.create()
    with Wire(gateway.host, gateway.smtp, tls=True) as wire:
        expect(wire.line().startswith(b"220 "), "no greeting under TLS")
        wire.send(f"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<{mailbox.email}>\r\n".encode())
        answers = [wire.line() for _ in range(9)]
        expect(not [line for line in answers if b"STARTTLS" in line], f"STARTTLS under TLS: {answers}")
        expect(re.match(rb"250 2\.1\.5", answers[-1]), f"RCPT gets {answers[-1]}")


if __name__ == "__main__":
    run()
