#!/usr/bin/env python3
"""Journal reports sent by Postfix, Exim and OpenSMTPD arrive octet by octet, after the one Received field
that each of them adds.
"""
from cases import case, expect, run
from clients import fetch_all
from exim import Exim
from gateway import started
from mail_server import HELLO
from opensmtpd import OpenSmtpd
from postfix import Postfix
from reports import REPORTS, check_relayed


def every_report_arrives(gateway, mailbox, server):
    sent = [server.send(message, mailbox) for message in REPORTS.values()]
    for (name, message), fetched in zip(REPORTS.items(), fetch_all(gateway, mailbox).values(), strict=True):
        check_relayed(fetched, mailbox, message, HELLO, name)
    return sent


@case
def postfix_sends_every_report_with_opportunistic_tls(stage):
    gateway, mailbox = started(stage)
    every_report_arrives(gateway, mailbox, Postfix(stage, gateway, "may"))


@case
def postfix_sends_every_report_with_mandatory_tls(stage):
    gateway, mailbox = started(stage)
    every_report_arrives(gateway, mailbox, Postfix(stage, gateway, "encrypt"))


def sent_by_exim(stage, chunking):
    gateway, mailbox = started(stage)
    for line in every_report_arrives(gateway, mailbox, Exim(stage, gateway, chunking)):
        expect((" K " in line) == chunking, f"BDAT should be {'used' if chunking else 'unused'}: {line}")


@case
def exim_sends_every_report_by_bdat(stage):
    sent_by_exim(stage, chunking=True)


@case
def exim_sends_every_report_by_data(stage):
    sent_by_exim(stage, chunking=False)


@case
def opensmtpd_sends_every_report(stage):
    gateway, mailbox = started(stage)
    every_report_arrives(gateway, mailbox, OpenSmtpd(stage, gateway))


if __name__ == "__main__":
    run()
