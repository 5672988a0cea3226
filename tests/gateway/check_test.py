#!/usr/bin/env python3
"""`postern check`: a clean gateway is called clean, and each trouble is one line with what to do.

    check_test.py PATH_TO_POSTERN [case…]
"""
import os
import pathlib
import re
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "end_to_end"))
import fixtures  # noqa: E402
from cases import case, expect, expect_equal, need_root, run  # noqa: E402
from clients import deliver  # noqa: E402
from gateway import Gateway  # noqa: E402

SERVER = 61236


def lines_of(gateway, code, *words):
    done = gateway.command("check", *words, code=code)
    expect_equal(done.stderr, b"", "standard error")
    *lines, last = done.stdout.decode().splitlines()
    expect(re.fullmatch(r"\d+ problems, \d+ warnings", last), f"closes with {last!r}")
    for line in lines:
        expect(re.match(r"(ok|warning|problem|fixed) +[a-z]+: ", line), f"a line {line!r}")
        expect(line.startswith("ok") or " → " in line, f"what to do? {line!r}")
    return lines


def finding(gateway, verdict, area, pattern, *words):
    """The one line of that area that is not ok."""
    lines = lines_of(gateway, 65 if verdict == "problem" else 0, *words)
    found = [line for line in lines if re.match(rf"{verdict} +{area}: ", line)]
    expect_equal(len(found), 1, f"{verdict} lines about {area} in {lines}")
    expect(re.search(pattern, found[0]), f"no {pattern!r} in {found[0]!r}")
    return found[0]


def with_mail(stage, **options):
    gateway = Gateway(stage, **options).start()
    mailbox = gateway.create()
    deliver(gateway, fixtures.small(1), mailbox)
    deliver(gateway, fixtures.journal_report(), mailbox)
    return gateway


@case
def a_clean_gateway_is_clean(stage):
    gateway = with_mail(stage)
    for stopped in (False, True):
        if stopped:
            gateway.stop()
        lines = lines_of(gateway, 0)
        for area in ("config", "owners", "ports", "records", "messages", "certificate", "space"):
            expect(any(re.match(rf"ok +{area}: ", line) for line in lines), f"{area} is missing: {lines}")
        expect(any("2 waiting" in line for line in lines), f"messages are not counted: {lines}")
        expect_equal(sum("is free" in line if stopped else "is served" in line for line in lines), 3, "ports")


@case
def a_fresh_one_is_clean(stage):
    gateway = Gateway(stage)
    lines_of(gateway, 0)
    gateway.data.rmdir()
    finding(gateway, "problem", "data", "does not exist → start `postern serve` once")


@case
def settings_without_effect_are_named(stage):
    gateway = Gateway(stage, {"store.s3": {"bucket": "mail"}})
    said = "\n".join(lines_of(gateway, 0))
    expect(re.search(rf"warning +config: {re.escape(str(gateway.config))}:\d+: store.s3.bucket has no effect",
                     said), said)


@case
def damaged_files_are_named(stage):
    gateway = with_mail(stage)
    gateway.stop()
    file = gateway.sealed_files()[0]
    whole = file.read_bytes()
    file.write_bytes(b"age-encryption.org/v2" + whole[21:])
    finding(gateway, "problem", "messages", re.escape(str(file)) + ".*copy a whole one")
    file.write_bytes(whole)
    stray = file.with_name("report.eml")
    stray.mkdir()
    finding(gateway, "problem", "messages", "report.eml")
    stray.rmdir()
    lines_of(gateway, 0)


@case
def damaged_records_are_named(stage):
    gateway = with_mail(stage)
    gateway.stop()
    record, = (gateway.data / "config" / "mailboxes").glob("*/*.toml")
    whole = record.read_text()
    record.write_text(whole[:len(whole) // 2])
    finding(gateway, "problem", "records", re.escape(str(record)))
    record.write_text(whole.replace("format = 1", "format = 2"))
    finding(gateway, "problem", "records", re.escape(str(record)))
    record.write_text(whole)
    lines_of(gateway, 0)


@case
def a_taken_port_is_named(stage):
    gateway = Gateway(stage)
    with socket.create_server((gateway.host, gateway.pop3)):
        finding(gateway, "problem", "ports",
                rf":\d+: pop3\.listen {gateway.host}:{gateway.pop3} is taken by another program → ")
    gateway.configure({"smtp": {"listen": ["192.0.2.77:2525"]}})
    finding(gateway, "problem", "ports", r"192\.0\.2\.77:2525 is no address of this machine")


@case
def a_wrong_certificate_is_named(stage):
    gateway = Gateway(stage).start()
    gateway.stop()
    other = Gateway(stage).start()
    other.stop()
    tls, key = gateway.data / "tls", (other.data / "tls" / "self-signed.key").read_text()
    gateway.configure({"tls": {"source": "files", "certificate": str(tls / "self-signed.crt"),
                               "key": str(tls / "self-signed.key")}})
    lines_of(gateway, 0)
    (tls / "self-signed.key").write_text(key)
    finding(gateway, "problem", "certificate", re.escape(str(tls / "self-signed.crt")))
    gateway.configure({"tls": {"key": str(tls / "none.key")}})
    finding(gateway, "problem", "certificate", "none.key")


@case
def a_certificate_of_another_name_is_named(stage):
    gateway = Gateway(stage).start()
    gateway.stop()
    gateway.configure({"hostname": "other.example.com"})
    finding(gateway, "warning", "certificate", "does not name other.example.com")


@case
def too_little_space_is_named(stage):
    gateway = Gateway(stage, {"store": {"min_free": "900TiB"}})
    finding(gateway, "problem", "space", r"free below .* → senders wait: make room, or lower .*store\.min_free")


@case
def owners_and_modes_are_named_and_mended(stage):
    need_root("a data directory of another account")
    gateway = with_mail(stage, user=SERVER)
    gateway.stop()
    lines_of(gateway, 0)
    file, other = gateway.sealed_files()
    folder = gateway.data / "config" / "mailboxes"
    node = gateway.data / "node" / "node.toml"
    os.chown(file, 0, 0)
    finding(gateway, "problem", "owners", rf"→ chown {SERVER}:{SERVER} {re.escape(str(file))}$")
    finding(gateway, "fixed", "owners", rf"→ chown {SERVER}:{SERVER} {re.escape(str(file))}$", "--fix")
    expect_equal(file.stat().st_uid, SERVER, "owner of the message")
    for path in (folder, *folder.rglob("*")):
        os.chown(path, 0, 0)
    finding(gateway, "problem", "owners", rf"→ chown -R {SERVER}:{SERVER} {re.escape(str(folder))}$")
    finding(gateway, "fixed", "owners", "chown -R", "--fix")
    node.chmod(0o644)
    other.chmod(0)
    said = "\n".join(lines_of(gateway, 65))
    for line in (f"→ chmod go-rwx {node}", f"→ chmod u+r {other}"):
        expect(line in said, f"no {line!r} in {said}")
    lines_of(gateway, 0, "--fix")
    expect_equal((node.stat().st_mode & 0o777, other.stat().st_mode & 0o777), (0o600, 0o400), "modes")
    lines_of(gateway, 0)


@case
def a_planted_link_is_not_followed(stage):
    """The account of the server must not gain by it that root runs `check --fix`."""
    need_root("a data directory of another account")
    gateway = with_mail(stage, user=SERVER)
    gateway.stop()
    outside = stage.folder / "outside"
    outside.mkdir()
    secret = outside / "secret"
    secret.write_text("root's")
    folder = gateway.sealed_files()[0].parent
    (folder / "link").symlink_to(secret)
    (gateway.data / "state" / "link").symlink_to(outside)
    os.link(secret, folder / "hard")
    gateway.command("check", "--fix", code=None)
    expect_equal((secret.stat().st_uid, outside.stat().st_uid), (0, 0), "owners of what lies outside")


if __name__ == "__main__":
    run()
