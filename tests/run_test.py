#!/usr/bin/env python3
"""The test runner itself, on a made-up tree: every way a test can go wrong must be counted, named and cleaned up."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

TESTS = pathlib.Path(__file__).resolve().parent
LEAVES = "import subprocess\np = subprocess.Popen(['sleep', '600'], start_new_session=%s)\nprint('left', p.pid)\n"
CASES = {  # script -> (its text, lines that must be printed)
    "one": ("print('fine')", ["passed  case_one_test", "1 passed, 0 failed, 0 skipped"]),
    "figures": ("print('figure: 3 MiB')\nprint('much else')", ["  figure: 3 MiB\npassed  case_figures_test"]),
    "counts": ("print('7 passed, 0 failed, 0 skipped')", ["7 passed, 0 failed"]),
    "counts_by_name": ("print('vectors: 7 passed, 0 failed')", ["7 passed, 0 failed, 0 skipped"]),
    "fails": ("print('why')\nprint('2 passed, 1 failed, 0 skipped')\nexit(1)", ["why", "2 passed, 1 failed"]),
    "crashes": ("print('3 passed, 0 failed, 0 skipped')\nimport os; os.abort()", ["signal SIGABRT", "1 failed"]),
    "lies": ("print('3 passed, 1 failed, 0 skipped')", ["FAILED ", "ended with exit code 0"]),
    "empty": ("print('0 passed, 0 failed, 0 skipped')", ["ran no test", "1 failed"]),
    "skips": ("print('SKIP of fuse: no /dev/fuse')\nexit(77)", ["0 passed, 0 failed, 1 skipped", "skipped: of fuse: no"]),
    "skips_too": ("print('vectors: skipped: no npm')\nexit(77)", ["1 skipped", "skipped: vectors: no npm"]),
    "silent_skip": ("exit(77)", ["1 skipped", "no reason given"]),
    "partly": ("print('SKIP a: b')\nprint('4 passed, 0 failed, 1 skipped')", ["4 passed, 0 failed, 1 skipped"]),
    "hangs": ("# time limit: 1 s\nimport time; time.sleep(600)", ["was stopped after 1 s", "1 failed"]),
    "leaves": (LEAVES % False, ["left processes behind: sleep", "1 failed"]),
    "hides": (LEAVES % True, ["FAILED  the whole run", "processes left behind: sleep"]),
    "doctest": ("print('[doctest] test cases:  9 |  8 passed | 1 failed | 2 skipped')\nexit(1)",
                ["8 passed, 1 failed, 2 skipped"]),
    "doctest_skip": ("print('SKIP x: y\\n[doctest] test cases: 2 | 2 passed | 0 failed | 0 skipped')",
                     ["1 passed, 0 failed, 1 skipped"]),
    "release": ("# build: release\nimport sys; print(sys.argv[1])\nexit(1)", ["build/release/gateway/postern"]),
    "dev": ("import sys; print(sys.argv[1])\nexit(1)", ["build/dev/gateway/postern"]),
}
GOOD = ("one", "figures", "counts", "counts_by_name", "skips", "skips_too", "silent_skip", "partly", "doctest_skip")


# Ends well only where four of them run at one time.
MEETS = """# time limit: 30 s
import pathlib, sys, time
folder = pathlib.Path(__file__).parent
pathlib.Path(__file__).with_suffix(".here").touch()
while len(list(folder.glob("*.here"))) < 4:
    time.sleep(0.01)
"""


def run(scripts, no_skips="", folder="tests/end_to_end"):
    """Runs the runner on a tree with these scripts, name -> text, in the folder; gives its exit status, output and closing line."""
    with tempfile.TemporaryDirectory() as root:
        tree = pathlib.Path(root)
        for part in ("build/dev", folder):
            (tree / part).mkdir(parents=True)
        shutil.copy(TESTS / "run", tree / "tests" / "run")
        for name, text in scripts.items():
            (tree / folder / f"case_{name}_test.py").write_text(text)
        environment = {**os.environ, "DURATION": "0", "NO_SKIPS": no_skips}
        done = subprocess.run([sys.executable, tree / "tests" / "run", "case_"], env=environment, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        closing = (tree / "build" / "test-result").read_text()
        return done.returncode, done.stdout, closing


def problem(name, text, wanted):
    status, output, closing = run({name: text})
    missing = [line for line in wanted if line not in output]
    if missing:
        return f"did not print {missing}:\n{output}"
    if bool(status) != (name not in GOOD):
        return f"ended with exit code {status}:\n{output}"
    if not output.endswith(closing):
        return f"did not close with its counts:\n{output}"
    for line in output.splitlines():
        if line.startswith("left ") and os.path.exists(f"/proc/{line.split()[1]}"):
            return f"process {line.split()[1]} still lives"
    return None


problems = {name: problem(name, *case) for name, case in CASES.items()}
status, output, _ = run({"skips": CASES["skips"][0]}, no_skips="1")
problems["NO_SKIPS"] = None if status else f"a skip was let pass:\n{output}"
status, output, _ = run({"a": MEETS, "b": MEETS, "c": "# waits\n" + MEETS, "d": "# waits\n" + MEETS})
problems["waits"] = f"two that wait did not run beside two:\n{output}" if status else None
status, output, _ = run({"one": CASES["one"][0]}, folder="tests/end_to_end/deeper")
problems["deeper"] = f"one in a folder was not run:\n{output}" if status else None
problems = {name: text for name, text in problems.items() if text}
for name, text in problems.items():
    print(f"{name}: {text}")
print(f"{len(CASES) + 3 - len(problems)} passed, {len(problems)} failed, 0 skipped")
sys.exit(bool(problems))
