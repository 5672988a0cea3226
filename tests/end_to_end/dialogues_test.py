#!/usr/bin/env python3
"""The dialogues of tests/dialogues, which the unit tests play in memory, over real connections.

Left out, and said so, is what needs a world that cannot be had here: failing disks, other limits than
a configuration allows, ids that are told in advance. Their form: the README.md beside them.
"""
import pathlib
import re
import subprocess

from cases import Failure, case, expect, expect_equal, need, run, wait_for
from clients import Pop3, Wire
from fixtures import without_trace
from gateway import DOMAIN, Gateway, Mailbox, free_ports

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "dialogues"
CLIENT_ADDRESS = b"192.0.2.25"  # of the client in SMTP dialogues; here it is another
PASSWORD = "Wq7vK-x9TnR-4hMpZ"


class NeedsOtherWorld(Exception):
    """This dialogue cannot be had over a real connection."""


def _octets(text):
    """Hex digits, and for SMTP `"text"` and `"x"(x2000)`."""
    found = b""
    for quoted, times, digits in re.findall(r'"([^"]*)"(?:\(x(\d+)\))?|([0-9a-fA-F ]+)', text):
        found += quoted.encode() * int(times or 1) + bytes.fromhex(digits)
    return found


def steps_of(file):
    """[(line number, kind, octets)], where kind is the mark before the colon, or ">"."""
    steps = []
    for number, line in enumerate(file.read_bytes().decode().splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        mark, text = re.match(r"(>|[A-Z](?:-hex|-octets|\*)?[:=]|S-hex:) ?(.*)", line).groups()
        kind = mark.rstrip(":")
        if kind.endswith("-hex"):
            steps.append((number, kind, _octets(text)))
        elif kind == "C-octets":
            steps.append((number, "C", b"x" * int(text)))
        else:
            steps.append((number, kind, text.encode()))
    return steps


class Player:
    """Plays one dialogue; the two protocols differ in their worlds."""

    def __init__(self, file):
        self.steps = steps_of(file)
        self.wire = None
        self.unsent = b""
        self.ahead = None

    def play(self):
        for number, kind, octets in self.steps:
            try:
                self.take(kind, octets)
            except (Failure, AssertionError, OSError) as failure:
                raise Failure(f"line {number}: {failure}") from None
        expect(not self.wire or not self.wire.buffer, f"more than the dialogue: {self.wire and self.wire.buffer!r}")

    def take(self, kind, octets):
        if kind[0] == "C":
            return self.say(kind, octets)
        self.flush()
        if kind[0] == "S":
            return self.hear(kind, octets)
        if kind == ">":
            return self.world(*octets.decode().split(" ", 1))
        return self.look(kind, octets)

    def say(self, kind, octets):
        self.unsent += octets + (b"" if kind == "C-hex" and not self.hex_is_line else b"\r\n")

    def flush(self):
        """Lines said in a row go out in one write: that is pipelining."""
        if self.unsent:
            if self.wire is None:
                self.connect()
            self.before_sending()
            expect(not self.wire.buffer, f"unread before the client speaks: {bytes(self.wire.buffer)!r}")
            octets, self.unsent = self.unsent, b""
            self.wire.send(octets)

    def line(self):
        if self.wire is None:
            self.connect()
        line, self.ahead = self.ahead, None
        if line is None:
            line = self.wire.line()
        return line[:-2] if line.endswith(b"\r\n") else line

    def hear(self, kind, want):
        line = self.line()
        want = want.replace(CLIENT_ADDRESS, self.wire.socket.getsockname()[0].encode())
        if kind == "S*":
            while line.startswith(want):
                line = self.line()
            self.ahead = line + b"\r\n"
        elif kind == "S":
            expect(line.startswith(want), f"want {want!r} got {line!r}")
        else:
            expect_equal(line, want, "the line")
        self.heard(line)

    def closed(self):
        expect(self.ahead is None and self.wire.at_end(), "the connection is still open, or talks on")
        self.wire.close()

    def handshake(self):
        expect(not self.wire.buffer, f"answers to what came before TLS: {bytes(self.wire.buffer)!r}")
        self.wire.handshake()

    def before_sending(self):
        pass

    def heard(self, line):
        pass

    def connect(self):
        raise NotImplementedError


class SmtpPlayer(Player):
    hex_is_line = False
    UNAVAILABLE = ("option", "room", "draining", "stored", "refused", "allow")  # pins: pins_test.py

    def __init__(self, file, gateway, mailboxes):
        super().__init__(file)
        self.gateway, self.mailboxes = gateway, mailboxes
        self.files, self.id, self.said, self.message = set(), None, b"", b""
        self.fetched = {}
        for _, kind, octets in self.steps:
            if kind == ">" and octets.decode().split()[0] in self.UNAVAILABLE:
                raise NeedsOtherWorld

    def connect(self, tls=False):
        self.wire = Wire(self.gateway.host, self.gateway.smtps if tls else self.gateway.smtp, tls)

    def before_sending(self):
        self.end_of_message()
        self.files, self.id = set(self.gateway.sealed_files()), None
        self.said += self.unsent

    def heard(self, line):
        found = re.match(rb"250 2\.0\.0 ([0-9a-f-]{36}) ", line)
        self.id = found[1].decode() if found else self.id

    def world(self, verb, words=""):
        if verb == "tls":
            self.handshake() if self.wire else self.connect(tls=True)
        elif verb == "closed":
            self.closed()
        elif verb == "nothing":
            expect_equal(set(self.gateway.sealed_files()), self.files, "what lies on the disk")
        elif verb == "copies":
            expect_equal(len(set(self.gateway.sealed_files()) - self.files), int(words), "copies")
        else:
            raise Failure(f"unknown: > {verb}")

    def look(self, kind, octets):
        """H: and M:, of the copy for the recipient named first."""
        fields, message = without_trace(self.stored())
        if kind == "H":
            name, _, value = octets.decode().partition(": ")
            if name in ("Return-Path", "Delivered-To"):  # Received differs by address, id and time
                expect(fields[name].startswith(value), f"want {octets!r} got {fields[name]}")
            return
        self.message += octets + (b"\r\n" if kind == "M" else b"")
        expect(message.startswith(self.message), f"want message {self.message!r} got {message!r}")

    def stored(self):
        expect(self.id, "no message was stored")
        if self.id not in self.fetched:
            self.fetched[self.id] = self.fetch()
        return self.fetched[self.id]

    def fetch(self):
        order = sorted(self.mailboxes, key=lambda each: self.said.lower().rfind(each.address.encode()))
        for mailbox in order:
            for file in self.gateway.sealed_files():
                if file.name == self.id and mailbox.address in file.parts:
                    with Pop3(self.gateway, mailbox) as pop:
                        number, = [number for number, uidl in pop.listing("UIDL") if uidl == self.id]
                        return pop.retr(number)
        raise Failure(f"{self.id} lies nowhere")

    def end_of_message(self):
        if self.message:
            expect_equal(without_trace(self.stored())[1], self.message, "the stored message, whole")
            self.message = b""


@case
def smtp_dialogues_over_real_connections(stage):
    gateway = Gateway(stage)
    gateway.smtps, = free_ports(gateway.host, 1)
    gateway.configure({"smtp": {"listen_tls": [f"{gateway.host}:{gateway.smtps}"]}})
    broken = gateway.data / "config" / "mailboxes" / f"mbx-{'e' * 32}"
    broken.mkdir(parents=True)
    (broken / "n-00000000000000000000000000000000.toml").write_text("format = 1\nnode = [\n")
    gateway.start()
    mailboxes = [adopt(gateway, f"mbx-{digit * 32}", PASSWORD) for digit in "abc5d"]
    gateway.command("mailbox", "delete", mailboxes.pop().address)
    gateway.command("mailbox", "suspend", mailboxes.pop().address)

    def play(file):
        player = SmtpPlayer(file, gateway, mailboxes)
        player.play()
        player.end_of_message()
    play_all("smtp", play, 60)


def adopt(gateway, address, password):
    gateway.command("mailbox", "create", "--name", "adopted", "--address", address, "--password-stdin",
                    text=password + "\n")
    return Mailbox(address, f"{address}@{DOMAIN}", password)


class Pop3Player(Player):
    """Messages come to the mailbox as files that stock `age` sealed: as copied in by an admin."""
    hex_is_line = True
    UNAVAILABLE = ("unlock-fails", "removal-fails", "damaged", "unreadable")

    def __init__(self, file, world):
        super().__init__(file)
        self.world_of, self.other = world, None
        self.gateway, self.mailbox = world(f"mbx-{'0' * 32}", PASSWORD)  # where a dialogue names none
        self.contents = {}
        for index, (_, kind, octets) in enumerate(self.steps):
            if kind == ">" and octets.decode().split()[0] in self.UNAVAILABLE:
                raise NeedsOtherWorld
            if kind == ">" and octets.startswith(b"message "):
                self.contents[octets.decode().split()[1]] = self.content_after(index)

    def content_after(self, index):
        content = b""
        for _, kind, octets in self.steps[index + 1:]:
            if kind not in ("M", "M-hex"):
                break
            content += octets + (b"\r\n" if kind == "M" else b"")
        return content

    def connect(self, tls=True):
        self.wire = Wire(self.gateway.host, self.gateway.pop3s if tls else self.gateway.pop3, tls)

    def look(self, kind, octets):
        pass  # M: was taken with its message

    def world(self, verb, words=""):
        if verb == "mailbox":
            self.gateway, self.mailbox = self.world_of(*words.split(" ", 1))
        elif verb == "message":
            self.seal(words, self.contents[words])
        elif verb == "messages":
            for number in range(1, int(words) + 1):
                self.seal(f"0192f000-0000-7000-8000-{number:012}",
                          f"Subject: {number}\r\n\r\nBody of {number}\r\n".encode())
        elif verb == "connect":
            self.connect(tls=words == "tls")
        elif verb == "tls":
            self.handshake()
        elif verb == "login":
            self.connect()
            self.unsent = f"USER {self.mailbox.address}\r\nPASS {self.mailbox.password}\r\n".encode()
            self.wire.send(self.unsent)
            self.unsent = b""
            for _ in range(3):
                self.hear("S", b"+OK")
        else:
            self.less_common(verb, words)

    def less_common(self, verb, words):
        if verb == "drop":
            self.wire.drop()
            self.wire = None
        elif verb == "closed":
            self.closed()
        elif verb == "waiting":
            wait_for(f"{words or 'nothing'} to wait", 20, lambda: words.split() == sorted(
                file.name for file in self.gateway.sealed_files() if self.mailbox.address in file.parts))
        elif verb == "occupied":
            self.other = Pop3(self.gateway, self.mailbox)
        elif verb == "free":
            self.other.must("QUIT")
            self.other.close()
        else:
            raise Failure(f"unknown: > {verb}")

    def seal(self, uidl, content):
        record, = (self.gateway.data / "config" / "mailboxes" / self.mailbox.address).glob("*.toml")
        recipient = re.search(r'recipient = "(age1[0-9a-z]{58})"', record.read_text())[1]
        folder = self.gateway.data / "mailboxes" / self.mailbox.address / recipient
        folder.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(["age", "-r", recipient, "-o", str(folder / ".arriving")], input=content,
                              capture_output=True, timeout=60)
        expect_equal(done.returncode, 0, f"age says {done.stderr!r}")
        (folder / ".arriving").rename(folder / uidl)


@case
def pop3_dialogues_over_real_connections(stage):
    need("age")
    gateways = {}  # a gateway for each password that dialogues give to the same address

    def world(address, password):
        gateway = gateways.get(password) or gateways.setdefault(password, Gateway(stage).start())
        if not (gateway.data / "config" / "mailboxes" / address).exists():
            adopt(gateway, address, password)
        return gateway, Mailbox(address, f"{address}@{DOMAIN}", password)

    def play(file):
        Pop3Player(file, world).play()
        for gateway in gateways.values():  # the next one begins with an empty mailbox
            for left in gateway.sealed_files():
                left.unlink()
    play_all("pop3", play, 50)


def play_all(protocol, play, at_least):
    played, left_out, wrong = 0, [], []
    for file in sorted((FOLDER / protocol).glob("*.txt")):
        try:
            play(file)
            played += 1
        except NeedsOtherWorld:
            left_out.append(file.stem)
        except (Failure, AssertionError, OSError) as failure:
            wrong.append(f"{file.name}: {failure}")
    print(f"  {protocol}: {played} played; need another world: {', '.join(left_out)}", flush=True)
    expect(not wrong, f"{len(wrong)} dialogues go otherwise:\n  " + "\n  ".join(wrong))
    expect(played >= at_least, f"only {played} dialogues were played")


if __name__ == "__main__":
    run()
