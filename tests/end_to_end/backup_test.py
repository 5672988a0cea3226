#!/usr/bin/env python3
"""Backups: one file brings every mailbox to a new machine, under its old password; an old, damaged, foreign
or stolen one changes nothing that it should not, and says so; sealed ones open with Debian's own age.
"""
import hashlib
import json
import re

import fixtures
from cases import case, expect, expect_equal, need, need_root, run
from clients import deliver, fetch_all
from gateway import Gateway, started
from terminal import with_terminal

PASSPHRASE = "several words nobody would guess"
DATA_ERROR, NO_PERMISSION, CANNOT_CREATE, USAGE = 65, 77, 73, 64
SERVER = 61234


def export(gateway, *flags, text=""):
    return gateway.command("backup", "export", *flags, text=text).stdout.decode()


def imported(gateway, file, *flags, code=0, **options):
    done = gateway.command("backup", "import", str(file), *flags, code=code, **options)
    return done.stdout.decode() if code == 0 else done.stderr.decode()


def saved(stage, gateway, name="backup.toml"):
    file = stage.folder / name
    file.write_text(export(gateway))
    return file


def records_of(gateway):
    """Every file of records and trust, with what is in it."""
    return {str(path.relative_to(gateway.data)): hashlib.sha256(path.read_bytes()).hexdigest()
            for folder in ("config", "node") for path in sorted((gateway.data / folder).rglob("*"))
            if path.is_file()}


def addresses(gateway):
    return [mailbox["address"] for mailbox in json.loads(gateway.command("mailbox", "list", "--json").stdout)]


def without_time(text):
    return re.sub(r"^at = .*$", "", text, count=1, flags=re.MULTILINE)


@case
def a_new_machine_serves_what_the_backup_names(stage):
    old, mailbox = started(stage)
    second = old.create("second")
    file = stage.folder / "backup.toml"
    told = old.command("backup", "export", str(file)).stdout.decode()
    expect("2 mailboxes" in told, told)
    expect_equal(file.stat().st_mode & 0o777, 0o600, "mode of the backup")
    new = Gateway(stage).start()
    told = imported(new, file)
    expect("a new mailbox" in told and "Is trusted from now on: node n-" in told, told)
    expect_equal(addresses(new), addresses(old), "mailboxes")
    for box in (mailbox, second):
        uidl = deliver(new, fixtures.journal_report(), box)
        expect_equal(list(fetch_all(new, box)), [uidl], "what the old password opens on the new machine")
    # Copied once more, with what happened since, it unites.
    old.command("mailbox", "suspend", second.address)
    told = imported(new, saved(stage, old))
    expect("it becomes suspended" in told, told)
    shown = json.loads(new.command("mailbox", "show", second.address, "--json").stdout)
    expect_equal(shown["status"], "suspended", "status on the new machine")
    expect_equal(imported(new, saved(stage, old)).splitlines()[-1],
                 "No record in it is new here: nothing was changed.", "a second import")


@case
def without_a_server_it_is_done_under_the_lock(stage):
    old = Gateway(stage)
    mailbox = old.create()
    new = Gateway(stage)
    imported(new, saved(stage, old))
    new.start()
    deliver(new, fixtures.journal_report(), mailbox)
    expect_equal(len(fetch_all(new, mailbox)), 1, "messages")


@case
def a_dry_run_says_all_and_changes_nothing(stage):
    old, mailbox = started(stage)
    new = Gateway(stage).start()
    imported(new, saved(stage, old))
    answer = json.loads(old.command("mailbox", "password", mailbox.address, "--json",
                                    text=mailbox.password + "\n").stdout)
    old.command("mailbox", "edit", mailbox.address, "--name", "Renamed")
    file = saved(stage, old)
    before = records_of(new)
    told = imported(new, file, "--dry-run")
    expect("This would change:" in told and 'its name becomes "Renamed"' in told
           and "its password becomes the one set on" in told and "it opens what waits, too" in told, told)
    expect(answer["password"] not in file.read_text(), "the backup holds a password")
    expect_equal(records_of(new), before, "records after the dry run")
    changes = json.loads(imported(new, file, "--dry-run", "--json"))["changes"]
    expect_equal([change["address"] for change in changes], [mailbox.address], "mailboxes that would change")
    imported(new, file)
    expect(records_of(new) != before, "the real run changed nothing")


@case
def a_damaged_or_foreign_or_huge_file_changes_nothing(stage):
    old, mailbox = started(stage)
    old.create("second")
    new = Gateway(stage).start()
    good = export(old)
    before = records_of(new)
    files = {"cut off": good[:len(good) * 2 // 3], "without its last file": good[:good.rindex("[[file]]")],
             "altered": good.replace('"journal"', '"another"', 1), "nothing": "",
             "a picture": "\x89PNG\r\n\x1a\n", "the config": new.config.read_text(),
             "a later format": good.replace("format = 1", "format = 7", 1)}
    for name, text in files.items():
        file = stage.folder / "bad.toml"
        file.write_text(text)
        for flags in ((), ("--trust",), ("--dry-run",)):
            told = imported(new, file, *flags, code=DATA_ERROR)
            expect("nothing was changed" in told and len(told.splitlines()) == 1, f"{name}: {told}")
    huge = stage.folder / "huge.toml"
    with open(huge, "wb") as file:
        file.truncate(8 << 30)
    expect("MiB" in imported(new, huge, code=DATA_ERROR), "a huge file is not named as such")
    imported(new, stage.folder / "missing.toml", code=None)
    imported(new, stage.folder, code=None)
    expect_equal(records_of(new), before, "records")
    imported(new, saved(stage, old))
    expect(mailbox.address in addresses(new), "the good backup was not imported")


@case
def another_domain_is_refused_unless_the_admin_says_so(stage):
    old, mailbox = started(stage)
    new = Gateway(stage, {"domain": "elsewhere.example.net"}).start()
    file = saved(stage, old)
    told = imported(new, file, code=DATA_ERROR)
    expect("msgw.example.com" in told and "--domain-differs" in told, told)
    expect_equal(addresses(new), [], "mailboxes")
    imported(new, file, "--domain-differs")
    expect_equal(addresses(new), [mailbox.address], "mailboxes")


@case
def a_stolen_backup_redirects_no_mail(stage):
    ours, mailbox = started(stage)
    thief = Gateway(stage, {"hostname": "evil.example.com"}).start()
    imported(thief, saved(stage, ours))
    thief.command("mailbox", "password", mailbox.address, "--reset")
    doctored = saved(stage, thief)
    told = imported(ours, doctored, code=NO_PERMISSION)
    expect("held back" in told and "--trust" in told, told)
    told = imported(ours, doctored, "--dry-run", "--trust")
    expect("its password becomes the one set on evil.example.com" in told and "locked" in told, told)
    uidl = deliver(ours, fixtures.journal_report(), mailbox)
    expect_equal(list(fetch_all(ours, mailbox)), [uidl], "what our password opens")


@case
def two_passwords_set_at_once_are_shown_on_both_nodes_until_seen(stage):
    first, mailbox = started(stage)
    second = Gateway(stage, {"hostname": "msgw2.example.com"}).start()
    imported(second, saved(stage, first))
    for node in (first, second):
        node.command("mailbox", "password", mailbox.address, "--reset")
    imported(first, saved(stage, second), "--trust")
    imported(second, saved(stage, first))
    for node in (first, second):
        shown = node.command("mailbox", "show", mailbox.address).stdout.decode()
        expect(re.search(r"Replaced +the password set on msgw[12]\.example\.com at \S+ was replaced by the one set on "
                         r"msgw[12]\.example\.com at ", shown), shown)
        node.wait_log("record needs attention .*was replaced by the one set on")
        expect("was replaced by" in node.command("check", code=None).stdout.decode(), "check says nothing of it")
    second.command("mailbox", "edit", mailbox.address, "--acknowledge")
    imported(first, saved(stage, second))
    for node in (first, second):
        shown = json.loads(node.command("mailbox", "show", mailbox.address, "--json").stdout)
        expect_equal(shown["replaced_passwords"], [], "replaced passwords after one admin has seen them")
        expect("was replaced by" not in node.command("check", code=None).stdout.decode(), "check goes on about it")


@case
def a_sealed_backup_opens_with_the_passphrase_and_with_debians_age(stage):
    need("age")
    old, mailbox = started(stage)
    sealed = stage.folder / "backup.age"
    old.command("backup", "export", str(sealed), "--passphrase", text=PASSPHRASE + "\n")
    expect(mailbox.address.encode() not in sealed.read_bytes(), "the sealed backup names the mailbox")
    opened = stage.folder / "opened.toml"
    status, shown = with_terminal(["age", "-d", "-o", str(opened), str(sealed)], PASSPHRASE)
    expect_equal(status, 0, f"exit code of age ({shown})")
    expect_equal(without_time(opened.read_text()), without_time(export(old)), "what age makes of it")
    new = Gateway(stage).start()
    before = records_of(new)
    told = imported(new, sealed, text="something else entirely\n", code=NO_PERMISSION)
    expect("not the passphrase" in told, told)
    expect_equal(records_of(new), before, "records")
    imported(new, sealed, text=PASSPHRASE + "\n")
    expect_equal(addresses(new), [mailbox.address], "mailboxes")
    told = old.command("backup", "export", "--passphrase", text="short\n", code=DATA_ERROR).stderr.decode()
    expect("shorter than" in told, told)


@case
def a_backup_comes_through_a_pipe_sealed_or_not(stage):
    old, mailbox = started(stage)
    plain, new = export(old), Gateway(stage).start()
    imported(new, "-", text=plain)
    expect_equal(addresses(new), [mailbox.address], "mailboxes")
    armored = stage.folder / "armored.age"
    need("age")
    (stage.folder / "plain.toml").write_text(plain)
    status, shown = with_terminal(["age", "-p", "-a", "-o", str(armored), str(stage.folder / "plain.toml")],
                                  f"{PASSPHRASE}\n{PASSPHRASE}")
    expect_equal(status, 0, f"exit code of age ({shown})")
    another = Gateway(stage).start()
    told = imported(another, "-", text=armored.read_text(), code=USAGE)
    expect("POSTERN_PASSWORD" in told, told)
    imported(another, "-", text=armored.read_text(), environment={"POSTERN_PASSWORD": PASSPHRASE})
    expect_equal(addresses(another), [mailbox.address], "mailboxes")


@case
def no_file_but_an_older_backup_is_written_over(stage):
    gateway, _ = started(stage)
    precious = stage.folder / "postern.toml"
    precious.write_text("domain = \"mine\"\n")
    told = gateway.command("backup", "export", str(precious), code=CANNOT_CREATE).stderr.decode()
    expect("is no plain backup" in told, told)
    expect_equal(precious.read_text(), "domain = \"mine\"\n", "the other file")
    file = saved(stage, gateway)
    gateway.create("second")
    gateway.command("backup", "export", str(file))
    expect_equal(file.read_text().count("[[file]]"), 2, "record files in the newer backup")


@case
def web_accounts_travel_only_where_asked_for(stage):
    old, _ = started(stage)
    for name in ("anna", "bert"):
        old.command("admin", "create", name, text="correct horse battery\n")
    old.command("admin", "token", "robot", "--scope", "read")
    without = saved(stage, old, "without.toml")
    expect("argon2" not in without.read_text(), "a backup holds accounts nobody asked for")
    file = stage.folder / "with.toml"
    file.write_text(export(old, "--with-admins"))
    new = Gateway(stage).start()
    new.command("admin", "create", "anna", text="another horse battery\n")
    kept = [line for line in (new.data / "config" / "admins.toml").read_text().splitlines() if "argon2" in line]
    expect("--with-admins" in imported(new, file), "nothing says that accounts were left out")
    before = records_of(new)
    told = imported(new, file, "--with-admins", code=NO_PERMISSION)
    expect("signed by nobody" in told and "--trust" in told, told)
    told = imported(new, file, "--with-admins", "--trust", "--dry-run")
    expect("Would be added: the account bert" in told and "account anna" not in told, told)
    expect_equal(records_of(new), before, "files after the dry run")
    told = imported(new, file, "--with-admins", "--trust")
    expect("Added: the account bert" in told and "of robot (read)" in told, told)
    text = (new.data / "config" / "admins.toml").read_text()
    expect(kept[0] in text, "anna's new password was replaced by that of the backup")
    names = {admin["name"] for admin in json.loads(new.command("admin", "list", "--json").stdout)}
    expect(names >= {"anna", "bert"}, f"accounts: {names}")


@case
def root_reads_and_writes_where_the_server_may_not(stage):
    need_root("a server under another account")
    ours = stage.folder / "roots"
    ours.mkdir(mode=0o700)
    old = Gateway(stage, user=SERVER).start()
    mailbox = old.create()
    old.command("backup", "export", str(ours / "backup.toml"))
    expect_equal((ours / "backup.toml").stat().st_uid, 0, "owner of the backup")
    new = Gateway(stage, user=SERVER).start()
    imported(new, ours / "backup.toml")
    for path in (new.data, *new.data.rglob("*")):
        expect_equal(path.lstat().st_uid, SERVER, f"owner of {path.relative_to(new.folder)}")
    new.stop()
    imported(new, ours / "backup.toml", "--dry-run")
    expect_equal(json.loads(new.command("mailbox", "list", "--json").stdout)[0]["address"], mailbox.address,
                 "the mailbox")
    for path in (new.data, *new.data.rglob("*")):
        expect_equal(path.lstat().st_uid, SERVER, f"owner of {path.relative_to(new.folder)}")


if __name__ == "__main__":
    run()
