#!/usr/bin/env python3
"""What goes wrong while somebody uses the page, in a real browser: said, and nothing is lost."""
import json
import re

from browser import drive, link_of
from cases import case, expect, run
from clients import Smtp, deliver
from fixtures import journal_report
from gateway import DOMAIN, Gateway, Mailbox


@case
def each_is_said_and_nothing_is_lost(stage):
    gateway = Gateway(stage, web=True).start()

    def mailbox(address):
        return Mailbox(address, f"{address}@{DOMAIN}", "")

    def backup(markup):
        """Of another gateway, with markup wherever it may hold text."""
        other = Gateway(stage).start()
        address = other.create(f"imported {markup}").address
        other.command("mailbox", "edit", address, "--description", f"described {markup}")
        text = other.command("backup", "export", "-").stdout.decode()
        doctored = re.sub('^hostname = .*$', lambda _: "hostname = " + json.dumps(f"host {markup}"), text, flags=re.M)
        expect(doctored != text, "the backup has no hostname")
        file = stage.folder / "doctored.toml"
        file.write_text(doctored)
        return str(file)

    drive(stage, "trouble.mjs", gateway, {
        "link": lambda: link_of(gateway),
        "show": lambda address: json.loads(gateway.command("mailbox", "show", address, "--json").stdout),
        "describe": lambda address, words: gateway.command("mailbox", "edit", address, "--description", words) and None,
        "deliver": lambda address, subject: deliver(gateway, journal_report(subject=subject), mailbox(address)) and None,
        "backup": backup,
        "stop": gateway.stop,
        "start": lambda: gateway.start() and None,
    })


@case
def a_mailbox_takes_no_mail_before_the_tick(stage):
    gateway = Gateway(stage, web=True).start()

    def refused(address):
        with Smtp(gateway) as smtp:
            smtp.must("MAIL FROM:<>", "250")
            answer = smtp.ask(f"RCPT TO:<{address}@{DOMAIN}>")
            expect(answer.startswith("450 4.2.1"), f"a mailbox without the tick answers {answer}")

    drive(stage, "before_the_tick.mjs", gateway, {"link": lambda: link_of(gateway), "refused": refused})


if __name__ == "__main__":
    run()
