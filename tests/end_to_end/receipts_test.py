#!/usr/bin/env python3
"""Receipts: what was taken, from whom and as which file, is written before the sender hears its 250, and what became of
it afterwards; a line that a crash cut off is mended and said; what cannot be written holds up no mail.
"""
import csv
import hashlib
import io
import json
import re
import threading

import fixtures
from cases import case, expect, expect_equal, run, wait_for
from clients import Pop3, Smtp, deliver, fetch_all, message_id
from gateway import Gateway, started
from small_disk import SmallDisk

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


def receipts(gateway, mailbox, *options):
    return json.loads(gateway.command("receipts", mailbox.address, "--json", *options).stdout)


def ids(gateway, mailbox):
    return [receipt["id"] for receipt in receipts(gateway, mailbox)]


def logs_of(gateway, mailbox):
    """A test that runs at midnight may find two."""
    return sorted((gateway.data / "receipts" / mailbox.address).iterdir())


def lines_of(gateway, mailbox):
    return [line for log in logs_of(gateway, mailbox) for line in log.read_text().splitlines()]


def known(gateway, mailbox, what, count=1):
    """The receipts, once so many of them tell the time of that; the server writes it when nobody waits for it."""
    wait_for(f"{what} of {count} messages to be written", 60,
             lambda: sum(line.startswith(what + " ") for line in lines_of(gateway, mailbox)) >= count)
    return receipts(gateway, mailbox)


@case
def each_message_has_one_that_tells_its_life(stage):
    gateway, mailbox = started(stage)
    expect(b"No receipt is kept here" in gateway.command("receipts", mailbox.email).stdout, "a new mailbox has receipts")
    uidls = [deliver(gateway, fixtures.journal_report(seed=number), mailbox) for number in range(3)]
    files = {path.name: path.read_bytes() for path in gateway.sealed_files()}
    found = receipts(gateway, mailbox)
    expect_equal([receipt["id"] for receipt in found], uidls, "ids")
    for receipt in found:
        octets = files[receipt["id"]]
        expect_equal((receipt["octets"], receipt["sha256"]), (len(octets), hashlib.sha256(octets).hexdigest()), "the file")
        expect(re.fullmatch(TIME, receipt["received"]) and receipt["tls"].startswith("TLSv1.3/"), str(receipt))
        expect(receipt["peer"].startswith("127.") and re.fullmatch("n-[0-9a-f]{32}", receipt["node"]), str(receipt))
        expect_equal((receipt["fetched"], receipt["deleted"], receipt["purged"]), (None, None, None), "its end")
    with Pop3(gateway, mailbox) as pop:
        pop.must("TOP 1 0")
        pop.body()
        for _ in range(3):
            pop.retr(2)
        pop.retr(3)
        pop.must("DELE 3")
        pop.must("QUIT")
    found = known(gateway, mailbox, "fetched", 2)
    expect_equal([(bool(each["fetched"]), bool(each["deleted"])) for each in found],
                 [(False, False), (True, False), (True, True)], "fetched and deleted")
    expect_equal(sum(line.startswith(f"fetched {uidls[1]}") for line in lines_of(gateway, mailbox)), 1, "lines of a fetch")
    gateway.command("message", "restore", mailbox.address, uidls[2])
    expect_equal(receipts(gateway, mailbox)[2]["deleted"], None, "when a restored message was deleted")
    for log in logs_of(gateway, mailbox):
        expect(log.stat().st_mode & 0o777 == 0o600 and log.parent.stat().st_mode & 0o777 == 0o700, "others may read it")


@case
def they_are_shown_as_text_csv_and_since_a_time(stage):
    gateway, mailbox = started(stage)
    uidls = [deliver(gateway, fixtures.small(number), mailbox) for number in range(2)]
    table = list(csv.DictReader(io.StringIO(gateway.command("receipts", mailbox.address, "--csv").stdout.decode())))
    expect_equal([{name: value or None for name, value in row.items()} for row in table],
                 [{**each, "octets": str(each["octets"])} for each in receipts(gateway, mailbox)], "CSV")
    shown = gateway.command("receipts", mailbox.address).stdout.decode()
    expect(all(uidl in shown for uidl in uidls), f"people are shown:\n{shown}")
    day = table[0]["received"][:10]
    expect_equal(len(receipts(gateway, mailbox, "--since", day)), 2, "receipts since that day")
    expect_equal(receipts(gateway, mailbox, "--since", "2199-01-01"), [], "receipts of the future")
    gateway.command("receipts", mailbox.address, "--since", "yesterday", code=64)
    gateway.command("receipts", "nobody", code=None)
    gateway.stop()
    expect_equal(ids(gateway, mailbox), uidls, "receipts while no server runs")


@case
def each_mailbox_of_a_message_has_its_own(stage):
    gateway, first = started(stage)
    second = gateway.create("second")
    message = deliver(gateway, fixtures.small(1), first, second)
    one, other = receipts(gateway, first)[0], receipts(gateway, second)[0]
    expect_equal((one["id"], other["id"]), (message, message), "ids")
    expect(one["sha256"] != other["sha256"], "both are the same file")


@case
def it_is_there_before_the_250(stage):
    """Killed while four senders send, again and again: what was acknowledged has a receipt of the file that lies there."""
    gateway, mailbox = started(stage)
    acknowledged = []

    def send(number):
        try:
            while True:
                with Smtp(gateway) as smtp:
                    smtp.envelope(mailbox)
                    acknowledged.append(message_id(smtp.data(fixtures.stuffed(fixtures.small(number)))))
        except Exception:  # noqa: BLE001  (whatever a connection dies of: the server was killed)
            return

    for count in (10, 20, 30):
        senders = [threading.Thread(target=send, args=(number,)) for number in range(4)]
        for sender in senders:
            sender.start()
        wait_for("messages to be acknowledged", 60, lambda: len(acknowledged) >= count)  # noqa: B023
        gateway.kill()
        for sender in senders:
            sender.join()
        gateway.start()
    found = {receipt["id"]: receipt for receipt in receipts(gateway, mailbox)}
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in gateway.sealed_files()}
    expect(set(acknowledged) <= set(found), f"without a receipt: {set(acknowledged) - set(found)}")
    expect(set(found) <= set(files), f"receipts without a message: {set(found) - set(files)}")
    expect_equal({name: each["sha256"] for name, each in found.items()}, {name: files[name] for name in found}, "files")


@case
def what_a_crash_cut_off_is_mended_and_said(stage):
    gateway, mailbox = started(stage)
    first, second = (deliver(gateway, fixtures.small(number), mailbox) for number in range(2))
    gateway.kill()
    log = logs_of(gateway, mailbox)[-1]
    log.write_bytes(log.read_bytes()[:-30])
    expect(second not in ids(gateway, mailbox), "half a line is shown")
    gateway.start()
    third = deliver(gateway, fixtures.small(3), mailbox)
    expect_equal(ids(gateway, mailbox), [first, third], "receipts")
    gateway.wait_log(rf"the last receipt was cut off by a crash, and was taken away file=\S*{log.name}")
    expect(second not in log.read_text(), "a part of a line is left")


@case
def what_cannot_be_written_holds_up_no_mail(stage):
    gateway, mailbox = started(stage)
    folder = gateway.data / "receipts"
    folder.write_text("a file in its place")
    uidls = [deliver(gateway, fixtures.small(number), mailbox) for number in range(3)]
    expect_equal(sorted(fetch_all(gateway, mailbox)), uidls, "messages")
    expect_equal(gateway.log().count("receipts are not written; mail flows on without"), 1, "times it was said")
    told, = json.loads(gateway.command("status", "--json").stdout)["warnings"]
    expect_equal((told["kind"], told["severity"]), ("receipts", "warning"), f"what status says: {told}")
    folder.unlink()
    last = deliver(gateway, fixtures.small(4), mailbox)
    gateway.wait_log("receipts are written again missed=")
    expect_equal(json.loads(gateway.command("status", "--json").stdout)["warnings"], [], "warnings afterwards")
    expect(last in ids(gateway, mailbox), "no receipt afterwards")
    log = logs_of(gateway, mailbox)[-1]
    newer = log.with_suffix(".v2")
    newer.write_text("of a newer format")
    deliver(gateway, fixtures.small(5), mailbox)
    expect_equal(newer.read_text(), "of a newer format", "a file of a newer format")
    shown = gateway.command("receipts", mailbox.address)
    expect("a newer Postern wrote it" in str(shown), f"it is not named: {shown}")


@case
def a_full_disk_takes_receipts_but_no_mail(stage):
    """min_free keeps so much free that there is room for receipts; without it mail is put off, and what is there stays."""
    disk = SmallDisk(stage)
    gateway = Gateway(stage, {"store": {"min_free": "1B"}, "smtp": {"max_message_size": "1MiB"}}, folder=disk.folder)
    gateway.log_file = stage.folder / "log"
    gateway.start()
    mailbox = gateway.create()
    uidls = [deliver(gateway, fixtures.small(number), mailbox) for number in range(3)]
    expect_equal(ids(gateway, mailbox), uidls, "receipts")
    filler = disk.fill()
    taken = []
    for number in range(200):
        with Smtp(gateway) as smtp:
            answer = smtp.ask("MAIL FROM:<sender@example.com>")
            if answer.startswith("250"):
                smtp.must(f"RCPT TO:<{mailbox.email}>", "250")
                answer = smtp.data(fixtures.stuffed(fixtures.small(number)))
            if not answer.startswith("250"):
                expect(answer.startswith("452"), f"on a full disk: {answer}")
                break
            taken.append(message_id(answer))
    expect_equal(sorted(fetch_all(gateway, mailbox)), sorted(uidls + taken), "messages")
    filler.unlink()
    last = wait_for("a message to be taken again", 60, lambda: delivered(gateway, mailbox))
    found = ids(gateway, mailbox)
    expect(set(uidls) <= set(found) and last in found, f"receipts of {uidls + [last]}: {found}")
    expect(not any("cut off" in line for line in gateway.log().splitlines()), "a part of a line was left")


def delivered(gateway, mailbox):
    with Smtp(gateway) as smtp:
        answer = smtp.ask("MAIL FROM:<sender@example.com>")
        if not answer.startswith("250"):
            return None
        smtp.must(f"RCPT TO:<{mailbox.email}>", "250")
        answer = smtp.data(fixtures.stuffed(fixtures.small(1)))
    return message_id(answer) if answer.startswith("250") else None


@case
def imported_moved_and_purged_messages(stage):
    gateway, mailbox = started(stage, {"store": {"keep_deleted": "0s"}})
    file = stage.folder / "one.eml"
    file.write_bytes(fixtures.journal_report())
    gateway.command("message", "import", mailbox.address, str(file))
    gateway.stop()
    gateway.command("message", "import", mailbox.address, str(file))
    expect_equal([(each["peer"], each["tls"]) for each in receipts(gateway, mailbox)], [("import", None)] * 2, "from")
    sealed = gateway.sealed_files()[0]
    moved = "00000000-0000-7000-8000-000000000001"  # as by hand from another node
    sealed.rename(sealed.with_name(moved))
    gateway.start()
    fetch_all(gateway, mailbox, delete=True)
    found = {each["id"]: each for each in known(gateway, mailbox, "fetched", 2)}
    expect_equal((found[moved]["received"], found[moved]["sha256"]), (None, None), "what is known of a moved message")
    expect(found[moved]["fetched"] and found[moved]["deleted"], "what became of it is not told")
    gateway.restart()  # purges at its start
    expect(all(each["purged"] for each in known(gateway, mailbox, "purged", 2) if each["deleted"]), "not told as purged")


@case
def none_where_none_are_wanted(stage):
    gateway, mailbox = started(stage, {"store": {"keep_receipts": "0s"}})
    deliver(gateway, fixtures.small(1), mailbox)
    fetch_all(gateway, mailbox, delete=True)
    expect_equal(receipts(gateway, mailbox), [], "receipts")
    expect(not (gateway.data / "receipts").exists(), "a folder for them was made")


@case
def old_ones_are_dropped(stage):
    gateway, mailbox = started(stage, {"store": {"keep_receipts": "30d"}})
    uidl = deliver(gateway, fixtures.small(1), mailbox)
    log = logs_of(gateway, mailbox)[-1]
    old = log.with_name("2020-01-01" + log.name[10:])
    old.write_bytes(log.read_bytes())
    gateway.restart()
    wait_for("the old file to be dropped", 60, lambda: not old.exists())
    expect_equal(ids(gateway, mailbox), [uidl], "receipts")


if __name__ == "__main__":
    run()
