#!/usr/bin/env python3
"""The curl lines by which admins look into a mailbox work as they are written in other people's
recipes: login without @domain, STLS on the plain port or TLS from the start, nothing verified.
"""
import shlex

import fixtures
from cases import case, expect, expect_equal, need, run
from clients import deliver, fetch_all, program
from gateway import DOMAIN, started


def curl(line, **options):
    return program(*shlex.split(line), **options).stdout


def lines_work(gateway, mailbox, url, user):
    wanted = fetch_all(gateway, mailbox)
    listed = curl(f"curl --ssl-reqd --insecure {url}/ -u {user}")
    expect_equal(listed.decode().split(), [word for number, fetched in enumerate(wanted.values(), 1)
                                           for word in (str(number), str(len(fetched)))], "the list")
    uidls = curl(f"curl --ssl-reqd --insecure --request UIDL {url}/ -u {user}")
    expect_equal(uidls.decode().split(), [word for number, uidl in enumerate(wanted, 1)
                                          for word in (str(number), uidl)], "the list of UIDL")
    for number, fetched in enumerate(wanted.values(), 1):
        expect_equal(curl(f"curl --ssl-reqd --insecure {url}/{number} -u {user}"), fetched, f"message {number}")


@case
def the_lines_work_on_the_plain_port_and_under_tls(stage):
    need("curl")
    gateway, mailbox = started(stage)
    for message in (fixtures.journal_report(), fixtures.dots(), fixtures.eight_bit()):
        deliver(gateway, message, mailbox)
    for url in (f"pop3://{gateway.host}:{gateway.pop3}", f"pop3s://{gateway.host}:{gateway.pop3s}"):
        for login in (mailbox.address, mailbox.address.upper(), f"{mailbox.address}@{DOMAIN}"):
            lines_work(gateway, mailbox, url, shlex.quote(f"{login}:{mailbox.password}"))


@case
def the_password_is_asked_for_where_the_line_has_none(stage):
    need("curl")
    gateway, mailbox = started(stage)
    deliver(gateway, fixtures.journal_report(), mailbox)
    for url in (f"pop3://{gateway.host}:{gateway.pop3}", f"pop3s://{gateway.host}:{gateway.pop3s}"):
        listed = curl(f'curl --ssl-reqd --insecure {url}/ -u "{mailbox.address}"',
                      text=mailbox.password.encode() + b"\n")
        expect(listed.startswith(b"1 "), f"the list says {listed!r}")


@case
def an_empty_mailbox_is_an_empty_list(stage):
    need("curl")
    gateway, mailbox = started(stage)
    user = shlex.quote(f"{mailbox.address}:{mailbox.password}")
    for url in (f"pop3://{gateway.host}:{gateway.pop3}", f"pop3s://{gateway.host}:{gateway.pop3s}"):
        expect_equal(curl(f"curl --ssl-reqd --insecure {url}/ -u {user}").strip(), b"", "the list")


@case
def curl_says_67_where_the_password_is_wrong(stage):
    need("curl")
    gateway, mailbox = started(stage)
    for url in (f"pop3://{gateway.host}:{gateway.pop3}", f"pop3s://{gateway.host}:{gateway.pop3s}"):
        program("curl", "--ssl-reqd", "--insecure", f"{url}/", "-u", f"{mailbox.address}:wrong", code=67)


if __name__ == "__main__":
    run()
