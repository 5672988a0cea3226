#!/usr/bin/env python3
"""A secret key is in memory only while a session lasts that gave the password, and the password itself no longer than
it is used or shown: nothing of either is found in the server's memory afterwards, whoever made, changed or used it.
"""
import dataclasses
import re

import fixtures
import passwords
from cases import case, expect, expect_equal, need, need_root, run
from clients import Pop3, deliver, fetch_all, sasl_plain
from gateway import Gateway
from terminal import cut_key, with_terminal
from traces import PLAIN_MEMORY, not_in_memory
from web import PASSWORD, Web, token_of

NEW_PASSWORD = "a staple of horses, correct"


def started(stage, **options):
    need_root("reads the memory of a process that forbids being looked at")
    return Gateway(stage, {"log": {"level": "debug"}}, environment=PLAIN_MEMORY, **options).start()


def numbered(what, secrets):
    return {f"{what} {number}": secret.encode() for number, secret in enumerate(secrets, 1)}


@case
def after_sessions(stage):
    need("age")
    gateway = started(stage)
    mailbox = gateway.create()
    status, key_file = with_terminal(["age", "-d", str(cut_key(gateway, mailbox, stage.folder))], mailbox.password)
    expect_equal(status, 0, "age on the sealed identity")
    deliver(gateway, fixtures.journal_report(), mailbox)
    fetch_all(gateway, mailbox)
    fetch_all(gateway, mailbox, stls=True)
    with Pop3(gateway) as pop:
        pop.must(f"AUTH PLAIN {sasl_plain(mailbox)}")
        pop.must("RETR 1")
        pop.body()
        pop.must("QUIT")
    not_in_memory(gateway, {"password": mailbox.password.encode(),
                            "secret key": re.search("AGE-SECRET-KEY-1[0-9A-Z]{58}", key_file)[0].encode(),
                            "SASL response": sasl_plain(mailbox).encode()}, "after the sessions ended")


@case
def after_commands(stage):
    gateway = started(stage)
    first = gateway.create()
    deliver(gateway, fixtures.journal_report(), first)
    second = passwords.change(gateway, first)
    third = passwords.reset(gateway, second)
    passwords.password(gateway, third, "--unlock-earlier", lines=[second.password, third.password])
    adopted = "An adopted \"password\" with a back\\slash"
    gateway.command("mailbox", "create", "--name", "Adopted", "--address", "mbx-" + "7" * 32, "--password-stdin", "--json",
                    text=adopted + "\n")
    gateway.command("admin", "create", "berta", text=f"{PASSWORD}\n")
    token = token_of(gateway, "read")
    not_in_memory(gateway, {**numbered("mailbox password", (first.password, second.password, third.password, adopted)),
                            "account's password": PASSWORD.encode(), "token": token.encode()}, "after the commands")


@case
def after_requests_of_the_page(stage):
    gateway = started(stage, web=True)
    web = Web(gateway).set_up()
    made = web.must(201, web.post("mailboxes", {"name": "By the page"}))
    mailbox = dataclasses.replace(gateway.create(), address=made["address"], email=made["email"], password=made["password"])
    change = f"mailboxes/{mailbox.address}/password"
    second = web.must(200, web.post(change, {"action": "change", "password": mailbox.password}))["password"]
    third = web.must(200, web.post(change, {"action": "reset"}))["password"]
    web.must(200, web.post(change, {"action": "unlock_earlier", "earlier_password": second, "password": third}))
    token = web.must(201, web.post("tokens", {"name": "monitor", "scope": "read"}))["token"]
    web.must(201, web.post("accounts", {"name": "berta", "password": NEW_PASSWORD}))
    Web(gateway).log_in()
    expect(Web(gateway, token).get("mailboxes").status == 200, "the token opens nothing")
    not_in_memory(gateway, {**numbered("mailbox password", (mailbox.password, second, third)),
                            **numbered("account's password", (PASSWORD, NEW_PASSWORD))}, "after the requests")


if __name__ == "__main__":
    run()
