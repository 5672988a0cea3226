#!/usr/bin/env python3
"""An authority at its worst: each fault is met by a bounded number of requests, the wait it asks for, words for
the admin, and recovery without help.
"""
import datetime
import json
import time

import served
from acme_stub import ACCOUNT, CERTIFICATE, CHALLENGE, FINALIZE, NEW_ORDER, ORDER, prepared, refusal
from cases import case, expect, expect_equal, run, wait_for
from pebble import issued, status


def seconds_until(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() - time.time()


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


run()
