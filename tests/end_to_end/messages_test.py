#!/usr/bin/env python3
"""Messages by hand: sealed into a mailbox from files, brought back after they were fetched and deleted, and
opened to their end to see that they are whole. The server runs, or it does not.
"""
import json
import os
import re
import shutil
import subprocess
import threading
import time

import fixtures
from cases import case, expect, expect_equal, need_root, run, wait_for
from clients import Pop3, deliver, fetch_all
from gateway import Gateway, die_with_parent, started

SERVER = 61234
UNKNOWN = "01890a5d-ac96-774b-bcce-b302099a8057"


def letters(stage, messages):
    folder = stage.folder / "letters"
    folder.mkdir(exist_ok=True)
    files = []
    for number, message in enumerate(messages):
        files.append(folder / f"{number}.eml")
        files[-1].write_bytes(message)
    return [str(file) for file in files]


def put(gateway, mailbox, *files, code=0, text="", user=None):
    return gateway.command("message", "import", mailbox.address, *files, code=code, text=text, user=user)


def put_all(gateway, mailbox, *files):
    done = gateway.command("message", "import", mailbox.address, *files, "--json")
    return [each["uidl"] for each in json.loads(done.stdout)]


def restore(gateway, mailbox, *uidls, code=0):
    return gateway.command("message", "restore", mailbox.address, *uidls, code=code)


def inside(gateway, mailbox, *words, command="list"):
    done = gateway.command("message", command, mailbox.address, *words, "--json",
                           environment={"POSTERN_PASSWORD": mailbox.password})
    return json.loads(done.stdout)


def normalised(message):
    """What SMTP in stores: every line ends by CRLF."""
    message = re.sub(rb"(?<!\r)\n", b"\r\n", message)
    return message if message.endswith(b"\r\n") else message + b"\r\n"


def all_owned(gateway):
    for path in (gateway.data, *gateway.data.rglob("*")):
        expect_equal(path.lstat().st_uid, SERVER, f"owner of {path.relative_to(gateway.folder)}")


@case
def imported_files_are_what_an_archiver_gets(stage):
    gateway, mailbox = started(stage)
    messages = [fixtures.journal_report(), fixtures.bare_line_feeds(), fixtures.odd_octets(), fixtures.dots(),
                fixtures.large_headers(), fixtures.journal_report().replace(b"\r\n", b"\n"), b"Subject: only a header",
                fixtures.large(3_000_000)]
    files = letters(stage, messages)
    done = put(gateway, mailbox, *files[:4]).stdout.decode().splitlines()
    expect_equal([line.split("  ")[1] for line in done], files[:4], "files that are named")
    uidls = [line.split("  ")[0] for line in done]
    uidls += put_all(gateway, mailbox, *files[4:])
    with Pop3(gateway, mailbox) as pop:
        expect_equal([uidl for _, uidl in pop.listing("UIDL")], uidls, "UIDLs, in the order of the files")
        for number, message in enumerate(messages):
            expect_equal(pop.retr(number + 1), normalised(message), f"message {number}")
    gateway.wait_log(r"message imported")
    expect(mailbox.password not in gateway.log(), "the log knows the password")


@case
def standard_input_is_a_message_too(stage):
    gateway, mailbox = started(stage)
    message = fixtures.journal_report()
    uidl = put(gateway, mailbox, "-", text=message.decode("latin-1")).stdout.split()[0].decode()
    expect(b"it is empty" in put(gateway, mailbox, "-", text="", code=65).stderr, "empty input")
    expect_equal(fetch_all(gateway, mailbox)[uidl], message, "the message")


@case
def one_bad_file_keeps_all_out_and_every_bad_one_is_named(stage):
    gateway, mailbox = started(stage, {"smtp": {"max_message_size": "1MiB"}})
    good, empty, mbox, text, large = letters(stage, [
        fixtures.small(1), b"", b"From alice Thu Nov 19 08:14:07 2026\nSubject: a\n\n", b"Dear Alice,\n",
        b"Subject: " + b"x" * (1 << 20)])
    fifo = stage.folder / "fifo"
    os.mkfifo(fifo)
    for running in (True, False):
        done = put(gateway, mailbox, good, empty, mbox, text, large, str(stage.folder), str(fifo), code=65)
        said = done.stderr.decode().splitlines()
        for name, part in ((empty, "empty"), (mbox, "mbox"), (text, "header field"), (large, "smtp.max_message_size"),
                           (stage.folder, "no plain file"), (fifo, "no plain file")):
            expect(any(line.startswith(f"postern: {name}: ") and part in line for line in said), f"{name}: {said}")
        expect("6 of 7 files" in said[-1] and "nothing was" in said[-1], f"says {said[-1]!r}")
        expect("none.eml" in put(gateway, mailbox, good, "none.eml", code=66).stderr.decode(), "a missing file")
        expect_equal((done.stdout, gateway.sealed_files()), (b"", []), "what was imported")
        if running:
            gateway.stop()


@case
def mailboxes_that_cannot_take_it_say_why(stage):
    gateway, mailbox = started(stage)
    file, = letters(stage, [fixtures.small(1)])
    for running in (True, False):
        done = gateway.command("message", "import", f"mbx-{'0' * 32}", file, code=65)
        expect(b"no mailbox" in done.stderr and b"nothing was imported" in done.stderr, f"says {done.stderr!r}")
        gateway.command("mailbox", "delete", mailbox.address)
        expect(b"mailbox activate" in put(gateway, mailbox, file, code=65).stderr, "a deleted mailbox")
        gateway.command("mailbox", "activate", mailbox.address)
        gateway.command("mailbox", "suspend", mailbox.address)
        put(gateway, mailbox, file)
        gateway.command("mailbox", "activate", mailbox.address)
        gateway.configure({"store": {"min_free": "900000GiB"}})
        if running:
            expect_equal(len(fetch_all(gateway, mailbox, delete=True)), 1, "messages")
            gateway.restart()
        expect(b"store.min_free" in put(gateway, mailbox, file, code=75).stderr, "a disk that is full")
        gateway.configure({"store": {"min_free": "1MiB"}})
        if running:
            gateway.stop()


@case
def a_large_file_leaves_little_in_memory_and_others_are_served(stage):
    # What is freed is given back, and not put aside by AddressSanitizer to be watched.
    gateway, mailbox = started(stage, environment={"ASAN_OPTIONS": "quarantine_size_mb=1"})
    other = gateway.create("other")
    file = stage.folder / "large.eml"
    with open(file, "wb") as out:
        out.write(b"Subject: large\r\n\r\n")
        for _ in range(150):
            out.write(b"0123456789abcdef" * 4095 * 16 + b"\r\n" + b"x" * 100)
    before = gateway.status("VmHWM")
    command = subprocess.Popen([gateway.binary, "message", "import", mailbox.address, file, "--config", gateway.config],
                               stdout=subprocess.PIPE, preexec_fn=die_with_parent)
    served = 0
    while command.poll() is None:
        deliver(gateway, fixtures.small(1), other)
        served += 1
    expect_equal(command.returncode, 0, "exit code")
    expect(served > 0, "nobody else was served")
    print(f"figure: importing 150 MiB took {(gateway.status('VmHWM') - before) >> 10} MiB of memory")
    expect(gateway.status("VmHWM") - before < 40_000, f"memory grew by {gateway.status('VmHWM') - before} KiB")
    uidl = command.stdout.read().split()[0].decode()
    expect_equal(fetch_all(gateway, mailbox)[uidl], normalised(file.read_bytes()), "the message")


@case
def a_reset_while_files_are_put_in_locks_only_what_came_before(stage):
    """Each message opens with the password that was valid when it was stored."""
    gateway, mailbox = started(stage)
    files = letters(stage, [fixtures.small(number) for number in range(20)])
    uidls, ending = [], threading.Event()

    def keep_putting():
        while not ending.is_set():
            uidls.extend(put_all(gateway, mailbox, *files))

    importer = threading.Thread(target=keep_putting)
    importer.start()
    wait_for("some messages", 60, lambda: len(gateway.sealed_files()) > 5)
    first = gateway.sealed_files()[0].parent.name
    done = gateway.command("mailbox", "password", mailbox.address, "--reset", "--json")
    under_old = {path.name for path in gateway.sealed_files() if path.parent.name == first}
    wait_for("messages under the new key", 120, lambda: len(gateway.sealed_files()) > len(under_old))
    ending.set()
    importer.join()
    password = json.loads(done.stdout)["password"]
    with Pop3(gateway) as pop:
        pop.must(f"USER {mailbox.address}")
        pop.must(f"PASS {password}")
        listed = {uidl for _, uidl in pop.listing("UIDL")}
    expect_equal(listed | under_old, set(uidls), "messages")
    after = {path.name for path in gateway.sealed_files() if path.parent.name == first}
    expect_equal(after, under_old, "messages under the old key, after the reset was answered")


@case
def fetched_and_deleted_messages_come_back_under_their_uidls(stage):
    gateway, mailbox = started(stage)
    reports = [fixtures.journal_report(), fixtures.eight_bit()]
    uidls = [deliver(gateway, message, mailbox) for message in reports]
    fetched = fetch_all(gateway, mailbox, delete=True)
    expect_equal(inside(gateway, mailbox), [], "what waits")
    gone = inside(gateway, mailbox, "--deleted")
    expect_equal([each["uidl"] for each in gone], uidls, "what could be restored")
    expect_equal(gone[0]["subject"], fixtures.SUBJECT, "its subject")
    kept = [time.mktime(time.strptime(gone[0][name], "%Y-%m-%dT%H:%M:%SZ")) for name in ("deleted", "until")]
    expect_equal(kept[1] - kept[0], 86400, "seconds it is kept")
    shown = gateway.command("message", "list", mailbox.address, "--deleted", text=mailbox.password).stdout.decode()
    expect(uidls[0] in shown and gone[0]["until"] in shown and "UNTIL" in shown, f"shows {shown!r}")
    done = restore(gateway, mailbox, *uidls)
    expect_equal(done.stdout.decode(), "".join(f"{uidl}  restored\n" for uidl in uidls), "what is said")
    expect_equal(fetch_all(gateway, mailbox), fetched, "messages")
    expect("was not deleted" in restore(gateway, mailbox, uidls[0]).stdout.decode(), "restoring twice")
    fetch_all(gateway, mailbox, delete=True)
    gateway.stop()
    answer = json.loads(restore(gateway, mailbox, uidls[1], UNKNOWN, "--json", code=66).stdout)
    expect_equal([each["state"] for each in answer], ["restored", "unknown"], "without a server")
    gateway.start()
    expect_equal(fetch_all(gateway, mailbox), {uidls[1]: fetched[uidls[1]]}, "messages")
    said = restore(gateway, mailbox, UNKNOWN, code=66)
    expect(b"purged" in said.stdout and b"could not be restored" in said.stderr, f"says {said}")
    expect(b"no UIDL" in restore(gateway, mailbox, uidls[0], "../x", code=64).stderr, "what is no UIDL")
    expect_equal(len(inside(gateway, mailbox)), 1, "messages after a wrong request")


@case
def what_an_earlier_password_sealed_comes_back_locked(stage):
    gateway, mailbox = started(stage)
    uidl = deliver(gateway, fixtures.small(1), mailbox)
    fetch_all(gateway, mailbox, delete=True)
    gateway.command("mailbox", "password", mailbox.address, "--reset")
    expect(b"needs an earlier password" in restore(gateway, mailbox, uidl).stdout, "a locked message")
    shown = json.loads(gateway.command("mailbox", "show", mailbox.address, "--json").stdout)
    expect_equal((shown["waiting"]["messages"], shown["locked"]), (0, 1), "waiting and locked")
    expect_equal([each["uidl"] for each in inside(gateway, mailbox)], [uidl], "with the earlier password")


@case
def an_open_session_is_not_disturbed(stage):
    gateway, mailbox = started(stage)
    first = deliver(gateway, fixtures.small(1), mailbox)
    fetch_all(gateway, mailbox, delete=True)
    second = deliver(gateway, fixtures.small(2), mailbox)
    with Pop3(gateway, mailbox) as pop:
        restore(gateway, mailbox, first)
        expect_equal([uidl for _, uidl in pop.listing("UIDL")], [second], "the open session")
        pop.must("DELE 1")
        pop.must("QUIT")
    expect_equal(set(fetch_all(gateway, mailbox)), {first}, "the next session")


@case
def root_works_for_a_gateway_of_another_user(stage):
    need_root("a server under another account")
    gateway = Gateway(stage, user=SERVER)
    mailbox = gateway.create()
    private = stage.folder / "private"
    private.mkdir(mode=0o700)
    file = shutil.move(letters(stage, [fixtures.small(1)])[0], str(private / "1.eml"))
    os.chmod(file, 0o600)
    expect_equal(put(gateway, mailbox, file, code=66, user=SERVER).stdout, b"", "the owner of the data reads root's file")
    for running in (False, True):
        if running:
            gateway.start()
        uidl = put(gateway, mailbox, file).stdout.split()[0].decode()
        all_owned(gateway)
        if running:
            fetch_all(gateway, mailbox, delete=True)
            restore(gateway, mailbox, uidl)
            gateway.stop()
            all_owned(gateway)
    gateway.start()
    expect_equal(list(fetch_all(gateway, mailbox)), [uidl], "messages")


@case
def check_deep_opens_every_message(stage):
    gateway, mailbox = started(stage)
    uidls = [deliver(gateway, message, mailbox) for message in (fixtures.small(1), fixtures.large(300_000), fixtures.small(2))]

    def deep(password, code):
        done = gateway.command("check", "--deep", mailbox.address, environment={"POSTERN_PASSWORD": password}, code=code)
        return [line for line in done.stdout.decode().splitlines() if " deep: " in line], done.stderr.decode()

    lines, _ = deep(mailbox.password, None)
    expect(len(lines) == 1 and lines[0].startswith("ok") and "3 messages" in lines[0], f"says {lines}")
    damaged = next(path for path in gateway.sealed_files() if path.name == uidls[1])
    octets = bytearray(damaged.read_bytes())
    octets[200_000] ^= 1
    damaged.write_bytes(octets)
    shallow = gateway.command("check", code=None).stdout.decode()
    expect("ok       messages" in shallow, f"without --deep:\n{shallow}")
    lines, _ = deep(mailbox.password, 65)
    expect(len(lines) == 1 and lines[0].startswith("problem") and str(damaged) in lines[0] and "→" in lines[0],
           f"says {lines}")
    _, said = deep("not the password", 77)
    expect("opens no key" in said, f"says {said!r}")
    gateway.command("mailbox", "password", mailbox.address, text=mailbox.password)
    damaged.unlink()
    lines, _ = deep(mailbox.password, None)
    expect("2 messages" in lines[-1], f"with an earlier password: {lines}")
    new = json.loads(gateway.command("mailbox", "password", mailbox.address, "--reset", "--json").stdout)["password"]
    lines, _ = deep(new, None)
    expect(any(line.startswith("warning") and "2 messages" in line and "--unlock-earlier" in line for line in lines),
           f"locked messages: {lines}")


if __name__ == "__main__":
    run()
