"""The servers that are measured: this gateway here, its peers in peers.py; all with one face.

Each has mailboxes, ports, the processes to count, and says when all that was acknowledged lies in mailboxes.
"""
import os
import pathlib
import secrets
import shutil
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "end_to_end"))

from gateway import Gateway, Mailbox  # noqa: E402  (found by the line above)

MAILBOXES = 64
MOST_NAMES = 60_000  # of one file; ext4 has 65,000


def message_name(number):
    """A message id that sorts by `number`: a UUIDv7 of a past day."""
    when = 1_700_000_000_000 + number
    digits = f"{when:012x}7{secrets.randbits(12):03x}{0x8000 | secrets.randbits(14):04x}{secrets.randbits(48):012x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


class Postern:
    name = "Postern"

    def __init__(self, stage, settings=None, mailboxes=MAILBOXES, web=False):
        self.gateway = Gateway(stage, {
            "smtp": {"max_connections": 2000}, **(settings or {})}, web=web).start()
        self.mailboxes = [self.gateway.create(f"bench {number}") for number in range(mailboxes)]

    host = property(lambda self: self.gateway.host)
    pop3_host = property(lambda self: self.gateway.host)
    smtp = property(lambda self: self.gateway.smtp)
    pop3s = property(lambda self: self.gateway.pop3s)

    @property
    def roots(self):
        return [self.gateway.process.pid]

    def recipients(self, count):
        return [mailbox.email for mailbox in self.mailboxes[:count]]

    def accounts(self, count):
        return [f"{mailbox.address} {mailbox.password}" for mailbox in self.mailboxes[:count]]

    def settled(self):
        return 0  # its 250 says that the message lies in the mailbox

    def restart(self):
        self.gateway.restart()

    def empty(self):
        put_away(self.gateway.sealed_files(), self.gateway.folder)

    def adopt(self, count):
        """Makes the mailboxes `count`, by one table: each costs an scrypt, and a command would cost more than that."""
        rows = [(f"mbx-{secrets.token_hex(16)}", secrets.token_urlsafe(32)) for _ in range(count - len(self.mailboxes))]
        if rows:
            table = "name,address,password\n" + "".join(f"bench,{address},{password}\n" for address, password in rows)
            self.gateway.command("mailbox", "create", "--from", "-", text=table, seconds=3600)
            domain = self.mailboxes[0].email.rpartition("@")[2]
            self.mailboxes += [Mailbox(address, f"{address}@{domain}", password) for address, password in rows]

    def multiply(self, count):
        """Makes the messages of the first mailbox `count`: copies of one, each under as many names as a file may have."""
        folder = next((self.gateway.data / "mailboxes" / self.mailboxes[0].address).glob("age1*"))
        files = sorted(path for path in folder.iterdir() if path.is_file())
        for number in range(count - len(files)):
            name = folder / message_name(number)
            if number % MOST_NAMES == 0:
                copy = name
                shutil.copyfile(files[0], copy)
            else:
                os.link(copy, name)


def put_away(files, folder):
    """Takes files out of the way and frees their space, but deletes none: an ext4 without a journal looks anew at every
    inode that was deleted in the last minutes when it makes one, so that the run after a deletion would be slower."""
    away = folder / "away"
    away.mkdir(exist_ok=True)
    for file in files:
        os.truncate(file, 0)
        file.rename(away / secrets.token_hex(8))


def seconds_until(look, limit=600):
    """How long it took until `look()` was true."""
    started = time.monotonic()
    while not look():
        if time.monotonic() - started > limit:
            raise TimeoutError(f"waited {limit} s in vain")
        time.sleep(0.01)
    return time.monotonic() - started
