"""The certificate that a gateway shows on each of its ports, verified as a careful client would.

Looks from outside only; knows nothing of the gateway's files.
"""
import socket
import ssl

from clients import REPLY_SECONDS, Smtp, Wire


def verifying(root):
    """A context that takes what chains to `root` and nothing else."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(root)
    context.check_hostname = False  # names are looked at by certificate()
    return context


def _handshakes(gateway, context):
    def smtp():
        with Smtp(gateway, context=context) as client:
            yield client.socket

    def pop3():
        with Wire(gateway.host, gateway.pop3) as client:
            client.line()
            client.send(b"STLS\r\n")
            client.line()
            client.handshake(context)
            yield client.socket

    def from_the_start(port):
        with socket.create_connection((gateway.host, port), timeout=REPLY_SECONDS) as connection:
            with context.wrap_socket(connection) as under_tls:
                yield under_tls

    return {"SMTP": smtp, "POP3": pop3, "POP3S": lambda: from_the_start(gateway.pop3s),
            **({"HTTPS": lambda: from_the_start(gateway.web)} if gateway.settings["web"]["listen"] else {})}


def names(gateway, root):
    """{port: its DNS names}; fails where a chain does not verify."""
    found = {}
    for port, handshake in _handshakes(gateway, verifying(root)).items():
        for under_tls in handshake():
            found[port] = sorted(name for kind, name in under_tls.getpeercert()["subjectAltName"] if kind == "DNS")
    return found


def shown(gateway, context=None):
    """The certificate that POP3S shows now, in DER; verified where there is a context."""
    if context is None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((gateway.host, gateway.pop3s), timeout=REPLY_SECONDS) as connection:
        with context.wrap_socket(connection) as under_tls:
            return under_tls.getpeercert(binary_form=True)
