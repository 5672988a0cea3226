#!/usr/bin/env python3
"""Every screen and dialog of the page in a real browser: rules of accessibility, widths, light and dark, weight."""
from browser import drive, link_of
from cases import case, run
from clients import Smtp, deliver
from fixtures import journal_report
from gateway import Gateway

NAMES = ("Contoso Journal", "Fabrikam Archive", "Litware", "Northwind Traders of the very long name GmbH & Co. KG",
         "Tailspin Toys")


@case
def each_screen_can_be_used_by_everybody(stage):
    gateway = Gateway(stage, {"alerts": {"unfetched": "15s"}}, web=True).start()
    mailboxes = {}

    def fill():
        """Mailboxes in every state: one with mail that nobody fetches, one suspended while senders try."""
        for name in NAMES:
            mailboxes[name] = gateway.create(name)
        gateway.command("mailbox", "edit", mailboxes["Litware"].address, "--description", "Exchange Online, tenant litware",
                        "--allow-only-journal-reports", "yes")
        for seed in range(3):
            deliver(gateway, journal_report(seed=seed), mailboxes["Fabrikam Archive"])
        suspended = mailboxes["Contoso Journal"]
        gateway.command("mailbox", "suspend", suspended.address)
        with Smtp(gateway) as smtp:
            smtp.must("MAIL FROM:<>", "250")
            smtp.must(f"RCPT TO:<{suspended.email}>", "450")
        return mailboxes["Litware"].address

    drive(stage, "looks.mjs", gateway, {"link": lambda: link_of(gateway), "fill": fill,
                                        "address": lambda: mailboxes["Litware"].address})


if __name__ == "__main__":
    run()
