#!/usr/bin/env python3
"""`postern completion` in real shells: what it offers is what --help says, command by command.

    completion_test.py PATH_TO_POSTERN [case…]
"""
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "end_to_end"))
from cases import Failure, case, expect, expect_equal, need, run  # noqa: E402
from command_tree import command_tree  # noqa: E402

SHELL_SECONDS = 60
# Completes the words given as arguments, the last of them as far as it is typed.
ASK_BASH = """source "$SCRIPT"; COMP_WORDS=(postern "$@"); COMP_CWORD=$#
_postern; printf '%s\\n' "${COMPREPLY[@]}" """


def script_for(stage, shell):
    script = stage.folder / f"_postern.{shell}"
    done = subprocess.run([stage.binary, "completion", shell], capture_output=True, timeout=SHELL_SECONDS)
    expect_equal((done.returncode, done.stderr), (0, b""), f"postern completion {shell}")
    script.write_bytes(done.stdout)
    return script


def offered(script, *words):
    """What bash offers for the last of the words, as a set."""
    done = subprocess.run(["bash", "--norc", "-c", ASK_BASH, "bash", *words], capture_output=True, text=True,
                          timeout=SHELL_SECONDS, cwd=script.parent, env={**os.environ, "SCRIPT": str(script)})
    # No terminal completes here: compopt says so and is not needed.
    expect_equal((done.returncode, done.stderr), (0, ""), f"completing {words}")
    return set(done.stdout.split())


class Terminal:
    """An interactive shell that a person types into."""

    def __init__(self, stage, *command):
        self.shown = b""
        self.child, self.terminal = pty.fork()
        if self.child == 0:
            os.environ.update(TERM="dumb", PS1="ready> ", HISTFILE="")
            termios.tcsetwinsize(0, (50, 400))
            os.chdir(stage.folder)
            os.execvp(command[0], command)
        stage.callback(self.close)
        self.wait("ready> ")

    def close(self):
        os.kill(self.child, signal.SIGKILL)
        os.waitpid(self.child, 0)
        os.close(self.terminal)

    def type(self, text, wanted):
        """Types, and waits until `wanted` is shown."""
        self.shown = b""
        os.write(self.terminal, text.encode())
        self.wait(wanted)

    def wait(self, wanted):
        deadline = time.monotonic() + SHELL_SECONDS
        # zsh goes back over the blank that it put after a word.
        while wanted.encode() not in re.sub(rb".\x08", b"", self.shown):
            if not select.select([self.terminal], [], [], max(0, deadline - time.monotonic()))[0]:
                raise Failure(f"the shell does not show {wanted!r}, but {self.shown!r}")
            try:
                self.shown += os.read(self.terminal, 4096)
            except OSError:
                raise Failure(f"the shell ended; it showed {self.shown!r}") from None


@case
def bash_offers_what_help_says(stage):
    script = script_for(stage, "bash")
    count = 0
    for command in command_tree(stage.binary):
        plain = command.commands + [c for name in command.positionals for c in command.choices.get(name, [])]
        if not any("FILE" in name for name in command.positionals):
            expect_equal(offered(script, *command.words, ""), set(plain or command.options),
                         f"what follows `{' '.join(command.words)}`")
        expect_equal(offered(script, *command.words, "-"), set(command.options), f"options of {command.words}")
        for name, choices in command.choices.items():
            if name.startswith("--"):
                expect_equal(offered(script, *command.words, name, ""), set(choices), f"values of {name}")
                expect_equal(offered(script, *command.words, name, "=", choices[0][:2]),
                             {c for c in choices if c.startswith(choices[0][:2])}, f"values of {name}=")
        count += 1
    expect(count > 12, f"only {count} commands in --help")


@case
def bash_knows_where_it_stands(stage):
    script = script_for(stage, "bash")
    (stage.folder / "some file").touch()
    for words, wanted in ((("mail",), {"mailbox"}), (("mailbox", "cr"), {"create"}),
                          (("mailbox", "create", "--name", "list", "--des"), {"--description"}),
                          (("mailbox", "create", "--name", ""), set()),
                          (("mailbox", "edit", "--allow-tls", "c"), {"certificate"}),
                          (("check", "--config", "some"), {"some", "file"}),
                          (("check", "--config", "=",), {"_postern.bash", "some", "file"}),
                          (("nonsense", "cr"), set())):
        expect_equal(offered(script, *words), wanted, f"completing {words}")


@case
def bash_completes_at_a_terminal(stage):
    script = script_for(stage, "bash")
    shell = Terminal(stage, "bash", "--norc", "--noprofile", "-i")
    shell.type(f"source {script}\n", "ready> ")
    shell.type("postern mailb\tcr\t--des\t", "postern mailbox create --description ")


@case
def zsh_completes_at_a_terminal(stage):
    need("zsh")
    script = script_for(stage, "zsh")
    (stage.folder / "fpath").mkdir()
    script.rename(stage.folder / "fpath" / "_postern")
    shell = Terminal(stage, "zsh", "-f", "-i")
    # In the form in which the package installs it, a function file that compinit finds.
    shell.type("PS1='go> '; fpath=($PWD/fpath $fpath); autoload -U compinit; compinit -D; unsetopt beep; echo di''d\n",
               "did")
    shell.type("postern mailb\tcr\t--des\t", "postern mailbox create --description=")
    shell.type("\x15postern mailbox edit --allow-tls=cer\t", "--allow-tls=certificate")
    shell.type("\x15postern mailbox s\t", "-- Take no mail: senders try again later, archivers still fetch")
    shell.type("\x15postern completion z\t", "completion zsh")


@case
def every_command_has_a_zsh_function(stage):
    need("zsh")
    script = script_for(stage, "zsh")
    wanted = {"_".join(("_postern", *command.words)) for command in command_tree(stage.binary)}
    done = subprocess.run(["zsh", "-f", "-c", 'compdef() { }; source "$1"; print -l ${(k)functions}', "zsh", script],
                          capture_output=True, text=True, timeout=SHELL_SECONDS)
    expect_equal(done.stderr, "", "what zsh says")
    expect_equal(wanted - set(done.stdout.split()), set(), "commands without a function")


if __name__ == "__main__":
    run()
