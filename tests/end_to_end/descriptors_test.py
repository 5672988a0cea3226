#!/usr/bin/env python3
"""Without a descriptor left messages are put off and connections wait; both go on when there are some again.
"""
# build: release
# (UBSan looks at memory through a pipe, and takes it for bad where it gets none.)
import os
import re
import subprocess
import threading

import fixtures
from cases import case, expect, expect_equal, run
from clients import Smtp, deliver, fetch_all, message_id
from gateway import started


@case
def no_descriptors_left(stage):
    gateway, mailbox = started(stage)

    def lines(pattern):
        return [line for line in gateway.log().splitlines() if re.search(pattern, line)]

    uidls = [deliver(gateway, fixtures.small(1), mailbox)]
    pid = gateway.process.pid
    limit = subprocess.run(["prlimit", "--pid", str(pid), "--nofile", "--output=SOFT,HARD", "--noheadings"],
                           capture_output=True, text=True, check=True).stdout.split()

    def leave(count):
        """So many more descriptors than it has open now."""
        highest = max(map(int, os.listdir(f"/proc/{pid}/fd")))
        subprocess.run(["prlimit", "--pid", str(pid), f"--nofile={highest + 1 + count}:{limit[1]}"], check=True)

    with Smtp(gateway) as smtp:
        leave(0)
        for _ in range(3):
            smtp.must("MAIL FROM:<sender@example.com>", "250")
            smtp.must(f"RCPT TO:<{mailbox.email}>", "250")
            answer = smtp.data(fixtures.stuffed(fixtures.small(2)))
            expect(answer.startswith("451 4.3.0"), f"without a descriptor: {answer}")
        waiting = [Smtp.__new__(Smtp) for _ in range(3)]
        openers = [threading.Thread(target=Smtp.__init__, args=(each, gateway)) for each in waiting]
        for opener in openers:
            opener.start()  # each waits for its greeting
        gateway.wait_log("cannot accept connections", 10)
        expect_equal(len(lines("message not stored")), 1, "times it was said that messages are not stored")
        subprocess.run(["prlimit", "--pid", str(pid), f"--nofile={limit[0]}:{limit[1]}"], check=True)
        for opener in openers:
            opener.join(30)
            expect(not opener.is_alive(), "a connection is not taken after there are descriptors again")
        for each in [smtp, *waiting]:
            each.envelope(mailbox)
            uidls.append(message_id(each.data(fixtures.stuffed(fixtures.small(3)))))
            each.close()
    gateway.wait_log("messages are stored again", 5)
    expect_equal(len(lines("cannot accept connections.*protocol=smtp")), 1, "times it was said that none is accepted")
    expect_equal(sorted(fetch_all(gateway, mailbox)), sorted(uidls), "what is there")


if __name__ == "__main__":
    run()
