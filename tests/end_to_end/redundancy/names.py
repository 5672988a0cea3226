"""The DNS of these hosts: a real dnsmasq whose records a test changes, and a client that keeps an answer for
as long as its TTL allows.
"""
import random
import socket
import struct
import subprocess
import time

from cases import Failure, need, wait_for
from network import NAME_SERVER

TTL = 2  # seconds
_A = 1


class NameServer:
    def __init__(self, stage, host):
        need("dnsmasq")
        self.host, self.process = host, None
        self.config = stage.folder / "dnsmasq.conf"
        stage.callback(self._stop)

    def publish(self, *records):
        """From now on there are these and no others, each as a line of dnsmasq's configuration."""
        self._stop()
        self.config.write_text("\n".join((
            "no-hosts", "no-resolv", "local=/#/", "user=root", "group=root", "pid-file=", "bind-interfaces", f"local-ttl={TTL}",
            f"listen-address={NAME_SERVER}", *records)) + "\n")
        self.process = subprocess.Popen(
            ["dnsmasq", "--keep-in-foreground", f"--conf-file={self.config}", "--log-facility=-"], preexec_fn=self.host.enter,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=open(self.config.with_suffix(".log"), "wb"))
        wait_for("dnsmasq to answer", 30, self._answers)

    def _answers(self):
        if self.process.poll() is not None:
            raise Failure(f"dnsmasq ended: {self.config.with_suffix('.log').read_text()}")
        try:
            return ask(self.host, "any.example.com") is not None
        except OSError:
            return False

    def _stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def host_record(name, *addresses):
    return "\n".join(f"host-record={name},{address}" for address in addresses)


def mx_record(name, target, preference):
    return f"mx-host={name},{target},{preference}"


def cname_record(name, target):
    return f"cname={name},{target}"


def _skip_name(answer, at):
    while (length := answer[at]) and length < 0xc0:
        at += length + 1
    return at + (2 if length else 1)


def ask(host, name):
    """[(address, seconds that it holds)] as dnsmasq says it now (RFC 1035 4.1); a CNAME is followed by it."""
    number = random.randrange(1 << 16)
    question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0" + struct.pack("!HH", _A, 1)
    with host.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.settimeout(1)
        wire.connect((NAME_SERVER, 53))
        wire.send(struct.pack("!6H", number, 0x100, 1, 0, 0, 0) + question)
        answer = wire.recv(4096)
    count, at, found = struct.unpack("!H", answer[6:8])[0], 12 + len(question), []
    for _ in range(count):
        at = _skip_name(answer, at)
        kind, _, seconds, length = struct.unpack("!HHIH", answer[at:at + 10])
        if kind == _A:
            found.append((socket.inet_ntoa(answer[at + 10:at + 14]), seconds))
        at += 10 + length
    return found


class Resolver:
    """What one host believes a name to be: an answer holds until its TTL is over."""

    def __init__(self, host):
        self.host, self.known = host, {}

    def address(self, name):
        """One of its addresses, any where there are several; OSError where there is none."""
        until, addresses = self.known.get(name, (0, []))
        if time.monotonic() >= until:
            found = ask(self.host, name)
            if not found:
                raise OSError(f"{name} has no address")
            addresses = [address for address, _ in found]
            self.known[name] = (time.monotonic() + min(seconds for _, seconds in found), addresses)
        return random.choice(addresses)
