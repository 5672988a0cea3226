#!/usr/bin/env python3
"""Pins of senders, as an administrator sets them, against real senders: by network, by TLS and client
certificate, by the header of what they send; observed, then enforced.

The test's own authority stands for the system's roots: SSL_CERT_FILE names it. What the grammar of
each pin is, the dialogues spec-2-pin-* show.
"""
import json
import subprocess

from cases import case, expect, expect_equal, need, run, wait_for
from clients import SENDER, Smtp, message_id, tls_context
from fixtures import stuffed
from gateway import die_with_parent, started

M365 = "mail.protection.outlook.com"
REPORT = b"X-MS-Journal-Report:\r\nX-OriginatorOrg: contoso.example\r\nSubject: a report\r\n\r\ntext\r\n"
OTHER = b"X-OriginatorOrg: fabrikam.example\r\nSubject: no report\r\n\r\ntext\r\n"


def pin(gateway, mailbox, **pins):
    words = [f"--allow-{name.replace('_', '-')}={value}" for name, value in pins.items()]
    return json.loads(gateway.command("mailbox", "edit", mailbox.address, "--json", *words).stdout)


def turned_away(gateway, mailbox):
    """{reason: (refused, taken all the same, what was seen last)}"""
    shown = json.loads(gateway.command("mailbox", "show", mailbox.address, "--json").stdout)
    return {one["reason"]: (one["refused"], one["observed"], one["seen"]) for one in shown["turned_away"]}


def rcpt(smtp, mailbox):
    """The answer to RCPT in a transaction of its own."""
    smtp.must("RSET", "250")
    smtp.must(f"MAIL FROM:<{SENDER}>", "250")
    return smtp.ask(f"RCPT TO:<{mailbox.email}>")


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True, timeout=60,
                   preexec_fn=die_with_parent)


class Authority:
    """A certificate authority and what it signs, each a PEM file with its key behind it."""

    def __init__(self, folder):
        self.folder = folder
        self.file = self.make("authority", "/CN=Test Authority", "basicConstraints=critical,CA:TRUE")

    def make(self, name, subject, extension, signed=False, days=30):
        key, certificate = self.folder / f"{name}.key", self.folder / f"{name}.crt"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc",
                "-subj", subject, "-days", str(days), "-addext", extension,
                "-addext", "extendedKeyUsage=serverAuth",  # as Microsoft 365 shows: one of a server
                "-keyout", str(key), "-out", str(certificate),
                *(["-CA", str(self.file), "-CAkey", str(self.file)] if signed else []))
        whole = self.folder / f"{name}.pem"
        whole.write_bytes(certificate.read_bytes() + key.read_bytes())
        return whole

    def context(self, host, signed=True):
        """A client that shows a certificate for `host`."""
        context = tls_context()
        context.load_cert_chain(self.make(f"{host}-{signed}", f"/CN={host}", f"subjectAltName=DNS:{host}", signed))
        return context


@case
def a_network_is_observed_then_enforced(stage):
    gateway, mailbox = started(stage)
    shown = pin(gateway, mailbox, networks="127.9.0.0/16,2001:db8::/32")
    expect_equal(shown["senders"], "from 127.9.0.0/16 or 2001:db8::/32 (observed only)", "senders")
    with Smtp(gateway, source="127.8.0.1") as outside, Smtp(gateway, source="127.9.0.1") as inside:
        expect(rcpt(outside, mailbox).startswith("250 2.1.5"), "a pin that only observes refuses")
        expect(rcpt(inside, mailbox).startswith("250 2.1.5"), "the pinned network is refused")
        expect_equal(turned_away(gateway, mailbox), {"network": (0, 1, "127.8.0.1")}, "what was noted")
        pin(gateway, mailbox, mode="enforce")
        expect(rcpt(outside, mailbox).startswith("550 5.7.1"), "another network is taken")
        expect(rcpt(inside, mailbox).startswith("250 2.1.5"), "the pinned network is refused")
        expect_equal(turned_away(gateway, mailbox), {"network": (1, 1, "127.8.0.1")}, "what was noted")
        pin(gateway, mailbox, networks="none")
        expect(rcpt(outside, mailbox).startswith("250 2.1.5"), "a pin taken away still refuses")
    text = gateway.command("mailbox", "show", mailbox.address).stdout.decode()
    expect("network: 1 refused, 1 taken all the same" in text and "everybody" in text, f"shown: {text}")


@case
def a_certificate_is_worth_what_the_roots_say(stage):
    need("openssl")
    authority = Authority(stage.folder)
    gateway, mailbox = started(stage, environment={"SSL_CERT_FILE": str(authority.file)})
    pin(gateway, mailbox, mode="enforce", tls="certificate", certificate_names=M365)
    for context, code, seen in (
            (authority.context(M365), "250 2.1.5", None),
            (authority.context("mail.example.com"), "450 4.7.0", "certificate for mail.example.com"),
            (authority.context(M365, signed=False), "450 4.7.0", "certificate: self-signed certificate"),
            (tls_context(), "450 4.7.0", "certificate: none was given")):
        with Smtp(gateway, context=context) as smtp:
            answer = rcpt(smtp, mailbox)
        expect(answer.startswith(code), f"{seen or 'the right certificate'}: {answer}")
        if seen:
            expect_equal(turned_away(gateway, mailbox)["certificate"][2], seen, "what was seen")
    with Smtp(gateway, starttls=False) as smtp:
        expect(rcpt(smtp, mailbox).startswith("450 4.7.0"), "mail without TLS is taken")
    expect_equal(turned_away(gateway, mailbox)["tls"], (1, 0, "no TLS"), "what was noted")


@case
def clients_are_asked_for_certificates_only_where_one_is_pinned(stage):
    need("openssl")
    gateway, mailbox = started(stage)

    def asked():
        done = subprocess.run(
            ["openssl", "s_client", "-starttls", "smtp", "-connect", f"{gateway.host}:{gateway.smtp}", "-msg"],
            input=b"QUIT\n", capture_output=True, timeout=60, preexec_fn=die_with_parent)
        expect(b"EncryptedExtensions" in done.stdout, f"no handshake: {done.stderr[-400:]!r}")
        return b"CertificateRequest" in done.stdout
    expect(not asked(), "clients are asked for certificates although nobody pins one")
    pin(gateway, mailbox, tls="certificate", certificate_names=M365)
    expect(asked(), "a pinned certificate is not asked for")
    pin(gateway, mailbox, tls="required")
    expect(not asked(), "clients are still asked for certificates")


@case
def a_message_is_judged_by_its_own_header(stage):
    gateway, mailbox = started(stage)
    pin(gateway, mailbox, mode="enforce", only_journal_reports="yes", originator_org="Contoso.example")
    with Smtp(gateway) as smtp:
        for body in (b"", b"x" * 70 + b"\r\n"):
            large = OTHER + 30_000 * body  # beyond what one buffer holds
            smtp.envelope(mailbox)
            expect(smtp.data(stuffed(large)).startswith("550 5.7.1"), "no journal report, and taken")
            smtp.envelope(mailbox)
            expect(smtp.bdat(large, 100_000).startswith("550 5.7.1"), "no journal report by BDAT, and taken")
        # A worker lets go of what was refused; its sender need not wait for that.
        wait_for("no file of a message to be open", 30,
                 lambda: not any("mailboxes" in name for name in gateway.open_files().values()))
        expect_equal(gateway.sealed_files(), [], "messages on the disk")
        smtp.envelope(mailbox)
        message_id(smtp.data(stuffed(REPORT)))
        smtp.envelope(mailbox)
        message_id(smtp.bdat(REPORT, 7))
    expect_equal(len(gateway.sealed_files()), 2, "messages")
    expect_equal(turned_away(gateway, mailbox), {"no_journal_report": (4, 0, "no X-MS-Journal-Report")}, "noted")
    gateway.wait_log("the message is no journal report.*mailbox=" + mailbox.address)


@case
def pins_last_and_are_refused_whole(stage):
    gateway, mailbox = started(stage)
    refused = gateway.command("mailbox", "edit", mailbox.address, "--allow-networks=10.0.0.1/8", code=65)
    expect(b"is an address within a network" in refused.stderr, f"said: {refused.stderr!r}")
    gateway.command("mailbox", "edit", mailbox.address, "--allow-mode=strict", code=64)
    pin(gateway, mailbox, mode="enforce", networks="127.9.0.0/16")
    gateway.restart()
    with Smtp(gateway, source="127.8.0.1") as smtp:
        expect(rcpt(smtp, mailbox).startswith("550 5.7.1"), "the pin is forgotten over a restart")


if __name__ == "__main__":
    run()
