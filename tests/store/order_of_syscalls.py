#!/usr/bin/env python3
"""Watches deliver_twice with strace: what must be on the disk is synced before it says "durable".

Usage: order_of_syscalls.py PATH-OF-DELIVER_TWICE. Exits 77 where strace is missing or may not trace.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

CALL = re.compile(r"^(?:\d+ +)?(\w+)\((.*)\) += (-?\d+)")
PATH = re.compile(r"^\d+<([^>]*?)(?:\(deleted\))?>")
SKIPPED = 77


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


def traced(program, folder):
    """The calls that matter as (kind, path), in order; descriptors are given as the path they lead to."""
    log = os.path.join(folder, "trace")
    data = os.path.join(folder, "data")
    os.mkdir(data)
    trace = ["strace", "-f", "-y", "-s", "64", "-e", "trace=fsync,fdatasync,linkat,mkdirat,mkdir,write", "-o", log]
    # LeakSanitizer cannot work under a tracer.
    environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=0")
    done = subprocess.run(trace + [program, data], capture_output=True, text=True, env=environment, check=False)
    if done.returncode != 0:
        if "ptrace" in done.stderr:
            skip("strace may not trace here")
        sys.exit(f"deliver_twice failed: {done.stderr}")
    calls = []
    with open(log, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            match = CALL.match(line)
            if match and int(match[3]) >= 0:
                calls.append(event(match[1], match[2]))
    return os.path.realpath(data), [call for call in calls if call]


def event(name, arguments):
    if name in ("fsync", "fdatasync"):
        return ("sync", PATH.match(arguments)[1])
    if name in ("mkdir", "mkdirat"):
        folder = re.match(r'(?:\d+<([^>]*)>, )?"([^"]*)"', arguments)
        return ("mkdir", os.path.join(folder[1] or "", folder[2]))
    if name == "linkat":
        target = re.search(r'(\d+)<([^>]*)>, "([^"]*)", \w+$', arguments)
        return ("link", os.path.join(target[2], target[3]))
    if name == "write" and '"durable' in arguments:
        return ("durable", "")
    return None


def expect(condition, what, calls):
    if not condition:
        print("\n".join(f"{kind} {path}" for kind, path in calls))
        sys.exit(f"FAILED: {what}")


def check_delivery(calls, data):
    """One delivery: the calls up to and without its "durable"."""
    links = [i for i, (kind, _) in enumerate(calls) if kind == "link"]
    expect(len(links) == 1, "one name is given", calls)
    link, drop = links[0], os.path.dirname(calls[links[0]][1])
    expect(drop.startswith(data + "/mailboxes/mbx-"), "the message lies in its drop", calls)
    data_syncs = [i for i, (kind, path) in enumerate(calls) if kind == "sync" and path.startswith(drop + "/")]
    expect(data_syncs and data_syncs[0] < link, "the data is synced before the name is given", calls)
    expect(("sync", drop) in calls[link:], "the folder is synced after the name was given", calls)
    for i, (kind, path) in enumerate(calls):
        if kind == "mkdir":
            expect(("sync", os.path.dirname(path)) in calls[i:], f"{path} is synced in its parent", calls)
    return sum(kind == "mkdir" for kind, _ in calls)


def main():
    if shutil.which("strace") is None:
        skip("strace is not installed")
    with tempfile.TemporaryDirectory() as folder:
        data, calls = traced(sys.argv[1], os.path.realpath(folder))
    said = [i for i, (kind, _) in enumerate(calls) if kind == "durable"]
    expect(len(said) == 2, "both deliveries are called durable", calls)
    made = check_delivery(calls[:said[0]], data)
    expect(made == 3, "the first delivery makes the three folders", calls)
    made = check_delivery(calls[said[0] + 1:said[1]], data)
    expect(made == 0, "the second makes none", calls)
    print("data, name and folders are synced in the right order")


if __name__ == "__main__":
    main()
