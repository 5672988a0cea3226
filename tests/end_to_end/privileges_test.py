#!/usr/bin/env python3
# build: release
"""Who the server is, and who may look at its memory: started by root it takes low ports and gives root's rights up;
no core is written, and nobody but root opens its memory.

On a release build: a debug one may be looked at, by LeakSanitizer.
"""
import os
import pathlib
import random
import re
import resource
import signal
import socket

import fixtures
from cases import case, expect, expect_equal, need_root, run, wait_for
from clients import Pop3, deliver, fetch_all
from gateway import Gateway, started

OWNER, GROUP = 61240, 61241  # an account of no name


def low_ports(address, count):
    """Free ones below 1024."""
    found = []
    for port in random.sample(range(200, 1024), 800):
        with socket.socket() as taken:
            try:
                taken.bind((address, port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise AssertionError("no low ports are free")


def threads(gateway):
    """What /proc tells of the rights of each thread: {field: text}."""
    for folder in pathlib.Path(f"/proc/{gateway.process.pid}/task").iterdir():
        yield dict(re.findall(r"^(\w+):\s*(.*?)\s*$", (folder / "status").read_text(), re.M))


def of_the_owner(stage):
    need_root("becoming another account")
    gateway = Gateway(stage)
    os.chown(gateway.data, OWNER, GROUP)
    gateway.smtp, gateway.pop3, gateway.pop3s = low_ports(gateway.host, 3)
    gateway.configure({"smtp": {"listen": [f"{gateway.host}:{gateway.smtp}"]}, "pop3": {
        "listen": [f"{gateway.host}:{gateway.pop3}"], "listen_tls": [f"{gateway.host}:{gateway.pop3s}"]}})
    return gateway


@case
def started_by_root_it_binds_and_gives_root_up(stage):
    gateway = of_the_owner(stage).start()
    gateway.wait_log(rf"root's rights are given up.*uid={OWNER}")
    seen = 0
    for thread in threads(gateway):
        seen += 1
        expect_equal({name: thread[name] for name in ("Uid", "Gid", "Groups", "CapPrm", "CapEff", "CapInh", "CapAmb", "NoNewPrivs")},
                     {"Uid": "\t".join([str(OWNER)] * 4), "Gid": "\t".join([str(GROUP)] * 4), "Groups": str(GROUP),
                      **{name: "0" * 16 for name in ("CapPrm", "CapEff", "CapInh", "CapAmb")}, "NoNewPrivs": "1"},
                     f"rights of a thread ({thread['Name']})")
    expect(seen > 10, f"only {seen} threads were looked at")
    mailbox = gateway.create()
    uidl = deliver(gateway, fixtures.journal_report(), mailbox)
    expect_equal(list(fetch_all(gateway, mailbox)), [uidl], "messages")
    gateway.signal(signal.SIGHUP)
    gateway.wait_log("reloaded: certificate, log settings and records")
    gateway.restart()
    fetch_all(gateway, mailbox, delete=True)
    for path in (gateway.data, *gateway.data.rglob("*")):
        status = path.lstat()
        expect_equal((status.st_uid, status.st_gid), (OWNER, GROUP), f"owner of {path.relative_to(gateway.folder)}")
    expect("keeps root's rights" not in gateway.log(), "it says that it keeps root's rights")


@case
def a_key_that_only_root_reads_is_refused_at_the_start_not_at_the_renewal(stage):
    other = Gateway(stage).start()
    other.stop()
    gateway = of_the_owner(stage)
    files = {}
    for end in ("crt", "key"):
        files[end] = stage.folder / f"own.{end}"
        files[end].write_bytes((other.data / "tls" / f"self-signed.{end}").read_bytes())
    files["key"].chmod(0o600)
    gateway.configure({"tls": {"source": "files", "certificate": str(files["crt"]), "key": str(files["key"])}})
    done = gateway.command("serve", code=None)
    said = done.stderr.decode()
    expect(done.returncode != 0 and str(files["key"]) in said and "Permission denied" in said, f"it says {said!r}")
    os.chown(files["key"], OWNER, GROUP)
    gateway.start()


@case
def where_the_data_is_roots_it_says_that_it_stays_root(stage):
    need_root("being root")
    gateway, mailbox = started(stage)
    gateway.wait_log(rf"keeps root's rights, for data belongs to root; .*chown -R \S+ {gateway.data}")
    deliver(gateway, fixtures.small(1), mailbox)


@case
def no_core_is_written_and_nobody_looks_into_its_memory(stage):
    need_root("another account")
    for gateway in (of_the_owner(stage), Gateway(stage, user=OWNER, before_exec=lambda: resource.setrlimit(
            resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2))):
        gateway.start()
        proc = pathlib.Path(f"/proc/{gateway.process.pid}")
        limits = (proc / "limits").read_text()
        expect(re.search(r"^Max core file size +0 +0 ", limits, re.M), f"limits:\n{limits}")
        expect_equal({name: (proc / name).stat().st_uid for name in ("mem", "environ", "maps")},
                     {name: 0 for name in ("mem", "environ", "maps")}, "whose its memory is, of a process of another account")
        reader = os.fork()
        if reader == 0:  # the same account
            os.setgroups([])
            os.setgid(OWNER)
            os.setuid(OWNER)
            try:
                (proc / "mem").open("rb")
            except PermissionError:
                os._exit(0)
            os._exit(1)
        expect_equal(os.waitpid(reader, 0)[1], 0, "a process of the same account opens its memory")
        gateway.signal(signal.SIGSEGV)
        ended = wait_for("its end", 30, lambda: os.waitid(os.P_PID, gateway.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT))
        expect_equal(ended.si_code, os.CLD_KILLED, "how it ended (3 is with a core)")
        gateway.process.wait()


@case
def secrets_are_in_locked_memory(stage):
    """As much as the keys of open sessions take; findings_test shows what is said where the limit is too low."""
    gateway, mailbox = started(stage)
    deliver(gateway, fixtures.small(1), mailbox)
    before = gateway.status("VmLck")
    with Pop3(gateway, mailbox):
        expect(gateway.status("VmLck") > before, "an open session has no key in locked memory")
    wait_for("the key to be given back", 60, lambda: gateway.status("VmLck") <= before)
    expect("memory cannot be locked" not in gateway.log(), "it says that memory cannot be locked")


if __name__ == "__main__":
    run()
