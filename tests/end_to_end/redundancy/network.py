"""Hosts of a test's own: network namespaces on one switch, each with its address and its name server.

Nothing of the machine's own network is touched. Namespaces have no names: descriptors of this process hold
them, so all of it is gone when the process is, however it ends.
"""
import contextlib
import ctypes
import os
import subprocess

from cases import Skip, expect, need, need_root
from gateway import die_with_parent

NET = "10.77.0."  # seen by these hosts alone
NAME_SERVER = NET + "53"
_NEW_NETWORK, _NEW_MOUNTS = 0x40000000, 0x00020000
_SYSTEM_ROOTS = b"/etc/ssl/certs/ca-certificates.crt"
_BIND, _RECURSIVE, _SLAVE = 0x1000, 0x4000, 0x80000
_libc = ctypes.CDLL(None, use_errno=True)
_FUNCTIONS = {name: getattr(_libc, name) for name in ("unshare", "setns", "mount")}  # looked up before any fork


def _call(function, *arguments):
    if _FUNCTIONS[function](*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{function}: {os.strerror(number)}")


def _mounts_are_shared():
    with open("/proc/self/mountinfo", encoding="utf-8") as mounts:
        return " shared:" in mounts.read()


class Namespace:
    """A network namespace; `inside` is for sockets of this process, `enter` for its children."""

    def __init__(self, stage):
        home = self._present()
        try:
            _call("unshare", _NEW_NETWORK)
            self.handle = self._present()
            _call("setns", home, _NEW_NETWORK)
        except OSError as error:
            raise Skip(f"no network namespace can be made here: {error}") from None
        finally:
            os.close(home)
        self.path = f"/proc/{os.getpid()}/fd/{self.handle}"
        stage.callback(os.close, self.handle)
        self.ip("link", "set", "lo", "up")

    @staticmethod
    def _present():
        return os.open("/proc/thread-self/ns/net", os.O_RDONLY)

    @contextlib.contextmanager
    def inside(self):
        """What this thread opens meanwhile belongs to this host, and goes on belonging to it."""
        home = self._present()
        try:
            _call("setns", self.handle, _NEW_NETWORK)
            yield
        finally:
            _call("setns", home, _NEW_NETWORK)
            os.close(home)

    def enter(self):
        """In a child before exec."""
        die_with_parent()
        _call("setns", self.handle, _NEW_NETWORK)

    def ip(self, *words):
        done = subprocess.run(["ip", *words], preexec_fn=lambda: Namespace.enter(self),
                              capture_output=True, text=True, timeout=60)
        expect(done.returncode == 0, f"`ip {' '.join(words)}`: {done.stderr.strip()}")


class Network:
    """The switch, and the file that tells every host its name server."""

    def __init__(self, stage):
        need_root("network namespaces")
        need("ip")
        self.stage, self.ports = stage, 0
        self.roots = None  # a file: the authorities that every host trusts, in the place of its own
        self.switch = Namespace(stage)
        self.switch.ip("link", "add", "switch", "type", "bridge")
        self.switch.ip("link", "set", "switch", "up")
        self.resolv_conf = stage.folder / "resolv.conf"
        self.resolv_conf.write_text(f"nameserver {NAME_SERVER}\noptions timeout:1 attempts:10\n")


class Host(Namespace):
    """A machine on the switch: `address` is NET and a number."""

    def __init__(self, network, name, number):
        super().__init__(network.stage)
        self.network, self.name, self.address = network, name, f"{NET}{number}"
        self.port = f"port{network.ports}"
        network.ports += 1
        network.switch.ip("link", "add", self.port, "master", "switch", "type", "veth",
                          "peer", "name", "eth0", "netns", self.path)
        self.ip("address", "add", f"{self.address}/24", "dev", "eth0")
        self.ip("link", "set", "eth0", "up")
        self.mend()

    def enter(self):
        """In a child before exec: on this host, asking its name server."""
        super().enter()
        _call("unshare", _NEW_MOUNTS)
        try:
            _call("mount", None, b"/", None, _RECURSIVE | _SLAVE, None)
        except OSError:  # the root is no mount point, as in a chroot
            if _mounts_are_shared():
                raise
        _call("mount", os.fsencode(self.network.resolv_conf), b"/etc/resolv.conf", None, _BIND, None)
        if self.network.roots:
            _call("mount", os.fsencode(self.network.roots), _SYSTEM_ROOTS, None, _BIND, None)

    def cut(self):
        """The cable is pulled, at the switch: nobody is told."""
        self.network.switch.ip("link", "set", self.port, "down")

    def mend(self):
        self.network.switch.ip("link", "set", self.port, "up")
