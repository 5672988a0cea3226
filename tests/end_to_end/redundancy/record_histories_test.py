#!/usr/bin/env python3
# build: release
# time limit: 900 s
# waits
"""Admins create, change, reset and recover on two machines at random, while mail arrives and the network between the two
comes and goes: afterwards both hold the same records, and all that waits opens with what was valid where it was taken.
"""
import scene  # first: it makes the other tools known

from cases import case, need, run
from clients import program
from histories import History
from names import host_record
from strain import figure, short_or_full


class Way:
    """Between two machines: cut, each goes on, and neither is told."""

    def __init__(self, one, other):
        self.one, self.other, self.is_cut = one, other, False

    def route(self, verb):
        self.other.place.ip("route", verb, "blackhole", f"{self.one.host}/32")

    def cut(self):
        if not self.is_cut:
            self.route("add")
        self.is_cut = True

    def mend(self):
        if self.is_cut:
            self.route("del")
        self.is_cut = False


class Machines(scene.Scene):
    """A scene without a Postfix: its clients are in the office."""

    def __init__(self, stage):
        need("age-keygen")
        super().__init__(stage)
        self.names.publish(*(host_record(node.place.name, node.host) for node in self.nodes))
        file = stage.folder / "recovery.txt"
        program("age-keygen", "-o", str(file))
        self.identity = file.read_text().splitlines()
        recipient = program("age-keygen", "-y", str(file)).stdout.decode().strip()
        for node in self.nodes:
            node.configure({"keys": {"recovery": recipient}})


@case
def after_any_history_both_hold_the_same_and_all_opens(stage):
    machines = Machines(stage)
    one, other = machines.nodes
    first = machines.twins()
    history = History(one, other, Way(one, other), machines.seed, machines.identity)
    history.boxes += [first, history.notebook.create(other, "the second's")]
    history.notebook.note(one, first.address, first.password)
    steps = short_or_full(16, 250)
    with machines.office.inside():
        for _ in range(steps):
            history.step()
        history.settle()
    taken = sum(len(ids) for ids in history.mail.taken.values())
    figure(f"{steps} steps on two machines: {len(history.boxes)} mailboxes alike on both, all {taken} messages open")


if __name__ == "__main__":
    run()
