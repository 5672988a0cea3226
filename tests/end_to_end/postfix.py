"""A real Postfix as sender: unpacked, never installed; its own folder, loopback address and queue.

It runs in a PID namespace of its own, so that ending its first process ends all of it. Root is
needed: Postfix switches between accounts, here ones that every Debian machine has.
"""
import grp
import os
import pathlib
import pwd
import re
import subprocess

from cases import Failure, Skip, need, need_root, wait_for
from clients import SENDER, Wire
from fixtures import stuffed
from gateway import die_with_parent, free_ports, own_address

SEND_SECONDS = 60
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


def _unpacked():
    script = pathlib.Path(__file__).with_name("unpack-peers")
    done = subprocess.run([str(script), "postfix"], capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise Skip(f"Postfix cannot be unpacked: {done.stderr.strip()}")
    return pathlib.Path(done.stdout.strip().splitlines()[-1])


class Postfix:
    """`tls` is smtp_tls_security_level towards the gateway: "may" or "encrypt"."""

    def __init__(self, stage, gateway, tls):
        need_root("Postfix switches between accounts")
        need("unshare")
        root = _unpacked()
        self.folder = stage.folder / f"postfix-{tls}"
        self.host = own_address()
        self.port, = free_ports(self.host, 1)
        self.log_file = self.folder / "log"
        self._lay_out(root, gateway, tls)
        libraries = f"{root}/usr/lib/postfix:{root}/usr/lib/{os.uname().machine}-linux-gnu"
        self.process = subprocess.Popen(
            ["unshare", "--pid", "--fork", "--kill-child=SIGKILL",
             # The shell stays the first process: master changes its uid, which would make the kernel
             # forget to kill it.
             "sh", "-c", '"$@"; exit $?', "sh", f"{root}/usr/lib/postfix/sbin/master", "-d", "-c",
             str(self.folder)],
            env={"PATH": "/usr/bin:/bin", "LD_LIBRARY_PATH": libraries}, stdin=subprocess.DEVNULL,
            stdout=open(self.folder / "out", "wb"), stderr=subprocess.STDOUT,
            preexec_fn=die_with_parent, start_new_session=True)
        stage.callback(self._stop)
        wait_for(f"Postfix on port {self.port}", 30, self._greets)

    def _lay_out(self, root, gateway, tls):
        owner, group = pwd.getpwnam(OWNER).pw_uid, grp.getgrnam(GROUP).gr_gid
        queue, state = self.folder / "queue", self.folder / "state"
        for folder in (self.folder, queue, state):
            folder.mkdir()
        for name in ("incoming active deferred bounce defer corrupt hold flush saved trace private "
                     "public maildrop pid").split():
            (queue / name).mkdir()
            if name != "pid":
                os.chown(queue / name, owner, group if name in ("public", "maildrop") else 0)
                (queue / name).chmod(0o710 if name == "public" else 0o1730 if name == "maildrop" else 0o700)
        os.chown(state, owner, 0)
        (self.folder / "master.cf").write_text(
            f"{self.host}:{self.port} inet n - n - - smtpd\n{_SERVICES}")
        (self.folder / "main.cf").write_text(f"""\
compatibility_level = 3.6
queue_directory = {queue}
data_directory = {state}
command_directory = {root}/usr/sbin
daemon_directory = {root}/usr/lib/postfix/sbin
shlib_directory = {root}/usr/lib/postfix
import_environment = MAIL_CONFIG MAIL_LOGTAG LD_LIBRARY_PATH
mail_owner = {OWNER}
default_privs = {DEFAULT}
setgid_group = {GROUP}
maillog_file = {self.log_file}
maillog_file_prefixes = {self.folder}
myhostname = sender.example.com
mydestination =
alias_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
relayhost = [{gateway.host}]:{gateway.smtp}
disable_dns_lookups = yes
smtp_host_lookup = native
smtp_tls_security_level = {tls}
smtp_tls_loglevel = 1
message_size_limit = 0
smtp_line_length_limit = 0
""")

    def _greets(self):
        if self.process.poll() is not None:
            raise Failure(f"Postfix ended with {self.process.returncode}:\n{self.log()}")
        try:
            with Wire(self.host, self.port) as wire:
                return wire.line().startswith(b"220 ")
        except ConnectionError:
            return False

    def log(self):
        texts = [file.read_text(errors="replace") for file in (self.folder / "out", self.log_file)
                 if file.exists()]
        return "".join(texts)

    def send(self, message, mailbox):
        """Queues one message and waits until the gateway has answered 250 for it."""
        with Wire(self.host, self.port) as wire:
            for command in ("", "EHLO client.example.com", f"MAIL FROM:<{SENDER}> BODY=8BITMIME",
                            f"RCPT TO:<{mailbox.email}>", "DATA"):
                if command:
                    wire.send(command.encode() + b"\r\n")
                while (answer := wire.line())[3:4] == b"-":
                    pass
                if answer[:1] not in (b"2", b"3"):
                    raise Failure(f"Postfix answers {answer!r} to {command}")
            wire.send(stuffed(message))
            queued = re.search(rb"queued as (\w+)", wire.line())
        if not queued:
            raise Failure(f"Postfix did not queue the message\n{self.log()}")
        try:
            return wait_for("Postfix to deliver", SEND_SECONDS, lambda: re.search(
                rf"{queued[1].decode()}: to=.* status=sent \(250 2\.0\.0 .*", self.log()))
        except Failure as failure:
            raise Failure(f"{failure}\n{self.log()}") from None

    def _stop(self):
        self.process.kill()  # --kill-child takes its namespace with it
        self.process.wait()
