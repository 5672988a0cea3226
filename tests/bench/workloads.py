"""The workloads of `make bench`, each a function that runs once against one server and gives its figures.

Every message is checked: all that was acknowledged must come out by POP3, whole; else the run fails.
"""
import pathlib
import tempfile
import time

import measure
from measure import Load, LoadFailed
from servers import Postern

KIB, MIB = 1 << 10, 1 << 20


class Bench:
    """Where the runs take place: the generator, a folder on the disk that is measured, the time for each."""

    def __init__(self, program, folder, seconds):
        self.program = str(program)
        self.folder = pathlib.Path(folder)
        self.milliseconds = int(1000 * seconds)

    def file(self, name, lines=()):
        path = self.folder / name
        path.write_text("".join(f"{line}\n" for line in lines))
        return path

    def load(self, kind, server=None, secured=False, **options):
        if server:
            options = {"host": server.pop3_host if secured else server.host,
                       "port": server.pop3s if secured else server.smtp, **options}
        return Load(self.program, kind, **{"milliseconds": self.milliseconds, **options})

    def send(self, server, size, connections, mailboxes, most, audited=True):
        """Sends, waits until all is delivered, and audits."""
        acknowledged = self.file("acknowledged")
        with self.load("smtp", server, size=size, connections=connections, most=most, run=f"r{time.time_ns():x}",
                       recipients=self.file("recipients", server.recipients(mailboxes)),
                       acknowledged=acknowledged) as load:
            figures = load.run(server.roots, server.settled)
        figures["delivered"] = figures["done"] / (figures["seconds"] + figures["behind"])
        if audited:
            self.audit(server, mailboxes, set(acknowledged.read_text().split()))
        return figures

    def audit(self, server, mailboxes, acknowledged):
        found = self.fetch(server, min(mailboxes, 16), mailboxes)[1]
        lost = acknowledged - set(found)
        if lost:
            raise LoadFailed(f"{server.name} lost {len(lost)} acknowledged messages, such as {min(lost)}")
        if len(found) != len(set(found)):
            raise LoadFailed(f"{server.name} delivered {len(found) - len(set(found))} messages twice")

    def fetch(self, server, connections, mailboxes):
        """Fetches all; gives the figures and the ids."""
        found = self.file("found")
        with self.load("pop3", server, secured=True, connections=connections, milliseconds=600_000, found=found,
                       accounts=self.file("accounts", server.accounts(mailboxes))) as load:
            return load.run(server.roots), found.read_text().split()


def ingest(size, connections, mailboxes, most):
    def run(bench, server):
        server.empty()
        return bench.send(server, size, connections, mailboxes, most)
    return run


def crowded(size, waiting, most):
    """Into one mailbox where so many wait already; those are further names of a few, so they are counted only."""
    def run(bench, server):
        server.empty()
        bench.send(server, 4 * KIB, 1, 1, 4)
        server.multiply(waiting)
        figures = send_counted(bench, server, size, 16, 1, most)
        server.empty()
        return figures
    return run


def populous(size, connections, mailboxes, most):
    """Into so many mailboxes that to open them all for the audit would take minutes: their messages are counted."""
    def run(bench, server):
        server.adopt(mailboxes)
        server.empty()
        return send_counted(bench, server, size, connections, mailboxes, most)
    return run


def send_counted(bench, server, size, connections, mailboxes, most):
    before = len(server.gateway.sealed_files())
    figures = bench.send(server, size, connections, mailboxes, most, audited=False)
    stored = len(server.gateway.sealed_files()) - before
    if stored != figures["done"]:
        raise LoadFailed(f"{figures['done']} messages were acknowledged, {stored} stored")
    return figures


def retrieval(size, connections, each):
    """RETR of `each` messages in as many mailboxes as there are connections; the unlock is not counted."""
    def run(bench, server):
        server.empty()
        bench.send(server, size, connections, connections, each * connections)
        return bench.fetch(server, connections, connections)[0]
    return run


def logins(connections):
    def run(bench, server):
        server.empty()
        accounts = bench.file("accounts", server.accounts(8))
        with bench.load("logins", server, secured=True, connections=connections, accounts=accounts) as load:
            return load.run(server.roots)
    return run


def listing(messages, after_restart):
    """Connect to the first octet of LIST: `p50` is what comes behind the unlock, `seconds` the whole way."""
    def run(bench, server):
        server.empty()
        bench.send(server, 4 * KIB, 1, 1, 4)
        server.multiply(messages)
        figures = None
        accounts = bench.file("accounts", server.accounts(1))
        for _ in range(1 if after_restart else 2):
            if after_restart:
                server.restart()
            with bench.load("list", server, secured=True, accounts=accounts) as load:
                figures = load.run(server.roots)
        server.empty()
        return figures
    return run


def idle(connections):
    def run(bench, server):
        server.empty()
        before = measure.memory_mib(server.roots)
        with bench.load("idle", server, connections=connections):
            time.sleep(1)
            return {"load": measure.machine_load(), "memory": measure.memory_mib(server.roots), "before": before}
    return run


def large(size):
    """One message in, then out: how far the memory exceeds what a small one took in the same way, log-in included."""
    def run(bench, server):
        process = server.roots[0]
        for _ in range(2):
            server.empty()
            measure.forget_peak(process)
            bench.send(server, 4 * KIB, 1, 1, 1)
        before = measure.peak_mib(process)
        server.empty()
        measure.forget_peak(process)
        figures = bench.send(server, size, 1, 1, 1)
        return {**figures, "memory": measure.peak_mib(process) - before}
    return run


def raw(size, threads, directories, most):
    """What the disk allows with nobody in between."""
    def run(bench, _):
        folder = tempfile.mkdtemp(dir=bench.folder)  # not deleted between runs, see put_away
        with bench.load("files", folder=folder, size=size, connections=threads, directories=directories,
                        most=most) as load:
            return load.run([load.process.pid])
    return run


def without_receipts(stage):
    return Postern(stage, {"store": {"keep_receipts": "0s"}})


def with_unlock_cache(stage):
    return Postern(stage, {"pop3": {"unlock_cache": "5m"}}, mailboxes=8)
