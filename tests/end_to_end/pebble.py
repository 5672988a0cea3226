"""A certificate authority that speaks ACME: Debian's pebble, with its own DNS, on a loopback address of its own; or
at a `place`, a machine of redundancy/network.py, with the DNS that is there.

Issues nothing that anything but the test trusts. Ends with the test that started it.
"""
import contextlib
import json
import pathlib
import re
import ssl
import subprocess
import urllib.request

from cases import Failure, need, wait_for
from certificates import Authority
from gateway import die_with_parent, free_ports, own_address

START_SECONDS = 30
BINDING_KEY_ID = "kid-1"
BINDING_KEY = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"  # of pebble's own documentation

# What dns-01 runs: writes the TXT records of pebble's DNS server.
_HOOK = """\
#!/bin/sh
case $1 in
present) what=set-txt body="{{\\"host\\":\\"$2\\",\\"value\\":\\"$3\\"}}" ;;
cleanup) what=clear-txt body="{{\\"host\\":\\"$2\\"}}" ;;
esac
printf '%s\\n' "$*" >> {log}
exec curl -sS -f -d "$body" {url}/$what
"""


def status(gateway):
    """What `postern certificate status` tells."""
    return json.loads(gateway.command("certificate", "status", "--json").stdout)


def count_issued(gateway):
    return len(re.findall("certificate of an authority in use", gateway.log()))


def issued(gateway, times=1):
    """Waits until so many certificates were put in use."""
    wait_for(f"{times} certificates", 60, lambda: count_issued(gateway) >= times)


class Pebble:
    """`answers_at` is where its DNS says every name is; `http` and `tls` are the ports it proves names at."""

    def __init__(self, stage, answers_at=None, http=1, tls=1, validity=518400, bad_nonces=0, reuse=0, binding=False,
                 place=None, name_server=None):
        need("pebble", *([] if place else ["pebble-challtestsrv", "curl"]))
        self.folder = stage.folder / f"pebble-{own_address()}"
        self.folder.mkdir()
        self.host = place.address if place else own_address()
        self.enter, self.inside = (place.enter, place.inside) if place else (die_with_parent, contextlib.nullcontext)
        self.validity, self.bad_nonces, self.reuse, self.binding = validity, bad_nonces, reuse, binding
        self.http, self.tls = http, tls
        self.port, self.manager, self.dns, self.dns_manager = (14000, 15000, 53, 0) if place else free_ports(self.host, 4)
        self.name_server = name_server or self.host
        authority = Authority(self.folder / "endpoint")
        self.ca_file = authority.root
        self.certificate, self.key = authority.server(self.host)
        self.directory = f"https://{self.host}:{self.port}/dir"
        self.names = None if place else self._run(
            "pebble-challtestsrv", "-dns01", f"{self.host}:{self.dns}", "-management", f"{self.host}:{self.dns_manager}",
            "-http01", "", "-https01", "", "-tlsalpn01", "", "-defaultIPv4", answers_at, "-defaultIPv6", "")
        stage.callback(self._end, "names")
        self.server = None
        stage.callback(self._end, "server")
        self.start()

    def start(self):
        config = {"pebble": {
            "listenAddress": f"{self.host}:{self.port}", "managementListenAddress": f"{self.host}:{self.manager}",
            "certificate": str(self.certificate), "privateKey": str(self.key),
            "httpPort": self.http, "tlsPort": self.tls, "ocspResponderURL": "",
            "externalAccountBindingRequired": self.binding,
            "externalAccountMACKeys": {BINDING_KEY_ID: BINDING_KEY},
            "certificateValidityPeriod": self.validity, "domainBlocklist": ["blocked.example.com"]}}
        file = self.folder / "pebble.json"
        file.write_text(json.dumps(config))
        self.server = self._run("pebble", "-config", str(file), "-strict=true",
                                "-dnsserver", f"{self.name_server}:{self.dns}",
                                environment={"PEBBLE_VA_NOSLEEP": "1",
                                             "PEBBLE_WFE_NONCEREJECT": str(self.bad_nonces),
                                             "PEBBLE_AUTHZREUSE": str(self.reuse)})
        wait_for("pebble", START_SECONDS, self._answers)

    def stop(self):
        """As when the authority is down; start() makes another one, which knows nobody."""
        self._end("server")

    def roots(self):
        """A file with the root that the certificates chain to; another one after every start."""
        file = self.folder / "issued-root.pem"
        file.write_bytes(self._get(f"https://{self.host}:{self.manager}/roots/0"))
        return file

    def hook(self):
        """The program for acme.hook; each of its calls is a line of hook_log()."""
        file = self.folder / "hook"
        file.write_text(_HOOK.format(log=self.folder / "hook.log", url=f"http://{self.host}:{self.dns_manager}"))
        file.chmod(0o755)
        return str(file)

    def hook_log(self):
        file = self.folder / "hook.log"
        return file.read_text().splitlines() if file.exists() else []

    def settings(self, **acme):
        """Those of a gateway that gets its certificate here."""
        return {"tls": {"source": "acme"},
                "acme": {"directory": self.directory, "ca_file": str(self.ca_file), "listen": [], **acme}}

    def log(self):
        return (self.folder / "pebble.log").read_text(errors="replace")

    def _answers(self):
        if self.server.poll() is not None:
            raise Failure(f"pebble ended with {self.server.returncode}: {self.log()[-600:]}")
        try:
            return self._get(self.directory)
        except OSError:
            return b""

    def _get(self, url):
        context = ssl.create_default_context(cafile=str(self.ca_file))
        with self.inside(), urllib.request.urlopen(url, timeout=START_SECONDS, context=context) as answer:
            return answer.read()

    def _run(self, program, *arguments, environment=None):
        with open(self.folder / f"{pathlib.Path(program).name}.log", "ab") as log:
            return subprocess.Popen([program, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                    env={"PATH": "/usr/bin:/bin", **(environment or {})}, preexec_fn=self.enter)

    def _end(self, which):
        process = getattr(self, which)
        if process is not None and process.poll() is None:
            process.kill()
            process.wait()
