"""The peers of `make bench`: Debian's Postfix and Dovecot, unpacked and never installed, in namespaces of their own.

P1: Postfix, LMTP, Dovecot with mail_crypt (a key for each user, under the POP3 password), POP3S: what an admin would
build for mail that only its reader can open. P2: Postfix into Maildirs, Dovecot with POP3S, nothing encrypted.
Both sync what they acknowledge; P1 keeps it in clear text until it is delivered.
"""
import os
import pathlib
import socket
import subprocess

import peers_config as config
from cases import Failure, expect
from clients import program
from mail_server import MailServer, enclosed, unpacked
from servers import MAILBOXES, ROOT, put_away, seconds_until

PASSWORD = "secret"
# Their files appear where they would be installed: what is built into Dovecot cannot be told to look elsewhere.
_OVER_USR = 'mount -t overlay overlay -o lowerdir=/mnt/usr:/usr /usr && exec "$@"'


def installed(words):
    return ["sh", "-c", _OVER_USR, "sh", *words]


class _Dovecot(MailServer):
    """POP3S, and LMTP on a socket in its folder where it encrypts."""

    def __init__(self, stage, name, packages, over, encrypting):
        super().__init__(stage, f"{name}-dovecot")
        self.packages, self.over = packages, over
        self.mail = self.folder / "mail"
        for folder in (self.mail, self.folder / "home", self.folder / "run"):
            folder.mkdir()
        for folder in (self.mail, self.folder / "home"):
            os.chown(folder, config.VMAIL, config.VMAIL)
        self.file = self.folder / "dovecot.conf"
        self.log_files.append(self.folder / "log")
        certificate, key = self.folder / "cert.pem", self.folder / "key.pem"
        program("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                "-subj", "/CN=localhost", "-keyout", str(key), "-out", str(certificate))
        secret = f" userdb_mail_crypt_private_password={PASSWORD}" if encrypting else ""
        (self.folder / "users").write_text("".join(
            f"box{number}:{{PLAIN}}{PASSWORD}::::::{secret}".rstrip() + "\n" for number in range(MAILBOXES)))
        self.file.write_text(config.dovecot(self.folder, self.host, self.smtp, encrypting))
        self.start(packages, installed(["dovecot", "-F", "-c", self.file]), over)
        if encrypting:
            self._make_keys()

    def _greets(self):
        expect(self.process.poll() is None, f"{self.name} ended:\n{self.log()}")
        try:
            socket.create_connection((self.host, self.smtp), timeout=5).close()
        except ConnectionError:
            return False
        return True

    def _make_keys(self):
        """Doveadm is asked for each user in one enclosure, for that costs more than the key."""
        command = (f"for n in $(seq 0 {MAILBOXES - 1}); do doveadm -c {self.file} -o plugin/mail_crypt_private_password="
                   f"{PASSWORD} mailbox cryptokey generate -u box$n -U || exit 1; done")
        done = subprocess.run(enclosed(self.packages, installed(["sh", "-c", command]), self.over), capture_output=True,
                              text=True, timeout=300)
        if done.returncode:
            raise Failure(f"no keys for {self.name}: {done.stdout[-500:]}{done.stderr[-500:]}\n{self.log()}")


class _Postfix(MailServer):
    def __init__(self, stage, name, packages, over, dovecot, encrypting):
        super().__init__(stage, f"{name}-postfix")
        self.queue = self.folder / "queue"
        state = self.folder / "state"
        for folder in (self.queue, state):
            folder.mkdir()
        for directory in ("incoming active deferred bounce defer corrupt hold flush saved trace private public "
                          "maildrop pid").split():
            (self.queue / directory).mkdir()
            if directory != "pid":
                group = config.POSTDROP if directory in ("public", "maildrop") else 0
                os.chown(self.queue / directory, config.POSTFIX, group)
        os.chown(state, config.POSTFIX, 0)
        self.log_files.append(self.folder / "log")
        (self.folder / "master.cf").write_text(config.postfix_services(self.host, self.smtp))
        (self.folder / "main.cf").write_text(config.postfix(self.folder, dovecot.folder, encrypting))
        (self.folder / "boxes").write_text("".join(
            f"box{number}@example.com box{number}/\n" for number in range(MAILBOXES)))
        self.start(packages, installed(["/usr/lib/postfix/sbin/master", "-d", "-c", self.folder]), over)


class Peer:
    """One mail server of two programs, with the face that servers.Postern has."""

    encrypting = False

    def __init__(self, stage):
        packages = unpacked("postfix")
        program(str(ROOT / "tests/end_to_end/unpack-peers"), "dovecot-core", "dovecot-lmtpd", "dovecot-pop3d")
        folder = stage.folder / f"{self.name}-accounts"
        folder.mkdir()
        over = config.accounts(folder)
        self.dovecot = _Dovecot(stage, self.name, packages, over, self.encrypting)
        self.postfix = _Postfix(stage, self.name, packages, over, self.dovecot, self.encrypting)

    @property
    def roots(self):
        return [self.dovecot.process.pid, self.postfix.process.pid]

    host = property(lambda self: self.postfix.host)
    smtp = property(lambda self: self.postfix.smtp)
    pop3_host = property(lambda self: self.dovecot.host)
    pop3s = property(lambda self: self.dovecot.smtp)

    def recipients(self, count):
        return [f"box{number}@example.com" for number in range(count)]

    def accounts(self, count):
        return [f"box{number} {PASSWORD}" for number in range(count)]

    def settled(self):
        """How long it took until the queue was empty."""
        return seconds_until(lambda: not any(
            file for name in ("incoming", "active", "maildrop")
            for file in pathlib.Path(self.postfix.queue / name).rglob("*") if not file.is_dir()))

    def empty(self):
        deferred = [file for file in (self.postfix.queue / "deferred").rglob("*") if file.is_file()]
        expect(not deferred, f"{len(deferred)} messages were not delivered:\n{self.postfix.log()[-500:]}")
        put_away([file for name in ("new", "cur") for file in self.dovecot.mail.glob(f"*/{name}/*")], self.dovecot.folder)

    def multiply(self, count):
        """Further names of the messages in the first Maildir, with the sizes that Dovecot wrote into theirs."""
        box = self.dovecot.mail / "box0"
        files = sorted(file for folder in ("new", "cur") for file in (box / folder).iterdir())
        for number in range(count - len(files)):
            file = files[number % len(files)]
            sizes = file.name.partition(",")[1] + file.name.partition(",")[2].partition(":")[0]
            os.link(file, box / "cur" / f"{1_700_000_000 + number}.M{number}P1.bench{sizes}:2,")
        os.utime(box / "cur")


class P1(Peer):
    name = "P1"
    encrypting = True


class P2(Peer):
    name = "P2"
