#!/usr/bin/env python3
"""A connection that ends in any state of SMTP and POP3, by FIN, by RST, or by the end of TLS, leaves
nothing behind: no message, no file, no lock, no descriptor.
"""
import endings
import fixtures
from cases import Failure, case, expect, expect_equal, run
from clients import Pop3, Wire, deliver, fetch_all
from strain import Siege


def greets(gateway):
    for port, greeting in ((gateway.smtp, b"220 "), (gateway.pop3, b"+OK")):
        with Wire(gateway.host, port) as wire:
            expect(wire.line().startswith(greeting), f"port {port} does not greet the next client")


def end_everywhere(siege, states, on_disk):
    """`on_disk`: the ids of the messages that lie there before and after each end."""
    for state in states:
        for way in endings.WAYS:
            try:
                way(state(siege.gateway, siege.mailbox))
                greets(siege.gateway)
                # A mailbox still held would refuse the next state its login.
                siege.all_is_given_back()
                expect_equal([file.name for file in siege.gateway.sealed_files()], on_disk, "what lies on the disk")
            except (Failure, AssertionError, OSError) as failure:
                raise Failure(f"{state.__name__}, then {way.__name__}: {failure}") from None


@case
def in_every_state_of_smtp(stage):
    siege = Siege(stage, "SMTP connections that end in every state", measured=False)
    end_everywhere(siege, endings.SMTP_STATES, on_disk=[])
    expect_equal(fetch_all(siege.gateway, siege.mailbox), {}, "what is in the mailbox")
    siege.ends()


@case
def in_every_state_of_pop3(stage):
    siege = Siege(stage, "POP3 connections that end in every state", measured=False)
    uidl = deliver(siege.gateway, fixtures.large(8 << 20), siege.mailbox)
    end_everywhere(siege, endings.POP3_STATES, on_disk=[uidl])
    with Pop3(siege.gateway, siege.mailbox) as pop:
        expect_equal([each for _, each in pop.listing("UIDL")], [uidl], "what is left after a DELE without QUIT")
    siege.ends()


if __name__ == "__main__":
    run()
