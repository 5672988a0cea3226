#!/usr/bin/env python3
"""Draining: senders are sent to another MX at once, archivers go on, a restart does not end it, time does; it is said
when the node is empty and may be stopped, and nobody begins one unawares where nobody else takes the mail.
"""
import json
import re
import socket

import fixtures
from cases import case, expect, expect_equal, need, run, wait_for
from clients import Pop3, Smtp, Wire, curl_fetch, curl_send, deliver, fetch_all, message_id, program
from clock import with_clock
from gateway import DOMAIN, START_SECONDS, Gateway, free_ports, started
from postfix import Postfix
from terminal import with_terminal
from web import Web, token_of

NOT_NOW = "421 4.3.2 "
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


def watched(stage, **options):
    gateway = Gateway(stage, **options)
    gateway.metrics, = free_ports(gateway.host, 1)
    gateway.configure({"metrics": {"listen": [f"{gateway.host}:{gateway.metrics}"]}})
    gateway.start()
    return gateway, gateway.create()


def drain(gateway, *words, code=0):
    return json.loads(gateway.command("drain", *words, "--json", code=code).stdout or "null")


def status(gateway, code=0):
    return json.loads(gateway.command("status", "--json", code=code).stdout)


def greeting(gateway):
    with Wire(gateway.host, gateway.smtp) as wire:
        return wire.line().decode()


def start_draining(gateway):
    """As Gateway.start(), where the greeting is a 421."""
    gateway.spawn()
    wait_for("POP3", START_SECONDS, lambda: gateway.greets(gateway.pop3, b"+OK"))
    wait_for("SMTP", START_SECONDS, lambda: gateway.greets(gateway.smtp, b"421 "))


def figure(gateway, name):
    shown = program("curl", "--silent", f"http://{gateway.host}:{gateway.metrics}/metrics").stdout.decode()
    return int(re.search(rf"^postern_{name} (\d+)$", shown, re.M)[1])


@case
def senders_go_elsewhere_and_archivers_stay(stage):
    need("swaks")
    gateway, mailbox = watched(stage)
    report = fixtures.journal_report()
    file = stage.folder / "report.eml"
    file.write_bytes(report)
    curl_send(gateway, mailbox, file)
    with Smtp(gateway) as idle, Smtp(gateway) as busy:
        busy.envelope(mailbox)
        busy.must("DATA", "354")
        drain(gateway, "on", "--yes")
        busy.send(fixtures.stuffed(fixtures.small(2)))
        message_id(busy.reply())  # what was under way is taken
        for smtp in (idle, busy):
            answer = smtp.ask("MAIL FROM:<a@example.com>")
            expect(answer.startswith(NOT_NOW), f"MAIL of an open session: {answer}")
            expect(smtp.at_end(), "the session goes on")
    expect(greeting(gateway).startswith(NOT_NOW), f"greeted by {greeting(gateway)}")
    refused = program("curl", "--silent", "--show-error", "--mail-from", "a@example.com", "--mail-rcpt", mailbox.email,
                      "--upload-file", str(file), f"smtp://{gateway.host}:{gateway.smtp}", code=None)
    expect(refused.returncode != 0, "curl could send")
    told = program("swaks", "--server", gateway.host, "--port", str(gateway.smtp), "--to", mailbox.email, code=None)
    expect(told.returncode != 0 and b"421 4.3.2" in told.stdout, f"swaks was told {told.stdout}")
    expect(curl_fetch(gateway, mailbox, 1, True, stage.folder).endswith(report), "POP3 gives another message")
    expect_equal(len(fetch_all(gateway, mailbox)), 2, "messages that wait")
    with Wire(gateway.host, gateway.metrics) as ready:
        ready.send(b"GET /readyz HTTP/1.0\r\n\r\n")
        expect(b" 503 " in ready.line(), "a balancer is told that mail is taken")
    expect_equal(drain(gateway, "off"), {"was": True}, "the end")
    deliver(gateway, report, mailbox)
    expect_equal(drain(gateway, "off"), {"was": False}, "the end of none")


@case
def it_is_said_when_the_node_may_be_stopped(stage):
    gateway, mailbox = watched(stage)
    deliver(gateway, fixtures.small(1), mailbox)
    expect_equal((figure(gateway, "draining"), figure(gateway, "drained"), status(gateway)["drain"]), (0, 0, None), "before")
    with Smtp(gateway):
        drain(gateway, "on", "--yes", "--for", "90m")
        told = status(gateway)
        expect_equal([told["drain"][name] for name in ("sessions", "waiting", "locked", "drained", "twin")],
                     [1, 1, 0, False, False], f"what is left ({told['drain']})")
        expect(89 * 60 < told["drain"]["seconds_left"] <= 90 * 60, f"counts {told['drain']['seconds_left']}")
    found, = told["warnings"]
    expect_equal((found["kind"], found["severity"], [each["who"] for each in found["deadlines"]]),
                 ("drain", "warning", ["The drain"]), "the warning")
    wait_for("the session's end to be seen", 20, lambda: status(gateway)["drain"]["sessions"] == 0)
    fetch_all(gateway, mailbox, delete=True)
    gateway.wait_log("drained, safe to stop")
    told = status(gateway)
    expect(told["drain"]["drained"] and told["warnings"][0]["text"].startswith("drained, safe to stop"), str(told["drain"]))
    expect_equal((figure(gateway, "draining"), figure(gateway, "drained")), (1, 1), "figures")
    people = gateway.command("status").stdout.decode()
    expect(re.search(rf"drained, safe to stop.*ends +at {TIME}, in 1 h 29 min", people, re.S), people)
    expect(b"drained, safe to stop" in gateway.command("status", "--check", code=1).stdout, "monitoring is not told")
    expect_equal(gateway.log().count("drained, safe to stop"), 1, "times it was logged")
    drain(gateway, "on", "--yes", "--for", "ever")
    again = status(gateway)
    expect_equal((again["drain"]["since"], again["drain"]["until"], again["drain"]["seconds_left"]),
                 (told["drain"]["since"], None, None), "for ever")
    expect_equal([each["who"] for each in again["warnings"][0]["deadlines"]],
                 ["Exchange Online", "Exchange", "Google"], "who gives up, where nobody takes the mail")


@case
def locked_messages_are_no_empty_node(stage):
    gateway, mailbox = started(stage)
    deliver(gateway, fixtures.small(1), mailbox)
    gateway.command("mailbox", "password", mailbox.address, "--reset", "--json")
    drain(gateway, "on", "--yes")
    told = status(gateway)["drain"]
    expect_equal((told["waiting"], told["locked"], told["drained"]), (0, 1, False), "what is left")
    expect("earlier password" in told["text"], told["text"])


@case
def restarts_do_not_end_it_but_time_does(stage):
    offset, environment = with_clock(stage)
    gateway, mailbox = started(stage, environment=environment)
    gateway.command("drain", "on", "--yes")
    file = gateway.data / "node" / "drain.toml"
    expect(file.read_text().splitlines()[1] == "format = 1" and file.stat().st_mode & 0o777 == 0o600, file.read_text())
    gateway.kill()
    start_draining(gateway)
    gateway.wait_log("drain goes on after the start: no new mail is taken")
    offset.write_text("+7h")
    expect(greeting(gateway).startswith(NOT_NOW), "it ended an hour too early")
    offset.write_text("+8h")
    wait_for("mail to be taken", 20, lambda: greeting(gateway).startswith("220"))
    gateway.wait_log("drain is over: mail is taken again")
    wait_for("its file to go", 20, lambda: not file.exists())
    deliver(gateway, fixtures.small(1), mailbox)
    expect_equal(status(gateway)["drain"], None, "the drain")

    gateway.command("drain", "on", "--yes", "--for", "1h")
    gateway.stop()
    offset.write_text("+10h")
    gateway.start()  # which wants a 220
    wait_for("its file to go", 20, lambda: not file.exists())


@case
def a_server_that_is_stopped_starts_with_it(stage):
    gateway, mailbox = started(stage)
    gateway.stop()
    expect_equal(drain(gateway, "on", "--yes", "--for", "2d")["twin"], False, "twin")
    told = status(gateway, code=69)
    expect("next start" in told["drain"]["text"] and not told["drain"]["drained"], str(told["drain"]))
    expect_equal([each["kind"] for each in told["warnings"]], ["not_running"], "warnings")
    start_draining(gateway)
    gateway.stop()
    expect_equal(drain(gateway, "off"), {"was": True}, "the end")
    gateway.start()
    deliver(gateway, fixtures.small(1), mailbox)


@case
def without_a_twin_it_asks(stage):
    gateway, _ = started(stage)
    for words in (("on",), ("on", "--for", "ever")):
        refused = gateway.command("drain", *words, code=64).stderr
        expect(b"knows no twin" in refused and b"--yes" in refused, f"told {refused}")
    words = [gateway.binary, "drain", "on", "--config", str(gateway.config)]
    for answer, code in (("n", 75), ("", 75), ("y", 0)):
        expect(greeting(gateway).startswith("220"), "it drains unasked")
        ended, shown = with_terminal(words, answer, prompt=b"[y/N]")
        expect(ended == code and "Exchange Online gives up after 24 hours" in shown, f"{answer!r}: {ended} {shown}")
    expect(greeting(gateway).startswith(NOT_NOW), "it does not drain")
    drain(gateway, "off")
    for length in ("0s", "8", "9999d", "never"):
        gateway.command("drain", "on", "--yes", "--for", length, code=64)
    expect(greeting(gateway).startswith("220"), "it drains for a length that is none")


@case
def what_is_no_drain_stops_no_mail(stage):
    gateway, mailbox = started(stage)
    file = gateway.data / "node" / "drain.toml"
    for text in ("", "format = 1\nsince = [", "format = 1\nuntil = 2026-11-22T10:00:00Z\n", "x" * 100_000):
        gateway.stop()
        file.write_text(text)
        gateway.start()
        deliver(gateway, fixtures.small(1), mailbox)
    gateway.wait_log("whether this node drains is not known; it takes mail.*drain.toml")
    drain(gateway, "off")
    expect(not file.exists(), "the file stays")
    gateway.stop()
    file.write_text("format = 2\n")
    gateway.start()
    expect(b"newer" in gateway.command("drain", "on", "--yes", code=78).stderr, "what is newer is replaced")
    expect_equal(file.read_text(), "format = 2\n", "the newer file")


@case
def the_api_begins_and_ends_it(stage):
    gateway = Gateway(stage, web=True).start()
    read, manage = (Web(gateway, token_of(gateway, scope, scope)) for scope in ("read", "manage"))
    none = {"drain": None, "twin": False}
    expect_equal(read.must(200, read.get("drain")), none, "at first")
    expect_equal((read.ask("PUT", "drain", {}).status, read.ask("DELETE", "drain").status), (403, 403), "by who may only read")
    expect_equal(Web(gateway).get("drain").status, 401, "by nobody")
    for body, code in (({}, 409), ({"for": "8h", "without_twin": False}, 409), ({"for": "soon", "without_twin": True}, 400),
                       ({"for": 8, "without_twin": True}, 400), ({"without_twin": "yes"}, 400), ({"until": "x"}, 400)):
        expect_equal(manage.ask("PUT", "drain", body).status, code, str(body))
    expect_equal(manage.must(200, manage.get("drain")), none, "after what was refused")
    told = manage.must(200, manage.ask("PUT", "drain", {"for": "ever", "without_twin": True}))
    expect_equal((told["drain"]["until"], told["drain"]["drained"]), (None, True), "for ever")
    expect(greeting(gateway).startswith(NOT_NOW), "it does not drain")
    told = manage.must(200, manage.ask("PUT", "drain", {"without_twin": True}))
    expect(8 * 3600 - 60 < told["drain"]["seconds_left"] <= 8 * 3600, str(told))
    expect_equal(read.must(200, read.get("status"))["drain"]["since"], told["drain"]["since"], "what the page is told")
    expect_equal(manage.must(200, manage.ask("DELETE", "drain")), none, "at the end")
    expect(greeting(gateway).startswith("220"), "it still drains")
    gateway.wait_log('admin: drain begun on="for ever" who="manage by the token')
    gateway.wait_log('admin: drain ended')


@case
def postfix_takes_the_other_mx(stage):
    first, mailbox = started(stage)
    second = Gateway(stage)
    second.start()
    second.command("mailbox", "create", "--name", "journal", "--address", mailbox.address, "--password-stdin",
                   text=mailbox.password + "\n")

    class Both:
        """What Postfix is told of both, the first one first: nothing else differs from MX records."""
        host, smtp = first.host, f"{first.smtp}, [{second.host}]:{second.smtp}"

    postfix = Postfix(stage, Both, "may")
    postfix.send(fixtures.small(1), mailbox)
    drain(first, "on", "--yes")
    postfix.send(fixtures.small(2), mailbox)
    drain(first, "off")
    postfix.send(fixtures.small(3), mailbox)
    expect_equal((len(fetch_all(first, mailbox)), len(fetch_all(second, mailbox))), (2, 1), "messages on each")


if __name__ == "__main__":
    run()
