"""The machine and the interpreter."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from pathlib import Path

import zoo
from zoo.base.free_memory import CGROUP, PROC, read_memory
from zoo.doctor.findings import Finding
from zoo.engine.device import available_cores
from zoo.message import Message
from zoo.registry.catalogue import source_tree


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
    yield Finding("system", "memory", _memory())


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


def _memory() -> str:
    """Returns the memory this process may have, and the part that is free."""
    memory = read_memory(PROC, CGROUP)
    if memory is None:
        return "unknown"
    limited = memory.limit < memory.total
    note = Message(" (control group; the machine has {total:.1f} GB)", total=memory.total / 1e9) if limited else ""
    return Message(
        "{limit:.1f} GB{note}, {free:.1f} GB free", limit=memory.limit / 1e9, note=note, free=memory.free / 1e9
    )
