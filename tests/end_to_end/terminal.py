"""Programs at a terminal, as an admin would use them: stock `age` takes passphrases from nowhere else."""
import os
import pty
import re
import select
import signal
import termios
import time

from cases import Failure, expect_equal

AGE_SECONDS = 60


def with_terminal(words, answer, prompt=b"passphrase"):
    """Runs a program that asks something on its terminal; returns (status, what it showed)."""
    child, terminal = pty.fork()
    if child == 0:
        termios.tcsetwinsize(0, (24, 80))  # ncurses takes none without a size
        os.execvp(words[0], words)
    shown, asked, deadline = b"", False, time.monotonic() + AGE_SECONDS
    while True:
        if not select.select([terminal], [], [], max(0, deadline - time.monotonic()))[0]:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            raise Failure(f"{words[0]} did not end within {AGE_SECONDS} s: {shown!r}")
        try:
            shown += os.read(terminal, 4096)
        except OSError:  # how Linux says that the other side of a terminal was closed
            break
        if not asked and prompt in shown:
            asked = True
            os.write(terminal, answer.encode() + b"\n")
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), shown.decode(errors="replace")


def cut_key(gateway, mailbox, folder):
    """The sealed identity, cut from the record as one would with an editor."""
    records = list((gateway.data / "config" / "mailboxes" / mailbox.address).glob("*.toml"))
    expect_equal(len(records), 1, "record files of the mailbox")
    found = re.findall(r"-----BEGIN AGE ENCRYPTED FILE-----.*?-----END AGE ENCRYPTED FILE-----\n?",
                       records[0].read_text(), re.DOTALL)
    expect_equal(len(found), 1, "sealed identities in the record")
    key = folder / "key.age"
    key.write_text(found[0])
    return key
