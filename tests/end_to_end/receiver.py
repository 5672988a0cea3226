"""A receiver of webhooks over HTTPS, which behaves as it is told: takes them, refuses, hangs, or talks without end."""
import hashlib
import base64
import hmac
import http.server
import json
import ssl
import threading

from cases import expect_equal
from certificates import Authority
from gateway import own_address

SECRET = "a secret of thirty-two characters"
PATH = "/hooks/who-knows-this-may-post"


class Receiver:
    """Runs in threads of the test; `answer` is a status, "hang" or "endless"."""

    def __init__(self, stage):
        self.host = own_address()
        self.answer = 200
        self.notices = []   # (headers, body), in the order of arrival, also of those that were refused
        self.hanging = 0
        self.over = threading.Event()
        authority = Authority(stage.folder / "receiver")
        chain, key = authority.server(self.host, days=3650)
        self.root = authority.root
        self.secret = stage.folder / "webhook-secret"
        self.secret.write_text(SECRET + "\n")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, key)
        self.server = http.server.ThreadingHTTPServer((self.host, 0), self._handler())
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.server.handle_error = lambda *_: None  # a client that went away
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        stage.callback(self.close)

    def close(self):
        self.over.set()
        self.server.shutdown()
        self.server.server_close()

    @property
    def settings(self):
        """What [alerts] needs to reach it."""
        return {"webhook": f"https://{self.host}:{self.server.server_port}{PATH}", "webhook_ca_file": str(self.root),
                "webhook_secret_file": str(self.secret)}

    def bodies(self, state=None):
        """Those that came, each once, and each signed."""
        found = {}
        for headers, body in list(self.notices):
            said = b".".join((headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body))
            mac = base64.b64encode(hmac.new(SECRET.encode(), said, hashlib.sha256).digest()).decode()
            expect_equal(headers["webhook-signature"], f"v1,{mac}", "the signature")
            found[headers["webhook-id"]] = json.loads(body)
        return [body for body in found.values() if state in (None, body["state"])]

    def _handler(receiver):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path == PATH:
                    receiver.notices.append((dict(self.headers), body))
                if receiver.answer == "hang":
                    receiver.hanging += 1
                    receiver.over.wait(300)
                elif receiver.answer == "endless":
                    self.send_response(200)
                    self.end_headers()
                    while not receiver.over.is_set():
                        self.wfile.write(b"x" * 4096)
                else:
                    self.send_response(receiver.answer)
                    self.send_header("Content-Length", "0")
                    self.end_headers()

            def log_message(self, *_):
                pass
        return Handler
