"""How much memory this process has had, and what it and those it has started have now."""

from __future__ import annotations

import contextlib
import os
import resource
import sys
from pathlib import Path


def peak_memory() -> int:
    """Returns the most memory that this process had at one time, in bytes."""
    # What `getrusage` tells begins with the memory of the process that started this one (Linux).
    with contextlib.suppress(OSError):
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))
    # Kilobytes, but bytes on macOS.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def family_memory(proc: Path) -> int | None:
    """Returns the memory that this process and all that came of it have now, in bytes; None where it is not told.

    What several of them share, such as libraries, counts once.

    Args:
        proc: Where the system tells of processes, `PROC`.
    """
    parents: dict[int, int] = {}
    for folder in proc.glob("[0-9]*"):
        # Others end while one looks.
        with contextlib.suppress(OSError, ValueError, IndexError):
            told = (folder / "stat").read_text(encoding="ascii", errors="replace")
            parents[int(folder.name)] = int(told.rpartition(")")[2].split()[1])
    members, known = [os.getpid()], 0
    while known < len(members):
        members += [process for process, parent in parents.items() if parent == members[known]]
        known += 1
    shares = [_share(proc / str(process)) for process in members]
    return sum(share for share in shares if share is not None) if shares[0] is not None else None


def _share(process: Path) -> int | None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        lines = (process / "smaps_rollup").read_text(encoding="ascii", errors="replace").splitlines()
        return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), None)
    return None
