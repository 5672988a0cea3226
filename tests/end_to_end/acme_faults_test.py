#!/usr/bin/env python3
"""An authority at its worst: each fault is met by a bounded number of requests, the wait it asks for, words for
the admin, and recovery without help.
"""
import datetime
import json
import re
import time

import served
from acme_stub import (ACCOUNT, CERTIFICATE, CHALLENGE, DIRECTORY, FINALIZE, NEW_ORDER, ORDER, RENEWAL_INFO, Stub,
                       refusal)
from cases import case, expect, expect_equal, run, wait_for
from gateway import HOSTNAME, Gateway
from pebble import Pebble

ISSUED = r"certificate of an authority in use"


def stamp(seconds):
    """RFC 3339, so many seconds from now."""
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_until(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() - time.time()


def status(gateway):
    return json.loads(gateway.command("certificate", "status", "--json").stdout)


def issued(gateway, times=1):
    wait_for(f"{times} certificates", 60, lambda: len(re.findall(ISSUED, gateway.log())) >= times)


def prepared(stage, **settings):
    """A gateway that is not started yet, and the authority it will ask."""
    gateway = Gateway(stage)
    pebble = Pebble(stage, gateway.host, **settings)
    stub = Stub(stage, pebble)
    gateway.configure(stub.settings(challenge="dns-01", hook=pebble.hook(), names=[HOSTNAME]))
    return gateway, stub


def processing(answer):
    """A finalised order as an authority shows it that takes its time."""
    status_code, headers, body = answer
    order = json.loads(body)
    order["status"] = "processing"
    order.pop("certificate", None)
    return status_code, {**headers, "Retry-After": "1"}, json.dumps(order).encode()


@case
def faults_within_one_order(stage):
    """The order is made once, whatever stands in its way."""
    gateway, stub = prepared(stage)
    stub.instead[NEW_ORDER] = [refusal(503, "serverInternal", Retry_After="1"), refusal(500, "serverInternal")]
    stub.instead[FINALIZE] = [refusal(403, "orderNotReady", Retry_After="1"), processing]
    stub.instead[ORDER] = [lambda answer: answer, processing, processing]
    stub.instead[CERTIFICATE] = [(404, {}, b""), (404, {"Retry-After": "2"}, b"")]
    gateway.start()
    issued(gateway)
    expect_equal({path: stub.count(path) for path in (NEW_ORDER, FINALIZE, CERTIFICATE, CHALLENGE, ACCOUNT)},
                 {NEW_ORDER: 3, FINALIZE: 2, CERTIFICATE: 3, CHALLENGE: 1, ACCOUNT: 1}, "requests")
    expect(stub.requests() < 25, f"{stub.requests()} requests for one certificate")
    expect_equal(list(served.names(gateway, stub.pebble.roots())), ["SMTP", "POP3", "POP3S"], "verified")
    print(f"figure: {stub.requests()} requests for a certificate in spite of 8 faults")


@case
def a_rate_limit_to_the_second(stage):
    gateway, stub = prepared(stage)
    stub.instead[NEW_ORDER] = [refusal(429, "rateLimited", "too many certificates", Retry_After="6")]
    gateway.start()
    gateway.wait_log("too many certificates")
    told = status(gateway)
    expect(2 < seconds_until(told["renewal"]) < 6.5, f"tried again in {seconds_until(told['renewal'])} s: {told}")
    expect("rateLimited" in told["acme"]["last_error"] and "nothing to do" in told["acme"]["last_advice"], f"words: {told}")
    asked = stub.requests()
    issued(gateway)
    expect_equal(stub.count(NEW_ORDER), 2, "orders: the refused one, and the one after the limit")
    expect(asked < 8, f"{asked} requests before the limit was known")


@case
def an_authority_that_is_broken(stage):
    """Errors without end: three tries, then a pause that a restart does not shorten."""
    gateway, stub = prepared(stage)
    stub.instead[NEW_ORDER] = [refusal(500, "serverInternal", "boom", Retry_After="1")] * 3
    gateway.start()
    gateway.wait_log("boom.*next_attempt")
    expect_equal(stub.count(NEW_ORDER), 3, "tries")
    told = status(gateway)
    expect(40 < seconds_until(told["renewal"]) < 67, f"the pause is {seconds_until(told['renewal'])} s")
    expect_equal((told["acme"]["failures"], told["renewal_reason"]), (1, "the last attempt failed"), "status")
    asked = stub.requests()
    gateway.restart()
    wait_for("a plan", 20, lambda: status(gateway)["renewal"])
    expect_equal(status(gateway)["renewal"], told["renewal"], "next attempt after a restart")
    expect_equal(stub.requests(), asked, "requests after a restart within the pause")
    found = gateway.command("status", code=None).stdout.decode()
    expect("boom" in found, f"`postern status` does not say why there is no certificate: {found}")
    gateway.command("certificate", "renew")
    expect_equal(status(gateway)["acme"]["failures"], 0, "failures after a certificate")


@case
def profiles(stage):
    gateway, stub = prepared(stage)
    stub.profiles = {"classic": "90 days", "shortlived": "6 days"}
    gateway.configure({"acme": {"profile": "shortlive"}})
    gateway.start()
    gateway.wait_log('has no profile')
    told = status(gateway)["acme"]
    expect("classic, shortlived" in told["last_advice"], f"the profiles there are: {told}")
    expect_equal({path for _, path, _ in stub.asked}, {DIRECTORY}, "all that was asked")
    expect_equal(stub.requests(), 1, "requests")
    gateway.configure({"acme": {"profile": "shortlived"}})
    gateway.restart()
    issued(gateway)
    gateway.command("certificate", "renew")
    expect_equal([order.get("profile") for order in stub.payloads(NEW_ORDER)], ["shortlived"] * 2, "profiles asked for")
    gateway.configure({"acme": {"profile": "classic"}})
    gateway.restart()
    issued(gateway, 3)
    expect_equal(stub.payloads(NEW_ORDER)[-1]["profile"], "classic", "a changed profile renews at once")


@case
def renewal_information(stage):
    """The authority wants a certificate replaced now; the order says which one it replaces, and does without that
    where it is refused."""
    gateway, stub = prepared(stage, validity=40)
    first = []

    def window(identifier):
        if not first:
            first.append(identifier)
        return (stamp(-7200), stamp(-3600)) if identifier == first[0] else (stamp(90), stamp(120))
    stub.window = window
    gateway.start()
    issued(gateway, 2)  # four seconds after the first: a tenth of its life
    expect_equal([order.get("replaces") for order in stub.payloads(NEW_ORDER)], [None, first[0]], "what orders replace")
    wait_for("a question about the second", 20,
             lambda: stub.count(RENEWAL_INFO) - stub.count(RENEWAL_INFO + first[0]) == 1)
    stub.instead[NEW_ORDER] = [refusal(409, "alreadyReplaced")]
    gateway.command("certificate", "renew")
    expect_equal(["replaces" in order for order in stub.payloads(NEW_ORDER)], [False, True, True, False],
                 "orders: after the refusal one without")


@case
def an_account_that_is_gone(stage):
    gateway, stub = prepared(stage)
    gateway.start()
    issued(gateway)
    (key,) = (gateway.data / "acme").glob("*/account.key")
    whole, before = key.read_bytes(), served.shown(gateway)
    key.write_bytes(whole[:80])
    done = gateway.command("certificate", "renew", code=75)
    expect(b"account.key holds no key" in done.stderr and b"backup" in done.stderr, f"words: {done.stderr}")
    expect_equal(key.read_bytes(), whole[:80], "the damaged key, which is the admin's to judge")
    expect(served.shown(gateway) == before, "the certificate in use was given up")
    key.write_bytes(whole)
    gateway.command("certificate", "renew")
    expect_equal(stub.count(ACCOUNT), 1, "accounts")
    key.unlink()
    gateway.command("certificate", "renew")
    gateway.wait_log("the key of the ACME account is gone: a new account will be made")
    expect_equal(stub.count(ACCOUNT), 2, "accounts")
    expect("accounturi=" in status(gateway)["acme"]["caa"], "what to write in a CAA record")


run()
