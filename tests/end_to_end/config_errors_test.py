#!/usr/bin/env python3
"""A wrong configuration ends the start with one line: the file, the line in it, the key, and what to do;
exit code 78 (configuration) or 73 (cannot create). Never a stack trace, never a half-started server.
"""
import os
import re
import signal
import socket
import subprocess

from cases import case, expect, expect_equal, need_root, run
from gateway import COMMAND_SECONDS, Gateway, die_with_parent


def refused(gateway, code, *words, user=None):
    """Starts the server; it must end with `code` and one line on standard error that holds `words`."""
    identity = {} if user is None else {"user": user, "group": user, "extra_groups": []}
    done = subprocess.run([gateway.binary, "serve", "--config", str(gateway.config)],
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=COMMAND_SECONDS,
                          preexec_fn=die_with_parent, **identity)
    said = done.stderr.decode()
    expect_equal(done.returncode, code, f"exit code of a server that says {said!r}")
    # Notices may come before it; what ends the start is one line, the last.
    error = said.rstrip("\n").splitlines()[-1] if said.strip() else ""
    for word in words:
        expect(re.search(word, error), f"no {word!r} in: {error!r}")
    expect(not re.search(r"terminate called|what\(\)|Traceback|#\d+ 0x", said), f"a stack trace: {said}")
    return error


def line_of(gateway, text):
    """The number of the line of the configuration that holds `text`."""
    lines = gateway.config.read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def wrong(stage, key, line, *words, code=78):
    """A configuration with one wrong line, in its table or at the top."""
    gateway = Gateway(stage)
    table, _, name = key.rpartition(".")
    text = gateway.config.read_text()
    text = re.sub(rf"(?m)^{name} = .*\n", "", text) if not table else re.sub(
        rf"(?ms)(^\[{table}\]\n(?:(?!^\[).)*?)^{name} = .*?\n", r"\1", text)
    if not table:
        text = f"{line}\n{text}"
    elif f"[{table}]\n" in text:
        text = text.replace(f"[{table}]\n", f"[{table}]\n{line}\n")
    else:
        text += f"\n[{table}]\n{line}\n"
    gateway.config.write_text(text)
    place = rf"{re.escape(str(gateway.config))}:{line_of(gateway, line)}\b"
    return refused(gateway, code, place, re.escape(key), *words)


@case
def an_unknown_key_is_named_with_the_one_that_was_meant(stage):
    wrong(stage, "smtp.max_mesage_size", 'max_mesage_size = "1MiB"', "max_message_size")
    wrong(stage, "hostnam", 'hostnam = "msgw"', r"hostname\b")


@case
def a_wrong_value_is_named_with_what_to_write(stage):
    wrong(stage, "smtp.listen", 'listen = ["mail.example.com:25"]', "mail.example.com")
    wrong(stage, "smtp.listen", 'listen = ["127.0.0.1:99999"]', "99999")
    wrong(stage, "pop3.listen_tls", 'listen_tls = "127.0.0.1:995"')
    wrong(stage, "smtp.max_message_size", 'max_message_size = "many"', "many")
    wrong(stage, "store.keep_deleted", 'keep_deleted = "one day"', "one day")
    wrong(stage, "domain", 'domain = "not a domain"', "not a domain")
    wrong(stage, "tls.minimum", 'minimum = "1.0"', r"1\.2")


@case
def a_file_that_is_no_toml_is_named_with_its_line(stage):
    gateway = Gateway(stage)
    gateway.config.write_text('domain = "a.example.com"\n[smtp\n')
    refused(gateway, 78, rf"{re.escape(str(gateway.config))}:2\b")


@case
def a_missing_domain_is_asked_for(stage):
    gateway = Gateway(stage)
    gateway.config.write_text(re.sub(r"(?m)^domain = .*\n", "", gateway.config.read_text()))
    refused(gateway, 78, re.escape(str(gateway.config)), r"\bdomain\b")


@case
def a_missing_file_is_named(stage):
    gateway = Gateway(stage)
    gateway.config.unlink()
    refused(gateway, 78, re.escape(str(gateway.config)))


@case
def a_port_in_use_is_named_with_its_key(stage):
    gateway = Gateway(stage)
    for key, port in (("smtp.listen", gateway.smtp), ("pop3.listen", gateway.pop3),
                      ("pop3.listen_tls", gateway.pop3s)):
        with socket.create_server((gateway.host, port)):
            refused(gateway, 73, re.escape(f"{gateway.host}:{port}"), re.escape(key) + r"\b",
                    rf"{re.escape(str(gateway.config))}:\d+", "in use")
    gateway.start()  # and once they are free, all is well


@case
def an_address_of_another_machine_is_named(stage):
    gateway = Gateway(stage, {"smtp": {"listen": ["192.0.2.77:2525"]}})
    refused(gateway, 73, re.escape("192.0.2.77:2525"), r"smtp\.listen", re.escape(str(gateway.config)))


@case
def an_unreadable_data_directory_is_named(stage):
    need_root("a server under another account")
    gateway = Gateway(stage)
    gateway.start()
    gateway.create()
    gateway.stop()
    error = refused(gateway, 73, re.escape(str(gateway.data)), user=61234)
    expect(re.search(r"chown|chmod|owner|permission", error, re.IGNORECASE), f"what to do? {error}")


@case
def an_unreadable_folder_inside_is_named(stage):
    need_root("a server under another account")
    gateway = Gateway(stage, user=61234)
    gateway.start()
    gateway.create()
    gateway.stop()
    for name in ("node", "tls"):
        os.chown(gateway.data / name, 0, 0)
        refused(gateway, 73, re.escape(str(gateway.data / name)), user=61234)
        os.chown(gateway.data / name, 61234, 61234)
    gateway.start()


@case
def a_data_directory_that_cannot_be_made_is_named(stage):
    gateway = Gateway(stage)
    (gateway.folder / "file").write_text("in the way")
    gateway.configure({"data": str(gateway.folder / "file" / "data")})
    refused(gateway, 73, re.escape(str(gateway.folder / "file")))


@case
def commands_say_the_same(stage):
    gateway = Gateway(stage)
    with open(gateway.config, "a", encoding="ascii") as file:
        file.write("[smpt]\n")
    for words in (("check",), ("mailbox", "list"), ("mailbox", "create", "--name", "x")):
        done = gateway.command(*words, code=78)
        said = done.stderr.decode().strip()
        expect_equal(len(said.splitlines()), 1, f"lines of {said!r}")
        expect(re.search(rf"{re.escape(str(gateway.config))}:{line_of(gateway, '[smpt]')}\b.*smpt", said),
               f"`postern {' '.join(words)}` says {said!r}")


@case
def a_wrong_file_does_not_stop_a_running_server(stage):
    gateway = Gateway(stage).start()
    with open(gateway.config, "a", encoding="ascii") as file:
        file.write("[smpt]\n")
    gateway.signal(signal.SIGHUP)
    gateway.wait_log(rf"{re.escape(str(gateway.config))}:{line_of(gateway, '[smpt]')}\b.*smpt")
    with socket.create_connection((gateway.host, gateway.smtp), timeout=20) as connection:
        expect_equal(connection.recv(4), b"220 ", "greeting after a reload of a wrong file")


if __name__ == "__main__":
    run()
