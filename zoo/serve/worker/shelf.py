"""The models of a worker: opened when they are first asked for, and closed when others need the room."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zoo.errors import BundleError, ZooError
from zoo.predict.arguments import RunOptions
from zoo.predict.model import Model
from zoo.predict.pipeline import PipelineConfig, load_model
from zoo.predict.plan import Plan, make_plan
from zoo.serve.exchange import Loaded, WorkerOrder, WorkerState
from zoo.serve.memory_use import resident_bytes


@dataclass(frozen=True, eq=False)
class Opened:
    """An opened model.

    Attributes:
        model: The model.
        config: Its options.
        loaded: What is said of it.
        plans: How pictures are run, without and with scores.
    """

    model: Model
    config: PipelineConfig
    loaded: Loaded
    plans: dict[bool, tuple[Plan, RunOptions]] = field(default_factory=dict[bool, "tuple[Plan, RunOptions]"])

    def plan(self, scores: bool, batch_size: int) -> tuple[Plan, RunOptions]:
        """Returns how pictures are run; made once, so that files it is made of may go away.

        Raises:
            ZooError: The model cannot give scores.
        """
        if scores not in self.plans:
            given: dict[str, Any] = {**self.config.predict_arguments(), "batch_size": batch_size, "on_error": "skip"}
            if scores:
                given["scores"] = True
            options = RunOptions.of(**given)
            self.plans[scores] = make_plan(self.model.bundle, options), options
        return self.plans[scores]


class Shelf:
    """The models of a worker.

    Args:
        order: Which there are, and how much memory they may take.
    """

    def __init__(self, order: WorkerOrder) -> None:
        self._order = order
        # The one that was used last comes last.
        self._opened: OrderedDict[str, Opened] = OrderedDict()
        self._digests = dict(order.digests)

    def fill(self) -> None:
        """Opens the first model, and the next ones while there is room.

        Raises:
            ZooError: One cannot be opened.
        """
        for name in self._order.configs:
            if self._opened and not self._fits(_expected(self._opened)):
                return
            self._open(name)

    def take(self, name: str) -> Opened:
        """Returns a model, opened if it is not.

        Raises:
            ZooError: It cannot be opened, or its files are others than they were.
        """
        if name not in self._opened:
            while self._opened and not self._fits(_expected(self._opened)):
                _, least_used = self._opened.popitem(last=False)
                least_used.model.close()
            self._open(name)
        self._opened.move_to_end(name)
        return self._opened[name]

    @property
    def state(self) -> WorkerState:
        """How the worker is."""
        return WorkerState({name: opened.loaded for name, opened in self._opened.items()}, resident_bytes())

    def _open(self, name: str) -> None:
        order, config = self._order, self._order.configs[name]
        began, before = time.monotonic(), resident_bytes()
        model = load_model(config, offline=order.offline, lock=order.lock)
        digest = _digest(model)
        if self._digests.setdefault(name, digest) != digest:
            model.close()
            raise BundleError(
                "The files of {model} are others than they were when the server began.",
                "Start the server again, and it serves the new ones.",
                model=name,
            )
        grown = max(0, resident_bytes() - before, _on_disk(model))
        loaded = Loaded(digest, model.device, model.engine, model.precision, time.monotonic() - began, grown)
        self._opened[name] = Opened(model, config, loaded)

    def _fits(self, more: int) -> bool:
        limit = self._order.memory
        return limit is None or sum(opened.loaded.memory for opened in self._opened.values()) + more <= limit


def _expected(opened: Mapping[str, Opened]) -> int:
    """Returns what another model may take: as much as the largest so far."""
    return max((each.loaded.memory for each in opened.values()), default=0)


def _on_disk(model: Model) -> int:
    files = [model.bundle.program, model.bundle.params]
    return sum(file.stat().st_size for file in files if file is not None and file.exists())


def _digest(model: Model) -> str:
    try:
        return model.bundle.verify().digest
    except ZooError:
        # It was opened, and its files went away meanwhile.
        return ""
