#!/usr/bin/env python3
"""The rules and the dashboard that come with the program fit what it tells: by Prometheus' own tool, and name by name."""
import json
import pathlib
import re
import subprocess

import fixtures
from cases import Skip, case, expect, expect_equal, run
from clients import Smtp, deliver, program
from gateway import DOMAIN, Gateway, free_ports
from twins import in_step, invitation

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FILES = ROOT / "packaging" / "monitoring"
NAME = r"\bpostern_\w+"


def promtool(*words, text=""):
    """Unpacked, not installed: the package would start a server."""
    done = subprocess.run([pathlib.Path(__file__).with_name("unpack-peers"), "prometheus"], capture_output=True, text=True,
                          timeout=300)
    if done.returncode:
        raise Skip(f"prometheus cannot be unpacked: {done.stderr.strip()}")
    tool = pathlib.Path(done.stdout.strip().splitlines()[-1]) / "usr" / "bin" / "promtool"
    ended = subprocess.run([tool, *words], input=text, capture_output=True, text=True, timeout=120, cwd=FILES)
    expect_equal(ended.returncode, 0, f"promtool {' '.join(words)}: {ended.stdout}{ended.stderr}")


def page(stage):
    """/metrics of a gateway that has something to tell of each kind."""
    gateway = Gateway(stage, web=True)
    gateway.metrics, = free_ports(gateway.host, 1)
    gateway.configure({"metrics": {"listen": [f"{gateway.host}:{gateway.metrics}"]}})
    gateway.start()
    twin = Gateway(stage, {"hostname": "other.example.com"}, web=True).start()
    twin.command("twin", "join", text=invitation(gateway))
    in_step(gateway, twin)
    mailbox = gateway.create()
    deliver(gateway, fixtures.small(1), mailbox)
    gateway.command("mailbox", "suspend", mailbox.address)
    with Smtp(gateway) as smtp:
        smtp.must("MAIL FROM:<a@example.com>", "250")
        smtp.must(f"RCPT TO:<{mailbox.address}@{DOMAIN}>", "450")
    gateway.command("drain", "on", "--yes")
    return program("curl", "--silent", f"http://{gateway.host}:{gateway.metrics}/metrics").stdout.decode()


@case
def rules_say_what_they_should(stage):
    promtool("check", "rules", "postern.rules.yml")
    promtool("test", "rules", "postern.rules.test.yml")


@case
def metrics_are_in_good_form(stage):
    promtool("check", "metrics", text=page(stage))


@case
def rules_dashboard_and_manual_name_what_is_told(stage):
    told = set(re.findall(rf"^# TYPE ({NAME})", page(stage), re.M))
    manual = (ROOT / "docs" / "monitoring.md").read_text()
    dashboard = json.loads((FILES / "postern-dashboard.json").read_text())
    named = {
        "the rules": set(re.findall(NAME, (FILES / "postern.rules.yml").read_text())),
        "the dashboard": set(re.findall(NAME, json.dumps(dashboard))),
        "docs/monitoring.md": set(re.findall(NAME, manual)),
    }
    for where, names in named.items():
        expect(len(names) > 3 and names <= told, f"{where} names {names - told}, which is not told")
    expect(told <= named["docs/monitoring.md"], f"docs/monitoring.md lacks {told - named['docs/monitoring.md']}")
    expect(all(panel["targets"] for panel in dashboard["panels"]) and len(dashboard["panels"]) > 8, "empty panels")


if __name__ == "__main__":
    run()
