#!/usr/bin/env python3
"""A server's life: the first start in an empty folder, reload, an orderly end while mail is under way, a
second server in the same folder; and places where systemd, IPv6, a locale or a log reader are missing.
"""
import ctypes
import fcntl
import json
import os
import re
import signal
import socket
import struct
import subprocess

import fixtures
from cases import case, expect, expect_equal, run, wait_for
from clients import Pop3, Smtp, deliver, fetch_all, message_id
from gateway import COMMAND_SECONDS, START_SECONDS, Gateway, die_with_parent, started


@case
def the_first_start_makes_all_it_needs(stage):
    gateway = Gateway(stage)
    gateway.data.rmdir()
    gateway.start()
    for name in ("config", "node", "mailboxes", "tls", "control.sock"):
        expect((gateway.data / name).exists(), f"no {name} in the data directory")
    mailbox = gateway.create("Journal of Zürich")
    uidl = deliver(gateway, fixtures.small(1), mailbox)
    gateway.restart()
    expect_equal(list(fetch_all(gateway, mailbox)), [uidl], "messages after a restart")
    listed, = json.loads(gateway.command("mailbox", "list", "--json").stdout)
    expect_equal((listed["address"], listed["name"], listed["status"]),
                 (mailbox.address, "Journal of Zürich", "active"), "the mailbox in the list")
    expect_equal(listed["waiting"]["messages"], 1, "waiting messages in the list")


def certificate_of(gateway):
    with Pop3(gateway) as pop:
        return pop.socket.getpeercert(binary_form=True)


@case
def the_certificate_outlives_a_restart(stage):
    gateway, _ = started(stage)
    before = certificate_of(gateway)
    gateway.restart()
    expect_equal(certificate_of(gateway), before, "the certificate")


@case
def a_reload_takes_a_new_certificate_and_drops_no_session(stage):
    pairs = []
    for _ in range(2):  # two other gateways make them
        other = Gateway(stage).start()
        other.stop()
        pairs.append([(other.data / "tls" / f"self-signed.{end}").read_bytes() for end in ("crt", "key")])
    certificate, key = stage.folder / "own.crt", stage.folder / "own.key"

    def install(pair):
        certificate.write_bytes(pair[0])
        key.write_bytes(pair[1])
    install(pairs[0])
    gateway, mailbox = started(stage, {"tls": {
        "source": "files", "certificate": str(certificate), "key": str(key)}})
    before = certificate_of(gateway)
    with Smtp(gateway) as staying, Pop3(gateway, mailbox) as reading:
        install(pairs[1])
        gateway.signal(signal.SIGHUP)
        wait_for("new sessions to see the new certificate", 20, lambda: certificate_of(gateway) != before)
        staying.envelope(mailbox)
        message_id(staying.data(fixtures.stuffed(fixtures.small(1))))
        reading.must("STAT")


@case
def a_reload_takes_the_log_level(stage):
    gateway, mailbox = started(stage, {"log": {"level": "error"}})
    deliver(gateway, fixtures.small(1), mailbox)
    gateway.configure({"log": {"level": "info"}})
    gateway.signal(signal.SIGHUP)

    later = []

    def logged():
        later.append(deliver(gateway, fixtures.small(2), mailbox))
        log = gateway.log()
        return any(uidl in log for uidl in later)  # the newest may not be written yet
    wait_for("the log to name a message that came after the reload", 20, logged)


@case
def a_mailbox_made_while_it_runs_is_known_to_open_sessions(stage):
    gateway, _ = started(stage)
    with Smtp(gateway) as smtp:
        late = gateway.create("late")
        smtp.envelope(late)
        uidl = message_id(smtp.data(fixtures.stuffed(fixtures.small(1))))
    expect_equal(list(fetch_all(gateway, late)), [uidl], "what is in it")


@case
def an_orderly_end_waits_for_mail_under_way(stage):
    gateway, mailbox = started(stage)
    wire = fixtures.stuffed(fixtures.large(2 << 20))
    with Smtp(gateway) as busy, Smtp(gateway) as idle, Pop3(gateway, mailbox) as reader:
        busy.envelope(mailbox)
        busy.must("DATA", "354")
        busy.send(wire[:1 << 20])
        gateway.signal(signal.SIGTERM)
        expect(idle.reply().startswith("421"), "an idle session is not told")
        expect(idle.at_end(), "an idle session is not closed")
        busy.send(wire[1 << 20:])
        uidl = message_id(busy.reply())
        reader.at_end()
    expect_equal(gateway.wait(), 0, "exit code")
    gateway.start()
    expect_equal(list(fetch_all(gateway, mailbox)), [uidl], "what is there after the restart")


@case
def a_second_server_in_the_same_folder_is_refused(stage):
    gateway, mailbox = started(stage)
    second = Gateway(stage, {"data": str(gateway.data)})
    done = second.command("serve", code=73)
    said = done.stderr.decode().strip()
    expect(str(gateway.data) in said.splitlines()[-1], f"the second says {said!r}")
    deliver(gateway, fixtures.small(1), mailbox)  # and the first does not mind


@case
def what_a_killed_server_left_does_not_stop_the_next(stage):
    gateway, mailbox = started(stage)
    gateway.kill()
    expect((gateway.data / "control.sock").exists(), "no socket was left: this case shows nothing")
    other = gateway.create("made without a server")
    gateway.start()
    expect_equal(len(json.loads(gateway.command("mailbox", "list", "--json").stdout)), 2, "mailboxes")
    for each in (mailbox, other):
        deliver(gateway, fixtures.small(1), each)


@case
def systemd_is_told_when_it_is_ready(stage):
    for name in (str(stage.folder / "notify"), f"\0postern-test-{os.getpid()}"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind(name)
            listener.settimeout(START_SECONDS)
            gateway = Gateway(stage, environment={"NOTIFY_SOCKET": name.replace("\0", "@")}).spawn()
            told = b""
            while b"READY=1" not in told.splitlines():
                told = listener.recv(4096)
            expect(gateway.greets(gateway.smtp, b"220 "), "READY=1 came before the port was open")
            gateway.stop()
            rest = b""
            while b"STOPPING=1" not in rest.splitlines():
                rest = listener.recv(4096)


def without_ipv6():
    """In a child: a seccomp filter under which the kernel has no AF_INET6, as when it was built without."""
    class Filter(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]
    socket_call, inet6 = {"x86_64": 41, "aarch64": 198}[os.uname().machine], int(socket.AF_INET6)
    refuse, allow = 0x00050000 | 97, 0x7fff0000  # SECCOMP_RET_ERRNO | EAFNOSUPPORT, SECCOMP_RET_ALLOW
    program = b"".join(struct.pack("HBBI", *instruction) for instruction in (
        (0x20, 0, 0, 0),             # load the number of the call
        (0x15, 0, 3, socket_call),   # not socket(): allow
        (0x20, 0, 0, 16),            # load its first argument
        (0x15, 0, 1, inet6),
        (0x06, 0, 0, refuse),
        (0x06, 0, 0, allow)))
    octets = ctypes.create_string_buffer(program, len(program))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
    if libc.prctl(22, 2, ctypes.byref(Filter(6, ctypes.addressof(octets)))):  # PR_SET_SECCOMP
        os._exit(99)


@case
def both_families_are_served_through_one_address(stage):
    gateway = dual(stage)
    with socket.create_connection(("127.0.0.1", gateway.smtp), timeout=20) as connection:
        expect_equal(connection.recv(4), b"220 ", "greeting over IPv4")
    if os.path.exists("/proc/net/if_inet6"):
        with socket.create_connection(("::1", gateway.smtp), timeout=20) as connection:
            expect_equal(connection.recv(4), b"220 ", "greeting over IPv6")


@case
def without_ipv6_it_falls_back_with_a_notice(stage):
    gateway = dual(stage, before_exec=without_ipv6)
    gateway.wait_log(r"(?i)0\.0\.0\.0|IPv6")
    mailbox = gateway.create()
    uidl = deliver(gateway, fixtures.small(1), mailbox)
    expect_equal(list(fetch_all(gateway, mailbox)), [uidl], "messages")


def dual(stage, **options):
    """A server on "[::]"; its ports are free on every address."""
    gateway = Gateway(stage, **options)
    both = socket.has_dualstack_ipv6()
    sockets = [socket.create_server(("", 0), family=socket.AF_INET6 if both else socket.AF_INET,
                                    dualstack_ipv6=both) for _ in range(3)]
    gateway.host = "127.0.0.1"
    gateway.smtp, gateway.pop3, gateway.pop3s = [taken.getsockname()[1] for taken in sockets]
    for taken in sockets:
        taken.close()
    gateway.configure({"smtp": {"listen": [f"[::]:{gateway.smtp}"]}, "pop3": {
        "listen": [f"[::]:{gateway.pop3}"], "listen_tls": [f"[::]:{gateway.pop3s}"]}})
    return gateway.start()


@case
def an_environment_of_nothing_is_enough(stage):
    """No locale but C, no HOME, no PATH, no TERM."""
    gateway = Gateway(stage)
    gateway.environment = {"LC_ALL": "C", **{name: value for name, value in os.environ.items()
                                             if name.endswith("SAN_OPTIONS")}}
    gateway.start()
    mailbox = gateway.create("Größe")
    message = fixtures.eight_bit()
    deliver(gateway, message, mailbox)
    fetched, = fetch_all(gateway, mailbox).values()
    expect_equal(fixtures.without_trace(fetched)[1], message, "an 8-bit message")
    expect("Größe".encode() in gateway.command("mailbox", "list").stdout, "the name is not shown as it was given")


def goes_on(gateway):
    mailbox = gateway.create()
    uidls = []
    with Smtp(gateway) as smtp:
        for number in range(300):
            smtp.envelope(mailbox)
            uidls.append(message_id(smtp.data(fixtures.stuffed(fixtures.small(number)))))
    expect_equal(list(fetch_all(gateway, mailbox)), uidls, "messages")


@case
def a_log_nobody_reads_does_not_stop_mail(stage):
    reader, writer = os.pipe()
    stage.callback(os.close, reader)
    fcntl.fcntl(writer, 1031, 4096)  # F_SETPIPE_SZ: full after a few lines
    gateway = Gateway(stage, {"log": {"level": "debug"}}, stderr=writer).start()
    os.close(writer)
    goes_on(gateway)
    gateway.stop()


@case
def a_log_reader_that_went_away_does_not_stop_mail(stage):
    reader, writer = os.pipe()
    gateway = Gateway(stage, {"log": {"level": "debug"}}, stderr=writer).start()
    os.close(writer)
    os.close(reader)  # from now on: EPIPE, and SIGPIPE for those who did not think of it
    goes_on(gateway)
    gateway.stop()


@case
def a_closed_standard_error_does_not_stop_mail(stage):
    gateway = Gateway(stage, {"log": {"level": "debug"}}, before_exec=lambda: os.close(2)).start()
    goes_on(gateway)
    for file in gateway.sealed_files():  # no log line found its way into what got descriptor 2
        expect_equal(file.read_bytes()[:22], b"age-encryption.org/v1\n", f"first line of {file.name}")
    gateway.stop()


@case
def help_and_version_need_no_configuration(stage):
    for words in (("--help",), ("--version",), ("serve", "--help"), ("mailbox", "create", "--help")):
        done = subprocess.run([stage.binary, *words], capture_output=True, timeout=COMMAND_SECONDS,
                              preexec_fn=die_with_parent)
        expect_equal(done.returncode, 0, f"exit code of `postern {' '.join(words)}`")
        expect(re.search(rb"(?i)postern|usage|\d+\.\d+", done.stdout), f"{words} shows {done.stdout!r}")


if __name__ == "__main__":
    run()
