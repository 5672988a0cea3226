#!/usr/bin/env python3
"""Who gets into the page, how long he stays, and what the log says of it."""
import re
import stat
import time

from cases import case, expect, expect_equal, run, wait_for
from gateway import Gateway
from web import COOKIE, NAME, PASSWORD, Web, setup_token, token_of

OTHER = "another battery staple"


def served(stage, settings=None):
    return Gateway(stage, settings, web=True).start()


@case
def the_set_up_link_makes_the_first_account_once(stage):
    gateway = served(stage)
    link = gateway.data / "setup-link"
    token = setup_token(gateway)
    expect_equal(stat.S_IMODE(link.stat().st_mode), 0o600, "mode of the link")
    gateway.wait_log(re.escape(str(link)))
    web = Web(gateway)
    expect_equal(web.get("setup").json, {"needed": True, "session": False}, "whether set-up is needed")
    for wrong in ("", "0" * 48, token[:-1]):
        answer = web.post("setup", {"token": wrong, "name": NAME, "password": PASSWORD})
        expect_equal((answer.status, answer.code), (403, "forbidden"), "a wrong link")
    answer = web.post("setup", {"token": token, "name": NAME, "password": "short"})
    expect_equal((answer.status, answer.code), (422, "refused"), "a short password")
    gateway.restart()
    expect_equal(setup_token(gateway), token, "the link after a restart")
    web.set_up()
    expect_equal(web.must(200, web.get("session"))["name"], NAME, "who is logged in")
    expect(not link.exists(), "the link is still there")
    expect_equal(web.get("setup").json, {"needed": False, "session": True}, "whether set-up is needed")
    again = Web(gateway).post("setup", {"token": token, "name": "eve", "password": PASSWORD})
    expect_equal((again.status, again.code), (403, "forbidden"), "a used link")
    gateway.restart()
    expect(not link.exists(), "a link after a restart")
    expect(token not in gateway.log() and PASSWORD not in gateway.log(), "a secret is in the log")


@case
def an_account_made_by_command_removes_the_link_and_its_end_brings_it_back(stage):
    gateway = served(stage)
    token = setup_token(gateway)
    gateway.command("admin", "create", NAME, text=PASSWORD + "\n")
    expect(not (gateway.data / "setup-link").exists(), "the link is still there")
    answer = Web(gateway).post("setup", {"token": token, "name": "eve", "password": PASSWORD})
    expect_equal(answer.status, 403, "the link after an account was made")
    web = Web(gateway).log_in()
    gateway.command("admin", "remove", NAME)
    expect_equal(web.get("session").status, 401, "a session of nobody")
    expect(setup_token(gateway) != token, "the old link is valid again")
    gateway.stop()
    gateway.command("admin", "create", NAME, text=PASSWORD + "\n")
    gateway.start()
    expect(not (gateway.data / "setup-link").exists(), "the link is there though there is an account")


@case
def a_session_begins_and_ends(stage):
    gateway = served(stage)
    gateway.command("admin", "create", NAME, text=PASSWORD + "\n")
    web = Web(gateway)
    expect_equal(web.get("session").code, "not_logged_in", "before")
    for name, password in ((NAME, PASSWORD + "x"), (NAME, ""), ("nobody", PASSWORD), (NAME + "\0", PASSWORD),
                           (PASSWORD, PASSWORD)):
        answer = web.post("session", {"name": name, "password": password})
        expect_equal((answer.status, answer.code), (401, "wrong_password"), f"log-in of {name!r}")
        expect("Set-Cookie" not in answer.headers, "a cookie for nobody")
    answer = web.post("session", {"name": NAME.upper(), "password": PASSWORD})
    told = web.must(200, answer)
    expect_equal((told["name"], told["idle_seconds"]), (NAME, 1800), "what is told")
    cookie = answer.headers["Set-Cookie"]
    expect(re.fullmatch(rf"{COOKIE}=[0-9a-f]{{64}}; Path=/; Secure; HttpOnly; SameSite=Strict", cookie), cookie)
    web.csrf = told["csrf"]
    begun = time.monotonic()
    while time.monotonic() - begun < 1.1:  # at every part of a second the same is told
        expect_equal(web.must(200, web.get("session")), told, "the session, asked for")
    gone = web.ask("DELETE", "session")
    expect_equal(gone.status, 204, "log-out")
    expect("Max-Age=0" in gone.headers["Set-Cookie"], "the cookie stays")
    left = Web(gateway)
    left.cookie = cookie.split("=", 1)[1].split(";")[0]
    expect_equal(left.get("session").status, 401, "a session after its log-out")
    log = gateway.log()
    expect("admin: logged in" in log and NAME in log, "no line of the log-in")
    for secret in (PASSWORD, left.cookie, told["csrf"]):
        expect(secret not in log, "a secret is in the log")


@case
def sessions_end_by_time_and_a_background_look_does_not_prolong_them(stage):
    gateway = served(stage, {"web": {"session_idle": "3s", "session_length": "8s"}})
    gateway.command("admin", "create", NAME, text=PASSWORD + "\n")
    web = Web(gateway).log_in()
    wait_for("an idle session to end though a background look goes on", 30,
             lambda: web.get("session", headers={"X-Background": "1"}).status == 401, pause=0.2)
    web.log_in()
    wait_for("a session in use to end", 30, lambda: web.get("session").status == 401, pause=0.2)
    expect_equal(web.log_in().get("session").status, 200, "the next log-in")


@case
def a_new_password_ends_all_sessions_but_the_one_that_set_it(stage):
    gateway = served(stage)
    first = Web(gateway).set_up()
    other = Web(gateway).log_in()
    third = Web(gateway).log_in()
    before = first.cookie
    first.must(200, first.post(f"accounts/{NAME}/password", {"password": OTHER}))
    expect(first.cookie != before, "the cookie was not changed with the password")
    expect_equal(first.get("session").status, 200, "the session that set it")
    expect_equal((other.get("session").status, third.get("session").status), (401, 401), "the others")
    old = Web(gateway)
    old.cookie = before
    expect_equal(old.get("session").status, 401, "the cookie of before")
    expect_equal(old.post("session", {"name": NAME, "password": PASSWORD}).status, 401, "the old password")
    gateway.command("admin", "password", NAME, text=PASSWORD + "\n")
    expect_equal(first.get("session").status, 401, "after a change by command")


@case
def accounts_and_tokens_are_made_shown_and_removed(stage):
    gateway = served(stage)
    anna = Web(gateway).set_up()
    anna.must(201, anna.post("accounts", {"name": "Bert", "password": OTHER}))
    expect_equal(anna.post("accounts", {"name": "bert", "password": OTHER}).status, 409, "the same again")
    expect_equal(anna.post("accounts", {"name": "b b", "password": OTHER}).status, 422, "an odd name")
    expect_equal([a["name"] for a in anna.get("accounts").json["accounts"]], [NAME, "bert"], "accounts")
    bert = Web(gateway).log_in("bert", OTHER)
    made = bert.must(201, bert.post("tokens", {"scope": "manage", "name": "robot"}))
    robot = Web(gateway, token=made["token"])
    expect_equal(robot.get("mailboxes").status, 200, "the token")
    listed = bert.get("tokens").json["tokens"]
    expect_equal([(t["id"], t["name"], t["scope"]) for t in listed], [(made["id"], "robot", "manage")], "tokens")
    expect(made["token"] not in str(listed) and "sha256" not in str(listed), "more than its id is told")
    for method, path, body in (("GET", "accounts", None), ("POST", "accounts", {"name": "eve", "password": OTHER}),
                               ("POST", "tokens", {"scope": "manage"}), ("DELETE", f"accounts/{NAME}", None),
                               ("POST", f"accounts/{NAME}/password", {"password": OTHER})):
        answer = robot.ask(method, path, body)
        expect_equal((answer.status, answer.code), (403, "forbidden"), f"{method} {path} by a token")
    expect_equal(bert.ask("DELETE", f"tokens/{made['id']}").status, 204, "removing it")
    expect_equal(robot.get("mailboxes").status, 401, "the token after that")
    expect_equal(bert.ask("DELETE", f"tokens/{made['id']}").status, 404, "removing it again")
    anna.must(200, anna.ask("DELETE", "accounts/bert"))
    expect_equal(bert.get("session").status, 401, "the session of a removed account")
    last = anna.ask("DELETE", f"accounts/{NAME}")
    expect_equal((last.status, last.code), (409, "conflict"), "removing the last account")
    log = gateway.log()
    for line in ("web account made.*bert.*anna from 127", "API token made.*robot.*bert from 127",
                 "API token removed.*bert from 127", "web account removed.*bert.*anna from 127"):
        expect(re.search(f"admin: {line}", log), f"no line like {line!r}")
    expect(made["token"] not in log and OTHER not in log, "a secret is in the log")


@case
def a_damaged_file_of_accounts_lets_nobody_in_and_says_so(stage):
    gateway = served(stage)
    web = Web(gateway).set_up()
    token = Web(gateway, token=token_of(gateway, "manage"))
    file = gateway.data / "config" / "admins.toml"
    good = file.read_text()
    file.write_text(good + "\n[[admin]]\nname = \"eve\"\n")
    gateway.wait_log("web accounts cannot be read")
    for who in (web, token):
        expect_equal(who.get("mailboxes").status, 503, "while it is damaged")
    expect_equal(Web(gateway).post("session", {"name": NAME, "password": PASSWORD}).status, 503, "a log-in")
    expect_equal(Web(gateway).get("setup").json, {"needed": False, "session": False}, "set-up is offered")
    expect(not (gateway.data / "setup-link").exists(), "a link is made")
    file.write_text(good)
    wait_for("the mended file", 20, lambda: web.get("mailboxes").status == 200, pause=0.2)
    expect_equal(token.get("mailboxes").status, 200, "the token")


if __name__ == "__main__":
    run()
