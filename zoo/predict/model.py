"""A loaded model: pictures in, results out."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zoo.bundle.bundle import Bundle
from zoo.contract.labels.mapping import LabelMapping
from zoo.engine.device import available_cores
from zoo.engine.lanes import (
    Streams,
    check_streams,
)
from zoo.engine.open import session_opener
from zoo.predict.arguments import Labels, Predicts, RunOptions
from zoo.predict.plan import choose_window
from zoo.predict.run import Run
from zoo.predict.values import given_value
from zoo.results import Predictions
from zoo.results.mapping import read_mapping
from zoo.store import find_bundle

if TYPE_CHECKING:
    from zoo.picture.sources import Source
    from zoo.segment.slide import Progress as SlideProgress
    from zoo.segment.slide import Strip
    from zoo.store.download.download import Progress


def load(
    name: str | Path,
    device: str = "cpu",
    backend: str = "auto",
    threads: int | None = None,
    *,
    streams: int | None = None,
    offline: bool | None = None,
    lock: str | Path | None = None,
    verify: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> Model:
    """Loads a model. Files that are not on this machine are downloaded once; then nothing is asked of the network.

    Args:
        name: Name of a model ("starter", in any letter case), an export folder, or a model of a bundle file
            ("models.zoo#PP-LiteSeg-T").
        device: Such as "cpu" or "gpu:0"; like the next three an option of `zoo.predict.options`.
        backend: See there.
        threads: See there.
        streams: See there.
        offline: Never use the network; by default what `ZOO_OFFLINE` says.
        lock: A lock file written by `zoo lock`; anything that differs from it is refused.
        verify: Take the digest of every file, also of files that look untouched.
        progress: Called with what goes on during a download.

    Returns:
        The opened model. It is also a context manager that closes itself.

    Raises:
        ModelNotFoundError: No model has this name.
        ModelNotInstalledError: Its plugin is not installed.
        OfflineError: Its files are not on this machine and the network may not be used.
        LockMismatchError: Something differs from the lock file.
        FetchError: Its files cannot be downloaded, or are not what they must be.
        BundleError: Its files are damaged.
        DeviceError: The device cannot be used.
        BackendError: The engine cannot be used or refuses the program.
        ConfigError: An argument has a value that is not possible, or there are more streams than threads.
    """
    given = {"device": device, "backend": backend, "threads": threads, "streams": streams}
    for option, value in given.items():
        given_value(option, value)
    bundle = find_bundle(name, offline=offline, lock=lock, verify=verify, progress=progress)
    threads = threads or available_cores()
    program = bundle.verify()
    opener = session_opener(program, device, backend)
    check_streams(streams, threads)
    return Model(bundle, Streams(opener, threads, streams))


class Model(Predicts):
    """An opened model. Made by `zoo.load`.

    Attributes:
        bundle: The export folder it was opened from.
    """

    def __init__(self, bundle: Bundle, streams: Streams) -> None:
        self.bundle = bundle
        self._streams = streams

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.bundle.model

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names in the order of their values."""
        return self.bundle.labels.names

    @property
    def device(self) -> str:
        """The device it really runs on, such as "cpu"."""
        return self._streams.main.facts.device

    @property
    def engine(self) -> str:
        """The engine really in use, its version and its setting."""
        return str(self._streams.main.facts)

    def _predict(self, source: Source, options: RunOptions) -> Predictions:
        windows, note = choose_window(self.bundle, options)
        mapping = self._mapping(options.labels)
        run = Run(self.bundle, self._streams, self.device, options, windows, mapping, note)
        return Predictions(run.results(source))

    def _predict_tiff(
        self,
        source: str | os.PathLike[str],
        target: str | os.PathLike[str],
        options: RunOptions,
        progress: Callable[[SlideProgress], None] | None,
    ) -> Path:
        from zoo.predict.tiff import (
            check_replaceable,
            segment_tiff,
        )

        windows, note = choose_window(self.bundle, replace(options, mode="slide"))
        assert windows is not None  # mode="slide" has windows or raises
        mapping = self._mapping(options.labels)
        mark = f"zoo labels of {json.dumps(os.path.abspath(source))}"
        check_replaceable(target, mark)
        classes = self.bundle.labels if mapping is None else mapping.labels
        return segment_tiff(
            source,
            target,
            self._streams.main.run,
            self.bundle,
            windows,
            batch_size=1 if options.batch_size == "auto" else options.batch_size,
            scores=options.min_score is not None,
            relabel=partial(
                _relabelled, min_score=options.min_score, unknown=self.bundle.labels.ignore_index, mapping=mapping
            ),
            palette=classes.palette,
            description=f"{mark}, {json.dumps(self.name)}, {self.engine}, {note}",
            progress=progress,
        )

    def close(self) -> None:
        """Frees the engine. The model cannot be used afterwards."""
        self._streams.close()

    def _mapping(self, labels: Labels | None) -> LabelMapping | None:
        if isinstance(labels, Mapping) and "labels" not in labels:
            labels = {"labels": labels}
        return None if labels is None else read_mapping(labels, self.bundle.labels)

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _relabelled(
    strip: Strip, min_score: float | None, unknown: int, mapping: LabelMapping | None
) -> NDArray[np.uint8 | np.uint16]:
    labels = strip.labels
    if min_score is not None and strip.scores is not None:
        labels = labels.astype(np.uint16) if unknown > 255 else labels.copy()
        labels[strip.scores < np.float32(min_score)] = unknown
    return labels if mapping is None else mapping.apply(labels)
