#!/usr/bin/env python3
"""docs/protocols.md keeps what it says: every dialogue stands in the row of its own clause, every link leads to
what it names, and every reply the program sends stands in the tables of answers with a dialogue that shows it.

Prints what is wrong as `file:line: what`. Then breaks a made-up tree in each way once, to see it found.
"""
import os
import pathlib
import re
import sys
import tempfile

NAME = re.compile(r"(\d{4}|spec)-((?:[a-z]|\d+)(?:\.\d+)*)-([a-z0-9-]+)\.txt")
LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")
ANSWERS = {"## What SMTP answers": "smtp", "## What POP3 answers": "pop3"}
SENT = {  # how a reply looks in the source: code and enhanced code, or the response code
    "smtp": re.compile(r'\b([2-5]\d\d), "(\d\.\d+\.\d+)?"|"([2-5]\d\d) (\d\.\d+\.\d+) '),
    "pop3": re.compile(r'"(?:-ERR )?\[([A-Z/-]+)\]'),
}


class Page:
    """The rows of docs/protocols.md: where each stands, and what it says."""

    def __init__(self, root):
        self.root, self.file = root, root / "docs" / "protocols.md"
        self.lines = self.file.read_text().splitlines()
        self.rows = []  # (line, heading, cells)
        heading = ""
        for number, line in enumerate(self.lines, 1):
            heading = line if line.startswith("#") else heading
            if line.startswith("| ") and not line.startswith("|---"):
                self.rows.append((number, heading, [cell.strip() for cell in line[1:-1].split(" |")]))

    def clauses(self):
        """(line, standard, clause, cells) of each row about one or several clauses."""
        for number, heading, cells in self.rows:
            standard = re.match(r"## (?:RFC (\d+)|Spec)", heading)
            if standard and cells[0] != "clause":
                for clause in cells[0].lower().split(", "):
                    yield number, standard[1] or "spec", clause, cells

    def answers(self, protocol):
        """(line, reply, cells) of each row of a table of answers."""
        for number, heading, cells in self.rows:
            if ANSWERS.get(heading) == protocol and cells[0] != "reply":
                yield number, cells[0], cells

    def target(self, link):
        """The file a link leads to, below the root wherever the root lies."""
        path = os.path.normpath(self.file.parent.relative_to(self.root) / link.partition("#")[0])
        return self.root / path

    def dialogues(self, cell):
        found = [self.target(link) for _, link in LINK.findall(cell)]
        return [file for file in found if file.suffix == ".txt" and file.exists()]


def dialogues_without_row(page):
    shown = {}  # dialogue -> the (standard, clause) pairs whose rows name it
    for _, standard, clause, cells in page.clauses():
        for file in page.dialogues(cells[-1]):
            shown.setdefault(file.name, set()).add((standard, clause))
    for file in sorted((page.root / "tests" / "dialogues").glob("*/*.txt")):
        name = NAME.fullmatch(file.name)
        if not name:
            yield f"{file.relative_to(page.root)}:1: the name is not RFC-clause-what.txt or spec-chapter-what.txt"
        elif (name[1], name[2]) not in shown.get(file.name, ()):
            yield f"docs/protocols.md:1: {file.name} is not in a row {name[2]} of {name[1]}"


def broken_links(page):
    anchors = {"#" + re.sub(r"[^\w -]", "", line.lstrip("# ").lower()).replace(" ", "-")
               for line in page.lines if line.startswith("#")}
    for number, line in enumerate(page.lines, 1):
        for text, link in LINK.findall(line):
            file = page.target(link)
            if link.startswith("#"):
                wrong = link not in anchors
            elif file.suffix == ".txt":
                name = NAME.fullmatch(file.name)
                wrong = not file.exists() or not name or text != name[3]
            elif file.suffix in (".py", ".cpp"):
                wrong = not file.exists() or text not in file.read_text()
            else:
                wrong = not file.exists()
            if wrong:
                yield f"docs/protocols.md:{number}: nothing called '{text}' at {link}"


def rows_that_show_nothing(page):
    for number, _, _, cells in page.clauses():
        if len(cells) != 3 or not cells[1] or not LINK.search(cells[-1]):
            yield f"docs/protocols.md:{number}: a row needs a clause, a sentence and what shows it"


def sent_replies(root, protocol):
    """(file, line, reply) of each coded reply in the source, as the tables of answers write it."""
    for file in sorted((root / protocol).glob("*.cpp")) + [root / "gateway" / "daemon.cpp"]:
        text = file.read_text()
        for match in SENT[protocol].finditer(text):
            words = [word for word in match.groups() if word]
            reply = " ".join(words) if protocol == "smtp" else f"-ERR [{words[0]}]"
            yield file.relative_to(root), text.count("\n", 0, match.start()) + 1, reply


def wrong_answers(page, protocol):
    table = {reply: (number, cells) for number, reply, cells in page.answers(protocol)}
    sent = set()
    for file, line, reply in sent_replies(page.root, protocol):
        sent.add(reply)
        if reply not in table and reply not in ("220", "250"):  # the greeting and the answer to HELO and EHLO
            yield f"{file}:{line}: {reply} has no row in the table of answers"
        if re.match(r"\d+ \d", reply) and reply[0] != reply[4]:
            yield f"{file}:{line}: in {reply} the enhanced code is of another class (RFC 3463 section 2)"
    for reply, (number, cells) in table.items():
        if reply not in sent and reply != "-ERR":
            yield f"docs/protocols.md:{number}: nothing sends {reply}"
        if not LINK.search(cells[-1]):
            yield f"docs/protocols.md:{number}: nothing shows {reply}"
        for file in page.dialogues(cells[-1]):
            if not re.search(rf"^S[:=] {re.escape(reply)}", file.read_text(), re.M):
                yield f"docs/protocols.md:{number}: {file.name} does not show {reply}"


def check(root):
    page = Page(root)
    return [*dialogues_without_row(page), *broken_links(page), *rows_that_show_nothing(page),
            *wrong_answers(page, "smtp"), *wrong_answers(page, "pop3")]


GOOD = {
    "docs/protocols.md": "# P\n## What SMTP answers\n\n| reply | means | what to do | shown by |\n|---|---|---|---|\n"
                         "| 550 5.1.1 | no | | [order](../tests/dialogues/smtp/5321-4.1.4-order.txt) |\n"
                         "## What POP3 answers\n| -ERR [AUTH] | no | | [a](../tests/a_test.cpp) |\n"
                         "## RFC 5321: SMTP\n[up](#what-smtp-answers)\n| clause | what | shown by |\n|---|---|---|\n"
                         "| 4.1.1.1, 4.1.4 | Does. | [order](../tests/dialogues/smtp/5321-4.1.4-order.txt) |\n",
    "tests/dialogues/smtp/5321-4.1.4-order.txt": "S: 550 5.1.1 no\n",
    "tests/a_test.cpp": 'TEST_CASE("a") {}\n',
    "smtp/a.cpp": 'return {550, "5.1.1", "no"};\n',
    "pop3/a.cpp": 'return "[AUTH] no";\n',
    "gateway/daemon.cpp": "",
}
BREAKS = [  # (file, what is replaced there, by what, what must be said)
    ("docs/protocols.md", "4.1.4 |", "4.1.5 |", "5321-4.1.4-order.txt is not in a row 4.1.4 of 5321"),
    ("docs/protocols.md", "RFC 5321:", "RFC 5322:", "is not in a row 4.1.4 of 5321"),
    ("docs/protocols.md", "[a](", "[b](", "nothing called 'b'"),
    ("docs/protocols.md", "[order](", "[odd](", "nothing called 'odd'"),
    ("docs/protocols.md", "(#what", "(#that", "nothing called 'up'"),
    ("docs/protocols.md", "order.txt)", "other.txt)", "nothing called 'order'"),
    ("docs/protocols.md", "| Does. |", "| |", "a row needs a clause"),
    ("docs/protocols.md", "| 550 5.1.1 |", "| 551 5.1.1 |", "nothing sends 551 5.1.1"),
    ("docs/protocols.md", "[a](../tests/a_test.cpp) |", "|", "nothing shows -ERR [AUTH]"),
    ("tests/dialogues/smtp/5321-4.1.4-order.txt", "5.1.1", "5.1.2", "does not show 550 5.1.1"),
    ("tests/dialogues/smtp/rfc5321-order.txt", "", "S: 220\n", "the name is not"),
    ("tests/dialogues/smtp/5321-4.1.1.1-ehlo.txt", "", "S: 220\n", "5321-4.1.1.1-ehlo.txt is not in a row"),
    ("smtp/a.cpp", "550", "450", "the enhanced code is of another class"),
    ("smtp/a.cpp", "550", "554", "554 5.1.1 has no row in the table of answers"),
    ("gateway/daemon.cpp", "", '"421 4.7.0 too many"', "gateway/daemon.cpp:1: 421 4.7.0 has no row"),
    ("pop3/a.cpp", "AUTH", "SYS/TEMP", "-ERR [SYS/TEMP] has no row in the table of answers"),
]


def found_in(made_up):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in made_up.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        return check(root)


def main():
    wrong = check(pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent)
    if found := found_in(GOOD):
        wrong.append(f"in a tree without a fault: {found}")
    for file, old, new, must_say in BREAKS:
        text = GOOD.get(file, "")
        found = found_in({**GOOD, file: text.replace(old, new) if old else new})
        if not any(must_say in problem for problem in found):
            wrong.append(f"{file}, {old!r} made {new!r}: wanted '{must_say}', found {found or 'nothing'}")
    for problem in wrong:
        print(problem)
    print(f"{1 + len(BREAKS)} passed, 0 failed, 0 skipped" if not wrong else f"0 passed, {len(wrong)} failed, 0 skipped")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
