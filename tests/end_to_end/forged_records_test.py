#!/usr/bin/env python3
"""Somebody writes into config/ what no trusted node has signed, to lead mail to a key of his own: while mail
arrives, and the server runs. Senders notice nothing, mail stays sealed to the key it had, the right password
opens it, and log, `check` and `mailbox show` name the file.
"""
import json
import re
import shutil

import fixtures
from cases import case, expect, expect_equal, run, wait_for
from clients import deliver, fetch_all
from gateway import Gateway, started
from passwords import Sender, opens_nothing, password, reset
from two_gateways import config, noticed


def records(gateway, mailbox):
    return config(gateway) / "mailboxes" / mailbox.address


def own_file(gateway, mailbox):
    """Of the node itself: the only one in node/ that it has said something in."""
    return next(file for file in records(gateway, mailbox).glob("n-*.toml")
                if f'node_name = "{gateway.settings["hostname"]}"' in file.read_text())


def head_of(text):
    return re.search(r'^node = ".*?"$.*?^node_key = ".*?"$', text, re.MULTILINE | re.DOTALL)[0]


def key_statement(text):
    """The last statement, which a reset has made."""
    return "[[statement]]" + text.rpartition("[[statement]]")[2]


def foreign_file(gateway, thief, mailbox):
    theirs = own_file(thief, mailbox)
    shutil.copy(theirs, records(gateway, mailbox))
    return records(gateway, mailbox) / theirs.name


def under_our_name(gateway, thief, mailbox):
    """The thief's statement in our file, as if we had made it."""
    file = own_file(gateway, mailbox)
    with file.open("a") as ours:
        ours.write("\n" + key_statement(own_file(thief, mailbox).read_text()))
    return file


def our_id_and_his_key(gateway, thief, mailbox):
    file, theirs = own_file(gateway, mailbox), own_file(thief, mailbox).read_text()
    ours = re.search(r'^node = .*$', file.read_text(), re.MULTILINE)[0]
    file.write_text(re.sub(r'^node = .*$', ours, theirs, flags=re.MULTILINE))
    return file


def our_head_over_his_statements(gateway, thief, mailbox):
    file, theirs = own_file(gateway, mailbox), own_file(thief, mailbox).read_text()
    file.write_text(theirs.replace(head_of(theirs), head_of(file.read_text())))
    return file


def exchanged_recipient(gateway, thief, mailbox):
    file = own_file(gateway, mailbox)
    text = file.read_text()
    ours = re.search(r'^recipient = "(age1.*)"$', text, re.MULTILINE)[1]
    file.write_text(text.replace(ours, keys_of(thief, mailbox)[-1]))
    return file


def unsigned(gateway, thief, mailbox):
    file = own_file(gateway, mailbox)
    statement = key_statement(own_file(thief, mailbox).read_text())
    with file.open("a") as ours:
        ours.write("\n" + re.sub(r'^signature = .*$', "", statement, flags=re.MULTILINE))
    return file


def of_another_mailbox(gateway, thief, mailbox):
    """The thief's own mailbox on the very gateway: its record, with its key, in the place of another's."""
    his = gateway.create("the thief's own")
    file = own_file(gateway, mailbox)
    shutil.copy(own_file(gateway, his), file)
    return file


FORGERIES = (foreign_file, under_our_name, our_id_and_his_key, our_head_over_his_statements, exchanged_recipient,
             unsigned, of_another_mailbox)


def keys_of(gateway, mailbox):
    shown = json.loads(gateway.command("mailbox", "show", mailbox.address, "--json").stdout)
    return [key["recipient"] for key in shown["keys"]]


def sealed_to(gateway, mailbox):
    return {file.parent.name for file in gateway.sealed_files() if file.parent.parent.name == mailbox.address}


@case
def no_forgery_leads_mail_away(stage):
    gateway = Gateway(stage).start()
    boxes = [gateway.create(forgery.__name__) for forgery in FORGERIES]
    thief = Gateway(stage, {"hostname": "thief.example.com"})
    shutil.copytree(config(gateway), config(thief))  # a stolen backup
    thief.start()
    for mailbox in boxes:
        reset(thief, mailbox)
    thief.stop()
    for number, (forgery, mailbox) in enumerate(zip(FORGERIES, boxes)):
        key, = keys_of(gateway, mailbox)
        sender = Sender(gateway, mailbox, number)
        sender.start()
        wait_for("mail to flow", 60, lambda: sender.stored or sender.failure)
        file = forgery(gateway, thief, mailbox)
        noticed(gateway)
        sent = len(sender.stored)
        wait_for("mail to flow on", 60, lambda: len(sender.stored) > sent + 5 or sender.failure)
        sender.ending.set()
        sender.join()
        what = forgery.__name__
        expect(sender.failure is None, f"{what}: the sender failed: {sender.failure!r}")
        expect_equal(sealed_to(gateway, mailbox), {key}, f"{what}: keys that mail is sealed to")
        expect_equal(keys_of(gateway, mailbox), [key], f"{what}: keys of the mailbox")
        expect_equal(set(fetch_all(gateway, mailbox)), sender.stored, f"{what}: what the password opens")
        expect(str(file) in gateway.log(), f"{what}: the log does not name {file}")
        told = gateway.command("check", code=None)
        expect(told.returncode and str(file) in told.stdout.decode(), f"{what}: `check` says\n{told.stdout.decode()}")
    gateway.restart()
    for mailbox in boxes:
        uidl = deliver(gateway, fixtures.small(1), mailbox)
        expect(uidl in fetch_all(gateway, mailbox), "mail after a restart does not open")
        expect_equal(len(sealed_to(gateway, mailbox)), 1, "keys that mail is sealed to, after a restart")


@case
def what_is_held_back_is_shown_and_counts_once_its_node_is_trusted(stage):
    gateway, mailbox = started(stage)
    uidl = deliver(gateway, fixtures.small(1), mailbox)
    other = Gateway(stage, {"hostname": "other.example.com"})
    shutil.copytree(config(gateway), config(other))
    other.start()
    renewed = reset(other, mailbox)
    foreign_file(gateway, other, mailbox)
    shown = wait_for("the foreign file to be seen", 20, lambda: json.loads(gateway.command(
        "mailbox", "show", mailbox.address, "--json").stdout) if "held back" in gateway.log() else None)
    expect_equal(shown["held_back"], 1, "statements held back")
    told = gateway.command("mailbox", "show", mailbox.address).stdout.decode()
    expect(re.search(r"Held back +1 statement", told), f"shown is\n{told}")
    backup = stage.folder / "backup.toml"
    other.command("backup", "export", str(backup))
    gateway.command("backup", "import", str(backup), "--trust")
    opens_nothing(gateway, mailbox)
    password(gateway, renewed, "--unlock-earlier", lines=[mailbox.password, renewed.password])
    expect_equal(list(fetch_all(gateway, renewed)), [uidl], "what the other node's password opens, once trusted")


if __name__ == "__main__":
    run()
