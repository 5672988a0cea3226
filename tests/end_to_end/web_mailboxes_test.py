#!/usr/bin/env python3
"""Mailboxes by the page's API: made, found among many, changed by two admins, deleted; each as a command would."""
import json
import re

import fixtures
from cases import case, expect, expect_equal, run, wait_for
from clients import Pop3, Smtp, deliver, fetch_all
from gateway import Gateway, Mailbox
from web import Web

MANY = 60


def admin(stage, settings=None):
    gateway = Gateway(stage, settings, web=True).start()
    return gateway, Web(gateway).set_up()


def made(web, **body):
    told = web.must(201, web.post("mailboxes", body))
    return told, Mailbox(told["address"], told["email"], told.get("password", body.get("password")))


@case
def a_mailbox_from_its_making_to_its_end(stage):
    gateway, web = admin(stage)
    told, mailbox = made(web, name="journal <b>", description="of \"all\" & more")
    expect_equal((told["status"], told["host"], told["ports"]["pop3s"]),
                 ("suspended", gateway.settings["hostname"], gateway.pop3s), "what was made")
    path = f"mailboxes/{mailbox.address}"
    with Smtp(gateway) as smtp:
        smtp.must("MAIL FROM:<a@b.example>", "250")
        smtp.must(f"RCPT TO:<{mailbox.email}>", "450")
    shown = web.must(200, web.post(f"{path}/activate"))
    expect_equal((shown["status"], shown["name"]), ("active", "journal <b>"), "after activate")
    deliver(gateway, fixtures.small(1), mailbox)
    row, = web.must(200, web.get("mailboxes"))["mailboxes"]
    expect_equal((row["waiting"]["messages"], row["status"]), (1, "active"), "its row")
    listed, = json.loads(gateway.command("mailbox", "list", "--json").stdout)
    expect_equal(row, listed, "its row and what the command prints")
    by_command = json.loads(gateway.command("mailbox", "show", mailbox.address, "--json").stdout)
    expect_equal(web.get(f"mailboxes/{mailbox.email}").json, by_command, "by the API and by the command")
    refused = web.post(f"{path}/delete")
    expect_equal((refused.status, refused.code), (409, "conflict"), "a delete while mail waits")
    expect_equal(web.must(200, web.post(f"{path}/delete", {"discard_messages": True}))["status"], "deleted", "deleted")
    expect_equal(web.get(path).json["status"], "deleted", "shown")
    expect_equal(web.post(f"{path}/suspend").status, 409, "suspending what is deleted")
    for event in ("made", "activated", "deleted"):
        expect(re.search(rf"admin: mailbox {event}.*on={mailbox.address}.*who=anna.*peer=127", gateway.log()),
               f"no line of the log that it was {event}")
    expect(mailbox.password not in gateway.log(), "the password is in the log")


@case
def passwords_change_as_by_command(stage):
    gateway, web = admin(stage)
    _, mailbox = made(web, name="journal")
    path = f"mailboxes/{mailbox.address}"
    web.must(200, web.post(f"{path}/activate"))
    deliver(gateway, fixtures.small(1), mailbox)
    wrong = web.post(f"{path}/password", {"action": "change", "password": "wrong"})
    expect_equal((wrong.status, wrong.code), (403, "wrong_password"), "a wrong present password")
    changed = web.must(200, web.post(f"{path}/password", {"action": "change", "password": mailbox.password}))
    expect_equal(changed["keys_chained"], 1, "chained")
    now = Mailbox(mailbox.address, mailbox.email, changed["password"])
    expect_equal(len(fetch_all(gateway, now)), 1, "messages under the new password")
    reset = web.must(200, web.post(f"{path}/password", {"action": "reset"}))
    expect_equal(web.get(path).json["locked"], 1, "locked")
    earlier = web.must(200, web.post(f"{path}/password", {
        "action": "unlock_earlier", "password": reset["password"], "earlier_password": now.password}))
    expect("password" not in earlier and earlier["keys_chained"] >= 1, f"unlocked: {earlier}")
    expect_equal(web.get(path).json["locked"], 0, "locked")
    for body in ({"action": "steal"}, {}, {"action": "reset", "pasword": "x"}):
        expect_equal(web.post(f"{path}/password", body).status, 400, f"{body}")
    expect_equal(web.post(f"{path}/password", {"action": "change"}).status, 422, "no password")
    for secret in (mailbox.password, changed["password"], reset["password"]):
        expect(secret not in gateway.log(), "a password is in the log")


@case
def an_adopted_mailbox_keeps_address_and_password(stage):
    gateway, web = admin(stage)
    address = "mbx-" + "0123456789abcdef" * 2
    told, mailbox = made(web, name="old", address=address, password="Sesame open 1")
    expect("password" not in told, "a given password is told")
    expect_equal(mailbox.address, address, "its address")
    again = web.post("mailboxes", {"name": "old", "address": address, "password": "Sesame open 1"})
    expect_equal((again.status, again.code), (409, "conflict"), "the same again")
    with Pop3(gateway, mailbox):
        pass
    for body in ({}, {"name": ""}, {"name": "a\nb"}, {"name": "x" * 300}, {"name": "x", "password": "y" * 20},
                 {"name": 5}, {"name": "x", "address": "mbx-1"}):
        expect(web.post("mailboxes", body).status in (404, 422), f"{body}")
    expect_equal(web.post("mailboxes", {"name": "x", "suspended": False}).status, 400, "an unknown field")
    expect_equal(web.get("mailboxes").json["total"], 1, "mailboxes")


@case
def two_admins_who_edit_at_once_lose_nothing(stage):
    gateway, anna = admin(stage)
    bert = Web(gateway).log_in()
    _, mailbox = made(anna, name="journal")
    path = f"mailboxes/{mailbox.address}"
    seen = anna.get(path)
    tag = seen.headers["ETag"]
    expect_equal(bert.get(path).headers["ETag"], tag, "the same state, asked for twice")
    expect_equal(anna.ask("PATCH", path, {"name": "a"}).status, 428, "without If-Match")
    changed = anna.ask("PATCH", path, {"name": "Annas"}, headers={"If-Match": tag})
    expect_equal((anna.must(200, changed)["name"], changed.headers["ETag"] != tag), ("Annas", True), "the first edit")
    stale = bert.ask("PATCH", path, {"name": "Berts"}, headers={"If-Match": tag})
    expect_equal((stale.status, stale.code), (412, "changed_meanwhile"), "the second edit")
    expect_equal(bert.get(path).json["name"], "Annas", "the name")
    for odd in ("x", f"W/{tag}", '""', "\"'"):
        expect_equal(bert.ask("PATCH", path, {"name": "B"}, headers={"If-Match": odd}).status, 412, f"If-Match: {odd}")
    again = bert.ask("PATCH", path, {"description": "Berts", "allow": {"networks": ["192.0.2.0/24"]}},
                     headers={"If-Match": changed.headers["ETag"]})
    expect_equal(bert.must(200, again)["allow"], {"networks": ["192.0.2.0/24"]}, "pins")
    wrong = bert.ask("PATCH", path, {"allow": {"networks": ["999.0.2.0/24"]}}, headers={"If-Match": "*"})
    expect_equal((wrong.status, wrong.code), (422, "refused"), "pins that are none")
    for body in ({"status": "active"}, {"allow": 5}, {"acknowledge": "yes"}):
        expect_equal(bert.ask("PATCH", path, body, headers={"If-Match": "*"}).status, 400, f"{body}")
    before = bert.get(path).headers["ETag"]
    gateway.command("mailbox", "edit", mailbox.address, "--name", "by command")
    expect(bert.get(path).headers["ETag"] != before, "an edit by command changes no tag")


@case
def mail_that_comes_and_goes_makes_no_edit_stale(stage):
    gateway, web = admin(stage)
    _, mailbox = made(web, name="journal")
    path = f"mailboxes/{mailbox.address}"
    tag = web.post(f"{path}/activate").headers["ETag"]
    deliver(gateway, fixtures.small(1), mailbox)
    fetch_all(gateway, mailbox, delete=True)
    web.must(200, web.ask("PATCH", path, {"name": "renamed"}, headers={"If-Match": tag}))


@case
def what_is_not_there_is_said_so(stage):
    gateway, web = admin(stage)
    nobody = f"mailboxes/mbx-{'0' * 32}"
    for method, path in (("GET", nobody), ("GET", "mailboxes/x"), ("GET", "mailboxes/..%2f..%2fetc"),
                         ("POST", f"{nobody}/activate"), ("POST", f"{nobody}/delete"), ("GET", "nothing"),
                         ("GET", f"mailboxes/mbx-{'0' * 32}@elsewhere.example"), ("GET", "mailboxes/"),
                         ("GET", "/api/v2/mailboxes"), ("GET", "/api")):
        answer = web.ask(method, path, {} if method == "POST" else None)
        expect_equal((answer.status, answer.code), (404, "not_found"), f"{method} {path}")
    answer = web.ask("DELETE", "mailboxes")
    expect_equal((answer.status, answer.headers["Allow"]), (405, "GET, HEAD, POST"), "DELETE of all")
    expect_equal(web.ask("HEAD", "mailboxes").status, 200, "HEAD")


@case
def many_are_searched_sorted_and_turned_page_by_page(stage):
    gateway, web = admin(stage)
    file = stage.folder / "many.csv"
    file.write_text("address,password,name\n" + "".join(
        f"mbx-{number:032x},Str0ng-pass-{number:05},Kanzlei {number:05}\n" for number in range(1, MANY + 1)))
    gateway.command("mailbox", "create", "--from", str(file), seconds=250)
    names, after = [], ""
    while after is not None:
        page = web.must(200, web.get(f"mailboxes?limit=7&sort=name&order=desc&after={after}"))
        expect_equal((page["total"], page["matching"]), (MANY, MANY), "counts")
        names += [row["name"] for row in page["mailboxes"]]
        after = page["next"]
    expect_equal(names, [f"Kanzlei {number:05}" for number in range(MANY, 0, -1)], "all names, page by page")
    found = web.must(200, web.get("mailboxes?search=kanzlei+00055"))
    expect_equal(([row["name"] for row in found["mailboxes"]], found["matching"]), (["Kanzlei 00055"], 1), "found")
    mailbox = Mailbox(f"mbx-{5:032x}", f"mbx-{5:032x}@{gateway.settings['domain']}", "Str0ng-pass-00005")
    deliver(gateway, fixtures.small(1), mailbox)
    fullest, = wait_for("the one where mail waits to come first", 20, lambda: [
        row["name"] for row in web.get("mailboxes?sort=waiting&order=desc&limit=1").json["mailboxes"]
        if row["waiting"]["messages"]])
    expect_equal(fullest, "Kanzlei 00005", "the fullest")
    for query in ("sort=password", "order=up", "limit=0", "limit=501", "status=gone", "after=zz"):
        answer = web.get(f"mailboxes?{query}")
        expect_equal((answer.status, answer.code), (400, "bad_request"), query)


if __name__ == "__main__":
    run()
