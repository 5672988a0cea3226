#!/usr/bin/env python3
# time limit: 900 s
# waits
"""Two real gateways that exchange their records: paired in one step, whichever side can be reached, over
outages and restarts, with clocks that differ by hours, and against whoever stole a token or sits in between.
"""
import json
import random
import ssl
import time

import fixtures
from cases import case, expect, expect_equal, run, wait_for
from clients import Smtp, deliver, fetch_all
from clock import with_clock
from gateway import Gateway
from histories import History
from passwords import change, reset
from strain import short_or_full
from twins import accepts, in_step, invitation, listed, pair, records
from web import Web, token_of


def time_until_accepted(made_on, taken_on, name):
    mailbox = made_on.create(name)
    begun = time.monotonic()
    with Smtp(taken_on) as smtp:
        smtp.must("MAIL FROM:<a@b.example>", "250")
        wait_for(f"{name} to be accepted", 20,
                 lambda: smtp.ask(f"RCPT TO:<{mailbox.email}>").startswith("250"))
    return mailbox, time.monotonic() - begun


@case
def what_is_created_on_one_is_accepted_on_the_other_at_once(stage):
    one, other = pair(stage)
    slowest = {}
    for what, made_on, taken_on in (("the called", one, other), ("the calling", other, one)):
        for number in range(5):
            mailbox, took = time_until_accepted(made_on, taken_on, f"{what} {number}")
            slowest[what] = max(slowest.get(what, 0), took)
        uidl = deliver(taken_on, fixtures.small(1), mailbox)
        expect_equal(list(fetch_all(taken_on, mailbox)), [uidl], "what its password opens on the other node")
    for what, took in slowest.items():
        print(f"figure: a mailbox made on {what} node is accepted on the other within {took:.2f} s")
        expect(took < 2, f"made on {what} node it took {took:.1f} s")
    in_step(one, other)
    expect_equal(records(one), records(other), "what the two know")


@case
def changes_of_either_side_reach_the_other_and_open_what_they_should(stage):
    one, other = pair(stage)
    mailbox = one.create("shared")
    wait_for("it to be known", 10, lambda: accepts(other, mailbox))
    before = deliver(other, fixtures.small(1), mailbox)
    renewed = change(one, mailbox)
    in_step(one, other)
    after = deliver(other, fixtures.small(2), mailbox)
    expect_equal(set(fetch_all(other, renewed)), {before, after}, "what the new password opens on the other node")
    other.command("mailbox", "suspend", mailbox.address)
    wait_for("the suspension to arrive", 10, lambda: not accepts(one, mailbox))
    one.command("mailbox", "activate", mailbox.address)
    wait_for("the activation to arrive", 10, lambda: accepts(other, mailbox))
    expect_equal(records(one), records(other), "what the two know")


@case
def a_node_behind_nat_needs_no_port_of_its_own(stage):
    one = Gateway(stage, {"hostname": "one.example.com"}, web=True).start()
    hidden = Gateway(stage, {"hostname": "hidden.example.com"}).start()  # web.listen = []
    mine = hidden.create("of the hidden one")
    hidden.command("twin", "join", text=invitation(one))
    in_step(one, hidden)
    expect(accepts(one, mine), "what the hidden one knew has not arrived")
    _, took = time_until_accepted(one, hidden, "towards the hidden one")
    expect(took < 2, f"towards the hidden node it took {took:.1f} s")
    _, took = time_until_accepted(hidden, one, "from the hidden one")
    expect(took < 2, f"from the hidden node it took {took:.1f} s")
    refused = hidden.command("twin", "invite", code=None)
    expect(refused.returncode == 78 and b"web.listen" in refused.stderr, f"an invitation to nowhere: {refused.stderr}")


@case
def an_invitation_works_once_and_only_as_it_was_made(stage):
    one = Gateway(stage, {"hostname": "one.example.com"}, web=True).start()
    other = Gateway(stage, {"hostname": "other.example.com"}, web=True).start()
    third = Gateway(stage, {"hostname": "third.example.com"}, web=True).start()
    line = invitation(one)
    token = line.split()[-1]
    for gateway in (one, other):
        expect(token not in gateway.log(), "the log shows the invitation")
    damaged = other.command("twin", "join", text=line[:60], code=65)
    expect(b"not the line" in damaged.stderr, f"half an invitation: {damaged.stderr}")
    itself = one.command("twin", "join", text=line, code=65)
    expect(b"own" in itself.stderr, f"its own invitation: {itself.stderr}")
    words = line.split()
    words[2] = "ab" * 32
    wrong = other.command("twin", "join", text=" ".join(words), code=69)
    expect(b"pinned" in wrong.stderr, f"another fingerprint: {wrong.stderr}")
    expect_equal(Web(one, token=token).get("mailboxes").status, 403, "an invitation as a token")
    other.command("twin", "join", text=line)
    again = third.command("twin", "join", text=line, code=69)
    expect(b"used already" in again.stderr, f"the same invitation again: {again.stderr}")
    expect_equal(listed(third), [], "twins of the one that came too late")
    in_step(one, other)
    expect_equal([twin["name"] for twin in listed(one)], ["other.example.com"], "twins of the inviting node")
    for gateway in (one, other):
        tokens = [token] + [file.read_text().strip() for file in (gateway.data / "node").rglob("*.token")]
        for secret in tokens:
            expect(secret not in gateway.log(), "the log shows a token")
            found = [file for file in gateway.data.rglob("*") if file.is_file() and secret in file.read_text("latin-1")]
            expect(all(file.parent.name == "twins" and file.stat().st_mode & 0o077 == 0 for file in found),
                   f"a token lies in {found}")


@case
def who_is_removed_learns_nothing_new_and_teaches_nothing_new(stage):
    one, other = pair(stage)
    mailbox = other.create("before")
    wait_for("it to be known", 10, lambda: accepts(one, mailbox))
    one.command("twin", "remove", "other.example.com")
    later = one.create("after")
    other.command("mailbox", "edit", mailbox.address, "--name", "renamed")
    told = wait_for("the other to be told", 40,
                    lambda: next((twin for twin in listed(other) if not twin["reached"]), None), pause=0.2)
    expect("401" in told["error"] and "pair the two anew" in told["advice"], f"told: {told}")
    expect(accepts(one, mailbox), "what the removed one had said counts no more")
    expect(not accepts(other, later), "the removed one has learned of a new mailbox")
    expect_equal(records(one)[mailbox.address]["name"], "before", "what the removed one says now")
    other.command("twin", "join", text=invitation(one))
    in_step(one, other)
    expect_equal(records(one), records(other), "what the two know once they are paired anew")


@case
def a_stolen_token_reads_and_adds_records_and_nothing_else(stage):
    one, other = pair(stage)
    mailbox = one.create("to be stolen")
    in_step(one, other)
    thief = Gateway(stage, {"hostname": "thief.example.com"}, web=True).start()
    token, = (other.data / "node" / "twins").glob("*.token")
    stolen = Web(one, token=token.read_text().strip())
    listed_records = stolen.get("replica/records").octets.decode()
    expect(mailbox.address in listed_records, "the list lacks the mailbox")
    name = " ".join(next(line for line in listed_records.splitlines() if mailbox.address in line).split()[:3])
    bundle = stolen.ask("POST", "replica/records/fetch", {"files": [name]}).octets
    text = bundle.split(b"\n", 1)[1][:-1]
    folder = thief.data / "config" / "mailboxes" / mailbox.address
    folder.mkdir()
    (folder / f"{name.split()[1]}.toml").write_bytes(text)
    wait_for("the thief's own gateway to know it", 10, lambda: accepts(thief, mailbox))
    reset(thief, mailbox)
    forged, = (file.read_bytes() for file in folder.glob("n-*.toml") if b"thief" in file.read_bytes())
    answer = stolen.ask("POST", "replica/records", octets=b"%s %d\n%s\n" % (mailbox.address.encode(), len(forged), forged),
                        headers={"Content-Type": "application/octet-stream"})
    expect_equal((answer.status, answer.json["statements"], answer.json["held_back"]), (200, 0, 1), "the forgery")
    shown = json.loads(one.command("mailbox", "show", mailbox.address, "--json").stdout)
    expect_equal((shown["held_back"], len(shown["keys"])), (1, 1), "held back, and keys")
    uidl = deliver(one, fixtures.small(1), mailbox)
    expect_equal(list(fetch_all(one, mailbox)), [uidl], "what the right password opens")
    warnings = json.loads(one.command("status", "--json", code=None).stdout)["warnings"]
    expect(any(warning["kind"] == "held_back" for warning in warnings), "nobody is warned")
    for method, path in (("GET", "mailboxes"), ("GET", "status"), ("POST", "backup/export"), ("GET", "twins"),
                         ("POST", "twins/invite"), ("POST", "replica/join"), ("GET", "events"), ("GET", "tokens"),
                         ("POST", f"mailboxes/{mailbox.address}/suspend"), ("POST", f"mailboxes/{mailbox.address}/delete")):
        expect_equal(stolen.ask(method, path, {} if method == "POST" else None).status, 403, f"{method} {path}")
    expect(accepts(one, mailbox), "the mailbox takes no mail any more")


@case
def what_a_token_sends_is_bounded(stage):
    one = Gateway(stage, {"hostname": "one.example.com"}, web=True).start()
    mailbox = one.create("bounded")
    client = Web(one, token=token_of(one, "replicate", "flood"))
    octets = {"Content-Type": "application/octet-stream"}
    try:
        too_large = client.ask("POST", "replica/records", octets=b"x" * (1 << 20) + b"x", headers=octets)
        expect_equal(too_large.status, 413, "more than a bundle has")
    except (ConnectionError, ssl.SSLError):
        pass  # cut before its end
    maker = random.Random(20261122)
    for junk in (b"", b"\n", b"\0" * 1000, maker.randbytes(100_000), mailbox.address.encode() + b" 3\nabc\n",
                 mailbox.address.encode() + b" 60000\n" + b"[[statement]]\n" * 4285 + b"0123456789\n",
                 (mailbox.address.encode() + b" 1\n[\n") * 20_000):
        expect(client.ask("POST", "replica/records", octets=junk, headers=octets).status in (200, 400), f"{junk[:60]}")
    for body in ({}, {"files": []}, {"files": [7]}, {"files": ["x"] * 201}, {"files": ["mbx-x n-x x"]}):
        expect_equal(client.ask("POST", "replica/records/fetch", body).status, 400, f"{body}"[:60])
    for body in ({}, {"have": -1}, {"have": 0, "offer": []}, {"have": 0, "offer": 7}, {"have": "x", "offer": None}):
        expect_equal(client.ask("POST", "replica/challenges", body).status, 400, f"{body}")
    for body in ({}, {"format": 1}, {"format": 1, "node": ["x"]}):
        expect_equal(client.ask("POST", "replica/hello", body).status, 400, f"{body}")
    expect_equal([file.name for file in (one.data / "config" / "mailboxes").iterdir()], [mailbox.address], "mailboxes")
    expect(accepts(one, mailbox), "the mailbox takes no mail any more")


@case
def somebody_in_between_is_not_talked_to(stage):
    one, other, link = pair(stage, through_link=True)
    between = Gateway(stage, {"hostname": "one.example.com"}, web=True).start()
    link.cut()
    link.gateway = between
    link.mend()
    told = wait_for("the twin to be told from another", 60,
                    lambda: next((twin for twin in listed(other) if "another key" in (twin["error"] or "")), None), 0.2)
    expect("somebody is in between" in told["advice"], f"told: {told}")
    token, = (other.data / "node" / "twins").glob("*.token")
    expect("replica" not in between.log(), "the one in between was asked something")
    link.cut()
    link.gateway = one
    link.mend()
    in_step(one, other, seconds=90)
    expect(token.exists(), "the token")


@case
def clocks_that_differ_by_hours_change_nothing(stage):
    offset, environment = with_clock(stage)
    offset.write_text("-7h")
    one, other = pair(stage, environment=environment)
    mailbox = one.create("on the right clock")
    wait_for("it to be known", 10, lambda: accepts(other, mailbox))
    renewed = change(other, mailbox)  # said seven hours ago, and yet the later word
    in_step(one, other)
    uidl = deliver(one, fixtures.small(1), renewed)
    expect_equal(list(fetch_all(one, renewed)), [uidl], "what the later password opens")
    one.command("mailbox", "edit", mailbox.address, "--name", "the last word")
    in_step(one, other)
    expect_equal(records(other)[mailbox.address]["name"], "the last word", "the name")
    expect_equal(records(one), records(other), "what the two know")


@case
def after_any_history_both_hold_the_same_and_nothing_is_lost(stage):
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}", flush=True)
    one, other, link = pair(stage, through_link=True)
    history = History(one, other, link, seed)
    for _ in range(short_or_full(40, 200)):
        history.step()
    history.settle()


@case
def a_twin_that_was_away_is_missed_and_caught_up_with(stage):
    one, other = pair(stage)
    one.stop()
    mailbox = other.create("made meanwhile")
    told = wait_for("the other to miss it", 60,
                    lambda: next((twin for twin in listed(other) if not twin["reached"]), None), 0.2)
    expect(told["error"] and told["advice"] and not told["connected"], f"told: {told}")
    shown = other.command("twin", "list").stdout.decode()
    expect("not reached" in shown and told["advice"] in shown, f"shown: {shown}")
    one.start()
    wait_for("it to be known", 60, lambda: accepts(one, mailbox))
    in_step(one, other)
    other.restart()
    in_step(one, other)
    _, took = time_until_accepted(one, other, "after both were restarted")
    expect(took < 2, f"after restarts it took {took:.1f} s")


@case
def a_twin_of_the_file_is_called_as_one_that_joined(stage):
    one = Gateway(stage, {"hostname": "one.example.com"}, web=True).start()
    mailbox = one.create("first copy")
    token = stage.folder / "token"
    token.write_text(token_of(one, "replicate", "other") + "\n")
    shown = json.loads(one.command("certificate", "status", "--json").stdout)
    other = Gateway(stage, {"hostname": "other.example.com"})
    with other.config.open("a") as file:
        file.write(f'\n[[twin]]\nurl = "https://{one.host}:{one.web}/"\ntoken_file = "{token}"\n'
                   f'fingerprint = "{shown["spki_sha256"].upper()}"\n')
    other.start()
    wait_for("the first copy", 20, lambda: accepts(other, mailbox))
    told, = wait_for("the two to be in step", 20, lambda: [twin for twin in listed(other) if twin["in_step"]])
    expect_equal((told["url"], told["joined"]), (f"https://{one.host}:{one.web}", False), "the twin")
    refused = other.command("twin", "remove", told["url"], code=65)
    expect(b"postern.toml" in refused.stderr, f"{refused.stderr}")


@case
def an_idle_link_costs_next_to_nothing(stage):
    one, other, link = pair(stage, through_link=True)
    for number in range(10):
        one.create(f"number {number}")
    in_step(one, other)
    time.sleep(2)  # what is still on its way
    octets, connections, begun = link.octets, link.connections, time.monotonic()
    time.sleep(60)
    minutes = (time.monotonic() - begun) / 60
    per_hour = (link.octets - octets) / minutes * 60 / 1024
    print(f"figure: an idle link between twins takes {per_hour:.0f} KiB an hour, "
          f"{(link.connections - connections) / minutes:.1f} new connections a minute")
    expect(per_hour < 2048, f"{per_hour:.0f} KiB an hour")
    told, = listed(other)
    expect(told["connected"] and told["in_step"], f"told: {told}")
    expect("tells its changes no more" not in other.log(), "the stream of changes ended by itself")


if __name__ == "__main__":
    run()
