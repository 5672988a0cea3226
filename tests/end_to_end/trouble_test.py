#!/usr/bin/env python3
"""Trouble of the machine is a 4xx that is said once, loses nothing, leaves nothing, and ends when its cause does,
without a restart: a disk that is full, hangs or turned read-only, a clock that jumps, folders that are
moved, removed or replaced under a running server.
"""
# time limit: 900 s
import json
import re
import shutil
import threading
import time

import fixtures
import passwords
from cases import case, expect, expect_equal, run, seconds, wait_for
from clients import Pop3, Smtp, deliver, fetch_all, message_id
from clock import with_clock
from gateway import Gateway, started
from small_disk import SmallDisk

DAY = 86400


def on_small_disk(stage, settings=None):
    disk = SmallDisk(stage)
    gateway = Gateway(stage, settings or {"store": {"min_free": "1B"}, "smtp": {"max_message_size": "1MiB"}}, folder=disk.folder)
    gateway.log_file = stage.folder / "log"
    gateway.start()
    return disk, gateway, gateway.create()


def attempt(gateway, mailbox, number=1, message=None):
    """The answer to a message, or to the command before it that was refused."""
    with Smtp(gateway) as smtp:
        for command in ("MAIL FROM:<sender@example.com>", f"RCPT TO:<{mailbox.email}>"):
            answer = smtp.ask(command)
            if not answer.startswith("250"):
                return answer
        return smtp.data(fixtures.stuffed(message or fixtures.small(number)))


def lines(gateway, pattern):
    return [line for line in gateway.log().splitlines() if re.search(pattern, line)]


def expect_only(gateway, mailbox, uidls):
    expect_equal(sorted(fetch_all(gateway, mailbox)), sorted(uidls), "what is there")
    expect_equal({path.name for path in gateway.sealed_files()}, set(uidls), "files")


@case
def a_full_disk(stage):
    """Without the guard of min_free: every call that needs room fails."""
    disk, gateway, mailbox = on_small_disk(stage)
    uidls = [deliver(gateway, fixtures.small(number), mailbox) for number in range(3)]
    filler = disk.fill()
    for number in range(5):
        answer = attempt(gateway, mailbox, message=fixtures.large(500_000))
        expect(answer.startswith("452 4.3.1"), f"on a full disk: {answer}")
    refused = passwords.password(gateway, mailbox, lines=[mailbox.password], code=None)
    expect("No space" in str(refused) or "full" in str(refused), f"a password is changed on a full disk: {refused}")
    expect_only(gateway, mailbox, uidls)
    with Pop3(gateway, mailbox) as pop:
        pop.must("DELE 1")
        answer = pop.ask("QUIT")
    if answer.startswith("+OK"):
        uidls = uidls[1:]
    expect_only(gateway, mailbox, uidls)
    expect_equal(len(lines(gateway, "message not stored")), 1, "times it was said that messages are not stored")
    filler.unlink()
    uidls.append(message_id(attempt(gateway, mailbox)))
    gateway.wait_log("messages are stored again", 5)
    expect_equal(json.loads(gateway.command("status", "--json").stdout)["warnings"], [], "warnings")
    expect_only(gateway, mailbox, uidls)
    mailbox = passwords.change(gateway, mailbox)
    gateway.restart()
    expect_only(gateway, mailbox, uidls)


@case
def a_disk_that_turned_read_only(stage):
    disk, gateway, mailbox = on_small_disk(stage)
    uidls = [deliver(gateway, fixtures.small(number), mailbox) for number in range(3)]
    disk.fail()
    for number in range(5):
        answer = attempt(gateway, mailbox, number)
        expect(answer.startswith("451 4.3.0"), f"on a disk that is read-only: {answer}")
    told = json.loads(gateway.command("status", "--json").stdout)["warnings"][0]
    expect_equal((told["kind"], told["severity"]), ("not_stored", "critical"), f"what status says: {told}")
    with Pop3(gateway, mailbox) as pop:
        expect_equal(len(pop.listing("UIDL")), 3, "messages")
        pop.retr(1)
        pop.must("DELE 1")
        answer = pop.ask("QUIT")
        expect(answer.startswith("-ERR"), f"QUIT with a deletion on a disk that is read-only: {answer}")
    expect_equal(sorted(fetch_all(gateway, mailbox)), sorted(uidls), "messages that stay")
    expect_equal(len(lines(gateway, "message not stored")), 1, "times it was said that messages are not stored")
    disk.repair()
    uidls.append(message_id(attempt(gateway, mailbox)))
    gateway.wait_log("messages are stored again", 5)
    expect_only(gateway, mailbox, uidls)
    with Pop3(gateway, mailbox) as pop:
        pop.must("DELE 1")
        pop.must("QUIT")
    gateway.restart()
    expect_only(gateway, mailbox, uidls[1:])


@case
def a_clock_that_jumps_by_a_day(stage):
    offset, environment = with_clock(stage)
    gateway = Gateway(stage, environment=environment).start()
    gateway.environment.pop("LD_PRELOAD")
    mailbox, uidls = gateway.create(), []
    with Smtp(gateway) as smtp, Pop3(gateway, gateway.create("read meanwhile")) as pop:
        for number, jump in enumerate((0, DAY, 0, -DAY, 0, DAY, -DAY)):
            offset.write_text(f"{jump:+d}")
            for _ in range(3):
                smtp.envelope(mailbox)
                uidls.append(message_id(smtp.data(fixtures.stuffed(fixtures.small(number)))))
            pop.must("NOOP")
    expect_equal(len(set(uidls)), 21, "ids, none twice")
    days = {line[:10] for line in lines(gateway, "message stored")}
    expect_equal(len(days), 3, f"days that the log tells of ({days})")
    with Pop3(gateway, mailbox) as pop:
        expect_equal([uidl for _, uidl in pop.listing("UIDL")], uidls, "messages in order of arrival")
    with Pop3(gateway, mailbox) as pop:  # deleted with the clock a day ahead: nothing purges it at once
        offset.write_text(f"{DAY:+d}")
        pop.must("DELE 1")
        pop.must("QUIT")
    gateway.command("message", "restore", mailbox.address, uidls[0])
    expect_only(gateway, mailbox, uidls)


class Answer(threading.Thread):
    """Waits for the answer to a message that was sent whole."""

    def __init__(self, smtp, mailbox, number):
        super().__init__(daemon=True)
        self.smtp, self.text, self.seconds = smtp, None, None
        smtp.envelope(mailbox)
        smtp.must("DATA", "354")
        smtp.socket.settimeout(600)
        self.sent = time.monotonic()
        smtp.send(fixtures.stuffed(fixtures.small(number)))
        self.start()

    def run(self):
        self.text = self.smtp.reply()
        self.seconds = time.monotonic() - self.sent


@case
def a_disk_that_hangs(stage):
    """It stops nobody but those who wait for it. With DURATION from 600 on it hangs longer than a sender is kept."""
    disk, gateway, mailbox = on_small_disk(stage)
    uidls = [deliver(gateway, fixtures.small(0), mailbox)]
    long = seconds(0) >= 600
    senders = [Smtp(gateway) for _ in range(40)]  # more than there are workers
    with disk.frozen():
        answers = [Answer(smtp, mailbox, number) for number, smtp in enumerate(senders)]
        with Smtp(gateway) as other:
            other.envelope(mailbox)  # nobody waits for the disk here
        if long:
            for answer in answers:
                answer.join(320)
                expect((answer.text or "").startswith("451 4.3.0"), f"after 320 s: {answer.text}")
            print(f"figure: a disk that hangs: 451 after {max(answer.seconds for answer in answers):.0f} s")
        else:
            expect(not any(answer.text for answer in answers), "an answer while the disk hangs")
    for answer in answers:
        answer.join(60)
        if not long:
            uidls.append(message_id(answer.text or ""))
        answer.smtp.close()
    # What came late is taken back; what was stored in time stays.
    wait_for("the disk to settle", 60, lambda: {path.name for path in gateway.sealed_files()} == set(uidls))
    uidls.append(message_id(attempt(gateway, mailbox)))
    expect_only(gateway, mailbox, uidls)


@case
def a_disk_that_fills_is_told_before_it_is_full(stage):
    """At the pace of the two hours that the clock is set forward: by log, status and check."""
    disk = SmallDisk(stage)
    offset, environment = with_clock(stage)
    gateway = Gateway(stage, {"store": {"min_free": "1MiB"}, "smtp": {"max_message_size": "1MiB"}},
                      folder=disk.folder, environment=environment)
    gateway.log_file = stage.folder / "log"
    gateway.start()
    gateway.environment.pop("LD_PRELOAD")
    disk.fill(leave=disk.free() // 2)
    offset.write_text("+2h")
    said = gateway.wait_log(r"at the pace of the last day disk space comes to store.min_free soon at=(\S+)", 30)
    told = json.loads(gateway.command("status", "--json", code=None).stdout)
    expect_equal(told["disk"]["projected"], said[1], "what status says")
    checked = gateway.command("check", code=None).stdout.decode()
    expect(re.search(rf"warning  space: .* none is left for mail at {said[1]}", checked), f"check says:\n{checked}")
    expect_equal(len(lines(gateway, "at the pace of the last day")), 1, "times it was said")


@case
def the_guard_of_the_disk(stage):
    """Below min_free senders are put off; before that deleted messages give way, those deleted first first."""
    disk, gateway, mailbox = on_small_disk(stage, {"store": {"min_free": "6MiB"}, "smtp": {"max_message_size": "3MiB"}})
    message = fixtures.large(2 << 20)
    uidls = [deliver(gateway, message, mailbox) for _ in range(5)]
    waiting = uidls.pop()
    for _ in uidls:  # one after the other, so that each has a time of its own
        with Pop3(gateway, mailbox) as pop:
            pop.must("DELE 1")
            pop.must("QUIT")

    def deleted():
        return re.findall(r"[0-9a-f]{8}-[0-9a-f-]{27}", gateway.command(
            "message", "list", mailbox.address, "--deleted", "--json", text=mailbox.password + "\n").stdout.decode())

    expect_equal(sorted(set(deleted())), sorted(uidls), "deleted messages")
    filler = disk.fill(leave=(9 << 20) - (1 << 20))  # one MiB less than the guard and the largest message
    gateway.wait_log("deleted messages were purged before store.keep_deleted, for space is short messages=1 ", 30)
    expect_equal(sorted(set(deleted())), sorted(uidls[1:]), "deleted messages, without the one that was deleted first")
    gateway.command("message", "restore", mailbox.address, uidls[1])
    more = disk.folder / "more"
    more.write_bytes(bytes(max(0, disk.free() - (1 << 20))))  # and now beyond the guard
    gateway.wait_log("disk space is below store.min_free", 30)
    wait_for("all deleted messages to be purged", 30, lambda: not deleted())
    answer = attempt(gateway, mailbox)
    expect(answer.startswith("452 4.3.1"), f"below min_free: {answer}")
    expect_equal(sorted(fetch_all(gateway, mailbox)), sorted([waiting, uidls[1]]), "messages that wait")
    filler.unlink()
    more.unlink()
    gateway.wait_log("disk space is above store.min_free again", 30)
    message_id(attempt(gateway, mailbox))


def folder_of(gateway, mailbox):
    folder, = (gateway.data / "mailboxes" / mailbox.address).glob("age1*")
    return folder


@case
def a_folder_that_is_replaced_swallows_nothing(stage):
    """The server keeps folders open; what it accepts lies where the path leads."""
    gateway, mailbox = started(stage)
    first = deliver(gateway, fixtures.small(1), mailbox)
    folder, away = folder_of(gateway, mailbox), stage.folder / "away"
    for level in (folder, folder.parent, folder.parent.parent):
        level.rename(away)  # a copy in its place, as after moving it to another disk
        shutil.copytree(away, level, copy_function=shutil.copy2)
        second = deliver(gateway, fixtures.small(2), mailbox)
        expect(not list(away.rglob(second)), "a message went to the folder that was moved away")
        expect_only(gateway, mailbox, [first, second])
        with Pop3(gateway, mailbox) as pop:
            pop.must("DELE 2")
            pop.must("QUIT")
        expect(not list(away.rglob(f"deleted/{second}")), "it was deleted in the folder that was moved away")
        expect_only(gateway, mailbox, [first])
        shutil.rmtree(away)
        shutil.rmtree(folder / "deleted")
    shutil.rmtree(folder.parent)
    third = deliver(gateway, fixtures.small(3), mailbox)
    expect_only(gateway, mailbox, [third])


@case
def folders_replaced_under_load_swallow_nothing(stage):
    gateway, mailbox = started(stage)
    folder = deliver(gateway, fixtures.small(0), mailbox) and folder_of(gateway, mailbox)
    accepted, put_off, ended, away = {}, [], threading.Event(), {}  # id -> when it began; folder -> when it was moved

    def send():
        with Smtp(gateway) as smtp:
            while not ended.is_set():
                began = time.monotonic()
                smtp.envelope(mailbox)
                answer = smtp.data(fixtures.stuffed(fixtures.small(1)))
                if answer.startswith("250"):
                    accepted[message_id(answer)] = began
                else:
                    put_off.append(answer)

    senders = [threading.Thread(target=send, daemon=True) for _ in range(8)]
    for sender in senders:
        sender.start()
    for number in range(40):
        enough = len(accepted) + 5
        wait_for("mail to flow", 30, lambda: len(accepted) >= enough and folder.exists())
        target = stage.folder / f"away{number}"
        (folder if number % 2 else folder.parent).rename(target)
        away[target] = time.monotonic()
    ended.set()
    for sender in senders:
        sender.join(60)
    expect(all(answer.startswith("451 4.3.0") for answer in put_off), f"other answers: {put_off[:3]}")
    there = {path.name for place in [gateway.data / "mailboxes", *away] for path in place.rglob("*-*-*-*-*")}
    lost = set(accepted) - there
    expect(not lost, f"{len(lost)} of {len(accepted)} accepted messages are nowhere")
    for place, moved in away.items():
        late = [path.name for path in place.rglob("*-*-*-*-*") if accepted.get(path.name, 0) > moved]
        expect(not late, f"{len(late)} messages went to a folder that had been moved away before they came")
    print(f"figure: {len(accepted)} messages accepted, {len(put_off)} put off while their folders were moved away 40 times")


if __name__ == "__main__":
    run()
