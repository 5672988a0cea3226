"""A real Postfix as sender."""
import grp
import os
import pwd

from mail_server import HELLO, LIBRARIES, UNPACKED, MailServer, unpacked

OWNER, DEFAULT, GROUP = "daemon", "nobody", "mail"  # three accounts that must differ
_SERVICES = """\
pickup    unix  n - n 60   1 pickup
cleanup   unix  n - n -    0 cleanup
qmgr      unix  n - n 300  1 qmgr
tlsmgr    unix  - - n 1000 1 tlsmgr
rewrite   unix  - - n -    - trivial-rewrite
bounce    unix  - - n -    0 bounce
defer     unix  - - n -    0 bounce
trace     unix  - - n -    0 bounce
verify    unix  - - n -    1 verify
flush     unix  n - n 1000 0 flush
proxymap  unix  - - n -    - proxymap
smtp      unix  - - n -    - smtp
relay     unix  - - n -    - smtp
showq     unix  n - n -    - showq
error     unix  - - n -    - error
retry     unix  - - n -    - error
anvil     unix  - - n -    1 anvil
scache    unix  - - n -    1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


class Postfix(MailServer):
    """`tls` is smtp_tls_security_level towards the gateway: "may" or "encrypt"."""

    def __init__(self, stage, gateway, tls):
        peers = unpacked("postfix")
        super().__init__(stage, f"postfix-{tls}")
        self.log_files.append(self.folder / "log")
        self._lay_out(gateway, tls)
        self.start(peers, [UNPACKED / "usr/lib/postfix/sbin/master", "-d", "-c", self.folder],
                   libraries=f"{UNPACKED}/usr/lib/postfix:{LIBRARIES}")

    def _lay_out(self, gateway, tls):
        owner, group = pwd.getpwnam(OWNER).pw_uid, grp.getgrnam(GROUP).gr_gid
        queue, state = self.folder / "queue", self.folder / "state"
        for folder in (queue, state):
            folder.mkdir()
        for name in ("incoming active deferred bounce defer corrupt hold flush saved trace private "
                     "public maildrop pid").split():
            (queue / name).mkdir()
            if name != "pid":
                os.chown(queue / name, owner, group if name in ("public", "maildrop") else 0)
                (queue / name).chmod(0o710 if name == "public" else 0o1730 if name == "maildrop" else 0o700)
        os.chown(state, owner, 0)
        (self.folder / "master.cf").write_text(
            f"{self.host}:{self.smtp} inet n - n - - smtpd\n{_SERVICES}")
        (self.folder / "main.cf").write_text(f"""\
compatibility_level = 3.6
queue_directory = {queue}
data_directory = {state}
command_directory = {UNPACKED}/usr/sbin
daemon_directory = {UNPACKED}/usr/lib/postfix/sbin
shlib_directory = {UNPACKED}/usr/lib/postfix
import_environment = MAIL_CONFIG MAIL_LOGTAG LD_LIBRARY_PATH
mail_owner = {OWNER}
default_privs = {DEFAULT}
setgid_group = {GROUP}
maillog_file = {self.folder}/log
maillog_file_prefixes = {self.folder}
myhostname = {HELLO}
mydestination =
alias_maps =
inet_protocols = ipv4
{self._way(gateway)}
smtp_tls_security_level = {tls}
smtp_tls_loglevel = 1
message_size_limit = 0
smtp_line_length_limit = 0
""")

    def _way(self, gateway):
        """The part of main.cf that says where mail comes from and where it goes."""
        return f"""\
inet_interfaces = 127.0.0.1
mynetworks = 127.0.0.0/8
relayhost = [{gateway.host}]:{gateway.smtp}
disable_dns_lookups = yes
smtp_host_lookup = native"""

    def send(self, message, mailbox):
        """Queues one message and waits until the gateway has answered 250 for it."""
        queued = self.queue(message, mailbox, r"queued as (\w+)")
        self.delivered(rf"{queued}: to=.* status=sent \(250 2\.0\.0 .*")
