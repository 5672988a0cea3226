#!/usr/bin/env python3
# time limit: 600 s
# waits
"""What admins put below mailboxes/ and config/ by hand: messages moved from another node are served; wrong
files are left where they are, left out, named, and judged again when they change; a slow copy is never taken
for a wrong file.
"""
import os
import shutil
import ssl
import threading
import time

import fixtures
from cases import Failure, case, expect, expect_equal, run
from clients import Pop3, deliver, fetch_all
from gateway import Gateway, started
from passwords import change, counts
from strain import short_or_full
from two_gateways import config

SLOWLY = short_or_full(70, 95)  # seconds that a slow copy takes; a file of 60 s is judged
PIECES = 12
LARGE = 300_000  # octets: several chunks, so that a part of it can be opened


def with_mail(stage, number):
    gateway, mailbox = started(stage)
    return gateway, mailbox, [deliver(gateway, fixtures.small(each), mailbox) for each in range(number)]


def listed(gateway, mailbox):
    with Pop3(gateway, mailbox) as pop:
        found = [uidl for _, uidl in pop.listing("UIDL")]
        pop.must("QUIT")
    return found


def checked(gateway):
    return gateway.command("check", code=None).stdout.decode()


@case
def messages_moved_from_another_node_are_served(stage):
    one, mailbox, uidls = with_mail(stage, 2)
    other = Gateway(stage)
    shutil.copytree(config(one), config(other))
    other.start()
    uidls += [deliver(other, fixtures.small(9), mailbox) for _ in range(3)]
    renewed = change(other, mailbox)
    shutil.copytree(config(other), config(one), dirs_exist_ok=True)  # not trusted there, but that is no matter
    uidls.append(deliver(other, fixtures.small(8), renewed))
    other.stop()
    folders = sorted((other.data / "mailboxes" / mailbox.address).iterdir())
    expect_equal(len(folders), 2, "keys that the other node's mail was sealed to")
    for folder in folders:  # the files are added to those that are there; of the new key there is no folder yet
        target = one.data / "mailboxes" / mailbox.address / folder.name
        target.mkdir(exist_ok=True, mode=0o700)
        for file in folder.iterdir():
            os.rename(file, target / file.name)
    expect_equal(listed(one, mailbox), uidls[:5], "what the first node's password lists")
    expect_equal(set(fetch_all(one, mailbox)), set(uidls[:5]), "what it opens")
    backup = stage.folder / "backup.toml"
    other.command("backup", "export", str(backup))
    one.command("backup", "import", str(backup), "--trust")
    expect_equal(set(fetch_all(one, renewed)), set(uidls), "what the new password opens, once its node is trusted")
    expect_equal(counts(one, renewed), (6, 0), "waiting and locked")


def content(paths):
    return {path: path.read_bytes() for path in paths}


@case
def wrong_files_are_left_out_and_judged_again_when_they_change(stage):
    gateway, mailbox, uidls = with_mail(stage, 3)
    stranger = gateway.create()
    elsewhere = deliver(gateway, fixtures.small(5), stranger)
    files = {file.name: file for file in gateway.sealed_files()}
    folder = files[uidls[0]].parent  # the stranger's address may sort before ours
    whole = files[uidls[1]].read_bytes()
    damaged = bytearray(whole)
    damaged[-20] ^= 1
    files[uidls[1]].write_bytes(damaged)
    sealed_to_another = folder / (elsewhere[:-1] + ("0" if elsewhere[-1] != "0" else "1"))
    shutil.copy(files[elsewhere], sealed_to_another)
    (folder / "notes.txt").write_text("not a message")
    (folder / "a folder").mkdir()
    wrong = content([files[uidls[1]], sealed_to_another, folder / "notes.txt"])
    with Pop3(gateway, mailbox) as pop:
        numbers = {uidl: number for number, uidl in pop.listing("UIDL")}
        expect_equal(set(numbers), {*uidls, sealed_to_another.name}, "what may be a message, unopened")
        for name in (uidls[1], sealed_to_another.name):
            expect(pop.ask(f"RETR {numbers[name]}").startswith("-ERR [SYS/"), f"{name} is answered +OK")
        for name in (uidls[0], uidls[2]):
            pop.retr(numbers[name])
    expect_equal(listed(gateway, mailbox), [uidls[0], uidls[2]], "what is listed once they have failed")
    expect("a folder" in gateway.log(), "the log does not name the folder")
    expect_equal(content(wrong), wrong, "the wrong files")
    files[uidls[1]].write_bytes(whole)  # of the same size: a good copy from elsewhere
    expect_equal(listed(gateway, mailbox), uidls, "what is listed when the good copy is there")
    expect_equal(set(fetch_all(gateway, mailbox)), set(uidls), "what opens")
    expect("a folder" in checked(gateway), "`check` does not name the folder")


def slowly(source, target, ended):
    """Copies as a bad line does; no pause between two pieces is as long as the whole copy."""
    octets = source if isinstance(source, bytes) else source.read_bytes()
    step = -(-len(octets) // PIECES)
    for at in range(0, len(octets), step):
        with open(target, "ab") as file:
            file.write(octets[at:at + step])
        if at + step < len(octets):
            time.sleep(SLOWLY / (PIECES - 1))
    ended.set()


@case
def a_slow_copy_is_never_taken_for_a_wrong_file(stage):
    gateway, mailbox, uidls = with_mail(stage, 1)
    other = Gateway(stage, {"hostname": "msgw2.example.com"})
    shutil.copytree(config(gateway), config(other))
    other.start()
    slow = deliver(other, fixtures.large(LARGE), mailbox)
    message, = other.sealed_files()
    other.stop()
    second = gateway.create("its record is copied slowly over the good one")
    own, = (config(gateway) / "mailboxes" / second.address).glob("n-*.toml")
    whole = own.read_bytes()
    own.write_bytes(b"")  # what `cp` does first
    ends = [threading.Event(), threading.Event()]
    copies = [threading.Thread(target=slowly, args=arguments, daemon=True) for arguments in (
        (message, message_path(gateway, mailbox, slow), ends[0]), (whole, own, ends[1]))]
    for copy in copies:
        copy.start()
    while not all(end.is_set() for end in ends):
        one_look(gateway, mailbox, uidls, slow)
        deliver(gateway, fixtures.small(3), second)
        said = checked(gateway)
        expect(slow not in said, f"`check` calls the slow copy wrong:\n{said}")
        time.sleep(3)
    for copy in copies:
        copy.join()
    expect_equal(set(fetch_all(gateway, mailbox)), {*uidls, slow}, "what opens when the copy is there")
    expect_equal(own.read_bytes(), whole, "the record that was copied slowly")
    expect_equal(list(own.parent.iterdir()), [own], "what lies beside it")
    log = gateway.log()
    for word in ("cannot be opened", "file left out", "was damaged", "damaged record"):
        expect(word not in log, f"the log says {word!r}")
    expect("problem  records" not in checked(gateway), "`check` finds fault with a record")


def message_path(gateway, mailbox, uidl):
    return next(file for file in gateway.sealed_files()
                if file.parent.parent.name == mailbox.address).parent / uidl


def one_look(gateway, mailbox, uidls, slow):
    """An archiver comes by: it gets the others, and nothing of the slow one but whole."""
    with Pop3(gateway, mailbox) as pop:
        numbers = {uidl: number for number, uidl in pop.listing("UIDL")}
        expect(set(uidls) <= set(numbers), "a good message is not listed")
        for uidl in uidls:
            pop.retr(numbers[uidl])
        if slow in numbers:
            whole = retrieved(pop, numbers[slow])
            expect(whole is None or len(whole) > LARGE, "half a message was sent as a whole one")


def retrieved(pop, number):
    """The message, or None where it was refused, or the connection ended before its final dot."""
    try:
        return pop.retr(number)
    except (Failure, ConnectionError, ssl.SSLError):
        return None


if __name__ == "__main__":
    run()
