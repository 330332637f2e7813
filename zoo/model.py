"""A loaded model: pictures in, results out."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from zoo.backends import choose_backend, open_bundle
from zoo.device import available_cores, resolve_device
from zoo.errors import InferenceError, SourceError
from zoo.hub.bundle import Bundle
from zoo.plugin import Session, SessionOptions
from zoo.registry.discovery import discover
from zoo.results import Failure, Predictions, Result
from zoo.vision.sources import Input, inputs
from zoo.vision.transforms import Geometry, preprocess
from zoo.vision.upsample import resize_labels, upsample_argmax
from zoo.weights import find_bundle

if TYPE_CHECKING:
    from collections.abc import Callable

    from zoo.hub.download import Progress
    from zoo.vision.sources import Source

_log = logging.getLogger("zoo")


def load(
    name: str | Path,
    device: str = "cpu",
    backend: str = "auto",
    threads: int | None = None,
    *,
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
        ValueError: `threads` is not a positive number.
    """
    if threads is not None and threads < 1:
        raise ValueError(f"threads is {threads}; a positive number or None was expected")
    bundle = find_bundle(name, offline=offline, lock=lock, verify=verify, progress=progress)
    bundle.verify()
    found = discover("zoo.devices", "zoo.backends")
    chosen, index = resolve_device(device, found.devices)
    engine = choose_backend(backend, chosen, found.backends)
    options = SessionOptions(chosen, index, threads or available_cores())
    session = open_bundle(engine, bundle, options)
    return Model(bundle, session, chosen.kind if chosen.kind == "cpu" else f"{chosen.kind}:{index}")


class Model:
    """An opened model. Made by `zoo.load`.

    Attributes:
        bundle: The export folder it was opened from.
        device: The device it really runs on, such as "cpu".
    """

    def __init__(self, bundle: Bundle, session: Session, device: str) -> None:
        self.bundle = bundle
        self.device = device
        self._session = session

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.bundle.model

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names in the order of their values."""
        return self.bundle.labels.names

    @property
    def engine(self) -> str:
        """The engine really in use, its version and its setting."""
        return self._session.engine

    def predict(self, source: Source, batch_size: int = 1, on_error: Literal["raise", "skip"] = "raise") -> Predictions:
        """Segments pictures.

        Args:
            source: A path, a folder, an (H, W, 3) RGB uint8 array, a PIL image, the bytes of a picture file, or a list
                of these.
            batch_size: At most so many pictures of equal input size run together; the results do not depend on it.
            on_error: "raise" ends at the first picture that cannot be read; "skip" goes on and collects the failures
                in `Predictions.failures`.

        Returns:
            A lazy iterator of results in the order of the source.

        Raises:
            SourceError: While iterating: a picture cannot be read and `on_error` is "raise".
            InferenceError: While iterating: the engine failed.
            ValueError: An argument has another value.
        """
        if batch_size < 1:
            raise ValueError(f"batch_size is {batch_size}; a positive number was expected")
        if on_error not in ("raise", "skip"):
            raise ValueError(f"on_error is {on_error!r}; 'raise' or 'skip' was expected")
        return Predictions(self._predict(source, batch_size, on_error == "skip"))

    def close(self) -> None:
        """Frees the engine. The model cannot be used afterwards."""
        self._session.close()

    def __enter__(self) -> Model:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _predict(self, source: Source, batch_size: int, skip: bool) -> Iterator[Result | Failure]:
        waiting: list[_Prepared] = []
        for item in inputs(source):
            try:
                prepared = _prepare(item, self.bundle)
            except SourceError as error:
                if not skip:
                    raise
                yield from self._segment(waiting)
                waiting = []
                yield Failure(item.name, item.uri, error)
                continue
            if waiting and waiting[0].tensor.shape != prepared.tensor.shape:
                yield from self._segment(waiting)
                waiting = []
            waiting.append(prepared)
            if len(waiting) == batch_size:
                yield from self._segment(waiting)
                waiting = []
        yield from self._segment(waiting)

    def _segment(self, batch: Sequence[_Prepared]) -> Iterator[Result]:
        if not batch:
            return
        began = time.perf_counter()
        outputs = self._session.run(np.stack([item.tensor for item in batch]))
        seconds = (time.perf_counter() - began) / len(batch)
        for item, output in zip(batch, outputs, strict=True):
            began = time.perf_counter()
            mask = _mask(output, item.geometry, self.bundle)
            stages = {**item.seconds, "inference": seconds, "postprocess": time.perf_counter() - began}
            yield Result(
                mask=mask,
                labels=self.bundle.labels,
                image=item.image,
                name=item.name,
                uri=item.uri,
                model=self.name,
                device=self.device,
                engine=self.engine,
                seconds=stages,
            )


@dataclass(frozen=True, eq=False)
class _Prepared:
    """A picture that is read and preprocessed."""

    name: str
    uri: str
    image: NDArray[np.uint8]
    tensor: NDArray[np.float32]
    geometry: Geometry
    seconds: dict[str, float]


def _prepare(item: Input, bundle: Bundle) -> _Prepared:
    began = time.perf_counter()
    image = item.read()
    read = time.perf_counter()
    tensor, geometry = preprocess(image, bundle.preprocess)
    seconds = {"read": read - began, "preprocess": time.perf_counter() - read}
    return _Prepared(item.name, item.identify(image), image, tensor, geometry, seconds)


def _mask(output: NDArray[Any], geometry: Geometry, bundle: Bundle) -> NDArray[Any]:
    """Brings one output of the program to the size of the source."""
    if bundle.output == "logits" and geometry.resized == geometry.padded:
        # Two bilinear coordinate maps in a row are one: no detour over the size of the input.
        return upsample_argmax(output, geometry.source)
    if bundle.output == "logits" or _holds_scores(output, bundle.output):
        # Other systems take the best class in each pixel of the input; where scores have that size already this is
        # their plain argmax.
        labels = upsample_argmax(output.astype(np.float32, copy=False), geometry.padded)
    else:
        labels = resize_labels(_as_labels(output), geometry.padded)
    height, width = geometry.resized
    return resize_labels(labels[:height, :width], geometry.source)


def _holds_scores(output: NDArray[Any], declared: str) -> bool:
    """Tells scores (C, H, W) from labels (H, W) or (1, H, W) by type and shape, never by values."""
    kind, bits = output.dtype.kind, 8 * output.dtype.itemsize
    if declared != "scores" and kind in "iu" and (output.ndim == 2 or (output.ndim == 3 and len(output) == 1)):
        return False
    # One channel has no best class; float64 would gain ties when it is narrowed.
    if declared != "labels" and kind == "f" and bits <= 32 and output.ndim == 3 and len(output) > 1:
        return True
    expected = {"labels": "Whole numbers (H, W) were", "scores": "Float scores (classes, H, W) were"}
    either = "Whole numbers (H, W) or float scores (classes, H, W) were"
    raise InferenceError(
        f"The program returned {output.shape} {output.dtype} a picture. {expected.get(declared, either)} expected.",
        "Export the model again with output_op argmax, or with zoo.",
    )


def _as_labels(output: NDArray[Any]) -> NDArray[Any]:
    labels = output.reshape(output.shape[-2:])
    top = int(labels.max(initial=0))
    if labels.min(initial=0) < 0 or top > 65535:
        raise InferenceError(
            f"The program returned class values from {labels.min()} to {top}. 0 to 65535 were expected.",
            "Export the model again.",
        )
    return labels.astype(np.uint8 if top < 256 else np.uint16)
