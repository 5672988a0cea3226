"""What each recipe stands on: two machines with a gateway each, DNS, a Postfix that sends, an archiver that pulls,
and faults that strike at random from a printed seed. Imported first: it makes the other tools known.
"""
import contextlib
import itertools
import os
import pathlib
import random
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from archiving import Account, Archiver  # noqa: E402: found only now
from cases import Failure, Skip, expect, seconds, wait_for  # noqa: E402
from clients import program  # noqa: E402
from gateway import DOMAIN, Gateway  # noqa: E402
from names import NameServer, host_record  # noqa: E402
from network import NAME_SERVER, Host, Network  # noqa: E402
from sending import Sender, Stream  # noqa: E402
from twins import in_step, invitation  # noqa: E402

FAULTS = ("stopped", "killed", "cut off", "full")
FETCHED_MEANWHILE = 24  # what rsync ends with where a file has vanished before it came to it
_DISK_MIB = 192  # room for what nobody fetches for minutes


class Node(Gateway):
    """A gateway on a machine of its own: real ports, its data on a small file system."""

    def __init__(self, stage, host):
        self.place, self.filler = host, None
        folder = stage.folder / host.name
        data = folder / "data"
        data.mkdir(parents=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_DISK_MIB}m,mode=0700", "tmpfs", str(data)],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Skip(f"no file system can be mounted here: {done.stderr.strip()}")
        stage.callback(subprocess.run, ["umount", "--lazy", str(data)], check=True)
        super().__init__(stage, {"hostname": host.name}, folder=folder, web=True)
        self.host, self.smtp, self.pop3, self.pop3s, self.web = host.address, 25, 110, 995, 8450
        self.enter = host.enter
        self.configure({"smtp": {"listen": [f"{self.host}:25"]}, "web": {"listen": [f"{self.host}:8450"]},
                        "pop3": {"listen": [f"{self.host}:110"], "listen_tls": [f"{self.host}:995"]}})

    def greets(self, port, greeting):
        with self.place.inside():
            return super().greets(port, greeting)

    def took(self):
        """How many messages it has stored."""
        return self.log().count(" message stored ")

    def strike(self, fault):
        if fault == "stopped":
            self.stop()
        elif fault == "killed":
            self.kill()
        elif fault == "cut off":
            self.place.cut()
        else:
            self._fill()

    def heal(self, fault):
        if fault in ("stopped", "killed"):
            self.start()
        elif fault == "cut off":
            self.place.mend()
        else:
            self.filler.unlink()

    def _fill(self):
        self.filler = self.data / "filler"
        with open(self.filler, "wb", buffering=0) as file:
            for piece in (1 << 18, 4096, 1):
                with contextlib.suppress(OSError):
                    while file.write(bytes(piece)):
                        pass


def move_messages(source, target):
    """As an admin does: the files of a mailbox's folders are added to those of the other node."""
    done = program("rsync", "--archive", "--remove-source-files", "--exclude=deleted", f"{source.data}/mailboxes/",
                   f"{target.data}/mailboxes/", code=None)
    expect(done.returncode in (0, FETCHED_MEANWHILE), f"rsync: {done.stderr.decode()}")


def stand_by(source, target, stage):
    """The target gets the source's backup; it need not run."""
    backup = stage.folder / "backup.toml"
    source.command("backup", "export", str(backup))
    target.command("backup", "import", str(backup))
    backup.unlink()


class Scene:
    """`names` is the DNS, `nodes` are msgw1 and msgw2 (not running yet). With `roots`, a file, all of these hosts trust
    the authorities in it, and the sending and archiving sides verify by it whom they talk to."""

    def __init__(self, stage, roots=None):
        self.stage = stage
        self.seed = int(os.environ.get("SEED", random.SystemRandom().randrange(10**6)))
        self.random = random.Random(self.seed)
        print(f"seed {self.seed} (SEED sets it)", flush=True)
        self.network = Network(stage)
        self.network.roots = roots
        self.names = NameServer(stage, Host(self.network, "ns.example.com", 53))
        self.nodes = [Node(stage, Host(self.network, f"msgw{number}.example.com", 10 + number)) for number in (1, 2)]
        self.publish()
        self.sender = Sender(stage, Host(self.network, "sender.example.com", 20), roots)
        self.office = Host(self.network, "office.example.com", 30)

    def publish(self, *records):
        """The nodes' own names, and these records."""
        self.names.publish(*(host_record(node.place.name, node.host) for node in self.nodes), *records)

    def twins(self):
        """Both run and are paired; a mailbox of the first."""
        one, other = self.nodes
        one.start()
        mailbox = one.create()
        other.start()
        other.command("twin", "join", text=invitation(one))
        in_step(one, other)
        return mailbox

    def traffic(self, mailbox, *profiles, fetchmail=()):
        """Reports begin to flow, and the archiver to pull."""
        self.archiver = Archiver(self.stage, self.office, mailbox, Account(mailbox), self.network.roots)
        self.archiver.follow(*profiles)
        self.archiver.follow(*fetchmail, fetchmail=True)
        self.stream = Stream(self.stage, self.sender, mailbox)
        self.stream.begin()

    def faults(self, least=len(FAULTS)):
        """Faults in any order, `least` of them and then until the time is over; each comes before one comes again."""
        until = time.monotonic() + seconds(5)
        for count in itertools.count():
            if count >= least and time.monotonic() > until:
                return
            if count % len(FAULTS) == 0:
                order = self.random.sample(FAULTS, len(FAULTS))
            yield order[count % len(FAULTS)]

    def strike(self, node, fault):
        """At any moment of what goes on."""
        time.sleep(self.random.uniform(0, 1))
        print(f"{node.place.name} is {fault}", flush=True)
        node.strike(fault)

    def trouble(self, nodes=None):
        """Now this node, now that is struck, lies for a moment, and is brought back."""
        for fault in self.faults():
            node = self.random.choice(nodes or self.nodes)
            self.strike(node, fault)
            time.sleep(self.random.uniform(0.2, 2))
            node.heal(fault)

    def mail_reaches(self, node):
        """Waits until the node has stored one more."""
        before = node.took()
        try:
            wait_for(f"{node.place.name} to take mail", 120, lambda: node.took() > before or self.stream.trouble, pause=0.1)
        except Failure as failure:
            raise Failure(f"{failure}; Postfix says\n{self.sender.log()[-4000:]}") from None
        self.stream.goes_on()

    def end(self):
        """The last report is sent, and all of them must be at the archiver."""
        self.stream.end()
        self.archiver.fetch_the_rest(self.stream)


def mx(*preferences):
    """MX records of the domain, one for each node."""
    return [f"mx-host={DOMAIN},msgw{number}.example.com,{preference}"
            for number, preference in enumerate(preferences, start=1)]
