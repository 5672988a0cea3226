"""The sending side: a client that hands numbered reports to a real Postfix, which looks up MX records and
tries again as long as it must.
"""
import re
import socket
import threading

import fixtures
from cases import Failure, seconds, wait_for
from gateway import DOMAIN
from postfix import Postfix

PAUSE = 0.1  # seconds between two reports
_IN_DOUBT = re.compile(r"(\w+): .*message may be sent more than once")


class Sender(Postfix):
    """As senders are set up, but in haste: it tries again after seconds where they do after minutes."""

    def __init__(self, stage, host, roots=None):
        self.place, self.roots = host, roots
        super().__init__(stage, None, "verify" if roots else "may")

    def _lay_out(self, gateway, tls):
        self.host, self.smtp, self.enter = self.place.address, 25, self.place.enter
        super()._lay_out(gateway, tls)

    def _way(self, gateway):
        return f"""\
inet_interfaces = {self.host}
mynetworks = {self.host}
local_header_rewrite_clients =
smtp_host_lookup = dns
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
transport_retry_time = 1s
smtp_tls_CAfile = {self.roots or ""}
smtp_connect_timeout = 3s
smtp_helo_timeout = 20s
smtp_mail_timeout = 20s
smtp_rcpt_timeout = 20s
smtp_data_init_timeout = 20s
smtp_data_xfer_timeout = 20s
smtp_data_done_timeout = 20s
smtp_starttls_timeout = 20s"""

    def queue(self, message, mailbox, queued=r"queued as (\w+)"):
        with self.place.inside():
            return super().queue(message, mailbox, queued)

    def _greets(self):
        with self.place.inside():
            return super()._greets()

    def waiting(self):
        """Its ids of the messages that it still holds."""
        return [file.name for name in ("maildrop", "incoming", "active", "deferred")
                for file in (self.folder / "queue" / name).rglob("*") if file.is_file()]

    def flush(self):
        """As `postqueue -f`. Where a message is tried again while its last try has hardly ended, as only hasty senders
        do, the queue manager leaves it for five minutes: "skipped, still being delivered"."""
        with socket.socket(socket.AF_UNIX) as manager:
            manager.connect(str(self.folder / "queue/public/qmgr"))
            manager.send(b"FADI")

    def bounced(self):
        return re.findall(r".*status=(?:bounced|expired).*", self.log())

    def in_doubt(self):
        """How often an answer to a whole message did not come, so that it was sent once more."""
        return len(_IN_DOUBT.findall(self.log()))

    def about(self, queue_id):
        return "\n".join(line for line in self.log().splitlines() if queue_id in line)


def report(number):
    """Most are short, some have a hundred kilobytes: long enough for a fault to strike in their midst."""
    message = fixtures.small(number, seed=DOMAIN)
    return message if number % 8 else message + message.partition(b"\r\n\r\n")[2] * 60


class Stream:
    """Reports, one after another, until it is ended. `taken`: {number: Postfix's id of what it gave a 250}."""

    def __init__(self, stage, sender, mailbox):
        self.sender, self.mailbox = sender, mailbox
        self.taken, self.trouble, self.over = {}, None, threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        stage.callback(self._stop)

    def begin(self):
        self.thread.start()

    def _run(self):
        number = 0
        try:
            while not self.over.wait(PAUSE):
                self.taken[number] = self.sender.queue(report(number), self.mailbox)
                number += 1
        except Exception as error:  # told by end()
            self.trouble = error

    def some_more(self, count=10):
        """Waits until as many more were taken."""
        want = len(self.taken) + count
        wait_for("more reports", 120, lambda: self.trouble or len(self.taken) >= want)
        self.goes_on()

    def goes_on(self):
        if self.trouble:
            raise Failure(f"Postfix did not take a report: {self.trouble!r}")

    def _stop(self):
        self.over.set()
        if self.thread.ident is not None:
            self.thread.join()

    def _is_sent(self):
        if not self.sender.waiting():
            return True
        self.sender.flush()
        return False

    def end(self):
        """No more reports, and until Postfix has got rid of every one."""
        self._stop()
        self.goes_on()
        try:
            wait_for("Postfix to have sent all", 120 + seconds(0), self._is_sent, pause=0.5)
        except Failure as failure:
            left = "\n".join(self.sender.about(queue_id) for queue_id in self.sender.waiting()[:5])
            raise Failure(f"{failure}; it has got no further than\n{left}") from None
        if bounced := self.sender.bounced():
            raise Failure(f"Postfix gave up {len(bounced)} reports:\n{bounced[0]}")
