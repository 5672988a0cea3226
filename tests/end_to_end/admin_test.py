#!/usr/bin/env python3
"""Web accounts and API tokens by command: made, changed, listed and taken back, with the server running
and stopped; what is shown once stands in no file and no log; a file that is not ours is left alone.
"""
import hashlib
import json
import os
import pty
import re
import select
import stat
import time

from cases import case, expect, expect_equal, need_root, run
from gateway import COMMAND_SECONDS, Gateway
from traces import nothing_shows

PASSWORD = "correct horse battery"
OTHER = "staple in the büro"
OWNER = 61237
TOKEN = r"postern_[0-9a-f]{48}"


def admin(gateway, *words, text="", code=0):
    done = gateway.command("admin", *words, text=text, code=code)
    return done.stdout.decode() if code == 0 else done.stderr.decode()


def asked(gateway, *words, text=""):
    return json.loads(admin(gateway, *words, "--json", text=text))


def file_of(gateway):
    return gateway.data / "config" / "admins.toml"


def told(gateway, code, pattern, *words, text=""):
    said = admin(gateway, *words, text=text, code=code)
    expect(re.search(pattern, said), f"`admin {' '.join(words)}` says {said!r}")


def life_of_an_account(gateway):
    expect_equal(asked(gateway, "list"), [], "accounts at first")
    expect("No web account" in admin(gateway, "list"), "an empty list does not say what to do")
    made = asked(gateway, "create", "Anna", text=PASSWORD + "\n")
    expect_equal(made["name"], "anna", "the account's name")
    lines = admin(gateway, "token", "anna", "--scope", "read").splitlines()
    expect(re.fullmatch(TOKEN, lines[-1]), f"the last line is {lines[-1]!r}")
    expect(len(re.findall(TOKEN, "\n".join(lines))) == 1, "the token is shown twice")
    spare = asked(gateway, "token", "monitor", "--scope", "manage")
    expect(re.fullmatch(TOKEN, spare["token"]) and not spare["account"], f"answers {spare}")

    listed = {each["name"]: each for each in asked(gateway, "list")}
    expect_equal([token["scope"] for token in listed["anna"]["tokens"]], ["read"], "anna's tokens")
    expect_equal(listed["monitor"]["created"], None, "an account nobody made")
    shown = admin(gateway, "list") + json.dumps(listed)
    for secret in ("argon2", hashlib.sha256(lines[-1].encode()).hexdigest(), lines[-1], PASSWORD):
        expect(secret not in shown, f"the list shows {secret}")
    mode = stat.S_IMODE(file_of(gateway).stat().st_mode)
    expect_equal(mode, 0o600, "mode of admins.toml")
    before = file_of(gateway).read_text()
    expect(hashlib.sha256(lines[-1].encode()).hexdigest() in before, "the token's SHA-256 is not in the file")

    asked(gateway, "password", "anna", text=OTHER + "\n")
    expect(file_of(gateway).read_text() != before, "the password was not changed")
    expect_equal(asked(gateway, "remove", "monitor", "--token", spare["id"])["tokens"], 1, "tokens removed")
    told(gateway, 65, "no token", "remove", "monitor", "--token", spare["id"])
    gone = asked(gateway, "remove", "anna")
    expect_equal((gone["account"], gone["tokens"]), (True, 1), "what went with the account")
    expect_equal(asked(gateway, "list"), [], "accounts in the end")
    return [lines[-1], spare["token"]]


@case
def an_account_and_its_tokens_with_the_server_running(stage):
    gateway = Gateway(stage).start()
    tokens = life_of_an_account(gateway)
    for event in ("web account made", "API token made", "password of a web account changed",
                  "API token removed", "web account removed"):
        line = gateway.wait_log(f"{event}.*")[0]
        expect(re.search(r'account="?(anna|monitor)\b.*by="?uid \d+', line), f"who did what? {line}")
    asked(gateway, "create", "anna", text=PASSWORD + "\n")
    secrets = {"password": PASSWORD.encode(), "other password": OTHER.encode()}
    secrets |= {f"token {number}": token.encode() for number, token in enumerate(tokens)}
    nothing_shows(gateway, secrets, "with the server running")


@case
def an_account_and_its_tokens_without_a_server(stage):
    gateway = Gateway(stage)
    life_of_an_account(gateway)
    asked(gateway, "create", "anna", text=PASSWORD + "\n")
    gateway.start()
    expect_equal([each["name"] for each in asked(gateway, "list")], ["anna"], "accounts that the server finds")


@case
def root_acts_as_the_owner_and_the_log_names_both(stage):
    need_root("to act for another user")
    gateway = Gateway(stage, user=OWNER).start()
    asked(gateway, "create", "anna", text=PASSWORD + "\n")
    expect_equal(file_of(gateway).stat().st_uid, OWNER, "owner of admins.toml")
    gateway.wait_log(rf"web account made.*uid 0 as uid {OWNER}")
    gateway.stop()
    asked(gateway, "password", "anna", text=OTHER + "\n")
    expect_equal(file_of(gateway).stat().st_uid, OWNER, "owner of admins.toml")


@case
def what_is_refused_changes_nothing(stage):
    gateway = Gateway(stage).start()
    asked(gateway, "create", "anna", text=PASSWORD + "\n")
    before = file_of(gateway).read_bytes()
    told(gateway, 73, "already", "create", "ANNA", text=PASSWORD + "\n")
    told(gateway, 65, "fewer than 12 characters.*try", "create", "bert", text="elf zeichen\n")
    told(gateway, 64, "letters and digits", "create", "a b", text=PASSWORD + "\n")
    told(gateway, 66, "no password", "create", "bert")
    told(gateway, 65, "no account bert", "password", "bert", text=PASSWORD + "\n")
    told(gateway, 65, "no account bert", "remove", "bert")
    told(gateway, 64, "scope", "token", "anna", "--scope", "all")
    told(gateway, 64, "scope", "token", "anna")
    expect_equal(file_of(gateway).read_bytes(), before, "admins.toml")


@case
def a_file_that_is_not_ours_is_left_alone_and_named(stage):
    gateway = Gateway(stage).start()
    asked(gateway, "create", "anna", text=PASSWORD + "\n")
    good = file_of(gateway).read_text()
    check = gateway.command("check", code=None).stdout.decode()
    expect(re.search(r"^ok +admins: 1 web accounts", check, re.M), f"check says {check}")
    for code, text, pattern in ((65, good[:-30], "damaged.*left as it is"),
                                (78, good.replace("format = 1", "format = 9"), "newer.*left as it is")):
        file_of(gateway).write_text(text)
        told(gateway, code, pattern, "create", "bert", text=PASSWORD + "\n")
        told(gateway, code, str(file_of(gateway)), "remove", "anna")
        told(gateway, code, pattern, "list")
        expect_equal(file_of(gateway).read_text(), text, "admins.toml")
        check = gateway.command("check", code=65).stdout.decode()
        expect(re.search(rf"^problem +admins: .*{pattern}", check, re.M), f"check says {check}")
    file_of(gateway).write_text(good.replace('name = "anna"', 'name = "anna"\nlater = "kept"'))
    asked(gateway, "token", "anna", "--scope", "read")
    expect('later = "kept"' in file_of(gateway).read_text(), "a later version's field is lost")
    file_of(gateway).chmod(0o644)
    check = gateway.command("check", code=65).stdout.decode()
    expect(re.search(r"^problem +owners: .*admins.toml.*chmod go-rwx", check, re.M), f"check says {check}")
    gateway.command("check", "--fix", code=0)
    expect_equal(stat.S_IMODE(file_of(gateway).stat().st_mode), 0o600, "mode of admins.toml")


def typed(gateway, answers, *words):
    """The command at a terminal: (exit code, what it showed). Each prompt ends with a colon."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(gateway.binary, [gateway.binary, *words, "--config", str(gateway.config)])
    shown, left, deadline = b"", list(answers), time.monotonic() + COMMAND_SECONDS
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            shown += os.read(terminal, 4096)
        except OSError:  # how Linux says that the other side of a terminal was closed
            break
        if left and shown.rstrip(b"\r\n").endswith(b": ") and shown.count(b": ") > len(answers) - len(left):
            os.write(terminal, left.pop(0).encode() + b"\n")
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode()


@case
def at_a_terminal_the_password_is_asked_twice_and_not_shown(stage):
    gateway = Gateway(stage)
    code, shown = typed(gateway, [PASSWORD, OTHER], "admin", "create", "anna")
    expect(code == 65 and "not the same" in shown, f"two that differ: {code}, {shown!r}")
    expect_equal(asked(gateway, "list"), [], "accounts")
    code, shown = typed(gateway, [PASSWORD, PASSWORD], "admin", "create", "anna")
    expect(code == 0 and PASSWORD not in shown, f"two that are equal: {code}, {shown!r}")
    expect_equal([each["name"] for each in asked(gateway, "list")], ["anna"], "accounts")


run()
