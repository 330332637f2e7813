"""How far something is, as text."""

from __future__ import annotations

import sys

from zoo.cli.language import tr

_CELLS = 30


def bar(done: int, total: int) -> str:
    """Returns a bar whose filled part is what is done."""
    filled = _CELLS * min(done, total) // max(total, 1)
    full, empty = ("━", "╌") if (sys.stderr.encoding or "").lower().startswith("utf") else ("#", ".")
    return full * filled + empty * (_CELLS - filled)


def time_left(done: int, total: int, seconds: float) -> str:
    """Returns how long the rest takes at the pace so far, such as "0:07 left"; empty while nobody can tell.

    Args:
        done: Of the total.
        total: In any unit.
        seconds: What it took so far.
    """
    if not 0 < done < total:
        return ""
    return left(seconds / done * (total - done))


def left(seconds: float) -> str:
    """Returns the time that is left as "0:07 left" or "1:00:07 left"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    span = f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
    return tr("{span} left", span=span)
