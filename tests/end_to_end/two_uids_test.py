#!/usr/bin/env python3
"""The server runs as one account, the admin works as root: what root's commands make is served, and
what root copies in by hand is named with the `chown` line that mends it.
"""
import os
import re
import shutil
import subprocess

import fixtures
from cases import Failure, case, expect, expect_equal, need_root, run, wait_for
from clients import Smtp, deliver, fetch_all
from gateway import Gateway

SERVER = 61234  # an account of no name: nothing may depend on /etc/passwd


def as_other_user(stage):
    need_root("a server under another account")
    return Gateway(stage, user=SERVER).start()


def all_owned(gateway):
    for path in (gateway.data, *gateway.data.rglob("*")):
        status = path.lstat()
        expect_equal((status.st_uid, status.st_gid), (SERVER, SERVER),
                     f"owner of {path.relative_to(gateway.folder)}")


@case
def a_mailbox_made_by_root_is_served_at_once(stage):
    gateway = as_other_user(stage)
    mailbox = gateway.create()
    message = fixtures.journal_report()
    uidl = deliver(gateway, message, mailbox)
    found = fetch_all(gateway, mailbox)
    expect_equal(list(found), [uidl], "what is in the mailbox")
    expect_equal(fixtures.without_trace(found[uidl])[1], message, "the message")
    all_owned(gateway)


@case
def a_mailbox_made_by_root_before_the_server_runs_is_served(stage):
    need_root("a server under another account")
    gateway = Gateway(stage, user=SERVER)
    mailbox = gateway.create()
    all_owned(gateway)
    gateway.start()
    deliver(gateway, fixtures.journal_report(), mailbox)
    expect_equal(len(fetch_all(gateway, mailbox)), 1, "messages")
    all_owned(gateway)


def suggested(gateway, path):
    """The `chown` line for `path` as the log gives it; `check` must give the same."""
    def lines(text):
        found = re.findall(r"chown (?:-R )?[^ ]+ [^ `\"]+", text)
        return [line for line in found if line.endswith(str(path))]
    logged = wait_for(f"a chown line for {path} in the log", 20, lambda: lines(gateway.log()))
    checked = gateway.command("check", code=None)
    expect(checked.returncode != 0, "check finds nothing wrong")
    expect(logged[0] in lines(checked.stdout.decode() + checked.stderr.decode()),
           f"check does not say {logged[0]!r}, but:\n{checked.stdout.decode()}")
    expect(str(SERVER) in logged[0], f"whom does it give the files to? {logged[0]}")
    return logged[0]


@case
def messages_copied_in_as_root_are_named_with_their_chown_line(stage):
    """As when messages are moved by hand between nodes: the folder of a mailbox arrives as root's."""
    gateway = as_other_user(stage)
    mailbox = gateway.create()
    wanted = {deliver(gateway, fixtures.small(number), mailbox) for number in range(3)}
    folder = gateway.data / "mailboxes" / mailbox.address
    gateway.stop()
    aside = stage.folder / "aside"
    shutil.move(folder, aside)
    gateway.start()
    shutil.copytree(aside, folder)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 0, 0)
        path.chmod(0o700 if path.is_dir() else 0o600)
    try:  # a login notices; what it is answered while nothing can be read is not this case's subject
        fetch_all(gateway, mailbox)
    except Failure:
        pass
    line = suggested(gateway, folder)
    subprocess.run(["sh", "-c", line], check=True)
    expect_equal(set(fetch_all(gateway, mailbox)), wanted, f"messages after {line}")
    all_owned(gateway)


@case
def a_record_copied_in_as_root_is_named_and_mail_waits(stage):
    gateway = as_other_user(stage)
    other = Gateway(stage, user=SERVER)
    mailbox = other.create()  # as on another node, with the same domain
    folder = gateway.data / "config" / "mailboxes" / mailbox.address
    shutil.copytree(other.data / "config" / "mailboxes" / mailbox.address, folder)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 0, 0)
    suggested(gateway, folder)
    with Smtp(gateway) as smtp:
        smtp.must("MAIL FROM:<>", "250")
        smtp.must(f"RCPT TO:<{mailbox.email}>", "451")


@case
def check_fix_gives_files_to_the_owner_of_the_data(stage):
    gateway = as_other_user(stage)
    mailbox = gateway.create()
    deliver(gateway, fixtures.small(1), mailbox)
    file, = gateway.sealed_files()
    os.chown(file, 0, 0)
    expect(gateway.command("check", code=None).returncode != 0, "check does not see root's file")
    gateway.command("check", "--fix", code=None)
    all_owned(gateway)
    expect_equal(len(fetch_all(gateway, mailbox)), 1, "messages after check --fix")


if __name__ == "__main__":
    run()
