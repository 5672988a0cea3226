#!/usr/bin/env python3
"""Backups by the page's API: out, plain or sealed; looked at and brought in on another gateway, which then serves the
same mailboxes by the same passwords."""
import base64
import re

import fixtures
from cases import case, expect, expect_equal, need, need_root, run
from clients import deliver, fetch_all
from gateway import DOMAIN, Gateway
from terminal import with_terminal
from traces import memory, nothing_shows
from web import Web, token_of

PASSPHRASE = "open sesame, twice \"over\" ü"


def watched(stage, settings=None):
    gateway = Gateway(stage, settings, web=True).start()
    return gateway, Web(gateway).set_up()


def export(web, **body):
    got = web.post("backup/export", body)
    expect_equal(got.status, 200, f"export ({got.octets[:200]!r})")
    return got


def carry(web, step, file, **body):
    return web.post(f"backup/{step}", {"backup": base64.b64encode(file).decode(), **body})


@case
def a_mailbox_moves_to_another_gateway_by_preview_and_import(stage):
    old, web = watched(stage)
    mailbox = old.create("journal of accounting")
    got = export(web)
    expect(re.fullmatch(rf'attachment; filename="postern-{re.escape(DOMAIN)}-\d{{4}}-\d\d-\d\d\.toml"',
                        got.headers["Content-Disposition"]), f"its name: {got.headers['Content-Disposition']}")
    expect_equal((got.headers["Content-Type"], got.headers["X-Postern-Unreadable"]),
                 ("text/plain; charset=utf-8", "0"), "what it is")
    by_command = old.command("backup", "export", "-").stdout
    without_time = lambda text: re.sub(rb"(?m)^at = .*$", b"", text, count=1)
    expect_equal(without_time(got.octets), without_time(by_command), "the backup, and that of the command")
    expect(mailbox.password.encode() not in got.octets and b"[[account]]" not in got.octets, "it holds a secret")

    new, there = watched(stage)
    seen = there.must(200, carry(there, "preview", got.octets, trust=True))
    expect_equal([(change["address"], change["new"], change["name"]) for change in seen["changes"]],
                 [(mailbox.address, True, "journal of accounting")], "what would change")
    expect_equal(there.must(200, there.get("mailboxes"))["total"], 0, "a preview changes nothing")
    done = there.must(200, carry(there, "import", got.octets, trust=True))
    expect_equal(done["changes"], seen["changes"], "what did change")
    uidl = deliver(new, fixtures.small(1), mailbox)
    expect_equal(list(fetch_all(new, mailbox)), [uidl], "the mailbox over there")
    expect_equal(there.must(200, carry(there, "preview", got.octets))["changes"], [], "once more")
    expect("admin: backup imported" in new.log() and "admin: backup exported" in old.log(), "who did it is not logged")


@case
def a_sealed_backup_opens_by_its_passphrase_here_and_with_age(stage):
    need("age")
    gateway, web = watched(stage)
    mailbox = gateway.create()
    sealed = export(web, passphrase=PASSPHRASE)
    expect(sealed.octets.startswith(b"age-encryption.org/v1\n"), "it is not sealed")
    expect_equal(sealed.headers["Content-Type"], "application/age-encryption", "what it is")
    expect(sealed.headers["Content-Disposition"].endswith('.toml.age"'), "its name")
    file = stage.folder / "backup.age"
    file.write_bytes(sealed.octets)
    status, text = with_terminal(["age", "-d", str(file)], PASSPHRASE)
    expect(status == 0 and mailbox.address in text, f"age: {status}, {text[:300]}")
    gateway.command("backup", "import", str(file), "--dry-run", text=PASSPHRASE + "\n")
    expect_equal(web.must(200, carry(web, "preview", sealed.octets, passphrase=PASSPHRASE))["mailboxes"], 1, "here")
    for body, status, code in (({"passphrase": "not that passphrase"}, 403, "wrong_password"), ({}, 422, "refused")):
        got = carry(web, "import", sealed.octets, **body)
        expect_equal((got.status, got.code), (status, code), f"sealed, with {body}")
    cut = carry(web, "import", sealed.octets[:-20], passphrase=PASSPHRASE)
    expect_equal((cut.status, cut.code), (422, "refused"), "a sealed backup that was cut off")
    expect_equal(web.post("backup/export", {"passphrase": "short"}).status, 422, "a passphrase to be guessed")


@case
def what_is_no_backup_of_ours_changes_nothing(stage):
    gateway, web = watched(stage)
    gateway.create()
    backup = export(web, with_admins=True).octets
    expect(b"anna" in backup, "accounts are not in it")
    for body, status in (({}, 400), ({"backup": 7}, 400), ({"backup": "not base64!"}, 400)):
        expect_equal(web.post("backup/import", body).status, status, f"{body}")
    for file in (b"", b"hello", backup[:-300], backup.replace(b"signature = \"", b"signature = \"A", 1)):
        got = carry(web, "import", file)
        expect(got.status == 422 or got.json.get("changes") == [], f"{file[:30]!r}: {got.status} {got.octets[:200]!r}")
    foreign = backup.replace(DOMAIN.encode(), b"elsewhere.example")
    expect_equal(carry(web, "import", foreign).status, 422, "of another domain")
    expect_equal(carry(web, "preview", foreign, domain_differs=True).status, 200, "of another domain, as it was said")
    expect_equal(carry(web, "import", backup, with_admins=True).status, 422, "accounts signed by nobody")
    read = Web(gateway, token_of(gateway, "read"))
    for what in ("export", "preview", "import"):
        expect_equal(read.post(f"backup/{what}").status, 403, f"{what} by a token to read")
        expect_equal(Web(gateway).post(f"backup/{what}").status, 401, f"{what} by nobody")
    large = {"backup": "A" * 100_000}
    for who, status in ((web, 422), (Web(gateway, token_of(gateway, "manage", "boss")), 422), (read, 413), (Web(gateway), 413)):
        expect_equal(who.post("backup/preview", large).status, status, "100 KB")
    too_large = web.ask("POST", "backup/preview", octets=b"x", headers={"Content-Length": str(49 << 20)})
    expect_equal(too_large.status, 413, "a body beyond all backups")


@case
def a_large_backup_is_read_beside_the_mail(stage):
    gateway, web = watched(stage)
    mailbox = gateway.create()
    got = carry(web, "preview", b"# padding\n" * (2 << 20))
    expect_equal(got.status, 422, "20 MiB of nothing")
    deliver(gateway, fixtures.small(1), mailbox)


@case
def the_passphrase_stays_nowhere(stage):
    need_root("reads the memory of a process that forbids being looked at")
    gateway, web = watched(stage, {"log": {"level": "debug"}})
    gateway.create()
    sealed = export(web, passphrase=PASSPHRASE).octets
    carry(web, "preview", sealed, passphrase=PASSPHRASE)
    carry(web, "preview", b"hello", passphrase=PASSPHRASE)
    carry(web, "preview", b"x" * 200_000, passphrase=PASSPHRASE)
    nothing_shows(gateway, {"passphrase": PASSPHRASE.encode()}, "after a sealed backup")
    for piece in memory(gateway):
        # Its end: whoever frees memory writes over the first octets of what lay there.
        expect(PASSPHRASE.encode()[-18:] not in piece, "the passphrase is in memory")


if __name__ == "__main__":
    run()
