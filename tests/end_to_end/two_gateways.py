"""Two gateways that share their mailboxes the way admins do it: config/ copied from one to the other by
hand. A notebook holds each password that was ever shown, as a careful admin's would.
"""
import itertools
import json
import shutil

from cases import expect_equal, wait_for
from clients import Pop3, deliver, program
from gateway import Gateway, Mailbox
from passwords import counts, password


def _cp(*flags):
    def copy(source, target):
        program("cp", *flags, f"{source}/.", str(target))
    return copy


def _rsync(source, target):
    program("rsync", "--archive", "--delete", f"{source}/", f"{target}/")


def _restore(source, target):
    """A whole folder in the place of another, as it comes out of a backup."""
    shutil.rmtree(target)
    program("cp", "-a", str(source), str(target))


COPYING = {"cp -a": _cp("-a"), "cp": _cp("-r"), "rsync --delete": _rsync, "a restored folder": _restore}


_markers = itertools.count()


def config(gateway):
    return gateway.data / "config"


class Notebook:
    """Every password by the recipient of the key it opens."""

    def __init__(self):
        self.passwords = {}

    def note(self, gateway, address, secret):
        """Of the newest key that this gateway made: a twin's may have come since."""
        own = [key for key in self._keys(gateway, address) if key["node"] == gateway.settings["hostname"]]
        self.passwords[own[-1]["recipient"]] = secret

    def recipient(self, gateway, address):
        """The key that mail is sealed to now."""
        return self._keys(gateway, address)[-1]["recipient"]

    @staticmethod
    def _keys(gateway, address):
        return json.loads(gateway.command("mailbox", "show", address, "--json").stdout)["keys"]

    def present(self, gateway, mailbox):
        """The mailbox with the password that is valid on this gateway now."""
        secret = self.passwords[self.recipient(gateway, mailbox.address)]
        return Mailbox(mailbox.address, mailbox.email, secret)

    def create(self, gateway, name):
        mailbox = gateway.create(name)
        self.note(gateway, mailbox.address, mailbox.password)
        return mailbox

    def change(self, gateway, mailbox):
        answer = password(gateway, mailbox, lines=[self.present(gateway, mailbox).password])
        self.note(gateway, mailbox.address, answer["password"])

    def reset(self, gateway, mailbox):
        self.note(gateway, mailbox.address, password(gateway, mailbox, "--reset")["password"])


class Mail:
    """What was delivered where: {(gateway, mailbox): ids}."""

    def __init__(self, notebook):
        self.notebook = notebook
        self.taken = {}

    def deliver(self, gateway, mailbox, message):
        self.taken.setdefault((gateway, mailbox), set()).add(deliver(gateway, message, mailbox))

    def is_all_there(self, gateway, mailbox):
        """None has disappeared: each is listed, or waits for an earlier password."""
        waiting, locked = counts(gateway, mailbox)
        expect_equal(waiting + locked, len(self.taken[gateway, mailbox]), f"messages in {mailbox.address}")
        with Pop3(gateway, self.notebook.present(gateway, mailbox)) as pop:
            listed = {uidl for _, uidl in pop.listing("UIDL")}
        expect_equal(len(listed), waiting, "messages the present password lists")
        expect_equal(listed - self.taken[gateway, mailbox], set(), "messages of nobody")

    def all_opens(self, gateway, mailbox):
        """Each message is read, after the passwords noted have unlocked what is locked."""
        present = self.notebook.present(gateway, mailbox)
        for _ in range(10):
            _, locked = counts(gateway, mailbox)
            if not locked:
                break
            password(gateway, mailbox, "--unlock-earlier",
                     lines=[self._earlier(gateway, mailbox), present.password])
        with Pop3(gateway, present) as pop:
            found = dict(reversed(pair) for pair in pop.listing("UIDL"))
            for number in found.values():
                pop.retr(number)
        expect_equal(set(found), self.taken[gateway, mailbox], f"what opens in {mailbox.address}")

    def _earlier(self, gateway, mailbox):
        """A noted password of a key that has messages, but is not opened by the present one."""
        with Pop3(gateway, self.notebook.present(gateway, mailbox)) as pop:
            listed = {uidl for _, uidl in pop.listing("UIDL")}
        locked = next(file for file in gateway.sealed_files()
                      if file.parent.parent.name == mailbox.address and file.name not in listed)
        return self.notebook.passwords[locked.parent.name]


def introduced(stage, settings=None):
    """(one, other, notebook, mailbox): the second began with a copy of the first's config/, so it trusts it;
    then a backup of the second was imported at the first with --trust. Both run."""
    one, other, notebook = Gateway(stage, settings).start(), Gateway(stage, settings), Notebook()
    mailbox = notebook.create(one, "the first")
    shutil.copytree(config(one), config(other), dirs_exist_ok=True)
    other.start()
    other.command("mailbox", "edit", mailbox.address, "--description", "known to both")
    trust(one, other)
    expect_equal(descriptions(one)[mailbox.address], "known to both", "what the first knows of the second's statements")
    return one, other, notebook, mailbox


def trust(gateway, other):
    backup = gateway.folder / "of-the-other.toml"
    other.command("backup", "export", str(backup))
    gateway.command("backup", "import", str(backup), "--trust")
    backup.unlink()


def descriptions(gateway):
    listed = json.loads(gateway.command("mailbox", "list", "--json").stdout)
    return {mailbox["address"]: mailbox["description"] for mailbox in listed}


def copied(how, source, target):
    """config/ of one gateway (or a folder) over that of another, and until its server has read it. A server
    that does not run reads it when it starts."""
    COPYING[how](config(source) if isinstance(source, Gateway) else source, config(target))
    if target.process is not None and target.process.poll() is None:
        noticed(target)


def noticed(gateway):
    """Until the server has read all that lies in config/ now: it names a folder that came last."""
    marker = config(gateway) / "mailboxes" / f"marker-{next(_markers)}"
    marker.mkdir()
    wait_for("the server to read its records", 30, lambda: str(marker) in gateway.log())
    marker.rmdir()
