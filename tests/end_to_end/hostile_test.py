#!/usr/bin/env python3
# build: release
# time limit: 900 s
"""Clients that want to do harm: floods, endless lines, deaf ears, crowds. Others are served all the
same, memory stays below 128 MiB, and every descriptor comes back.

In `make test` with small numbers, in `make soak` with the full ones; either way the figures are printed.
"""
import contextlib
import resource
import socket

import endings
import fixtures
from cases import case, expect, expect_equal, run
from clients import Pop3, Smtp, deliver
from strain import Siege, exchange, short_or_full, unfinished

BLOCK = b"x" * (1 << 20)
LINE_MIB = short_or_full(64, 1024)
CROWD = short_or_full(200, 2000)
DEAF = short_or_full(10, 100)


def replies(wire):
    """What exchange() left in the buffer, as lines without their ends."""
    lines = bytes(wire.buffer).split(b"\r\n")
    wire.buffer.clear()
    return [line.decode() for line in lines if line]


@case
def ten_thousand_recipients(stage):
    siege = Siege(stage, "10,000 RCPT in a row")
    commands, wanted = [], []
    for number in range(10_000):
        to, code = ((siege.mailbox.email, "250"), (f"mbx-{number:032x}@msgw.example.com", "451"),
                    (f"someone{number}@elsewhere.example.net", "550"))[number % 3]
        commands.append(f"RCPT TO:<{to}>\r\n")
        wanted.append(code)
    with Smtp(siege.gateway, starttls=False) as smtp:
        smtp.must("MAIL FROM:<>", "250")
        exchange(smtp, "".join(commands).encode(), len(wanted))
        expect_equal([reply[:3] for reply in replies(smtp)], wanted, "the answers to 10,000 RCPT")
        siege.others_are_served()
        expect(smtp.data(b"x: y\r\n\r\n.\r\n").startswith("250"), "the one good recipient gets nothing")
    expect_equal(len([file for file in siege.gateway.sealed_files() if siege.mailbox.address in file.parts]), 1,
                 "copies for the recipient that was given 3,334 times")
    siege.ends()


@case
def an_endless_line_before_data(stage):
    siege = Siege(stage, f"a line of {LINE_MIB} MiB as a command")
    with Smtp(siege.gateway, starttls=False) as smtp:
        for number in range(LINE_MIB):
            smtp.send(BLOCK)
            if number == LINE_MIB // 2:
                siege.others_are_served()
        smtp.send(b"\r\nNOOP\r\n")
        expect(smtp.reply().startswith("500"), "the line is no command")
        expect(smtp.reply().startswith("250") and not smtp.buffer, "the line is answered once")
    siege.ends()


@case
def an_endless_line_inside_data(stage):
    siege = Siege(stage, f"a line of {LINE_MIB} MiB as content",
                  {"smtp": {"max_message_size": short_or_full("16MiB", "200MiB")}})
    with Smtp(siege.gateway, starttls=False) as smtp:
        smtp.envelope(siege.mailbox)
        smtp.must("DATA", "354")
        for number in range(LINE_MIB):
            smtp.send(BLOCK)
            if number == LINE_MIB // 2:
                siege.others_are_served()
        expect_equal(unfinished(siege.gateway), [], "files of a message that is too large already")
        smtp.send(b"\r\n.\r\n")
        expect(smtp.reply().startswith("552 5.3.4"), "the message is not too large")
        smtp.must("NOOP", "250")
    expect_equal(siege.gateway.sealed_files(), [], "what lies on the disk")
    siege.ends()


@case
def commands_without_an_end(stage):
    siege = Siege(stage, f"{DEAF} connections with a command of 1 MB and no line end, on each port")
    with contextlib.ExitStack() as open_wires:
        for _ in range(DEAF):
            for wire in (Smtp(siege.gateway, starttls=False), Pop3(siege.gateway, plain=True), Pop3(siege.gateway)):
                open_wires.enter_context(wire)
                wire.send(b"x" * 1_000_000)
        siege.others_are_served()
    siege.ends()


@case
def a_hundred_thousand_pipelined_commands(stage):
    siege = Siege(stage, "100,000 pipelined commands, by SMTP and by POP3")
    number = 100_000
    with Smtp(siege.gateway, starttls=False) as smtp:
        exchange(smtp, b"NOOP\r\n" * number, number)
        expect(replies(smtp) == ["250 2.0.0 Ok"] * number, "not every NOOP was answered by 250")
        siege.others_are_served()
    with Pop3(siege.gateway, siege.mailbox) as pop:
        exchange(pop, b"STAT\r\n" * number, number)
        expect(replies(pop) == ["+OK 0 0"] * number, "not every STAT was answered")
        siege.others_are_served()
    siege.ends()


@case
def a_hundred_thousand_mistakes(stage):
    """The connection ends while most of them lie unread: without a reset, which might cost the last word."""
    siege = Siege(stage, "100,000 pipelined mistakes, by SMTP and by POP3")
    number = 100_000
    for wire, answers, last in ((Smtp(siege.gateway, starttls=False), 21, "421 "),
                                (Pop3(siege.gateway), 20, "-ERR Too many")):
        with wire:
            exchange(wire, b"MISTAKE\r\n" * number, number)
            lines = replies(wire)
        expect(len(lines) == answers, f"{len(lines)} answers to {number} mistakes, wanted {answers}: …{lines[-2:]}")
        expect(lines[-1].startswith(last), f"the last word is {lines[-1]!r}")
        siege.others_are_served()
    siege.ends()


def until_it_blocks(wire, octets):
    """Sends until the gateway, which cannot get rid of its answers, takes no more for half a second."""
    sent = 0
    wire.socket.settimeout(0.5)
    with contextlib.suppress(TimeoutError):
        while sent < 64 << 20:
            sent += wire.socket.send(octets)
    expect(sent < 64 << 20, "the gateway takes commands for ever and keeps the answers")


def with_a_small_window(wire):
    """Little of what is not read lies with the client's kernel."""
    wire.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    return wire


@case
def clients_that_never_read(stage):
    siege = Siege(stage, f"{DEAF} SMTP clients that never read their answers, and a POP3 client with 20 MiB on its way")
    deliver(siege.gateway, fixtures.large(20 << 20), siege.mailbox)
    with contextlib.ExitStack() as open_wires:
        pop = open_wires.enter_context(with_a_small_window(Pop3(siege.gateway, siege.mailbox)))
        pop.send(b"RETR 1\r\n" * 10)
        for _ in range(DEAF):
            smtp = open_wires.enter_context(with_a_small_window(Smtp(siege.gateway, starttls=False)))
            until_it_blocks(smtp, b"HELP\r\n" * 10_000)
        siege.others_are_served()
        if short_or_full(False, True):
            pop.drop()  # its ten minutes are longer than the five of SMTP
            siege.all_is_given_back(within=400)
            siege.name += ", until they were cut"
    siege.ends()


@case
def an_idle_crowd(stage):
    siege = Siege(stage, f"{CROWD} idle SMTP connections, every other one under TLS",
                  {"smtp": {"max_connections": CROWD + 100}})
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, CROWD + 500)), hard))
    with contextlib.ExitStack() as crowd:
        for number in range(CROWD):
            crowd.enter_context(Smtp(siege.gateway, starttls=bool(number % 2)))
        siege.others_are_served()
    siege.ends()


@case
def an_idle_crowd_before_login(stage):
    number = CROWD // 2 - 1
    siege = Siege(stage, f"{number} idle POP3 connections under TLS before login")
    with contextlib.ExitStack() as crowd:
        for _ in range(number):
            crowd.enter_context(Pop3(siege.gateway))
        siege.others_are_served()
    siege.ends()


@case
def connections_that_end_everywhere(stage):
    rounds = short_or_full(1, 20)
    states = endings.SMTP_STATES + endings.POP3_STATES
    siege = Siege(stage, f"{rounds * len(states) * len(endings.WAYS)} connections that end in every state")
    deliver(siege.gateway, fixtures.large(8 << 20), siege.mailbox)
    for _ in range(rounds):
        for state in states:
            for way in endings.WAYS:
                way(state(siege.gateway, siege.mailbox))
                siege.all_is_given_back()
        siege.others_are_served()
    siege.ends()


if __name__ == "__main__":
    run()
