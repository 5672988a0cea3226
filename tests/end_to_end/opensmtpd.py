"""A real OpenSMTPD as sender: it has its folders built in, so its own are laid over them."""
import os
import pwd

from mail_server import HELLO, UNPACKED, MailServer, unpacked, with_accounts


class OpenSmtpd(MailServer):
    """Sends under TLS only; the gateway's certificate is self-signed."""

    def __init__(self, stage, gateway):
        peers = unpacked("opensmtpd")
        super().__init__(stage, "opensmtpd")
        config = self.folder / "smtpd.conf"
        config.write_text(
            f"listen on {self.host} port {self.smtp} hostname {HELLO}\n"
            "smtp max-message-size 200M\n"
            f'action "gateway" relay host "smtp+tls://{gateway.host}:{gateway.smtp}" tls no-verify helo "{HELLO}"\n'
            'match from any for any action "gateway"\n')
        self.start(peers, [UNPACKED / "usr/sbin/smtpd", "-d", "-f", config], over=self._lay_out())

    def _lay_out(self):
        for name in ("run", "lib/opensmtpd/empty", "spool/smtpd/offline"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "spool" / "smtpd").chmod(0o711)
        os.chown(self.folder / "spool" / "smtpd" / "offline", 0, pwd.getpwnam("mail").pw_gid)
        (self.folder / "spool" / "smtpd" / "offline").chmod(0o770)
        return [*with_accounts(self.folder, "opensmtpd", "opensmtpq"), (self.folder / "run", "/run"),
                (self.folder / "lib", "/var/lib"), (self.folder / "spool", "/var/spool")]

    def send(self, message, mailbox):
        """Queues one message and waits until the gateway has answered 250 for it."""
        queued = self.queue(message, mailbox, r"250 2\.0\.0 (\w+) Message accepted")
        self.delivered(rf'mta delivery evpid={queued}.* result="Ok" stat="250 2\.0\.0 ')
