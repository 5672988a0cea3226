#!/usr/bin/env python3
"""Passwords that change: the new one opens everything that waits, the old one nothing new, no message is
touched and none is lost; a lost one is reset, and what it locked opens when it turns up or with the
recovery key, also by Debian's own age.
"""
import json
import re
import subprocess

import fixtures
from cases import case, expect, expect_equal, need, need_root, run, wait_for
from clients import Pop3, Smtp, deliver, fetch_all, message_id, program
from gateway import Gateway, Mailbox, die_with_parent, started
from passwords import Sender, change, counts, opens_nothing, password, renewed, reset, state
from traces import nothing_shows

MANY = 100
SENDERS = 3
ADOPTED = "mbx-0123456789abcdef0123456789abcdef"


@case
def a_change_opens_all_that_waits_while_mail_arrives(stage):
    gateway, old = started(stage)
    waiting = set()
    with Smtp(gateway) as smtp:
        for number in range(MANY):
            smtp.envelope(old)
            waiting.add(message_id(smtp.data(fixtures.stuffed(fixtures.small(number)))))
    before = state(gateway.sealed_files())
    senders = [Sender(gateway, old, number) for number in range(SENDERS)]
    for sender in senders:
        sender.start()
    wait_for("every sender to have sent", 60, lambda: all(sender.stored for sender in senders))
    new = change(gateway, old)
    sent = [len(sender.stored) for sender in senders]
    wait_for("mail under the new key", 60, lambda: all(
        len(sender.stored) > count + 2 or sender.failure for sender, count in zip(senders, sent)))
    for sender in senders:
        sender.ending.set()
    for sender in senders:
        sender.join()
        expect(sender.failure is None, f"a sender failed: {sender.failure!r}")
        waiting |= sender.stored
    opens_nothing(gateway, old)
    expect_equal(set(fetch_all(gateway, new)), waiting, "what the new password opens")
    expect_equal(state(before), before, "files of the messages that waited")
    expect_equal(len({path.parent for path in gateway.sealed_files()}), 2, "keys that mail was sealed to")
    expect_equal(counts(gateway, new), (len(waiting), 0), "waiting and locked")


@case
def mail_in_flight_at_a_change_is_opened_by_the_new_password(stage):
    gateway, old = started(stage)
    wire = fixtures.stuffed(fixtures.journal_report())
    with Smtp(gateway) as smtp:
        smtp.envelope(old)
        smtp.must("DATA", "354")
        smtp.send(wire[:-2000])
        new = change(gateway, old)
        smtp.send(wire[-2000:])
        uidl = message_id(smtp.reply())
    expect_equal(list(fetch_all(gateway, new)), [uidl], "what the new password opens")


@case
def mail_in_flight_at_a_reset_is_put_off(stage):
    gateway, old = started(stage)
    wire = fixtures.stuffed(fixtures.journal_report())
    with Smtp(gateway) as smtp:
        smtp.envelope(old)
        smtp.must("DATA", "354")
        smtp.send(wire[:-2000])
        new = reset(gateway, old)
        smtp.send(wire[-2000:])
        answer = smtp.reply()
        expect(answer.startswith("451"), f"a message under a key of nobody is answered {answer}")
        expect_equal(gateway.sealed_files(), [], "files under the old key")
        smtp.envelope(new)
        uidl = message_id(smtp.data(wire))
    expect_equal(list(fetch_all(gateway, new)), [uidl], "what came under the new key")


@case
def an_open_session_goes_on(stage):
    gateway, old = started(stage)
    first = deliver(gateway, fixtures.small(1), old)
    with Pop3(gateway, old) as pop:
        new = change(gateway, old)
        second = deliver(gateway, fixtures.small(2), old)
        expect_equal(pop.listing("UIDL"), [("1", first)], "the session's messages")
        pop.retr(1)
        pop.must("DELE 1")
        pop.must("QUIT")
    expect_equal(list(fetch_all(gateway, new)), [second], "what is left")


@case
def a_reset_locks_what_waits_until_the_password_turns_up(stage):
    gateway, old = started(stage)
    locked = {deliver(gateway, fixtures.small(number), old) for number in range(3)}
    answer = password(gateway, old, "--reset")
    new = renewed(old, answer)
    expect_equal((answer["waiting"]["messages"], answer["locked"]), (0, 3), "what the answer tells")
    opens_nothing(gateway, old)
    after = deliver(gateway, fixtures.small(4), new)
    expect_equal(list(fetch_all(gateway, new)), [after], "what the new password opens")
    expect_equal(counts(gateway, new), (1, 3), "waiting and locked")
    told = gateway.command("mailbox", "show", new.address).stdout.decode()
    expect(re.search(r"Locked +3 messages that need an earlier password", told), f"shown is:\n{told}")
    complaint = password(gateway, new, "--unlock-earlier", lines=[new.password, old.password], code=77)
    expect("not the present password" in complaint, f"passwords in the wrong order: {complaint}")
    answer = password(gateway, new, "--unlock-earlier", lines=[old.password, new.password])
    expect("password" not in answer, "a password is shown again")
    expect_equal((answer["waiting"]["messages"], answer["locked"]), (4, 0), "what the answer tells")
    expect_equal(set(fetch_all(gateway, new)), locked | {after}, "what the password opens now")
    gateway.restart()
    expect_equal(set(fetch_all(gateway, new)), locked | {after}, "and after a restart")


@case
def three_changes_in_a_row_with_and_without_a_server(stage):
    gateway, mailbox = started(stage)
    uidls = [deliver(gateway, fixtures.small(0), mailbox)]
    for number in range(3):
        if number == 1:
            gateway.stop()  # now the command does it itself, under the lock
        mailbox = change(gateway, mailbox)
        if number == 1:
            gateway.start()
        uidls.append(deliver(gateway, fixtures.small(number), mailbox))
    expect_equal(list(fetch_all(gateway, mailbox)), uidls, "what the last password opens")
    expect_equal(len({path.parent for path in gateway.sealed_files()}), 4, "keys that mail was sealed to")
    gateway.command("check")


@case
def a_wrong_password_changes_nothing(stage):
    gateway, mailbox = started(stage)
    uidl = deliver(gateway, fixtures.small(1), mailbox)
    records = {path: path.read_bytes() for path in (gateway.data / "config").rglob("*.toml")}
    for wrong in (mailbox.password[:-1], mailbox.password + " ", mailbox.password.swapcase(), ""):
        complaint = password(gateway, mailbox, lines=[wrong], code=77)
        expect("not the present password" in complaint and "nothing was changed" in complaint,
               f"a wrong password is answered: {complaint}")
        expect(not wrong or wrong not in complaint, "the complaint shows what was typed")
    complaint = password(gateway, mailbox, code=66)
    expect("no password was given" in complaint, f"no password is answered: {complaint}")
    password(gateway, mailbox, "--recover", lines=["not a key"], code=65)
    password(gateway, mailbox, "--reset", "--recover", code=64)
    expect_equal({path: path.read_bytes() for path in records}, records, "the records")
    expect_equal(list(fetch_all(gateway, mailbox)), [uidl], "what the password opens")


@case
def passwords_of_another_gateway_can_be_changed(stage):
    gateway = Gateway(stage).start()
    for number, given in enumerate((r"  blanks\ and `quotes\" ", "pÄßwörd ✉ 密码", "x" * 512)):
        address = ADOPTED[:-1] + str(number)
        made = json.loads(gateway.command("mailbox", "create", "--name", "adopted", "--address", address,
                                          "--password-stdin", "--json", text=given + "\n").stdout)
        old = Mailbox(made["address"], made["email"], given)
        uidl = deliver(gateway, fixtures.small(1), old)
        expect_equal(list(fetch_all(gateway, old)), [uidl], f"what the password {number} opens")
        new = change(gateway, old)
        opens_nothing(gateway, old)
        expect_equal(list(fetch_all(gateway, new)), [uidl], f"what the one after {number} opens")


@case
def a_password_that_would_change_on_its_way_is_refused(stage):
    gateway, _ = started(stage)
    done = subprocess.run([gateway.binary, "mailbox", "create", "--name", "adopted", "--address", ADOPTED,
                           "--password-stdin", "--config", str(gateway.config)], input=b"W\xf6rter\n",
                          capture_output=True, preexec_fn=die_with_parent)
    expect_equal(done.returncode, 65, f"exit code of {done.stderr!r}")
    expect(b"not UTF-8" in done.stderr and b"W\xf6rter" not in done.stderr, f"it says {done.stderr!r}")
    gateway.command("mailbox", "show", ADOPTED, code=65)


@case
def a_cached_key_is_forgotten_at_a_change(stage):
    gateway, old = started(stage, {"pop3": {"unlock_cache": "1h"}})
    uidl = deliver(gateway, fixtures.small(1), old)
    fetch_all(gateway, old)
    new = change(gateway, old)
    opens_nothing(gateway, old)
    expect_equal(list(fetch_all(gateway, new)), [uidl], "what the new password opens")
    newer = reset(gateway, new)
    opens_nothing(gateway, new)
    expect_equal(list(fetch_all(gateway, newer)), [], "what a reset leaves")


def recovery_key(stage):
    """(file, recipient) as age-keygen makes them."""
    need("age", "age-keygen")
    file = stage.folder / "recovery.txt"
    program("age-keygen", "-o", str(file))
    return file, program("age-keygen", "-y", str(file)).stdout.decode().strip()


def sealed_for_recovery(gateway, mailbox):
    """The seals as they stand in the record, in their order."""
    record, = (gateway.data / "config" / "mailboxes" / mailbox.address).glob("*.toml")
    return re.findall(r'sealed_for_recovery = (?:"""|\'\'\')\s*(-----BEGIN AGE.*?END AGE ENCRYPTED FILE-----)',
                      record.read_text(), re.DOTALL)


@case
def the_recovery_key_opens_what_a_lost_password_locked(stage):
    file, recipient = recovery_key(stage)
    gateway, lost = started(stage, {"keys": {"recovery": recipient}})
    message = fixtures.journal_report()
    first = deliver(gateway, message, lost)
    seal, = sealed_for_recovery(gateway, lost)
    identity, plain = stage.folder / "identity.txt", stage.folder / "plain"
    program("age", "-d", "-i", str(file), "-o", str(identity), text=seal.encode())
    sealed, = gateway.sealed_files()
    program("age", "-d", "-i", str(identity), "-o", str(plain), str(sealed))
    expect_equal(plain.read_bytes(), fetch_all(gateway, lost)[first], "what age shows of the message")
    locked = reset(gateway, lost)
    second = deliver(gateway, message, locked)
    other, _ = file.with_name("other.txt"), program("age-keygen", "-o", str(file.with_name("other.txt")))
    complaint = password(gateway, lost, "--recover", lines=other.read_text().splitlines(), code=77)
    expect("nothing was changed" in complaint, f"another identity is answered: {complaint}")
    answer = password(gateway, lost, "--recover", lines=file.read_text().splitlines())
    expect_equal((answer["waiting"]["messages"], answer["locked"]), (2, 0), "what the answer tells")
    expect_equal(list(fetch_all(gateway, renewed(lost, answer))), [first, second], "what is opened")
    opens_nothing(gateway, locked)
    expect(file.read_text().split()[-1] not in complaint + gateway.log(), "the identity is shown")


def uncovered(gateway):
    return re.findall(r"^warning +recovery: (mbx-[0-9a-f]{32})", gateway.command("check").stdout.decode(),
                      re.MULTILINE)


@case
def mailboxes_made_before_there_was_a_recovery_key_are_covered_when_they_are_opened(stage):
    file, recipient = recovery_key(stage)
    gateway, fetched = started(stage)
    changed, waiting = gateway.create(), gateway.create()
    uidl = deliver(gateway, fixtures.small(1), fetched)
    expect_equal(uncovered(gateway), [], "warnings without a recovery key")
    gateway.configure({"keys": {"recovery": recipient}})
    gateway.restart()
    expect_equal(uncovered(gateway), sorted(each.address for each in (fetched, changed, waiting)), "uncovered")
    fetch_all(gateway, fetched)
    wait_for("a login to cover its mailbox", 20, lambda: fetched.address not in uncovered(gateway))
    changed = change(gateway, changed)
    expect_equal(uncovered(gateway), [waiting.address], "uncovered")
    expect_equal([len(sealed_for_recovery(gateway, each)) for each in (fetched, changed, waiting)],
                 [1, 2, 0], "seals for recovery")
    fetch_all(gateway, fetched)
    expect_equal(len(sealed_for_recovery(gateway, fetched)), 1, "seals after another login")
    answer = password(gateway, fetched, "--recover", lines=file.read_text().splitlines())
    expect_equal(list(fetch_all(gateway, renewed(fetched, answer))), [uidl], "what is recovered")


@case
def no_secret_is_left_anywhere(stage):
    need_root("reads /proc of a process that forbids being looked at")
    file, recipient = recovery_key(stage)
    gateway = Gateway(stage, {"log": {"level": "debug"}, "keys": {"recovery": recipient}}).start()
    boxes = [gateway.create()]
    deliver(gateway, fixtures.journal_report(), boxes[0])
    boxes.append(change(gateway, boxes[-1]))
    boxes.append(reset(gateway, boxes[-1]))
    password(gateway, boxes[-1], "--unlock-earlier", lines=[boxes[1].password, boxes[-1].password])
    password(gateway, boxes[-1], lines=["what somebody typed wrongly"], code=77)
    boxes.append(renewed(boxes[-1], password(gateway, boxes[-1], "--recover",
                                             lines=file.read_text().splitlines())))
    expect_equal(len(fetch_all(gateway, boxes[-1])), 1, "messages")
    gateway.wait_log("recovered with the recovery key")
    secrets = {f"password {number}": box.password.encode() for number, box in enumerate(boxes)}
    secrets["recovery identity"] = file.read_text().split()[-1].encode()
    secrets["wrong password"] = b"what somebody typed wrongly"
    nothing_shows(gateway, secrets, "after passwords changed")


if __name__ == "__main__":
    run()
