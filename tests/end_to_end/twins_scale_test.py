#!/usr/bin/env python3
# build: release
# time limit: 600 s
"""How long a thousand mailboxes take to a fresh node, and to one that was away while they were changed."""
import json
import time

from cases import case, expect, run, seconds
from gateway import Gateway
from strain import figure
from twins import in_step, invitation

COUNT = 1000 if seconds(5) >= 600 else 300  # each costs an scrypt to make


def known(gateway):
    return len(json.loads(gateway.command("mailbox", "list", "--json").stdout))


@case
def a_thousand_mailboxes_reach_a_fresh_node_in_seconds(stage):
    one = Gateway(stage, {"hostname": "one.example.com"}, web=True).start()
    table = stage.folder / "mailboxes.csv"
    table.write_text("name\n" + "".join(f"number {number}\n" for number in range(COUNT)))
    one.command("mailbox", "create", "--from", str(table), seconds=300)
    other = Gateway(stage, {"hostname": "other.example.com"}, web=True).start()
    line = invitation(one)
    begun = time.monotonic()
    other.command("twin", "join", text=line)
    in_step(other, seconds=120)
    took = time.monotonic() - begun
    expect(known(other) == COUNT, f"{known(other)} mailboxes have arrived")
    figure(f"{COUNT} mailboxes reach a fresh node in {took:.1f} s")
    memory = max(gateway.status("VmHWM") for gateway in (one, other))
    figure(f"two nodes with {COUNT} mailboxes each have taken at most {memory / 1024:.0f} MiB")


if __name__ == "__main__":
    run()
