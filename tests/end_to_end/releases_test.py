#!/usr/bin/env python3
# build: release
"""What an earlier version wrote this one opens: tests/releases/ has a data directory of each released version, as a server
of that version left it, and what was in it. `releases_test.py PATH_TO_POSTERN keep FILE.tar.xz` makes one; what is there
of a released version is never made anew. Until 0.1.0 is released its file is this tree's own.
"""
import hashlib
import io
import json
import pathlib
import re
import sys
import tarfile

import fixtures
from cases import Stage, case, expect, expect_equal, run
from clients import deliver, fetch_all
from gateway import Gateway, Mailbox

KEPT = pathlib.Path(__file__).resolve().parent.parent / "releases"
ADOPTED = "mbx-2a20342e96294505a35eb5c8364eb67c"
PASSWORD = "qn5x(/.B9M~PsZA92f]VYbIG`q{!1^[8"
LEFT_OUT = {"tls", "lock", "control.sock", "setup-link"}  # made anew by each server


def digests(gateway, mailbox):
    return {uidl: hashlib.sha256(text).hexdigest() for uidl, text in fetch_all(gateway, mailbox).items()}


def shown(gateway, address):
    """What is known of a mailbox, but for what time changes."""
    told = json.loads(gateway.command("mailbox", "show", address, "--json").stdout)
    return {name: told[name] for name in ("name", "description", "status", "created", "keys", "allow", "locked")}


def nobodys(entry):
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


def keep(stage, file):
    """A mailbox that was taken over, one whose password was changed and reset, pins, and mail of each time."""
    gateway = Gateway(stage).start()
    gateway.command("mailbox", "create", "--name", "Adopted", "--address", ADOPTED, "--password-stdin", text=PASSWORD + "\n")
    made = gateway.create("Changed")
    deliver(gateway, fixtures.journal_report(), Mailbox(ADOPTED, f"{ADOPTED}@msgw.example.com", PASSWORD), made)
    for words, text in ((), made.password + "\n"), (("--reset",), ""):
        done = gateway.command("mailbox", "password", made.address, *words, "--json", text=text)
        password = json.loads(done.stdout)["password"]
        deliver(gateway, fixtures.eight_bit(), made)
    gateway.command("mailbox", "edit", ADOPTED, "--description", "kept", "--allow-tls", "required")
    mailboxes = {ADOPTED: PASSWORD, made.address: password}
    manifest = {address: {"password": password, "shown": shown(gateway, address),
                          "messages": digests(gateway, Mailbox(address, "", password))}
                for address, password in mailboxes.items()}
    backup = gateway.command("backup", "export").stdout
    gateway.stop()
    node = gateway.data / "node" / "node.toml"  # of no machine: whoever unpacks it is on another one
    node.write_text(re.sub(r'(machine_id = ")[^"]+', r"\g<1>" + "0" * 32, node.read_text()))
    with tarfile.open(file, "w:xz") as archive:
        for path in sorted(gateway.data.iterdir()):
            if path.name not in LEFT_OUT:
                archive.add(path, f"data/{path.name}", filter=nobodys)
        for name, octets in (("manifest.json", json.dumps(manifest, indent=1).encode()), ("backup.toml", backup)):
            entry = tarfile.TarInfo(name)
            entry.size = len(octets)
            archive.addfile(entry, io.BytesIO(octets))


def unpacked(stage, file):
    folder = stage.folder / file.name
    with tarfile.open(file) as archive:
        archive.extraction_filter = lambda member, _: member  # with the modes that it had; Debian 12's Python has no filters
        archive.extractall(folder)
    return folder


def files():
    found = sorted(KEPT.glob("*.tar.xz"))
    expect(found, f"{KEPT} is empty")
    return found


def served(stage, folder, name):
    gateway = Gateway(stage, {"data": str(folder / "data")})
    gateway.data = folder / "data"
    gateway.start()
    for address, was in json.loads((folder / "manifest.json").read_text()).items():
        mailbox = Mailbox(address, f"{address}@msgw.example.com", was["password"])
        expect_equal(shown(gateway, address), was["shown"], f"{name}: what is known of {address}")
        expect_equal(digests(gateway, mailbox), was["messages"], f"{name}: the messages of {address}")
        deliver(gateway, fixtures.small(1), mailbox)
        expect_equal(len(fetch_all(gateway, mailbox)), len(was["messages"]) + 1, f"{name}: messages of {address} now")
    said = gateway.command("check").stdout.decode()
    expect(not re.search("^problem", said, re.M), f"{name}: {said}")


@case
def a_data_directory_of_each_release_is_served(stage):
    for file in files():
        folder = unpacked(stage, file)
        served(stage, folder, file.name)


@case
def a_backup_of_each_release_is_imported(stage):
    for file in files():
        folder = unpacked(stage, file)
        gateway = Gateway(stage).start()
        gateway.command("backup", "import", str(folder / "backup.toml"))
        for address, was in json.loads((folder / "manifest.json").read_text()).items():
            expect_equal(shown(gateway, address)["keys"], was["shown"]["keys"], f"{file.name}: the keys of {address}")
            mailbox = Mailbox(address, f"{address}@msgw.example.com", was["password"])
            deliver(gateway, fixtures.small(1), mailbox)
            expect_equal(len(fetch_all(gateway, mailbox)), 1, f"{file.name}: messages of {address}")


if __name__ == "__main__":
    if sys.argv[2:3] == ["keep"]:
        with Stage(pathlib.Path(sys.argv[1]).resolve()) as own_stage:
            keep(own_stage, sys.argv[3])
    else:
        run()
