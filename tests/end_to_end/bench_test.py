#!/usr/bin/env python3
"""The bench measures what it says: it runs, and a message that is lost or changed fails the run.

Its figures mean nothing here, for this is a sanitized build.
"""
import os
import pathlib
import subprocess
import sys

from cases import case, expect, run

BENCH = pathlib.Path(__file__).resolve().parent.parent / "bench"
sys.path.insert(0, str(BENCH))

from measure import LoadFailed  # noqa: E402  (found by the line above)
from servers import Postern  # noqa: E402
from workloads import KIB, Bench  # noqa: E402


def generator(stage):
    return pathlib.Path(stage.binary).parent.parent / "tests" / "bench" / "bench_load"


def fails(stage, spoil):
    """Whether the bench notices what `spoil` does to one stored message; gives what it says."""
    server = Postern(stage, mailboxes=2)
    server.settled = lambda: spoil(server.gateway.sealed_files()[0])
    try:
        Bench(generator(stage), stage.folder, 60).send(server, 4 * KIB, 2, 2, 6)
    except LoadFailed as failure:
        return str(failure)
    return ""


@case
def a_workload_runs_and_gives_a_row(stage):
    done = subprocess.run([BENCH / "run", stage.binary, generator(stage)], capture_output=True, text=True, timeout=200,
                          env={**os.environ, "WORKLOAD": "in, 4 KiB", "RUNS": "1", "SECONDS_EACH": "0.2", "PEERS": ""})
    expect(done.returncode == 0, f"it ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    rows = [line for line in done.stdout.splitlines() if line.startswith("| in, 4 KiB")]
    expect(len(rows) == 1 and " /s " in rows[0], f"the table has no row for the workload:\n{done.stdout}")


@case
def a_lost_message_fails_the_run(stage):
    said = fails(stage, lambda file: file.unlink())
    expect("lost 1 acknowledged" in said, f"it said: {said!r}")


@case
def a_changed_message_fails_the_run(stage):
    said = fails(stage, lambda file: os.truncate(file, file.stat().st_size - 1))
    expect(said, "a damaged message went unnoticed")


if __name__ == "__main__":
    run()
