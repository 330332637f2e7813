"""Predictions: the results of a run, one after the other."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, NoReturn

from zoo.errors import SourceError, ZooError
from zoo.message import Message
from zoo.results.drawing.draw import OPACITY
from zoo.results.files.save import picture_options, save_all
from zoo.results.masktext import MaskForm
from zoo.results.result import Result


@dataclass(frozen=True, slots=True)
class Failure:
    """An input of a run with `on_error="skip"` that gave no result.

    Attributes:
        name: The input's name.
        uri: Where it came from.
        error: What went wrong.
    """

    name: str
    uri: str
    error: ZooError


class Predictions(Iterator[Result]):
    """An iterator over the results of a run; each is computed when it is asked for, and the run passes once.

    Args:
        items: Results, and failures of inputs that are passed over.
        roots: Returns the folders that were asked for, absolute; what is saved can keep their sub-folders.
    """

    def __init__(self, items: Iterator[Result | Failure], roots: Callable[[], Iterable[str]] = tuple) -> None:
        self._items = items
        self._roots = roots
        self._failures: list[Failure] = []
        self._count = 0
        # Whether the run has ended, by its last result, an error or `close`.
        self._over = False

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The inputs passed over so far; complete when the run is exhausted."""
        return tuple(self._failures)

    def __iter__(self) -> Predictions:
        """Goes on with the run.

        Raises:
            SourceError: It is over already.
        """
        self._check_running()
        return self

    def __next__(self) -> Result:
        self._over = True
        for item in self._items:
            if isinstance(item, Result):
                self._over = False
                self._count += 1
                return item
            self._failures.append(item)
        raise StopIteration

    def outcomes(self) -> Iterator[Result | Failure]:
        """Yields what is left of the run: results, and the failures in their places."""
        known = len(self._failures)
        for result in self:
            yield from self._failures[known:]
            known = len(self._failures)
            yield result
        yield from self._failures[known:]

    def __getitem__(self, place: object) -> Result:
        raise TypeError(
            "predictions are computed one after the other and not kept: take the only one with .one(), "
            "or keep them all with list(predictions)"
        )

    def __len__(self) -> int:
        raise TypeError(
            "how many predictions there are is known when all are computed: len(list(predictions)); "
            "take the only one with .one()"
        )

    def __bool__(self) -> bool:
        return True

    def __getattr__(self, name: str) -> NoReturn:
        of_one = not name.startswith("_") and name in (*dir(Result), *(field.name for field in fields(Result)))
        hint = f": a result has it. Take the only one, .one().{name}, or go through all with for" if of_one else ""
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{hint}", name=name, obj=self)

    def __repr__(self) -> str:
        more = "the run is over" if self._over else "take the only one with .one(), or go through all with for"
        return f"<Predictions: {self._count} handed out; {more}>"

    def one(self) -> Result:
        """Returns the only result of the run, which is carried through to its end.

        Raises:
            SourceError: There is none, or more than one, or the run was over already.
        """
        self._check_running()
        first = next(self, None)
        count = 0 if first is None else 1 + sum(1 for _ in self)
        if first is not None and count == 1:
            return first
        fact = Message("The run gave {count} results, and exactly one was expected.", count=count)
        if count or not self._failures:
            raise SourceError(fact, "Iterate over the predictions, or give a single picture.")
        failure = self._failures[0]
        raise SourceError(
            "{fact} {reason}", failure.error.hint, fact=fact, reason=failure.error.message
        ) from failure.error

    def save_to_img(
        self,
        save_path: str | os.PathLike[str],
        kind: str = "overlay",
        opacity: float = OPACITY,
        legend: bool | None = None,
        **options: Any,
    ) -> list[Path]:
        """Writes every result that is left as `Result.save_to_img` does; the path is checked before the first is
        computed.

        Returns:
            The files, in the order of the results.

        Raises:
            OutputError: One cannot be written; those before it stay.
        """
        return save_all(self, save_path, kind, picture_options(kind, opacity, legend, options))

    def save_to_json(
        self,
        save_path: str | os.PathLike[str],
        indent: int | None = 4,
        ensure_ascii: bool = False,
        mask: MaskForm | None = "rle",
    ) -> list[Path]:
        """Writes every result that is left as `Result.save_to_json` does; the path is checked before the first is
        computed.

        Returns:
            The files, in the order of the results.

        Raises:
            OutputError: One cannot be written; those before it stay.
        """
        return save_all(self, save_path, "json", {"indent": indent, "ensure_ascii": ensure_ascii, "mask": mask})

    def save(
        self,
        save_path: str | os.PathLike[str],
        format: str,  # noqa: A002
        keep_tree: bool = False,
        **options: Any,
    ) -> list[Path]:
        """Writes every result that is left as `Result.save` does; the path is checked before the first is computed.

        Args:
            save_path: A folder, which receives a file a result. Or a file: of the formats "coco", "cvat" and
                "labelstudio" it then holds all results; of the others, which hold one picture, a second result is an
                error.
            format: As in `Result.save`.
            keep_tree: In a folder, put the results of the source's sub-folders into sub-folders of the same names.
            options: As in `Result.save`.

        Returns:
            The files, in the order of the results.

        Raises:
            OutputError: One cannot be written; those before it stay. Or there is no result for the one file.
        """
        return save_all(self, save_path, format, options, tuple(self._roots()) if keep_tree else ())

    def show(self, **options: Any) -> None:
        """Shows every result that is left, as `Result.show` does.

        Args:
            options: As in `Result.show`.

        Raises:
            OutputError: As in `Result.show`.
        """
        for result in self:
            result.show(**options)

    def close(self) -> None:
        """Ends the run: what has not been computed never will be."""
        self._over = True
        close = getattr(self._items, "close", None)
        if callable(close):
            close()

    def _check_running(self) -> None:
        if self._over:
            raise SourceError(
                "The run is over: it passes once. Results that it handed out: {count}.",
                "Keep them: results = list(model.predict(...)). Or call predict again.",
                count=self._count,
            )
