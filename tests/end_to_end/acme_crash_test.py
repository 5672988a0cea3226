#!/usr/bin/env python3
"""kill -9 at any line that changes acme/ or tls/, in the first issue, a renewal or a revocation, costs nothing: what is
served has its key, the account stays one, an order that was made is gone on with, and no half file is left.

A library between the gateway and the kernel (tests/power/kill_switch.cpp) ends it just before a chosen call. Which
calls are tried is drawn from a seed that is printed (SEED= repeats it); DURATION=600 or more tries all of them.
"""
# time limit: 600 s
import json
import os
import pathlib
import random
import re
import signal
import subprocess

import served
from acme_stub import ACCOUNT, NEW_ORDER, REVOKE, prepared
from cases import Failure, Skip, case, expect, expect_equal, need, run, seconds, wait_for
from gateway import COMMAND_SECONDS, Gateway, die_with_parent
from pebble import count_issued, status

SEED = int(os.environ.get("SEED", "20261122"))
SWITCH = pathlib.Path(__file__).resolve().parents[2] / "build/dev/tests/power/power_kill_switch.so"
TRIED = 6  # calls of each kind of work, where there is no time for all
NEVER = 1_000_000


def chosen(count, salt):
    """Numbers of calls: from all parts of the work."""
    if seconds(5) >= 600:
        return list(range(1, count + 1))
    rng = random.Random(f"{SEED}/{salt}")
    return sorted({rng.randint(count * part // TRIED + 1, count * (part + 1) // TRIED) for part in range(TRIED)})


class Killed:
    """A gateway that is killed at a line, and what must hold when it starts again."""

    def __init__(self, gateway, stub):
        if not SWITCH.exists():
            raise Skip(f"{SWITCH} is not built")
        self.gateway, self.stub = gateway, stub
        self.acme = gateway.data / "acme"
        self.log = gateway.folder / "killed.log"

    def calls(self):
        return self.log.read_text().splitlines() if self.log.exists() else []

    def run(self, number, *words):
        """Starts with the switch set to that call, gives the command or waits for a certificate, and returns the calls
        that were made."""
        gateway = self.gateway
        self.log.unlink(missing_ok=True)
        plain = dict(gateway.environment)
        gateway.environment.update({
            "LD_PRELOAD": str(SWITCH), "KILL_AT": str(number), "KILL_LOG": str(self.log),
            "KILL_BELOW": f"{self.acme}:{gateway.data / 'tls'}",
            "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0:" + os.environ.get("ASAN_OPTIONS", "")})
        issued = count_issued(gateway)
        gateway.spawn()
        gateway.environment = plain
        if self._serves():
            if words:
                self._give(words)
            else:
                wait_for("a certificate or an end", 60,
                         lambda: gateway.process.poll() is not None or count_issued(gateway) > issued)
        return self.calls()

    def _serves(self):
        """False where it was killed before."""
        try:
            return wait_for("a greeting", 60, lambda: self.gateway.greets(self.gateway.pop3, b"+OK"))
        except Failure:
            if self.gateway.process.poll() is None:
                raise
            return False

    def _give(self, words):
        gateway = self.gateway
        command = subprocess.Popen([gateway.binary, *words, "--config", str(gateway.config)], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=die_with_parent)
        try:
            command.wait(COMMAND_SECONDS)  # it ends with the server
        finally:
            command.kill()
            command.wait()

    def end(self):
        """Whether it was killed; else it ends now, as orderly as it began, or at a call of its end."""
        if self.gateway.process.poll() is None:
            self.gateway.signal(signal.SIGTERM)
        code = self.gateway.wait()
        expect(code in (0, -signal.SIGKILL), f"the server ended with {code}")
        return code != 0

    def files(self):
        return {path: path.read_bytes() for path in self.acme.rglob("*") if path.is_file()} if self.acme.exists() else {}

    def state(self):
        """As it is remembered, or will be begun with."""
        file = self.acme / "state.json"
        return json.loads(file.read_text()) if file.exists() else {}

    def temporaries(self):
        return [path for path in self.gateway.data.rglob(".postern-tmp-*")]


def account_key(files):
    return next((text for path, text in files.items() if path.name == "account.key"), None)


def new_accounts(stub):
    return sum("termsOfServiceAgreed" in payload for payload in stub.payloads(ACCOUNT))


def recovered(killed, number, line, in_place):
    """Starts it again, and sees to it that a certificate of the authority serves."""
    gateway, stub = killed.gateway, killed.stub
    before, orders, state, issued = killed.files(), stub.count(NEW_ORDER), killed.state(), count_issued(gateway)
    begun = any(path.name == "order.json" for path in before)
    what = f"killed before call {number}, {line}"
    gateway.start()
    wait_for(f"no half file, {what}", 20, lambda: not killed.temporaries())
    served.shown(gateway)  # the handshake proves that it has the key
    held = killed.acme / "certificate.pem" in before
    if state.get("failures") or in_place or (held and "revocation" not in state):
        gateway.command("certificate", "renew")  # it would wait, or has nothing to do
    wait_for(f"a certificate, {what}", 60, lambda: count_issued(gateway) > issued)
    expect_equal(served.names(gateway, stub.pebble.roots())["POP3S"], [gateway.settings["hostname"]], f"served, {what}")
    after = killed.files()
    key = account_key(before)
    expect(key is None or account_key(after) == key, f"another key of the account, {what}")
    return begun, stub.count(NEW_ORDER) - orders


@case
def first_issue(stage):
    need("curl")
    template, stub = prepared(stage)

    def made():
        gateway = Gateway(stage, {name: template.settings[name] for name in ("tls", "acme")})
        return Killed(gateway, stub)

    survey = made()
    lines = survey.run(NEVER)
    survey.end()
    expect(len(lines) > 40, f"only {len(lines)} calls: the switch misses some")
    kills = 0
    for number in chosen(len(lines), "issue"):
        killed = made()
        accounts = new_accounts(stub)
        line = (killed.run(number) or ["none"])[-1]
        kills += killed.end()
        in_place = (killed.acme / "certificate.pem").exists()
        begun, orders = recovered(killed, number, line, in_place)
        expect_equal(orders, 0 if begun and not in_place else 1, f"orders after the start, killed before {line}")
        expect_equal(new_accounts(stub) - accounts, 1, f"accounts, killed before {line}")
        killed.gateway.stop()
    print(f"figure: seed {SEED}: first issue of {len(lines)} calls, killed at {kills} of them")


def again_and_again(stage, words, salt):
    """The same gateway, killed in the midst of a command at one call after another."""
    need("curl")
    gateway, stub = prepared(stage)
    killed = Killed(gateway, stub)
    killed.run(NEVER)
    accounts = new_accounts(stub)
    killed.end()
    lines = killed.run(NEVER, *words)
    killed.end()
    kills = 0
    for number in chosen(len(lines), salt):
        held, before = (killed.acme / "certificate.pem").read_bytes(), stub.count(REVOKE)
        line = (killed.run(number, *words) or ["none"])[-1]
        kills += killed.end()
        in_place = (killed.acme / "certificate.pem").read_bytes() != held
        yield killed, number, line, in_place, stub.count(REVOKE) - before
        gateway.stop()
    expect_equal(new_accounts(stub), accounts, "accounts")
    print(f"figure: seed {SEED}: {words[1]} of {len(lines)} calls, killed at {kills} of them")


@case
def renewal(stage):
    for killed, number, line, in_place, _ in again_and_again(stage, ("certificate", "renew"), "renewal"):
        begun, orders = recovered(killed, number, line, in_place)
        expect_equal(orders, 0 if begun and not in_place else 1, f"orders after the start, killed before {line}")


@case
def revocation(stage):
    """Once it was begun it is done, and another certificate serves by another key."""
    words = ("certificate", "revoke", "--reason", "keyCompromise")
    for killed, number, line, in_place, asked in again_and_again(stage, words, "revocation"):
        wanted = "revocation" in killed.state()
        held = (killed.acme / "certificate.pem").read_bytes()
        revoked = killed.stub.count(REVOKE)
        recovered(killed, number, line, in_place)
        now = (killed.acme / "certificate.pem").read_bytes()
        expect(now != held or in_place, f"the certificate serves on, killed before {line}")
        if wanted and not in_place:
            expect(asked + killed.stub.count(REVOKE) - revoked >= 1, f"never revoked, killed before {line}")
            keys = [re.search(rb"-----BEGIN PRIVATE KEY-----.*?-----END", text, re.DOTALL)[0] for text in (held, now)]
            expect(keys[0] != keys[1], f"the key that was revoked is used again, killed before {line}")
        wait_for("the end of it in the state", 20, lambda: "revocation" not in killed.state())
        expect_equal(status(killed.gateway)["acme"]["failures"], 0, f"failures, killed before {line}")


if __name__ == "__main__":
    run()
