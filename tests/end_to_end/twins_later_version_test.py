#!/usr/bin/env python3
# time limit: 600 s
"""What a later version may say to this one: statements of kinds and with fields that are not known yet go through a node
to the next, word for word, and change nothing else; greetings may say more; another form of talk is refused with words.
"""
import base64
import json
import tomllib

import fixtures
from cases import case, expect, expect_equal, run, wait_for
from clients import deliver, fetch_all, program
from gateway import Gateway
from passwords import change
from twins import accepts, in_step, invitation, pair, records
from web import Web, token_of

_PKCS8 = bytes.fromhex("302e020100300506032b657004220420")  # RFC 8410: what stands before an Ed25519 seed
AT = "2026-11-23T03:00:00Z"


class Pen:
    """Signs as a node does, from outside of it."""

    def __init__(self, stage, gateway):
        node = tomllib.loads((gateway.data / "node" / "node.toml").read_text())
        self.stage, self.node = stage, node["id"]
        self.key = stage.folder / "node.key"
        self.key.write_bytes(_PKCS8 + base64.b64decode(node["key"]))

    def sign(self, mailbox, fields):
        text = stage_file(self.stage, "canonical", json.dumps(
            {**fields, "address": mailbox.address, "node": self.node}, sort_keys=True, separators=(",", ":"), ensure_ascii=False))
        signature = self.stage.folder / "signature"
        program("openssl", "pkeyutl", "-sign", "-rawin", "-keyform", "DER", "-inkey", str(self.key), "-in", str(text),
                "-out", str(signature))
        return {**fields, "signature": base64.b64encode(signature.read_bytes()).decode()}


def stage_file(stage, name, text):
    file = stage.folder / name
    file.write_text(text)
    return file


def to_toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {to_toml(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[ " + ", ".join(to_toml(inner) for inner in value) + " ]"
    return json.dumps(value, ensure_ascii=False)


def statement_text(statement):
    return "\n[[statement]]\n" + "".join(
        f"{key} = {value if key == 'at' else to_toml(value)}\n" for key, value in statement.items())


def record_file(gateway, mailbox, node):
    return gateway.data / "config" / "mailboxes" / mailbox.address / f"{node}.toml"


def known_file(gateway, mailbox, node):
    """The same as this one has taken it up; config/ follows when it has settled."""
    return gateway.data / "node" / "mailboxes" / mailbox.address / f"{node}.toml"


def statements(gateway, mailbox, node):
    """{counter: statement} of what that node said, as this one has taken it up; its time as text."""
    file = known_file(gateway, mailbox, node)
    found = tomllib.loads(file.read_text()) if file.exists() else {"statement": []}
    return {one["counter"]: {**one, "at": one["at"].strftime("%Y-%m-%dT%H:%M:%SZ")} for one in found["statement"]}


@case
def what_a_later_version_says_goes_through_word_for_word(stage):
    one, other = pair(stage)
    third = Gateway(stage, {"hostname": "third.example.com"}, web=True).start()
    third.command("twin", "join", text=invitation(other))
    mailbox = one.create("of today")
    wait_for("it to be known", 60, lambda: accepts(third, mailbox))
    in_step(one, other, third, seconds=60)
    one.stop()
    pen = Pen(stage, one)
    known = statements(one, mailbox, pen.node)
    counter = max(known)
    said = [pen.sign(mailbox, fields) for fields in (
        {"counter": counter + 1, "at": AT, "kind": "quota", "limit": 7, "words": ["a", "ünï"], "table": {"deep": {"er": "x"}}},
        {"counter": counter + 2, "at": AT, "kind": "describe", "name": "of tomorrow", "description": "", "colour": "blue"},
        {"counter": counter + 3, "at": AT, "kind": "retention", "years": 10})]
    with record_file(one, mailbox, pen.node).open("a") as file:
        file.write("".join(statement_text(statement) for statement in said))
    one.start()
    wanted = {**known, **{statement["counter"]: statement for statement in said}}
    for gateway in (one, other, third):
        wait_for(f"all of it to be at {gateway.settings['hostname']}", 60,
                 lambda gateway=gateway: statements(gateway, mailbox, pen.node) == wanted)
    expect_equal(known_file(third, mailbox, pen.node).read_bytes(), known_file(other, mailbox, pen.node).read_bytes(),
                 "the file of the node that said it, at the two others")
    in_step(one, other, third, seconds=60)
    for gateway in (one, other, third):
        wait_for("it to be read", 60, lambda gateway=gateway: records(gateway)[mailbox.address]["name"] == "of tomorrow")
        shown = records(gateway)[mailbox.address]
        expect_equal((len(shown["keys"]), shown["held_back"]), (1, 0), "what is made of it")
        kinds = {warning["kind"] for warning in json.loads(gateway.command("status", "--json", code=None).stdout)["warnings"]}
        expect(not kinds & {"record", "held_back"}, f"warnings: {kinds}")
    renewed = change(other, mailbox)  # the next word after those
    for gateway in (one, third):
        wait_for("that word to arrive", 60, lambda gateway=gateway: records(gateway) == records(other), pause=0.2)
    uidl = deliver(one, fixtures.small(1), renewed)
    expect_equal(list(fetch_all(one, renewed)), [uidl], "what the new password opens")


@case
def greetings_may_say_more_but_not_otherwise(stage):
    one = Gateway(stage, {"hostname": "one.example.com"}, web=True).start()
    client = Web(one, token=token_of(one, "replicate", "later"))
    greeting = {"format": 1, "node": "n-" + "7" * 32, "node_key": base64.b64encode(b"7" * 32).decode(),
                "node_name": "later.example.com", "domain": one.settings["domain"], "version": "0.9.0", "digest": "0" * 64,
                "compression": ["zstd"], "minor": 7, "more": {"of": [None, 1.5]}}
    answer = client.ask("POST", "replica/hello", greeting)
    expect_equal((answer.status, answer.json["format"], answer.json["node_name"]), (200, 1, "one.example.com"), "it says more")
    fetched = client.ask("POST", "replica/records/fetch", {"files": ["mbx-" + "0" * 32 + f" {greeting['node']} {greeting['node_key']}"],
                                                           "more": True})
    expect_equal(fetched.status, 200, "a request that says more")
    otherwise = {name: greeting[name] for name in ("node", "node_key", "node_name", "domain")}
    answer = client.ask("POST", "replica/hello", {**otherwise, "format": 2, "version": "2.0.0", "digests": {"of": "another form"}})
    expect_equal(answer.status, 409, "another form of talk")
    words = answer.json["error"]["message"]
    expect("version 2.0.0" in words and "update the older one" in words and "\n" not in words, f"it is told: {words}")


if __name__ == "__main__":
    run()
