#!/usr/bin/env python3
"""Certificates by ACME from a real authority, in each way that names are proved: issued, verified, and
served on every port. The authority is strict, refuses half of its own nonces, and reuses proofs or not.
"""
import re
import stat

import served
from cases import case, expect, expect_equal, run, wait_for
from gateway import HOSTNAME, Gateway, free_ports
from pebble import BINDING_KEY, BINDING_KEY_ID, Pebble, count_issued, issued, status

def keep_secret(gateway):
    """Keys are for the owner only, and nowhere in the log."""
    keys = [file for file in (gateway.data / "acme").rglob("*") if file.is_file() and b"PRIVATE KEY" in file.read_bytes()]
    expect(len(keys) >= 2, f"only these files hold keys: {keys}")
    log = gateway.log()
    for file in keys:
        expect_equal(stat.S_IMODE(file.stat().st_mode), 0o600, f"mode of {file.name}")
        lines = [line for line in file.read_text().splitlines() if len(line) > 40 and "-----" not in line]
        expect(not any(line in log for line in lines), f"the log holds a line of {file.name}")
    for line in log.splitlines():
        expect("PRIVATE KEY" not in line and BINDING_KEY not in line, f"the log holds a key: {line}")


@case
def dns_01_with_a_wildcard(stage):
    gateway = Gateway(stage, web=True)
    pebble = Pebble(stage, gateway.host, bad_nonces=50)
    wanted = ["*.wild.example.com", "wild.example.com", HOSTNAME]
    gateway.configure(pebble.settings(challenge="dns-01", hook=pebble.hook(), names=wanted,
                                      contact="admin@example.com"))
    gateway.start()
    issued(gateway)
    expect_equal(served.names(gateway, pebble.roots()), dict.fromkeys(("SMTP", "POP3", "POP3S", "HTTPS"), sorted(wanted)),
                 "names of what is served, verified by the authority's root")
    calls = [line.split() for line in pebble.hook_log()]
    at_wild = [value for action, name, value in calls if (action, name) == ("present", "_acme-challenge.wild.example.com.")]
    expect_equal(len(set(at_wild)), 2, "values that the wildcard and its domain need at one name")
    expect_equal(sum(call[0] == "cleanup" for call in calls), sum(call[0] == "present" for call in calls),
                 "TXT records taken away again")
    told = status(gateway)
    expect_equal((told["source"], told["acme"]["failures"], told["acme"]["last_error"]), ("acme", 0, None), "status")
    # Planned anew once the authority was asked when it would like to.
    wait_for("the reason of a certificate of 6 days", 20,
             lambda: status(gateway)["renewal_reason"] == "half of its lifetime is left")
    expect(told["acme"]["account"].startswith("https://"), f"no account in {told['acme']}")
    keep_secret(gateway)
    before = served.shown(gateway)
    gateway.restart()
    expect(served.shown(gateway) == before, "the restarted server shows another certificate")
    expect_equal(count_issued(gateway), 1, "orders after a restart")


@case
def proofs_that_are_reused(stage):
    gateway = Gateway(stage)
    pebble = Pebble(stage, gateway.host, bad_nonces=50, reuse=100)
    gateway.configure(pebble.settings(challenge="dns-01", hook=pebble.hook(), names=[HOSTNAME]))
    gateway.start()
    issued(gateway)
    proofs, before = len(pebble.hook_log()), served.shown(gateway)
    gateway.command("certificate", "renew")
    expect(served.shown(gateway) != before, "the renewed certificate is not shown")
    expect_equal(len(pebble.hook_log()), proofs, "calls of the hook, where the proof is still good")
    gateway.command("certificate", "revoke", "--reason", "superseded")
    gateway.wait_log("certificate revoked")
    expect_equal(count_issued(gateway), 3, "certificates after renew and revoke")


@case
def an_authority_for_known_customers(stage):
    gateway = Gateway(stage)
    pebble = Pebble(stage, gateway.host, bad_nonces=50, binding=True)
    key_file = gateway.folder / "eab.key"
    key_file.write_text(BINDING_KEY + "\n")
    key_file.chmod(0o600)
    gateway.configure(pebble.settings(challenge="dns-01", hook=pebble.hook(), names=[HOSTNAME]))
    gateway.start()
    gateway.wait_log("acme.eab_key_id")
    told = status(gateway)["acme"]
    expect("externalAccountRequired" in told["last_error"] and "acme.eab_hmac_key_file" in told["last_advice"],
           f"no words for the admin: {told}")
    gateway.configure({"acme": {"eab_key_id": BINDING_KEY_ID, "eab_hmac_key_file": str(key_file)}})
    gateway.restart()  # other settings: the pause after the failure is over
    issued(gateway)
    keep_secret(gateway)


@case
def http_01(stage):
    gateway = Gateway(stage)
    (port,) = free_ports(gateway.host, 1)
    pebble = Pebble(stage, gateway.host, http=port, bad_nonces=50)
    gateway.configure(pebble.settings(listen=[f"{gateway.host}:{port}"], names=[HOSTNAME, "second.example.com"]))
    gateway.start()
    issued(gateway)
    expect_equal(served.names(gateway, pebble.roots())["SMTP"], sorted([HOSTNAME, "second.example.com"]), "names")
    keep_secret(gateway)
    tokens = set(re.findall(r"acme-challenge/([\w-]{20,})", pebble.log()))
    expect_equal(len(tokens), 2, "tokens that the authority asked for")
    expect(not any(token in gateway.log() for token in tokens), "the log holds a token")


@case
def http_01_where_proofs_are_reused(stage):
    gateway = Gateway(stage)
    (port,) = free_ports(gateway.host, 1)
    pebble = Pebble(stage, gateway.host, http=port, bad_nonces=50, reuse=100)
    gateway.configure(pebble.settings(listen=[f"{gateway.host}:{port}"], names=[HOSTNAME, "second.example.com"]))
    gateway.start()
    issued(gateway)
    tokens = re.findall(r"acme-challenge/([\w-]{20,})", pebble.log())
    expect_equal(len(set(tokens)), 2, "tokens that the authority asked for")
    before = served.shown(gateway)
    gateway.command("certificate", "renew")
    expect(served.shown(gateway) != before, "the renewed certificate is not shown")
    expect_equal(re.findall(r"acme-challenge/([\w-]{20,})", pebble.log()), tokens, "questions, where proofs are still good")
    expect_equal(served.names(gateway, pebble.roots())["POP3"], sorted([HOSTNAME, "second.example.com"]), "names")


@case
def tls_alpn_01(stage):
    gateway = Gateway(stage)
    (port,) = free_ports(gateway.host, 1)
    pebble = Pebble(stage, gateway.host, tls=port, bad_nonces=50)
    gateway.configure(pebble.settings(challenge="tls-alpn-01", listen=[f"{gateway.host}:{port}"], names=[HOSTNAME]))
    gateway.start()
    issued(gateway)
    expect_equal(served.names(gateway, pebble.roots())["POP3S"], [HOSTNAME], "names")


run()
