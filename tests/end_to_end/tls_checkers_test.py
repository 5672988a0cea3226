#!/usr/bin/env python3
"""testssl.sh and sslscan find nothing at MEDIUM or above on SMTP STARTTLS, POP3 STLS and POP3S, with a
certificate that a test CA has issued and the gateway has from `tls.source = "files"`.

Each time (`make test`), sslscan looks at every door, with each of its ciphers, and testssl.sh at the
protocols, forward secrecy, certificate and vulnerabilities of SMTP STARTTLS; of the two others, which are
the same TLS code, at what a door could get wrong by itself: protocols and renegotiation. All of testssl.sh
takes minutes, so all sections of all doors are looked at when the proofs run long (`make soak`).
"""
import json
import xml.etree.ElementTree

from cases import case, expect, expect_equal, need, run, seconds
from certificates import Authority
from clients import program
from gateway import DOMAIN, HOSTNAME, started

LONG = 300          # s of DURATION from which on everything is looked at
CHECK_SECONDS = 900
DOORS = {"smtp": "SMTP STARTTLS", "pop3": "POP3 STLS", "pop3s": "POP3S"}
# Sections of testssl.sh, by the letters that all its versions know.
PROTOCOLS, CIPHERS, SECRECY, CERTIFICATE, VULNERABILITIES, RENEGOTIATION = "-p", "-s", "-f", "-S", "-U", "-R"
MOST = (PROTOCOLS, CIPHERS, SECRECY, CERTIFICATE, VULNERABILITIES)
PER_DOOR = (PROTOCOLS, RENEGOTIATION)
HARMLESS = ("OK", "INFO", "LOW", "DEBUG")
# What testssl.sh says of the machine it runs on, not of the server.
ABOUT_THE_CHECKER = {"engine_problem": "Debian's OpenSSL has no GOST engine to offer GOST ciphers with"}
# Without these findings a section was left out or broke off: id, how its finding begins.
SEEN_BY = {
    PROTOCOLS: {"SSLv2": "not offered", "SSLv3": "not offered", "TLS1": "not offered",
                "TLS1_1": "not offered", "TLS1_2": "offered", "TLS1_3": "offered"},
    CERTIFICATE: {"cert_chain_of_trust": "passed", "cert_trust": "Ok via SAN",
                  "sessionresumption_ticket": "not supported"},
    VULNERABILITIES: {"heartbleed": "not vulnerable", "CCS": "not vulnerable", "ROBOT": "not vulnerable",
                      "secure_client_renego": "not vulnerable", "CRIME_TLS": "not vulnerable",
                      "LUCKY13": "not vulnerable", "RC4": "not vulnerable"},
    RENEGOTIATION: {"secure_renego": "supported", "secure_client_renego": "not vulnerable"},
}


def with_certificate(stage):
    """A gateway that shows a certificate of the test CA, and the CA's root."""
    need("openssl")
    authority = Authority(stage.folder / "ca")
    certificate, key = authority.server(HOSTNAME, DOMAIN)
    gateway, _ = started(stage, {"tls": {"source": "files", "certificate": str(certificate), "key": str(key)}})
    return gateway, authority.root


def testssl(stage, gateway, root, door, sections):
    """What testssl.sh finds at a door, as {id: (severity, finding)}."""
    report = stage.folder / f"testssl-{door}.json"
    starttls = () if door == "pop3s" else ("--starttls", door)
    done = program("testssl", "--quiet", "--color", "0", "--warnings", "off", "--nodns", "none", "--ip", gateway.host,
                   "--add-ca", str(root), "--jsonfile", str(report), *starttls, *sections,
                   f"{HOSTNAME}:{getattr(gateway, door)}", code=None, seconds=CHECK_SECONDS)
    expect(report.exists(), f"testssl.sh reports nothing: {done.stdout[-1000:].decode(errors='replace')}")
    return {entry["id"]: (entry["severity"], entry["finding"]) for entry in json.loads(report.read_text())}


def nothing_is_found(stage, gateway, root, door, sections):
    found = testssl(stage, gateway, root, door, sections)
    for section in sections or SEEN_BY:
        for name, start in SEEN_BY.get(section, {}).items():
            expect(found.get(name, ("", ""))[1].startswith(start),
                   f"{DOORS[door]}: testssl.sh {section} should say {name}: {start}…, said {found.get(name)}")
    bad = {name: entry for name, entry in found.items()
           if entry[0] not in HARMLESS and name not in ABOUT_THE_CHECKER}
    expect_equal(bad, {}, f"{DOORS[door]}: findings of testssl.sh")


@case
def sslscan_finds_nothing_at_any_door(stage):
    need("sslscan")
    gateway, _ = with_certificate(stage)
    for door, name in DOORS.items():
        starttls = () if door == "pop3s" else (f"--starttls-{door}",)
        output = program("sslscan", "--xml=-", f"--sni-name={HOSTNAME}", *starttls,
                         f"{gateway.host}:{getattr(gateway, door)}").stdout
        scan = xml.etree.ElementTree.fromstring(output).find("ssltest")
        expect(scan is not None, f"{name}: sslscan saw no server: {output[-500:]!r}")
        expect_equal({f"{protocol.get('type')} {protocol.get('version')}" for protocol in scan.iter("protocol")
                      if protocol.get("enabled") == "1"}, {"tls 1.2", "tls 1.3"}, f"{name}: protocols")
        ciphers = {cipher.get("cipher"): cipher for cipher in scan.iter("cipher")}
        for cipher, said in ciphers.items():
            expect(cipher.startswith(("TLS_", "ECDHE-")) and said.get("strength") in ("strong", "acceptable"),
                   f"{name}: sslscan finds {cipher} {said.get('strength')}")
        expect_equal({cipher.get("sslversion") for cipher in ciphers.values()}, {"TLSv1.2", "TLSv1.3"},
                     f"{name}: versions with ciphers")
        expect_equal(scan.find("renegotiation").get("supported"), "0", f"{name}: renegotiation by the client")
        expect_equal({test.get("vulnerable") for test in scan.iter("heartbleed")}, {"0"}, f"{name}: Heartbleed")
        certificate = scan.find(".//certificate")
        expect_equal((certificate.findtext("self-signed"), certificate.findtext("expired")), ("false", "false"),
                     f"{name}: certificate self-signed, expired")


@case
def testssl_finds_nothing_at_any_door(stage):
    need("testssl")
    gateway, root = with_certificate(stage)
    for door in DOORS:
        sections = MOST if door == "smtp" else PER_DOOR
        nothing_is_found(stage, gateway, root, door, () if seconds(0) >= LONG else sections)


if __name__ == "__main__":
    run()
