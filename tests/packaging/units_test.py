#!/usr/bin/env python3
"""What systemd says about the units, the account, the folders; where an installation puts things; and which backups
a year of days leaves.

    units_test.py PATH_TO_POSTERN [case…]
"""
import datetime
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "end_to_end"))
from cases import case, expect, expect_equal, need, run  # noqa: E402

SYSTEMD = ROOT / "packaging" / "systemd"
UNITS = sorted(path for path in SYSTEMD.iterdir() if path.suffix in (".service", ".timer"))
MOST_EXPOSED = 15  # tenths, of `systemd-analyze security`
KEPT = 30


def analyze(*words):
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "SYSTEMD_COLORS": "0"})


@case
def units_are_right(stage):
    need("systemd-analyze")
    copies = []
    for unit in UNITS:  # what they start is not installed here
        text = unit.read_text().replace("/usr/sbin/postern", str(stage.binary))
        text = text.replace("/usr/libexec/postern", str(SYSTEMD))
        copies.append(stage.folder / unit.name)
        copies[-1].write_text(text)
    done = analyze("verify", "--man=no", *map(str, copies))
    ours = [line for line in (done.stdout + done.stderr).splitlines() if str(stage.folder) in line or "postern" in line]
    expect_equal((ours, done.returncode), ([], 0), "what systemd-analyze verify says")


@case
def services_are_hardened(stage):
    need("systemd-analyze")
    for unit in (unit for unit in UNITS if unit.suffix == ".service"):
        done = analyze("security", "--no-pager", "--offline=true", f"--threshold={MOST_EXPOSED}", str(unit))
        level = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
        expect(level, f"{unit.name}: {done.stdout[-500:]}{done.stderr}")
        print(f"figure: exposure of {unit.name}: {level[1]}")
        expect_equal(done.returncode, 0, f"{unit.name} is exposed by {level[1]}, more than {MOST_EXPOSED / 10}")


@case
def account_and_folders_are_made(stage):
    need("systemd-sysusers", "systemd-tmpfiles")
    for name in ("etc", "var/lib", "var/backups"):
        (stage.folder / name).mkdir(parents=True)
    sysusers = subprocess.run(["systemd-sysusers", f"--root={stage.folder}", SYSTEMD / "postern.sysusers"],
                              capture_output=True, text=True, timeout=60)
    expect_equal(sysusers.returncode, 0, f"systemd-sysusers: {sysusers.stderr}")
    account = re.search(r"^postern:x:(\d+):(\d+):Postern journal gateway:/var/lib/postern:(\S+)$",
                        (stage.folder / "etc" / "passwd").read_text(), re.M)
    expect(account and account[3].endswith("nologin"), (stage.folder / "etc" / "passwd").read_text())
    if os.geteuid() != 0:
        return  # folders of another account are root's to make
    tmpfiles = subprocess.run(["systemd-tmpfiles", f"--root={stage.folder}", "--create", SYSTEMD / "postern.tmpfiles"],
                              capture_output=True, text=True, timeout=60)
    expect_equal((tmpfiles.returncode, tmpfiles.stderr), (0, ""), "systemd-tmpfiles")
    for name in ("var/lib/postern", "var/backups/postern"):
        found = (stage.folder / name).stat()
        expect_equal((oct(found.st_mode), str(found.st_uid), str(found.st_gid)), (oct(0o40700), account[1], account[2]),
                     f"mode and owner of {name}")


@case
def an_installation_from_source_is_whole(stage):
    need("cmake", "systemd-analyze")
    build = pathlib.Path(sys.argv[1]).resolve().parent.parent

    def install():
        done = subprocess.run(["cmake", "--install", build, "--prefix", "/opt/postern"], capture_output=True, text=True,
                              env={**os.environ, "DESTDIR": str(stage.folder)}, timeout=60)
        expect_equal((done.returncode, done.stderr), (0, ""), f"cmake --install: {done.stdout}")

    install()
    there = {str(path.relative_to(stage.folder)) for path in stage.folder.rglob("*") if path.is_file()}
    below = ("sbin/postern", "libexec/postern/daily-backup", "share/man/man8/postern.8", "share/man/man5/postern.toml.5",
             "share/man/man5/postern-formats.5", "share/bash-completion/completions/postern",
             "share/zsh/site-functions/_postern", "lib/systemd/system/postern.service",
             "lib/systemd/system/postern-backup.service", "lib/systemd/system/postern-backup.timer",
             "lib/sysusers.d/postern.conf", "lib/tmpfiles.d/postern.conf", "share/postern/postern-dashboard.json",
             "share/postern/postern.rules.yml")
    expect_equal(there, {"etc/postern/postern.toml"} | {f"opt/postern/{name}" for name in below}, "files installed")
    for name in there:
        expect(os.path.getsize(stage.folder / name) > 50, f"{name} is empty")
    for unit in (stage.folder / "opt/postern/lib/systemd/system").iterdir():
        unit.write_text(unit.read_text().replace("/opt/postern", f"{stage.folder}/opt/postern"))
        done = analyze("verify", "--man=no", str(unit))
        expect_equal((done.stderr, done.returncode), ("", 0), f"what systemd-analyze says of {unit.name}")
    config = stage.folder / "etc/postern/postern.toml"
    config.write_text('domain = "journal.example"\n')
    install()
    expect_equal(config.read_text(), 'domain = "journal.example"\n', "the configuration after a second installation")


class Backups:
    """The daily backup with a postern that only writes what it is told, or fails."""

    def __init__(self, stage, status=0, mailboxes='[{"address": "mbx-…"}]', config='domain = "journal.example"\n'):
        self.folder = stage.folder / "backups"
        self.folder.mkdir(exist_ok=True)
        self.config = stage.folder / "postern.toml"
        self.config.write_text(config)
        programs = stage.folder / "bin"
        programs.mkdir(exist_ok=True)
        postern = programs / "postern"
        postern.write_text(f"""#!/bin/sh
            [ {status} = 0 ] || exit {status}
            case "$*" in
                "mailbox list --json") echo '{mailboxes}' ;;
                "backup export "*) cat >"$3" </dev/null ;;
                *) exit 64 ;;
            esac
            """)
        postern.chmod(0o755)
        self.environment = {**os.environ, "PATH": f"{programs}:/usr/bin:/bin"}

    def run(self):
        return subprocess.run([SYSTEMD / "daily-backup", self.folder, self.config], capture_output=True, text=True,
                              timeout=60, env=self.environment)

    def names(self):
        return sorted(path.name for path in self.folder.iterdir())


@case
def thirty_backups_are_kept(stage):
    backups = Backups(stage)
    start = datetime.datetime(2025, 11, 1, 0, 17)
    days = [(start + datetime.timedelta(days=day)).strftime("postern-%Y-%m-%dT%H%M%SZ.toml") for day in range(200)]
    foreign = ["notes.txt", "postern-2020-01-01.toml", "postern-before-upgrade.toml", "postern-2025-11-01T001700Z.toml.age"]
    for name in days + foreign:
        (backups.folder / name).touch()
    done = backups.run()
    expect_equal((done.returncode, done.stderr), (0, ""), "the daily backup")
    left = [name for name in backups.names() if name not in foreign]
    expect_equal(len(left), KEPT, "backups kept")
    expect_equal(left[:-1], days[-KEPT + 1:], "the newest ones")
    new = backups.folder / left[-1]
    expect(re.fullmatch(r"postern-20\d\d-\d\d-\d\dT\d{6}Z\.toml", new.name), f"the new one is {new.name}")
    expect_equal(oct(new.stat().st_mode & 0o777), oct(0o600), "its mode")
    expect_equal([name for name in foreign if not (backups.folder / name).exists()], [], "files of others that are gone")


@case
def a_backup_that_fails_removes_none(stage):
    backups = Backups(stage, status=69)
    days = [f"postern-2025-{month:02}-01T000000Z.toml" for month in range(1, 13)] * 1
    for name in days + [f"postern-2024-01-{day:02}T000000Z.toml" for day in range(1, 32)]:
        (backups.folder / name).touch()
    before = backups.names()
    expect_equal(backups.run().returncode, 69, "exit code")
    expect_equal(backups.names(), before, "backups afterwards")


@case
def nothing_is_saved_where_there_is_nothing(stage):
    for options in ({"config": "#domain = \"x\"\n", "status": 78}, {"mailboxes": "[]"}):
        backups = Backups(stage, **options)
        done = backups.run()
        expect_equal((done.returncode, done.stderr, backups.names()), (0, "", []), f"the backup with {options}")
        expect("nothing to save" in done.stdout, f"it says {done.stdout!r}")


@case
def the_first_backup_needs_no_other(stage):
    backups = Backups(stage)
    expect_equal(backups.run().returncode, 0, "exit code")
    expect_equal(len(backups.names()), 1, "backups")
    shutil.rmtree(backups.folder)
    expect(backups.run().returncode != 0, "a folder that is missing goes unnoticed")


if __name__ == "__main__":
    run()
