"""A loaded model: pictures in, results out."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from zoo.bundle.bundle import Bundle
from zoo.contract.labels.mapping import LabelMapping
from zoo.engine.engine import Engine
from zoo.engine.open import open_engine
from zoo.predict.options import (
    RunOptions,
    choose_window,
)
from zoo.predict.run import Run
from zoo.results import Predictions
from zoo.results.mapping import read_mapping
from zoo.store import find_bundle

if TYPE_CHECKING:
    from zoo.picture.sources import (
        Input,
        Source,
    )
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
        device: "cpu", or a device that a plugin brings ("gpu:0").
        backend: Name of an engine, or "auto".
        threads: Threads of a CPU engine; by default as many as cores are available to the process.
        streams: Pictures that run at the same time when there are many, each with its part of the threads; by default
            as many as there are threads, at most four. 1 needs the least memory.
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
        ConfigError: There are more streams than threads.
        ValueError: `threads` is not a positive number.
    """
    if threads is not None and threads < 1:
        raise ValueError(f"threads is {threads}; a positive number or None was expected")
    bundle = find_bundle(name, offline=offline, lock=lock, verify=verify, progress=progress)
    return Model(bundle, open_engine(bundle.verify(), device, backend, threads, streams))


class Model:
    """An opened model. Made by `zoo.load`.

    Attributes:
        bundle: The export folder it was opened from.
    """

    def __init__(self, bundle: Bundle, engine: Engine) -> None:
        self.bundle = bundle
        self._engine = engine

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
        return self._engine.facts.device

    @property
    def engine(self) -> str:
        """The engine really in use, its version and its setting."""
        return str(self._engine.facts)

    def predict(
        self,
        source: Source,
        batch_size: int | Literal["auto"] = 1,
        on_error: Literal["raise", "skip"] = "raise",
        *,
        color: Literal["rgb", "bgr"] = "rgb",
        frames: Literal["first", "all"] = "first",
        recursive: bool = False,
        scores: bool = False,
        min_score: float | None = None,
        labels: LabelMapping | Mapping[str, Any] | str | os.PathLike[str] | None = None,
        palette: Any = None,
        mode: Literal["auto", "whole", "slide"] = "auto",
        window: tuple[int, int] | None = None,
        stride: tuple[int, int] | None = None,
        flip: bool = False,
        scales: Sequence[float] | float = (1.0,),
        live: bool = False,
        skip: Callable[[Input], bool] | None = None,
    ) -> Predictions:
        """Segments pictures.

        Args:
            source: A path, URL, folder or pattern; an array, a PIL image, bytes or a file object; {"img": one of
                these}; a list, tuple, generator or other iterator of these. PDF files, animated pictures, multi-page
                TIFF and video are read too.
            batch_size: At most so many pictures of equal input size run together; the results do not depend on it.
                "auto" measures, for each size, how many are fastest.
            on_error: "raise" ends at the first picture that cannot be read; "skip" goes on and collects the failures
                in `Predictions.failures`.
            color: Order of the channels in arrays, "rgb" or "bgr".
            frames: "first" or "all" of a picture that has several.
            recursive: Read the folders inside folders too.
            scores: Give results the probability of the winning class in every pixel.
            min_score: Pixels whose probability is below it, 0 to 1, become unknown.
            labels: Other classes: a `LabelMapping`, {new: [old, ...]}, a YAML file, or the name of a built-in one.
            palette: Colours in place of the card's: RGB triples for all classes, or {class: colour}.
            mode: "slide" runs pictures larger than `window` in overlapping windows, "whole" takes every picture in one
                piece. "auto" slides where the published figure of the model is one of windows.
            window: (height, width) of a window in pixels; by default the published one.
            stride: (height, width) from one window to the next; by default the published one, else three quarters of
                `window`.
            flip: Average with the mirrored picture.
            scales: Average over these factors of the size.
            live: Take the next input only when the result of the one before has been handed out, for a camera or a
                source that waits for answers. Otherwise a few inputs are taken ahead, which is faster.
            skip: Asked about every input before it is read; True passes it over.

        Returns:
            A lazy iterator of results in the order of the source.

        Raises:
            SourceError: While iterating: a picture cannot be read and `on_error` is "raise".
            InferenceError: While iterating: the engine failed.
            BundleError: Scores, windows or views are asked for and the program cannot give them.
            ConfigError: Labels, palette, windows or scales are not possible.
            ValueError: An argument has another value.
        """
        options = RunOptions(
            batch_size,
            on_error,
            color,
            frames,
            recursive,
            scores,
            min_score,
            mode,
            window,
            stride,
            flip,
            (scales,) if isinstance(scales, (int, float)) else tuple(scales),
            palette,
            live,
            skip,
        )
        windows, note = choose_window(self.bundle, options)
        mapping = self._mapping(labels)
        run = Run(self.bundle, self._engine, self.device, options, windows, mapping, note)
        return Predictions(run.results(source))

    def predict_tiff(
        self,
        source: str | os.PathLike[str],
        target: str | os.PathLike[str],
        *,
        window: tuple[int, int] | None = None,
        stride: tuple[int, int] | None = None,
        batch_size: int = 1,
        min_score: float | None = None,
        labels: LabelMapping | Mapping[str, Any] | str | os.PathLike[str] | None = None,
        progress: Callable[[SlideProgress], None] | None = None,
    ) -> Path:
        """Segments a TIFF of any size in windows; neither the picture nor its label map is ever held as a whole.

        Args:
            source: A tiled or striped TIFF; needs the extra `large`.
            target: The label map to write: a tiled, compressed TIFF of class values with the palette; replaced when it
                is complete and not before. Its name ends in .tif or .tiff; missing folders are made. A file that is
                none of an earlier run on the same picture is not replaced.
            window: (height, width) of a window in pixels; by default the published one.
            stride: (height, width) from one window to the next; by default the published one, else three quarters of
                `window`.
            batch_size: At most so many windows run together.
            min_score: Pixels whose probability is below it become unknown.
            labels: Other classes, as in `predict`.
            progress: Called after every batch of windows and with every strip.

        Returns:
            The target.

        Raises:
            BundleError: The model cannot be run in windows.
            ConfigError: Nothing says how large the windows are, or labels are not possible.
            SourceError: The file is no TIFF that can be read in parts.
            OutputError: The target cannot be written, or its name does not end in .tif or .tiff.
            ValueError: A number is out of bounds.
        """
        from zoo.predict.tiff import (
            check_replaceable,
            segment_tiff,
        )

        options = RunOptions(batch_size, min_score=min_score, mode="slide", window=window, stride=stride)
        windows, note = choose_window(self.bundle, options)
        assert windows is not None  # mode="slide" has windows or raises
        mapping = self._mapping(labels)
        mark = f"zoo labels of {json.dumps(os.path.abspath(source))}"
        check_replaceable(target, mark)
        classes = self.bundle.labels if mapping is None else mapping.labels
        return segment_tiff(
            source,
            target,
            lambda batch: self._engine.submit(batch).result().output,
            self.bundle,
            windows,
            batch_size=batch_size,
            scores=min_score is not None,
            relabel=partial(_relabelled, min_score=min_score, unknown=self.bundle.labels.ignore_index, mapping=mapping),
            palette=classes.palette,
            description=f"{mark}, {json.dumps(self.name)}, {self.engine}, {note}",
            progress=progress,
        )

    def close(self) -> None:
        """Frees the engine. The model cannot be used afterwards."""
        self._engine.close()

    def _mapping(self, labels: LabelMapping | Mapping[str, Any] | str | os.PathLike[str] | None) -> LabelMapping | None:
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
