"""A real browser for a test: Debian's Chromium, driven by the scripts of tests/browser through Playwright.

A script asks this side for what happens outside the page (mail that arrives, a gateway that stops) by a line of
JSON, and gets one back. Nothing is installed into the sources: the npm packages lie in build/browser.
"""
import fcntl
import json
import os
import pathlib
import shutil
import subprocess
import threading

from cases import Failure, Skip, expect
from gateway import die_with_parent
from web import setup_token

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SCRIPTS = ROOT / "tests" / "browser"
PACKAGES = ROOT / "build" / "browser"
PICTURES = PACKAGES / "pictures"
INSTALL_SECONDS = 180
SCRIPT_SECONDS = 240
ASKS = "@"  # begins a line that asks


def _chromium():
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise Skip("chromium is not installed (Debian package chromium)")


def _packages():
    """The folder with node_modules as package-lock.json has them; skips where npm or the network is missing."""
    if not shutil.which("npm") or not shutil.which("node"):
        raise Skip("npm is not installed (Debian package npm)")
    PACKAGES.mkdir(parents=True, exist_ok=True)
    lock = (SCRIPTS / "package-lock.json").read_bytes()
    stamp = PACKAGES / "installed.json"
    with open(PACKAGES / "lock", "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # tests run side by side
        if not stamp.exists() or stamp.read_bytes() != lock:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(SCRIPTS / name, PACKAGES / name)
            try:
                done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=PACKAGES,
                                      capture_output=True, text=True, timeout=INSTALL_SECONDS)
            except subprocess.TimeoutExpired:
                raise Skip(f"npm ci did not end within {INSTALL_SECONDS} s") from None
            if done.returncode != 0:
                raise Skip(f"npm ci failed: {(done.stderr or done.stdout).strip()[-300:]}")
            stamp.write_bytes(lock)
    return PACKAGES


def link_of(gateway):
    """The set-up link, as the browser reaches the gateway."""
    return f"https://{gateway.host}:{gateway.web}/#setup={setup_token(gateway)}"


def drive(stage, script, gateway, answers, **values):
    """Runs tests/browser/SCRIPT in front of the gateway's page to its end. `answers`: name -> function of what the
    script asks for; `values` are given to it. Fails with the script's last words."""
    downloads = stage.folder / "downloads"
    downloads.mkdir(exist_ok=True)
    PICTURES.mkdir(parents=True, exist_ok=True)
    told = {"chromium": _chromium(), "packages": str(_packages()), "downloads": str(downloads), "pictures": str(PICTURES),
            "page": f"https://{gateway.host}:{gateway.web}", **values}
    process = subprocess.Popen(["node", str(SCRIPTS / script), json.dumps(told)], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=die_with_parent,
                               env={**os.environ, "HOME": str(stage.folder)}, start_new_session=True)
    overdue = threading.Timer(SCRIPT_SECONDS, process.kill)
    overdue.start()
    said = []
    trouble = None
    try:
        for line in process.stdout:
            if not line.startswith(ASKS):
                said.append(line)
                if line.startswith("figure: "):
                    print(line, end="", flush=True)
                continue
            asked = json.loads(line[len(ASKS):])
            try:
                answer = {"answer": answers[asked["what"]](*asked["with"])}
            except Failure as failure:
                trouble = trouble or failure
                answer = {"error": str(failure)}
            process.stdin.write(json.dumps(answer) + "\n")
            process.stdin.flush()
        status = process.wait()
    finally:
        overdue.cancel()
        process.kill()
        process.wait()
        process.stdin.close()
    if trouble:
        raise trouble
    expect(status == 0, f"{script} ended with {status}:\n{''.join(said)[-5000:]}")
