"""A file system of its own for a gateway's data, small enough to fill: an image, mounted for as long as a case lasts."""
import contextlib
import os
import shutil
import subprocess

from cases import Skip, need, need_root


class SmallDisk:
    """`folder` is where it is mounted, and what a Gateway takes for its folder."""

    def __init__(self, stage, mebibytes=32, kind="ext4"):
        need_root("mounting a file system")
        need("mkfs." + kind)
        self.image = stage.folder / "disk.img"
        self.folder = stage.folder / "disk"
        self.folder.mkdir()
        with open(self.image, "wb") as image:
            image.truncate(mebibytes << 20)
        subprocess.run(["mkfs." + kind, "-q", *(["-m", "0"] if kind == "ext4" else []), str(self.image)], check=True)
        self.mount()
        stage.callback(self.unmount)

    def mount(self):
        done = subprocess.run(["mount", "-o", "loop", str(self.image), str(self.folder)], capture_output=True,
                              text=True, check=False)
        if done.returncode != 0:
            raise Skip(f"no file system can be mounted here: {done.stderr.strip()}")

    def unmount(self):
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)

    def fail(self):
        """As the kernel does on an error of the medium: from now on read-only, whoever is writing."""
        subprocess.run(["mount", "-o", "remount,abort", str(self.folder)], check=True, capture_output=True)

    @contextlib.contextmanager
    def frozen(self):
        """While it lasts whatever changes or syncs a file waits."""
        need("fsfreeze")
        subprocess.run(["fsfreeze", "--freeze", str(self.folder)], check=True)
        try:
            yield
        finally:
            subprocess.run(["fsfreeze", "--unfreeze", str(self.folder)], check=True)

    def repair(self):
        """A disk with the same content in its place, as after an admin's fsck; whoever has files open keeps the old."""
        self.unmount()
        self.image = shutil.copyfile(self.image, self.image.with_suffix(".repaired"))
        subprocess.run(["e2fsck", "-p", "-f", str(self.image)], check=False, capture_output=True)
        self.mount()

    def free(self):
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize

    def fill(self, leave=0):
        """All of it but `leave` octets, to the last block where that is 0; returns the file to be removed again."""
        filler = self.folder / "filler"
        with open(filler, "wb", buffering=0) as file:
            for piece in (1 << 18, 4096):
                with contextlib.suppress(OSError):
                    while leave == 0 or self.free() > leave + piece:
                        file.write(bytes(piece))
                        os.fsync(file.fileno())
        return filler
