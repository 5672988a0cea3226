"""Programs that pull a mailbox empty, or leave it as it is. Each `…_fetch` gives all its messages in order,
as the program hands them on, over POP3S or, with `stls`, over STLS on the plain port; `folder` is empty.
"""
import os
import poplib
import re
import ssl

from cases import Skip, expect_equal
from clients import REPLY_SECONDS, Wire, program, tls_context
from terminal import with_terminal


def _maildir(folder):
    for part in ("", "tmp", "new", "cur"):
        (folder / "maildir" / part).mkdir()
    return folder / "maildir"


def fetchmail_fetch(gateway, mailbox, stls, folder, delete=False):
    """As fetchmail hands them to its delivery agent."""
    port = gateway.pop3 if stls else gateway.pop3s
    control, spool = folder / "fetchmailrc", folder / "fetched"
    spool.mkdir()
    agent = folder / "deliver"
    agent.write_text(f'#!/bin/sh\nexec cat > {spool}/$(ls {spool} | wc -l | xargs printf %04d)\n')
    agent.chmod(0o700)
    keep = "no keep" if delete else "keep"
    security = 'sslproto "TLS1.2+"' if stls else "ssl"
    control.write_text(
        f'set no syslog\npoll {gateway.host} service {port} protocol pop3\n'
        f' username "{mailbox.address}" password "{mailbox.password}"\n'
        f' {security} no sslcertck no rewrite {keep} fetchall mda "{agent}"\n')
    control.chmod(0o600)
    program("fetchmail", "--fetchmailrc", str(control), "--pidfile", str(folder / "fetchmail.pid"),
            "--invisible", "--nosyslog", "--idfile", str(folder / "fetchids"),
            environment={"PATH": "/usr/bin:/bin", "FETCHMAILHOME": str(folder), "HOME": str(folder)})
    return [file.read_bytes() for file in sorted(spool.iterdir())]


def mpop_fetch(gateway, mailbox, stls, folder, delete=False):
    port = gateway.pop3 if stls else gateway.pop3s
    maildir, control = _maildir(folder), folder / "mpoprc"
    control.write_text(
        f"account gateway\nhost {gateway.host}\nport {port}\ntls on\ntls_certcheck off\n"
        f"tls_starttls {'on' if stls else 'off'}\nauth user\nuser {mailbox.address}\n"
        f"password {mailbox.password}\nkeep {'off' if delete else 'on'}\nreceived_header off\n"
        f"uidls_file {folder}/uidls\ndelivery maildir {maildir}\n")
    control.chmod(0o600)
    program("mpop", f"--file={control}", "gateway")
    new = sorted((maildir / "new").iterdir(), key=lambda file: file.stat().st_mtime_ns)
    return [file.read_bytes() for file in new]


def getmail_fetch(gateway, mailbox, stls, folder, delete=False):
    """It parses each message by Python's email package and writes that out. It knows no STLS."""
    assert not stls
    maildir, control = _maildir(folder), folder / "getmailrc"
    control.write_text(
        f"[retriever]\ntype = SimplePOP3SSLRetriever\nserver = {gateway.host}\nport = {gateway.pop3s}\n"
        f"username = {mailbox.address}\npassword = {mailbox.password}\n"
        f"[destination]\ntype = Maildir\npath = {maildir}/\n"
        f"[options]\nread_all = true\ndelete = {'true' if delete else 'false'}\n"
        "delivered_to = false\nreceived = false\n")
    words = ["getmail", f"--getmaildir={folder}", "--rcfile=getmailrc"]
    if os.geteuid() == 0:  # it refuses to deliver as root
        program("chown", "-R", "nobody:", str(folder))
        words = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", *words]
    program(*words)
    return [file.read_bytes() for file in sorted((maildir / "new").iterdir(), key=_sequence("Q"))]


def _sequence(mark):
    """Orders a maildir's files by the number that its writer counts up, after `mark` in the name."""
    return lambda file: int(re.search(rf"{mark}(\d+)", file.name.partition(".")[2])[1])


def mutt_fetch(gateway, mailbox, stls, folder, delete=False):
    """By its command to fetch mail, at a terminal, into a maildir."""
    maildir, control, certificate = _maildir(folder), folder / "muttrc", folder / "certificate"
    certificate.write_text(ssl.DER_cert_to_PEM_cert(_certificate_shown(gateway)))
    scheme, port = ("pop", gateway.pop3) if stls else ("pops", gateway.pop3s)
    control.write_text(
        f'set mbox_type=Maildir spoolfile="{maildir}" folder="{folder}"\n'
        f'set pop_host="{scheme}://{gateway.host}:{port}" pop_user="{mailbox.address}"\n'
        f'set pop_pass="{mailbox.password}" pop_delete={"yes" if delete else "no"}\n'
        f'set ssl_force_tls=yes ssl_verify_host=no certificate_file="{certificate}"\n')
    environment = {"HOME": str(folder), "TERM": "vt100", "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
    status, shown = with_terminal(["env", "-i", *(f"{name}={value}" for name, value in environment.items()),
                                   "mutt", "-n", "-F", str(control), "-e", "push <fetch-mail><exit>"], "")
    expect_equal(status, 0, f"exit code of mutt, which showed {shown!r}")
    return [file.read_bytes() for file in sorted((maildir / "new").iterdir(), key=_sequence("_"))]


def _certificate_shown(gateway):
    with Wire(gateway.host, gateway.pop3s, tls=True) as wire:
        return wire.socket.getpeercert(binary_form=True)


def poplib_fetch(gateway, mailbox, stls, folder, delete=False):
    if stls:
        pop = poplib.POP3(gateway.host, gateway.pop3, timeout=REPLY_SECONDS)
        pop.stls(tls_context())
    else:
        pop = poplib.POP3_SSL(gateway.host, gateway.pop3s, timeout=REPLY_SECONDS, context=tls_context())
    pop.user(mailbox.address)
    pop.pass_(mailbox.password)
    messages = []
    for entry in pop.list()[1]:
        number = int(entry.split()[0])
        messages.append(b"".join(line + b"\r\n" for line in pop.retr(number)[1]))
        if delete:
            pop.dele(number)
    pop.quit()
    return messages


_NET_POP3 = r"""
use strict; use Net::POP3;
my ($host, $port, $stls, $delete, $user, $password, $folder) = @ARGV;
my @tls = (SSL_verify_mode => 0);  # self-signed
my $pop = Net::POP3->new($host, Port => $port, Timeout => 60, $stls ? () : (SSL => 1, @tls)) or die "connect: $@";
!$stls or $pop->starttls(@tls) or die "STLS: " . $pop->message;
defined $pop->login($user, $password) or die "login: " . $pop->message;
for my $number (sort { $a <=> $b } keys %{$pop->list}) {
    open my $file, '>:raw', sprintf("%s/%04d", $folder, $number) or die $!;
    $pop->get($number, $file) or die "RETR: " . $pop->message;
    close $file or die $!;
    !$delete or $pop->delete($number) or die "DELE: " . $pop->message;
}
$pop->quit or die "QUIT: " . $pop->message;
"""


def net_pop3_fetch(gateway, mailbox, stls, folder, delete=False):
    """By Perl's Net::POP3."""
    if program("perl", "-MIO::Socket::SSL", "-e1", code=None).returncode:
        raise Skip("libio-socket-ssl-perl is not installed")
    program("perl", "-e", _NET_POP3, gateway.host, str(gateway.pop3 if stls else gateway.pop3s),
            str(int(stls)), str(int(delete)), mailbox.address, mailbox.password, str(folder))
    return [file.read_bytes() for file in sorted(folder.iterdir())]
