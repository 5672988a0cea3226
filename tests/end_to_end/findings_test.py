#!/usr/bin/env python3
# build: release
# time limit: 900 s
# waits
"""Each kind of warning, each figure and each reason not to be ready, by the condition itself: told by status, by
`status --check`, by /metrics and by webhook. What the manual or the program names and no case here causes is a failure.

On a release build: AddressSanitizer calls all memory locked.
"""
import os
import pathlib
import re
import shutil
import signal

import fixtures
import passwords
from alarmed import Alarmed
from cases import case, expect, expect_equal, need, need_root, run, wait_for
from certificates import Authority
from clients import Pop3, Smtp, deliver, fetch_all, message_id, program
from clock import with_clock
from gateway import DOMAIN, HOSTNAME, Gateway
from scrape import ask, figures, watch
from small_disk import SmallDisk
from twins import in_step, invitation

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
MANUAL = (ROOT / "docs" / "monitoring.md").read_text()
SERVER = 61238
HOUR, DAY = 3600, 86400
DRIVEN, READY = set(), set()  # what the cases of this file promise to cause
ELSEWHERE = {"unfetched_here": "twins_waiting_test.py"}  # what another script causes


def drives(*kinds, ready=()):
    DRIVEN.update(kinds)
    READY.update(ready)

    def promise(function):
        def kept(stage):
            told = Told()
            function(stage, told)
            expect_equal(told.kinds, set(kinds), "kinds of warnings that were caused")
            expect_equal(told.reasons, set(ready), "reasons not to be ready that were caused")
        kept.__name__ = function.__name__
        return case(kept)
    return promise


class Told:
    """What was seen at all the places where it is to be seen."""

    def __init__(self):
        self.kinds, self.reasons = set(), set()

    def by(self, alarmed, kind, severity="warning"):
        """By all that are asked; who is told is another matter: by_webhook()."""
        gateway = alarmed.gateway
        found = wait_for(f"the warning {kind}", 60, lambda: next(
            (each for each in alarmed.warnings() if (each["kind"], each["severity"]) == (kind, severity)), None), pause=0.1)
        expect(found["text"] and found["advice"], f"says nothing: {found}")
        done = gateway.command("status", "--check", code=None)
        line = done.stdout.decode()
        expect(re.match("POSTERN CRITICAL - " if done.returncode == 2 else "POSTERN WARNING - ", line)
               and done.returncode >= (2 if severity == "critical" else 1), f"`status --check` exits with {done.returncode}: {line}")
        expect(found["text"][:60] in line or re.search(r"; and \d+ more", line), f"no {found['text'][:60]!r} in {line}")
        expect(figures(gateway)[f'postern_warnings{{kind="{kind}",severity="{severity}"}}'] >= 1, f"no figure of {kind}")
        self.kinds.add(kind)
        return found

    @staticmethod
    def by_webhook(alarmed, *wanted, state="open"):
        alarmed.wait(f"notices of {wanted}, {state}", lambda: set(wanted) <= {
            notice["kind"] for notice in alarmed.receiver.bodies(state)})

    def not_ready(self, gateway, reason):
        status, body = wait_for(f"/readyz to say {reason}", 60, lambda: next(
            iter([found for found in [ask(gateway, "/readyz")] if found[1].startswith(f"{reason}:")]), None), pause=0.1)
        expect_equal(status, 503, f"status of /readyz: {body}")
        self.reasons.add(reason)


def ready(gateway):
    wait_for("/readyz to say ready", 60, lambda: ask(gateway, "/readyz") == (200, "ready\n"), pause=0.1)


def well(alarmed):
    expect_equal(alarmed.warnings(), [], "warnings while all is well")
    expect(alarmed.gateway.command("status", "--check").stdout.startswith(b"POSTERN OK - "), "`status --check` finds something")


@drives("not_recoverable", "replaced_password", "unfetched", "silent", "locked", "left_out", "unlistable", "unknown_mailbox",
        "put_off", "refused", "record", "held_back", "receipts", "twin")
def what_concerns_mailboxes_and_nodes(stage, told):
    need_root("files of another account")
    need("age-keygen")
    alarmed = Alarmed(stage, {"hostname": "one.example.com"}, at_once=False, user=SERVER, web=True)
    gateway = watch(alarmed.gateway).start()
    old, late, twice, locked, odd, closed, shut, pinned, forged, marred = (
        gateway.create(name) for name in ("old", "late", "twice", "locked", "odd", "closed", "shut", "pinned", "forged", "marred"))
    well(alarmed)
    ready(gateway)

    gateway.stop()
    key = stage.folder / "recovery.key"
    program("age-keygen", "-o", str(key))
    gateway.configure({"keys": {"recovery": program("age-keygen", "-y", str(key)).stdout.decode().strip()}})
    gateway.start()
    told.by(alarmed, "not_recoverable")

    twin = Gateway(stage, {"hostname": "other.example.com"}, web=True).start()
    twin.command("twin", "join", text=invitation(gateway))
    in_step(gateway, twin)
    twin.stop()
    for node in (gateway, twin):
        node.command("mailbox", "password", twice.address, "--reset", "--json")
    twin.start()
    told.by(alarmed, "replaced_password")

    for number, mailbox in enumerate((late, locked, odd, closed)):
        deliver(gateway, fixtures.small(number), mailbox)
    alarmed.later(25 * HOUR)
    told.by(alarmed, "unfetched")
    told.by(alarmed, "silent")

    passwords.reset(gateway, locked)
    told.by(alarmed, "locked")
    folder = next(file.parent for file in gateway.sealed_files() if odd.address in file.parts)
    (folder / "letters").mkdir()
    told.by(alarmed, "left_out")
    for path in (gateway.data / "mailboxes" / closed.address).rglob("*"):
        os.chown(path, 0, 0)
    told.by(alarmed, "unlistable", "critical")

    gateway.command("mailbox", "suspend", shut.address)
    gateway.command("mailbox", "edit", pinned.address, "--allow-networks", "192.0.2.0/24", "--allow-mode", "enforce")
    with Smtp(gateway) as smtp:
        smtp.must("MAIL FROM:<a@example.com>", "250")
        smtp.must(f"RCPT TO:<mbx-{'f' * 32}@{DOMAIN}>", "451")
        smtp.must(f"RCPT TO:<{shut.email}>", "450")
        smtp.must(f"RCPT TO:<{pinned.email}>", "550")
    for kind in ("unknown_mailbox", "put_off", "refused"):
        told.by(alarmed, kind)

    records = gateway.data / "config" / "mailboxes"
    (records / marred.address / f"n-{'0' * 32}.toml").write_text("format = 9\n")
    told.by(alarmed, "record")
    thief = Gateway(stage, {"hostname": "thief.example.com"}, user=SERVER)
    thief.command("mailbox", "create", "--name", "stolen", "--address", forged.address, "--password-stdin", "--json",
                  text="a password of the thief's\n")
    theirs, = (thief.data / "config" / "mailboxes" / forged.address).glob("n-*.toml")
    os.chown(shutil.copy(theirs, records / forged.address), SERVER, SERVER)
    told.by(alarmed, "held_back")

    receipts = gateway.data / "receipts"
    receipts.rename(stage.folder / "receipts")
    receipts.write_text("a file in its place")
    deliver(gateway, fixtures.small(9), old)
    told.by(alarmed, "receipts")
    twin.stop()
    alarmed.later(6 * 60)
    told.by(alarmed, "twin")
    told.by_webhook(alarmed, *told.kinds)

    (folder / "letters").rmdir()
    gateway.command("check", "--fix", code=None)
    gateway.command("mailbox", "activate", shut.address)
    gateway.command("mailbox", "edit", pinned.address, "--allow-mode", "observe")
    receipts.unlink()
    deliver(gateway, fixtures.small(10), old)
    twin.start()
    told.by_webhook(alarmed, "left_out", "unlistable", "put_off", "refused", "receipts", "twin", state="resolved")
    ready(gateway)
    alarmed.quiet()


@drives("disk_trend", "disk", "not_stored", ready=["disk"])
def a_disk_that_fills_and_breaks(stage, told):
    disk = SmallDisk(stage)
    alarmed = Alarmed(stage, {"store": {"min_free": "2MiB"}, "smtp": {"max_message_size": "1MiB"}}, at_once=False,
                      folder=disk.folder)
    gateway = watch(alarmed.gateway)
    gateway.log_file = stage.folder / "log"
    gateway.start()
    mailbox = gateway.create()
    well(alarmed)
    before = figures(gateway)["postern_disk_free_bytes"]
    filler = disk.fill(leave=disk.free() // 2)
    expect(figures(gateway)["postern_disk_free_bytes"] < before * 0.6, "the figure of free space does not follow")
    alarmed.later(2 * HOUR)
    told.by(alarmed, "disk_trend")
    told.by_webhook(alarmed, "disk_trend")
    more = disk.folder / "more"
    more.write_bytes(bytes(disk.free() - (1 << 20)))
    found = told.by(alarmed, "disk", "critical")
    expect_equal([each["who"] for each in found["deadlines"]], ["Exchange Online", "Exchange", "Google"], "who gives up")
    told.not_ready(gateway, "disk")
    told.by_webhook(alarmed, "disk")
    filler.unlink()
    more.unlink()
    gateway.wait_log("disk space is above store.min_free again", 60)
    ready(gateway)

    deliver(gateway, fixtures.small(1), mailbox)
    disk.fail()
    with Smtp(gateway) as smtp:
        smtp.envelope(mailbox)
        answer = smtp.data(fixtures.stuffed(fixtures.small(2)))
        expect(answer.startswith("451"), f"on a disk that is read-only: {answer}")
    told.by(alarmed, "not_stored", "critical")
    told.not_ready(gateway, "disk")
    told.by_webhook(alarmed, "not_stored")  # though it cannot be kept that it was told
    disk.repair()
    with Smtp(gateway) as smtp:
        smtp.envelope(mailbox)
        message_id(smtp.data(fixtures.stuffed(fixtures.small(3))))
    ready(gateway)


@drives("memory", "certificate", "drain", "webhook", "not_running", ready=["certificate", "draining", "stopping"])
def what_concerns_the_server_itself(stage, told):
    need_root("an account with a limit")
    chain, key = Authority(stage.folder / "authority").server(HOSTNAME, DOMAIN, days=20)
    os.chown(key, SERVER, SERVER)
    alarmed = Alarmed(stage, {"tls": {"source": "files", "certificate": str(chain), "key": str(key)}}, at_once=False, user=SERVER)
    gateway = watch(alarmed.gateway)
    gateway.start()
    well(alarmed)
    gateway.stop()
    binary, gateway.binary = gateway.binary, stage.folder / "limited"
    gateway.binary.write_text(f'#!/bin/sh\nulimit -l 64\nexec {binary} "$@"\n')
    gateway.binary.chmod(0o755)
    gateway.start()
    gateway.wait_log("memory cannot be locked")
    told.by(alarmed, "memory")
    alarmed.later(10 * DAY)
    told.by(alarmed, "certificate")
    alarmed.later(11 * DAY)
    told.by(alarmed, "certificate", "critical")
    expect(figures(gateway)["postern_certificate_expiry_seconds"] < 0, "time is left by the figure")
    told.not_ready(gateway, "certificate")
    gateway.command("drain", "on", "--yes", "--for", "8h")
    told.by(alarmed, "drain")
    told.not_ready(gateway, "draining")
    told.by_webhook(alarmed, "memory", "certificate", "drain")

    gateway.command("drain", "off")
    other_chain, other_key = Authority(stage.folder / "another").server(HOSTNAME, DOMAIN, days=90)
    gateway.stop()
    gateway.binary = binary
    chain.write_bytes(other_chain.read_bytes())
    key.write_bytes(other_key.read_bytes())
    alarmed.receiver.answer = 500  # from here on nobody hears of the end of all that
    before = len(alarmed.receiver.notices)
    gateway.start()
    well(alarmed)
    ready(gateway)
    alarmed.wait("two attempts that failed", lambda: len(alarmed.receiver.notices) >= before + 2)
    told.by(alarmed, "webhook")
    mailbox = gateway.create()
    with Smtp(gateway) as smtp:
        smtp.envelope(mailbox)
        smtp.must("DATA", "354")
        gateway.signal(signal.SIGTERM)
        told.not_ready(gateway, "stopping")
        smtp.send(fixtures.stuffed(fixtures.small(2)))
        message_id(smtp.reply())
    expect_equal(gateway.wait(), 0, "exit code")
    found = alarmed.warnings()
    expect_equal([(each["kind"], each["severity"]) for each in found if each["kind"] == "not_running"],
                 [("not_running", "critical")], "without a server")
    done = gateway.command("status", "--check", code=2)
    expect(b"the server does not run" in done.stdout, f"`status --check` says {done.stdout}")
    told.kinds.add("not_running")


@case
def no_kind_and_no_reason_is_without_a_case(stage):
    table = re.search(r"^\| kind \|.*?\n\n", MANUAL, re.M | re.S)[0]
    documented = {kind for row in table.strip().splitlines()[2:] for kind in re.findall(r"`(\w+)`", row.split("|")[1])}
    sources = "".join(path.read_text() for path in sorted((ROOT / "gateway" / "watch").glob("*.cpp")))
    named = set(re.findall(r'\b(?:add|say)\(\s*(?:findings,\s*)?"(\w+)"', sources))
    named |= {kind for pair in re.findall(r'add\(findings, [\w.]+ \? "(\w+)" : "(\w+)"', sources) for kind in pair}
    expect_equal(named, documented, "kinds that gateway/watch makes, and that docs/monitoring.md explains")
    elsewhere = {kind for kind, script in ELSEWHERE.items() if kind in documented
                 and f'"{kind}"' in pathlib.Path(__file__).with_name(script).read_text()}
    expect_equal(DRIVEN | elsewhere, documented, "kinds that a case causes")
    reasons = set(re.findall(r'"(\w+): ', (ROOT / "gateway" / "daemon_http.cpp").read_text()))
    expect_equal(READY, reasons, "reasons of /readyz that cases of this file cause")


def twin_figure(page, name):
    value, = (value for metric, value in page.items() if metric.startswith(f"postern_twin_{name}{{"))
    return value


@case
def every_figure_moves(stage):
    """Each metric that the manual names has another value after what it counts has happened."""
    offset, environment = with_clock(stage)
    gateway = watch(Gateway(stage, {"hostname": "one.example.com"}, environment=environment, web=True)).start()
    twin = Gateway(stage, {"hostname": "other.example.com"}, web=True).start()
    gateway.command("twin", "join", text=invitation(twin))
    mailbox, other = gateway.create(), gateway.create("its password will be another's")
    in_step(gateway, twin)
    pages = []

    def scrape():
        pages.append(figures(gateway))
        return pages[-1]
    scrape()
    for number in range(3):
        deliver(gateway, fixtures.small(number), mailbox, other)
    (gateway.folder / "ballast").write_bytes(os.urandom(8 << 20))
    os.sync()
    renewed = passwords.reset(gateway, other)
    fetch_all(gateway, mailbox)
    gateway.command("mailbox", "suspend", mailbox.address)
    in_step(gateway, twin)
    offset.write_text("+2h")
    with Smtp(gateway) as smtp, Pop3(gateway, mailbox):
        smtp.must("MAIL FROM:<a@example.com>", "250")
        smtp.must(f"RCPT TO:<{mailbox.email}>", "450")
        scrape()
    third = Gateway(stage, {"hostname": "third.example.com"}, web=True).start()  # whose statements do not count here
    third.command("twin", "join", text=invitation(twin))
    third.create("unknown here")
    wait_for("the twin to know more", 60, lambda: twin_figure(scrape(), "differing_mailboxes") == 1, pause=0.2)
    third.stop()
    twin.stop()
    wait_for("the twin to be missed", 60, lambda: twin_figure(scrape(), "lag_seconds") > 1, pause=0.2)
    gateway.command("mailbox", "activate", mailbox.address)
    gateway.command("drain", "on", "--yes", "--for", "1h")
    scrape()
    passwords.password(gateway, renewed, "--unlock-earlier", lines=[other.password, renewed.password])
    for each in (mailbox, renewed):
        fetch_all(gateway, each, delete=True)
    scrape()
    gateway.command("drain", "off")
    gateway.restart()
    scrape()
    documented = set(re.findall(r"`(postern_\w+)", re.search(r"^\| metric \|.*?\n\n", MANUAL, re.M | re.S)[0]))
    counted = {"postern_warnings", "postern_mailbox_refused_total"}  # 0 where there is no line
    moved = set()
    for metric in documented:
        names = {name for page in pages for name in page if re.match(rf"{metric}(_bucket|_sum|_count)?(\{{|$)", name)}
        for name in names:
            values = {page.get(name, 0.0 if metric in counted else None) for page in pages} - {None}
            if len(values) > 1:
                moved.add(metric)
    expect_equal(documented - moved, {"postern_info"}, "figures that nothing moved")
    told = {re.match(r"(\w+?)(?:_bucket|_sum|_count)?(?:\{|$)", name)[1] for page in pages for name in page}
    expect_equal(told, documented, "figures that are told, and that docs/monitoring.md explains")
    version = program(str(gateway.binary), "--version").stdout.decode().split()[-1]
    expect(f'postern_info{{version="{version}"}}' in pages[0], f"no figure of version {version}")


if __name__ == "__main__":
    run()
