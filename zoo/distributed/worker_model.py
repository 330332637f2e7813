"""The model of an actor: opened there, with the device that Ray gave it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from pathlib import Path

import zoo
from zoo.distributed.cluster import Cluster
from zoo.distributed.cluster_device import OwnDevice, kind_and_resource
from zoo.distributed.ray_parts import Actors
from zoo.errors import ClusterError, ConfigError
from zoo.predict.model import Model
from zoo.predict.pipeline import PipelineConfig
from zoo.predict.pipeline.pipeline import load_model


@dataclass
class WorkerModel:
    """What every actor opens.

    Attributes:
        config: The model and its options.
        kind: Kind of device.
        resource: What Ray calls it; empty for the processor.
        threads: Cores of the actor.
        offline: As in `zoo.load`.
        lock: As in `zoo.load`.
        version: Version of zoo on the machine that started the run.
    """

    config: PipelineConfig
    kind: str = "cpu"
    resource: str = ""
    threads: int = 1
    offline: bool | None = None
    lock: Path | None = None
    version: str = zoo.__version__
    _model: Model | None = field(default=None, repr=False)
    _device: OwnDevice | None = field(default=None, repr=False)

    def placed(self, cluster: Cluster, workers: int | None) -> tuple[WorkerModel, Actors]:
        """Returns it for the devices of a cluster, and the actors that open it there.

        Args:
            cluster: The cluster.
            workers: Actors at most; None for as many as there is room for.

        Raises:
            ClusterError: There is no room for one, or no such device.
        """
        kind, resource = kind_and_resource(self.config.device, cluster.resources)
        actors = Actors.fitting(cluster, self.config.threads, resource, workers)
        return replace(self, kind=kind, resource=resource, threads=actors.threads), actors

    def open(self) -> None:
        """Opens it.

        Raises:
            ClusterError: This machine has another version of zoo.
            ZooError: As `zoo.load`.
        """
        if self.version != zoo.__version__:
            raise ClusterError(
                "A machine of the cluster has zoo {there}, and the one that started the run has {here}.",
                "Install the same version of zoo on all machines.",
                there=zoo.__version__,
                here=self.version,
            )
        self._device = OwnDevice(self.kind, self.resource)
        # One picture at a time: an actor beside it does the next.
        cores = {} if self.resource else {"threads": self.threads, "streams": 1}
        config = self.config.override(device=self._device.name, **cores)
        self._model = load_model(config, offline=self.offline, lock=self.lock)

    @property
    def opened(self) -> Model:
        """The model."""
        assert self._model is not None, "it is opened first"
        return self._model

    @contextlib.contextmanager
    def warnings(self) -> Generator[list[str], None, None]:
        """Collects what zoo warns of as long as the block runs: nobody reads the log of an actor."""
        log, kept = logging.getLogger("zoo"), _Kept()
        log.addHandler(kept)
        try:
            yield kept.texts
        finally:
            log.removeHandler(kept)

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_model": None, "_device": None}


class _Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if (text := record.getMessage()) not in self.texts:
            self.texts.append(text)


def refuse_server(config: PipelineConfig) -> None:
    """Refuses a model of a server: it runs on that one machine.

    Raises:
        ConfigError: It is one.
    """
    from zoo.predict.remote.server_address import is_server

    if is_server(config.model):
        raise ConfigError(
            "{model} is a model of a server, and many machines were asked for.",
            "Give the name of a model, which every machine opens by itself; or leave --cluster out.",
            model=config.model,
        )
