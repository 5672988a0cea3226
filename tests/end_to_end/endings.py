"""Connections that end where nobody expects it: every state of SMTP and POP3, every way to go.

Each state is a function that takes a gateway and a mailbox and returns a connection in that state;
what of a message was sent by then must leave nothing behind.
"""
import os
import socket
import ssl

import fixtures
from clients import Pop3, Smtp, Wire

LARGE = fixtures.large(1 << 20)  # more than the gateway keeps in memory: part of it is in a file
HALF_A_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03half a ClientHello"


def _sent(wire, octets):
    wire.send(octets)
    return wire


def smtp_connected(gateway, _):
    return Wire(gateway.host, gateway.smtp)


def smtp_greeted(gateway, _):
    return Smtp(gateway, starttls=False)


def smtp_within_a_command(gateway, _):
    return _sent(Smtp(gateway), b"MAIL FROM:<a@exam")


def smtp_before_the_handshake(gateway, _):
    smtp = Smtp(gateway, starttls=False)
    smtp.must("STARTTLS", "220")
    return smtp


def smtp_within_the_handshake(gateway, mailbox):
    return _sent(smtp_before_the_handshake(gateway, mailbox), HALF_A_HELLO)


def smtp_under_tls(gateway, _):
    return Smtp(gateway)


def smtp_after_mail(gateway, _):
    smtp = Smtp(gateway)
    smtp.envelope()
    return smtp


def smtp_after_rcpt(gateway, mailbox):
    smtp = Smtp(gateway)
    smtp.envelope(mailbox)
    return smtp


def smtp_after_data(gateway, mailbox):
    smtp = smtp_after_rcpt(gateway, mailbox)
    smtp.must("DATA", "354")
    return smtp


def smtp_within_a_small_message(gateway, mailbox):
    return _sent(smtp_after_data(gateway, mailbox), b"Subject: never\r\n\r\nsen")


def smtp_within_a_large_message(gateway, mailbox):
    return _sent(smtp_after_data(gateway, mailbox), LARGE[:-500])


def smtp_within_the_final_dot(gateway, mailbox):
    return _sent(smtp_after_data(gateway, mailbox), b"Subject: never\r\n\r\nsent\r\n.\r")


def smtp_within_a_chunk(gateway, mailbox):
    return _sent(smtp_after_rcpt(gateway, mailbox), f"BDAT {len(LARGE)} LAST\r\n".encode() + LARGE[:-1])


def smtp_between_chunks(gateway, mailbox):
    smtp = _sent(smtp_after_rcpt(gateway, mailbox), f"BDAT {len(LARGE)}\r\n".encode() + LARGE)
    assert smtp.reply().startswith("250")
    return smtp


def smtp_within_a_refused_chunk(gateway, _):
    return _sent(Smtp(gateway), b"BDAT 1000000\r\n" + b"x" * 1000)


def pop3_connected(gateway, _):
    return Wire(gateway.host, gateway.pop3)


def pop3_before_the_handshake(gateway, _):
    pop = Pop3(gateway, plain=True)
    pop.must("STLS")
    return pop


def pop3_within_the_handshake(gateway, _):
    return _sent(Wire(gateway.host, gateway.pop3s), HALF_A_HELLO)


def pop3_after_user(gateway, mailbox):
    pop = Pop3(gateway)
    pop.must(f"USER {mailbox.address}")
    return pop


def pop3_within_a_challenge(gateway, _):
    pop = Pop3(gateway)
    pop.ask("AUTH PLAIN")
    return pop


def pop3_while_a_password_is_tried(gateway, mailbox):
    return _sent(pop3_after_user(gateway, mailbox), f"PASS {mailbox.password}\r\n".encode())


def pop3_logged_in(gateway, mailbox):
    return Pop3(gateway, mailbox)


def pop3_within_a_message(gateway, mailbox):
    pop = _sent(Pop3(gateway, mailbox), b"RETR 1\r\n")
    pop.line()
    return pop


def pop3_after_dele(gateway, mailbox):
    pop = Pop3(gateway, mailbox)
    pop.must("DELE 1")
    return pop


SMTP_STATES = [state for name, state in globals().items() if name.startswith("smtp_")]
POP3_STATES = [state for name, state in globals().items() if name.startswith("pop3_")]


def close(wire):
    """FIN and no more: under TLS without close_notify, as a program that was killed."""
    wire.close()


def drop(wire):
    wire.drop()


def say_goodbye(wire):
    """close_notify, then clear text: none of it may be taken for what TLS protected."""
    if not isinstance(wire.socket, ssl.SSLSocket):
        return wire.close()
    wire.socket.setblocking(False)
    clear = socket.socket(fileno=os.dup(wire.socket.fileno()))
    try:
        wire.socket.unwrap()
    except (OSError, ssl.SSLError):
        pass  # its answer is not waited for
    try:
        clear.send(b"\n\r\n.\r\nNOOP\r\n")  # would complete what any of the states has begun
    except OSError:
        pass  # the gateway has closed already
    clear.close()
    return wire.close()


WAYS = (close, drop, say_goodbye)
