"""What an actor does with a part of the pictures: read, segment, write, and tell."""

from __future__ import annotations

import io
import itertools
import os
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from zoo.base.flow import ahead
from zoo.contract.format import Mark
from zoo.distributed.destinations import Destination, form_of, write_forms
from zoo.distributed.listing import Listed, numbered
from zoo.distributed.remote_files import address_error, remote
from zoo.distributed.worker_model import WorkerModel
from zoo.errors import ClusterError, OutputError, SourceError
from zoo.message import printable
from zoo.picture.image import most_pixels
from zoo.picture.sources import Input, SourceOptions, inputs
from zoo.picture.sources.content import content_frames
from zoo.predict.arguments import RunArguments, RunOptions
from zoo.predict.pipeline.saving import with_places
from zoo.predict.plan import make_plan
from zoo.results import Failure, Predictions, Result
from zoo.results.files.naming import safe_stem
from zoo.results.formats.parquet import SCHEMA, failed_row, row_of, table_bytes

#: The form of the table of a part, which holds all its pictures in one file.
TABLE = "parquet"


@dataclass(frozen=True, slots=True)
class PicturePart:
    """Some of the inputs.

    Attributes:
        number: Its number among the parts.
        inputs: The inputs.
        lost: Those of them that end a process, by their `text`: they are not tried again.
    """

    number: int
    inputs: tuple[Listed, ...]
    lost: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PictureAnswer:
    """What became of a part.

    Attributes:
        done: Of every picture, in their order: the document and the files of one that was segmented, or the failure.
        passed: Inputs whose results were there.
        warnings: What was logged, each once.
    """

    done: tuple[tuple[dict[str, Any], tuple[str, ...]] | Failure, ...]
    passed: int
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class PictureWork:
    """Segments parts of a list.

    Attributes:
        model: What is opened in every actor.
        options: The options of `Model.predict`.
        place: Where results go; None for nowhere.
        kinds: The forms that are written, each with its options.
        resume: Pass over inputs whose results are there.
        probe: A file of the machine that started the run, which a machine that shares its folders sees; empty where
            none is needed.
    """

    model: WorkerModel
    options: RunArguments
    place: Destination | None
    kinds: Mapping[str, Mapping[str, Any]]
    resume: bool = False
    probe: str = ""

    def open(self) -> None:
        """Opens the model, once in every actor.

        Raises:
            ZooError: As `zoo.load`; or this machine does not see the folder for the results.
        """
        if self.probe and not os.path.exists(self.probe):
            raise ClusterError(
                "{folder} on {node} is another folder than on the machine that started the run.",
                "Give a folder that all machines share, or an address such as s3://bucket/results",
                folder=os.path.dirname(self.probe),
                node=socket.gethostname(),
            )
        self.model.open()

    def answer(self, part: PicturePart) -> PictureAnswer:
        """Segments the pictures of a part and writes their results.

        Raises:
            OutputError: Results cannot be written.
        """
        with self.model.warnings() as warnings:
            passed: list[Input] = []
            done = tuple(self._done(part, passed))
            return PictureAnswer(done, len(passed), tuple(warnings))

    def _done(
        self, part: PicturePart, passed: list[Input]
    ) -> Iterator[tuple[dict[str, Any], tuple[str, ...]] | Failure]:
        options = replace(RunOptions.of(**self.options), on_error="skip")
        model = self.model.opened
        plan = make_plan(model.bundle, options)
        reading = SourceOptions(
            recursive=options.recursive,
            frames=options.frames,
            pixel_limit=most_pixels(options.max_pixels),
            value_range=plan.value_range,
            told=False,
        )
        homes: dict[str, Listed] = {}
        lost = [one for one in part.inputs if one.text in part.lost]
        table = _Table(self.place, part, self.kinds, self.resume)
        kinds = {kind: given for kind, given in self.kinds.items() if kind != TABLE}

        def wanted() -> Iterator[Input]:
            for one in part.inputs:
                if one.text in part.lost:
                    continue
                for item in inputs_of(one, reading):
                    homes[item.uri] = one
                    if self.resume and table.there and self._is_done(item, one, kinds):
                        passed.append(item)
                    else:
                        yield item

        def write(item: Result | Failure) -> tuple[dict[str, Any], tuple[str, ...]] | Failure:
            if isinstance(item, Failure):
                table.add(item)
                return item
            one = homes[item.uri]
            saved: list[str] = []
            if self.place is not None:
                stem = numbered(safe_stem(item.name), one.number)
                saved = write_forms(self.place, one.folder, stem, item, kinds)
            table.add(item)
            return item.to_dict(mask=False), tuple(saved)

        found = with_places(Predictions(model.run(wanted(), plan, options)), self.kinds, "skip").outcomes()
        yield from ahead(itertools.chain(found, map(_ended, lost)), write)
        table.write()

    def _is_done(self, item: Input, one: Listed, kinds: Mapping[str, Any]) -> bool:
        place = self.place
        if place is None or not (kinds or TABLE in self.kinds):
            return False
        stem = numbered(safe_stem(item.name), one.number)
        names = [f"{stem}{form_of(kind).ending}" for kind in kinds]
        if any(place.source(one.folder, name) != item.uri for name in names):
            return False
        changed = _changed(one.text)
        return all((place.written(one.folder, name) or changed) >= changed for name in names)


def inputs_of(one: Listed, options: SourceOptions) -> Iterator[Input]:
    """Yields the pictures of an input: one, or the pages or frames of a file."""
    place = remote(one.text)
    if place is None:
        for item in inputs(one.text, options):
            yield item if not one.here or os.path.lexists(one.text) else _unseen(item)
        return
    uri = f"{place.root}{place.path}"

    def opened() -> io.BytesIO:
        try:
            with place.files().open_input_stream(place.path) as file:
                return io.BytesIO(file.read())
        except OSError as error:
            raise address_error(SourceError, uri, error) from error

    for frame in content_frames(opened, options, printable(uri)):
        part = (f"_{frame.number:04d}", f"#{frame.unit}={frame.number}") if frame.number else ("", "")
        yield Input(one.name + part[0], uri + part[1], frame.read)


def _unseen(item: Input) -> Input:
    """Returns an input that the machine that started the run sees and this one does not."""

    def load() -> Any:
        raise SourceError(
            "{path} is not on {node}, and it is on the machine that started the run.",
            "Give paths of a folder that all machines share, or addresses such as s3://bucket/photos",
            path=item.uri,
            node=socket.gethostname(),
        )

    return Input(item.name, item.uri, load)


def _changed(text: str) -> int:
    """Returns when an input was changed, in nanoseconds; 0 where nobody knows."""
    place = remote(text)
    try:
        return os.stat(text).st_mtime_ns if place is None else place.files().get_file_info(place.path).mtime_ns or 0
    except OSError:
        return 0


def ended(inputs: Sequence[Listed]) -> PictureAnswer:
    """Returns what became of inputs that end every process that segments them."""
    return PictureAnswer(tuple(map(_ended, inputs)), 0, ())


def _ended(one: Listed) -> Failure:
    return Failure(
        one.name,
        one.text,
        ClusterError(
            "{path} ended the process that segmented it, each time it was tried.",
            "Segment it alone, on a machine with more memory: zoo predict {path}",
            path=one.text,
        ),
    )


class _Table:
    """The table of a part: a row a picture, written when all are there.

    Attributes:
        there: Whether the whole table is there already, or none is asked for.
    """

    def __init__(self, place: Destination | None, part: PicturePart, kinds: Mapping[str, Any], resume: bool) -> None:
        self._place = place if TABLE in kinds else None
        self._rows: list[dict[str, Any]] = []
        self._failed = 0
        self._name = table_name(part.number)
        self._owner = Mark.of(SCHEMA, [one.text for one in part.inputs]).source
        self.there = self._place is None or (resume and self._place.source("", self._name) == self._owner)

    def add(self, item: Result | Failure) -> None:
        """Takes a picture."""
        if self._place is not None:
            self._failed += isinstance(item, Failure)
            self._rows.append(failed_row(item) if isinstance(item, Failure) else row_of(item))

    def write(self) -> None:
        """Writes the table, unless it is there.

        Raises:
            OutputError: It cannot be written, or something else stands there.
        """
        if self._place is None or self.there:
            return
        there = self._place.source("", self._name)
        if there is not None and not there.startswith(self._owner):
            raise OutputError(
                "{name} is there, and is not the table of these pictures.",
                "Give another folder, or move the tables of the earlier run away.",
                name=self._name,
            )
        # One with failures is made again by a run that goes on.
        owner = f"{self._owner}, {self._failed} failed" if self._failed else self._owner
        self._place.write("", self._name, table_bytes(self._rows, owner))


def table_name(number: int) -> str:
    """Returns the name of the table of a part."""
    return f"part-{number:05d}.parquet"
