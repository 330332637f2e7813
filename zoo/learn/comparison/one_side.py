"""One side of a comparison, in a process of its own: its memory is its own, and so is its end.

    python -m zoo.learn.comparison.one_side FOLDER

FOLDER/order.json says what is run. Every picture leaves NUMBER.png, its mask, and a line in pictures.jsonl; in the end
side.json says what it cost, or error.json why it failed.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zoo.base.flow import ahead
from zoo.base.peak_memory import peak_memory
from zoo.contract.labels import LabelSet
from zoo.errors import ZooError
from zoo.learn.data import Sample
from zoo.learn.report.overlays import jpeg
from zoo.predict.load import load
from zoo.predict.model import Model
from zoo.results import Result
from zoo.results.encode import encode_mask_png

#: Longest side of the pictures that a page shows.
LONGEST = 640


def _main(folder: Path) -> None:
    """Runs what the order says."""
    order: dict[str, Any] = json.loads((folder / "order.json").read_text(encoding="utf-8"))
    try:
        _write(folder / "side.json", _run(order, folder))
    except ZooError as error:
        _write(folder / "error.json", {"type": type(error).__name__, "message": error.message, "hint": error.hint})
        sys.exit(1)


def _run(order: dict[str, Any], folder: Path) -> dict[str, Any]:
    began = time.perf_counter()
    with load(order["model"], **order["load"]) as model, (folder / "pictures.jsonl").open("w", encoding="utf-8") as log:
        opened = time.perf_counter()
        side = _Side(model, folder, log, order["pictures"])
        if order["samples"] is None:
            failures = side.predict(order["sources"], order["predict"])
            figures: dict[str, Any] = {}
        else:
            samples = [Sample(Path(image), Path(mask)) for image, mask in order["samples"]]
            failures, figures = side.evaluate(samples, order["predict"])
        seconds = time.perf_counter() - opened
        return {
            "name": model.name,
            "device": model.device,
            "engine": model.engine,
            "precision": model.precision,
            "classes": list(side.labels.names),
            "palette": [list(color) for color in side.labels.palette],
            "ignore_index": side.labels.ignore_index,
            "opening": opened - began,
            "seconds": seconds,
            "pictures": side.count,
            "memory": peak_memory(),
            "failures": failures,
            **figures,
        }


class _Side:
    """Writes what a model makes of pictures."""

    def __init__(self, model: Model, folder: Path, log: TextIO, pictures: bool) -> None:
        self._model, self._folder, self._log, self._pictures = model, folder, log, pictures
        self.labels: LabelSet = model.bundle.labels
        self.count = 0

    def predict(self, sources: list[str], options: dict[str, Any]) -> list[dict[str, str]]:
        """Segments the pictures of sources; returns what failed."""
        predictions = self._model.predict(sources, on_error="skip", **options)
        # Masks are written in a thread, while the network is at the next picture.
        for _ in ahead(predictions, self._keep):
            pass
        return [{"uri": failure.uri, "error": failure.error.message} for failure in predictions.failures]

    def evaluate(self, samples: list[Sample], options: dict[str, Any]) -> tuple[list[dict[str, str]], dict[str, Any]]:
        """Measures labelled pictures; returns what failed, and the figures."""
        from zoo.learn.evaluation import evaluate
        from zoo.learn.evaluation.plain_figures import plain_figures

        def watch(_: object, result: Result, __: object) -> None:
            self._keep(result)

        found = evaluate(self._model, samples, watch=watch, on_error="skip", report=lambda _: None, **options)
        figures = plain_figures(found)
        failed = [{"uri": failure.uri, "error": failure.error.message} for failure in found.failures]
        return failed, {"mIoU": figures["mIoU"], "IoU": figures["IoU"]}

    def _keep(self, result: Result) -> None:
        self.labels = result.labels
        number = self.count
        (self._folder / f"{number}.png").write_bytes(encode_mask_png(result.mask, result.color_table(), ""))
        if self._pictures:
            (self._folder / f"{number}.jpg").write_bytes(jpeg(_small(result.image)))
        line = {"uri": result.uri, "name": result.name, "shares": result.shares()}
        self._log.write(json.dumps(line) + "\n")
        self._log.flush()
        self.count += 1


def _small(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    factor = min(1.0, LONGEST / max(height, width))
    size = max(1, round(width * factor)), max(1, round(height * factor))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX))


def _write(file: Path, document: dict[str, Any]) -> None:
    scratch = file.with_suffix(".part")
    scratch.write_text(json.dumps(document), encoding="utf-8")
    scratch.replace(file)


def lines_so_far(folder: Path) -> Iterator[dict[str, Any]]:
    """Yields the lines of a side so far; the last may be half written."""
    file = folder / "pictures.jsonl"
    for line in file.read_text(encoding="utf-8").splitlines(keepends=True) if file.exists() else ():
        if line.endswith("\n"):
            yield json.loads(line)


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
