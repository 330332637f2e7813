"""How much memory the machine has, and how much of it this process may still take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PROC, CGROUP = Path("/proc"), Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory in bytes.

    Attributes:
        total: That of the machine.
        limit: The most that processes like this one may have together: the lowest limit of its control groups.
        free: What this process may still take.
    """

    total: int
    limit: int
    free: int


def read_memory(proc: Path, cgroup: Path) -> Memory | None:
    """Reads what Linux tells of memory; None where it tells nothing.

    Args:
        proc: Where the system tells of processes, `PROC`.
        cgroup: Where it tells of control groups, `CGROUP`.
    """
    try:
        lines = (line.split() for line in (proc / "meminfo").read_text(encoding="ascii").splitlines())
        sizes = {words[0].rstrip(":"): int(words[1]) * 1024 for words in lines if len(words) > 1}
        limit, free = (total := sizes["MemTotal"]), sizes["MemAvailable"]
    except (OSError, ValueError, KeyError):
        return None
    for most, used in _groups(proc, cgroup):
        limit, free = min(limit, most), min(free, max(0, most - used))
    return Memory(total, limit, free)


def _groups(proc: Path, cgroup: Path) -> Iterator[tuple[int, int]]:
    """Yields limit and use of each control group that this process is in, as far as they are told."""
    try:
        lines = (proc / "self" / "cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        _, controllers, own = line.split(":", 2)
        if controllers == "":
            yield from _upwards(cgroup, own, ("memory.max", "memory.current", "inactive_file"))
        elif "memory" in controllers.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            yield from _upwards(cgroup / "memory", own, names)


def _upwards(root: Path, own: str, names: tuple[str, str, str]) -> Iterator[tuple[int, int]]:
    # In a container the group may be named as outside of it; its files are at the root then.
    place = root / own.lstrip("/")
    for folder in (place, *place.parents):
        if not folder.is_relative_to(root):
            return
        try:
            most, used = (int((folder / name).read_text(encoding="ascii")) for name in names[:2])
            told = dict(line.split() for line in (folder / "memory.stat").read_text(encoding="ascii").splitlines())
            # Files that were read are kept as long as nobody needs the room.
            yield most, used - int(told.get(names[2], 0))
        except (OSError, ValueError):
            continue
