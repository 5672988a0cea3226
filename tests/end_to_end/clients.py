"""Both sides of the gateway as programs use it: SMTP and POP3 spoken octet by octet here, and the
drivers of curl, swaks and msmtp.

The wire clients judge nothing: they send what they are told and return what came.
"""
import base64
import re
import socket
import ssl
import subprocess

from cases import Failure, expect
from fixtures import stuffed
from gateway import die_with_parent

REPLY_SECONDS = 60
PROGRAM_SECONDS = 120
SENDER = "journal.ndr@tenant.example.com"


def tls_context():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # self-signed; certificates are another test's subject
    return context


class Wire:
    """A connection, read by lines or by octets, in the clear or under TLS."""
    reply_seconds = REPLY_SECONDS

    def __init__(self, host, port, tls=False, source=""):
        self.socket = socket.create_connection((host, port), timeout=self.reply_seconds, source_address=(source, 0))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()  # grows in place: messages have many MiB
        if tls:
            self.handshake()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def handshake(self, context=None):
        self.socket = (context or tls_context()).wrap_socket(self.socket)

    def close(self):
        self.socket.close()

    def drop(self):
        """Ends without a word: an RST, as when a machine or a cable dies."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def send(self, octets):
        self.socket.sendall(octets)

    def fill(self):
        """Reads more; False at the end of the stream."""
        try:
            more = self.socket.recv(1 << 18)
        except TimeoutError:
            raise Failure(f"no answer within {self.reply_seconds} s; so far: {bytes(self.buffer[-300:])!r}") from None
        self.buffer += more
        return bool(more)

    def line(self):
        """One line with its CRLF; what there is at the end of the stream."""
        while (end := self.buffer.find(b"\n")) < 0:
            if not self.fill():
                end = len(self.buffer) - 1
                break
        return self._take(end + 1)

    def _take(self, octets):
        taken = bytes(memoryview(self.buffer)[:octets])
        del self.buffer[:octets]
        return taken

    def at_end(self):
        """Waits for the server to close; True if it said nothing before."""
        try:
            return not self.buffer and not self.fill()
        except (ConnectionError, ssl.SSLError):
            return True


class Smtp(Wire):
    def __init__(self, gateway, starttls=True, hello="client.example.com", source="", context=None):
        super().__init__(gateway.host, gateway.smtp, source=source)
        self.greeting = self.reply()
        self.hello = f"EHLO {hello}"
        self.features = self.ask(self.hello)
        if starttls:
            self.starttls(context)

    def starttls(self, context=None):
        answer = self.ask("STARTTLS")
        expect(answer.startswith("220"), f"STARTTLS: {answer}")
        self.handshake(context)
        self.features = self.ask(self.hello)

    def reply(self):
        """A whole reply, its lines joined by LF; empty where the server closed."""
        lines = []
        while True:
            lines.append(self.line().decode(errors="replace"))
            if not re.match(r"\d\d\d-", lines[-1]):
                return "".join(lines).replace("\r\n", "\n").rstrip("\n")

    def ask(self, command):
        self.send(command.encode() + b"\r\n")
        return self.reply()

    def must(self, command, code):
        answer = self.ask(command)
        expect(answer.startswith(code), f"{command.split(':')[0]}: wanted {code}, got: {answer}")
        return answer

    def envelope(self, *mailboxes, sender=SENDER):
        self.must(f"MAIL FROM:<{sender}>", "250")
        for mailbox in mailboxes:
            self.must(f"RCPT TO:<{mailbox.email}>", "250")

    def data(self, wire):
        """DATA with octets that are stuffed and ended already."""
        self.must("DATA", "354")
        self.send(wire)
        return self.reply()

    def bdat(self, message, chunk=None):
        """BDAT in chunks of `chunk` octets; the answer to the last."""
        chunk = chunk or max(1, len(message))
        for at in range(0, max(1, len(message)), chunk):
            part = message[at:at + chunk]
            last = at + chunk >= len(message)
            self.send(f"BDAT {len(part)}{' LAST' if last else ''}\r\n".encode() + part)
            answer = self.reply()
            if not answer.startswith("250"):
                break
        return answer


def message_id(answer):
    """The id in a final 250, which is also the UIDL."""
    found = re.search(r"^250 2\.0\.0 .*?([0-9a-f]{8}-[0-9a-f-]{27})", answer)
    expect(found, f"wanted 250 2.0.0 with the message id, got: {answer}")
    return found[1]


def deliver(gateway, message, *mailboxes, form="DATA"):
    """One message over a connection of its own; returns its id."""
    with Smtp(gateway) as smtp:
        smtp.envelope(*mailboxes)
        return message_id(smtp.data(stuffed(message)) if form == "DATA" else smtp.bdat(message))


class Pop3(Wire):
    """On the TLS port; with `stls` on the plain one, after STLS; with `plain` on it and no more."""

    def __init__(self, gateway, mailbox=None, stls=False, plain=False, source=""):
        super().__init__(gateway.host, gateway.pop3 if stls or plain else gateway.pop3s,
                         tls=not stls and not plain, source=source)
        self.greeting = self.line().decode()
        if stls:
            self.must("STLS")
            self.handshake()
        if mailbox:
            self.must(f"USER {mailbox.address}")
            self.must(f"PASS {mailbox.password}")

    def ask(self, command):
        self.send(command.encode() + b"\r\n")
        return self.line().decode(errors="replace").rstrip("\r\n")

    def must(self, command):
        answer = self.ask(command)
        expect(answer.startswith("+OK"), f"{command.split()[0]}: {answer}")
        return answer

    def body(self):
        """The rest of a multi-line response, dots unstuffed."""
        end = 0
        while not self.buffer.startswith(b".\r\n") and (at := self.buffer.find(b"\r\n.\r\n", end)) < 0:
            end = max(0, len(self.buffer) - 4)
            if not self.fill():
                raise Failure(f"the connection ended within a response: …{bytes(self.buffer[-200:])!r}")
        if self.buffer.startswith(b".\r\n"):
            self._take(3)
            return b""
        text = self._take(at + 5)[:-3]
        return re.sub(rb"(\A|\r\n)\.", rb"\1", text)

    def listing(self, command):
        """LIST or UIDL as [(number, value)]."""
        self.must(command)
        return [tuple(line.split(" ", 1)) for line in self.body().decode().splitlines()]

    def retr(self, number):
        self.must(f"RETR {number}")
        return self.body()


def fetch_all(gateway, mailbox, stls=False, delete=False):
    """{uidl: octets} of the whole mailbox, read by this page's own client."""
    with Pop3(gateway, mailbox, stls) as pop:
        found = {}
        for number, uidl in pop.listing("UIDL"):
            found[uidl] = pop.retr(number)
            if delete:
                pop.must(f"DELE {number}")
        pop.must("QUIT")
    return found


def sasl_plain(mailbox):
    return base64.b64encode(f"\0{mailbox.address}\0{mailbox.password}".encode()).decode()


def program(*words, text=b"", code=0, environment=None, seconds=PROGRAM_SECONDS):
    """Runs a program of the machine to its end; without a terminal, so that it asks on stdin."""
    done = subprocess.run(words, input=text, capture_output=True, timeout=seconds,
                          preexec_fn=die_with_parent, start_new_session=True, env=environment)
    expect(code is None or done.returncode == code,
           f"{words[0]} exited with {done.returncode}, wanted {code}:\n"
           f"  {done.stdout[-1500:].decode(errors='replace')}\n  {done.stderr[-1500:].decode(errors='replace')}")
    return done


def curl_send(gateway, mailbox, file):
    program("curl", "--silent", "--show-error", "--ssl-reqd", "--insecure", "--mail-from", SENDER,
            "--mail-rcpt", mailbox.email, "--upload-file", str(file),
            f"smtp://{gateway.host}:{gateway.smtp}/client.example.com")


def swaks_send(gateway, mailbox, file):
    """swaks ends what it sends by a CRLF of its own: the message is given to it without its last."""
    message = file.read_bytes()
    expect(message.endswith(b"\r\n"), f"{file.name} is not for swaks: no CRLF at its end")
    file.write_bytes(message[:-2])
    program("swaks", "--server", gateway.host, "--port", str(gateway.smtp), "--tls", "--helo",
            "client.example.com", "--from", SENDER, "--to", mailbox.email, "--data", f"@{file}",
            "--suppress-data", "--hide-all")


def msmtp_send(gateway, mailbox, file):
    control = file.with_suffix(".msmtprc")
    control.write_text(
        f"account gateway\nhost {gateway.host}\nport {gateway.smtp}\ntls on\ntls_starttls on\n"
        f"tls_certcheck off\ndomain client.example.com\nfrom {SENDER}\n")
    control.chmod(0o600)
    program("msmtp", f"--file={control}", "--account=gateway", mailbox.email, text=file.read_bytes())


def curl_fetch(gateway, mailbox, number, stls, folder):
    port, scheme = (gateway.pop3, "pop3") if stls else (gateway.pop3s, "pop3s")
    file = folder / "curl"
    program("curl", "--silent", "--show-error", "--ssl-reqd", "--insecure", "--user",
            f"{mailbox.address}:{mailbox.password}", "--output", str(file),
            f"{scheme}://{gateway.host}:{port}/{number}")
    return file.read_bytes()
