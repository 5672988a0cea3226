#!/usr/bin/env python3
"""If Postern were gone: stock `age` opens a mailbox with what lies on disk and the password, in the two
lines that the documentation gives. What it shows is exactly what RETR gives.
"""
import re

import fixtures
from cases import case, expect, expect_equal, need, run
from clients import deliver, fetch_all
from gateway import started
from terminal import cut_key, with_terminal

@case
def age_opens_every_message_with_the_password(stage):
    need("age")
    gateway, mailbox = started(stage)
    for message in (b"", fixtures.journal_report(), fixtures.odd_octets(), fixtures.large(1 << 20)):
        deliver(gateway, message, mailbox, form="BDAT")
    wanted = fetch_all(gateway, mailbox)
    key, plain = cut_key(gateway, mailbox, stage.folder), stage.folder / "plain"
    files = gateway.sealed_files()
    expect_equal(sorted(file.name for file in files), sorted(wanted), "names of files and UIDLs")
    for file in files:
        expect_equal(file.read_bytes()[:22], b"age-encryption.org/v1\n", f"first line of {file.name}")
        status, shown = with_terminal(
            ["age", "-d", "-i", str(key), "-o", str(plain), str(file)], mailbox.password)
        expect_equal(status, 0, f"age on {file.name} says {shown}")
        expect_equal(plain.read_bytes(), wanted[file.name], f"what age shows of {file.name}")


@case
def the_key_says_whose_it_is(stage):
    need("age")
    gateway, mailbox = started(stage)
    identity = stage.folder / "identity"
    status, shown = with_terminal(["age", "-d", "-o", str(identity),
                                   str(cut_key(gateway, mailbox, stage.folder))], mailbox.password)
    expect_equal(status, 0, f"age says {shown}")
    text = identity.read_text()
    expect(re.search(rf"^#.*{mailbox.address}", text, re.MULTILINE), "no comment names the mailbox")
    expect(re.search(r"^#.*age1[0-9a-z]{58}", text, re.MULTILINE), "no comment names the recipient")
    expect_equal(len(re.findall(r"^AGE-SECRET-KEY-1[0-9A-Z]{58}$", text, re.MULTILINE)), 1, "secret keys")


@case
def without_the_password_age_opens_nothing(stage):
    need("age")
    gateway, mailbox = started(stage)
    deliver(gateway, fixtures.journal_report(), mailbox)
    key, plain = cut_key(gateway, mailbox, stage.folder), stage.folder / "plain"
    file, = gateway.sealed_files()
    status, _ = with_terminal(["age", "-d", "-i", str(key), "-o", str(plain), str(file)],
                              mailbox.password[:-1])
    expect(status != 0, "age took a wrong password")
    expect(not plain.exists() or not plain.read_bytes(), "age wrote a message all the same")


if __name__ == "__main__":
    run()
