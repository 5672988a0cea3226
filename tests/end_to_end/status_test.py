#!/usr/bin/env python3
"""`postern status` under each condition that can be made: what it tells people, programs and monitoring,
with the server running, stopped and stuck.
"""
import json
import os
import pathlib
import re
import signal
import subprocess
import time

import fixtures
from cases import Skip, case, expect, expect_equal, need, need_root, run, wait_for
from certificates import Authority
from clients import Pop3, Smtp, deliver, fetch_all, program
from gateway import DOMAIN, HOSTNAME, Gateway, started

UNKNOWN = "mbx-" + "f" * 32
OTHER_USER = 61238
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
FIGURE = r" [a-z0-9_]+=-?\d+(s|B)?;(\d+:?)?;(\d+:?)?(;\d+)?"
CODES = {"OK": 0, "WARNING": 1, "CRITICAL": 2, "UNKNOWN": 3}


def status(gateway, code=0):
    return json.loads(gateway.command("status", "--json", code=code).stdout)


def kinds(told):
    return [warning["kind"] for warning in told["warnings"]]


def warning(gateway, kind, code=0):
    """The only warning there is."""
    told = status(gateway, code)
    expect_equal(kinds(told), [kind], "warnings")
    found = told["warnings"][0]
    expect(found["text"] and found["advice"], f"says nothing: {found}")
    return found


def check(gateway, state, pattern="", user=None):
    """`--check` in the form of the Monitoring Plugins Guidelines; returns the figures."""
    done = gateway.command("status", "--check", code=CODES[state], user=user)
    expect_equal(done.stderr, b"", "standard error")
    line = done.stdout.decode()
    expect(re.fullmatch(rf"POSTERN {state} - [^|\n]+( \|({FIGURE})+)?\n", line), f"a line {line!r}")
    expect(re.search(pattern, line), f"no {pattern!r} in {line!r}")
    return dict(re.findall(r" ([a-z0-9_]+)=(-?\d+)", line.partition("|")[2]))


@case
def a_gateway_that_is_well(stage):
    gateway, mailbox = started(stage)
    deliver(gateway, fixtures.small(1), mailbox)
    with Pop3(gateway, mailbox):
        told = status(gateway)
    expect_equal(told["warnings"], [], "warnings")
    expect_equal((told["running"], told["domain"], told["hostname"]), (True, DOMAIN, HOSTNAME), "who it is")
    expect(re.fullmatch(TIME, told["since"]), f"since {told['since']}")
    expect_equal((told["drain"], told["twins"]), (None, []), "without drain and twins")
    expect_equal(told["sessions"], {"smtp": 0, "pop3": 1}, "sessions")
    expect_equal({(each["port"], each["protocol"], each["tls"]) for each in told["listeners"]},
                 {(gateway.smtp, "smtp", "starttls"), (gateway.pop3, "pop3", "starttls"),
                  (gateway.pop3s, "pop3", "implicit")}, "listeners")
    certificate = told["certificate"]
    expect_equal((certificate["source"], certificate["names"], certificate["days_left"]),
                 ("self-signed", [HOSTNAME, DOMAIN], 824), "certificate")
    expect(re.fullmatch(TIME, certificate["renewal"]) and HOSTNAME in certificate["issuer"], str(certificate))
    expect(told["disk"]["free"] > told["disk"]["min_free"] == 1 << 20, f"disk {told['disk']}")
    expect_equal(told["mailboxes"], json.loads(gateway.command("mailbox", "list", "--json").stdout), "mailboxes")
    expect_equal(told["mailboxes"][0]["waiting"]["messages"], 1, "waiting")
    people = gateway.command("status").stdout.decode()
    for part in ("Nothing needs attention", f":{gateway.pop3s} POP3S", mailbox.address, "824 days left"):
        expect(part in people, f"no {part!r} in\n{people}")
    figures = check(gateway, "OK", "1 messages wait in 1 mailboxes")
    expect_equal((figures["waiting"], figures["pop3_sessions"]), ("1", "0"), "figures")
    expect(int(figures["certificate"]) > 824 * 86400 and int(figures["waiting_bytes"]) > 100, str(figures))
    gateway.command("status", "--check", "--json", code=64)


@case
def no_server(stage):
    gateway, mailbox = started(stage)
    deliver(gateway, fixtures.small(1), mailbox)
    gateway.stop()
    before = {path: path.stat().st_mtime_ns for path in gateway.data.rglob("*")}
    found = warning(gateway, "not_running", code=69)
    expect_equal(found["severity"], "critical", "severity")
    told = status(gateway, code=69)
    expect_equal((told["running"], told["since"], told["sessions"], told["turned_away"]),
                 (False, None, None, None), "what only a server knows")
    expect_equal(told["mailboxes"][0]["waiting"]["messages"], 1, "waiting")
    expect("does not run" in gateway.command("status", code=69).stdout.decode(), "people are not told")
    expect_equal(check(gateway, "CRITICAL", "does not run")["waiting"], "1", "figures")
    expect_equal({path: path.stat().st_mtime_ns for path in gateway.data.rglob("*")}, before, "files")
    fresh = Gateway(stage)
    fresh.data.rmdir()
    check(fresh, "CRITICAL", "does not run.*serve")
    fresh.command("status", code=69)
    fresh.config.write_text("domain = 3\n")
    check(fresh, "UNKNOWN", "postern.toml:1")
    fresh.config.unlink()
    check(fresh, "UNKNOWN", "postern.toml")


@case
def a_server_that_does_not_answer(stage):
    gateway, _ = started(stage)
    gateway.signal(signal.SIGSTOP)
    begun = time.monotonic()
    try:
        check(gateway, "CRITICAL", "does not answer")
    finally:
        gateway.signal(signal.SIGCONT)
    expect(time.monotonic() - begun < 30, "monitoring waits too long")
    check(gateway, "OK")


@case
def another_user_cannot_ask(stage):
    need_root("a server under another account")
    gateway, _ = started(stage)
    gateway.folder.chmod(0o755)
    check(gateway, "UNKNOWN", "ermission", user=OTHER_USER)


@case
def a_certificate_that_ends(stage):
    need("openssl")
    authority = Authority(stage.folder / "authority")
    for days, state, severity in ((20, "OK", None), (10, "WARNING", "warning"), (2, "CRITICAL", "critical")):
        chain, key = authority.server(f"d{days}.example.com", DOMAIN, days=days)
        gateway = Gateway(stage, {"tls": {"source": "files", "certificate": str(chain), "key": str(key)}}).start()
        told = status(gateway)["certificate"]
        expect_equal((told["source"], told["names"], told["renewal"], told["days_left"]),
                     ("files", [f"d{days}.example.com", DOMAIN], None, days - 1), "certificate")
        expect("Example Test Intermediate" in told["issuer"], f"issued by {told['issuer']}")
        if severity:
            found = warning(gateway, "certificate")
            expect_equal(found["severity"], severity, "severity")
            expect_equal(found["deadline"], told["ends"], "deadline")
        check(gateway, state, "certificate ends in" if severity else "")
        gateway.stop()


@case
def a_disk_that_is_full(stage):
    need_root("a file system of its own")
    place = stage.folder / "disk"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(place)], capture_output=True).returncode:
        raise Skip("no tmpfs can be mounted here")
    stage.callback(program, "umount", "--lazy", str(place))
    gateway, mailbox = started(stage, {"data": str(place / "data"),
                                       "smtp": {"max_message_size": "4MiB"}, "store": {"min_free": "16MiB"}})
    check(gateway, "OK")
    ballast = place / "ballast"
    ballast.write_bytes(b"x" * (28 << 20))
    expect_equal(warning(gateway, "disk")["severity"], "warning", "severity while one more may fit")
    check(gateway, "WARNING", "largest message")
    ballast.write_bytes(b"x" * (36 << 20))
    gateway.wait_log("disk space is below store.min_free")
    found = warning(gateway, "disk")
    expect_equal(found["severity"], "critical", "severity")
    expect(found["since"] and [each["who"] for each in found["deadlines"]]
           == ["Exchange Online", "Exchange", "Google"], f"until when? {found}")
    with Smtp(gateway) as smtp:
        smtp.must("MAIL FROM:<a@example.com>", "250")
        smtp.must(f"RCPT TO:<{mailbox.email}>", "452")
    check(gateway, "CRITICAL", f"no mail is taken.*Exchange Online gives up at {TIME}")
    ballast.unlink()
    gateway.wait_log("disk space is above store.min_free again")
    check(gateway, "OK")


@case
def senders_that_are_put_off(stage):
    gateway, mailbox = started(stage)
    with Smtp(gateway) as smtp:
        smtp.must("MAIL FROM:<a@example.com>", "250")
        smtp.must(f"RCPT TO:<{UNKNOWN}@{DOMAIN}>", "451")
        smtp.must(f"RCPT TO:<{UNKNOWN}@{DOMAIN}>", "451")
    found = warning(gateway, "unknown_mailbox")
    expect_equal((found["mailbox"], found["severity"]), (UNKNOWN, "warning"), "whose mail")
    expect("2 times" in found["text"] and len(found["deadlines"]) == 3, f"says {found}")
    check(gateway, "WARNING", f"{UNKNOWN}.*Google gives up at {TIME}")
    turned = status(gateway)["turned_away"]
    expect_equal([(each["mailbox"], each["reason"], each["refused"]) for each in turned],
                 [(UNKNOWN, "unknown_mailbox", 2)], "turned away")
    gateway.command("mailbox", "create", "--name", "late", "--address", UNKNOWN, "--password-stdin", "--json",
                    text="a password of another gateway\n")
    expect_equal(kinds(status(gateway)), [], "warnings once it is known")

    gateway.command("mailbox", "suspend", mailbox.address)
    expect_equal(kinds(status(gateway)), [], "warnings while nobody sends")
    with Smtp(gateway) as smtp:
        smtp.must("MAIL FROM:<a@example.com>", "250")
        smtp.must(f"RCPT TO:<{mailbox.email}>", "450")
    found = warning(gateway, "put_off")
    expect(found["mailbox"] == mailbox.address and found["since"] and "activate" in found["advice"], str(found))
    gateway.command("mailbox", "activate", mailbox.address)
    expect_equal(kinds(status(gateway)), [], "warnings once it is active")

    gateway.command("mailbox", "edit", mailbox.address, "--allow-networks", "192.0.2.0/24")
    deliver(gateway, fixtures.small(1), mailbox)
    expect_equal(kinds(status(gateway)), [], "warnings while pins are observed only")
    gateway.command("mailbox", "edit", mailbox.address, "--allow-mode", "enforce")
    with Smtp(gateway) as smtp:
        smtp.must("MAIL FROM:<a@example.com>", "250")
        smtp.must(f"RCPT TO:<{mailbox.email}>", "550")
    expect_equal(warning(gateway, "refused")["deadlines"], [], "who gives up a 550")


@case
def mail_that_is_not_fetched(stage):
    gateway, mailbox = started(stage, {"alerts": {"unfetched": "1s"}})
    deliver(gateway, fixtures.small(1), mailbox)
    wait_for("the message to be too old", 20, lambda: kinds(status(gateway)))
    found = warning(gateway, "unfetched")
    expect_equal(found["mailbox"], mailbox.address, "whose mail")
    expect_equal(found["since"], status(gateway)["mailboxes"][0]["waiting"]["oldest"], "since when")
    check(gateway, "WARNING", mailbox.address)
    fetch_all(gateway, mailbox, delete=True)
    check(gateway, "OK")


@case
def messages_and_records_that_need_attention(stage):
    gateway, mailbox = started(stage)
    deliver(gateway, fixtures.small(1), mailbox)
    folder = gateway.sealed_files()[0].parent
    gateway.command("mailbox", "password", mailbox.address, "--reset", "--json")
    expect("--unlock-earlier" in warning(gateway, "locked")["advice"], "no way out")
    check(gateway, "WARNING", "1 message needs an earlier password")
    for path in gateway.sealed_files():
        path.unlink()
    (folder / "letters").mkdir()  # a file might still be being copied, a folder is none in any case
    warning(gateway, "left_out")
    (folder / "letters").rmdir()
    expect_equal(kinds(status(gateway)), [], "warnings once it is gone")
    record = next((gateway.data / "config" / "mailboxes" / mailbox.address).glob("*.toml"))
    record.with_name("n-" + "0" * 32 + ".toml").write_text("format = 9\n")
    wait_for("the file to be found", 20, lambda: status(gateway)["records"])
    told = status(gateway)
    expect_equal(set(kinds(told)), {"record"}, "warnings")
    check(gateway, "WARNING", str(record.parent))
    gateway.stop()
    expect_equal(set(kinds(status(gateway, code=69))), {"not_running", "record"}, "warnings from the disk")


@case
def a_recovery_key_that_does_not_cover_all(stage):
    need("age-keygen")
    gateway, mailbox = started(stage)
    key = stage.folder / "recovery.key"
    program("age-keygen", "-o", str(key))
    recipient = program("age-keygen", "-y", str(key)).stdout.decode().strip()
    gateway.configure({"keys": {"recovery": recipient}})
    gateway.restart()
    expect_equal(warning(gateway, "not_recoverable")["mailbox"], mailbox.address, "which mailbox")
    check(gateway, "WARNING", "recovery key")
    fetch_all(gateway, mailbox)
    wait_for("the mailbox to be covered", 20, lambda: not kinds(status(gateway)))


@case
def a_folder_that_cannot_be_read_hides_nothing_else(stage):
    need_root("files of another account")
    gateway = Gateway(stage, user=OTHER_USER).start()
    broken, well = gateway.create("broken"), gateway.create("well")
    for mailbox in (broken, well):
        deliver(gateway, fixtures.small(1), mailbox)
    folder = gateway.data / "mailboxes" / broken.address
    for path in (folder, *folder.iterdir()):
        os.chown(path, 0, 0)
        path.chmod(0o700)
    found = warning(gateway, "unlistable")
    expect_equal((found["mailbox"], found["severity"]), (broken.address, "critical"), "which mailbox")
    waiting = {each["address"]: each["waiting"] for each in status(gateway)["mailboxes"]}
    expect_equal((waiting[broken.address], waiting[well.address]["messages"]), (None, 1), "waiting")
    check(gateway, "CRITICAL", broken.address)
    gateway.command("check", "--fix")
    check(gateway, "OK")


@case
def the_line_for_cron_speaks_only_of_trouble(stage):
    manual = pathlib.Path(__file__).resolve().parent.parent.parent / "docs" / "monitoring.md"
    line = re.search(r"^\*/10 \* \* \* \* root (.+)$", manual.read_text(), re.M)[1]
    gateway, _ = started(stage)
    for pattern in ("", "POSTERN CRITICAL - the server does not run.*"):
        command = line.replace("/usr/sbin/postern status", f"{gateway.binary} status --config {gateway.config}")
        expect(command != line, f"the line runs something else: {line}")
        shown = program("sh", "-c", command).stdout.decode()
        expect(re.fullmatch(pattern, shown, re.S), f"cron would mail {shown!r}")
        if not pattern:
            gateway.stop()


def times(gateway, mailbox):
    listed = json.loads(gateway.command("mailbox", "list", "--json").stdout)
    shown = json.loads(gateway.command("mailbox", "show", mailbox.address, "--json").stdout)
    found = next(each for each in listed if each["address"] == mailbox.address)
    expect_equal([shown[name] for name in ("last_received", "last_fetched")],
                 [found[name] for name in ("last_received", "last_fetched")], "show and list")
    return found["last_received"], found["last_fetched"]


@case
def when_mail_came_and_went_is_known_also_after_a_restart(stage):
    gateway, mailbox = started(stage)
    expect_equal(times(gateway, mailbox), (None, None), "times of a new mailbox")
    deliver(gateway, fixtures.small(1), mailbox)
    received, fetched = times(gateway, mailbox)
    expect(re.fullmatch(TIME, received) and fetched is None, f"after a delivery: {received}, {fetched}")
    with Pop3(gateway, mailbox) as pop:
        pop.must("TOP 1 0")
        pop.body()
        expect_equal(times(gateway, mailbox), (received, None), "times after a look at the header")
    fetch_all(gateway, mailbox, delete=True)
    received, fetched = times(gateway, mailbox)
    expect(received and re.fullmatch(TIME, fetched), f"after a fetch: {received}, {fetched}")
    gateway.stop()
    expect_equal(times(gateway, mailbox), (received, fetched), "times without a server")
    gateway.start()
    expect_equal(times(gateway, mailbox), (received, fetched), "times after a restart")
    file = gateway.data / "state" / "mailbox-times.toml"
    expect(file.read_text().startswith("#") and "format = 1" in file.read_text(), "the file's form")
    time.sleep(1.1)  # the times are in whole seconds
    deliver(gateway, fixtures.small(2), mailbox)
    gateway.kill()
    gateway.start()
    later, _ = times(gateway, mailbox)
    expect(later > received, f"what waits was received at {later}, not after {received}")
    file.write_text("no TOML at all [")
    gateway.kill()
    gateway.start()
    expect_equal(times(gateway, mailbox), (later, None), "times after the file was damaged")


run()
