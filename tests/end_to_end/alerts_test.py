#!/usr/bin/env python3
"""Alerts by webhook: what needs attention is posted once it holds, once for all that begins together, and once it is over;
signed, through trouble of the receiver and restarts; and a receiver that hangs or talks without end costs nothing.
"""
# time limit: 900 s
# waits
import datetime
import json

import fixtures
from alarmed import Alarmed
from cases import case, expect, expect_equal, run, wait_for
from certificates import Authority
from clients import Smtp, deliver, fetch_all
from clock import with_clock
from gateway import DOMAIN, HOSTNAME, started
from receiver import Receiver

HOUR = 3600


@case
def mail_that_nobody_fetches_is_told_and_its_end_as_well(stage):
    alarmed = Alarmed(stage)
    gateway = alarmed.gateway
    mailbox = gateway.create("Contoso")
    deliver(gateway, fixtures.small(1), mailbox)
    alarmed.later(21 * HOUR)
    opened, = alarmed.bodies()
    expect_equal([opened[name] for name in ("state", "kind", "severity", "mailbox", "hostname", "domain")],
                 ["open", "unfetched", "warning", mailbox.address, HOSTNAME, DOMAIN], "the notice")
    expect("Contoso" in opened["text"] and "21 hours" in opened["text"] and "archiver" in opened["advice"], str(opened))
    expect_equal(opened["since"], json.loads(gateway.command("status", "--json").stdout)["mailboxes"][0]["waiting"]["oldest"],
                 "since when")
    gateway.restart()  # which is no news
    fetch_all(gateway, mailbox, delete=True)
    over, = alarmed.bodies("resolved")
    expect_equal((over["id"], len(alarmed.receiver.bodies())), (opened["id"], 2), "notices")
    alarmed.quiet()


@case
def many_mailboxes_are_one_notice(stage):
    alarmed = Alarmed(stage, alerts={"silence": "0s"})
    gateway = alarmed.gateway
    mailboxes = [gateway.create(f"tenant {number}") for number in range(12)]
    deliver(gateway, fixtures.small(1), *mailboxes)
    alarmed.later(30 * HOUR)
    notice, = alarmed.bodies()
    expect_equal((notice["mailbox"], notice["findings"]), (None, 12), "whose")
    expect_equal(set(notice["mailboxes"]), {mailbox.address for mailbox in mailboxes}, "mailboxes")
    expect(notice["text"].endswith("and 9 more"), notice["text"])


@case
def what_ends_mail_is_critical_and_has_a_deadline(stage):
    authority = Authority(stage.folder / "authority")
    chain, key = authority.server(HOSTNAME, DOMAIN, days=2)
    alarmed = Alarmed(stage, {"tls": {"source": "files", "certificate": str(chain), "key": str(key)}})
    gateway = alarmed.gateway
    mailbox = gateway.create()
    gateway.command("mailbox", "suspend", mailbox.address)
    with Smtp(gateway) as smtp:
        smtp.must("MAIL FROM:<a@example.com>", "250")
        smtp.must(f"RCPT TO:<{mailbox.email}>", "450")
        smtp.must(f"RCPT TO:<mbx-{'f' * 32}@{DOMAIN}>", "451")
    gateway.command("drain", "on", "--yes", "--for", "2h")
    found = {notice["kind"]: notice for notice in alarmed.bodies(count=4)}
    expect_equal({kind: notice["severity"] for kind, notice in found.items()},
                 {"certificate": "critical", "put_off": "warning", "unknown_mailbox": "warning", "drain": "warning"}, "alerts")
    expect(all(notice["deadline"] for notice in found.values()), f"without a deadline: {found}")
    gateway.command("drain", "off")
    gateway.command("mailbox", "activate", mailbox.address)
    over = {notice["kind"] for notice in alarmed.bodies("resolved", count=2)}
    expect_equal(over, {"put_off", "drain"}, "what is over")


@case
def silence_is_told_on_monday_not_on_sunday(stage):
    """Four weeks of office hours; then nothing more comes."""
    receiver = Receiver(stage)
    offset, environment = with_clock(stage)
    begin = datetime.datetime.now(datetime.timezone.utc)
    monday = (begin + datetime.timedelta(days=7 - begin.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)

    def clock(day, hour, minute=5):
        moment = monday + datetime.timedelta(days=day, hours=hour, minutes=minute)
        offset.write_text(f"+{int((moment - datetime.datetime.now(datetime.timezone.utc)).total_seconds())}")

    clock(0, 0)
    gateway, mailbox = started(stage, {"alerts": {"unfetched": "0s"}}, environment=environment)
    other = gateway.create("its own limit")
    gateway.command("mailbox", "edit", other.address, "--alert-silence", "6h")

    def silent():
        told = json.loads(gateway.command("status", "--json").stdout)
        return [warning["mailbox"] for warning in told["warnings"] if warning["kind"] == "silent"]

    for day in (week * 7 + weekday for week in range(4) for weekday in range(5)):
        for hour in range(8, 16):
            clock(day, hour)
            deliver(gateway, fixtures.small(day * 24 + hour), mailbox, other)
    for day, hour in ((25, 20), (26, 12), (27, 23), (28, 8), (28, 10)):
        clock(day, hour)
        expect_equal(silent(), [], f"silent on day {day % 7} at {hour}")
    gateway.stop()
    gateway.configure({"alerts": receiver.settings})
    gateway.start()  # what is usual outlives it
    clock(28, 11)
    expect_equal(silent(), [mailbox.address], "silent on Monday at 11")
    minutes = iter(range(6, 55))
    wait_for("the notice", 120, lambda: clock(28, 11, next(minutes)) or receiver.bodies(), pause=2)
    notice, = receiver.bodies()
    expect_equal((notice["kind"], notice["mailbox"]), ("silent", mailbox.address), "the notice")
    clock(28, 14)
    expect_equal(set(silent()), {mailbox.address, other.address}, "silent on Monday at 14")
    deliver(gateway, fixtures.small(1), mailbox, other)
    expect_equal(silent(), [], "silent after a mail")
    minutes = iter(range(6, 55))
    wait_for("its end", 120, lambda: clock(28, 14, next(minutes)) or receiver.bodies("resolved"), pause=2)
    gateway.command("mailbox", "suspend", mailbox.address)
    gateway.command("mailbox", "edit", other.address, "--alert-silence", "0s")
    clock(29, 15)
    expect_equal(silent(), [], "silent where that is meant")


@case
def a_young_mailbox_is_silent_after_a_day(stage):
    offset, environment = with_clock(stage)
    gateway, mailbox = started(stage, environment=environment)
    gateway.create("never used")
    deliver(gateway, fixtures.small(1), mailbox)
    for hours, silent in ((23, []), (25, [mailbox.address])):
        offset.write_text(f"+{hours}h")
        told = json.loads(gateway.command("status", "--json").stdout)
        expect_equal([each["mailbox"] for each in told["warnings"] if each["kind"] == "silent"], silent, f"after {hours} h")


@case
def a_receiver_in_trouble_gets_it_later_and_costs_nothing(stage):
    alarmed = Alarmed(stage)
    gateway, receiver = alarmed.gateway, alarmed.receiver
    mailbox = gateway.create()
    deliver(gateway, fixtures.small(1), mailbox)
    receiver.answer = 500
    alarmed.later(21 * HOUR)
    alarmed.wait("a first attempt", lambda: receiver.notices)
    wait_for("a second attempt", 120, lambda: len(receiver.notices) >= 2, pause=0.5)
    expect_equal(len({headers["webhook-id"] for headers, _ in receiver.notices}), 1, "ids of the same notice")
    gateway.wait_log("alerts cannot be told by webhook; it is tried again.*status 500", 60)
    told = json.loads(gateway.command("status", "--json").stdout)
    expect("webhook" in [each["kind"] for each in told["warnings"]], f"warnings: {told['warnings']}")
    receiver.answer = "hang"
    gateway.restart()
    wait_for("an attempt that hangs", 120, lambda: receiver.hanging, pause=0.5)
    deliver(gateway, fixtures.small(2), mailbox)
    expect_equal(len(fetch_all(gateway, mailbox)), 2, "messages, while the receiver hangs")
    receiver.answer = "endless"
    wait_for("an attempt that is answered without end", 180, lambda: len(receiver.notices) >= 4, pause=0.5)
    receiver.answer = 200
    expect(gateway.status("VmHWM") < 1 << 20, "the answer is kept in memory")
    fetch_all(gateway, mailbox, delete=True)
    over, = alarmed.bodies("resolved")
    expect_equal(over["id"], json.loads(receiver.notices[0][1])["id"], "whose end")
    alarmed.quiet()
    (gateway.data / "state" / "alerts.json").read_text()


@case
def what_is_open_is_told_anew_where_the_state_is_lost(stage):
    alarmed = Alarmed(stage)
    gateway = alarmed.gateway
    mailbox = gateway.create()
    deliver(gateway, fixtures.small(1), mailbox)
    alarmed.later(21 * HOUR)
    first, = alarmed.bodies()
    gateway.stop()
    file = gateway.data / "state" / "alerts.json"
    expect_equal(json.loads(file.read_text())["format"], 1, "the file's format")
    file.write_text("{no JSON")
    gateway.start()
    second = alarmed.bodies(count=2)[1]
    expect(second["id"] != first["id"] and second["mailbox"] == mailbox.address, f"told {second}")
    gateway.wait_log("which alerts were told is not known any more")


@case
def a_secret_that_cannot_be_read_is_said(stage):
    alarmed = Alarmed(stage)
    alarmed.receiver.secret.write_text("short\n")
    alarmed.gateway.restart()
    alarmed.gateway.wait_log("no alert can be told by webhook.*webhook-secret: it holds no secret")
    expect("short" not in alarmed.gateway.log().replace("for short", ""), "the secret is in the log")


if __name__ == "__main__":
    run()
