#!/usr/bin/env python3
"""Debian's age and the crypto room open what the other sealed, in both directions.

Usage: age_interop.py AGE_TOOL. Skips (77) where age is missing. Passphrases go through a terminal of our own,
since age takes them from nowhere else.
"""
import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

SIZES = (0, 1, 65535, 65536, 65537, 10_000_000)
MAILBOX = "mbx-2a20342e96294505a35eb5c8364eb67c"
PATIENCE = 120  # seconds until a program that says nothing counts as hung
checks = 0


def check(right, what):
    global checks
    checks += 1
    if not right:
        sys.exit(f"age_interop: FAILED: {what}")


def run(*command, data=b"", code=0):
    """Standard output of a command that must end with `code`."""
    done = subprocess.run([str(part) for part in command], input=data, capture_output=True, timeout=PATIENCE)
    check(done.returncode == code, f"{command[:2]} ended with {done.returncode}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def run_with_passphrase(passphrase, *command):
    """Runs a command on a terminal and types `passphrase` at each prompt; returns exit code and what it showed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(str(command[0]), [str(part) for part in command])
    shown, answered, end = b"", 0, time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 1)[0]:
            continue
        try:
            some = os.read(terminal, 4096)
        except OSError:  # the other side was closed
            break
        if not some:
            break
        shown += some
        prompts = len(re.findall(rb"(?:Enter|Confirm) passphrase[^:]*:", shown))
        while answered < prompts:
            os.write(terminal, passphrase.encode() + b"\n")
            answered += 1
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode(errors="replace")


def must_run(passphrase, *command):
    code, shown = run_with_passphrase(passphrase, *command)
    check(code == 0, f"{command} ended with {code}: {shown}")


def messages(tool, folder):
    """Messages of every size, both directions, binary and armored."""
    key = folder / "key"
    key.write_bytes(run("age-keygen"))
    recipient = re.search(rb"age1\w+", key.read_bytes())[0].decode()
    for size in SIZES:
        text = os.urandom(size)
        ours = run(tool, "seal", recipient, data=text)
        check(run("age", "-d", "-i", key, data=ours) == text, f"age opens ours of {size} octets")
        check(run("age", "-d", "-i", key, data=run(tool, "armor", data=ours)) == text, f"age opens our armor, {size}")
        theirs = run("age", "-r", recipient, data=text)
        check(len(theirs) == len(ours), f"ours and theirs are of one size at {size}")
        check(run(tool, "open", key, data=theirs) == text, f"we open theirs of {size} octets")
        check(run(tool, "open-text", key, data=run("age", "-a", "-r", recipient, data=text)) == text,
              f"we open their armor, {size}")
    other = folder / "other"
    other.write_bytes(run(tool, "keygen"))
    other_recipient = re.search(rb"age1\w+", other.read_bytes())[0].decode()
    check(run("age-keygen", "-y", other).decode().strip() == other_recipient, "age-keygen agrees on our key pair")
    both = run("age", "-r", other_recipient, "-r", recipient, data=b"for two")
    check(run(tool, "open-text", key, data=both) == b"for two", "a file for two recipients opens as text")
    run(tool, "open", key, data=both, code=1)  # but is no message
    run(tool, "open-text", other, data=run("age", "-r", recipient, data=b"x"), code=2)


def passphrases(tool, folder):
    """Texts sealed under passphrases, both directions."""
    for size, armored in ((0, False), (65537, True)):  # each costs age two seconds
        text = os.urandom(size)
        password = run(tool, "password").decode().strip()
        (folder / "password").write_text(password + "\n")
        (folder / "text").write_bytes(text)
        must_run(password, "age", "-p", *(["-a"] if armored else []), "-o", folder / "theirs", folder / "text")
        theirs = (folder / "theirs").read_bytes()
        check(run(tool, "open-passphrase", folder / "password", data=theirs) == text, f"we open theirs of {size} octets")
        ours = run(tool, "seal-passphrase", folder / "password", 15, data=text)
        (folder / "ours").write_bytes(run(tool, "armor", data=ours) if armored else ours)
        opened = folder / f"opened.{size}"
        must_run(password, "age", "-d", "-o", opened, folder / "ours")
        # age makes its output file with the first octet; an empty text leaves none.
        check((opened.read_bytes() if opened.exists() else b"") == text, f"age opens ours of {size} octets")
    (folder / "password").write_text("another one\n")
    run(tool, "open-passphrase", folder / "password", data=theirs, code=2)


def disaster_recovery(tool, folder):
    """The sealed identity cut from a record, then age -d -i key.age MESSAGE: nothing of ours is needed."""
    identity, sealed, message = folder / "identity", folder / "key.age", folder / "message"
    identity.write_bytes(run(tool, "keygen"))
    recipient = re.search(rb"age1\w+", identity.read_bytes())[0].decode()
    password = run(tool, "password").decode().strip()
    (folder / "password").write_text(password + "\n")
    sealed.write_bytes(run(tool, "seal-identity", identity, MAILBOX, folder / "password"))
    must_run(password, "age", "-d", "-o", folder / "identity.opened", sealed)
    opened = (folder / "identity.opened").read_text().splitlines()
    check(opened == [f"# Postern mailbox: {MAILBOX}", f"# recipient: {recipient}",
                     identity.read_text().splitlines()[1]], f"the sealed identity reads {opened}")
    text = os.urandom(200_000)
    message.write_bytes(run(tool, "seal", recipient, data=text))
    must_run(password, "age", "-d", "-i", sealed, "-o", folder / "message.opened", message)
    check((folder / "message.opened").read_bytes() == text, "age opens a message with the sealed identity")
    code, shown = run_with_passphrase("wrong", "age", "-d", "-i", sealed, "-o", folder / "nothing", message)
    check(code != 0 and not (folder / "nothing").exists(), f"a wrong password opened a message: {shown}")
    # An identity file that age sealed itself opens here if it has the lines of ours.
    must_run(password, "age", "-p", "-a", "-o", folder / "theirs.age", folder / "identity.opened")
    check(run(tool, "open-identity", MAILBOX, recipient, folder / "password", data=(folder / "theirs.age").read_bytes())
          .decode() == opened[2], "an identity that age sealed opens here")


def main():
    if not shutil.which("age") or not shutil.which("age-keygen"):
        print("age_interop: skipped: age is not installed (Debian package age)")
        return 77
    with tempfile.TemporaryDirectory(prefix="postern-age-") as folder:
        for part in (messages, passphrases, disaster_recovery):
            part(pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(folder))
    print(f"age_interop: {checks} checks passed with age {run('age', '--version').decode().strip()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
