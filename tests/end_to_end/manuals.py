"""README.md and docs/: their blocks, commands, links, and a place where the commands of a page are run as they stand."""
import dataclasses
import functools
import os
import pathlib
import re
import shlex
import signal
import subprocess

import fixtures
from cases import expect, wait_for
from clients import deliver, fetch_all
from gateway import DOMAIN, HOSTNAME, Gateway, Mailbox, die_with_parent, free_ports, own_address

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LOGIN = "mbx-2a20342e96294505a35eb5c8364eb67c"  # the mailbox of all examples
PASSWORD = "qn5x(/.B9M~PsZA92f]VYbIG`q{!1^[8"
PASSPHRASE = "a staple of horses, correct"
TWIN = "msgw2.example.com"
RUN_SECONDS = 120
START_SECONDS = 60


@dataclasses.dataclass(frozen=True)
class Block:
    page: str
    line: int
    language: str
    text: str

    def __str__(self):
        return f"{self.page}:{self.line}"


def blocks(*languages):
    """All fenced blocks, or those of these languages."""
    found = []
    for page in PAGES:
        opened = None
        for number, line in enumerate(page.read_text().splitlines(), 1):
            fence = re.match(r"( *)```(\S*)$", line)
            if fence and opened is None:
                opened = (number, fence[1], fence[2], [])
            elif fence:
                start, indent, language, lines = opened
                text = "\n".join(row.removeprefix(indent) for row in lines) + "\n"
                found.append(Block(str(page.relative_to(ROOT)), start, language, text))
                opened = None
            elif opened:
                opened[3].append(line)
        expect(opened is None, f"{page}: a block has no end")
    return [block for block in found if not languages or block.language in languages]


def commands(text):
    """The commands of a block: a line each, with those that continue it and its here-document."""
    lines, found = iter(text.splitlines()), []
    for line in lines:
        while line.endswith("\\"):
            line = line[:-1] + next(lines).strip()
        end = re.search(r"<<(\w+)", line)
        while end and not line.endswith(f"\n{end[1]}"):
            line += "\n" + next(lines)
        if line.strip():
            found.append(line)
    return found


def mentioned():
    """(where, words) of every `postern …`: in blocks, and in the text between them."""
    for block in blocks():
        for line in commands(block.text):
            for words in re.findall(r"(?:^|(?<!-u)(?<!--name)[ /\"$(!])(?:postern )?postern ((?!postern )(?:[a-z]+(?![.:/\w])|--[a-z-]+)(?: \S+)*)", line, re.M):
                yield str(block), words
    for page in PAGES:
        text = re.sub(r"^ *```.*?^ *```$", "", page.read_text(), flags=re.M | re.S)
        for words in re.findall(r"`(?:sudo )?postern ([^`]+)`", text):
            yield str(page.relative_to(ROOT)), " ".join(words.split())


class Playground:
    """A gateway with the mailbox of the examples, and a shell in which `postern`, `curl` and other systems' commands
    reach it under the names that the page uses. Mail waits; some was fetched and deleted."""

    def __init__(self, stage, twin=False):
        self.stage = stage
        self.gateway = Gateway(stage, {"hostname": HOSTNAME}, web=True).start()
        self.mailbox = Mailbox(LOGIN, f"{LOGIN}@{DOMAIN}", PASSWORD)
        self.gateway.command("mailbox", "create", "--name", "Contoso", "--address", LOGIN, "--password-stdin",
                             text=PASSWORD + "\n")
        self.passwords = {LOGIN: PASSWORD}  # as they are now
        self.fill()
        self.folder = self.gateway.folder / "work"
        self.folder.mkdir()
        self.bin = self.gateway.folder / "bin"
        self.bin.mkdir()
        self.lay_out()
        self.twin = Gateway(stage, {"hostname": TWIN}, web=True).start() if twin else None
        if self.twin:
            self.twin.command("twin", "join", text=self.gateway.command("twin", "invite").stdout.decode())

    def fill(self):
        deliver(self.gateway, fixtures.small(1), self.mailbox)
        fetch_all(self.gateway, self.mailbox, delete=True)
        for message in (fixtures.journal_report(), fixtures.small(2)):
            deliver(self.gateway, message, self.mailbox)

    def lay_out(self):
        """The commands of the shell, and files that the pages say one has."""
        gateway = self.gateway
        away = " ".join(f"--connect-to {host}:{port}:{gateway.host}:{ours}" for host in (HOSTNAME, "OLD")
                        for port, ours in ((25, gateway.smtp), (110, gateway.pop3), (995, gateway.pop3s)))
        self.shim("postern", f'exec {shlex.quote(str(gateway.binary))} "$@" --config {gateway.config}')
        self.shim("sudo", 'exec "$@"')
        self.shim("curl", f'exec /usr/bin/curl {away} "$@"')
        self.shim("journalctl", f'[ "$1 $2" = "-u postern" ] && [ -f {ROOT}/packaging/systemd/postern.service ] && '
                                f'exec cat {gateway.log_file}')
        (self.folder / "README.md").write_bytes((ROOT / "README.md").read_bytes())
        (self.folder / "failed").mkdir()
        for name in ("1.eml", "failed/2.eml"):
            (self.folder / name).write_bytes(fixtures.small(3))
        for place in ("etc", "root", "backups"):
            (self.folder / place).mkdir()
        self.places = {"/etc/postern/": f"{self.folder}/etc/", "/root/": f"{self.folder}/root/",
                       "/var/backups/postern": f"{self.folder}/backups", "/var/lib/postern": str(gateway.data),
                       "mbx-…": LOGIN, "-g postern": f"-g {os.getgid()}"}

    def shim(self, name, line):
        file = self.bin / name
        file.write_text(f"#!/bin/sh\n{line}\n")
        file.chmod(0o755)

    def run(self, line, text="", where=""):
        """Runs a command as it stands, but for the places of files; fails where it does not end with 0."""
        for theirs, ours in self.places.items():
            line = line.replace(theirs, ours)
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", line], input=text.encode(), capture_output=True,
                              timeout=RUN_SECONDS, cwd=self.folder, env=self.environment(), preexec_fn=die_with_parent)
        said = done.stdout.decode(errors="replace")
        expect(done.returncode == 0, f"{where}: `{line}` ended with {done.returncode}\n{said[-1500:]}"
                                     f"{done.stderr.decode(errors='replace')[-1500:]}")
        for login, password in re.findall(r"^  Login +(\S+)\n  Password +(\S+)$", said, re.M):
            self.passwords[login] = password
        return said

    def environment(self):
        return {**self.gateway.environment, "PATH": f"{self.bin}:{os.environ['PATH']}", "HOME": str(self.folder)}

    def start(self, line, ready, where):
        """A command that ends with `&`: it runs until the case ends."""
        process = subprocess.Popen(["bash", "-c", "exec " + line.rstrip("& ")], cwd=self.folder, stdin=subprocess.DEVNULL,
                                   env=self.environment(), preexec_fn=die_with_parent,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        def end():
            process.send_signal(signal.SIGTERM)
            process.wait(RUN_SECONDS)
        self.stage.callback(end)
        wait_for(f"what {where} starts", START_SECONDS, ready)


@functools.cache
def literals():
    """What the program may say: every string of its sources, those that follow one another joined."""
    found = []
    for folder in ("gateway", "smtp", "pop3", "acme", "webui", "crypto"):
        for file in (ROOT / folder).rglob("*.cpp"):
            text = re.sub(r"\s//\s.*", "", file.read_text())
            for run in re.findall(r'"(?:[^"\\\n]|\\.)*"(?:\s*\+?\s*"(?:[^"\\\n]|\\.)*")*', text):
                found.append("".join(re.findall(r'"((?:[^"\\]|\\.)*)"', run)).replace('\\"', '"'))
    return found


def says(part):
    """Whether the program has these words: in one string, or in two of which one is put behind the other."""
    return any(part in text for text in literals()) or any(
        any(text.endswith(part[:at]) for text in literals()) and any(text.startswith(part[at:]) for text in literals())
        for at in {found.start() for found in re.finditer(r"[;:,]|(?<=\] )|(?<=^login)", part)})


def free_names(text, *ports):
    """The text with its loopback address and these ports replaced by ones that nobody else uses; and what took their place."""
    host = own_address()
    found = dict(zip(ports, free_ports(host, len(ports))))
    text = text.replace("127.0.0.1", host)
    for theirs, ours in found.items():
        text = text.replace(f":{theirs}", f":{ours}")
    return text, host, found
