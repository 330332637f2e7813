"""Pictures on many machines: what `zoo predict` does on one."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from zoo.base.files import user_path, write_atomic
from zoo.distributed.cluster import AUTO, Cluster, connected
from zoo.distributed.destinations import Destination, FolderDestination, destination_of
from zoo.distributed.listing import in_places, listed
from zoo.distributed.picture_work import TABLE, PictureAnswer, PicturePart, PictureWork, ended
from zoo.distributed.ray_parts import Actors, run_parts, size_of_parts
from zoo.distributed.saved_result import SavedResult
from zoo.distributed.worker_model import WorkerModel, refuse_server
from zoo.errors import SourceError
from zoo.message import printable
from zoo.picture.sources import SourceOptions
from zoo.picture.sources.tree import roots_of
from zoo.predict.pipeline import PipelineConfig
from zoo.results import Failure
from zoo.store.find import absolute_name

if TYPE_CHECKING:
    from zoo.picture.sources import Source
    from zoo.predict.arguments import RunArguments

_LOG = logging.getLogger("zoo")


class ClusterPredictions(Iterator[SavedResult]):
    """The results of a run on a cluster, in the order in which its parts are done; the run passes once.

    Attributes:
        total: How many inputs there are.
        cluster: Where it runs.
    """

    def __init__(
        self,
        items: Generator[SavedResult | Failure | int, None, None],
        total: int,
        cluster: Callable[[], Cluster | None],
    ) -> None:
        self._items = items
        self._failures: list[Failure] = []
        self._passed = 0
        self._cluster = cluster
        self.total = total

    def __next__(self) -> SavedResult:
        for item in self._items:
            if isinstance(item, SavedResult):
                return item
            if isinstance(item, Failure):
                self._failures.append(item)
            else:
                self._passed += item
        raise StopIteration

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The inputs that gave no result so far."""
        return tuple(self._failures)

    @property
    def passed(self) -> int:
        """The inputs so far whose results were there, with `resume=True`."""
        return self._passed

    @property
    def cluster(self) -> Cluster | None:
        """Where it runs; None before the first result is asked for."""
        return self._cluster()

    def close(self) -> None:
        """Ends the run: what is not done stays undone, and a run with `resume=True` goes on with it."""
        self._items.close()


def predict(
    source: Source,
    model: str | os.PathLike[str] = "starter",
    *,
    cluster: str = AUTO,
    save_path: str | os.PathLike[str] | None = None,
    save_kinds: tuple[str, ...] = ("overlay", "mask", "json"),
    resume: bool = False,
    workers: int | None = None,
    part_size: int | None = None,
    offline: bool | None = None,
    lock: str | os.PathLike[str] | None = None,
    **options: Any,
) -> ClusterPredictions:
    """Segments pictures on the machines of a Ray cluster. Every input ends as a result or a failure, whatever ends.

    Args:
        source: Paths, folders, patterns and addresses, which all machines can open: a shared folder, or an object store
            such as "s3://bucket/photos". Pixels cannot be given.
        model: Name of a model, an export folder or a run, which every machine opens by itself.
        cluster: "auto" for the cluster that this machine belongs to, or one of this machine alone; or HOST:PORT.
        save_path: Where results go: a folder that all machines share, or an address of an object store. The files are
            those of one machine, named the same.
        save_kinds: Their forms; "parquet" is one table a part, `part-00000.parquet`.
        resume: Pass over inputs whose results are there.
        workers: Actors at most; by default as many as the cluster has room for.
        part_size: Inputs of a part, the unit that is done again where a machine ends; by default up to 256.
        offline: As in `zoo.load`.
        lock: As in `zoo.load`.
        options: Options of `PipelineConfig`. `threads` are those of an actor, by default 1. With `on_error="raise"` the
            first failure ends the run; by default failures are kept.

    Returns:
        An iterator of results without pixels.

    Raises:
        ClusterError: There is no cluster, or it cannot do this.
        ConfigError: An option is not understood.
        OutputError: The place for the results cannot be used.
        SourceError: There is no input; or while iterating, with `on_error="raise"`.
    """
    config = PipelineConfig(str(model)).override(**{"on_error": "skip", **options})
    path = None if save_path is None else os.fspath(save_path)
    return run_on_cluster(
        config,
        source,
        cluster=cluster,
        save_path=path,
        kinds={kind: config.save_arguments(kind) for kind in save_kinds} if path is not None else {},
        resume=resume,
        workers=workers,
        part_size=part_size,
        offline=offline,
        lock=None if lock is None else Path(os.path.abspath(lock)),
    )


def run_on_cluster(
    config: PipelineConfig,
    source: object,
    *,
    cluster: str,
    save_path: str | None,
    kinds: Mapping[str, Mapping[str, Any]],
    resume: bool = False,
    workers: int | None = None,
    part_size: int | None = None,
    offline: bool | None = None,
    lock: Path | None = None,
) -> ClusterPredictions:
    """Runs a configuration, as `predict` says.

    Args:
        config: The model and its options; its own `save_path` is not looked at.
        source: As there, like the other arguments.
        cluster: See there.
        save_path: See there.
        kinds: The forms that are written, each with its options.
        resume: See there.
        workers: See there.
        part_size: See there.
        offline: See there.
        lock: See there.
    """
    refuse_server(config)
    reading = SourceOptions(recursive=config.recursive, frames=config.frames)
    found = list(listed(source, reading))
    if not found:
        raise SourceError("There is no input.", "Give a path, a folder, a pattern or an address.")
    place = None if save_path is None else destination_of(user_path(save_path))
    if place is not None:
        found = in_places(found, place, tuple(kinds), tuple(roots_of(source)) if config.keep_tree else ())
    size = part_size or size_of_parts(len(found))
    parts = [
        PicturePart(number, tuple(found[start : start + size]))
        for number, start in enumerate(range(0, len(found), size))
    ]
    model = WorkerModel(config.override(model=absolute_name(config.model)), offline=offline, lock=lock)
    work = PictureWork(model, cast("RunArguments", config.predict_arguments()), place, kinds, resume)
    joined: list[Cluster] = []
    items = _items(work, parts, config, cluster, workers, joined)
    return ClusterPredictions(items, len(found), lambda: joined[0] if joined else None)


def _items(
    work: PictureWork,
    parts: list[PicturePart],
    config: PipelineConfig,
    address: str,
    count: int | None,
    joined: list[Cluster],
) -> Generator[SavedResult | Failure | int, None, None]:
    with connected(address) as cluster, _probe(work.place) as probe:
        joined.append(cluster)
        model, workers = work.model.placed(cluster, count)
        work = replace(work, model=model, probe=probe)
        told: set[str] = set()
        for number, answer in _complete(work, parts, workers):
            for warning in answer.warnings:
                if warning not in told:
                    told.add(warning)
                    _LOG.warning("%s", printable(warning))
            if answer.passed:
                yield answer.passed
            for one in answer.done:
                if not isinstance(one, Failure):
                    yield SavedResult(one[0], one[1], number)
                elif config.on_error == "raise":
                    raise one.error
                else:
                    yield one


def _complete(work: PictureWork, parts: list[PicturePart], workers: Actors) -> Iterator[tuple[int, PictureAnswer]]:
    """Yields the answer of every part. Inputs that end their process are found one by one, and fail alone."""
    lost = dict(enumerate(parts))
    for number, answer in run_parts(work, parts, workers):
        del lost[number]
        yield number, answer
    if not lost:
        return
    # Without a table their results are whole; with one the part is made again, without those that end its process.
    alone = replace(work, kinds={kind: options for kind, options in work.kinds.items() if kind != TABLE})
    singles = [PicturePart(part.number, (one,)) for part in lost.values() for one in part.inputs]
    ending: dict[int, set[str]] = {number: set() for number in lost}
    unanswered = dict(enumerate(singles))
    answers: list[tuple[int, PictureAnswer]] = []
    for place, answer in run_parts(alone, singles, workers):
        answers.append((unanswered.pop(place).number, answer))
    for single in unanswered.values():
        ending[single.number].add(single.inputs[0].text)
    again = [replace(part, lost=frozenset(ending[number])) for number, part in lost.items()]
    if TABLE in work.kinds:
        yield from ((again[place].number, answer) for place, answer in run_parts(work, again, workers))
        return
    yield from answers
    for part in again:
        rest = tuple(one for one in part.inputs if one.text in part.lost)
        if rest:
            yield part.number, ended(rest)


@contextlib.contextmanager
def _probe(place: Destination | None) -> Generator[str, None, None]:
    """Leaves a file where results go, by which a machine sees that it is the same folder."""
    if not isinstance(place, FolderDestination):
        yield ""
        return
    path = Path(place.path) / f".zoo-run-{secrets.token_hex(8)}"
    write_atomic(path, b"")
    try:
        yield str(path)
    finally:
        path.unlink(missing_ok=True)
