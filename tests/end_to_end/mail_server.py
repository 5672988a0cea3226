"""Real mail servers as senders: unpacked, never installed; each with a folder, address and queue of its own.

They run in namespaces of their own, so that ending the first process ends all of them, and what a server
has built in (folders, names of accounts) is laid over the machine's for that server alone. Root is needed:
they switch between accounts, here ones that every Debian machine has.
"""
import os
import pathlib
import pwd
import re
import subprocess

from cases import Failure, Skip, need, need_root, wait_for
from clients import SENDER, Smtp, Wire
from fixtures import stuffed
from gateway import die_with_parent, free_ports, own_address

HELLO = "sender.example.com"
SEND_SECONDS = 60
# Where a server finds what was unpacked: a checkout may lie in a folder that its accounts may not enter.
UNPACKED = pathlib.Path("/mnt")
LIBRARIES = f"{UNPACKED}/usr/lib/{os.uname().machine}-linux-gnu"
# What is laid over must not reach the machine. Where the root is no mount point, as in a chroot, its mount
# cannot be made private; then nothing may be shared already. The shell stays the first process: a server
# may change its uid, which would make the kernel forget to kill it with its parent.
_ENCLOSURE = """\
set -e
mount --make-rprivate / 2>/dev/null || { [ -r /proc/1/mountinfo ] && ! grep -q ' shared:' /proc/1/mountinfo; } ||
    { echo "mounts in this chroot would reach the machine" >&2; exit 1; }
while [ "$1" != -- ]; do mount --bind "$1" "$2"; shift 2; done
shift; set +e
"$@"; exit $?
"""


def unpacked(package):
    """The folder with the package's files; skips the case where that cannot be had, or not be run."""
    need_root("mail servers switch between accounts")
    need("unshare")
    script = pathlib.Path(__file__).with_name("unpack-peers")
    done = subprocess.run([str(script), package], capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise Skip(f"{package} cannot be unpacked: {done.stderr.strip()}")
    peers = pathlib.Path(done.stdout.strip().splitlines()[-1])
    tried = subprocess.run(enclosed(peers, ["true"]), capture_output=True, text=True, timeout=60)
    if tried.returncode:
        raise Skip(f"no namespaces for {package}: {tried.stderr.strip()}")
    return peers


def with_accounts(folder, *names):
    """Files to lay over the machine's, in which `names` are further names of its unprivileged accounts."""
    users, groups = pathlib.Path("/etc/passwd").read_text(), pathlib.Path("/etc/group").read_text()
    for name, account in zip(names, ("daemon", "mail"), strict=False):
        entry = pwd.getpwnam(account)
        users += f"{name}:x:{entry.pw_uid}:{entry.pw_gid}::/nonexistent:/usr/sbin/nologin\n"
        groups += f"{name}:x:{entry.pw_gid}:\n"
    (folder / "passwd").write_text(users)
    (folder / "group").write_text(groups)
    return [(folder / "passwd", "/etc/passwd"), (folder / "group", "/etc/group")]


def enclosed(peers, words, over=()):
    """The command that runs `words` in namespaces of its own, with each (ours, theirs) of `over` in place."""
    pairs = [str(path) for pair in [(peers, UNPACKED), *over] for path in pair]
    return ["unshare", "--mount", "--propagation", "unchanged", "--pid", "--fork", "--kill-child=SIGKILL",
            "sh", "-c", _ENCLOSURE, "sh", *pairs, "--", *map(str, words)]


class MailServer:
    """One that listens. A subclass lays out its folder and then calls start()."""

    def __init__(self, stage, name):
        self.stage = stage
        self.name = name
        self.folder = stage.folder / name
        self.folder.mkdir()
        self.host = own_address()
        self.smtp, = free_ports(self.host, 1)
        self.log_files = [self.folder / "out"]
        self.process = None
        self.enter = die_with_parent  # in the child before exec

    def start(self, peers, words, over=(), libraries=LIBRARIES):
        self.process = subprocess.Popen(
            enclosed(peers, words, over), env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LD_LIBRARY_PATH": libraries},
            stdin=subprocess.DEVNULL, stdout=open(self.folder / "out", "wb"), stderr=subprocess.STDOUT,
            preexec_fn=self.enter, start_new_session=True)
        self.stage.callback(self._stop)
        wait_for(f"{self.name} on port {self.smtp}", 30, self._greets)

    def _greets(self):
        if self.process.poll() is not None:
            raise Failure(f"{self.name} ended with {self.process.returncode}:\n{self.log()}")
        try:
            with Wire(self.host, self.smtp) as wire:
                return wire.line().startswith(b"220 ")
        except ConnectionError:
            return False

    def log(self):
        return "".join(file.read_text(errors="replace") for file in self.log_files if file.exists())

    def queue(self, message, mailbox, queued):
        """Gives it one message, as a mail client would; returns the id that the pattern `queued` finds."""
        with Smtp(self, starttls=False) as smtp:
            smtp.must(f"MAIL FROM:<{SENDER}> BODY=8BITMIME", "250")
            smtp.must(f"RCPT TO:<{mailbox.email}>", "250")
            answer = smtp.data(stuffed(message))
        found = re.search(queued, answer)
        if not found:
            raise Failure(f"{self.name} did not queue the message: {answer}\n{self.log()}")
        return found[1]

    def delivered(self, pattern):
        """Waits until its log says so."""
        try:
            return wait_for(f"{self.name} to deliver", SEND_SECONDS, lambda: re.search(pattern, self.log()))
        except Failure as failure:
            raise Failure(f"{failure}\n{self.log()}") from None

    def _stop(self):
        self.process.kill()  # --kill-child takes its namespaces with it
        self.process.wait()
