#!/usr/bin/env python3
"""What strangers, foreign pages and tokens of too little scope try at the page: each refused, and mail flows on."""
import concurrent.futures
import re
import socket
import ssl
import time

import fixtures
from cases import case, expect, expect_equal, run, wait_for
from certificates import Authority
from clients import deliver, fetch_all, tls_context
from gateway import HOSTNAME, Gateway
from web import COOKIE, NAME, PASSWORD, ROOT, Web, setup_token, token_of

CSP = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
       "form-action 'self'; base-uri 'none'; frame-ancestors 'none'")


def admin(stage, settings=None):
    gateway = Gateway(stage, settings, web=True).start()
    return gateway, Web(gateway).set_up()


class Raw:
    """Octets as an attacker sends them, under TLS."""

    def __init__(self, gateway):
        self.socket = tls_context().wrap_socket(socket.create_connection((gateway.host, gateway.web), timeout=60))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, octets):
        self.socket.sendall(octets)

    def rest(self):
        """All that comes until the server ends the connection."""
        octets = b""
        try:
            while more := self.socket.recv(65536):
                octets += more
        except (ConnectionError, ssl.SSLError):
            pass
        return octets


def statuses(octets):
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", octets)]


@case
def a_foreign_page_can_make_the_browser_do_nothing(stage):
    gateway, web = admin(stage)
    here = f"https://{gateway.host}:{gateway.web}"
    for change in ({"X-CSRF-Token": None}, {"X-CSRF-Token": "0" * 64}, {"X-CSRF-Token": web.csrf[:-1]},
                   {"X-CSRF-Token": web.csrf + "0"}, {"Origin": "https://evil.example"}, {"Origin": "null"},
                   {"Origin": here + "0"}, {"Origin": here.replace("https", "http")},
                   {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        answer = web.post("mailboxes", {"name": "x"}, headers=change)
        expect_equal((answer.status, answer.code), (403, "csrf"), f"with {change}")
    for form in ("application/x-www-form-urlencoded", "multipart/form-data", "text/plain", None):
        answer = web.ask("POST", "mailboxes", octets=b'{"name": "x"}', headers={"Content-Type": form})
        expect_equal(answer.status, 415, f"as {form}")
    forged = Web(gateway).post("session", {"name": NAME, "password": PASSWORD}, headers={"Origin": "https://evil.example"})
    expect_equal(forged.code, "csrf", "a log-in from a foreign page")
    expect_equal(web.get("mailboxes").json["total"], 0, "mailboxes")
    good = {"Origin": here, "Sec-Fetch-Site": "same-origin"}
    web.must(201, web.post("mailboxes", {"name": "x"}, headers=good))
    answer = web.get("mailboxes", headers={"Origin": "https://evil.example"})
    expect("Access-Control-Allow-Origin" not in answer.headers, "a foreign page may read it")
    expect_equal(web.ask("OPTIONS", "mailboxes").status, 501, "a preflight")


@case
def a_session_that_a_stranger_knows_is_not_the_victims(stage):
    gateway, web = admin(stage)
    for planted in ("0" * 64, "x", "", web.cookie):
        victim = Web(gateway)
        answer = victim.post("session", {"name": NAME, "password": PASSWORD},
                             headers={"Cookie": f"{COOKIE}={planted}"})
        victim.must(200, answer)
        expect(victim.cookie not in ("", planted), "the planted session is taken over")
        stranger = Web(gateway)
        stranger.cookie = planted
        expect_equal(stranger.get("session").status, 401, f"who planted {planted[:8]!r}")
    twice = Web(gateway).get("session", headers={"Cookie": f"{COOKIE}={victim.cookie}; {COOKIE}={'0' * 64}"})
    expect_equal(twice.status, 401, "two cookies of that name")
    beside = Web(gateway).get("session", headers={"Cookie": f"a=b; {COOKIE}={victim.cookie};c"})
    expect_equal(beside.status, 200, "beside other cookies")


@case
def only_our_names_are_answered(stage):
    gateway, web = admin(stage)
    names = [("evil.example", 421), (f"evil.example:{gateway.web}", 421), (f"{HOSTNAME}.evil.example", 421),
             ("127.0.0.1.evil.example", 421), ("evil.localhost", 421), (HOSTNAME, 200), (HOSTNAME.upper(), 200),
             (f"{HOSTNAME}:8450", 200), ("msgw.example.com", 200), ("localhost", 200), ("127.0.0.1:8450", 200),
             ("[::1]:8450", 200), ("192.0.2.7", 200)]
    for host, status in names:
        for path in ("/", f"{ROOT}/setup"):
            answer = Web(gateway).get(path, headers={"Host": host})
            expect_equal(answer.status, status, f"{path} of {host}")
    expect_equal(web.get("mailboxes", headers={"Host": "evil.example"}).code, "wrong_host", "with a session")


@case
def a_certificates_names_are_ours_and_only_a_foreign_one_binds_browsers(stage):
    chain, key = Authority(stage.folder / "ca").server(HOSTNAME, "page.example.net")
    gateway = Gateway(stage, {"tls": {"source": "files", "certificate": str(chain), "key": str(key)}}, web=True).start()
    answer = Web(gateway).get("/", headers={"Host": "page.example.net"})
    expect_equal((answer.status, answer.headers["Strict-Transport-Security"]), (200, "max-age=31536000"), "its name")
    ours = Gateway(stage, web=True).start()
    answer = Web(ours).get("/", headers={"Host": "page.example.net"})
    expect_equal(answer.status, 421, "the name at another gateway")
    expect("Strict-Transport-Security" not in Web(ours).get("/").headers, "a self-signed name is bound")


@case
def every_answer_carries_the_headers_that_keep_others_out(stage):
    _, web = admin(stage)
    for path in ("/", "/nothing", f"{ROOT}/session", f"{ROOT}/nothing", "/assets/openapi.json"):
        answer = web.get(path)
        expect_equal(answer.headers["Content-Security-Policy"], CSP, f"policy of {path}")
        for name, value in (("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "no-referrer"),
                            ("Cross-Origin-Opener-Policy", "same-origin"), ("Cross-Origin-Resource-Policy", "same-origin")):
            expect_equal(answer.headers[name], value, f"{name} of {path}")
        expect("camera=()" in answer.headers["Permissions-Policy"], "the page may use the camera")
        wanted = "no-store" if path.startswith(ROOT) or answer.status == 404 else "no-cache"
        expect_equal(answer.headers["Cache-Control"], wanted, f"caching of {path}")
        expect("Server" not in answer.headers, "the server tells its name and version")


@case
def no_address_leads_to_a_file(stage):
    gateway, web = admin(stage)
    for path in ("/../../etc/passwd", "/assets/../../etc/passwd", "/assets/%2e%2e/%2e%2e/etc/passwd",
                 "/assets/..%2f..%2fetc%2fpasswd", "/assets/....//etc/passwd", "/assets//etc/passwd",
                 "/assets/index.html%00.js", "/assets/%00", "/%2fetc/passwd", "/assets/.", "/assets/..",
                 f"{ROOT}/../../setup-link", f"{ROOT}/mailboxes/..%2f..%2fconfig%2fadmins.toml",
                 f"{ROOT}/mailboxes/%2e%2e", f"/{'../' * 200}etc/passwd"):
        answer = web.get(path)
        expect(answer.status in (400, 404), f"{path} is answered with {answer.status}")
        expect(b"root:" not in answer.octets and b"argon2" not in answer.octets, f"{path} shows a file")
    with Raw(gateway) as raw:
        raw.send(b"GET //etc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        expect_equal(statuses(raw.rest()), [400], "another host's address")


@case
def a_token_does_what_its_scope_says_on_every_route(stage):
    gateway, web = admin(stage)
    scopes = {scope: Web(gateway, token=token_of(gateway, scope, f"t-{scope}"))
              for scope in ("read", "manage", "replicate")}
    strangers = [Web(gateway), Web(gateway, token="postern_" + "0" * 48), Web(gateway, token="")]
    strangers[2].token, strangers[2].cookie = None, "0" * 64
    tried = 0
    for path, operations in web.must(200, web.get("openapi.json"))["paths"].items():
        if path in ("/events", "/replica/events"):
            continue  # does not end by itself
        for method, operation in operations.items():
            ways = {list(way)[0]: way for way in operation["security"]}
            if not ways:
                continue
            tried += 1
            scope_asked = ways.get("token", {}).get("token", [None])[0]
            allowed = {"read": scope_asked == "read", "replicate": scope_asked == "replicate",
                       "manage": scope_asked in ("read", "manage")}
            place = re.sub(r"\{\w+\}", "x", path)[1:]
            body = {} if "requestBody" in operation else None
            for stranger in strangers:
                answer = stranger.ask(method.upper(), place, body)
                expect_equal((answer.status, answer.code), (401, "not_logged_in"), f"{method} {path} by a stranger")
            for scope, client in scopes.items():
                answer = client.ask(method.upper(), place, body)
                refused = answer.status in (401, 403) and answer.code in ("not_logged_in", "forbidden")
                expect_equal(refused, not allowed[scope], f"{method} {path} by a token to {scope}: {answer.status}")
            if method != "get" and "session" in ways:
                answer = web.ask(method.upper(), place, body, headers={"X-CSRF-Token": None})
                expect_equal((answer.status, answer.code), (403, "csrf"), f"{method} {path} without CSRF token")
    expect(tried >= 15, f"only {tried} routes tried")
    web.must(200, web.get("session"))
    both = web.ask("GET", "session", headers={"Authorization": "Bearer postern_0"})
    expect_equal(both.status, 401, "a wrong token beside a good cookie")


@case
def bodies_have_an_end_which_comes_early_for_strangers(stage):
    gateway, web = admin(stage)
    large = {"name": "x", "password": "y" * 5000}
    expect_equal(Web(gateway).post("session", large).status, 413, "a large log-in")
    expect_equal(Web(gateway).post("mailboxes", large).status, 413, "a large body of a stranger")
    expect_equal(web.post("mailboxes", {"name": "y" * 5000}).status, 422, "of somebody known")
    expect_equal(web.post("mailboxes", {"name": "y" * 70_000}).status, 413, "too large for anybody")
    deep = b'{"name":' + b"[" * 30_000 + b"]" * 30_000 + b"}"
    answer = web.ask("POST", "mailboxes", octets=deep, headers={"Content-Type": "application/json"})
    expect_equal((answer.status, answer.code), (400, "bad_request"), "a deep body")
    with Raw(gateway) as raw:
        try:
            raw.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 1_000_000 + b"\r\n\r\n")
        except (ConnectionError, ssl.SSLError):
            pass  # cut before its end
        expect(statuses(raw.rest()) in ([431], []), "a header of 1 MB")
    expect_equal(web.get("session").status, 200, "the page after that")
    expect(gateway.status("VmHWM") < 2_000_000, "memory")


@case
def no_request_hides_in_another(stage):
    gateway, web = admin(stage)
    hidden = f"GET {ROOT}/mailboxes HTTP/1.1\r\nHost: localhost\r\nCookie: {COOKIE}={web.cookie}\r\n\r\n"
    head = f"POST {ROOT}/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    for fields in (f"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}",
                   f"Content-Length: 2\r\nContent-Length: {len(hidden)}\r\n\r\n{{}}{hidden}",
                   f"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{hidden}",
                   f"Transfer-Encoding: xchunked\r\n\r\n{hidden}", f"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{hidden}",
                   f"Content-Length: +2\r\n\r\n{{}}{hidden}", f"Content-Length: 2, 2\r\n\r\n{{}}{hidden}",
                   f"X: y\r\n Content-Length: 2\r\n\r\n{hidden}", f"Content-Length: 2\n\n{{}}{hidden}",
                   f"Host: evil.example\r\nContent-Length: 2\r\n\r\n{{}}{hidden}"):
        with Raw(gateway) as raw:
            raw.send((head + fields).encode())
            got = raw.rest()
        expect_equal(statuses(got), [400], f"{fields[:50]!r}")
        expect(b"mailboxes" not in got, "the hidden request was answered")
    with Raw(gateway) as raw:
        raw.send((head + f"Content-Length: {len(hidden)}\r\nConnection: close\r\n\r\n" + hidden).encode())
        expect_equal(statuses(raw.rest()), [400], "as a body")
    with Raw(gateway) as raw:
        raw.send(b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}")
        expect_equal(statuses(raw.rest()), [400], "a GET with a body")
    with Raw(gateway) as raw:
        raw.send((hidden.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")).encode())
        expect_equal(statuses(raw.rest()), [200], "by itself it is answered")


@case
def who_sends_slowly_is_cut_and_keeps_nobody_out(stage):
    gateway, web = admin(stage)
    mailbox = gateway.create()
    started = time.monotonic()
    slow = [Raw(gateway) for _ in range(100)]
    for each in slow:
        each.send(f"POST {ROOT}/session HTTP/1.1\r\nHost: localhost\r\n".encode())
    deliver(gateway, fixtures.small(1), mailbox)
    expect_equal(web.get("session").status, 200, "the page meanwhile")
    ended = set()

    def trickle():
        for number, each in enumerate(slow):
            try:
                each.send(b"X")
            except (ConnectionError, ssl.SSLError):
                ended.add(number)
        return len(ended) == len(slow)

    wait_for("all who send an octet a second to be cut", 60, trickle, pause=1)
    expect(time.monotonic() - started > 5, "they were cut at once")
    for each in slow:
        each.socket.close()
    expect_equal(len(fetch_all(gateway, mailbox)), 1, "mail that came")


@case
def five_hundred_log_ins_at_once_stop_neither_mail_nor_the_admin(stage):
    gateway, web = admin(stage)
    mailbox = gateway.create()

    def attempt(number):
        answer = Web(gateway).post("session", {"name": NAME if number % 2 else f"user{number}",
                                               "password": f"guessed password {number}"})
        if answer.status == 429:
            expect(int(answer.headers["Retry-After"]) > 0, "no Retry-After")
        return answer.status

    with concurrent.futures.ThreadPoolExecutor(100) as crowd:
        tries = [crowd.submit(attempt, number) for number in range(500)]
        for number in range(5):
            started = time.monotonic()
            deliver(gateway, fixtures.small(number), mailbox)
            mail = time.monotonic() - started
            started = time.monotonic()
            web.must(200, web.get("mailboxes"))
            page = time.monotonic() - started
            print(f"figure: while 500 log-ins are tried: a delivery {mail:.1f} s, the table {page:.1f} s")
        seen = [done.result() for done in tries]
    expect_equal(set(seen) - {401, 429}, set(), "other answers")
    expect(seen.count(401) >= 1 and seen.count(429) >= 300, f"401: {seen.count(401)}, 429: {seen.count(429)}")
    expect_equal(len(fetch_all(gateway, mailbox)), 5, "mail that came")
    lines = re.findall(r"log-ins to the page put off.*", gateway.log())
    expect(1 <= len(lines) <= 3, f"{len(lines)} lines of log-ins put off")
    expect("guessed password" not in gateway.log() and "user2" not in gateway.log(), "what was tried is in the log")
    wait_for("a log-in after that", 30, lambda: Web(gateway).post(
        "session", {"name": NAME, "password": PASSWORD}).status == 200, pause=0.5)


@case
def an_unknown_name_is_answered_as_a_wrong_password(stage):
    gateway = Gateway(stage, web=True).start()
    gateway.command("admin", "create", NAME, text=PASSWORD + "\n")
    client = Web(gateway)
    answers = [client.post("session", {"name": name, "password": "wrong wrong wrong"}) for name in (NAME, "nobody")]
    expect_equal(answers[0].octets, answers[1].octets, "the answers")
    expect_equal(*[{n: v for n, v in a.headers.items() if n != "Date"} for a in answers], "their fields")


@case
def secrets_stand_nowhere(stage):
    gateway = Gateway(stage, {"log": {"level": "debug"}}, web=True).start()
    link = setup_token(gateway)
    web = Web(gateway).set_up()
    told = web.must(201, web.post("mailboxes", {"name": "journal"}))
    token = web.must(201, web.post("tokens", {"scope": "read"}))["token"]
    Web(gateway, token=token).get("mailboxes")
    Web(gateway).post("session", {"name": "s3cret typed into the name", "password": "s3cret and wrong"})
    web.get("mailboxes?search=s3cret")
    gateway.stop()
    secrets = [link, PASSWORD, told["password"], token, web.cookie, web.csrf, "s3cret"]
    places = {"the log": gateway.log().encode()}
    places.update({str(path): path.read_bytes() for path in gateway.data.rglob("*") if path.is_file()})
    for place, octets in places.items():
        for secret in secrets:
            expect(secret.encode() not in octets, f"{secret[:10]}… stands in {place}")


if __name__ == "__main__":
    run()
