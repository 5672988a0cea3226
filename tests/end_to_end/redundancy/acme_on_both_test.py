#!/usr/bin/env python3
# time limit: 600 s
# waits
"""Certificates by ACME on both nodes, for their own names and for one that leads to either: Postfix and the archiver
verify them. The authority comes to whichever node it chooses, and a standby wakes up with one that has lapsed.
"""
import ssl
import time

from scene import NAME_SERVER, Host, Scene

import served
from cases import case, expect, expect_equal, run, wait_for
from clients import program
from gateway import DOMAIN
from names import host_record
from pebble import Pebble, count_issued, issued
from twins import in_step, invitation

SOON = 20  # seconds that the first certificates live
ORDERS = 2  # on each node, while all is well


class Town(Scene):
    """A scene with an authority that all of its hosts trust."""

    def __init__(self, stage):
        self.roots = stage.folder / "roots.pem"
        self.roots.touch()
        super().__init__(stage, self.roots)
        self.authority = Pebble(stage, place=Host(self.network, "ca.example.com", 40), name_server=NAME_SERVER,
                                http=80, validity=SOON)
        self.trust()
        for node in self.nodes:
            node.configure(self.authority.settings(listen=[f"{node.host}:80"]))

    def trust(self):
        self.roots.write_bytes(self.authority.roots().read_bytes())

    def lives_longer_from_now_on(self):
        """What it issues; it has another root and knows nobody."""
        self.authority.stop()
        self.authority.validity = 518400
        self.authority.start()
        self.trust()

    def names_of(self, node):
        """Those of the certificate that it shows on every port, verified."""
        with node.place.inside():
            shown = served.names(node, self.roots)
        expect(len(set(map(tuple, shown.values()))) == 1, f"not the same on every port: {shown}")
        return next(iter(shown.values()))

    def certified(self, node):
        """Orders until the node has a certificate for both names: an order under way may be from before, and fail."""
        def is_so():
            done = node.command("certificate", "renew", code=None)
            return done.returncode == 0 and self.names_of(node) == [DOMAIN, node.place.name]
        wait_for(f"a certificate of {node.place.name} for both names", 240, is_so, pause=1)

    def renews_at_once(self, node):
        """Whichever node the authority asks; only a twin that is slow to answer may cost another try."""
        done = node.command("certificate", "renew", code=None)
        if done.returncode != 0:
            expect("does not know the ACME challenges yet" in node.log(), f"an order failed: {done.stderr.decode()}")
            node.command("certificate", "renew")


def end_of_certificate(node):
    """Of the one on its disk, in seconds since 1970."""
    said = program("openssl", "x509", "-noout", "-enddate", "-in", str(node.data / "acme" / "certificate.pem")).stdout
    return ssl.cert_time_to_seconds(said.decode().strip().partition("=")[2])


@case
def either_proves_the_shared_name_and_a_lapsed_standby_comes_back(stage):
    town = Town(stage)
    one, standby = town.nodes
    one.start()
    mailbox = one.create()
    standby.start()
    for node in town.nodes:
        issued(node)
        expect_equal(town.names_of(node), [node.place.name], "names before there is a shared one")
    standby.command("twin", "join", text=invitation(one))  # verified by that authority, like any client
    in_step(one, standby)

    standby.stop()
    lapses = end_of_certificate(standby)
    town.lives_longer_from_now_on()
    town.publish(host_record(DOMAIN, one.host))
    town.certified(one)
    town.traffic(mailbox, *(node.place.name for node in town.nodes))
    town.stream.some_more()
    wait_for("the certificate of the standby to lapse", 5 * SOON, lambda: time.time() > lapses)

    town.publish(host_record(DOMAIN, *(node.host for node in town.nodes)))
    before, begun = count_issued(standby), time.monotonic()
    standby.start()
    wait_for("a certificate for the standby", 240, lambda: count_issued(standby) > before)
    print(f"figure: a standby with a lapsed certificate had a valid one {time.monotonic() - begun:.0f} s after its start")
    expect_equal(town.names_of(standby), [DOMAIN, standby.place.name], "names of the standby")
    in_step(one, standby, seconds=90)
    for node in town.nodes * ORDERS:
        town.renews_at_once(node)
    for node in town.nodes:
        expect("challenges are answered here too" in node.log(), f"{node.place.name} was told no challenge of its twin")
        town.mail_reaches(node)

    town.trouble()
    for node in town.nodes:
        town.certified(node)
    town.end()
    print(f"figure: {sum(map(count_issued, town.nodes))} certificates; whom the archiver talked to could not prove it "
          f"{town.archiver.unproved} times")


if __name__ == "__main__":
    run()
