#!/usr/bin/env python3
"""The whole way of a journal report as an admin goes it on the page, in a real browser, with real mail."""
from browser import drive, link_of
from cases import case, expect, expect_equal, run
from clients import Pop3, deliver, fetch_all
from fixtures import SECRET, journal_report
from gateway import DOMAIN, Gateway, Mailbox


@case
def from_the_set_up_link_to_a_second_gateway(stage):
    first, second = (Gateway(stage, web=True).start() for _ in range(2))

    def mailbox(address, password=""):
        return Mailbox(address, f"{address}@{DOMAIN}", password)

    def fetch(address, password):
        found = fetch_all(first, mailbox(address, password), delete=True)
        expect_equal(len(found), 1, "messages fetched by POP3")

    def saved(path):
        with open(path, "rb") as message:
            expect(SECRET.encode() in message.read(), "the message that was saved is not the one that was sent")

    def log_in(address, password):
        with Pop3(second, mailbox(address, password)) as pop:
            pop.must("STAT")
            pop.must("QUIT")

    def secrecy(words):
        for gateway in (first, second):
            for word in words:
                expect(word not in gateway.log(), f"a password stands in the log: {word}")

    drive(stage, "way_of_a_report.mjs", first, {
        "link": lambda which="first": link_of(second if which == "second" else first),
        "deliver": lambda address, subject: deliver(first, journal_report(subject=subject), mailbox(address)) and None,
        "fetch": fetch,
        "saved": saved,
        "knows": lambda: len(list((second.data / "config" / "mailboxes").glob("mbx-*"))),
        "logIn": log_in,
        "secrecy": secrecy,
    })


if __name__ == "__main__":
    run()
