"""Parts of a list, taken by Ray Data to actors that hold one model each; every part comes back, or is named.

A part is some paths; what comes back is some figures. An actor that ends is begun anew and has its part again. A part
that ends its actor each time does not stop the others, and is left to the caller.
"""

from __future__ import annotations

import contextlib
import logging
import pickle
import warnings
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from zoo.distributed.cluster import Cluster
from zoo.distributed.ray_package import import_ray
from zoo.errors import ClusterError, ZooError
from zoo.message import described

# So often an actor is begun anew, and so often a part is tried after the first time.
_RESTARTS, _RETRIES = 100, 2
# Of so many parts a run consists at least, if it has the inputs: none waits for the last one. And of so many inputs a
# part at most: that much is done again where a worker ends.
_PARTS, _MOST = 64, 256
# Ray gives whole cores, or less than one: a cluster whose cores are all taken has none to read with, and stands still.
_LESS_THAN_ONE = 0.95


def size_of_parts(count: int) -> int:
    """Returns how many inputs a part has, of so many in all."""
    return max(1, min(_MOST, -(-count // _PARTS)))


class Work(Protocol):
    """What actors do; made where the run is started, and given to them as a pickle."""

    def open(self) -> None:
        """Makes ready, once in every actor.

        Raises:
            ZooError: That is impossible; the run ends with it.
        """
        ...

    def answer(self, part: Any) -> Any:
        """Does one part, and returns what is to be known of it.

        Raises:
            ZooError: The run ends with it.
        """
        ...


@dataclass(frozen=True, slots=True)
class Actors:
    """The actors of a run.

    Attributes:
        count: How many at most; fewer begin where the cluster has no room.
        threads: Cores that each takes.
        resource: What else each takes one of, such as "GPU"; empty for nothing.
    """

    count: int
    threads: int = 1
    resource: str = ""

    @classmethod
    def fitting(cls, cluster: Cluster, threads: int | None, resource: str, count: int | None) -> Actors:
        """Returns as many as a cluster has room for, or as many as are asked for.

        Args:
            cluster: The cluster.
            threads: Cores of each; by default 1, which does most pictures a second on a processor.
            resource: As of the attribute.
            count: How many are asked for.

        Raises:
            ClusterError: It has no room for one.
        """
        name, need = (resource, 1.0) if resource else ("CPU", float(threads or 1))
        has = cluster.resources.get(name, 0.0)
        if has < need:
            raise ClusterError(
                "The cluster has {has:g} {name}, and a worker takes {need:g}.",
                "Look at it: ray status. Or take fewer --threads, or another --device.",
                has=has,
                name=name,
                need=need,
            )
        return cls(min(count or 1 << 20, int(has // need)), threads or 1, resource)

    def asked(self) -> dict[str, Any]:
        """Returns what Ray is asked for, for each."""
        cpus = _LESS_THAN_ONE if self.threads == 1 else self.threads
        if not self.resource:
            return {"num_cpus": cpus}
        if self.resource == "GPU":
            return {"num_cpus": cpus, "num_gpus": 1}
        return {"num_cpus": cpus, "resources": {self.resource: 1}}


def run_parts(
    work: Work, parts: Sequence[Any], workers: Actors, ordered: bool = False
) -> Generator[tuple[int, Any], None, None]:
    """Has every part done.

    Args:
        work: What is done.
        parts: What it is done with.
        workers: By whom.
        ordered: Keep answers back until those before them are there.

    Yields:
        The number of a part and its answer, in the order in which they are done, unless another is asked for. Parts
        that ended their actor again and again are not among them.

    Raises:
        ZooError: What an actor raised of that kind.
        ClusterError: No actor can begin.
    """
    data = import_ray("data")
    content = pickle.dumps(work)
    rows = [{"number": number, "part": pickle.dumps(part)} for number, part in enumerate(parts)]
    with _settings(data, ordered):
        listed = data.from_items(rows, override_num_blocks=len(rows))
        with warnings.catch_warnings():
            # How often to restart has another name from 2.64 on, which those before do not know.
            warnings.simplefilter("ignore", DeprecationWarning)
            dataset = listed.map(
                Actor,
                fn_constructor_args=(content,),
                compute=data.ActorPoolStrategy(min_size=1, max_size=workers.count, initial_size=workers.count),
                ray_remote_args_fn=_Bounded(),
                **workers.asked(),
            )
        with contextlib.closing(_answers(dataset)) as answers:
            yield from answers


def _answers(dataset: Any) -> Generator[tuple[int, Any], None, None]:
    rows: Any = iter(dataset.iter_rows())
    try:
        while True:
            try:
                row = next(rows)
            except StopIteration:
                return
            except Exception as error:
                raise ClusterError(
                    "The cluster gave up: {reason}.",
                    "Look whether zoo and the model's plugin are installed on every machine, in the same versions.",
                    reason=_cause(error),
                ) from error
            answer = pickle.loads(row["answer"])
            if isinstance(answer, ZooError):
                raise answer
            yield int(row["number"]), answer
    finally:
        # Its thread would join the cluster again if it found that we have left.
        if callable(close := getattr(rows, "close", None)):
            close()


def _cause(error: BaseException) -> str:
    """Returns what was the matter in the end: Ray wraps an error several times, each with a trace."""
    while (inner := getattr(error, "cause", None) or error.__cause__) is not None and inner is not error:
        error = inner
    lines = [line.strip() for line in described(error).splitlines() if line.strip()]
    return lines[-1].rstrip(".") if lines else type(error).__name__


class Actor:
    """What Ray begins in a process of its own.

    Args:
        content: The pickle of a `Work`.
    """

    def __init__(self, content: bytes) -> None:
        self._work: Work = pickle.loads(content)
        self._opened = False

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Does a part."""
        return {"number": row["number"], "answer": pickle.dumps(self._answer(row["part"]))}

    def _answer(self, part: bytes) -> Any:
        try:
            if not self._opened:
                self._work.open()
                self._opened = True
            return self._work.answer(pickle.loads(part))
        except ZooError as error:
            return error


class _Bounded:
    """How often Ray begins an actor anew, and tries a part again: by default without end."""

    def __call__(self) -> dict[str, Any]:
        return {"max_restarts": _RESTARTS, "max_task_retries": _RETRIES}


@contextlib.contextmanager
def _settings(data: Any, ordered: bool) -> Generator[None, None, None]:
    """Sets for a run what Ray Data keeps for the whole program, and gives it back."""
    context, log = data.DataContext.get_current(), logging.getLogger("ray.data")
    options = context.execution_options
    before = (context.enable_progress_bars, context.max_errored_blocks, options.preserve_order, log.level)
    try:
        context.enable_progress_bars, context.max_errored_blocks, options.preserve_order = False, -1, ordered
        log.setLevel(logging.CRITICAL)
        yield
    finally:
        context.enable_progress_bars, context.max_errored_blocks, options.preserve_order, level = before
        log.setLevel(level)
