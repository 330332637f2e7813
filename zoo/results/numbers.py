"""Numbers that keep inputs of one name apart in a folder: street_mask.png and street_overlay.png are of one input,
street~2_mask.png and street~2_overlay.png of another.
"""

from __future__ import annotations

import functools
import itertools
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from zoo.registry.formats import find_format, format_names
from zoo.results.encode import read_mark


def stems_for(folder: Path, stem: str, source: str) -> Iterator[str]:
    """Yields the numbered stems under which no other source has an output, without end; one of its own first.

    Args:
        folder: Where outputs go.
        stem: A safe stem.
        source: Whose outputs they are, as their mark says.
    """
    seen = _seen(os.path.abspath(folder), stem)
    if seen.first > 1 and sources_of(folder, stem) != seen.begun:
        seen.forget()
    yield from (_numbered(stem, number) for number in seen.numbers.get(source, ()))
    for number in itertools.count(seen.first):
        numbered = _numbered(stem, number)
        sources = sources_of(folder, numbered)
        if not sources or source in sources:
            yield numbered
        elif number == seen.first:
            seen.pass_over(sources)


def sources_of(folder: Path, numbered: str) -> frozenset[str]:
    """Returns whose outputs stand in a folder under a numbered stem."""
    endings = {form.ending for name in format_names() if (form := find_format(name)) is not None}
    marks = [read_mark(path) for ending in endings if _is_file(path := folder / f"{numbered}{ending}")]
    return frozenset(mark.source for mark in marks if mark is not None)


class _Seen:
    """What this process has seen of one stem: without it the n-th picture of a name would look at n others' files.

    Attributes:
        first: The first number that may be free; those below are taken.
        numbers: The numbers of each source below; more than one where a file of the user's was in the way.
        begun: Whose the first one is. Where that is no longer so, the folder was emptied meanwhile.
    """

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        self.first = 1
        self.numbers: dict[str, tuple[int, ...]] = {}
        self.begun: frozenset[str] = frozenset()

    def pass_over(self, sources: frozenset[str]) -> None:
        if self.first == 1:
            self.begun = sources
        for source in sources:
            self.numbers[source] = (*self.numbers.get(source, ()), self.first)
        self.first += 1


@functools.lru_cache(maxsize=1000)
def _seen(folder: str, stem: str) -> _Seen:
    return _Seen()


def _numbered(stem: str, number: int) -> str:
    return stem if number == 1 else f"{stem}~{number}"


def _is_file(path: Path) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False
