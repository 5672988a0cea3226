#!/usr/bin/env python3
"""The house rules a compiler cannot check, over all sources; prints `file:line: rule` for each breach.

Never changes a file. Exits 1 where something was found. The first argument may name another root.
"""
import pathlib
import re
import sys

ROOMS = ("gateway", "crypto", "smtp", "pop3", "acme", "webui")
STOREYS = ["gateway/base", "crypto", "gateway/mail", "gateway/store"]  # each sees those before it
PROTOCOL = STOREYS + ["gateway/net"]
MAY_INCLUDE = {  # room -> rooms whose headers it may include besides its own
    "gateway/base": [],
    "crypto": STOREYS[:1],
    "gateway/mail": STOREYS[:2],
    "gateway/store": STOREYS[:3],
    "gateway/net": ["gateway/base"],
    "smtp": PROTOCOL,
    "pop3": PROTOCOL,
    "acme": PROTOCOL,
    "webui": PROTOCOL,
    "gateway/replica": PROTOCOL,
    "gateway/watch": PROTOCOL,
    "gateway": PROTOCOL + ["smtp", "pop3", "acme", "webui", "gateway/replica", "gateway/watch"],
}
ONLY_IN = {  # what may appear only where; paths are beginnings
    r"#include <sodium": ("crypto/",),
    r"#include <openssl": ("crypto/", "gateway/net/tls", "acme/"),
    r"#include <toml": ("gateway/config", "gateway/mail/statement"),
    r"#include <curl": ("gateway/net/http_client", "gateway/store/s3_client"),
    r"#include <boost": ("gateway/net/http_server",),
    r"#include <CLI": ("gateway/command",),
    r"\b(fsync|fdatasync|syncfs)\s*\(": ("gateway/base/durable_file",),
    r"\bdetached\b": ("gateway/net/listener", "gateway/daemon"),  # it drops exceptions: only for roots that catch
}
NEVER_IN = {r"\bOpenKey\b": ("smtp/", "acme/")}  # who may read mail is visible in signatures
CORE = re.compile(r"/(session|reply|record|layout|drop|order|age_\w+|\w+_(parser|reader|writer|id))\.(h|cpp)$")
CORE_NEVER = re.compile(r'#include (<(asio|sys/socket|netinet|arpa|poll|fcntl|unistd|fstream|thread|mutex)'
                        r'|"gateway/(net/(?!http)|base/durable_file))')  # http.h: values
FILES = re.compile(r"#include <filesystem>")
LINES = 400
FUNCTION_LINES = 60
BAD_NAME = re.compile(r"(^|_)(utils?|helpers?|managers?|common)(_|\.|$)")


def blank(match):
    """What a comment or literal is replaced by: as many lines, no text."""
    return '""' + "\n" * match[0].count("\n")


LITERAL = re.compile(r'R"(\w*)\((?:.|\n)*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\''
                     r"|//[^\n]*|/\*(?:.|\n)*?\*/")


def code_of(text):
    """The text without comments and with empty literals; include lines stay as they are."""
    def keep_includes(match):
        line_start = text.rfind("\n", 0, match.start()) + 1
        if text.startswith("#include", line_start) and match[0].startswith('"'):
            return match[0]
        return "\n" * match[0].count("\n") if match[0].startswith("/") else blank(match)
    return LITERAL.sub(keep_includes, text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def closing(text, opening):
    """The offset of the bracket that closes the one at `opening`, or the end of the text."""
    depth = 0
    for offset in range(opening, len(text)):
        depth += (text[offset] in "({[") - (text[offset] in ")}]")
        if depth == 0:
            return offset
    return len(text) - 1


IS_FUNCTION = re.compile(r"\)\s*((const|noexcept|override|final|mutable|try|&&?)\s*|->[^;{}]*|:[^;]*|requires[^;]*)*$")


def functions(code):
    """(line, number of lines) of every function, test case and free-standing lambda that has a name."""
    code = re.sub(r"^[ \t]*#(?:\\\n|[^\n])*", "", code, flags=re.M)
    start = offset = 0
    while offset < len(code):
        character = code[offset]
        if character in ";}":
            start = offset + 1
        elif character == "(":
            offset = closing(code, offset)
        elif character == "{":
            head = code[start:offset]
            initialises_member = re.search(r"\)[\w\s]*:(?!:)", head) and re.search(r"[\w>]$", head)
            end = closing(code, offset)
            if initialises_member or re.search(r"[=,]\s*$", head):
                offset = end
            elif IS_FUNCTION.search(head):
                first = line_of(code, start + len(head) - len(head.lstrip()))
                yield first, line_of(code, end) - first + 1
                offset, start = end, end + 1
            else:
                start = offset + 1  # a namespace or type: look inside
        offset += 1


IN_CO_AWAIT = re.compile(r"(?<![\w\])])\s*\[[^\]\n]+\]\s*(?:\(|\{|mutable)|\b[A-Z]\w*(?:<[^;]*>)?\{|[(,]\s*\{")


def co_await_temporaries(code):
    """Offsets of co_await expressions with a capturing lambda or an aggregate written inside."""
    for match in re.finditer(r"\bco_await\b", code):
        end = match.end()
        while end < len(code) and code[end] not in ";)}]" and not code.startswith(" {", end):
            end = closing(code, end) + 1 if code[end] in "({[" else end + 1
        if IN_CO_AWAIT.search(code[match.end():end]):
            yield match.start()


# One of its branches; ?: of other things within a branch is as rare as it is unreadable.
CO_AWAIT_OR = re.compile(r"\?[^;?]*\bco_await\b[^;?]*[^:]:(?!:)|\?[^;?]*[^:]:(?!:)[^;?{}]*\bco_await\b")


def room_of(path):
    parts = path.parts
    return "/".join(parts[:2]) if parts[0] == "gateway" and len(parts) > 2 else parts[0]


def check_shape(root, path, text, code):
    """Rules for every C++ file, tests included."""
    if text.count("\n") > LINES:
        yield 1, f"more than {LINES} lines; split the file"
    says_it_in_header = path.suffix == ".cpp" and (root / path).with_suffix(".h").exists()
    if not text.startswith("//") and not says_it_in_header:
        yield 1, "the file does not start with what it is and what it never does"
    if path.suffix == ".h" and "#pragma once" not in text:
        yield 1, "a header without #pragma once"
    if BAD_NAME.search(path.name):
        yield 1, "this name says nothing; use the field's term"
    for match in re.finditer(r"\b(TODO|FIXME|XXX)\b", text):
        yield line_of(text, match.start()), f"{match[0]}: finish it or open an issue"
    for first, count in functions(code):
        if count > FUNCTION_LINES:
            yield first, f"a function of {count} lines; at most {FUNCTION_LINES}"
    for offset in co_await_temporaries(code):
        yield line_of(code, offset), "name the lambda or aggregate before co_await (g++ 12 frees it twice)"
    for match in CO_AWAIT_OR.finditer(code):
        yield line_of(code, match.start()), "write an if: g++ 12 goes wrong where a branch of ?: has a co_await"


def check_room(root, path, code):
    """Rules for the program itself: layering, and what belongs where."""
    mine = room_of(path)
    for match in re.finditer(r'#include "([^"]+)"', code):
        theirs = room_of(pathlib.PurePath(match[1]))
        if not (root / match[1]).exists():
            yield line_of(code, match.start()), f"no {match[1]}; include from the repository root"
        elif theirs != mine and theirs not in MAY_INCLUDE.get(mine, []):
            yield line_of(code, match.start()), f"{mine}/ may not include {theirs}/"
    for token, places in ONLY_IN.items():
        for match in re.finditer(token, code):
            if not str(path).startswith(places or "/"):
                yield line_of(code, match.start()), f"{match[0]} belongs in {' or '.join(places) or 'no file'}"
    for token, places in NEVER_IN.items():
        for match in re.finditer(token, code):
            if str(path).startswith(places):
                yield line_of(code, match.start()), f"{match[0]} has no place in {mine}/"
    if CORE.search(str(path)):
        for match in CORE_NEVER.finditer(code):
            yield line_of(code, match.start()), "a core file does no I/O"
        if path.name not in ("layout.h", "layout.cpp"):
            for match in FILES.finditer(code):
                yield line_of(code, match.start()), "a core file knows no files"


def is_script(file):
    if file.suffix in (".py", ".sh", ".js"):
        return True
    with file.open("rb") as start:
        return not file.suffix and start.read(2) == b"#!"


def check(root):
    """Every breach under `root` as (path, line, rule), and the number of files read."""
    breaches, count = [], 0
    for top in ROOMS + ("tests", "packaging", ".ci"):
        for file in sorted((root / top).rglob("*")):
            path = file.relative_to(root)
            if not file.is_file() or "__pycache__" in path.parts:
                continue
            if file.suffix in (".h", ".cpp"):
                text = file.read_text()
                code = code_of(text)
                found = list(check_shape(root, path, text, code))
                if top in ROOMS:
                    found += check_room(root, path, code)
            elif is_script(file):
                long = file.read_bytes().count(b"\n") > LINES
                found = [(1, f"more than {LINES} lines; split the script")] if long else []
            else:
                continue
            count += 1
            breaches += [(path, *breach) for breach in found]
    return breaches, count


def main():
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent
    breaches, count = check(root)
    for path, line, rule in breaches:
        print(f"{path}:{line}: {rule}")
    print(f"{count} files, {len(breaches)} breaches of the house rules")
    sys.exit(bool(breaches))


if __name__ == "__main__":
    main()
