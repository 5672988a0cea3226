#!/usr/bin/env python3
"""Fetches the public age test vectors (npm package cctv-age) and runs age_vectors over them.

Usage: age_vectors.py AGE_VECTORS FOLDER. Keeps what it fetched in FOLDER. Skips (77), saying why, where npm or the
network is missing. The version and its digest are pinned: other vectors would be another test.
"""
import base64
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import zlib

PACKAGE = "cctv-age"
VERSION = "0.2.0"
SHA256 = "94a2a220a95b158a69997e84405bb5d4ef84adf05d15bf341b83ec3ba9dd846e"
PATIENCE = 120  # seconds for the download
LEAST = 100  # fewer vectors than this means the package has changed its form


def skip(why):
    print(f"age_vectors: skipped: {why}")
    sys.exit(77)


def fetch(folder):
    """The package's archive, from FOLDER or from the registry."""
    archive = folder / f"{PACKAGE}-{VERSION}.tgz"
    if not archive.exists():
        if not shutil.which("npm"):
            skip("npm is not installed (Debian package npm)")
        try:
            done = subprocess.run(["npm", "pack", "--silent", f"{PACKAGE}@{VERSION}"], cwd=folder, timeout=PATIENCE,
                                  capture_output=True, text=True)
        except subprocess.TimeoutExpired:
            skip(f"npm pack did not end within {PATIENCE} s")
        if done.returncode != 0 or not archive.exists():
            skip(f"npm pack failed: {(done.stderr or done.stdout).strip()[:200]}")
    if hashlib.sha256(archive.read_bytes()).hexdigest() != SHA256:
        sys.exit(f"age_vectors: {archive.name} is not the package this test was written for; remove it and run again")
    return archive


def unpack(archive, folder):
    """The vectors lie in a JavaScript module, each as base64; written out one file each, inflated where marked."""
    with tarfile.open(archive) as package:
        module = package.extractfile("package/index.js").read().decode()
    vectors = re.findall(r'// \.\./testdata/(\w+)\nvar \w+ = __toBinary\("([A-Za-z0-9+/=]*)"\)', module)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, text in vectors:
        head, _, body = base64.b64decode(text).partition(b"\n\n")
        if b"\ncompressed: zlib" in head:
            head, body = head.replace(b"\ncompressed: zlib", b""), zlib.decompress(body)
        (folder / name).write_bytes(head + b"\n\n" + body)
    if len(vectors) < LEAST or len(vectors) != module.count("// ../testdata/"):
        sys.exit(f"age_vectors: read only {len(vectors)} vectors from {archive.name}")
    return len(vectors)


def main():
    program, folder = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    os.makedirs(folder, exist_ok=True)
    count = unpack(fetch(folder), folder / "vectors")
    print(f"age_vectors: {count} vectors of {PACKAGE} {VERSION}", flush=True)
    return subprocess.run([program, folder / "vectors"]).returncode


if __name__ == "__main__":
    sys.exit(main())
