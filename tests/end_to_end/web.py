"""A client of the page's API for tests: what a browser or a program sends, and every octet that comes back."""
import functools
import http.client
import json
import pathlib
import re
import ssl

try:
    import jsonschema
except ImportError:
    jsonschema = None  # answers are not compared with the OpenAPI document then

from cases import Skip, expect, expect_equal

NAME, PASSWORD = "anna", "correct horse battery"
ROOT = "/api/v1"
COOKIE = "__Host-postern"


@functools.cache
def document():
    folder = pathlib.Path(__file__).resolve().parent.parent.parent
    return json.loads((folder / "webui" / "assets" / "openapi.json").read_text())


@functools.cache
def operation_of(method, path):
    """What the document says of a request, None where it knows none such."""
    for pattern, operations in document()["paths"].items():
        if re.fullmatch(ROOT + re.sub(r"\{\w+\}", "[^/]+", pattern), path):
            return operations.get(method.lower())
    return None


def check_answer(method, path, answer):
    """Every answer of the API is what its document says, in whatever test it was given."""
    operation = operation_of(method, path.partition("?")[0])
    if operation is None or jsonschema is None:
        return
    says = operation["responses"].get(str(answer.status))
    expect(says is not None or answer.status >= 400, f"{method} {path}: the document has no {answer.status}")
    schema = (says or operation["responses"]["default"]).get("content", {}).get("application/json", {}).get("schema")
    if schema is None or (answer.status in (400, 413) and answer.headers["Content-Type"].startswith("text/plain")):
        return  # the second: refused before it was read
    rules = {**schema, "components": document()["components"]}
    wrong = [error.message[:200] for error in jsonschema.Draft202012Validator(rules).iter_errors(answer.json)]
    expect(not wrong, f"{method} {path}: the answer is not what the document says: {wrong[:3]}")


def need_document():
    if jsonschema is None:
        raise Skip("python3-jsonschema is not installed")


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
        check_answer(method, path if path.startswith("/") else f"{ROOT}/{path}", answer)
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
