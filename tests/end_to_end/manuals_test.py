#!/usr/bin/env python3
# build: release
"""Every command in README.md and docs/ is run as it stands there, page by page; what belongs to other systems is judged by
those systems' programs or by their words; what the pages quote of Postern it can say; what they refer to is there.
"""
import dataclasses
import json
import os
import re
import shlex
import subprocess

import fixtures
import manuals
from cases import case, expect, expect_equal, run, wait_for
from clients import fetch_all, program
from gateway import DOMAIN, HOSTNAME
from mail_server import unpacked
from manuals import LOGIN, PASSPHRASE, PASSWORD, ROOT, TWIN, Playground, blocks, commands

# Commands that need a machine of their own: the test that runs them there, and what it says of them.
ELSEWHERE = {
    "make run": ("tests/fresh_machine", "newcomerRuns 'make run"),
    "make test": ("tests/fresh_machine", "newcomerRuns 'make test'"),
    "make deb": ("tests/fresh_package", "make deb"),
    "sudo apt install ./build/postern_*_amd64.deb": ("tests/packaging/play", "commandsOf README.md '## Install it'"),
    "sudo editor /etc/postern/postern.toml": ("tests/packaging/play", "commandsOf README.md '## Install it'"),
    "sudo postern check && sudo systemctl start postern":
        ("tests/packaging/play", "commandsOf README.md '## Install it'"),
    "sudo apt install ./postern_*_amd64.deb": ("tests/packaging/play", "commandsOf upgrades.md '# Upgrades'"),
    "sudo apt install --allow-downgrades ./postern_0.1.0-1_amd64.deb":
        ("tests/packaging/play", "commandsOf upgrades.md '## One version back'"),
}
# Pages whose commands leave a mailbox that another page would not know; the others share a place, these at its end.
OWN_PLACE = ("docs/passwords.md", "docs/senders.md")
AT_THE_END = ("docs/threat-model.md",)
CHECKED_BY_A_CASE = {"console", "powershell", "postfix", "fetchmail", "piler", "container", "toml", "csv", "json"}
SHOWN = {"text", "sudoers", "nrpe", "icinga", "cron", "yaml"}  # their `postern …` is looked at, and nothing else


def recovery_key(place):
    """What the page says between its commands: the public key into postern.toml, a restart; covered at the next login."""
    place.recovery = re.search(r"age1\w+", (place.folder / "recovery.txt").read_text())[0]
    place.gateway.configure({"keys": {"recovery": place.recovery}})
    place.gateway.restart()
    fetch_all(place.gateway, dataclasses.replace(place.mailbox, password=place.passwords[LOGIN]))
    wait_for("the mailbox to be covered", 60, lambda: "not_recoverable" not in place.gateway.command(
        "status", "--json").stdout.decode())


def pfx(place):
    key, chain = place.folder / "key.pem", place.folder / "chain.pem"
    program("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(key),
            "-out", str(chain), "-days", "90", "-subj", f"/CN={HOSTNAME}", "-addext", f"subjectAltName=DNS:{HOSTNAME}")
    program("openssl", "pkcs12", "-export", "-in", str(chain), "-inkey", str(key), "-out", str(place.folder / "msgw1.pfx"),
            "-passout", f"pass:{PASSPHRASE}")


def table(place):
    text, = [block.text for block in blocks("csv")]
    (place.folder / "mailboxes.csv").write_text(text)
    (place.folder / "mailboxes.csv").chmod(0o600)


# What a command needs first, and what happens after it.
BEFORE = {"postern certificate import": pfx, "postern mailbox create --from": table}
AFTER = {"age-keygen": recovery_key}


def answers(place, line):
    """What is typed when the command asks."""
    if "--passphrase" in line:
        return f"{PASSPHRASE}\n"
    if line.startswith("postern certificate import"):
        return f"{PASSPHRASE}\n"
    if re.match(r"postern (mailbox password|message list|check --deep)|curl .* pop3", line):
        login = re.search(r"mbx-[0-9a-f]{32}", line)
        return f"{place.passwords[login[0] if login else LOGIN]}\n"
    return ""


def play(place, page):
    for block in blocks("sh"):
        if block.page != page or block == readme_way():
            continue
        for line in commands(block.text):
            bare = re.sub(r"\s+#.*", "", line).strip()
            if bare in ELSEWHERE:
                continue
            for words, prepare in BEFORE.items():
                if words in bare:
                    prepare(place)
            place.run(line, answers(place, bare), f"{block}")
            for words, follow in AFTER.items():
                if words in bare:
                    follow(place)


def readme_way():
    """The one block that brings its own gateway."""
    found, = [block for block in blocks("sh") if block.page == "README.md" and "LOGIN" in block.text]
    return found


@case
def the_commands_of_all_pages_work_as_they_stand(stage):
    pages = sorted({block.page for block in blocks("sh")}, key=lambda page: (page in AT_THE_END, page))
    expect(len(pages) > 15, f"only {pages}")
    shared = Playground(stage, twin=True)
    for page in pages:
        play(Playground(stage, twin=True) if page in OWN_PLACE else shared, page)


@case
def the_readme_lets_mail_in_and_out(stage):
    place = Playground(stage)
    inner = readme_way()
    text, host, ports = manuals.free_names(inner.text, 2525, 2110, 2995, 2845)
    # The port of /metrics is the one thing that the README leaves at its default.
    text = text.replace("\nEND\n", "\nmetrics = { listen = [] }\nEND\n").replace(
        "build/release/gateway/postern", str(place.gateway.binary))
    login, status = "LOGIN", None
    for line in commands(text):
        line = line.replace("LOGIN", login)
        if line.endswith("&"):
            place.start(line, lambda: reached(host, ports.values()), str(inner))
            continue
        said = place.run(line, answers(place, line), str(inner))
        if "mailbox create" in line:
            login = re.search(r"^  Login +(\S+)$", said, re.M)[1]
        status = said
    expect((ROOT / "README.md").read_text().splitlines()[0] in status, f"what came back: {status[:500]}")


def reached(host, ports):
    try:
        return all(program("bash", "-c", f": </dev/tcp/{host}/{port}", code=None).returncode == 0 for port in ports)
    except OSError:
        return False


@case
def what_needs_a_machine_of_its_own_is_run_on_one(stage):
    for bare, (file, words) in ELSEWHERE.items():
        expect(words in (ROOT / file).read_text(), f"{file} does not run `{bare}` any more: no {words}")
        expect(any(bare in block.text for block in blocks("sh")), f"no page says `{bare}`")


@case
def two_nodes_are_paired_as_the_page_says(stage):
    """Blocks whose lines begin with the node's prompt."""
    nodes = {"msgw1": Playground(stage), "msgw2": None}
    nodes["msgw2"] = Playground(stage)
    nodes["msgw2"].gateway.configure({"hostname": TWIN})
    nodes["msgw2"].gateway.restart()
    said = ""
    for block in blocks("console"):
        for line in block.text.splitlines():
            if prompt := re.match(r"(msgw\d)\$ (.*)", line):
                said = nodes[prompt[1]].run(prompt[2], said, str(block))
            else:  # what it prints, shortened
                expect(all(word in said for word in re.findall(r"\bpostern-twin-1 https://", line)), f"{block}: {said}")
    for node in nodes.values():
        expect(json.loads(node.run("postern twin list --json")), "no twin")


CMDLETS = {  # of Exchange's own reference: the parameters that the pages use
    "Set-TransportConfig": {"JournalingReportNdrTo"},
    "New-JournalRule": {"Name", "JournalEmailAddress", "Scope", "Enabled"},
    "New-OutboundConnector": {"Name", "ConnectorType", "RecipientDomains", "UseMXRecord", "TlsSettings"},
    "New-MailContact": {"Name", "ExternalEmailAddress"},
    "Set-MailContact": {"HiddenFromAddressListsEnabled"},
    "New-SendConnector": {"Name", "AddressSpaces", "SmartHosts", "DNSRoutingEnabled", "MaxMessageSize"},
    "Set-MailboxDatabase": {"JournalRecipient"},
}
VALUES = {"JournalEmailAddress": f"{LOGIN}@{DOMAIN}", "ExternalEmailAddress": f"{LOGIN}@{DOMAIN}", "RecipientDomains": DOMAIN,
          "AddressSpaces": DOMAIN, "SmartHosts": HOSTNAME, "Scope": "Global", "ConnectorType": "Partner",
          "TlsSettings": "EncryptionOnly", "Enabled": "$true", "UseMXRecord": "$true", "DNSRoutingEnabled": "$false"}


@case
def lines_for_exchange_fit_the_examples_and_its_reference(stage):
    lines = [line for block in blocks("powershell") for line in commands(block.text)]
    expect(len(lines) >= 9, f"{len(lines)} lines")
    for line in lines:
        words = shlex.split(line)
        expect(words[0] in CMDLETS, f"no such cmdlet known: {line}")
        for name, value in zip(words, [*words[1:], ""]):
            if name.startswith("-"):
                expect(name[1:] in CMDLETS[words[0]], f"{words[0]} has no {name} that we know")
                expect(VALUES.get(name[1:], value) == value, f"{name} {value} in: {line}")
    page = (ROOT / "webui" / "assets" / "screens" / "connect.js").read_text()
    for cmdlet in CMDLETS:
        expect(cmdlet in page, f"the page's sheet does not have {cmdlet}, the manual has")


@case
def lines_for_postfix_are_taken_by_postfix(stage):
    peers = unpacked("postfix")
    folder = stage.folder / "postfix"
    folder.mkdir()
    (folder / "main.cf").write_text(f"compatibility_level = 3.6\nshlib_directory = {peers}/usr/lib/postfix\n"
                                    "mail_owner = daemon\nsetgid_group = mail\n")
    (folder / "master.cf").write_text("")
    libraries = f"{peers}/usr/lib/{os.uname().machine}-linux-gnu:{peers}/usr/lib/postfix"
    tools = {"PATH": f"{peers}/usr/sbin:{folder}:{os.environ['PATH']}", "MAIL_CONFIG": str(folder), "LD_LIBRARY_PATH": libraries}
    reload = folder / "reload"
    reload.write_text('[ "$*" = "postfix reload" ] || exit 1\npostconf -n 2>&1 >/dev/null | { ! grep -E "warning|fatal"; }\n')
    for block in blocks("postfix"):
        for line in commands(block.text):
            line = line.replace("/etc/postfix/", f"{folder}/")
            if line.startswith("postfix "):
                line = f"sh {reload} {line}"
            done = subprocess.run(["bash", "-euo", "pipefail", "-c", line], capture_output=True, text=True, timeout=60,
                                  env={**os.environ, **tools})
            expect(done.returncode == 0 and "warning" not in done.stderr, f"{block}: {line}: {done.stdout}{done.stderr}")
    def of(command, *words):
        return program(f"{peers}/usr/sbin/{command}", *words, environment={**os.environ, **tools}).stdout.decode().strip()
    expect_equal(of("postconf", "-h", "always_bcc"), f"{LOGIN}@{DOMAIN}", "always_bcc")
    for map_ in ("recipient_bcc_maps", "sender_bcc_maps"):
        expect_equal(of("postmap", "-q", "@example.com", of("postconf", "-h", map_)), f"{LOGIN}@{DOMAIN}", map_)
    expect_equal(of("postmap", "-q", DOMAIN, of("postconf", "-h", "smtp_tls_policy_maps")), "encrypt", "the policy")


@case
def fetchmail_empties_the_mailbox_by_the_lines_of_the_page(stage):
    place = Playground(stage)
    text, = [block.text for block in blocks("fetchmail")]
    agent, spool = place.folder / "archive", place.folder / "archived"
    spool.mkdir()
    agent.write_text(f"#!/bin/sh\nexec cat > {spool}/$(ls {spool} | wc -l)\n")
    agent.chmod(0o755)
    lines = place.folder / "fetchmailrc"
    lines.write_text("set no syslog\n" + text.replace(HOSTNAME, place.gateway.host).replace(
        "service 995", f"service {place.gateway.pop3s}").replace("the password", PASSWORD).replace(
            "/usr/local/bin/archive-one-message", str(agent)))
    lines.chmod(0o600)
    program("fetchmail", "--fetchmailrc", str(lines), "--pidfile", f"{place.folder}/pid", "--idfile", f"{place.folder}/ids",
            "--nosyslog", environment={"PATH": "/usr/bin:/bin", "FETCHMAILHOME": str(place.folder), "HOME": str(place.folder)})
    expect_equal(len(list(spool.iterdir())), 2, "messages that fetchmail handed on")
    expect(any(fixtures.SUBJECT.encode() in file.read_bytes() for file in spool.iterdir()), "the report is not among them")
    expect_equal(fetch_all(place.gateway, place.mailbox), {}, "what waits")


@case
def the_line_for_piler_uses_what_piler_has(stage):
    for block in blocks("piler"):
        for line in commands(block.text):
            words = shlex.split(line)
            expect_equal(words[:2], ["PILER_PASSWORD=the password", "pilerimport"], "how it begins")
            expect_equal(dict(zip(words[2:-1:2], words[3:-1:2])), {"-K": HOSTNAME, "-P": "995", "-u": LOGIN}, "options")
            expect_equal(words[-1], "-r", "the option that deletes")


@case
def lines_for_a_container_fit_the_containerfile(stage):
    file = (ROOT / "Containerfile").read_text()
    said = dict(re.findall(r"^(USER|VOLUME|EXPOSE) (.+)$", file, re.M))
    lines = [shlex.split(line) for block in blocks("container") for line in commands(block.text)]
    start, = [line for line in lines if line[:2] == ["podman", "run"]]
    values = [value for name, value in zip(start, start[1:]) if name in ("-p", "-v")]
    expect_equal([value for value in values if value[0].isdigit()], [f"{port}:{port}" for port in said["EXPOSE"].split()], "ports")
    expect(any(value.endswith(f":{said['VOLUME']}") for value in values), f"{said['VOLUME']} is not in {values}")
    made, = [line for line in lines if line[0] == "install"]
    expect_equal(":".join(made[made.index(option) + 1] for option in ("-o", "-g")), said["USER"], "the owner of the data")
    expect(f"{made[-1]}:{said['VOLUME']}" in values, f"{made[-1]} is not in {values}")
    for listed in (ROOT / "packaging" / "postern.toml").read_text().splitlines():
        for port in re.findall(r'^#listen(?:_tls)? = \["\[::\]:(\d+)"', listed):
            expect(port in (*said["EXPOSE"].split(), "80", "443"), f"port {port} is not exposed")


@case
def settings_in_the_pages_are_right(stage):
    for number, block in enumerate(blocks("toml")):
        file = stage.folder / f"{number}.toml"
        file.write_text(f'domain = "{DOMAIN}"\ndata = "{stage.folder}/data"\n{block.text}')
        said = program(stage.binary, "check", "--config", str(file), code=None).stdout.decode()
        expect(said.startswith("ok       config:"), f"{block}: {said}")
    for block in blocks("json"):
        json.loads(block.text)


@case
def every_block_says_what_it_is(stage):
    known = CHECKED_BY_A_CASE | SHOWN | {"sh"}
    for block in blocks():
        expect(block.language in known, f"{block}: the language {block.language!r} is looked at by no case")


@case
def every_command_that_is_mentioned_exists(stage):
    helps = {}

    def help_of(words):
        if words not in helps:
            done = program(stage.binary, *words, "--help", code=None)
            helps[words] = done.stdout.decode() if done.returncode == 0 else None
        return helps[words]
    checked = 0
    for where, line in manuals.mentioned():
        command = ()
        for word in line.split():
            if not re.fullmatch(r"[a-z]+", word) or help_of((*command, word)) is None or not re.search(
                    rf"^  {word} ", help_of(command), re.M):
                break
            command = (*command, word)
        expect(command or line.startswith("--version"), f"{where}: there is no `postern {line}`")
        for option in re.findall(r"(?<!\S)--[a-z-]+", line):
            expect(re.search(rf"{option}\b(?!-)", help_of(command)), f"{where}: `postern {' '.join(command)}` has no {option}")
        checked += 1
    expect(checked > 80, f"only {checked} commands were found")


@case
def what_is_quoted_is_what_postern_says(stage):
    """In troubleshooting.md: code in the first column of tables, and sentences of `postern status` between them."""
    quotes = []
    for line in (ROOT / "docs" / "troubleshooting.md").read_text().splitlines():
        if row := re.match(r"\| (?!\*)(`.*?)` \|", line):
            quotes.append(row[1].strip("`"))
        quotes += re.findall(r"`postern status` says `([^`]+)`", line)
    sources = "\n".join(file.read_text() for file in (ROOT / "smtp").glob("*.cpp"))
    for quote in quotes:
        if code := re.match(r"(\d{3}) (\d\.\d\.\d) (.*)", quote):
            expect(re.search(rf'{code[1]},\s+"{code[2]}"', sources), f"no answer {code[1]} {code[2]}")
            quote = code[3]
        for part in re.split(r" ?… ?|^-ERR (?=\[|Pass)", quote):
            expect(manuals.says(part), f"Postern never says {part!r} (of {quote!r})")
    expect(len(quotes) > 50, f"only {len(quotes)} quotes were found")


@case
def what_is_referred_to_is_there(stage):
    for page in manuals.PAGES:
        text = re.sub(r"^ *```.*?^ *```$", "", page.read_text(), flags=re.M | re.S)
        for words, target in re.findall(r"\[([^\]]+)\]\(([^)\s]+)\)", text):
            if "://" in target:
                continue
            path, _, anchor = target.partition("#")
            file = (page.parent / path).resolve() if path else page
            expect(file.exists(), f"{page.name}: nothing is at {target}")
            headings = {re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower()).replace(" ", "-")
                        for line in file.read_text().splitlines() if line.startswith("#")} if anchor else set()
            expect(not anchor or anchor in headings, f"{page.name}: no heading for {target}")
            if page.name == "threat-model.md" and file.name.endswith("_test.py"):
                name = re.sub(r"\W+", "_", words.strip().lower())
                expect(any(name in found for found in re.findall(r"@case\ndef (\w+)", file.read_text())),
                       f"{page.name}: {file.name} has no case {name}")


@case
def addresses_in_the_pages_are_those_of_the_examples(stage):
    for page in manuals.PAGES:
        for login in set(re.findall(r"mbx-[0-9a-f]{32}", page.read_text())):
            expect_equal(login, LOGIN, f"the mailbox in {page.name}")
        for domain in set(re.findall(r"mbx-[0-9a-f]{32}@([\w.]+\w)", page.read_text())):
            expect_equal(domain, DOMAIN, f"the domain in {page.name}")


if __name__ == "__main__":
    run()
