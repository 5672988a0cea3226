#!/usr/bin/env python3
"""The listener for challenges of a certificate authority, as strangers meet it: nothing of ours, and nothing to break.

That a real authority is answered there is shown by acme_test.py.
"""
import socket
import struct

from cases import case, expect, expect_equal, run
from clients import Pop3, program
from gateway import HOSTNAME, Gateway, free_ports

PATH = "/.well-known/acme-challenge/"
# Nobody answers there: no certificate is ever issued, and the self-signed one serves.
NOWHERE = "https://127.0.0.1:1/directory"


def challenged(stage, challenge):
    gateway = Gateway(stage, {"tls": {"source": "acme"}})
    gateway.acme, = free_ports(gateway.host, 1)
    gateway.configure({"acme": {"directory": NOWHERE, "challenge": challenge,
                                "listen": [f"{gateway.host}:{gateway.acme}"]}})
    return gateway.start()


def location(gateway, scheme, path):
    return program("curl", "--silent", "--insecure", "--output", "/dev/null", "--max-time", "60",
                   "--write-out", "%{http_code} %{redirect_url}",
                   f"{scheme}://{gateway.host}:{gateway.acme}{path}").stdout.decode()


def status(gateway, scheme, path, *options):
    return int(program("curl", "--silent", "--insecure", "--path-as-is", "--output", "/dev/null", "--max-time", "60",
                       "--write-out", "%{http_code}", *options, f"{scheme}://{gateway.host}:{gateway.acme}{path}").stdout)


@case
def tokens_that_nobody_is_asked_about_are_not_known(stage):
    for challenge, scheme in (("http-01", "http"), ("tls-alpn-01", "https")):
        gateway = challenged(stage, challenge)
        for path in (PATH, PATH + "abc", PATH + "../../etc/passwd", PATH + "%00", "/", "/metrics", "/api/v1/status"):
            expect_equal(status(gateway, scheme, path), 404, f"{scheme} {path}")
        expect_equal(status(gateway, scheme, "/", "--data", "x"), 413, f"{scheme}: a body")
        expect_equal(status(gateway, scheme, "/", "--request", "DELETE"), 405, f"{scheme}: DELETE")


@case
def who_comes_to_the_wrong_port_is_shown_the_page_where_it_can_be_reached(stage):
    gateway = Gateway(stage, {"tls": {"source": "acme"}})
    gateway.acme, = free_ports(gateway.host, 1)
    gateway.configure({"acme": {"directory": NOWHERE, "listen": [f"{gateway.host}:{gateway.acme}"]},
                       "web": {"listen": [f"0.0.0.0:{gateway.web}"]}})
    gateway.start()
    page = f"https://{HOSTNAME}:{gateway.web}/"
    for path in ("/", "/mailboxes?a=b"):
        expect_equal(location(gateway, "http", path), f"307 {page}", path)
    expect_equal(location(gateway, "http", PATH + "abc"), "404 ", "a token that nobody knows")


def extension(kind, body):
    return struct.pack("!HH", kind, len(body)) + body


def hello(*extensions):
    """A ClientHello of TLS 1.2 with these extensions, whatever they hold."""
    rest = b"".join(extensions)
    body = (b"\x03\x03" + bytes(32) + b"\x00" + struct.pack("!HHH", 4, 0xC02B, 0xC02F) + b"\x01\x00"
            + struct.pack("!H", len(rest)) + rest)
    return b"\x16\x03\x01" + struct.pack("!HB", len(body) + 4, 1) + struct.pack("!I", len(body))[1:] + body


@case
def malformed_handshakes_end_themselves_only(stage):
    gateway = challenged(stage, "tls-alpn-01")
    acme = b"\x00\x0b\x0aacme-tls/1"
    names = [b"", b"\0", b"\0\0", b"\0\1\0", b"\0\5\0\0\2a", b"\xff\xff\0\0\1a", b"\0\4\0\0\1a", b"\0\4\1\0\1a"]
    protocols = [b"", b"\0", b"\0\0", b"\0\1", b"\0\1\0", b"\0\5\4abc", b"\xff\xff\0aacme", acme[:-1], acme]
    for name in names:
        for protocol in protocols:
            with socket.create_connection((gateway.host, gateway.acme)) as connection:
                connection.sendall(hello(extension(0, name), extension(16, protocol)))
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(4096):
                    pass
    expect_equal(status(gateway, "https", "/"), 404, "after all of them")
    with Pop3(gateway) as pop:
        expect(pop.greeting.startswith("+OK"), "POP3 is gone")


@case
def who_holds_connections_keeps_nobody_out(stage):
    """Every place is taken by clients that are in the middle of something, from a few addresses or from many."""
    for challenge, scheme, begun in (("http-01", "http", b"GET / HT"), ("tls-alpn-01", "https", hello()[:20])):
        for addresses in (4, 160):
            gateway = challenged(stage, challenge)
            held = []
            for number in range(160):
                held.append(socket.create_connection(
                    (gateway.host, gateway.acme), source_address=(f"127.1.{number % addresses}.1", 0)))
                held[-1].sendall(begun)
            for _ in range(3):
                expect_equal(status(gateway, scheme, "/"), 404, f"{challenge}, held by {addresses} addresses")
            for connection in held:
                connection.close()


@case
def nothing_listens_where_no_certificate_comes_by_acme(stage):
    gateway = Gateway(stage)
    port, = free_ports(gateway.host, 1)
    gateway.configure({"acme": {"directory": NOWHERE, "listen": [f"{gateway.host}:{port}"]}})
    gateway.start()
    try:
        socket.create_connection((gateway.host, port)).close()
    except ConnectionRefusedError:
        return
    expect(False, "something listens on acme.listen")


if __name__ == "__main__":
    run()
