#!/usr/bin/env python3
"""A client that vanishes without a word, as when a cable is cut, frees its mailbox within 60 s: while it
said nothing, and in the middle of a message.

Its socket gets a filter that drops every packet from the gateway before the kernel could acknowledge it.
"""
# waits
import ctypes
import socket
import struct
import time

import fixtures
from cases import case, expect, run
from clients import Pop3, deliver
from gateway import started

SO_ATTACH_FILTER = 26
BPF_RET = 0x06  # and the number of octets to keep: none
FREE_AFTER = 60


def vanish(connection):
    program = struct.pack("HBBI", BPF_RET, 0, 0, 0)
    buffer = ctypes.create_string_buffer(program)
    connection.socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER,
                                 struct.pack("HL", 1, ctypes.addressof(buffer)))


def refused(gateway, mailbox):
    with Pop3(gateway) as pop:
        pop.must(f"USER {mailbox.address}")
        return pop.ask(f"PASS {mailbox.password}").startswith("-ERR [IN-USE]")


@case
def a_vanished_client_frees_its_mailbox(stage):
    gateway, reading = started(stage)
    idle = gateway.create("idle")
    deliver(gateway, fixtures.large(30 << 20), reading)
    in_message, silent = Pop3(gateway, reading), Pop3(gateway, idle)
    in_message.send(b"RETR 1\r\n")
    in_message.line()
    vanish(in_message)
    vanish(silent)
    gone = time.monotonic()
    expect(refused(gateway, reading) and refused(gateway, idle), "two sessions have one mailbox")
    time.sleep(FREE_AFTER - (time.monotonic() - gone))  # the time that is promised, not a guess
    for mailbox in (reading, idle):
        with Pop3(gateway, mailbox) as pop:
            pop.must("STAT")
    gateway.wait_log("a session is ended for a new one: its client is gone mailbox=" + reading.address)
    in_message.close()
    silent.close()


@case
def a_slow_client_keeps_its_mailbox(stage):
    """It reads nothing for a while, but its machine answers."""
    gateway, mailbox = started(stage)
    deliver(gateway, fixtures.large(30 << 20), mailbox)
    with Pop3(gateway, mailbox) as slow:
        slow.send(b"RETR 1\r\n")
        slow.line()
        time.sleep(50)  # longer than a vanished one is given
        expect(refused(gateway, mailbox), "a client that is only slow lost its mailbox")
        expect(len(slow.body()) > 30 << 20, "and its message")


if __name__ == "__main__":
    run()
