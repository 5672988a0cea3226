"""What a monitoring system reads over HTTP: figures, health and readiness, as curl sees them."""
import re

from cases import expect_equal
from clients import program
from gateway import free_ports


def watch(gateway):
    """Gives a gateway that is not started yet a metrics listener."""
    gateway.metrics, = free_ports(gateway.host, 1)
    gateway.configure({"metrics": {"listen": [f"{gateway.host}:{gateway.metrics}"]}})
    return gateway


def ask(gateway, path, *options):
    """(status, body), as curl sees it."""
    done = program("curl", "--silent", "--show-error", "--max-time", "60", "--write-out", "\n%{http_code}", *options,
                   f"http://{gateway.host}:{gateway.metrics}{path}").stdout.decode()
    body, _, status = done.rpartition("\n")
    return int(status), body


def figures(gateway):
    status, body = ask(gateway, "/metrics")
    expect_equal(status, 200, "status of /metrics")
    return {name: float(value) for name, value in re.findall(r"^(postern_\S+) (\S+)$", body, re.MULTILINE)}
