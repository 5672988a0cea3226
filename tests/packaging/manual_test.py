#!/usr/bin/env python3
"""The manual pages say what the program does: every command, option, key and default, and no other.

    manual_test.py PATH_TO_POSTERN [case…]
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests" / "end_to_end"), str(ROOT / "tests" / "gateway")]
from cases import case, expect, expect_equal, need, run  # noqa: E402
from command_tree import command_tree  # noqa: E402

MANUALS = ROOT / "packaging" / "man"
EVERYWHERE = {"-h", "--help", "--config"}  # described once, for all commands


def page(name):
    return (MANUALS / name).read_text()


def sections(text):
    """{title: lines} of every .Ss."""
    parts = re.split(r"^\.S[sh] (.+)$", text, flags=re.M)
    return dict(zip(parts[1::2], (part.splitlines() for part in parts[2::2])))


def plain(line):
    return line.replace(r"\(dq", '"')


def options_in(lines):
    """The options a section describes: `.It Fl -name Ar NAME` and `.It Fl h , Fl -help`."""
    return {f"-{name}" for line in lines if line.startswith(".It Fl ") for name in re.findall(r"Fl (\S+)", line)}


@case
def every_command_and_option_is_in_the_manual(stage):
    described = sections(page("postern.8"))
    count = 0
    for command in command_tree(stage.binary):
        title = " ".join(command.words)
        if command.commands:
            expect(title not in described, f"{title} is no command of its own, but has a section")
            continue
        expect(title in described, f"postern(8) has no section on `postern {title}`")
        lines = described[title]
        text = "\n".join(lines)
        expect_equal(options_in(lines), set(command.options) - EVERYWHERE, f"options of `postern {title}`")
        synopsis = next((line for line in lines if line.startswith(f".Dl postern {title}")), "")
        for name in command.positionals:
            expect(name in synopsis, f"`postern {title}` takes {name}, its first line says {synopsis!r}")
        for name, choices in command.choices.items():
            for choice in choices:
                expect(re.search(rf"\b{choice}\b", text), f"postern(8) lacks {choice} of {name} in {title}")
        count += 1
    expect(count >= 12, f"--help named only {count} commands")
    commands = {" ".join(command.words) for command in command_tree(stage.binary)}
    for title, lines in described.items():
        expect(title in commands or not any(line.startswith(".Dl postern ") for line in lines),
               f"postern(8) describes `postern {title}`, which --help does not know")
    expect(EVERYWHERE | {"--version"} <= options_in(described["DESCRIPTION"]), "options of all commands")


def keys_of_example():
    """{"smtp.listen": its default} of the example file, which config_test compares with the program."""
    keys, section = {}, ""
    for line in (ROOT / "packaging" / "postern.toml").read_text().splitlines():
        if found := re.fullmatch(r"(?:#   )?\[\[?([a-z0-9_.]+)\]\]?", line):
            section = found[1] + "."
        elif found := re.fullmatch(r"(?:#|#   )?([a-z0-9_]+) = (.*)", line):
            keys[section + found[1]] = found[2]
    return keys


@case
def every_key_is_in_the_manual_with_its_default(stage):
    described = {}
    for title, lines in sections(page("postern.toml.5")).items():
        table = re.match(r"\[\[?([a-z0-9_.]+)\]", title)
        for line in lines:
            if found := re.fullmatch(r"\.It Li ([a-z0-9_]+) = (.+)", plain(line)):
                key = (table[1] + "." if table else "") + found[1]
                expect(key not in described, f"{key} is described twice")
                described[key] = found[2]
    expect(len(described) > 40, f"only {len(described)} keys found in postern.toml(5)")
    expect_equal(described, keys_of_example(), "keys with their defaults in postern.toml(5)")


def keys_that_do_nothing(stage):
    """Those of which the program says so where they are set."""
    tables = {}
    for name, value in keys_of_example().items():
        table, _, key = name.rpartition(".")
        if table == "twin":
            continue  # a list of tables; the program reads no other way than all of it
        tables.setdefault(table, {})[key] = {'""': '"x"', "[]": '["x.example"]'}.get(value, value)
    config = stage.folder / "postern.toml"
    while True:
        config.write_text("\n".join((f"[{table}]\n" if table else "") + "\n".join(f"{k} = {v}" for k, v in keys.items())
                                    for table, keys in tables.items()))
        done = subprocess.run([stage.binary, "check", "--config", config], capture_output=True, text=True, timeout=60)
        wrong = re.search(r"postern\.toml(?::\d+)*: (?:([a-z0-9_.]+)\.)?([a-z0-9_]+): ", done.stderr)
        if not wrong:
            return set(re.findall(r": ([a-z0-9_.]+) has no effect", done.stdout))
        del tables[wrong[1] or ""][wrong[2]]  # one that "x" does not fit, so it is looked at


@case
def keys_without_effect_are_marked(stage):
    """The program names each key that does nothing yet; the manual says so at the key or its table."""
    idle = keys_that_do_nothing(stage)
    expect(idle, "no key without effect: then this case can go")
    marked = {}
    for title, lines in sections(page("postern.toml.5")).items():
        if table := re.match(r"\[([a-z0-9_.]+)\]", title):
            items = re.split(r"^\.It Li ([a-z0-9_]+) = .+$", "\n".join(lines), flags=re.M)
            all_of_it = "without effect" in items[0]
            for key, about in zip(items[1::2], items[2::2]):
                marked[f"{table[1]}.{key}"] = all_of_it or "without effect" in about
    expect_equal({key for key, yes in marked.items() if yes}, idle, "keys marked `without effect`")


@case
def nothing_is_wrong_with_their_form(stage):
    need("mandoc")
    for manual in sorted(MANUALS.iterdir()):
        done = subprocess.run(["mandoc", "-T", "lint", manual], capture_output=True, text=True, timeout=60)
        # What other manuals this machine has is not theirs.
        complaints = [line for line in done.stdout.splitlines() if "referenced manual not found" not in line]
        expect_equal(complaints, [], f"what mandoc says of {manual.name}")
        shown = subprocess.run(["mandoc", "-T", "utf8", manual], capture_output=True, text=True, timeout=60).stdout
        expect(len(shown.splitlines()) > 100, f"{manual.name} is shown as {shown[:300]!r}")


@case
def manuals_refer_to_manuals_that_are_there(stage):
    ours = {path.name.rpartition(".")[0]: path.suffix[1:] for path in MANUALS.iterdir()}
    for manual in MANUALS.iterdir():
        for name, number in re.findall(r"\bXr ((?:postern)[\w.-]*) (\d)", manual.read_text()):
            expect_equal(ours.get(name), number, f"{manual.name} refers to {name}({number})")


if __name__ == "__main__":
    run()
