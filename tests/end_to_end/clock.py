"""A clock that a test moves under a running gateway, by libfaketime."""
import os
import pathlib

from cases import Skip

FAKETIME = pathlib.Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")


def with_clock(stage):
    """What a gateway needs in its environment for a clock that the returned file sets, by faketime's syntax."""
    if not FAKETIME.exists():
        raise Skip("libfaketime is not installed")
    offset = stage.folder / "offset"
    offset.write_text("+0")
    return offset, {
        "LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(offset), "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_RESET": "1",
        "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0:" + os.environ.get("ASAN_OPTIONS", "")}
