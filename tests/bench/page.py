"""What the web page costs, in a real browser: an admin who opens a table of thousands, and admins who watch."""
import time
import types

import measure
from measure import LoadFailed
from servers import Postern

from browser import drive
from cases import Failure
from clients import Smtp
from fixtures import journal_report, stuffed
from web import NAME, PASSWORD

WATCHED_SECONDS = 30
PACE = 0.1  # seconds between two messages


class WithPage(Postern):
    name = "page"

    def __init__(self, stage):
        super().__init__(stage, web=True)
        self.gateway.command("admin", "create", NAME, text=f"{PASSWORD}\n")

    def show(self, bench, script, answers, **values):
        """Runs a script of tests/browser in front of this server's page."""
        drive(types.SimpleNamespace(folder=bench.folder), script, self.gateway, answers, **values)


def table(mailboxes):
    """Milliseconds until the table is there, sorted the other way, and has found one."""
    def run(bench, server):
        server.adopt(mailboxes)
        figures = {"load": measure.machine_load()}
        server.show(bench, "table.mjs", {"figures": lambda found: figures.update(found)}, wanted=server.mailboxes[-1].address)
        if "seen" not in figures:
            raise LoadFailed("the browser gave no figures")
        return figures
    return run


def watched(mailboxes, admins):
    """Processor time a second while ten messages a second come in: watched by nobody, and by so many admins."""
    def run(bench, server):
        server.adopt(mailboxes)
        figures = {"load": measure.machine_load(), "unwatched": busy(server)}
        server.show(bench, "watchers.mjs", {"watched": lambda: figures.update(watched=busy(server))}, admins=admins)
        figures["memory"] = measure.memory_mib(server.roots)
        return figures
    return run


def busy(server):
    """The share of a core that the server takes while it gets mail steadily."""
    wire = stuffed(journal_report())
    begun, before, sent = time.monotonic(), measure.cpu_seconds(server.roots), 0
    with Smtp(server.gateway) as smtp:
        while (gone := time.monotonic() - begun) < WATCHED_SECONDS:
            smtp.envelope(server.mailboxes[sent % 64])
            answer = smtp.data(wire)
            if not answer.startswith("250"):
                raise Failure(f"a message is answered {answer}")
            sent += 1
            time.sleep(max(0, sent * PACE - (time.monotonic() - begun)))
    return (measure.cpu_seconds(server.roots) - before) / gone
