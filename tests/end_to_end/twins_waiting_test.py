#!/usr/bin/env python3
# time limit: 600 s
# waits
"""What waits on which node, as two twins tell each other: shown by command and API, through restarts, and a warning
where mail waits on a node from which nobody fetches. And what whoever has a twin's token can make of it.
"""
import base64
import json
import random

import fixtures
from cases import case, expect, expect_equal, run, wait_for
from clients import deliver, fetch_all
from clock import with_clock
from gateway import Gateway
from twins import accepts, in_step, pair
from web import Web, token_of


def shown(gateway, mailbox):
    return json.loads(gateway.command("mailbox", "show", mailbox.address, "--json").stdout)


def elsewhere(gateway, mailbox):
    """(node, messages, whether somebody fetched there) of each twin."""
    return [(there["name"], there["messages"], there["last_fetched"] is not None)
            for there in shown(gateway, mailbox)["elsewhere"]]


def told(gateway, mailbox, *expected):
    wait_for(f"{gateway.host} to be told {expected}", 60, lambda: elsewhere(gateway, mailbox) == list(expected), pause=0.2)


@case
def each_node_shows_what_waits_on_the_other(stage):
    one, other = pair(stage)
    mailbox = one.create("shared")
    wait_for("it to be known", 20, lambda: accepts(other, mailbox))
    for number in range(3):
        deliver(one, fixtures.small(number), mailbox)
    deliver(other, fixtures.small(9), mailbox)
    told(one, mailbox, ("other.example.com", 1, False))
    told(other, mailbox, ("one.example.com", 3, False))
    there, = shown(other, mailbox)["elsewhere"]
    here = shown(one, mailbox)
    expect(there["lately"] and there["told"] and there["node"].startswith("n-"), f"{there}")
    expect_equal(here["waiting"]["messages"], 3, "what waits there")
    text = other.command("mailbox", "show", mailbox.address).stdout.decode()
    expect("On one.example.com" in text and "3 messages, oldest of" in text, f"shown: {text}")
    table = other.command("mailbox", "list").stdout.decode()
    expect("ELSEWHERE" in table and "3 on one.example.com" in table, f"listed: {table}")
    row, = Web(other, token=token_of(other, "read", "page")).get("mailboxes").json["mailboxes"]
    expect_equal([(at["name"], at["messages"]) for at in row["elsewhere"]], [("one.example.com", 3)], "what the API shows")
    fetch_all(one, mailbox, delete=True)
    told(other, mailbox, ("one.example.com", 0, True))
    for gateway in (one, other):  # what is only in memory comes back by itself
        gateway.restart()
        in_step(one, other, seconds=90)
        told(one, mailbox, ("other.example.com", 1, False))
        told(other, mailbox, ("one.example.com", 0, True))


@case
def mail_that_waits_where_nobody_fetches_is_told(stage):
    offset, environment = with_clock(stage)
    one, other = pair(stage, environment=environment)
    mailbox = one.create("fetched from one")
    wait_for("it to be known", 20, lambda: accepts(other, mailbox))

    def visit(number):
        """The archiver fetches from one of the nodes, of which the other is told."""
        before = [there["last_fetched"] for there in shown(other, mailbox)["elsewhere"]]
        deliver(one, fixtures.small(number), mailbox)
        fetch_all(one, mailbox, delete=True)
        wait_for("the visit to be told", 60, lambda: [
            there["last_fetched"] for there in shown(other, mailbox)["elsewhere"]] not in (before, [None], []), pause=0.2)

    def kinds():
        return [warning["kind"] for warning in json.loads(other.command("status", "--json", code=None).stdout)["warnings"]
                if warning["mailbox"] == mailbox.address and warning["kind"].startswith("unfetched")]

    def told_are(what, *expected):
        wait_for(f"warnings {what} to be {expected}", 30, lambda: kinds() == [*expected], pause=0.2)

    waiting = deliver(other, fixtures.small(1), mailbox)
    visit(2)
    offset.write_text("+2h")
    expect_equal(kinds(), [], "warnings while the archiver may be on its way")
    visit(3)
    told_are("after a second visit there", "unfetched_here")
    text = other.command("status", code=None).stdout.decode()
    expect("fetches from one.example.com but not from here" in text and "add a profile for this node" in text, text)
    offset.write_text("+30h")
    wait_for("the clock to be seen", 30, lambda: b"waits for 30 hours" in other.command("status", code=None).stdout, pause=0.2)
    told_are("once it waits for longer than alerts.unfetched too", "unfetched_here")
    expect_equal(list(fetch_all(other, mailbox)), [waiting], "what is fetched from here")
    told_are("after it was fetched, and not deleted", "unfetched")
    fetch_all(other, mailbox, delete=True)
    told_are("after it was fetched and deleted")


@case
def whoever_has_a_token_can_tell_numbers_and_nothing_else(stage):
    one = Gateway(stage, {"hostname": "one.example.com"}, web=True).start()
    mailbox = one.create("told of")
    client = Web(one, token=token_of(one, "replicate", "told"))
    run_id = "ab" * 16
    news = {"run": run_id, "from": 0, "to": 3, "newest": 3, "mailboxes": [[mailbox.address, 7, 60, None]]}
    expect_equal(client.ask("POST", "replica/waiting", {"told": news, "known": ""}).status, 409, "without a greeting")
    greeting = {"format": 1, "node": "n-" + "7" * 32, "node_key": base64.b64encode(b"7" * 32).decode(), "node_name": "else.example.com",
                "domain": json.loads(one.command("status", "--json", code=None).stdout)["domain"], "version": "9.1",
                "digest": "0" * 64, "waiting": f"{run_id}.3", "something": {"new": [1]}}
    greeted = client.ask("POST", "replica/hello", greeting)
    expect_equal(greeted.status, 200, "a greeting of a later version")
    maker = random.Random(20261123)
    unknown = [f"mbx-{maker.randbytes(16).hex()}" for _ in range(499)]
    news["mailboxes"] += [[address, 1, 1, 1] for address in unknown]
    answer = client.ask("POST", "replica/waiting", {"told": news, "known": ""})
    expect_equal((answer.status, answer.json["known"]), (200, f"{run_id}.3"), "what was told")
    expect_equal(elsewhere(one, mailbox), [("else.example.com", 7, False)], "what is shown")
    for junk in (None, 7, [], {}, {"run": run_id}, {**news, "run": "x"}, {**news, "from": -1}, {**news, "from": 5},
                 {**news, "to": "3"}, {**news, "mailboxes": 3}, {**news, "mailboxes": [[mailbox.address, 9, 1, 1]] * 501},
                 {**news, "run": "cd" * 16, "from": 3}):
        answer = client.ask("POST", "replica/waiting", {"told": junk, "known": "\x00" * 50})
        expect_equal((answer.status, answer.json["known"]), (200, f"{run_id}.3"), f"{str(junk)[:60]}")
    for entry in ([], [7], ["x", 1, 1, 1], [mailbox.address, -4, 1, 1], [mailbox.address, "9", 1, 1], {"a": 1}, None):
        client.ask("POST", "replica/waiting", {"told": {**news, "mailboxes": [entry]}, "known": ""})
        expect_equal(elsewhere(one, mailbox), [("else.example.com", 7, False)], f"after {entry}")
    huge = {**news, "mailboxes": [[mailbox.address, 2**63, 2**63, -5]]}
    client.ask("POST", "replica/waiting", {"told": huge, "known": f"{'f' * 32}.{2**64}"})
    there, = shown(one, mailbox)["elsewhere"]
    expect_equal((there["messages"], there["last_fetched"]), (10**12, None), "a number without sense")
    expect("19" in there["oldest"][:2], f"an age without sense: {there}")
    expect_equal([file.name for file in (one.data / "config" / "mailboxes").iterdir()], [mailbox.address], "mailboxes")


if __name__ == "__main__":
    run()
