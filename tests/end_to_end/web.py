"""A client of the page's API for tests: what a browser or a program sends, and every octet that comes back."""
import http.client
import json
import re
import ssl

from cases import expect, expect_equal

NAME, PASSWORD = "anna", "correct horse battery"
ROOT = "/api/v1"
COOKIE = "__Host-postern"


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.octets = response.read()

    @property
    def json(self):
        return json.loads(self.octets)

    @property
    def code(self):
        return self.json["error"]["code"]


class Web:
    """One client: keeps its cookie and CSRF token as the page does, unless told otherwise."""

    def __init__(self, gateway, token=None):
        self.gateway = gateway
        self.token = token
        self.cookie = self.csrf = None

    def connection(self):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return http.client.HTTPSConnection(self.gateway.host, self.gateway.web, timeout=60, context=context)

    def ask(self, method, path, body=None, headers=None, octets=None):
        """`headers` are laid over what the page would send; None takes one away."""
        sent = {}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        elif self.cookie:
            sent["Cookie"] = f"{COOKIE}={self.cookie}"
            if method not in ("GET", "HEAD") and self.csrf:
                sent["X-CSRF-Token"] = self.csrf
        if body is not None:
            octets = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        connection = self.connection()
        try:
            connection.request(method, path if path.startswith("/") else f"{ROOT}/{path}", body=octets,
                               headers={name: value for name, value in sent.items() if value is not None})
            answer = Answer(connection.getresponse())
        finally:
            connection.close()
        given = re.match(rf"{COOKIE}=([^;]*)", answer.headers.get("Set-Cookie", ""))
        if given and not self.token:
            self.cookie = given[1] or None
        return answer

    def get(self, path, **options):
        return self.ask("GET", path, **options)

    def post(self, path, body=None, **options):
        return self.ask("POST", path, {} if body is None else body, **options)

    def must(self, status, answer):
        expect_equal(answer.status, status, f"status ({answer.octets[:300]!r})")
        return answer.json if answer.octets else None

    def log_in(self, name=NAME, password=PASSWORD):
        told = self.must(200, self.post("session", {"name": name, "password": password}))
        self.csrf = told["csrf"]
        return self

    def set_up(self, name=NAME, password=PASSWORD):
        """Makes the first account by the link, as an admin does who follows it."""
        told = self.must(200, self.post("setup", {"token": setup_token(self.gateway), "name": name,
                                                  "password": password}))
        self.csrf = told["csrf"]
        return self


def setup_token(gateway):
    link = (gateway.data / "setup-link").read_text()
    found = re.fullmatch(rf"https://{re.escape(gateway.host)}:{gateway.web}/#setup=([0-9a-f]{{48}})\n", link)
    expect(found, f"no set-up link: {link!r}")
    return found[1]


def token_of(gateway, scope, name="monitor"):
    """A new API token, as the command prints it."""
    return gateway.command("admin", "token", name, "--scope", scope).stdout.decode().split()[-1]
