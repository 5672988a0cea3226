#!/usr/bin/env python3
"""The command line as an admin meets it: what may be typed, what comes back, and which exit code.

    commands_test.py PATH_TO_POSTERN [case…]
"""
import json
import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "end_to_end"))
import fixtures  # noqa: E402
from cases import Failure, case, expect, expect_equal, need_root, run  # noqa: E402
from clients import Pop3, Smtp, deliver  # noqa: E402
from gateway import COMMAND_SECONDS, Gateway  # noqa: E402

ADDRESS = "mbx-0123456789abcdef0123456789abcdef"
UIDL = "01890a5d-ac96-774b-bcce-b302099a8057"
# As another gateway made it: every printable character may be in it.
ADOPTED = "qn5x(/.B9M~PsZA92f]VYbIG`q{!1^[8 \\\"'"


def complaint(done):
    """The one line on standard error."""
    said = done.stderr.decode()
    expect_equal(len(said.splitlines()), 1, f"lines of {said!r}")
    expect(said.startswith("postern: "), f"says {said!r}")
    return said


def told(gateway, code, pattern, *words, **options):
    said = complaint(gateway.command(*words, code=code, **options))
    expect(re.search(pattern, said), f"`postern {' '.join(words)}` says {said!r}")
    return said


@case
def wrong_arguments_are_usage_errors(stage):
    for words, pattern in (
            ([], "subcommand"), (["frobnicate"], "frobnicate|subcommand"), (["mailbox"], "subcommand"),
            (["message"], "subcommand"), (["mailbox", "create"], "--name"),
            (["mailbox", "create", "--name"], "--name"), (["serve", "now"], "now"),
            (["mailbox", "create", "--name", "x", "--password", "secret"], "--password|secret"),
            (["mailbox", "create", "--name", "x", "--password-stdin"], "--address"),
            (["mailbox", "show"], "ADDRESS"), (["message", "cat", ADDRESS], "UIDL"),
            (["mailbox", "list", "--jsn"], "--jsn"), (["check", "--config"], "--config")):
        done = subprocess.run([stage.binary, *words], capture_output=True, stdin=subprocess.DEVNULL,
                              timeout=COMMAND_SECONDS)
        expect_equal(done.returncode, 64, f"exit code of {words}: {done.stderr!r}")
        expect(re.search(pattern, complaint(done)), f"{words}: {done.stderr!r}")
        expect(re.search(r"postern[a-z ]* --help", complaint(done)), f"what to do? {done.stderr!r}")


@case
def every_command_explains_itself(stage):
    for words in (["serve"], ["check"], ["mailbox", "create"], ["mailbox", "list"], ["mailbox", "show"],
                  ["mailbox", "edit"], ["mailbox", "suspend"], ["mailbox", "activate"], ["mailbox", "delete"],
                  ["message", "list"], ["message", "cat"]):
        done = subprocess.run([stage.binary, *words, "--help"], capture_output=True,
                              timeout=COMMAND_SECONDS, env={**os.environ, "LC_ALL": "C"})
        expect_equal((done.returncode, done.stderr), (0, b""), f"{words} --help")
        expect(b"--config FILE" in done.stdout and b"/etc/postern/postern.toml" in done.stdout,
               f"{words} --help: {done.stdout!r}")
        expect(words[-1].encode() in done.stdout, f"{words} --help is not about it: {done.stdout!r}")
    done = subprocess.run([stage.binary, "--version"], capture_output=True, timeout=COMMAND_SECONDS)
    expect(re.fullmatch(rb"postern \d+\.\d+\.\d+\n", done.stdout), f"--version: {done.stdout!r}")
    expect_equal(done.returncode, 0, "exit code of --version")
    done = subprocess.run([stage.binary, "--help"], capture_output=True, timeout=COMMAND_SECONDS)
    for word in (b"serve", b"check", b"mailbox", b"message"):
        expect(word in done.stdout, f"--help does not name {word}")


@case
def a_mailbox_is_shown_to_people_once(stage):
    gateway = Gateway(stage)
    said = gateway.command("mailbox", "create", "--name", "Journal ÄÖ").stdout.decode()
    address = re.search(r"Login +(mbx-[0-9a-f]{32})\n", said)[1]
    password = re.search(r"Password +(\S+)\n", said)[1]
    expect(len(password) >= 25, f"a short password: {password}")
    for part in (f"Address   {address}@msgw.example.com", "Journal ÄÖ", "Host      msgw1.example.com",
                 f"SMTP {gateway.smtp} (STARTTLS), POP3 {gateway.pop3} (STLS), POP3S {gateway.pop3s}",
                 "only this once", "journal rule", f"curl --insecure pop3s://msgw1.example.com:{gateway.pop3s}/"):
        expect(part in said, f"{part!r} is missing in:\n{said}")
    expect_equal(said.count(password), 1, "times the password is shown")
    for words in (("mailbox", "list"), ("mailbox", "show", address)):
        again = gateway.command(*words).stdout.decode()
        expect(address in again and password not in again, f"{words}: {again}")
    gateway.command("message", "list", address, environment={"POSTERN_PASSWORD": password})


@case
def machines_get_fixed_names(stage):
    gateway = Gateway(stage)
    done = gateway.command("mailbox", "create", "--name", "n", "--description", "d", "--json")
    expect_equal(done.stdout.count(b"\n"), 1, "lines of JSON")
    made = json.loads(done.stdout)
    expect_equal(sorted(made), ["address", "description", "email", "host", "name", "password", "ports",
                                "status"], "names")
    expect_equal(made["email"], made["address"] + "@msgw.example.com", "email")
    expect_equal(made["ports"], {"smtp": gateway.smtp, "smtps": None, "pop3": gateway.pop3,
                                 "pop3s": gateway.pop3s}, "ports")
    listed, = json.loads(gateway.command("mailbox", "list", "--json").stdout)
    created = listed.pop("created")
    expect(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", created), f"created: {created}")
    expect_equal(listed, {"address": made["address"], "name": "n", "description": "d", "status": "active",
                          "waiting": {"messages": 0, "octets": 0, "oldest": None}, "locked": 0,
                          "last_received": None, "last_fetched": None, "elsewhere": []}, "the list")
    shown = json.loads(gateway.command("mailbox", "show", made["email"].upper(), "--json").stdout)
    expect_equal(shown["address"], made["address"], "show")


@case
def a_mailbox_of_another_gateway_is_taken_over(stage):
    gateway = Gateway(stage)
    made = json.loads(gateway.command("mailbox", "create", "--name", "x", "--address", ADDRESS,
                                      "--password-stdin", "--json", text=ADOPTED + "\r\n").stdout)
    expect_equal((made["address"], made["password"]), (ADDRESS, ADOPTED), "address and password")
    gateway.command("message", "list", ADDRESS, text=ADOPTED + "\n")
    gateway.command("message", "list", ADDRESS, text=ADOPTED)  # no line end
    told(gateway, 77, "opens no key", "message", "list", ADDRESS, text=ADOPTED + " \n")
    told(gateway, 73, ADDRESS, "mailbox", "create", "--name", "x", "--address", ADDRESS)
    told(gateway, 66, "no password was given", "message", "list", ADDRESS)
    told(gateway, 66, "no password was given", "mailbox", "create", "--name", "x",
         "--address", ADDRESS[:-1] + "0", "--password-stdin")
    told(gateway, 65, "empty", "mailbox", "create", "--name", "x",
         "--address", ADDRESS[:-1] + "0", "--password-stdin", text="\n")
    told(gateway, 65, "longer than", "message", "list", ADDRESS, text="x" * 5000)
    said = gateway.command("mailbox", "create", "--name", "short", "--address", ADDRESS[:-1] + "1",
                           "--password-stdin", text="secret7\n").stdout.decode()
    expect("is short" in said and "secret7" not in said, f"says {said}")
    expect_equal(len(json.loads(gateway.command("mailbox", "list", "--json").stdout)), 2, "mailboxes")


@case
def what_is_typed_at_the_terminal_is_not_shown(stage):
    gateway = Gateway(stage)
    mailbox = gateway.create()
    child, terminal = pty.fork()
    if child == 0:
        os.execv(gateway.binary, [gateway.binary, "message", "list", mailbox.address, "--config",
                                  str(gateway.config)])
    shown, answered, deadline = b"", False, time.monotonic() + COMMAND_SECONDS
    while time.monotonic() < deadline:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            shown += os.read(terminal, 4096)
        except OSError:
            break
        if not answered and b"Password of" in shown:
            answered = True
            os.write(terminal, mailbox.password.encode() + b"\n")
    os.close(terminal)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    expect_equal(status, 0, f"exit code at a terminal that shows {shown!r}")
    expect(b"No message waits" in shown, f"shows {shown!r}")
    expect(mailbox.password.encode() not in shown, "the terminal shows the password")


@case
def wrong_requests_change_nothing(stage):
    gateway = Gateway(stage)
    mailbox = gateway.create("one")
    unknown = "mbx-" + "f" * 32
    told(gateway, 64, "no mailbox address", "mailbox", "show", "mbx-1")
    told(gateway, 65, f"no mailbox {unknown}", "mailbox", "show", unknown)
    told(gateway, 65, f"no mailbox {unknown}", "message", "list", unknown)
    told(gateway, 64, "another domain", "mailbox", "show", mailbox.address + "@other.test")
    told(gateway, 64, "nothing to change", "mailbox", "edit", mailbox.address)
    told(gateway, 64, "no UIDL", "message", "cat", mailbox.address, "1")
    told(gateway, 66, "no message", "message", "cat", mailbox.address, UIDL, text=mailbox.password)
    told(gateway, 65, "control characters", "mailbox", "create", "--name", "a\tb")
    told(gateway, 65, "UTF-8", "mailbox", "create", "--name", b"\xff".decode(errors="surrogateescape"))
    told(gateway, 64, "needs a name", "mailbox", "create", "--name", " ")
    names = [entry["name"] for entry in json.loads(gateway.command("mailbox", "list", "--json").stdout)]
    expect_equal(names, ["one"], "mailboxes")


@case
def a_mailbox_is_edited_suspended_and_activated(stage):
    gateway = Gateway(stage)
    address = gateway.create("one").address

    def now(*words):
        shown = json.loads(gateway.command("mailbox", *words, "--json").stdout)
        return shown["name"], shown["description"], shown["status"]
    for serving in (False, True):  # by the command itself, and by the server
        if serving:
            gateway.start()
        expect_equal(now("edit", address, "--name", "two"), ("two", "", "active"), "edit")
        expect_equal(now("edit", address, "--description", "d"), ("two", "d", "active"), "edit")
        expect_equal(now("suspend", address), ("two", "d", "suspended"), "suspend")
        expect_equal(now("show", address), ("two", "d", "suspended"), "show")
        expect_equal(now("activate", address), ("two", "d", "active"), "activate")
        expect_equal(now("edit", address, "--name", "one", "--description", ""), ("one", "", "active"), "edit")
    told(gateway, 65, "control characters", "mailbox", "edit", address, "--name", "a\nb")


@case
def a_mailbox_is_deleted_and_comes_back(stage):
    gateway = Gateway(stage).start()
    mailbox = gateway.create()
    uidl = deliver(gateway, fixtures.journal_report(), mailbox)
    told(gateway, 65, "1 messages wait in .* --discard-messages", "mailbox", "delete", mailbox.address)
    gateway.command("mailbox", "delete", mailbox.address, "--discard-messages")
    deleted = [path for path in (gateway.data / "mailboxes").rglob(uidl) if "deleted" in path.parts]
    expect_equal((gateway.sealed_files(), len(deleted)), ([], 1), "what waits, and what was discarded")
    with Smtp(gateway) as smtp:
        smtp.must("MAIL FROM:<>", "250")
        smtp.must(f"RCPT TO:<{mailbox.email}>", "550 5.1.1")
        with Pop3(gateway, mailbox) as pop:  # an archiver goes on, and finds nothing
            expect_equal(pop.must("STAT"), "+OK 0 0", "STAT")
        gateway.command("mailbox", "activate", mailbox.address)
        smtp.must(f"RCPT TO:<{mailbox.email}>", "250")


@case
def one_looks_inside_beside_a_server_and_without_one(stage):
    gateway = Gateway(stage).start()
    mailbox = gateway.create()
    message = fixtures.journal_report()
    uidl = deliver(gateway, message, mailbox)
    secret = {"POSTERN_PASSWORD": mailbox.password}
    octets = set()
    for stopped in (False, True):
        if stopped:
            gateway.stop()
        listed = gateway.command("message", "list", mailbox.address, environment=secret).stdout.decode()
        row, = [line for line in listed.splitlines() if uidl in line]
        subject = re.search(rb"(?mi)^Subject: (.{10})", message)[1].decode()
        expect(subject in row, f"no {subject!r} in {row!r}")
        shown = gateway.command("message", "cat", mailbox.email, uidl, environment=secret).stdout
        expect_equal(fixtures.without_trace(shown)[1], message, "the message")
        expect(f" {len(shown)} " in row, f"{row!r} does not say {len(shown)} octets")
        octets.add(len(shown))
        waiting = json.loads(gateway.command("mailbox", "list", "--json").stdout)[0]["waiting"]
        expect_equal((waiting["messages"], waiting["octets"]), (1, len(shown)), "what waits")
        told(gateway, 77, "opens no key", "message", "cat", mailbox.address, uidl, text="wrong\n")
    file, = gateway.sealed_files()
    damaged = bytearray(file.read_bytes())
    damaged[-1] ^= 1
    file.write_bytes(damaged)
    listed = gateway.command("message", "list", mailbox.address, environment=secret).stdout.decode()
    expect("damaged" in listed, f"the list hides the damage: {listed}")
    told(gateway, 65, ".", "message", "cat", mailbox.address, uidl, environment=secret)


@case
def looking_inside_writes_nothing(stage):
    gateway = Gateway(stage).start()
    mailbox = gateway.create()
    uidl = deliver(gateway, fixtures.small(1), mailbox)
    gateway.stop()
    copy = stage.folder / "copy"
    shutil.copytree(gateway.data, copy)
    gateway.configure({"data": str(copy)})

    def state():
        return {path: (path.lstat().st_mtime_ns, path.lstat().st_size) for path in copy.rglob("*")}
    before = state()
    for words in (("list",), ("cat", uidl)):
        gateway.command("message", words[0], mailbox.address, *words[1:], text=mailbox.password)
    expect_equal(state(), before, "files of the copy")


@case
def a_password_that_cannot_be_shown_is_said_to_be_lost(stage):
    gateway = Gateway(stage)
    words = [gateway.binary, "mailbox", "create", "--name", "x", "--config", str(gateway.config)]
    closed = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", *words], capture_output=True,
                            timeout=COMMAND_SECONDS)
    expect_equal(closed.returncode, 64, f"exit code with standard output closed: {closed.stderr!r}")
    expect_equal(json.loads(gateway.command("mailbox", "list", "--json").stdout), [], "mailboxes")
    with open("/dev/full", "wb") as full:
        done = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, timeout=COMMAND_SECONDS)
    expect_equal(done.returncode, 74, f"exit code with a full disk: {done.stderr!r}")
    made, = json.loads(gateway.command("mailbox", "list", "--json").stdout)
    expect(made["address"].encode() in done.stderr and b"lost" in done.stderr, f"says {done.stderr!r}")


@case
def without_a_data_directory_commands_say_what_to_do(stage):
    gateway = Gateway(stage)
    gateway.configure({"data": str(gateway.folder / "none")})
    told(gateway, 74, r"none does not exist; start `postern serve` once", "mailbox", "list")


@case
def another_user_is_told_whom_to_become(stage):
    need_root("a command under another account")
    gateway = Gateway(stage)
    mailbox = gateway.create()
    gateway.config.chmod(0o644)
    told(gateway, 77, re.escape(str(gateway.data)), "mailbox", "list", user=61235)
    told(gateway, 77, re.escape(str(gateway.data)), "message", "list", mailbox.address, user=61235,
         text=mailbox.password)
    gateway.config.chmod(0o600)
    told(gateway, 78, "run this as root", "mailbox", "list", user=61235)


@case
def the_password_leaves_the_environment(stage):
    """/proc shows a process's environment to its user: what is taken from there is wiped there."""
    gateway = Gateway(stage)
    mailbox = gateway.create()
    # A full pipe holds the command at its first output, after it took the password.
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(writer, True)
    process = subprocess.Popen(
        [gateway.binary, "message", "list", mailbox.address, "--config", str(gateway.config)],
        stdout=writer, stderr=subprocess.PIPE, env={**os.environ, "POSTERN_PASSWORD": mailbox.password})
    os.close(writer)
    try:
        deadline = time.monotonic() + COMMAND_SECONDS
        while _state(process.pid) != "S":  # asleep in write()
            if time.monotonic() > deadline or process.poll() is not None:
                raise Failure("the command never came to its output")
            time.sleep(0.01)
        environment = pathlib.Path(f"/proc/{process.pid}/environ").read_bytes()
        expect(b"POSTERN_PASSWORD=" in environment, "this test looks at the wrong process")
        expect(mailbox.password.encode() not in environment, "the password is still in the environment")
    finally:
        os.close(reader)
        process.kill()
        process.communicate()


def _state(pid):
    return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


if __name__ == "__main__":
    run()
