#!/usr/bin/env python3
"""What admins do to mailboxes, accounts and tokens on the page, in a real browser, and what it does outside."""
from browser import drive, link_of
from cases import case, run
from clients import Pop3, Smtp, Wire, deliver
from fixtures import journal_report
from gateway import DOMAIN, Gateway, Mailbox
from web import Web


def greeting(gateway):
    with Wire(gateway.host, gateway.smtp) as wire:
        return wire.line().decode()


@case
def each_action_does_what_the_page_says(stage):
    gateway = Gateway(stage, web=True).start()

    def mailbox(address, password=""):
        return Mailbox(address, f"{address}@{DOMAIN}", password)

    def rcpt(address):
        with Smtp(gateway) as smtp:
            smtp.must("MAIL FROM:<>", "250")
            return smtp.ask(f"RCPT TO:<{address}@{DOMAIN}>")[:3]

    def waits(address, password):
        with Pop3(gateway, mailbox(address, password)) as pop:
            return int(pop.must("STAT").split()[1])

    drive(stage, "actions.mjs", gateway, {
        "link": lambda: link_of(gateway),
        "deliver": lambda address: deliver(gateway, journal_report(), mailbox(address)) and None,
        "greeting": lambda: greeting(gateway),
        "rcpt": rcpt,
        "waits": waits,
        "token": lambda token: Web(gateway, token=token).get("mailboxes").status,
    })


if __name__ == "__main__":
    run()
