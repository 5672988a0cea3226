#!/usr/bin/env python3
"""ACME challenges that a twin's token brings: answered where the twin signed them, and by nobody else's word."""
import base64
import datetime
import http.client
import json
import os
import tempfile
import time
import tomllib

from cases import case, expect_equal, run
from clients import program
from gateway import DOMAIN, free_ports
from twins import in_step, pair
from web import Web


def signed_challenge(node, seed, name, token="planted"):
    """An offer as docs/replica.md describes it, by the key of that seed."""
    der = bytes.fromhex("302e020100300506032b657004220420") + seed  # RFC 8410
    public = program("openssl", "pkey", "-inform", "DER", "-pubout", "-outform", "DER", text=der).stdout[-32:]
    expires = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=30)
    offer = {"node": node, "node_key": base64.b64encode(public).decode(), "sequence": time.time_ns() // 1000,
             "expires": expires.strftime("%Y-%m-%dT%H:%M:%SZ"),
             "challenges": [{"type": "http-01", "name": name, "token": token, "key_authorization": f"{token}.{'x' * 43}"}]}
    with tempfile.NamedTemporaryFile() as key, tempfile.NamedTemporaryFile() as said:
        key.write(der)
        key.flush()
        said.write(b"postern-acme-challenges-1\n" + json.dumps(offer, sort_keys=True, separators=(",", ":")).encode())
        said.flush()
        signature = program("openssl", "pkeyutl", "-sign", "-rawin", "-keyform", "DER", "-inkey", key.name, "-in", said.name).stdout
    return {**offer, "signature": base64.b64encode(signature).decode()}


def answers(gateway, port, host, token="planted"):
    """What the gateway shows an authority that comes for that token of that host."""
    connection = http.client.HTTPConnection(gateway.host, port, timeout=30)
    connection.request("GET", f"/.well-known/acme-challenge/{token}", headers={"Host": host})
    answer = connection.getresponse()
    return answer.read().decode() if answer.status == 200 else answer.status


@case
def a_stolen_token_plants_no_challenge(stage):
    one, other = pair(stage)
    port, = free_ports(one.host, 1)
    one.configure({"tls": {"source": "acme"}, "acme": {"directory": f"https://{one.host}:1/dir", "listen": [f"{one.host}:{port}"]}})
    one.restart()  # by the self-signed certificate that its twin knows
    in_step(one, other, seconds=90)
    token, = (other.data / "node" / "twins").glob("*.token")
    stolen = Web(one, token=token.read_text().strip())

    def push(offer):
        return stolen.ask("POST", "replica/challenges", {"offer": offer, "have": 0})

    trusted = tomllib.loads((other.data / "node" / "node.toml").read_text())
    node, seed = trusted["id"], base64.b64decode(trusted["key"])
    right = signed_challenge(node, seed, DOMAIN)
    forgeries = {
        "of a stranger": signed_challenge("n-" + "0" * 32, os.urandom(32), DOMAIN),
        "of a stranger who says he is the twin": signed_challenge(node, os.urandom(32), DOMAIN),
        "unsigned": {name: value for name, value in right.items() if name != "signature"},
        "with another's key": {**right, "challenges": [{**right["challenges"][0], "key_authorization": f"planted.{'y' * 43}"}]},
        "for longer": {**right, "expires": "2100-01-01T00:00:00Z"}}
    for what, offer in forgeries.items():
        expect_equal(push(offer).status, 403, f"a challenge {what}")
        expect_equal(answers(one, port, DOMAIN), 404, f"after a challenge {what}")
    expect_equal(one.log().count("are not answered here"), 1, "lines of the log")
    done = push(right)  # what the twin itself has signed
    expect_equal((done.status, done.json["have"]), (200, right["sequence"]), "the twin's own")
    expect_equal(answers(one, port, DOMAIN), right["challenges"][0]["key_authorization"], "what is shown for the twin")
    expect_equal(answers(one, port, "one.example.com"), 404, "for a name that is not that of the challenge")
    push(signed_challenge(node, seed, "one.example.com"))
    expect_equal(answers(one, port, "one.example.com"), 404, "for this node's own name, whoever asks")
    expect_equal((push(right).status, answers(one, port, DOMAIN)), (200, 404), "one that was replaced, played again")
    push(signed_challenge(node, seed, DOMAIN))
    one.command("twin", "remove", node)
    expect_equal(answers(one, port, DOMAIN), 404, "after the two have parted")


if __name__ == "__main__":
    run()
