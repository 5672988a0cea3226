#!/usr/bin/env python3
# time limit: 1800 s
"""The sequences that lose mail elsewhere: a password changed or reset on one of two nodes, and config/
copied between them in either direction, over newer files, with every tool and with the server running or
not. Messages wait on both. None is lost; each opens with a password that was valid on the node that took
it; in the end both nodes seal to one key.

`make test` takes each way of copying once; `make soak` in both directions, with the server running and not.
"""
import shutil

import fixtures
from cases import case, expect_equal, need, run
from passwords import counts
from strain import short_or_full
from two_gateways import COPYING, Mail, config, copied, descriptions, introduced

WHOLE = short_or_full(False, True)


class Round:
    """Four mailboxes with messages on both nodes, their passwords changed or reset on either."""

    def __init__(self, one, other, notebook, mail, name):
        self.one, self.other, self.notebook, self.mail = one, other, notebook, mail
        self.boxes = {what: notebook.create(one, f"{name}, {what}")
                      for what in ("change on one", "reset on one", "change on the other", "reset on the other")}
        copied("cp -a", one, other)
        self.deliver()

    def deliver(self):
        for number, mailbox in enumerate(self.boxes.values()):
            for gateway in (self.one, self.other):
                self.mail.deliver(gateway, mailbox, fixtures.small(number))

    def new_passwords(self):
        for what, mailbox in self.boxes.items():
            gateway = self.one if what.endswith("on one") else self.other
            (self.notebook.change if what.startswith("change") else self.notebook.reset)(gateway, mailbox)

    def nothing_is_lost(self):
        for mailbox in self.boxes.values():
            for gateway in (self.one, self.other):
                self.mail.is_all_there(gateway, mailbox)


def play(pair, mail, how, running, from_one):
    one, other, notebook, _ = pair
    source, target = (one, other) if from_one else (other, one)
    this = Round(one, other, notebook, mail, f"{how}, {'running' if running else 'stopped'}")
    older = source.folder / "older"
    if how == "a restored folder":  # of before the passwords were changed
        shutil.copytree(config(source), older, dirs_exist_ok=True)
    this.new_passwords()
    this.deliver()
    if not running:
        target.stop()
    copied(how, older if older.exists() else source, target)
    if not running:
        target.start()
    shutil.rmtree(older, ignore_errors=True)
    this.deliver()
    this.nothing_is_lost()
    return list(this.boxes.values())


def unite(one, other, boxes):
    """Both nodes say something, which writes out what they know; then each gets the other's files, the
    second time without anything older in them."""
    for source, target in ((one, other), (other, one), (one, other)):
        for mailbox in boxes:
            source.command("mailbox", "edit", mailbox.address, "--description", f"united by {source.hostname}")
        copied("cp", source, target)
        expect_equal({descriptions(target)[mailbox.address] for mailbox in boxes}, {f"united by {source.hostname}"},
                     "what the other has taken over")


def seal_to_one_key(one, other, notebook, boxes):
    for mailbox in boxes:
        expect_equal(notebook.recipient(one, mailbox.address), notebook.recipient(other, mailbox.address),
                     f"the key that mail for {mailbox.address} is sealed to")


@case
def no_way_of_copying_loses_a_message(stage):
    need("rsync")
    pair = one, other, notebook, _ = introduced(stage)
    one.hostname, other.hostname = "one", "other"
    mail = Mail(notebook)
    boxes = []
    for turn, how in enumerate(COPYING):
        for running in (True, False) if WHOLE else (turn % 2 == 0,):
            for from_one in (True, False) if WHOLE else (turn < 2,):
                boxes += play(pair, mail, how, running, from_one)
    unite(one, other, boxes)
    seal_to_one_key(one, other, notebook, boxes)
    for mailbox in boxes:
        for gateway in (one, other):
            mail.deliver(gateway, mailbox, fixtures.small(9))
            mail.all_opens(gateway, mailbox)
    for gateway in (one, other):
        gateway.restart()
        for mailbox in boxes:
            expect_equal(counts(gateway, mailbox), (len(mail.taken[gateway, mailbox]), 0), "after a restart")


if __name__ == "__main__":
    run()
