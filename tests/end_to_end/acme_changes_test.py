#!/usr/bin/env python3
"""What an authority changes under way, and an admin: profiles, renewal information, an account that is gone.
"""
import datetime

import served
from acme_stub import ACCOUNT, DIRECTORY, NEW_ORDER, RENEWAL_INFO, prepared, refusal
from cases import case, expect, expect_equal, run, wait_for
from pebble import issued, status


def stamp(seconds):
    """RFC 3339, so many seconds from now."""
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


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
