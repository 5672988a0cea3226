"""The archiving side: POP3 clients that pull in loops, and the account of what they hold in the end."""
import re
import ssl
import subprocess
import threading
import types

import fixtures
from cases import Failure, expect, seconds, wait_for
from clients import Pop3
from gateway import DOMAIN
from names import Resolver
from sending import report

PAUSE = 0.2   # seconds between two visits
AT_ONCE = 50  # messages in one session


class Account:
    """What the archiver holds: {number: ids of the messages that said it, as often as they were fetched}."""

    def __init__(self, mailbox):
        self.mailbox, self.lock = mailbox, threading.Lock()
        self.fetched, self.wrong, self.cut_short = {}, [], 0

    def note(self, octets, may_be_cut_short=False):
        number = re.search(rb"\r\nX-Number: %s-(\d+)\r\n" % DOMAIN.encode(), octets)
        identity = re.search(rb"\bid ([0-9a-f]{8}-[0-9a-f-]{27})\b", octets)
        with self.lock:
            whole = number and identity and self._is_right(octets, report(int(number[1])), may_be_cut_short)
            if whole:
                self.fetched.setdefault(int(number[1]), []).append(identity[1].decode())
            elif may_be_cut_short:
                self.cut_short += 1
            else:
                self.wrong.append(octets)

    def _is_right(self, octets, message, may_be_cut_short):
        """After the trace fields of the gateway and the one of Postfix every octet is as it was sent."""
        fields, rest = fixtures.without_trace(octets)
        own = re.match(rb"Received: [^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*", rest)
        expect(may_be_cut_short or fields["Delivered-To"] == self.mailbox.email, f"delivered to {fields}")
        return own is not None and rest[own.end():] == message

    def missing(self, stream):
        with self.lock:
            return sorted(set(stream.taken) - set(self.fetched))

    def settle(self, stream):
        """Every report that was taken is here, right; what came more than once is counted and explained."""
        expect(not self.wrong, f"{len(self.wrong)} messages are not what was sent, such as {self.wrong[:1]}")
        missing = self.missing(stream)
        expect(not missing, f"lost: {len(missing)} of {len(stream.taken)} reports, such as number {missing[:5]}:\n"
               + "\n".join(stream.sender.about(stream.taken[number]) for number in missing[:5]))
        unknown = set(self.fetched) - set(stream.taken)
        expect(not unknown, f"reports that nobody sent: {unknown}")
        stored_twice = sum(len(set(ids)) - 1 for ids in self.fetched.values())
        fetched_twice = sum(len(ids) - len(set(ids)) for ids in self.fetched.values())
        in_doubt = stream.sender.in_doubt()
        print(f"figure: {len(stream.taken)} reports taken, none lost; {stored_twice} stored twice (Postfix saw {in_doubt} "
              f"answers to a whole message lost), {fetched_twice} fetched twice (sessions that broke before QUIT took effect)"
              + (f", {self.cut_short} cut short" if self.cut_short else ""), flush=True)
        expect(stored_twice <= in_doubt, f"{stored_twice} reports were stored twice, but only {in_doubt} were in doubt")


class _Impatient(Pop3):
    reply_seconds = 15


class _Careful(_Impatient):
    """Says nothing to whoever is not proved to be `name`."""

    def __init__(self, server, name, roots):
        self.name, self.roots = name, roots
        super().__init__(server)

    def handshake(self, context=None):
        context = ssl.create_default_context(cafile=self.roots)
        self.socket = context.wrap_socket(self.socket, server_hostname=self.name)


class Archiver:
    """Profiles as an archiver has them: each follows a name, logs in, and takes what it finds. With `roots` it verifies
    whom it talks to; `unproved` is how often somebody could not prove it."""

    def __init__(self, stage, host, mailbox, account, roots=None):
        self.stage, self.host, self.mailbox, self.account = stage, host, mailbox, account
        self.roots, self.unproved = roots, 0
        self.over, self.threads, self.trouble = threading.Event(), [], None
        self.emptied = {}  # name of a profile: address that it last found empty
        stage.callback(self.stop)

    def follow(self, *names, fetchmail=False):
        for name in names:
            visit = self._fetchmail(name) if fetchmail else self._visitor(Resolver(self.host), name)
            self.threads.append(threading.Thread(target=self._loop, args=(visit,), daemon=True))
            self.threads[-1].start()

    def _loop(self, visit):
        while not self.over.wait(PAUSE):
            try:
                visit()
            except ssl.SSLCertVerificationError:
                self.unproved += 1
            except (OSError, Failure):
                pass  # the node is away; the next visit tells
            except Exception as error:  # told by stop()
                self.trouble = error
                return

    def _visitor(self, resolver, name):
        def visit():
            server = types.SimpleNamespace(host=resolver.address(name), pop3s=995, pop3=110)
            with self.host.inside():
                pop = _Careful(server, name, self.roots) if self.roots else _Impatient(server)
            with pop:
                self._login(pop)
                listed = pop.listing("UIDL")
                for number, _ in listed[:AT_ONCE]:
                    self.account.note(pop.retr(number))
                    pop.must(f"DELE {number}")
                pop.must("QUIT")
            self.emptied[name] = server.host if len(listed) == 0 else None
        return visit

    def _login(self, pop):
        pop.must(f"USER {self.mailbox.address}")
        pop.must(f"PASS {self.mailbox.password}")

    def _fetchmail(self, name):
        folder = self.stage.folder / f"fetchmail-{name}"
        spool = folder / "spool"
        spool.mkdir(parents=True)
        agent = folder / "deliver"
        agent.write_text(f'#!/bin/sh\nexec cat > "$(mktemp {spool}/XXXXXXXXXXXX)"\n')
        agent.chmod(0o700)
        control = folder / "fetchmailrc"
        control.write_text(
            f'set no syslog\npoll {name} service 995 protocol pop3 timeout {_Impatient.reply_seconds}\n'
            f' username "{self.mailbox.address}" password "{self.mailbox.password}"\n'
            f' ssl no sslcertck no rewrite no keep fetchall mda "{agent}"\n')
        control.chmod(0o600)
        words = ["fetchmail", "--fetchmailrc", str(control), "--pidfile", str(folder / "pid"), "--invisible", "--nosyslog",
                 "--idfile", str(folder / "ids")]
        environment = {"PATH": "/usr/bin:/bin", "FETCHMAILHOME": str(folder), "HOME": str(folder)}

        def visit():
            done = subprocess.run(words, env=environment, preexec_fn=self.host.enter, start_new_session=True, check=False,
                                  stdin=subprocess.DEVNULL, capture_output=True)
            for file in spool.iterdir():
                octets = file.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
                self.account.note(octets, may_be_cut_short=done.returncode not in (0, 1))
                file.unlink()
        return visit

    def fetch_the_rest(self, stream):
        """Until it holds all that was taken, and then no longer."""
        try:
            wait_for("the archiver to hold every report", 120 + seconds(0),
                     lambda: self.trouble or self.account.wrong or not self.account.missing(stream), pause=0.1)
        except Failure:
            pass  # settle() says which are missing
        self.stop()
        if self.trouble:
            raise Failure(f"an archiver ended: {self.trouble!r}")
        self.account.settle(stream)

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join()
