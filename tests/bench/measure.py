"""What a process tree costs while the load generator runs: CPU seconds, peak memory.

Never trusts wall clocks alone: beside each figure stands the load the machine had at that moment.
"""
import json
import os
import pathlib
import statistics
import subprocess

TICKS = os.sysconf("SC_CLK_TCK")


def descendants(roots):
    """These processes and all below them."""
    children = {}
    for folder in pathlib.Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(folder.name))
    found = list(roots)
    for process in found:
        found += children.get(process, [])
    return found


def cpu_seconds(roots):
    """User and system time of the trees, with children that ended and were waited for."""
    total = 0
    for process in descendants(roots):
        try:
            fields = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15]))
    return total / TICKS


def memory_mib(roots, field="Pss"):
    """Of all processes together, shared pages counted once."""
    total = 0
    for process in descendants(roots):
        try:
            lines = pathlib.Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))
    return total / 1024


def forget_peak(process):
    pathlib.Path(f"/proc/{process}/clear_refs").write_text("5")


def peak_mib(process):
    """The most resident memory since its start or forget_peak()."""
    status = pathlib.Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


def machine_load():
    return os.getloadavg()[0]


class LoadFailed(Exception):
    """The load generator saw a refusal, or a message that is not what was sent."""


class Load:
    """One run of the generator, which stands ready when this returns: `with Load(…) as load: load.run()`."""

    def __init__(self, program, kind, **options):
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        self.process = subprocess.Popen([program, kind, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        if self.process.stdout.readline() != "ready\n":
            self.process.kill()
            raise LoadFailed(f"{kind} did not get ready")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def run(self, roots=(), settled=lambda: None):
        """Figures of the generator, and the CPU time of `roots` until `settled()` returned."""
        before, load = cpu_seconds(roots), machine_load()
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        behind = settled()
        figures = json.loads(line or "{}")
        figures["server_cpu"] = cpu_seconds(roots) - before
        figures["behind"] = behind or 0  # seconds until all was delivered that had been acknowledged
        figures["load"] = load
        if not figures.get("done") or figures["failed"]:
            raise LoadFailed(f"{figures.get('failed', '?')} failed: {figures.get('trouble', 'the generator died')}")
        figures["cpu_per_1000"] = 1000 * figures["server_cpu"] / figures["done"]
        return figures


def median(runs, name):
    """Nothing where there were no runs, or the figure is none of theirs."""
    return statistics.median(run[name] for run in runs) if runs and name in runs[0] else None
