#!/usr/bin/env python3
"""A certificate that lives for seconds: renewed again and again under constant connections, and kept in use while
its authority is down for all of its life.
"""
# waits
import datetime
import re
import threading
import time

import served
from cases import case, expect, expect_equal, run, seconds, wait_for
from clients import Pop3, Smtp
from fixtures import small, stuffed
from gateway import HOSTNAME, Gateway
from pebble import Pebble, count_issued, status

LIFETIME = 12  # seconds; renewed at half of it


def prepared(stage, **settings):
    gateway = Gateway(stage)
    pebble = Pebble(stage, gateway.host, validity=LIFETIME, reuse=100, **settings)
    gateway.configure(pebble.settings(challenge="dns-01", hook=pebble.hook(), names=[HOSTNAME]))
    gateway.start()
    wait_for("the first certificate", 60, lambda: count_issued(gateway) >= 1)
    return gateway, pebble


class Connections:
    """Clients that come again and again, and verify what they are shown."""

    def __init__(self, gateway, root):
        self.shown, self.failures, self.done = set(), [], threading.Event()
        self.counts = [0, 0]
        context = served.verifying(root)
        self.threads = [threading.Thread(target=self._again, args=(work, index, gateway, context))
                        for index, work in enumerate((self._pop3s, self._smtp))]
        for thread in self.threads:
            thread.start()

    def _pop3s(self, gateway, context):
        self.shown.add(served.shown(gateway, context))

    def _smtp(self, gateway, context):
        with Smtp(gateway, context=context) as client:
            client.must("NOOP", "250")

    def _again(self, work, index, gateway, context):
        while not self.done.is_set():
            try:
                work(gateway, context)
                self.counts[index] += 1
            except Exception as failure:  # whatever it was, it is what must not happen
                self.failures.append(f"{work.__name__}: {failure!r}")

    def stop(self):
        self.done.set()
        for thread in self.threads:
            thread.join()


@case
def renewed_under_constant_connections(stage):
    gateway, pebble = prepared(stage)
    mailbox = gateway.create()
    wanted = 3 if seconds(5) <= 5 else int(seconds(5) / LIFETIME * 2)
    with Smtp(gateway) as smtp, Pop3(gateway, mailbox) as pop3:
        connections = Connections(gateway, pebble.roots())
        wait_for(f"{wanted} renewals", 60 + wanted * LIFETIME, lambda: count_issued(gateway) > wanted)
        connections.stop()
        # Sessions that were open all the time, under the first certificate.
        smtp.envelope(mailbox)
        expect(smtp.data(stuffed(small(1))).startswith("250"), "the session that was open all the time")
        expect_equal(pop3.ask("STAT")[:3], "+OK", "the POP3 session that was open all the time")
    expect_equal(connections.failures, [], "failures of clients")
    expect(len(connections.shown) >= wanted, f"only {len(connections.shown)} certificates were shown")
    expect_equal(len(re.findall(r"POST /order-plz", pebble.log())), count_issued(gateway), "orders, and certificates")
    print(f"figure: {count_issued(gateway)} certificates, {sum(connections.counts)} verified handshakes, 0 failures")
    before = count_issued(gateway)
    ends = datetime.datetime.fromisoformat(status(gateway)["ends"].replace("Z", "+00:00")).timestamp()
    gateway.stop()
    wait_for("the end of the certificate, while the node sleeps", 2 * LIFETIME, lambda: time.time() > ends)
    gateway.start()
    wait_for("a renewal at the start", 30, lambda: count_issued(gateway) > before)


@case
def the_authority_is_down_for_its_whole_life(stage):
    gateway, pebble = prepared(stage)
    mailbox = gateway.create()
    pebble.stop()
    held = served.shown(gateway)
    gateway.wait_log("no new certificate from the authority", 40)
    gateway.wait_log("the certificate (ends soon|is about to end)", 40)
    gateway.wait_log("the certificate has ended", 40)
    expect(served.shown(gateway) == held, "the certificate was taken out of use")
    with Smtp(gateway) as smtp:
        smtp.envelope(mailbox)
        expect(smtp.data(stuffed(small(1))).startswith("250"), "mail after the end of the certificate")
    found = gateway.command("status", "--check", code=None)
    expect_equal(found.returncode, 2, "exit code of `status --check`, Nagios' CRITICAL")
    said = gateway.command("status", code=None).stdout.decode()
    expect("has ended" in said and "cannot be asked" in said, f"`postern status` does not tell: {said}")
    pebble.start()  # it has forgotten the account as well
    gateway.command("certificate", "renew")
    expect_equal(served.names(gateway, pebble.roots())["SMTP"], [HOSTNAME], "names after it came back")


run()
