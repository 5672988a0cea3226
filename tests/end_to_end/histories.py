"""What admins do with mailboxes on either of two twins at random, while mail arrives and the link between them comes and
goes; and that nothing of it is lost.
"""
import json
import random

import fixtures
from cases import wait_for
from passwords import password
from twins import in_step, records
from two_gateways import Mail, Notebook


class History:
    """`link` is cut and mended; `identity` are the lines of the recovery key, where there is one."""

    def __init__(self, one, other, link, seed, identity=()):
        self.nodes, self.link, self.random = (one, other), link, random.Random(seed)
        self.seed, self.identity = seed, identity
        self.notebook = Notebook()
        self.mail = Mail(self.notebook)
        self.boxes = []
        self.is_cut = False
        self.actions = ("create", "change", "reset", "describe", "cut", "mend", "deliver", "deliver",
                        *(("recover",) if identity else ()))

    def known_on(self, gateway):
        there = {mailbox["address"] for mailbox in json.loads(gateway.command("mailbox", "list", "--json").stdout)}
        return [mailbox for mailbox in self.boxes if mailbox.address in there]

    def step(self):
        gateway = self.random.choice(self.nodes)
        known = self.known_on(gateway)
        action = self.random.choice(self.actions)
        if action == "create" or not known:
            self.boxes.append(self.notebook.create(gateway, f"number {len(self.boxes)}"))
            return
        mailbox = self.random.choice(known)
        if action == "cut":
            self.link.cut()
            self.is_cut = True
        elif action == "mend":
            self.link.mend()
            self.is_cut = False
        elif action == "deliver":
            self.mail.deliver(gateway, mailbox, fixtures.small(len(self.boxes)))
        elif action == "describe":
            gateway.command("mailbox", "edit", mailbox.address, "--description", f"word {self.random.random()}")
        elif action == "recover":
            self.recover(gateway, mailbox)
        elif action == "reset":
            self.notebook.reset(gateway, mailbox)
        else:
            if not self.is_cut:
                self.both_know_the_same()  # else the other's word may make another password the present one meanwhile
            self.notebook.change(gateway, mailbox)

    def recover(self, gateway, mailbox):
        answer = password(gateway, mailbox, "--recover", lines=self.identity)
        self.notebook.note(gateway, mailbox.address, answer["password"])

    def both_know_the_same(self):
        in_step(*self.nodes, seconds=120)  # which a node may still say that has just learned something
        wait_for(f"both to know the same (seed {self.seed})", 120,
                 lambda: records(self.nodes[0]) == records(self.nodes[1]), pause=0.2)

    def settle(self):
        """Both hold the same, and each message that waits opens with a password, or by the recovery key."""
        self.link.mend()
        self.both_know_the_same()
        for gateway, mailbox in self.mail.taken:
            self.mail.is_all_there(gateway, mailbox)
            if self.identity and self.random.random() < 0.3:
                self.recover(gateway, mailbox)
                self.both_know_the_same()
            self.mail.all_opens(gateway, mailbox)
        self.both_know_the_same()
