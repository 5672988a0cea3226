#!/usr/bin/env python3
# build: release
# time limit: 3600 s
"""Twins of two versions: whichever calls, both hold the same records, and what waits opens on both; then the older node
is updated, and at last one goes back to the version before. PREVIOUS=PROGRAM names that version's `postern`. Without it
the soak builds the tree's own first version that had twins, where git has it; else both nodes are of this version.
"""
import atexit
import os
import pathlib
import random
import shutil
import subprocess
import tempfile

import scene  # first: it makes the other tools known

from cases import Skip, case, expect, run
from gateway import Gateway
from histories import History
from strain import figure, short_or_full
from twins import Link, in_step, invitation

ROOT = pathlib.Path(scene.__file__).resolve().parents[3]
FIRST_WITH_TWINS = "872bb01a3aa2"  # of this repository


def built_from_history():
    """The program of FIRST_WITH_TWINS; None where git does not have it."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-previous-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    packed = subprocess.run(["git", "-C", str(ROOT), "archive", FIRST_WITH_TWINS], capture_output=True, check=False)
    if packed.returncode != 0:
        return None
    subprocess.run(["tar", "-x", "-C", str(folder)], input=packed.stdout, check=True)
    with open(folder / "log", "wb") as log:
        for words in (["cmake", "--preset", "release"], ["ninja", "-C", "build/release", "-j2", "postern"]):
            done = subprocess.run(words, cwd=folder, stdout=log, stderr=log, check=False)
            expect(done.returncode == 0, f"{FIRST_WITH_TWINS} cannot be built: {(folder / 'log').read_text()[-2000:]}")
    return str(folder / "build" / "release" / "gateway" / "postern")


def previous(stage):
    given = os.environ.get("PREVIOUS") or short_or_full(None, True) and built_from_history()
    if not given:
        print("figure: two versions: PREVIOUS names no other program, so both nodes are of this one", flush=True)
        return stage.binary
    if not os.access(given, os.X_OK):
        raise Skip(f"PREVIOUS is no program: {given}")
    said = subprocess.run([given, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    figure(f"two versions: the other one is {said}, {pathlib.Path(given).stat().st_size} octets")
    return given


def changed_to(gateway, program):
    gateway.stop()
    gateway.binary = program
    gateway.start()


@case
def twins_of_two_versions_hold_the_same(stage):
    older = previous(stage)
    for caller in ("older", "newer"):
        one = Gateway(stage, {"hostname": f"called-by-{caller}.example.com"}, web=True)
        other = Gateway(stage, {"hostname": f"{caller}.example.com"}, web=True)
        of_the_older = other if caller == "older" else one
        of_the_older.binary = older
        for gateway in (one, other):
            gateway.start()
        link = Link(stage, one)
        other.command("twin", "join", text=invitation(one, "--url", link.url))
        in_step(one, other)
        history = History(one, other, link, random.SystemRandom().randrange(10**6))
        print(f"seed {history.seed}", flush=True)
        for then in (lambda: changed_to(of_the_older, stage.binary), lambda: changed_to(one, older), None):
            for _ in range(short_or_full(6, 60)):
                history.step()
            history.settle()
            if then is None or older == stage.binary:
                break
            then()
        figure(f"{caller} calls: {len(history.boxes)} mailboxes alike on both")
        for gateway in (one, other):
            gateway.stop()


if __name__ == "__main__":
    run()
