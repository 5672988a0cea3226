"""Two gateways that are twins, and the link between them, which a test cuts, delays or listens to."""
import json
import socket
import threading

from cases import expect, wait_for
from clients import Smtp
from gateway import Gateway, free_ports, own_address


class Link:
    """A TCP way to a gateway's page: what is sent through it is counted, and it can be cut."""

    def __init__(self, stage, gateway):
        self.gateway, self.host = gateway, own_address()
        self.port, = free_ports(self.host, 1)
        self.octets, self.connections, self.open = 0, 0, True
        self.pairs, self.lock = set(), threading.Lock()
        self.listener = socket.create_server((self.host, self.port))
        threading.Thread(target=self.accept, daemon=True).start()
        stage.callback(self.close)

    @property
    def url(self):
        return f"https://{self.host}:{self.port}"

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            if not self.open:
                near.close()
                continue
            try:
                far = socket.create_connection((self.gateway.host, self.gateway.web), timeout=10)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            self.connections += 1
            with self.lock:
                self.pairs.add((near, far))
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self.carry, args=(source, target), daemon=True).start()

    def carry(self, source, target):
        try:
            while octets := source.recv(65536):
                self.octets += len(octets)
                target.sendall(octets)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        self.open = False
        with self.lock:
            for pair in self.pairs:
                for end in pair:
                    try:
                        end.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        pass
                    end.close()
            self.pairs.clear()

    def mend(self):
        self.open = True

    def close(self):
        self.listener.close()
        self.cut()


def listed(gateway):
    return json.loads(gateway.command("twin", "list", "--json").stdout)


def invitation(gateway, *words):
    line = gateway.command("twin", "invite", *words).stdout.decode()
    expect(line.count("\n") == 1 and line.startswith("postern-twin-1 https://"), f"an invitation: {line!r}")
    return line


def in_step(*gateways, seconds=30):
    """Until each says of each of its twins that both know the same."""
    for gateway in gateways:
        wait_for(f"the twins of {gateway.host} to be in step", seconds, lambda: all(
            twin["in_step"] and twin["connected"] for twin in listed(gateway)), pause=0.1)


def pair(stage, settings=None, other_settings=None, through_link=False, environment=None):
    """(one, other): the second has joined the first by its invitation. With `through_link` also that Link."""
    one = Gateway(stage, {"hostname": "one.example.com", **(settings or {})}, web=True).start()
    other = Gateway(stage, {"hostname": "other.example.com", **(other_settings or {})}, web=True,
                    environment=environment).start()
    link = Link(stage, one) if through_link else None
    other.command("twin", "join", text=invitation(one, *(["--url", link.url] if link else [])))
    in_step(one, other)
    return (one, other, link) if link else (one, other)


def accepts(gateway, mailbox):
    """Whether the gateway takes mail for it."""
    with Smtp(gateway) as smtp:
        smtp.must("MAIL FROM:<a@b.example>", "250")
        return smtp.ask(f"RCPT TO:<{mailbox.email}>").startswith("250")


def records(gateway):
    """What the gateway knows: {address: what `mailbox show` says, without what is of this node alone}."""
    known = {}
    for mailbox in json.loads(gateway.command("mailbox", "list", "--json").stdout):
        shown = json.loads(gateway.command("mailbox", "show", mailbox["address"], "--json").stdout)
        known[mailbox["address"]] = {name: shown[name] for name in (
            "name", "description", "status", "created", "keys", "allow", "held_back")}
    return known
