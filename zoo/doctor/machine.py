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
from zoo.registry.catalogue import source_tree

# Control groups of version 2 and version 1; without a limit version 1 gives a number larger than any memory.
_LIMITS = ("memory.max", "memory/memory.limit_in_bytes")


def system() -> Iterator[Finding]:
    """Looks at zoo, Python, the platform, cores and memory."""
    tree = source_tree()
    yield Finding("system", "zoo", zoo.__version__ + (f", run from the source tree {tree}" if tree else ""))
    python = f"{platform.python_version()} {platform.python_implementation()}, {_environment()}"
    yield Finding("system", "Python", f"{python}, {sys.executable or 'executable unknown'}")
    yield Finding("system", "platform", f"{platform.system()} {platform.release()} {platform.machine()}{_libc()}")
    yield Finding("system", "cores", f"{available_cores()} of {os.cpu_count() or 'an unknown number'} for this process")
    yield Finding("system", "memory", _memory(Path("/proc/meminfo"), Path("/sys/fs/cgroup")))


def _environment() -> str:
    if sys.prefix != sys.base_prefix:
        return "virtual environment"
    return "conda environment" if (Path(sys.prefix) / "conda-meta").is_dir() else "no virtual environment"


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
    note = "" if limit == total else f" (control group; the machine has {total / 1e9:.1f} GB)"
    return f"{limit / 1e9:.1f} GB{note}, {available / 1e9:.1f} GB free on the machine"


def _limits(cgroup: Path) -> Iterator[int]:
    for name in _LIMITS:
        try:
            yield int((cgroup / name).read_text(encoding="ascii"))
        except (OSError, ValueError):
            continue
