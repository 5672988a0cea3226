#!/usr/bin/env python3
# build: release
"""Many mailboxes taken over from another gateway by a table: journal rules and archive profiles stay as
they are. The whole table is checked before anything is made, and what was interrupted can be repeated.
"""
import csv
import io
import json
import os
import random
import re
import signal
import string
import subprocess
import threading
import time

import fixtures
from cases import case, expect, expect_equal, need_root, run, wait_for
from clients import Pop3, Smtp, deliver, fetch_all, message_id
from gateway import COMMAND_SECONDS, DOMAIN, Gateway, Mailbox, die_with_parent, started
from strain import figure

MANY = 200
SERVER = 61234
ADDRESS = "mbx-0123456789abcdef0123456789abcdef"


def addresses(rng):
    while True:
        yield f"mbx-{rng.getrandbits(128):032x}"


def passwords(rng):
    """As the gateway we succeed makes them: 32 printable characters, any of them."""
    while True:
        yield "".join(rng.choices(string.ascii_letters + string.digits + string.punctuation, k=32))


def old_mailboxes(number, seed=7):
    rng = random.Random(seed)
    made = zip(addresses(rng), passwords(rng), range(number))
    return [Mailbox(address, f"{address}@{DOMAIN}", password) for address, password, _ in made]


def table(rows, header=("address", "password", "name"), separator=",", end="\r\n", mark="\ufeff"):
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, lineterminator=end).writerows([header, *rows])
    return mark + text.getvalue()


def table_of(mailboxes):
    return table([(box.address, box.password, f"Archive {number}") for number, box in enumerate(mailboxes)])


def file_of(stage, text, name="mailboxes.csv"):
    file = stage.folder / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    file.chmod(0o600)
    return file


def adopt(gateway, file, *words, code=0, text=""):
    return gateway.command("mailbox", "create", "--from", str(file), *words, code=code, text=text)


def listed(gateway):
    return {each["address"]: each for each in json.loads(gateway.command("mailbox", "list", "--json").stdout)}


def serves(gateway, mailboxes):
    """Mail for each arrives and is fetched with the password it always had."""
    sent = {}
    with Smtp(gateway) as smtp:
        for number, box in enumerate(mailboxes):
            smtp.envelope(box)
            sent[box.address] = message_id(smtp.data(fixtures.stuffed(fixtures.small(number))))
    for box in mailboxes:
        expect_equal(list(fetch_all(gateway, box)), [sent[box.address]], f"messages of {box.address}")


class Senders(threading.Thread):
    """Mail for one mailbox, as long as it lasts, with the longest time one took."""

    def __init__(self, gateway, mailbox):
        super().__init__(daemon=True)
        self.gateway, self.mailbox = gateway, mailbox
        self.sent, self.longest, self.ending = 0, 0.0, threading.Event()

    def run(self):
        while not self.ending.is_set():
            start = time.monotonic()
            deliver(self.gateway, fixtures.small(self.sent), self.mailbox)
            self.longest = max(self.longest, time.monotonic() - start)
            self.sent += 1
            time.sleep(0.05)


@case
def two_hundred_mailboxes_keep_address_and_password(stage):
    gateway, other = started(stage)
    boxes = old_mailboxes(MANY)
    senders = Senders(gateway, other)
    senders.start()
    wait_for("the first message", 30, lambda: senders.sent)
    before = senders.sent
    start = time.monotonic()
    done = subprocess.run(
        [gateway.binary, "mailbox", "create", "--from", "-", "--json", "--config", str(gateway.config)],
        input=table_of(boxes).encode(), capture_output=True, timeout=5 * COMMAND_SECONDS, preexec_fn=die_with_parent)
    took = time.monotonic() - start
    senders.ending.set()
    senders.join()
    expect_equal(done.returncode, 0, f"exit code; {done.stderr[-500:]}")
    expect(senders.sent > before + 5, "no mail was taken meanwhile")
    figure(f"{MANY} mailboxes taken over in {took:.1f} s; meanwhile {senders.sent - before} messages, the slowest in "
           f"{senders.longest:.2f} s")
    made = json.loads(done.stdout)
    expect_equal([(each["address"], each["made"], each["password"]) for each in made],
                 [(box.address, True, None) for box in boxes], "what is printed")
    for field in ("email", "host", "ports", "name", "status", "line"):
        expect(field in made[0], f"{field} is not printed")
    for box in boxes:
        expect(box.password.encode() not in done.stdout + done.stderr, "a password of the file is printed")
    expect_equal(set(listed(gateway)), {box.address for box in boxes} | {other.address}, "mailboxes")
    serves(gateway, [boxes[0], *random.Random(1).sample(boxes[1:-1], 4), boxes[-1]])


@case
def without_a_server_too_and_again_after_it_was_interrupted(stage):
    gateway = Gateway(stage)
    boxes = old_mailboxes(12)
    adopt(gateway, file_of(stage, table_of(boxes[:5])))
    done = adopt(gateway, file_of(stage, table_of(boxes)))
    lines = done.stdout.decode().splitlines()
    expect_equal([line.split("  ")[0] for line in lines[:12]], ["there already"] * 5 + ["made"] * 7, "what is said")
    expect("7 mailboxes made, 5 mailboxes there already" in done.stdout.decode(), f"says {lines[-1]!r}")
    before = {path: path.stat().st_ino for path in (gateway.data / "config").rglob("*.toml")}
    made = json.loads(adopt(gateway, file_of(stage, table_of(boxes)), "--json").stdout)
    expect_equal({each["made"] for each in made}, {False}, "made by another run of the same")
    expect_equal({path: path.stat().st_ino for path in (gateway.data / "config").rglob("*.toml")}, before, "records")
    gateway.start()
    adopt(gateway, file_of(stage, table_of(boxes)))
    serves(gateway, [boxes[0], boxes[-1]])


@case
def killed_in_the_middle_it_goes_on_where_it_was(stage):
    gateway = Gateway(stage)
    boxes = old_mailboxes(40)
    file = file_of(stage, table_of(boxes))
    command = subprocess.Popen([gateway.binary, "mailbox", "create", "--from", file, "--config", gateway.config],
                               stdout=subprocess.PIPE, preexec_fn=die_with_parent)
    for _ in range(3):
        expect(command.stdout.readline().startswith(b"made"), "it did not begin")
    command.send_signal(signal.SIGKILL)
    command.communicate()
    done = adopt(gateway, file)
    states = [line.split("  ")[0] for line in done.stdout.decode().splitlines()[:40]]
    there = states.count("there already")
    expect(3 <= there < 40 and states == ["there already"] * there + ["made"] * (40 - there), f"says {states}")
    gateway.start()
    serves(gateway, [boxes[there - 1], boxes[there], boxes[-1]])


@case
def rows_without_address_or_password_get_new_ones_which_are_shown(stage):
    gateway = Gateway(stage).start()
    old, = old_mailboxes(1)
    text = table([("", "", "new", "at all"), (ADDRESS, "", "new password", ""),
                  (f"{old.address.upper()}@{DOMAIN.upper()}", old.password, "old", "of \"them\"; all, and more")],
                 header=("Address", "PASSWORD", "name", "Description"), separator=";")
    made = json.loads(adopt(gateway, file_of(stage, text), "--json").stdout)
    expect_equal([each["password"] is None for each in made], [False, False, True], "which passwords are printed")
    expect_equal(made[1]["address"], ADDRESS, "the address that was given")
    expect_equal(made[2]["description"], "of \"them\"; all, and more", "description")
    serves(gateway, [*(Mailbox(each["address"], each["email"], each["password"]) for each in made[:2]), old])
    text = table([("", "new too")], header=("address", "name"), separator=";")
    done = adopt(gateway, file_of(stage, text)).stdout.decode()
    row = re.match(r"made +(mbx-[0-9a-f]{32})  (\S+)  new too\n", done)
    expect(row and "only this once" in done, f"says {done!r}")
    serves(gateway, [Mailbox(row[1], f"{row[1]}@{DOMAIN}", row[2])])
    done = adopt(gateway, file_of(stage, table([(ADDRESS, "again")], header=("address", "name")))).stdout.decode()
    expect("there already" in done and "only this once" not in done, f"says {done!r}")


@case
def every_bad_row_is_named_and_nothing_is_made(stage):
    for server in (False, True):
        gateway = Gateway(stage)
        if server:
            gateway.start()
        here, = old_mailboxes(1)
        adopt(gateway, file_of(stage, table_of([here])))
        gone = gateway.create("gone")
        gateway.command("mailbox", "delete", gone.address)
        before = set(listed(gateway))
        good = old_mailboxes(2, seed=9)
        rows = [(good[0].address, good[0].password, "good"), (ADDRESS, "p" * 32, ""), ("mbx-1", "p" * 32, "short"),
                (f"{ADDRESS}@elsewhere.example", "p" * 32, "elsewhere"), ("", "p" * 32, "no address"),
                (here.address, "another password of 32 characters", "here"), (good[0].address.upper(), "q" * 32, "twice"),
                (gone.address, "", "gone"), (good[1].address, "line\nend", "two lines"), ("mbx-" + "e" * 32, "p" * 600, "long")]
        file = file_of(stage, table(rows))
        done = adopt(gateway, file, code=65)
        said = done.stderr.decode()
        for line, part in ((3, "no name"), (4, "no mailbox address"), (5, "another domain"), (6, "only for an address"),
                           (7, "another password"), (8, "stands in line 2"), (9, "mailbox activate"),
                           (10, "control character"), (12, "512 octets")):
            expect(re.search(rf"^postern: {re.escape(str(file))}, line {line}: .*{part}", said, re.MULTILINE),
                   f"line {line} ({part}) is not named:\n{said}")
        expect("line 2:" not in said and "nothing was made" in said.splitlines()[-1], f"says {said}")
        expect_equal(done.stdout, b"", "what is printed")
        expect_equal(set(listed(gateway)), before, "mailboxes")


@case
def files_that_are_no_table_are_refused(stage):
    gateway = Gateway(stage)
    gateway.command("mailbox", "list")
    for text, code, pattern in (
            ("", 65, "is empty"), ("address,name\n", 65, "names no mailbox"), (b"name\nZ\xfcrich\n", 65, "line 2: .*UTF-8"),
            ("name\n\u00e4\n".encode("utf-16"), 65, "UTF-16"), (f"{ADDRESS},{'p' * 32},Name\n", 65, "is no column"),
            (b"name\n" + b"x" * (9 << 20), 65, "larger than")):
        said = adopt(gateway, file_of(stage, text), code=code).stderr.decode()
        expect(re.search(pattern, said), f"says {said!r}")
    expect("No such file" in adopt(gateway, stage.folder / "none.csv", code=66).stderr.decode(), "a missing file")
    adopt(gateway, stage.folder, code=74)
    gateway.command("mailbox", "create", "--from", "x.csv", "--name", "x", code=64)
    gateway.command("mailbox", "create", "--from", "x.csv", "--address", ADDRESS, code=64)
    expect_equal(listed(gateway), {}, "mailboxes")


@case
def a_file_others_may_read_and_a_weak_password_are_warned_of(stage):
    gateway = Gateway(stage)
    file = file_of(stage, table([(ADDRESS, "hunter2", "weak")]))
    said = adopt(gateway, file).stderr.decode()
    expect(re.search(r"short.*line=2|line=2.*short", said) and "chmod" not in said, f"says {said!r}")
    file.chmod(0o644)
    said = adopt(gateway, file).stderr.decode()
    expect(f"chmod 600 {file}" in said, f"says {said!r}")
    expect("hunter2" not in said, "the password is in a warning")


@case
def roots_file_is_read_for_a_gateway_of_another_user(stage):
    need_root("a server under another account")
    boxes = old_mailboxes(2)
    file = file_of(stage, table_of(boxes))
    gateway = Gateway(stage, user=SERVER)
    adopt(gateway, file)
    gateway.start()
    boxes += old_mailboxes(1, seed=11)
    adopt(gateway, file_of(stage, table_of(boxes)))
    for path in (gateway.data, *gateway.data.rglob("*")):
        expect_equal(path.lstat().st_uid, SERVER, f"owner of {path}")
    serves(gateway, boxes)


@case
def progress_is_shown_at_a_terminal_only(stage):
    gateway = Gateway(stage)
    file = file_of(stage, table_of(old_mailboxes(2)))
    terminal, other_side = os.openpty()
    done = subprocess.run([gateway.binary, "mailbox", "create", "--from", file, "--config", gateway.config],
                          stdout=subprocess.PIPE, stderr=other_side, preexec_fn=die_with_parent)
    os.close(other_side)
    shown = os.read(terminal, 65536).decode()
    os.close(terminal)
    expect_equal(done.returncode, 0, "exit code")
    expect("row 2 of 2" in shown and "1 of 2 mailboxes made" in shown, f"shows {shown!r}")
    expect(shown.endswith("\r\x1b[K"), f"leaves {shown!r}")
    expect_equal(adopt(gateway, file).stderr, b"", "what is said where there is no terminal")


if __name__ == "__main__":
    run()
