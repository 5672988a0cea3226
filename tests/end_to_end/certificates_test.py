#!/usr/bin/env python3
"""Certificates that look after themselves: files that are renewed, copied wrongly or imported while the
server runs, the self-signed one near its end, and what the admin is told of each.
"""
import hashlib
import json
import re
import ssl

import fixtures
from cases import case, expect, expect_equal, need, run, wait_for
from certificates import Authority
from clients import Pop3, Smtp, message_id, program
from gateway import HOSTNAME, Gateway, started

DATA_ERROR, NO_PERMISSION = 65, 77


def shown(connection):
    """The fingerprint of what the server showed."""
    return hashlib.sha256(connection.socket.getpeercert(binary_form=True)).hexdigest()


def on_pop3s(gateway):
    with Pop3(gateway) as pop:
        return shown(pop)


def everywhere(gateway):
    with Smtp(gateway) as smtp, Pop3(gateway, stls=True) as pop, Pop3(gateway) as pops:
        return {shown(smtp), shown(pop), shown(pops)}


def fingerprint(pem):
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.read_text().split("-----END")[0] +
                                                   "-----END CERTIFICATE-----\n")).hexdigest()


class Files:
    """The admin's two files, and pairs to put there."""

    def __init__(self, stage):
        need("openssl")
        self.authority = Authority(stage.folder / "ca")
        self.certificate, self.key = stage.folder / "cert.pem", stage.folder / "key.pem"
        self.settings = {"tls": {"source": "files", "certificate": str(self.certificate), "key": str(self.key)}}

    def make(self, *names, days=90):
        """(certificate, key, fingerprint) as texts."""
        chain, key = self.authority.server(*names, days=days)
        return chain.read_text(), key.read_text(), fingerprint(chain)

    def put(self, pair):
        self.certificate.write_text(pair[0])
        self.key.write_text(pair[1])
        return pair[2]


def certificate_warnings(gateway):
    status = json.loads(gateway.command("status", "--json").stdout)
    return [warning["text"] for warning in status["warnings"] if warning["kind"] == "certificate"]


@case
def what_is_shown_is_what_the_file_holds(stage):
    files = Files(stage)
    chain, key, shown_first = files.make(HOSTNAME)
    end = "-----END CERTIFICATE-----\n"
    files.put((chain.split(end)[0] + end, key, shown_first))
    # The system would know how to go on from there.
    known = stage.folder / "known.pem"
    known.write_text(files.authority.root.read_text() + (files.authority.folder / "intermediate.crt").read_text())
    gateway, _ = started(stage, files.settings, environment={"SSL_CERT_FILE": str(known)})
    seen = program("openssl", "s_client", "-showcerts", "-connect", f"{gateway.host}:{gateway.pop3s}").stdout.decode()
    expect_equal(re.findall(r"^ *\d+ s:(.*)", seen, re.MULTILINE), [f"CN = {HOSTNAME}"], "the certificates shown")


@case
def a_renewed_pair_is_taken_without_a_reload_and_no_session_ends(stage):
    files = Files(stage)
    before = files.put(files.make(HOSTNAME))
    gateway, mailbox = started(stage, files.settings)
    expect_equal(everywhere(gateway), {before}, "what all listeners show")
    with Smtp(gateway) as sending, Pop3(gateway, mailbox) as reading, Pop3(gateway, stls=True) as waiting:
        sending.envelope(mailbox)
        after = files.put(files.make(HOSTNAME))
        wait_for("the new certificate", 30, lambda: on_pop3s(gateway) == after)
        expect_equal(everywhere(gateway), {after}, "what all listeners show")
        message_id(sending.data(fixtures.stuffed(fixtures.small(1))))
        reading.must("STAT")
        waiting.must("CAPA")
    told = gateway.wait_log(r"a new certificate is in use.*")[0]
    expect(HOSTNAME in told and "Example Test Intermediate" in told, f"the log says only: {told}")


@case
def a_bad_pair_is_refused_once_with_the_reason_and_the_old_one_stays(stage):
    files = Files(stage)
    good = files.make(HOSTNAME)
    before = files.put(good)
    gateway, _ = started(stage, files.settings)
    other, ended = files.make("other.example.com"), files.make(HOSTNAME, days=0)
    for pair, reason in (((other[0], good[1], ""), "the key is not the one of the certificate"),
                         ((good[0][:300], good[1], ""), "no PEM certificate"),
                         ((good[0], "", ""), "no PEM private key"),
                         (other, f"does not name {HOSTNAME}, but other.example.com"),
                         (ended, "it ended at ")):
        files.put(pair)
        gateway.wait_log(f"a new certificate is refused.*{re.escape(reason)}")
        expect_equal(everywhere(gateway), {before}, f"what is shown after: {reason}")
    warnings = certificate_warnings(gateway)
    expect(any("lies ready but is not used" in text and "it ended at" in text for text in warnings),
           f"status warns only: {warnings}")
    told = gateway.command("certificate", "status").stdout.decode()
    expect(re.search(r"Not used +.*it ended at", told), f"certificate status says only:\n{told}")
    expect_equal(gateway.log().count("a new certificate is refused"), 5, "refusals in the log")
    after = files.put(files.make(HOSTNAME))
    wait_for("the right pair", 30, lambda: on_pop3s(gateway) == after)
    expect_equal(certificate_warnings(gateway), [], "warnings once all is well")


@case
def a_pfx_of_windows_and_others_is_imported_while_the_server_runs(stage):
    files = Files(stage)
    gateway = Gateway(stage, {"tls": {"source": "files"}})
    chain, key = files.authority.server(HOSTNAME)
    pfx = stage.folder / "own.pfx"

    def export(*options, passphrase="geheim – ä"):
        program("openssl", "pkcs12", "-export", "-in", str(chain), "-inkey", str(key), "-out", str(pfx),
                "-passout", f"pass:{passphrase}", *options)
        return passphrase
    gateway.spawn()
    expect(gateway.wait() != 0, "a start without a pair")
    expect("postern certificate import FILE" in gateway.log(), "a start without a pair says not what to do")
    passphrase = export()
    wrong = gateway.command("certificate", "import", str(pfx), text="falsch\n", code=NO_PERMISSION)
    expect(b"not the passphrase" in wrong.stderr, f"a wrong passphrase: {wrong.stderr}")
    imported = json.loads(gateway.command("certificate", "import", str(pfx), "--json",
                                          text=passphrase + "\n").stdout)
    expect_equal(imported["sha256"], fingerprint(chain), "what was imported")
    pair = gateway.data / "tls" / "imported.pem"
    expect_equal(pair.stat().st_mode & 0o777, 0o600, "the mode of the pair")
    expect_equal(pair.read_text().count("BEGIN CERTIFICATE"), 2, "certificates in it: the server's, the intermediate")
    gateway.start()
    expect_equal(everywhere(gateway), {fingerprint(chain)}, "what is shown after the start")
    for options, passphrase in ((("-legacy",), "alt"), ((), "")):
        chain, key = files.authority.server(HOSTNAME)
        export(*options, passphrase=passphrase)
        told = gateway.command("certificate", "import", str(pfx), text="" if not passphrase else passphrase + "\n",
                               environment={"POSTERN_PASSWORD": passphrase} if options else {}).stdout.decode()
        expect("shown it from now on" in told, f"import with {options} says only:\n{told}")
        expect_equal(on_pop3s(gateway), fingerprint(chain), f"what is shown after {options}")
    export("-nomac", passphrase="x")
    said = gateway.command("certificate", "import", str(pfx), text="x\n", code=DATA_ERROR).stderr.decode()
    expect("has no MAC" in said, f"a file that may have been changed: {said}")
    expect(gateway.command("certificate", "status", "--json").stdout.count(b"PRIVATE") == 0, "a key in an answer")


@case
def an_encrypted_pem_key_is_imported_and_the_chain_put_in_order(stage):
    files = Files(stage)
    gateway = Gateway(stage, {"tls": {"source": "files"}})
    chain, key = files.authority.server(HOSTNAME)
    sealed = program("openssl", "pkcs8", "-topk8", "-in", str(key), "-passout", "pass:two words").stdout.decode()
    leaf, middle = (part + "-----END CERTIFICATE-----\n"
                    for part in chain.read_text().split("-----END CERTIFICATE-----\n")[:2])
    whole = stage.folder / "whole.pem"
    whole.write_text(files.authority.root.read_text() + middle + sealed + leaf)
    gateway.command("certificate", "import", str(whole), text="wrong\n", code=NO_PERMISSION)
    gateway.command("certificate", "import", str(whole), text="two words\n")
    text = (gateway.data / "tls" / "imported.pem").read_text()
    expect(text.startswith(leaf + middle) and text.count("BEGIN CERTIFICATE") == 2,
           "the chain is not: the server's, the intermediate, without the root")
    gateway.start()
    context = ssl.create_default_context(cafile=str(files.authority.root))
    context.check_hostname = False
    with Pop3(gateway, plain=True) as pop:
        pop.must("STLS")
        pop.handshake(context)


@case
def what_is_not_to_be_imported_is_said(stage):
    files = Files(stage)
    gateway = Gateway(stage).start()
    before = on_pop3s(gateway)
    chain, key = files.authority.server("other.example.com")
    own, own_key = files.authority.server(HOSTNAME)
    whole = stage.folder / "whole.pem"
    for text, reason in ((chain.read_text() + key.read_text(), f"does not name {HOSTNAME}"),
                         (own.read_text() + key.read_text(), "the one of no certificate"),
                         (own.read_text(), "no private key"), ("nothing", "neither certificate nor key")):
        whole.write_text(text)
        said = gateway.command("certificate", "import", str(whole), code=DATA_ERROR).stderr.decode()
        expect(reason in said, f"wanted {reason!r}, got: {said}")
    expect(not (gateway.data / "tls" / "imported.pem").exists(), "something was imported all the same")
    whole.write_text(own.read_text() + own_key.read_text())
    said = gateway.command("certificate", "import", str(whole)).stdout.decode()
    expect('write source = "files" in [tls]' in said, f"it is not said how to use it:\n{said}")
    expect_equal(on_pop3s(gateway), before, "what is shown meanwhile")


@case
def a_self_signed_one_near_its_end_is_renewed_while_the_server_runs(stage):
    need("openssl")
    gateway = Gateway(stage).start()
    before = json.loads(gateway.command("certificate", "status", "--json").stdout)
    tls = gateway.data / "tls"
    program("openssl", "req", "-x509", "-key", str(tls / "self-signed.key"), "-days", "20", "-subj", "/CN=x",
            "-addext", f"subjectAltName=DNS:{HOSTNAME}", "-out", str(tls / "self-signed.crt"))
    gateway.wait_log("a new certificate is in use")
    after = json.loads(gateway.command("certificate", "status", "--json").stdout)
    expect_equal(after["spki_sha256"], before["spki_sha256"], "the public key, which others have pinned")
    expect(after["sha256"] != before["sha256"] and after["days_left"] > 800, f"it was not renewed: {after}")
    expect_equal(everywhere(gateway), {after["sha256"]}, "what all listeners show")


@case
def the_end_of_a_certificate_is_told_in_time_and_with_what_to_do(stage):
    files = Files(stage)
    files.put(files.make(HOSTNAME, days=5))
    gateway = Gateway(stage, files.settings).start()
    gateway.wait_log("the certificate ends soon")
    expect_equal(len(certificate_warnings(gateway)), 1, "warnings")
    files.put(files.make(HOSTNAME, days=2))
    gateway.wait_log("the certificate is about to end")
    told = gateway.command("certificate", "status").stdout.decode()
    for line in (rf"Names +{HOSTNAME}\n", r"Issued by +CN=Example Test Intermediate", r"Valid +from .*, 1 days left",
                 r"Renewal +whoever made the files renews them"):
        expect(re.search(line, told), f"no line like {line!r} in:\n{told}")
    gateway.stop()
    expect_equal(gateway.command("certificate", "status").stdout.decode(), told, "what is said without a server")
    files.put(files.make(HOSTNAME, days=0))
    gateway.start()
    gateway.wait_log("the certificate has ended")
    expect(everywhere(gateway), "an ended certificate stops mail")


if __name__ == "__main__":
    run()
