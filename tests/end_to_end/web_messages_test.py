#!/usr/bin/env python3
"""Looking inside by the page's API: what archivers get and no more, only with the mailbox's password, at the price
of a login by POP3; a slow or hostile client costs nobody else anything."""
import base64
import concurrent.futures
import http.client
import json

import fixtures
from cases import case, expect, expect_equal, need_root, run, wait_for
from clients import Pop3, deliver, fetch_all
from gateway import Gateway
from traces import PLAIN_MEMORY, not_in_memory, nothing_shows
from web import ROOT, Web, token_of

SUBJECT = "Größe日本"
ENCODED = "=?utf-8?Q?Gr=C3=B6=C3=9Fe?= =?ISO-2022-JP?B?GyRCRnxLXBsoQg==?="


def watched(stage, settings=None, environment=None):
    gateway = Gateway(stage, settings, web=True, environment=environment).start()
    return gateway, gateway.create(), Web(gateway).set_up()


def of(mailbox, what="messages"):
    return f"mailboxes/{mailbox.address}/{what}"


def listing(web, mailbox, **body):
    return web.must(200, web.post(of(mailbox), {"password": mailbox.password, **body}))


def download(web, mailbox, uidl, password=None):
    return web.post(of(mailbox, f"messages/{uidl}"), {"password": password or mailbox.password})


def begun(web, path, body):
    """A response of which only the header was read, and its connection."""
    connection = web.connection()
    connection.request("POST", f"{ROOT}/{path}", json.dumps(body).encode(), {
        "Content-Type": "application/json", "Cookie": f"__Host-postern={web.cookie}", "X-CSRF-Token": web.csrf})
    return connection, connection.getresponse()


@case
def what_waits_is_shown_and_handed_out_as_archivers_get_it(stage):
    gateway, mailbox, web = watched(stage)
    expect_equal(listing(web, mailbox)["messages"], [], "an empty mailbox")
    sent = [deliver(gateway, message, mailbox) for message in (
        b"From: =?iso-8859-1?Q?J=FCrgen?= <j@example.com>\r\nTo: a@b.example,\r\n c@d.example\r\nSubject: "
        + ENCODED.encode() + b"\r\nDate: Sun, 22 Nov 2026 10:00:00 +0100\r\n\r\nbody\r\n",
        fixtures.journal_report(), fixtures.odd_octets(), fixtures.eight_bit(), fixtures.large(300_000),
        b"X-Nothing: here\r\n\r\n", b"Subject: <script>alert(1)</script>\r\n\r\n")]
    shown = listing(web, mailbox)
    expect_equal([message["uidl"] for message in shown["messages"]], sent[::-1], "the newest first")
    expect_equal((shown["total"], shown["locked"], shown["left_out"], shown["next"]), (7, 0, 0, None), "counts")
    first, bare = shown["messages"][-1], shown["messages"][1]
    expect_equal((first["from"], first["to"], first["subject"], first["date"]),
                 ("Jürgen <j@example.com>", "a@b.example, c@d.example", SUBJECT, "Sun, 22 Nov 2026 10:00:00 +0100"),
                 "header fields")
    expect_equal((bare["from"], bare["subject"]), (None, None), "fields that are not there")
    expect_equal(shown["messages"][0]["subject"], "<script>alert(1)</script>", "text stays text")
    expect_equal(shown["messages"][5]["subject"], fixtures.SUBJECT, "the subject of a report")
    pages, after = [], ""
    while after is not None:
        page = listing(web, mailbox, limit=3, after=after)
        pages += page["messages"]
        after = page["next"]
    expect_equal(pages, shown["messages"], "page by page")
    fetched = fetch_all(gateway, mailbox)
    for message in shown["messages"]:
        got = download(web, mailbox, message["uidl"])
        expect_equal(got.status, 200, "status of a download")
        expect_equal(got.octets, fetched[message["uidl"]], f"message {message['uidl']}")
        expect_equal(message["octets"], len(got.octets), "its size")
        expect_equal((got.headers["Content-Type"], got.headers["Content-Disposition"]),
                     ("message/rfc822", f'attachment; filename="{message["uidl"]}.eml"'), "how it is handed out")
        expect("no-store" in got.headers["Cache-Control"], "a message may be cached")
    expect_equal(len(fetch_all(gateway, mailbox, delete=True)), 7, "what was looked at still waits")


@case
def nobody_sees_a_message_without_password_and_leave(stage):
    gateway, mailbox, web = watched(stage)
    other = gateway.create("other")
    uidl = deliver(gateway, fixtures.small(1), mailbox)
    right = {"password": mailbox.password}
    for path in (of(mailbox), of(mailbox, f"messages/{uidl}")):
        for body, status, code in (({"password": "wrong"}, 403, "wrong_password"),
                                   ({"password": other.password}, 403, "wrong_password"),
                                   ({}, 400, "bad_request"), ({"password": 7}, 400, "bad_request")):
            got = web.post(path, body)
            expect_equal((got.status, got.code), (status, code), f"{path} with {list(body.values())}")
            expect(uidl not in got.octets.decode(), "a refusal names a message")
        expect_equal(Web(gateway).post(path, right).status, 401, "nobody")
        expect_equal(Web(gateway, token_of(gateway, "read")).post(path, right).status, 403, "a token to read")
        expect_equal(web.post(path, right, headers={"X-CSRF-Token": None}).status, 403, "without CSRF token")
        expect_equal(Web(gateway, token_of(gateway, "manage")).post(path, right).status, 200, "a token to manage")
        expect_equal(web.get(path).status, 405, "GET")
    expect_equal(web.post(of(other, f"messages/{uidl}"), {"password": other.password}).status, 404,
                 "a message of another mailbox")
    nowhere = f"mailboxes/mbx-{'0' * 32}/messages"
    for path, body, status in ((nowhere, right, 404), (nowhere + f"/{uidl}", right, 404),
                               (of(mailbox, "messages/..%2f..%2fetc"), right, 404),
                               (of(mailbox), {**right, "limit": 201}, 400), (of(mailbox), {**right, "limit": 0}, 400),
                               (of(mailbox), {**right, "after": "../x"}, 400)):
        expect_equal(web.post(path, body).status, status, f"{path} {body}")
    log = gateway.log()
    expect("admin: looked inside a mailbox" in log and f"admin: message downloaded on=\"{mailbox.address} {uidl}\"" in log,
           "who looked inside is not in the log")


@case
def what_an_earlier_password_opens_is_locked(stage):
    gateway, mailbox, web = watched(stage)
    deliver(gateway, fixtures.small(1), mailbox)
    new = json.loads(gateway.command("mailbox", "password", mailbox.address, "--reset", "--json").stdout)["password"]
    expect_equal(web.post(of(mailbox), {"password": mailbox.password}).status, 403, "the old password")
    got = web.must(200, web.post(of(mailbox), {"password": new}))
    expect_equal((got["messages"], got["total"], got["locked"]), ([], 0, 1), "what the new one opens")


@case
def a_damaged_message_is_said_and_never_handed_out_as_whole(stage):
    gateway, mailbox, web = watched(stage)
    early, late, whole = (deliver(gateway, fixtures.large(size), mailbox) for size in (100_000, 3_000_000, 100_000))
    for path in gateway.sealed_files():
        if path.name in (early, late):
            octets = bytearray(path.read_bytes())
            octets[500 if path.name == early else -100_000] ^= 1
            path.write_bytes(octets)
    shown = {message["uidl"]: message for message in listing(web, mailbox)["messages"]}
    expect("error" in shown[early] and "subject" not in shown[early], f"a damaged header is shown: {shown[early]}")
    expect(shown[late]["subject"] and shown[whole]["subject"], "the others are not shown")
    got = download(web, mailbox, early)
    expect_equal((got.status, got.code), (422, "refused"), "a message whose first chunk is damaged")
    connection, response = begun(web, of(mailbox, f"messages/{late}"), {"password": mailbox.password})
    expect_equal(response.status, 200, "a message damaged later on")
    try:
        response.read()
        expect(False, "a damaged message came as if it were whole")
    except http.client.IncompleteRead as cut:
        expect(1_000_000 < len(cut.partial) < shown[late]["octets"], f"{len(cut.partial)} octets came")
    connection.close()
    gateway.wait_log("message cannot be opened; its download was cut off")
    expect_equal(len(download(web, mailbox, whole).octets), shown[whole]["octets"], "an undamaged message")


@case
def a_browser_that_stops_reading_costs_little_and_stops_nobody(stage):
    # A sanitizer keeps what was freed, unless it is told not to.
    gateway, mailbox, web = watched(stage, environment={"ASAN_OPTIONS": "quarantine_size_mb=1"})
    uidl = deliver(gateway, fixtures.large(50 << 20), mailbox)
    download(web, mailbox, uidl)
    before = gateway.status("VmRSS")
    stuck = [begun(web, of(mailbox, f"messages/{uidl}"), {"password": mailbox.password}) for _ in range(8)]
    small = deliver(gateway, fixtures.small(2), mailbox)
    with Pop3(gateway, mailbox) as pop:
        expect(small in dict(pop.listing("UIDL")).values(), "mail does not flow")
        pop.must("QUIT")
    grown = gateway.status("VmRSS") - before
    expect(grown < 60 << 10, f"8 downloads that nobody reads hold {grown} KiB")
    _, response = stuck[0]
    expect_equal(len(response.read()), int(response.headers["Content-Length"]), "one that reads on after all")
    for connection, response in stuck:
        response.close()
        connection.close()
    wait_for("the downloads to end", 30, lambda: not any("mailboxes" in file for file in gateway.open_files().values()))


@case
def what_was_fetched_and_deleted_comes_back(stage):
    gateway, mailbox, web = watched(stage)
    sent = [deliver(gateway, fixtures.small(number), mailbox) for number in range(3)]
    expect_equal(web.must(200, web.post(of(mailbox, "deleted")))["messages"], [], "nothing was deleted")
    octets = fetch_all(gateway, mailbox, delete=True)
    deleted = web.must(200, web.post(of(mailbox, "deleted")))
    expect_equal((sorted(message["uidl"] for message in deleted["messages"]), deleted["total"]), (sent, 3), "deleted")
    one = deleted["messages"][0]
    expect(one["octets"] == len(octets[one["uidl"]]) and one["deleted"] < one["until"] and not one["locked"], f"{one}")
    got = web.must(200, web.post(of(mailbox, "restore"), {"uidls": [sent[0], sent[2], "0" * 8 + sent[0][8:]]}))
    expect_equal([message["state"] for message in got["messages"]], ["restored", "restored", "unknown"], "states")
    expect_equal(sorted(fetch_all(gateway, mailbox)), [sent[0], sent[2]], "what waits again")
    for body, status in (({}, 400), ({"uidls": []}, 400), ({"uidls": "x"}, 400), ({"uidls": ["../x"]}, 422)):
        expect_equal(web.post(of(mailbox, "restore"), body).status, status, f"restore {body}")
    read = Web(gateway, token_of(gateway, "read"))
    expect_equal((read.post(of(mailbox, "deleted")).status, read.post(of(mailbox, "restore"), {"uidls": sent}).status),
                 (403, 403), "a token to read")


@case
def guessing_is_no_faster_here_and_keeps_no_archiver_out(stage):
    gateway, mailbox, web = watched(stage)
    with concurrent.futures.ThreadPoolExecutor(24) as crowd:
        guesses = [crowd.submit(web.post, of(mailbox), {"password": f"guess {number}"}) for number in range(48)]
        with Pop3(gateway, source="127.0.0.77") as pop:
            pop.must(f"USER {mailbox.address}")
            pop.must(f"PASS {mailbox.password}")
        waiting = sum(not guess.done() for guess in guesses)
        answers = [guess.result() for guess in guesses]
    expect(waiting > 0, "the archiver only came in once all guesses were over")
    codes = {answer.status for answer in answers}
    expect(codes <= {403, 429} and 429 in codes, f"answers to a crowd that guesses: {codes}")


@case
def the_password_stays_nowhere(stage):
    need_root("reads the memory of a process that forbids being looked at")
    gateway, mailbox, web = watched(stage, {"log": {"level": "debug"}}, environment=PLAIN_MEMORY)
    uidl = deliver(gateway, fixtures.large(200_000), mailbox)
    password = mailbox.password
    as_base64 = base64.b64encode(password.encode()).decode()
    escaped = "".join(f"\\u{ord(character):04x}" for character in password)
    for _ in range(3):
        listing(web, mailbox)
        download(web, mailbox, uidl)
    odd = (f'{{"password": "{escaped}"}}', f'{{"limit": 9999, "password": "{password}"}}',
           f'{{"password": "{password}", "after": "x"}}', f'{{"password": "{password}{"x" * 3000}"}}')
    for octets, status in zip(odd, (200, 400, 400, 403)):
        got = web.ask("POST", of(mailbox), octets=octets.encode(), headers={"Content-Type": "application/json"})
        expect_equal(got.status, status, octets[:30])
    web.ask("POST", f"mailboxes/{mailbox.address}/nothing", {"password": password})
    web.ask("POST", of(mailbox), {"password": password}, headers={"X-CSRF-Token": None})
    nothing_shows(gateway, {"password": password.encode()}, "after looking inside")
    not_in_memory(gateway, {"password": password.encode(), "escaped password": escaped.encode(),
                            "password as base64": as_base64.encode()}, "after looking inside")


if __name__ == "__main__":
    run()
