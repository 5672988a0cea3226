"""Cases of an end-to-end test: a function each, run one after another, counted at the end.

A test file defines functions marked with @case and ends with `run()`. Each gets a Stage: a folder of
its own and what must be torn down. Nothing a case started outlives it, however it ends.
"""
import atexit
import contextlib
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time
import traceback

_cases = []


class Skip(Exception):
    """The case cannot run here; the text says what is missing."""


class Failure(AssertionError):
    """The program did not do what it promises; the text says what was seen instead."""


def case(function):
    _cases.append(function)
    return function


def expect(condition, text):
    if not condition:
        raise Failure(text)


def expect_equal(got, want, what):
    """Compares octets or values; of long ones it shows where they part."""
    if got == want:
        return
    if isinstance(got, bytes) and isinstance(want, bytes):
        at = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b), min(len(got), len(want)))
        start = max(0, at - 40)
        raise Failure(f"{what}: differs at octet {at} ({len(got)} octets, wanted {len(want)})\n"
                      f"  got  …{got[start:at + 60]!r}\n  want …{want[start:at + 60]!r}")
    raise Failure(f"{what}: got {got!r}, wanted {want!r}")


def wait_for(what, seconds, look, pause=0.02):
    """Looks until `look()` gives something true, and returns it; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise Failure(f"waited {seconds} s in vain for {what}")
        time.sleep(pause)


def need(*programs):
    """Skips the case where one of the Debian packages it works with is missing."""
    for program in programs:
        if shutil.which(program) is None:
            raise Skip(f"{program} is not installed")


def need_root(why):
    if os.geteuid() != 0:
        raise Skip(f"needs root: {why}")


def seconds(default):
    """How long a long proof runs: DURATION in `make soak`, else seconds."""
    return float(os.environ.get("DURATION", default))


class Stage(contextlib.ExitStack):
    """What one case stands on: the program under test and a folder that vanishes afterwards."""

    def __init__(self, binary):
        super().__init__()
        self.binary = binary
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-e2e-"))
        self.folder.chmod(0o755)  # servers under another uid must pass through
        self.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.gateways = []


def _play(function, stage):
    """Returns ("passed" | "failed" | "skipped", text)."""
    try:
        with stage:
            try:
                function(stage)
            except Failure as failure:
                logs = "".join(gateway.log_tail() for gateway in stage.gateways)
                raise Failure(f"{failure}\n{logs}") from None
        return "passed", ""
    except Skip as skip:
        return "skipped", str(skip)
    except Failure as failure:
        before = failure.__context__  # where the teardown failed as well
        return "failed", f"{failure}" + (f"\nafter {before}" if isinstance(before, Failure)
                                           and not failure.__suppress_context__ else "")
    except Exception:  # a mistake of the test, or a peer that did what nobody expected
        logs = "".join(gateway.log_tail() for gateway in stage.gateways)
        return "failed", traceback.format_exc() + logs


def _end_by_signal(number, _frame):
    sys.exit(128 + number)  # unwinds, so that what the cases started is stopped


def _for_every_account(binary):
    """The program where other accounts may run it too: a checkout may lie in a closed folder, as root's home is."""
    if os.geteuid() != 0 or all(folder.stat().st_mode & 0o001 for folder in binary.parents):
        return str(binary)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="postern-program-"))
    folder.chmod(0o755)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return shutil.copy2(binary, folder / binary.name)


def run():
    """`name_test.py PATH_TO_POSTERN [case…]`: exit 0 passed, 1 failed, 77 nothing could run."""
    if len(sys.argv) < 2 or not os.access(sys.argv[1], os.X_OK):
        sys.exit(f"usage: {sys.argv[0]} PATH_TO_POSTERN [case…]")
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _end_by_signal)
    binary = _for_every_account(pathlib.Path(sys.argv[1]).resolve())
    unknown = set(sys.argv[2:]) - {function.__name__ for function in _cases}
    if unknown:
        sys.exit(f"no such case: {', '.join(sorted(unknown))}")
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for function in _cases:
        if sys.argv[2:] and function.__name__ not in sys.argv[2:]:
            continue
        start = time.monotonic()
        outcome, text = _play(function, Stage(binary))
        counts[outcome] += 1
        name = function.__name__
        if outcome == "skipped":
            print(f"SKIP {pathlib.Path(sys.argv[0]).stem}, {name}: {text}", flush=True)
        else:
            print(f"{outcome} {name} ({time.monotonic() - start:.1f} s)" + (f": {text}" if text else ""),
                  flush=True)
    print("{passed} passed, {failed} failed, {skipped} skipped".format(**counts))
    if counts["failed"]:
        sys.exit(1)
    sys.exit(77 if counts["skipped"] and not counts["passed"] else 0)
