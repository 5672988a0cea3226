#!/usr/bin/env python3
"""Journal reports are pulled octet by octet, over POP3S and over STLS on the plain port, by the programs that
archives and admins use; what they delete is gone, what they leave is left.

fetchmail, mpop and mutt hand on lines that end by LF. getmail folds header fields anew, by Python's email
package: it must have handed on what that package makes of the right octets.
"""
import email

from cases import case, need, run
from clients import fetch_all
from pollers import fetchmail_fetch, getmail_fetch, mpop_fetch, mutt_fetch, net_pop3_fetch, poplib_fetch
from reports import compare, filled


def as_sent(fetched):
    return fetched


def lines_by_lf(fetched):
    return fetched.replace(b"\r\n", b"\n")


def by_email_package(fetched):
    return email.message_from_bytes(lines_by_lf(fetched)).as_bytes()


def every_report_is_fetched(stage, fetch, handed_on, passes=((False, False), (True, True))):
    """`passes`: (STLS, delete) of each; the last one deletes."""
    gateway, mailbox, wanted = filled(stage)
    for number, (stls, delete) in enumerate(passes):
        folder = stage.folder / f"pass{number}"
        folder.mkdir()
        compare(fetch(gateway, mailbox, stls, folder, delete), [handed_on(fetched) for fetched in wanted],
                f"{fetch.__name__}, {'STLS' if stls else 'POP3S'}")
        left = list(fetch_all(gateway, mailbox).values())
        compare(left, [] if delete else wanted, f"the server, after {fetch.__name__}")


@case
def fetchmail_fetches_every_report(stage):
    need("fetchmail")
    every_report_is_fetched(stage, fetchmail_fetch, lines_by_lf)


@case
def mpop_fetches_every_report(stage):
    need("mpop")
    every_report_is_fetched(stage, mpop_fetch, lines_by_lf)


@case
def getmail_fetches_every_report(stage):
    need("getmail", "setpriv")
    every_report_is_fetched(stage, getmail_fetch, by_email_package, passes=((False, False), (False, True)))


@case
def mutt_fetches_every_report(stage):
    need("mutt")
    every_report_is_fetched(stage, mutt_fetch, lines_by_lf)


@case
def net_pop3_fetches_every_report(stage):
    need("perl")
    every_report_is_fetched(stage, net_pop3_fetch, as_sent)


@case
def poplib_fetches_every_report(stage):
    every_report_is_fetched(stage, poplib_fetch, as_sent)


if __name__ == "__main__":
    run()
