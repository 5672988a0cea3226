#!/usr/bin/env python3
"""What the page watches: events as they happen, bounded in number, ended with their session and with the server;
traffic, status, settings, certificate and log as they are."""
import datetime
import json
import signal
import time

import fixtures
from cases import Failure, case, expect, expect_equal, run, wait_for
from clients import deliver, fetch_all
from gateway import Gateway
from web import NAME, PASSWORD, ROOT, Web, token_of

SECONDS = 30  # more than a stream may be silent


def watched(stage, settings=None):
    gateway = Gateway(stage, settings, web=True).start()
    return gateway, Web(gateway).set_up()


class Events:
    """A stream of server-sent events, as a browser reads it."""

    def __init__(self, web, path="events"):
        self.connection = web.connection()
        self.connection.timeout = SECONDS
        shown = ({"Authorization": f"Bearer {web.token}"} if web.token
                 else {"Cookie": f"__Host-postern={web.cookie}"})
        self.connection.request("GET", f"{ROOT}/{path}", headers=shown)
        self.response = self.connection.getresponse()
        self.status = self.response.status

    def __enter__(self):
        expect_equal((self.status, self.response.headers["Content-Type"]), (200, "text/event-stream"), "a stream")
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.response.close()
        self.connection.close()

    def next(self):
        """(name, data) of the next event; ("", None) of a comment; None at the end."""
        name, data, lines = "", None, 0
        while line := self.response.readline().decode():
            if line == "\n":
                return name, data
            lines += 1
            if line.startswith("event: "):
                name = line[7:-1]
            elif line.startswith("data: "):
                data = json.loads(line[6:])
        expect_equal(lines, 0, "lines of an event that was cut")
        return None

    def until(self, name, fits=lambda data: True):
        seen, deadline = [], time.monotonic() + SECONDS
        while time.monotonic() < deadline and (event := self.next()):
            if event[0] == name and fits(event[1]):
                return event[1]
            seen.append(event)
        raise Failure(f"no {name} that fits; {seen}")


@case
def what_happens_is_told(stage):
    gateway, web = watched(stage)
    mailbox = gateway.create()
    with Events(web) as events, Events(web, "events?log=1") as with_log:
        uidl = deliver(gateway, fixtures.small(1), mailbox)
        told = events.until("traffic")
        expect_equal((told["hour"]["received"], told["day"]["received"]), (1, 1), "received")
        line = with_log.until("log", lambda data: any(uidl in line["text"] for line in data["lines"]))["lines"][-1]
        expect_equal(sorted(line), ["at", "level", "number", "text"], "a line of the log")
        fetch_all(gateway, mailbox)
        events.until("traffic", lambda data: data["hour"]["fetched"] == 1)
        gateway.command("mailbox", "edit", mailbox.address, "--name", "renamed")
        events.until("mailboxes")
        events.until("status")
        numbers = []
        for number in range(3):
            web.post("mailboxes", {"name": f"box {number}"})
        while len(numbers) < 3:
            lines = with_log.until("log")["lines"]
            numbers += [line["number"] for line in lines if line["text"].startswith("mailbox made")]
            expect_equal([line["number"] for line in lines],
                         list(range(lines[0]["number"], lines[-1]["number"] + 1)), "numbers without gaps")


@case
def a_crowd_of_watchers_is_bounded_and_a_place_is_free_again(stage):
    gateway, web = watched(stage)
    tokens = [Web(gateway, token_of(gateway, "read", f"monitor{number}")) for number in range(5)]
    streams = []
    for _ in range(10):
        streams.append(Events(web).__enter__())
    one_more = Events(web)
    expect_equal((one_more.status, json.loads(one_more.response.read())["error"]["code"]), (429, "too_many"),
                 "the eleventh of an account")
    for token in tokens[:4]:
        streams += [Events(token).__enter__() for _ in range(10)]
    expect_equal(len(streams), 50, "streams")
    expect_equal(Events(tokens[4]).status, 429, "the 51st of all")
    expect_equal(web.get("traffic").status, 200, "everything else")
    mailbox = gateway.create()
    deliver(gateway, fixtures.small(1), mailbox)
    for stream in streams:
        stream.until("traffic")
    streams.pop().close()
    with wait_for("a place", SECONDS, lambda: (lambda got: got if got.status == 200 else got.close())(Events(tokens[4]))):
        pass
    for stream in streams:
        stream.close()


@case
def a_server_that_stops_ends_them_at_once(stage):
    gateway, web = watched(stage)
    streams = [Events(web).__enter__() for _ in range(10)]
    for stream in streams:
        stream.next()  # what it begins with
    begun = time.monotonic()
    gateway.signal(signal.SIGTERM)
    for stream in streams:
        expect_equal(stream.until("end"), {"why": "stopping"}, "the last event")
        expect_equal(stream.next(), None, "what follows it")
        stream.close()
    expect_equal(gateway.wait(), 0, "exit code")
    took = time.monotonic() - begun
    expect(took < 15, f"the server took {took:.1f} s, as if it had waited for its streams")


@case
def a_stream_ends_with_its_session_or_token(stage):
    gateway, web = watched(stage)
    token = Web(gateway, token_of(gateway, "read"))
    with Events(web) as events, Events(token) as by_token:
        web.ask("DELETE", "session")
        gateway.command("admin", "remove", "monitor")
        for stream in (events, by_token):
            expect_equal(stream.until("end"), {"why": "session"}, "the last event")
            expect_equal(stream.next(), None, "what follows it")
    again = Web(gateway).log_in(NAME, PASSWORD)
    with Events(again) as events:
        events.next()


@case
def only_who_may_sees_them(stage):
    gateway, web = watched(stage)
    read, manage = (Web(gateway, token_of(gateway, scope, scope)) for scope in ("read", "manage"))
    for path, who, status in (("events", Web(gateway), 401), ("events", read, 200), ("events?log=1", read, 403),
                              ("events?log=1", manage, 200), ("events?log=1", web, 200)):
        stream = Events(who, path)
        expect_equal(stream.status, status, path)
        stream.close()
    for path, by_read in (("status", 200), ("traffic", 200), ("settings", 200), ("certificate", 200), ("log", 403)):
        expect_equal((Web(gateway).get(path).status, read.get(path).status, manage.get(path).status),
                     (401, by_read, 200), path)
    expect_equal((read.post("certificate/renew").status, web.post("certificate/renew").status), (403, 422),
                 "a renewal, by a token to read, and of a self-signed certificate")


@case
def traffic_is_counted_and_kept_over_a_restart(stage):
    gateway, web = watched(stage)
    mailbox = gateway.create()
    for number in range(3):
        deliver(gateway, fixtures.small(number), mailbox)
    fetch_all(gateway, mailbox)

    def told(client):
        got = client.must(200, client.get("traffic"))
        expect_equal((len(got["hours"]), len(got["days"])), (24, 30), "periods")
        begin = datetime.datetime.fromisoformat(got["hours"][-1]["at"].replace("Z", "+00:00"))
        now = datetime.datetime.now(datetime.timezone.utc)
        expect(begin <= now < begin + datetime.timedelta(hours=2), f"the present hour began at {begin}")
        return [tuple(sum(period[what] for period in got[kind]) for what in ("received", "fetched"))
                for kind in ("hours", "days")]

    expect_equal(told(web), [(3, 3), (3, 3)], "received and fetched")
    gateway.restart()
    again = Web(gateway).log_in()
    expect_equal(told(again), [(3, 3), (3, 3)], "after a restart")
    gateway.stop()
    file = gateway.data / "state" / "traffic.toml"
    expect(file.read_text().split("\n")[1] == "format = 1", f"it begins {file.read_text()[:200]}")
    file.write_text("format = 1\n[[hour")
    gateway.start()
    expect_equal(told(Web(gateway).log_in()), [(0, 0), (0, 0)], "after its file was damaged")
    gateway.wait_log("messages received and fetched so far are counted anew")


@case
def settings_log_and_status_tell_what_is(stage):
    gateway, web = watched(stage, {"alerts": {"webhook": "https://hooks.example.com/very-secret"},
                                   "log": {"level": "debug"}})
    settings = web.must(200, web.get("settings"))
    expect_equal(settings["file"], str(gateway.config), "file")
    by_key = {setting["key"]: setting for setting in settings["settings"]}
    line = by_key["smtp.listen"]["line"]
    expect("listen" in gateway.config.read_text().splitlines()[line - 1], f"smtp.listen does not stand in line {line}")
    expect_equal(by_key["smtp.listen"]["value"], [f"{gateway.host}:{gateway.smtp}"], "smtp.listen")
    expect_equal((by_key["smtp.max_connections"]["value"], by_key["smtp.max_connections"]["line"]), (1000, None), "default")
    expect("very-secret" not in json.dumps(settings), "a secret is shown")

    status = web.must(200, web.get("status"))
    by_command = json.loads(gateway.command("status", "--json").stdout)
    volatile = ("disk", "now", "certificate", "sessions", "ok")
    for key in by_command:
        if key not in volatile:
            expect_equal(status[key], by_command[key], f"status, {key}")
    certificate = web.must(200, web.get("certificate"))
    expect_equal(certificate["certificate"]["source"], "self-signed", "certificate")

    mailbox = gateway.create()
    uidl = deliver(gateway, fixtures.small(1), mailbox)
    wait_for("the line", SECONDS, lambda: web.get(f"log?contains={uidl.upper()}").json["lines"])
    everything = web.must(200, web.get("log?limit=1000"))
    lines = everything["lines"]
    expect_equal([line["number"] for line in lines], list(range(1, len(lines) + 1)), "numbers")
    for query, fits in (("level=notice", lambda line: line["level"] in ("notice", "warning", "error")),
                        ("contains=POSTERN%20SERVES", lambda line: "postern serves" in line["text"]),
                        (f"after={lines[5]['number']}", lambda line: line["number"] > lines[5]["number"])):
        found = web.must(200, web.get(f"log?{query}&limit=1000"))["lines"]
        expect(found and all(map(fits, found)), f"log?{query}: {found[:3]}")
        wanted = [line["number"] for line in lines if fits(line)]
        expect_equal([line["number"] for line in found][:len(wanted)], wanted, f"log?{query}")
    expect_equal(len(web.get("log?limit=2").json["lines"]), 2, "limit")
    for query in ("level=loud", "limit=1001", "limit=-1", "after=x"):
        expect_equal(web.get(f"log?{query}").status, 400, query)


if __name__ == "__main__":
    run()
