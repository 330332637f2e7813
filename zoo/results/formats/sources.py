"""What documents of other programs say about the pictures they are about."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

from zoo.contract.format import Mark
from zoo.errors import OutputError
from zoo.results.classes import class_names

if TYPE_CHECKING:
    from zoo.contract.labels import LabelSet
    from zoo.results.result import Result


class Pictures:
    """The pictures of one document.

    Attributes:
        labels: The classes that all of them have.

    Args:
        schema: The mark's name of the form of the document, "zoo.coco/2".
        results: One result or many; of an iterator each is let go before the next is taken.
    """

    def __init__(self, schema: str, results: Result | Iterable[Result]) -> None:
        self._schema = schema
        self._results = results
        self._sources: list[tuple[str, str]] = []
        self.labels: LabelSet

    def __iter__(self) -> Iterator[Result]:
        """Yields the results and takes note of them.

        Raises:
            OutputError: Two have different classes, or there is no result.
        """
        from zoo.results.result import Result

        results = (self._results,) if isinstance(self._results, Result) else self._results
        for result in results:
            if not self._sources:
                self.labels = result.labels
            elif (result.labels.names, result.labels.ignore_index) != (self.labels.names, self.labels.ignore_index):
                raise OutputError(
                    "The result of {result} has other classes than those before it. One file has one list of classes.",
                    "Write the results of each model into a file of their own.",
                    result=result.name,
                )
            self._sources.append((result.name, result.uri))
            yield result
        if not self._sources:
            raise OutputError("There is no result to be written.", "Give at least one picture.")

    def mark(self) -> Mark:
        """Returns the document's mark: of one picture its uri, of many their number and a digest of all uris."""
        return Mark.of(self._schema, [uri for _, uri in self._sources])

    def file_names(self) -> list[str]:
        """Returns the names by which other programs find the pictures; see `file_names`."""
        return file_names(self._sources)

    def is_class(self, value: int) -> bool:
        """Whether the pixels of this value have a class, be it one without a name."""
        return value < len(self.labels) or value != self.labels.ignore_index

    def classes(self, values: Iterable[int]) -> dict[int, str]:
        """Returns the names of all classes and of other values that occur, by value."""
        ids = [*range(len(self.labels)), *sorted(value for value in set(values) if value >= len(self.labels))]
        return dict(zip(ids, class_names(self.labels, ids), strict=True))


def file_names(results: Sequence[tuple[str, str]]) -> list[str]:
    """Returns names by which other programs find the pictures, each different if the uris are.

    Args:
        results: Name and uri of each.

    Returns:
        For a file its path below the folder that holds all of the files, with "/" between the parts: a bare name if
        they are in one folder. For everything else the name, or the uri if the name is taken.
    """
    paths = [uri for _, uri in results if os.path.isabs(uri)]
    folders = {os.path.dirname(path) for path in paths}
    try:
        base = os.path.commonpath(folders) if folders else ""
    except ValueError:
        # Files on several drives have no folder in common.
        base = ""
    owners: dict[str, str] = {}
    names: list[str] = []
    for name, uri in results:
        if os.path.isabs(uri):
            name = PurePath(os.path.relpath(uri, base) if base else uri).as_posix()
        names.append(name if owners.setdefault(name, uri) == uri else uri)
    return names
