#!/usr/bin/env python3
"""The metrics listener: what Prometheus reads is what happened, and nobody else reads it, or stops mail by it."""
import concurrent.futures
import signal
import socket

import fixtures
from cases import case, expect, expect_equal, run, wait_for
from clients import Pop3, Smtp, deliver, fetch_all, program
from gateway import Gateway, free_ports
from scrape import ask, figures, watch


def watched(stage, settings=None):
    return watch(Gateway(stage, settings)).start()


@case
def figures_follow_what_happens(stage):
    gateway = watched(stage)
    mailbox = gateway.create()
    of = f'{{mailbox="{mailbox.address}"}}'
    before = figures(gateway)
    expect_equal((before[f"postern_mailbox_waiting_messages{of}"], before[f"postern_mailbox_oldest_seconds{of}"]),
                 (0, 0), "an empty mailbox")
    for number in range(3):
        deliver(gateway, fixtures.small(number), mailbox)
    got = fetch_all(gateway, mailbox)
    with Smtp(gateway) as smtp, Pop3(gateway, mailbox):
        after = figures(gateway)
        gateway.command("mailbox", "suspend", mailbox.address)
        smtp.must("MAIL FROM:<a@b.example>", "250")
        smtp.must(f"RCPT TO:<{mailbox.email}>", "450")
        smtp.must(f"RCPT TO:<mbx-{'0' * 32}@{mailbox.email.split('@')[1]}>", "451")
        refused = figures(gateway)
    expect_equal(after[f"postern_mailbox_waiting_messages{of}"], 3, "waiting")
    expect_equal(after[f"postern_mailbox_waiting_bytes{of}"], sum(map(len, got.values())), "octets that wait")
    expect_equal(after[f"postern_mailbox_received_total{of}"], 3, "received")
    expect_equal(after[f"postern_mailbox_fetched_total{of}"], 3, "fetched")
    expect_equal((after["postern_smtp_sessions"], after["postern_pop3_sessions"]), (1, 1), "sessions")
    expect(after["postern_disk_free_bytes"] > 0 and after["postern_certificate_expiry_seconds"] > 800 * 86400,
           "no disk or certificate")
    expect_equal(refused[f'postern_mailbox_refused_total{{mailbox="{mailbox.address}",reason="suspended"}}'], 1,
                 "refused for the mailbox")
    expect_equal(refused['postern_mailbox_refused_total{mailbox="",reason="unknown_mailbox"}'], 1,
                 "refused for others")
    expect(mailbox.password not in gateway.log(), "the password is in the log")


@case
def health_and_readiness_tell_a_server_that_stops(stage):
    gateway = watched(stage)
    mailbox = gateway.create()
    expect_equal((ask(gateway, "/healthz"), ask(gateway, "/readyz")), ((200, "alive\n"), (200, "ready\n")), "at first")
    with Smtp(gateway) as smtp:
        smtp.envelope(mailbox)
        smtp.must("DATA", "354")
        gateway.signal(signal.SIGTERM)
        wait_for("readiness to end", 30, lambda: ask(gateway, "/readyz")[0] == 503)
        expect_equal(ask(gateway, "/healthz"), (200, "alive\n"), "health while it stops")
        smtp.send(fixtures.stuffed(fixtures.small(1)))
        expect(smtp.reply().startswith("250"), "mail under way was not taken")
    expect_equal(gateway.wait(), 0, "exit code")


@case
def nothing_else_is_served_and_no_page_elsewhere_reads_it(stage):
    gateway = watched(stage)
    for path, options, status in (
            ("/", (), 404), ("/metrics/", (), 404), ("/../etc/passwd", ("--path-as-is",), 404),
            ("/metrics", ("--request", "POST", "--data", ""), 405), ("/metrics", ("--request", "DELETE"), 405),
            ("/metrics", ("--data", "x" * 100), 413), ("/metrics", ("--header", "Host: evil.example"), 421),
            ("/metrics", ("--header", "Host: localhost:9450"), 200), ("/metrics", ("--head",), 200),
            ("/metrics", ("--header", "X: " + "y" * 17000), 431)):
        got, body = ask(gateway, path, *options)
        expect_equal(got, status, f"{path} {options[:2]}")
        expect("passwd" not in body and "root:" not in body, "a file is shown")


@case
def clients_that_hang_do_not_stop_mail_and_are_cut(stage):
    gateway = watched(stage)
    mailbox = gateway.create()
    hanging = [socket.create_connection((gateway.host, gateway.metrics)) for _ in range(60)]
    for each in hanging:
        try:
            each.sendall(b"GET /metrics HTTP/1.1\r\nX: ")
        except OSError:
            pass  # one too many: refused already
    deliver(gateway, fixtures.small(1), mailbox)
    wait_for("a place for an honest client", 60, lambda: b"200" in program(
        "curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}",
        f"http://{gateway.host}:{gateway.metrics}/healthz", code=None).stdout, pause=0.5)
    for each in hanging:
        each.close()


@case
def a_default_port_that_is_taken_stops_no_mail_but_a_chosen_one_is_an_error(stage):
    gateway = Gateway(stage)
    taken = socket.create_server((gateway.host, 0))
    gateway.configure({"metrics": {"listen": [f"{gateway.host}:{taken.getsockname()[1]}"]}})
    gateway.spawn()
    expect(gateway.wait() != 0 and "metrics.listen" in gateway.log(), "a chosen port that is taken is passed over")
    del gateway.settings["metrics"]
    gateway.configure({})
    try:
        standard = socket.create_server(("127.0.0.1", 9450))  # the default; another gateway's is as good
    except OSError:
        standard = None
    gateway.start()
    gateway.wait_log("no metrics; write metrics.listen")
    if standard:
        standard.close()


@case
def many_who_ask_at_once_are_all_answered_while_mail_flows(stage):
    gateway = watched(stage)
    mailbox = gateway.create()
    with concurrent.futures.ThreadPoolExecutor(12) as crowd:
        asked = [crowd.submit(figures, gateway) for _ in range(60)]
        for number in range(5):
            deliver(gateway, fixtures.small(number), mailbox)
    expect(all("postern_disk_free_bytes" in done.result() for done in asked), "an answer without figures")
    expect_equal(figures(gateway)[f'postern_mailbox_waiting_messages{{mailbox="{mailbox.address}"}}'], 5, "waiting")


if __name__ == "__main__":
    run()
