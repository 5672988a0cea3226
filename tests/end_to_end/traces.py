"""Looks for secrets wherever a thief or a curious eye could look: files, names, log, the server's /proc."""
import base64
import pathlib

from cases import expect


def spellings(secret):
    """A secret as it is, and as base64 and hex would show it at any of their phases."""
    yield secret
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    for phase in range(3):  # the middle, which does not depend on what surrounds it
        text = base64.b64encode(b"\0" * phase + secret)
        yield text[4:4 * ((len(secret) + phase) // 3)]


def places(gateway):
    """(name, octets) of all that a thief or a curious eye could copy."""
    for path in sorted(gateway.folder.rglob("*")):
        if not path.is_socket():
            octets = path.read_bytes() if path.is_file() else b""
            yield str(path), str(path.relative_to(gateway.folder)).encode() + b"\n" + octets
    proc = pathlib.Path(f"/proc/{gateway.process.pid}")
    for name in ("cmdline", "environ"):
        yield f"/proc {name}", (proc / name).read_bytes()
    for number in gateway.open_files():  # also files that have no name any more
        if (proc / "fd" / number).is_file():
            yield f"open file {number}", (proc / "fd" / number).read_bytes()


def nothing_shows(gateway, secrets, when):
    looked = 0
    for name, octets in places(gateway):
        looked += len(octets)
        for what, secret in secrets.items():
            for spelling in spellings(secret):
                expect(spelling not in octets, f"{when}: {name} shows the {what}")
    expect(looked > 1000, f"{when}: only {looked} octets were searched")


# What the sanitizers of a test build do to memory that was given back would hide or keep a secret.
PLAIN_MEMORY = {"ASAN_OPTIONS": "detect_stack_use_after_return=0:max_free_fill_size=0"}


def not_in_memory(gateway, secrets, when):
    """`secrets`: {what: octets}. Of each the end is searched for: who frees memory writes over its first octets."""
    searched = 0
    for piece in memory(gateway):
        searched += len(piece)
        for what, secret in secrets.items():
            expect(secret[-16:] not in piece, f"the {what} is in memory {when}")
    expect(searched > 1 << 20, f"only {searched} octets of memory were searched")


def memory(gateway):
    """All memory that the process may write, piece by piece."""
    with open(f"/proc/{gateway.process.pid}/maps", encoding="utf-8") as maps, \
            open(f"/proc/{gateway.process.pid}/mem", "rb") as mem:
        for line in maps:
            start, end = (int(address, 16) for address in line.split()[0].split("-"))
            # What is larger is address space that a sanitizer or an allocator reserved, not memory.
            if line.split()[1].startswith("rw") and end - start < 1 << 30:
                try:
                    mem.seek(start)
                    yield mem.read(end - start)
                except OSError:
                    pass  # a guard page
