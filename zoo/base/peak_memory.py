"""How much memory this process has had."""

from __future__ import annotations

import contextlib
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
