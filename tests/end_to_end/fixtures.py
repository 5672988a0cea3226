"""Journal reports as real senders write them, made here from the published grammar with fixed seeds.

Shapes: [MS-XJRNL] 2.1 for the envelope part, field names and sizes as Exchange Online writes them.
Nothing here is anybody's mail. Every message is given as octets that end lines by CRLF.
"""
import base64
import random
import re

WORDS = ("ledger invoice harbour meeting contract Thursday granite shipment quarterly appendix "
         "signature lantern warehouse revision margin audit copper voyage schedule parcel").split()
SUBJECT = "Quarterly ledger of the Granite Harbour warehouse"
SECRET = "the lantern contract is signed on Thursday at pier seventeen"


def _header_block(rng, octets):
    """Trace and anti-spam fields as they pile up in Exchange Online, about `octets` of them."""
    fields, size = [], 0
    while size < octets:
        number = len(fields)
        kind = number % 3
        if kind == 0:
            field = (f"Received: from DB{number:03}.prod.example.com (2603:10a6:{number:x}::{number % 16:x})\r\n"
                     f" by AM{number:03}.prod.example.com with HTTPS; Thu, 19 Nov 2026 08:{number % 60:02}:11 +0000")
        elif kind == 1:
            blob = base64.b64encode(rng.randbytes(rng.randint(600, 1500))).decode()
            field = f"X-MS-Exchange-AntiSpam-MessageData-{number}:\r\n " + "\r\n ".join(
                blob[i:i + 900] for i in range(0, len(blob), 900))
        else:
            field = f"X-Microsoft-Antispam-Message-Info-{number}: " + ";".join(
                f"{rng.choice(WORDS)}:{rng.randrange(10 ** 6)}" for _ in range(12))
        fields.append(field)
        size += len(field) + 2
    return "\r\n".join(fields)


def _envelope(recipients, on_behalf_of):
    lines = ["Sender: alice@tenant.example.com", *on_behalf_of, f"Subject: {SUBJECT}",
             "Message-Id: <DB7PR03MB4972@DB7PR03MB4972.prod.example.com>", *recipients]
    return "\r\n".join(lines) + "\r\n"


def journal_report(seed=1, inner_headers=2000, recipients=None, on_behalf_of=(), body=None,
                   charset="us-ascii", encoding="7bit", subject=SUBJECT):
    """An Exchange Online journal report: envelope part and the original mail as message/rfc822."""
    rng = random.Random(seed)
    boundary = f"{rng.getrandbits(128):032x}"
    guid = f"{rng.getrandbits(128):032x}"
    if recipients is None:
        recipients = ["To: bob@tenant.example.com", "Cc: carol@partner.example.net"]
    if body is None:
        body = "\r\n".join([SECRET] + [" ".join(rng.choices(WORDS, k=9)) for _ in range(40)]).encode() + b"\r\n"
    outer = (
        f"Sender: <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@tenant.example.com>\r\n"
        f"From: Alice Ledger <alice@tenant.example.com>\r\nTo: Bob <bob@tenant.example.com>\r\n"
        f"Subject: {subject}\r\nDate: Thu, 19 Nov 2026 08:14:07 +0000\r\n"
        f"Message-ID: <{guid}@journal.report.generator>\r\nX-MS-Journal-Report:\r\n"
        f"Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
        f"X-MS-Exchange-Generated-Message-Source: Journal Agent\r\n"
        f"X-OriginatorOrg: tenant.example.com\r\n"
        f'Content-Type: multipart/mixed; boundary="{boundary}"\r\n\r\n')
    inner = (
        f"{_header_block(rng, inner_headers)}\r\n"
        f"From: Alice Ledger <alice@tenant.example.com>\r\nTo: Bob <bob@tenant.example.com>\r\n"
        f"Subject: {subject}\r\nMessage-ID: <DB7PR03MB4972@DB7PR03MB4972.prod.example.com>\r\n"
        f"MIME-Version: 1.0\r\nContent-Type: text/plain; charset={charset}\r\n"
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n")
    return (outer.encode()
            + f"--{boundary}\r\nContent-Type: text/plain; charset=us-ascii\r\n"
              f"Content-Transfer-Encoding: 7bit\r\n\r\n{_envelope(recipients, on_behalf_of)}\r\n".encode()
            + f"--{boundary}\r\nContent-Type: message/rfc822\r\n\r\n".encode()
            + inner.encode() + body
            + f"\r\n--{boundary}--\r\n".encode())


def large_headers():
    """60 KB of inner header fields: more than many a parser likes."""
    return journal_report(seed=60, inner_headers=60_000)


def expanded():
    """A report for a mail to groups: who was reached is said by `Expanded:`, `Forwarded:`, `Bcc:`."""
    return journal_report(seed=2, on_behalf_of=["On-Behalf-Of: board@tenant.example.com"], recipients=[
        "Label: Confidential",
        "To: bob@tenant.example.com, Expanded: sales@tenant.example.com",
        "Cc: carol@partner.example.net, Forwarded: dave@tenant.example.com",
        "Bcc: auditor@tenant.example.com", "Recipient: unknown-origin@tenant.example.com"])


def eight_bit():
    """ISO-8859-1 and UTF-8 text, unencoded, in the body, and UTF-8 in a header field (RFC 6532)."""
    body = ("Grüße aus Zürich, Ærø und Łódź\r\n".encode()
            + "Größe: 5 m² für Herrn Müller\r\n".encode("iso-8859-1")
            + bytes(range(0x80, 0x100)) + b"\r\n")
    return journal_report(seed=8, body=body, charset="iso-8859-1", encoding="8bit",
                          subject="Müllers Größenliste")


def dots():
    """Lines that begin with dots, or are only dots: what dot-stuffing is for."""
    body = b".\r\n..\r\n...\r\n.hidden\r\n..twice\r\n. \r\n\r\n.\r\nend.\r\n.\r\n"
    return journal_report(seed=46, body=body)


def bare_line_feeds():
    """As Exchange Online sends by BDAT only: some lines end by LF alone."""
    body = b"one\ntwo\n.\nthree\r\n.\nfour\n\n..five\nno end"
    return journal_report(seed=10, body=body)


def odd_octets():
    """NUL, bare CR, blanks at line ends, lines beyond every limit: kept as they are."""
    body = (b"nul\0nul\r\nbare\rcr\r\r\ntrailing \t \r\n" + b"x" * 70_000 + b"\r\n"
            + bytes(range(0, 10)) + b"\x0b\x0c" + bytes(range(14, 32)) + b"\x7f\r\n\r\r\r\n \r\n")
    return journal_report(seed=13, body=body)


def large(octets, seed=25):
    """A report whose mail carries an attachment in base64, `octets` long within a line."""
    rng = random.Random(seed)
    block = base64.encodebytes(rng.randbytes(57 * 1000)).replace(b"\n", b"\r\n")
    frame = len(journal_report(seed=seed, body=b""))
    whole, rest = divmod(octets - frame, len(block))
    return journal_report(seed=seed, body=block * whole + block[:rest - rest % 78], encoding="base64")


def small(number, seed=0):
    """A short message that says its number: what crash tests send by the hundred."""
    rng = random.Random(f"{seed}/{number}")
    text = "\r\n".join(" ".join(rng.choices(WORDS, k=8)) for _ in range(rng.randint(1, 60)))
    return (f"From: sender@example.com\r\nSubject: number {number}\r\nX-Number: {seed}-{number}\r\n\r\n"
            f"{text}\r\n").encode()


def as_stored(message):
    """What the gateway stores of a message given as is (BDAT, or DATA before stuffing): a bare LF
    becomes CRLF, a missing final CRLF is added, all else is kept."""
    normal = re.sub(rb"(?<!\r)\n", b"\r\n", message)
    return normal if normal.endswith(b"\r\n") else normal + b"\r\n"


def stuffed(message):
    """RFC 5321 4.5.2: a dot before every line that begins with one, where lines end by CRLF; then
    the end of data."""
    message = re.sub(rb"(\A|\r\n)\.", rb"\1..", message)
    return message + (b".\r\n" if message.endswith(b"\r\n") else b"\r\n.\r\n")


def without_trace(fetched):
    """Splits what RETR gave into the three trace fields, by name, and the message after them."""
    fields, rest = {}, fetched
    for name in (b"Return-Path", b"Delivered-To", b"Received"):
        found = re.match(rb"(?s)(%s): (.*?)\r\n(?![ \t])" % name, rest)
        if not found:
            raise AssertionError(f"no {name.decode()} where it belongs: {rest[:200]!r}")
        fields[name.decode()] = found[2].decode()
        rest = rest[found.end():]
    return fields, rest
