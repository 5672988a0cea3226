"""All commands of the program with their options, as `postern … --help` shows them.

Never reads the sources: what a test compares with this tree is what an admin can read.
"""
import dataclasses
import functools
import re
import subprocess

_HEADING = re.compile(r"^(\S.*):$")
_ENTRY = re.compile(r"^  (\S+)")


@dataclasses.dataclass
class Command:
    words: tuple          # ("mailbox", "create")
    positionals: list     # ["ADDRESS"]
    options: dict         # "--name" -> its whole entry: type, default, description
    commands: list        # those below it
    choices: dict = dataclasses.field(default_factory=dict)  # "--allow-tls" or "SHELL" -> ["none", …]


@functools.cache
def command_tree(binary):
    """All of them, each before those below it. Asked once: a sanitized program takes its time to start."""
    return list(_commands(binary, ()))


def _commands(binary, words):
    done = subprocess.run([binary, *words, "--help"], capture_output=True, check=True, text=True, timeout=60)
    command, section, name = Command(words, [], {}, []), "", ""
    for line in done.stdout.splitlines():
        heading, entry = _HEADING.match(line), _ENTRY.match(line)
        if heading:
            section = heading[1]
        elif entry and section == "Subcommands":
            command.commands.append(entry[1])
        elif entry and section == "Positionals":
            name = entry[1]
            command.positionals.append(name)
        elif entry and entry[1].startswith("-"):
            for name in entry[1].split(","):
                command.options[name] = line
        elif line.startswith("   ") and name in command.options:
            command.options[name] += " " + line.strip()
        found = re.search(r":\{(.+)\}", line)
        if found and entry:
            command.choices[name] = found[1].split(",")
    yield command
    for below in command.commands:
        yield from _commands(binary, (*words, below))
