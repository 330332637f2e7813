"""The machine and the interpreter."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

import zoo
from zoo.doctor.findings import Finding
from zoo.engine.device import available_cores
from zoo.message import Message
from zoo.registry.catalogue import source_tree

# Control groups of version 2 and version 1; without a limit version 1 gives a number larger than any memory.
_LIMITS = ("memory.max", "memory/memory.limit_in_bytes")


def system() -> Iterator[Finding]:
    """Looks at zoo, Python, the platform, cores and memory."""
    tree = source_tree()
    version = zoo.__version__
    run = Message("{version}, run from the source tree {tree}", version=version, tree=tree) if tree else version
    yield Finding("system", "zoo", run)
    python = [
        f"{platform.python_version()} {platform.python_implementation()}",
        _environment(),
        sys.executable or Message("executable unknown"),
    ]
    yield Finding("system", "Python", Message("{python:, }", python=python))
    yield Finding("system", "platform", f"{platform.system()} {platform.release()} {platform.machine()}{_libc()}")
    yield Finding(
        "system",
        "cores",
        Message(
            "{count} of {total} for this process",
            count=available_cores(),
            total=os.cpu_count() or Message("an unknown number"),
        ),
    )
    yield Finding("system", "memory", _memory(Path("/proc/meminfo"), Path("/sys/fs/cgroup")))


def _environment() -> str:
    if sys.prefix != sys.base_prefix:
        return Message("virtual environment")
    return (
        Message("conda environment")
        if (Path(sys.prefix) / "conda-meta").is_dir()
        else Message("no virtual environment")
    )


def _libc() -> str:
    # Wheels are built for glibc; nothing is said of musl, which is what an empty answer mostly means.
    name, version = platform.libc_ver()
    return f", {name} {version}" if name else ""


def _memory(meminfo: Path, cgroup: Path) -> str:
    """Returns the memory this process may have, and the part that is free on the machine."""
    try:
        lines = (line.split() for line in meminfo.read_text(encoding="ascii").splitlines())
        sizes = {words[0].rstrip(":"): int(words[1]) * 1024 for words in lines if len(words) > 1}
        total, available = sizes["MemTotal"], sizes["MemAvailable"]
    except (OSError, ValueError, KeyError):
        return "unknown"
    limit = min([total, *_limits(cgroup)])
    note = "" if limit == total else Message(" (control group; the machine has {total:.1f} GB)", total=total / 1e9)
    return Message(
        "{limit:.1f} GB{note}, {available:.1f} GB free on the machine",
        limit=limit / 1e9,
        note=note,
        available=available / 1e9,
    )


def _limits(cgroup: Path) -> Iterator[int]:
    for name in _LIMITS:
        try:
            yield int((cgroup / name).read_text(encoding="ascii"))
        except (OSError, ValueError):
            continue
