"""What Debian's pebble lacks, put in front of it: renewal information, profiles, and every fault an authority has.

Passes on whatever no test stands in the way of, and counts all that is asked. Signs nothing.
"""
import base64
import collections
import contextlib
import http.client
import http.server
import json
import ssl
import threading

from certificates import Authority
from gateway import HOSTNAME, Gateway, free_ports, own_address
from pebble import Pebble

# Pebble's paths, by what RFC 8555 calls them.
DIRECTORY, NONCE, ACCOUNT, NEW_ORDER = "/dir", "/nonce-plz", "/sign-me-up", "/order-plz"
ORDER, AUTHORIZATION, CHALLENGE, FINALIZE, CERTIFICATE = "/my-order/", "/authZ/", "/chalZ/", "/finalize-order/", "/certZ/"
RENEWAL_INFO = "/renewal-info/"
REVOKE = "/revoke-cert"
PREFIX = "urn:ietf:params:acme:error:"


def refusal(status, kind, detail="as the test wants it", **headers):
    """An answer; header names as keywords (`Retry_After="3"`)."""
    return status, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(
        {"type": PREFIX + kind, "detail": detail}).encode()


def payload_of(body):
    """What a signed request asks; None for POST-as-GET."""
    text = json.loads(body)["payload"]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))) if text else None


class Stub:
    def __init__(self, stage, pebble):
        self.pebble = pebble
        self.asked = []  # (method, path, payload)
        self.instead = collections.defaultdict(list)  # beginning of a path -> answers, or functions of an answer
        self.profiles = {}
        self.window = None  # function of a certificate's id -> (start, end), RFC 3339
        self.lock = threading.Lock()
        self.host = own_address()
        (self.port,) = free_ports(self.host, 1)
        authority = Authority(stage.folder / f"stub-{self.host}")
        self.ca_file = authority.root
        certificate, key = authority.server(self.host)
        self.upstream = ssl.create_default_context(cafile=str(pebble.ca_file))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        stub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, headers, answer = stub.answer(self.command, self.path, body, self.headers.get("Content-Type"))
                self.send_response_only(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                with contextlib.suppress(OSError):  # whoever asked may have been killed
                    self.end_headers()
                    if self.command != "HEAD":
                        self.wfile.write(answer)

            do_GET = do_HEAD = do_POST = handle_any

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer((self.host, self.port), Handler)
        self.server.daemon_threads = True
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        stage.callback(self.server.shutdown)

    def settings(self, **acme):
        settings = self.pebble.settings(**acme)
        settings["acme"] |= {"directory": f"https://{self.host}:{self.port}{DIRECTORY}", "ca_file": str(self.ca_file)}
        return settings

    def count(self, path):
        with self.lock:
            return sum(asked.startswith(path) for _, asked, _ in self.asked)

    def requests(self):
        with self.lock:
            return len(self.asked)

    def payloads(self, path):
        with self.lock:
            return [payload for _, asked, payload in self.asked if asked.startswith(path)]

    def answer(self, method, path, body, kind):
        with self.lock:
            self.asked.append((method, path, payload_of(body) if method == "POST" else None))
            queue = next((queue for start, queue in self.instead.items() if queue and path.startswith(start)), None)
            planned = queue.pop(0) if queue else None
        if planned is not None and not callable(planned):
            return planned
        if path.startswith(RENEWAL_INFO):
            return self._renewal_info(path.removeprefix(RENEWAL_INFO))
        answer = self._pass_on(method, path, body, kind)
        if path == DIRECTORY:
            answer = self._extended(answer)
        return planned(answer) if planned else answer

    def _pass_on(self, method, path, body, kind):
        try:
            connection = http.client.HTTPSConnection(self.pebble.host, self.pebble.port, context=self.upstream, timeout=30)
            headers = {"Host": f"{self.host}:{self.port}"}  # what its addresses are made of
            if kind:
                headers["Content-Type"] = kind
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            kept = {name: value for name, value in answer.getheaders()
                    if name.lower() in ("content-type", "location", "replay-nonce", "retry-after", "link")}
            return answer.status, kept, answer.read()
        except OSError:
            return 502, {}, b"the authority is down"

    def _extended(self, answer):
        status, headers, body = answer
        directory = json.loads(body)
        if self.window:
            directory["renewalInfo"] = f"https://{self.host}:{self.port}{RENEWAL_INFO.rstrip('/')}"
        directory.setdefault("meta", {}).update({"caaIdentities": ["ca.example.com"], "profiles": self.profiles})
        return status, headers, json.dumps(directory).encode()

    def _renewal_info(self, identifier):
        start, end = self.window(identifier)
        body = json.dumps({"suggestedWindow": {"start": start, "end": end}}).encode()
        return 200, {"Retry-After": "21600", "Content-Type": "application/json"}, body


def prepared(stage, **settings):
    """A gateway that is not started yet, and the authority it will ask."""
    gateway = Gateway(stage)
    pebble = Pebble(stage, gateway.host, **settings)
    stub = Stub(stage, pebble)
    gateway.configure(stub.settings(challenge="dns-01", hook=pebble.hook(), names=[HOSTNAME]))
    return gateway, stub
