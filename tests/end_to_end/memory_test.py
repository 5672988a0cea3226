#!/usr/bin/env python3
# build: release
"""Messages stream: 150 MiB in and out, and the process never holds 64 MiB.

Measured on a release build: AddressSanitizer alone keeps more than that.
"""
import hashlib

import fixtures
from cases import case, expect, expect_equal, need, run
from clients import Smtp, curl_fetch, curl_send, message_id
from gateway import started

LIMIT_KIB = 64 * 1024
OCTETS = 150 << 20


def release_only(gateway):
    with open(f"/proc/{gateway.process.pid}/maps", encoding="utf-8") as maps:
        sanitized = "libasan" in maps.read()
    expect(not sanitized, "this is a build with AddressSanitizer; give the release build to this test")


def peak_is_low(gateway, when):
    peak = gateway.status("VmHWM")
    print(f"  peak memory {when}: {peak / 1024:.1f} MiB")
    expect(peak < LIMIT_KIB, f"peak memory {when}: {peak / 1024:.1f} MiB, wanted less than 64 MiB")


@case
def a_message_of_150_mib_passes_in_and_out(stage):
    need("curl")
    gateway, mailbox = started(stage)
    release_only(gateway)
    message = fixtures.large(OCTETS)
    file = stage.folder / "message"
    file.write_bytes(message)
    curl_send(gateway, mailbox, file)
    peak_is_low(gateway, "after 150 MiB in by DATA")
    with Smtp(gateway) as smtp:
        smtp.envelope(mailbox)
        message_id(smtp.bdat(message))
    peak_is_low(gateway, "after 150 MiB in by one BDAT")
    wanted = hashlib.sha256(message).hexdigest()
    del message
    for number, stls in ((1, False), (2, True)):
        _, rest = fixtures.without_trace(curl_fetch(gateway, mailbox, number, stls, stage.folder))
        expect_equal(hashlib.sha256(rest).hexdigest(), wanted, f"SHA-256 of message {number}")
        del rest
        peak_is_low(gateway, f"after message {number} went out")


@case
def large_messages_at_once_to_several_mailboxes(stage):
    gateway, first = started(stage)
    release_only(gateway)
    mailboxes = [first, gateway.create("second"), gateway.create("third")]
    message = fixtures.large(20 << 20)
    wire = fixtures.stuffed(message)
    senders = [Smtp(gateway) for _ in range(4)]
    for smtp in senders:
        smtp.envelope(*mailboxes)
        smtp.must("DATA", "354")
    for at in range(0, len(wire), 1 << 20):  # side by side, so that all are under way together
        for smtp in senders:
            smtp.send(wire[at:at + (1 << 20)])
    for smtp in senders:
        message_id(smtp.reply())
        smtp.close()
    peak_is_low(gateway, "after four messages of 20 MiB at once to three mailboxes each")


@case
def recipients_share_one_buffer(stage):
    """Eight messages for thirty mailboxes each, all under way: no more than eight messages hold."""
    gateway, first = started(stage)
    release_only(gateway)
    mailboxes = [first, *(gateway.create(f"mailbox {number}") for number in range(29))]
    wire = fixtures.stuffed(fixtures.large(2 << 20))

    def peak_with(recipients):
        with open(f"/proc/{gateway.process.pid}/clear_refs", "w", encoding="ascii") as peaks:
            peaks.write("5")  # the peak begins anew: making mailboxes took more (scrypt)
        senders = [Smtp(gateway) for _ in range(8)]
        for smtp in senders:
            smtp.envelope(*recipients)
            smtp.must("DATA", "354")
        for at in range(0, len(wire), 1 << 17):
            for smtp in senders:
                smtp.send(wire[at:at + (1 << 17)])
        for smtp in senders:
            message_id(smtp.reply())
            smtp.close()
        return gateway.status("VmHWM")
    alone, together = peak_with([first]), peak_with(mailboxes)
    print(f"  peak memory with 8 messages: {alone / 1024:.1f} MiB for 1 mailbox, {together / 1024:.1f} MiB for 30")
    expect(together - alone < 8 * 1024, "each recipient holds plaintext of its own")


if __name__ == "__main__":
    run()
