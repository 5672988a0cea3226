"""What tests do with passwords that change: by the commands, with secrets on standard input; and mail that
goes on arriving meanwhile.
"""
import dataclasses
import json
import threading

import fixtures
from cases import expect
from clients import Pop3, Smtp, message_id


def password(gateway, mailbox, *flags, lines=(), code=0):
    """`postern mailbox password` with its secrets on standard input; the answer, or what it complained."""
    done = gateway.command("mailbox", "password", mailbox.address, *flags, "--json",
                           text="".join(f"{line}\n" for line in lines), code=code)
    return json.loads(done.stdout) if code == 0 else done.stderr.decode()


def renewed(mailbox, answer):
    return dataclasses.replace(mailbox, password=answer["password"])


def change(gateway, mailbox):
    return renewed(mailbox, password(gateway, mailbox, lines=[mailbox.password]))


def reset(gateway, mailbox):
    return renewed(mailbox, password(gateway, mailbox, "--reset"))


def opens_nothing(gateway, mailbox):
    with Pop3(gateway) as pop:
        pop.must(f"USER {mailbox.address}")
        answer = pop.ask(f"PASS {mailbox.password}")
        expect(answer.startswith("-ERR [AUTH]"), f"an old password is answered {answer}")


def counts(gateway, mailbox):
    """(waiting, locked) as `mailbox show` has them."""
    shown = json.loads(gateway.command("mailbox", "show", mailbox.address, "--json").stdout)
    return shown["waiting"]["messages"], shown["locked"]


def state(files):
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns, path.stat().st_ctime_ns) for path in files}


class Sender(threading.Thread):
    """Sends until told to stop, again where it was put off, as mail systems do."""

    def __init__(self, gateway, mailbox, number):
        super().__init__(daemon=True)
        self.gateway, self.mailbox, self.number = gateway, mailbox, number
        self.stored, self.ending, self.failure = set(), threading.Event(), None

    def run(self):
        try:
            with Smtp(self.gateway) as smtp:
                while not self.ending.is_set():
                    smtp.envelope(self.mailbox)
                    answer = smtp.data(fixtures.stuffed(fixtures.small(self.number)))
                    if not answer.startswith("4"):
                        self.stored.add(message_id(answer))
        except Exception as failure:  # told to the case, which runs in another thread
            self.failure = failure
