"""What strace says of a running gateway: which of its files and names were surely on the disk when it said so.

A name is safe once a sync of its folder began after it was given, and ended; data likewise. Nothing is taken
for granted of the file system: neither that names follow data, nor that a folder's name follows what is in it.
"""
import contextlib
import os
import re
import signal
import subprocess

from cases import Skip

CALLS = ("openat,write,pwrite64,writev,sendmsg,sendto,fsync,fdatasync,syncfs,linkat,rename,renameat,renameat2,"
         "mkdir,mkdirat,unlink,unlinkat")
_LINE = re.compile(r"^(\d+) +(.*)$")
_UNFINISHED = re.compile(r"^(\w+)\((.*?) *<unfinished \.\.\.>$")
_RESUMED = re.compile(r"^<\.\.\. (\w+) resumed>(.*)$")
_WHOLE = re.compile(r"^(\w+)\((.*)\) += (-?\d+)(?:<(.*)>(?:\(deleted\))?)?$")
_DESCRIPTOR = re.compile(r"^(\d+|AT_FDCWD)<(.*?)>(?:\(deleted\))?(?:, |$)")


@contextlib.contextmanager
def traced(gateway):
    """While it lasts all threads of the gateway are traced; gives the file of the trace."""
    file = gateway.folder / "trace"
    strace = subprocess.Popen(["strace", "-f", "-yy", "-s", "400", "-e", f"trace={CALLS}", "-o", str(file),
                               "-p", str(gateway.process.pid)], stderr=subprocess.PIPE)
    said = strace.stderr.readline().decode()
    if "attached" not in said:
        strace.wait()
        strace.stderr.close()
        raise Skip(f"strace cannot look at the gateway: {said.strip()}")
    try:
        yield file
    finally:
        strace.send_signal(signal.SIGINT)
        strace.wait()
        strace.stderr.close()


def calls(file):
    """Each call that succeeded as (begin, end, name, arguments, number returned, what is open under that number),
    in order of its end; times are line numbers."""
    begun = {}
    with open(file, encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines):
            match = _LINE.match(line.rstrip("\n"))
            if not match:
                continue
            thread, text = match[1], match[2]
            begin = number
            if unfinished := _UNFINISHED.match(text):
                begun[thread] = (number, f"{unfinished[1]}({unfinished[2]}")
                continue
            if resumed := _RESUMED.match(text):
                if thread not in begun:
                    continue  # it began before we looked
                begin, start = begun.pop(thread)
                text = start + resumed[2]
            whole = _WHOLE.match(text)
            if whole and int(whole[3]) >= 0:
                yield begin, number, whole[1], whole[2], whole[3], whole[4] or ""


def _path(arguments):
    """The path of the descriptor that the arguments begin with, and the rest of them."""
    match = _DESCRIPTOR.match(arguments)
    return (match[2], arguments[match.end():]) if match else ("", arguments)


def _quoted(arguments):
    return re.match(r'"([^"]*)"(?:, )?(.*)$', arguments).groups()


def _place(arguments):
    """A folder's descriptor and a name in it as one path, and the rest of the arguments."""
    folder, rest = _path(arguments) if not arguments.startswith('"') else ("", arguments)
    name, rest = _quoted(rest)
    return os.path.normpath(os.path.join(folder, name)), rest


class Disk:
    """What is known to be on the disk below `root`. Times are those of the trace."""

    def __init__(self, root):
        self.root = str(root)
        self.unsynced_data = {}   # file as strace names it -> when it was written last
        self.unsynced_names = {}  # path -> when it was given or taken
        self.file_of = {}         # path -> file as strace names it
        self.unnamed = {}         # descriptor -> file that has no name yet

    def take(self, begin, end, name, arguments, number, opened):
        if name in ("write", "pwrite64", "writev"):
            self._change(self.unsynced_data, _path(arguments)[0], end)
        elif name in ("fsync", "fdatasync", "syncfs"):
            self._synced(_path(arguments)[0], begin, name == "syncfs")
        elif name == "openat" and "O_TMPFILE" in arguments:
            self.unnamed[number] = opened
        elif name == "openat" and "O_CREAT" in arguments:
            self._name(opened, end, opened)
        elif name in ("mkdir", "mkdirat", "unlink", "unlinkat"):
            self._name(_place(arguments)[0], end)
        elif name == "linkat" or name.startswith("rename"):
            old, rest = _place(arguments)
            unnamed = re.fullmatch(r"/proc/self/fd/(\d+)", old)
            self._name(_place(rest)[0], end, self.unnamed[unnamed[1]] if unnamed else self.file_of.get(old, old))
            if name != "linkat":
                self._name(old, end)

    def _change(self, unsynced, path, when):
        if path.startswith(self.root):
            unsynced[path] = when

    def _name(self, path, when, file=None):
        self._change(self.unsynced_names, path, when)
        self.file_of.pop(path, None)
        if file:
            self.file_of[path] = file

    def _synced(self, path, begin, everything):
        for unsynced in (self.unsynced_data, self.unsynced_names):
            for each in [each for each, when in unsynced.items() if when < begin]:
                if everything or path == (each if unsynced is self.unsynced_data else os.path.dirname(each)):
                    del unsynced[each]

    def is_gone(self, path):
        return path not in self.file_of and path not in self.unsynced_names

    def faults(self, path):
        """What a power cut might take of the file at `path`: empty where nothing."""
        found = []
        if path not in self.file_of:
            found.append(f"{path} was not made")
        elif self.file_of[path] in self.unsynced_data:
            found.append(f"the data of {path} is not synced")
        while len(path) > len(self.root):
            if path in self.unsynced_names:
                found.append(f"the name {path} is not synced in its folder")
            path = os.path.dirname(path)
        return found
