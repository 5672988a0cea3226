"""A real Exim as sender: called once for each message, as a program would, with nothing that listens."""
import os
import pwd

from clients import SENDER, program
from mail_server import HELLO, LIBRARIES, UNPACKED, enclosed, unpacked, with_accounts

OWNER = "daemon"


class Exim:
    """Sends under TLS only; by BDAT where `chunking`, else by DATA."""

    def __init__(self, stage, gateway, chunking):
        self.peers = unpacked("exim4-daemon-light")
        self.folder = stage.folder / f"exim-{chunking}"
        owner = pwd.getpwnam(OWNER)
        for folder in (self.folder, self.folder / "spool", self.folder / "log"):
            folder.mkdir()
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        self.config = self.folder / "exim.conf"
        self.config.write_text(f"""\
exim_path = {UNPACKED}/usr/sbin/exim4
spool_directory = {self.folder}/spool
log_file_path = {self.folder}/log/%s
primary_hostname = {HELLO}
exim_user = {OWNER}
exim_group = {owner.pw_gid}
never_users =
keep_environment = LD_LIBRARY_PATH
message_size_limit = 0
local_from_check = false
begin routers
gateway:
  driver = manualroute
  route_list = * {gateway.host}
  self = send
  host_find_failed = defer
  transport = gateway
begin transports
gateway:
  driver = smtp
  port = {gateway.smtp}
  hosts_require_tls = *
  hosts_try_chunking = {"*" if chunking else ":"}
begin retry
* * F,1h,10s
""")

    def send(self, message, mailbox):
        """Delivers one message; returns what its log says of the delivery, where `K` stands for BDAT."""
        program(*enclosed(self.peers, [UNPACKED / "usr/sbin/exim4", "-C", self.config, "-odf", "-oi", "-f",
                                       SENDER, mailbox.email], over=with_accounts(self.folder, "Debian-exim")),
                text=message, environment={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LD_LIBRARY_PATH": LIBRARIES})
        # Exim's exit code is 0 as soon as it has the message.
        return [line for line in self.log().splitlines() if " => " in line or " == " in line or " ** " in line][-1]

    def log(self):
        return "".join(file.read_text() for file in sorted((self.folder / "log").iterdir()))
