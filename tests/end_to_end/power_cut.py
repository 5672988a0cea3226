"""What a power cut may leave of a gateway's data: made from the journal of tests/power/recorder.cpp, at any moment of
a run that is over.

What was synced is there. What was not is there, is not there, or is there in part, as the cut's kind and seed say:
data and names independently, so that no order is taken for granted which the program did not ask for. A name that is
moved has one of its places, or both.
"""
import random

KINDS = ("nothing unsynced", "names without data", "data without names", "all in order up to a moment", "any of it")


class Journal:
    """The events as tuples; what happened when is told by their place in the list."""

    def __init__(self, path):
        self.events, self.marks = [], []
        self.whole = 0  # octets of the file up to the end of the last whole event
        with open(path, "rb") as file:
            while (line := file.readline()).endswith(b"\n"):
                kind, *words = line[:-1].decode().split("\t")
                if kind == "write":
                    inode, offset, count = map(int, words)
                    words = inode, offset, file.read(count)
                    if len(words[2]) < count:
                        break  # the program was killed within it
                elif kind == "mark":
                    self.marks.append((len(self.events), words))
                    words = ()
                self.events.append((kind, *(int(word) if str(word).isdigit() else word for word in words)))
                self.whole = file.tell()


class Node:
    """A file or a folder, with everything that was ever done to it: (when, …)."""

    def __init__(self, is_folder):
        self.is_folder = is_folder
        self.changes = []  # of a file: (when, offset, octets) or (when, length, None); of a folder: see names()
        self.syncs = []    # (ended, began)

    def synced_before(self, moment, everything):
        """What began before this is on the disk."""
        began = [begin for end, begin in self.syncs + everything if end < moment]
        return max(began, default=-1)


class Disk:
    """All that a journal tells, below the folder whose inode is `root`."""

    def __init__(self, events, root):
        self.nodes = {root: Node(True)}  # by inode, the present owner of that number
        self.root = self.nodes[root]
        self.everything = []             # syncs of the whole file system
        self.events = events
        begun = {}
        for when, (kind, *event) in enumerate(events):
            if kind == "sync":
                begun[event[0], event[1]] = (when, event[2])
            elif kind == "synced":
                began, inode = begun[event[0], event[1]]
                if inode == 0:
                    self.everything.append((when, began))
                elif inode in self.nodes:
                    self.nodes[inode].syncs.append((when, began))
            elif kind != "mark":
                getattr(self, "_" + kind)(when, *event)

    def _unnamed(self, _when, inode):
        self.nodes[inode] = Node(False)

    def _create(self, when, inode, folder, name):
        if folder in self.nodes:
            self.nodes[inode] = Node(False)
            self._add(when, folder, name, inode)

    def _mkdir(self, when, inode, folder, name):
        if folder in self.nodes:
            self.nodes[inode] = Node(True)
            self._add(when, folder, name, inode)

    def _link(self, when, inode, folder, name):
        if folder in self.nodes:
            self._add(when, folder, name, inode)

    def _unlink(self, when, folder, name):
        if folder in self.nodes:
            self.nodes[folder].changes.append((when, str(name), None, None))

    def _rename(self, when, inode, old_folder, old, folder, name):
        if folder not in self.nodes:
            return
        source, target = self.nodes[old_folder], self.nodes[folder]
        target.changes.append((when, str(name), self.nodes[inode], source))
        source.changes.append((when, str(old), None, target))

    def _add(self, when, folder, name, inode):
        self.nodes[folder].changes.append((when, str(name), self.nodes[inode], None))

    def _write(self, when, inode, offset, octets):
        if inode in self.nodes:
            self.nodes[inode].changes.append((when, offset, octets))

    def _truncate(self, when, inode, length):
        if inode in self.nodes:
            self.nodes[inode].changes.append((when, length, None))

    def after(self, moment, kind, seed):
        """{path: octets} of all files that a cut before event `moment` leaves."""
        return dict(Cut(self, moment, kind, seed).files(self.root, ""))

    def versions(self):
        """{path: [(when, octets)]} of all files that ever took that name whole, with what became of them."""
        cut, found = Cut(self, len(self.events), "all", 0), {}

        def walk(folder, path):
            for when, name, node, _ in folder.changes:
                if node and not node.is_folder:
                    found.setdefault(path + name, []).append((when, cut.data(node)))
            for name, node in cut.names(folder).items():
                if node.is_folder:
                    walk(node, f"{path}{name}/")

        walk(self.root, "")
        return found

    def undisturbed(self):
        """The same without any cut: must be what is there."""
        return self.after(len(self.events), "all", 0)


class Cut:
    def __init__(self, disk, moment, kind, seed):
        self.disk, self.moment, self.kind, self.seed = disk, moment, kind, seed
        rng = random.Random(f"{seed}/{moment}")
        self.share = rng.random()
        self.last = rng.randint(0, moment)
        self.everything = [sync for sync in disk.everything if sync[0] < moment]

    def _stays(self, when, is_name, salt=""):
        """Whether a change that is not synced reached the disk all the same."""
        if self.kind == "all in order up to a moment":
            return when <= self.last
        if self.kind == "any of it":
            return random.Random(f"{self.seed}/{when}/{salt}").random() < self.share
        return self.kind == "all" or self.kind == ("names without data" if is_name else "data without names")

    def files(self, folder, path):
        for name, node in self.names(folder).items():
            if node.is_folder:
                yield from self.files(node, f"{path}{name}/")
            else:
                yield f"{path}{name}", self.data(node)

    def names(self, folder):
        names = {}
        synced = folder.synced_before(self.moment, self.everything)
        for when, name, node, other in folder.changes:
            if when >= self.moment:
                break
            if when < synced or self._moves(when, node, folder, other) or (
                    other is None and self._stays(when, True)):
                if node is None:
                    names.pop(name, None)
                else:
                    names[name] = node
        return names

    def _moves(self, when, node, folder, other):
        """Of a name that moves between two folders: it comes where it goes from its old place for sure."""
        if other is None:
            return False
        if other is folder:
            return self._stays(when, True)
        comes, goes = (folder, other) if node else (other, folder)
        gone = when < goes.synced_before(self.moment, self.everything) or self._stays(when, True, "gone")
        came = when < comes.synced_before(self.moment, self.everything) or gone or self._stays(when, True, "came")
        return came if node else gone and came

    def data(self, node):
        synced = node.synced_before(self.moment, self.everything)
        data = bytearray()
        for when, offset, octets in node.changes:
            if when >= self.moment:
                break
            if when >= synced and not self._stays(when, False):
                continue
            if octets is None:
                del data[offset:]
                data.extend(bytes(offset - len(data)))
                continue
            if when >= synced and self.kind == "any of it":  # torn
                octets = octets[:random.Random(f"{self.seed}/{when}/torn").randint(0, len(octets))]
            data.extend(bytes(max(0, offset + len(octets) - len(data))))
            data[offset:offset + len(octets)] = octets
        return bytes(data)
