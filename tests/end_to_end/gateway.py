"""A real gateway for a test: its own folder, its own loopback address, ports chosen by the kernel.

Readiness is seen by its greetings, never guessed by sleeping; however a case ends, the process goes.
"""
import contextlib
import ctypes
import dataclasses
import itertools
import json
import os
import re
import resource
import signal
import socket
import subprocess

from cases import Failure, expect, expect_equal, wait_for

DOMAIN = "msgw.example.com"
HOSTNAME = "msgw1.example.com"
START_SECONDS = 60   # a sanitized build on a busy machine
STOP_SECONDS = 60    # the grace of 30 s and what it takes to write out the log
COMMAND_SECONDS = 60
_SANITIZER = re.compile(r"(ERROR: (Address|Leak|Undefined)\w*Sanitizer|WARNING: ThreadSanitizer|runtime error:).*")
_numbers = itertools.count()
if os.geteuid() == 0:
    with contextlib.suppress(ValueError):  # in a container that forbids it
        resource.setrlimit(resource.RLIMIT_MEMLOCK, (64 << 20, 64 << 20))  # as the unit gives it, whoever the server runs as


@dataclasses.dataclass(frozen=True)
class Mailbox:
    address: str
    email: str
    password: str


def die_with_parent():
    """In a child before exec: the kernel kills it when this test dies, even by SIGKILL."""
    ctypes.CDLL(None, use_errno=True).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def own_address():
    """A loopback address nobody else uses: 127.0.0.0/8 has room for every test at once, so ports
    found free on it stay free until the gateway takes them."""
    process = os.getpid()
    return f"127.{64 + (process >> 8) % 128}.{process % 256}.{1 + next(_numbers) % 250}"


def free_ports(address, count):
    sockets = []
    for _ in range(count):
        sockets.append(socket.socket())
        sockets[-1].bind((address, 0))
    ports = [taken.getsockname()[1] for taken in sockets]
    for taken in sockets:
        taken.close()
    return ports


def to_toml(settings):
    """A dict of plain values and one level of tables; JSON's literals are TOML's too."""
    plain = [f"{key} = {json.dumps(value)}" for key, value in settings.items()
             if not isinstance(value, dict)]
    tables = [f"\n[{name}]\n" + "\n".join(f"{key} = {json.dumps(value)}" for key, value in table.items())
              for name, table in settings.items() if isinstance(table, dict)]
    return "\n".join(plain + tables) + "\n"


class Gateway:
    """`settings` are laid over the defaults, table by table. `user` is a uid (and gid) to run as. `web`: with
    the page and its API, at https://HOST:WEB/ (web.py asks it)."""

    def __init__(self, stage, settings=None, user=None, environment=None, before_exec=None,
                 stderr=None, folder=None, web=False):
        self.binary = stage.binary
        self.folder = folder or stage.folder / f"gateway{len(stage.gateways)}"
        self.user = user
        self.environment = {**os.environ, **(environment or {})}
        self.before_exec = before_exec
        self.enter = die_with_parent  # in every child before exec
        self.stderr = stderr
        self.process = None
        self.host = own_address()
        self.smtp, self.pop3, self.pop3s, self.web = free_ports(self.host, 4)
        self.data = self.folder / "data"
        self.config = self.folder / "postern.toml"
        self.log_file = self.folder / "log"
        self.folder.mkdir(exist_ok=True)
        self.data.mkdir(mode=0o700, exist_ok=True)
        if user is not None:
            os.chown(self.data, user, user)
        self.settings = {
            "domain": DOMAIN, "hostname": HOSTNAME, "data": str(self.data),
            "smtp": {"listen": [f"{self.host}:{self.smtp}"]},
            "pop3": {"listen": [f"{self.host}:{self.pop3}"],
                     "listen_tls": [f"{self.host}:{self.pop3s}"]},
            "web": {"listen": [f"{self.host}:{self.web}"] if web else []}, "metrics": {"listen": []},
            "store": {"min_free": "1MiB"}}
        self.configure(settings or {})
        stage.gateways.append(self)
        stage.callback(self.leave_nothing)

    def configure(self, settings):
        """Lays `settings` over those in force and writes the file."""
        for key, value in settings.items():
            if isinstance(value, dict):
                self.settings.setdefault(key, {}).update(value)
            else:
                self.settings[key] = value
        self.config.write_text(to_toml(self.settings))

    def spawn(self):
        """Starts the server without waiting for it."""
        def prepare():
            self.enter()
            if self.before_exec:
                self.before_exec()
        identity = {} if self.user is None else {
            "user": self.user, "group": self.user, "extra_groups": []}
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen(
                [self.binary, "serve", "--config", str(self.config)], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log if self.stderr is None else self.stderr,
                env=self.environment, preexec_fn=prepare, start_new_session=True, **identity)
        return self

    def start(self):
        self.spawn()
        for port, greeting in ((self.smtp, b"220 "), (self.pop3, b"+OK")):
            wait_for(f"a greeting on port {port}", START_SECONDS, lambda: self.greets(port, greeting))
        wait_for(f"port {self.pop3s}", START_SECONDS, lambda: self.greets(self.pop3s, b""))
        return self

    def greets(self, port, greeting):
        if self.process.poll() is not None:
            raise Failure(f"the server ended with {self.process.returncode} instead of starting")
        try:
            with socket.create_connection((self.host, port), timeout=START_SECONDS) as connection:
                got = connection.recv(512) if greeting else b""
        except ConnectionError:
            return False
        expect(got.startswith(greeting), f"port {port} greets with {got!r}")
        return True

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self):
        """Waits for the end; returns the exit code."""
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise Failure(f"the server is still running after {STOP_SECONDS} s") from None

    def stop(self):
        self.signal(signal.SIGTERM)
        expect_equal(self.wait(), 0, "exit code after SIGTERM")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def restart(self):
        self.stop()
        self.start()

    def leave_nothing(self):
        """Teardown: ends the process. One that does not stop, or that a sanitizer reports on, fails the
        case even where all else held."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
                raise Failure(f"the server did not stop within {STOP_SECONDS} s") from None
        report = _SANITIZER.search(self.log())
        expect(not report, f"the server's log holds a sanitizer report: {report and report[0]}\n"
               + self.log_tail(60))

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def log_tail(self, lines=25):
        tail = self.log().splitlines()[-lines:]
        return f"  log of {self.host}:\n" + "".join(f"    {line}\n" for line in tail)

    def wait_log(self, pattern, seconds=20):
        """Waits for a line; returns the match."""
        return wait_for(f"a log line like {pattern!r}", seconds,
                        lambda: re.search(pattern, self.log()))

    def command(self, *words, text="", environment=None, code=0, user=None, seconds=COMMAND_SECONDS):
        """Runs `postern words… --config FILE`; fails unless it exits with `code` (None: any)."""
        identity = {} if user is None else {"user": user, "group": user, "extra_groups": []}
        done = subprocess.run(
            [self.binary, *words, "--config", str(self.config)], input=text.encode(),
            capture_output=True, timeout=seconds, preexec_fn=self.enter,
            env={**self.environment, **(environment or {})}, **identity)
        expect(code is None or done.returncode == code,
               f"`postern {' '.join(words)}` exited with {done.returncode}, wanted {code}\n"
               f"  out: {done.stdout[-2000:].decode(errors='replace')}\n"
               f"  err: {done.stderr[-2000:].decode(errors='replace')}")
        return done

    def create(self, name="journal"):
        made = json.loads(self.command("mailbox", "create", "--name", name, "--json").stdout)
        return Mailbox(made["address"], made["email"], made["password"])

    def status(self, field):
        """A field of /proc/PID/status in KiB: VmHWM is the peak of resident memory."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            found = re.search(rf"^{field}:\s+(\d+) kB", status.read(), re.MULTILINE)
        return int(found[1])

    def sealed_files(self):
        """Every file below mailboxes/, but for deleted ones."""
        return sorted(path for path in (self.data / "mailboxes").rglob("*")
                      if path.is_file() and "deleted" not in path.parts)

    def open_files(self):
        """What the server holds open of regular files, also of unlinked ones: {fd: target}. Folders of
        mailboxes stay open between deliveries."""
        folder = f"/proc/{self.process.pid}/fd"
        found = {}
        for number in os.listdir(folder):
            try:
                target = os.readlink(f"{folder}/{number}")
            except FileNotFoundError:
                continue  # closed meanwhile
            if target.startswith(str(self.data)) and not os.path.isdir(target):
                found[number] = target
        return found


def started(stage, settings=None, **options):
    """A running gateway with one mailbox: the ground most cases stand on."""
    gateway = Gateway(stage, settings, **options).start()
    return gateway, gateway.create()

