"""Result: the label map of one picture with everything needed to read, draw and write it."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from zoo.errors import OutputError
from zoo.labels import Color, LabelSet
from zoo.results.classes import classes_in, color_table
from zoo.results.document import SCHEMA, encode_mask, to_json
from zoo.results.draw import blend, colorize
from zoo.results.encode import encode_jpeg, encode_mask_png, encode_png, source_fits
from zoo.results.legend import add_legend
from zoo.results.naming import Target, find_target, publish
from zoo.text import printable

Kind = Literal["overlay", "color", "mask"]

_SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "overlay": (".png", ".jpg", ".jpeg"),
    "color": (".png",),
    "mask": (".png",),
}


@dataclass(frozen=True, eq=False)
class Result:
    """What a model found in one picture.

    Attributes:
        mask: (H, W) class values, uint8 or uint16, at the size of the source.
        labels: What the values mean.
        image: (H, W, 3) RGB uint8, the source.
        name: The input's name, from which outputs take theirs.
        uri: Where the input came from; it tells apart inputs of one name, and outputs record it.
        model: Name of the model.
        device: Device that was really used, such as "cpu".
        engine: Engine and its setting that were really used, such as "paddle 3.2.2, onednn off, 2 threads".
        seconds: Time of each stage: "read", "preprocess", "inference", "postprocess".

    Raises:
        ValueError: The fields contradict each other.
    """

    mask: NDArray[np.uint8 | np.uint16] = field(repr=False)
    labels: LabelSet = field(repr=False)
    image: NDArray[np.uint8] = field(repr=False)
    name: str
    uri: str
    model: str
    device: str
    engine: str
    seconds: Mapping[str, float]

    def __post_init__(self) -> None:
        if self.mask.ndim != 2 or not self.mask.size or self.mask.dtype.name not in ("uint8", "uint16"):
            raise ValueError(f"mask is {self.mask.shape} {self.mask.dtype}; expected (H, W) uint8 or uint16")
        if self.image.shape != (*self.mask.shape, 3) or self.image.dtype != np.uint8:
            raise ValueError(f"image is {self.image.shape} {self.image.dtype}; expected {(*self.mask.shape, 3)} uint8")
        if not all(math.isfinite(value) and value >= 0 for value in self.seconds.values()):
            raise ValueError(f"seconds are {dict(self.seconds)}; expected finite times, none below 0")
        if not source_fits(self.uri):
            raise ValueError(f"the uri has {len(self.uri)} characters, too many to be recorded in outputs")

    @property
    def palette(self) -> tuple[Color, ...]:
        """RGB colours of the classes, in the order of their values."""
        return self.labels.palette

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, in the order of their values."""
        return self.labels.names

    def areas(self) -> dict[str, int]:
        """Returns the pixels of each class that occurs, largest first.

        A name that occurs twice in the label set is followed by the value, "screen (130)"; a value without a name is
        "class 57", and the ignore index, unless it is a class, "ignored".
        """
        return {area.name: area.pixels for area in classes_in(self.mask, self.labels)}

    def shares(self) -> dict[str, float]:
        """Returns the fraction of the picture of each class that occurs, largest first, named as in `areas`."""
        return {area.name: area.share for area in classes_in(self.mask, self.labels)}

    def overlay(self, opacity: float = 0.5, legend: bool = True) -> NDArray[np.uint8]:
        """Draws the classes over the picture.

        Args:
            opacity: Weight of the class colours: 0 shows the picture, 1 the colours alone.
            legend: Add a panel with the classes that occur, beside or below the picture, which stays in the upper
                left corner. Its font has ASCII letters; for others it shows boxes.

        Returns:
            RGB picture: (H, W, 3), or larger with the legend.

        Raises:
            OutputError: The opacity is not within 0 to 1.
        """
        blended = blend(self.image, self.mask, self._table(), opacity)
        return add_legend(blended, classes_in(self.mask, self.labels)) if legend else blended

    def color(self) -> NDArray[np.uint8]:
        """Returns the mask in class colours, (H, W, 3) RGB."""
        return colorize(self.mask, self._table())

    def save_to_img(self, save_path: str | os.PathLike[str], kind: Kind = "overlay") -> Path:
        """Writes the result as a picture.

        Args:
            save_path: A folder, which receives `<name>_overlay.png`, `<name>_color.png` or `<name>_mask.png`: an
                existing one, or a path that ends with a separator or has no suffix. Or a file that ends with .png;
                for an overlay .jpg will do.
            kind: "overlay", with legend; "color"; or "mask", a PNG whose pixel values are the class values, with the
                palette (16-bit grey without one if the mask is uint16).

        Returns:
            The file written. In a folder that is `<name>~2_overlay.png` and so on if an output of another input, or
            a file that is not zoo's, has the name.

        Raises:
            OutputError: The kind is unknown, the suffix does not fit, the file belongs to another input or is not
                zoo's, or it cannot be written.
        """
        target = image_target(save_path, kind)
        if kind == "mask":
            content = encode_mask_png(self.mask, self._table(), self.uri)
        else:
            picture = self.overlay() if kind == "overlay" else self.color()
            encode = encode_jpeg if target.suffix in (".jpg", ".jpeg") else encode_png
            content = encode(picture, self.uri)
        return publish(target, self.name, f"_{kind}.png", content, self.uri)

    def save_to_json(
        self, save_path: str | os.PathLike[str], indent: int | None = 4, ensure_ascii: bool = False
    ) -> Path:
        """Writes the result as a document, `to_dict` in UTF-8.

        Args:
            save_path: A folder, which receives `<name>.json`, or a file that ends with .json, as in `save_to_img`.
            indent: Spaces a level; the mask is on one line all the same. None for the whole document on one line.
            ensure_ascii: Escape everything outside ASCII.

        Returns:
            The file written.

        Raises:
            OutputError: As in `save_to_img`.
        """
        target = json_target(save_path)
        content = to_json(self.to_dict(), indent, ensure_ascii).encode("utf-8") + b"\n"
        return publish(target, self.name, ".json", content, self.uri)

    def print(
        self,
        json_format: bool = True,
        indent: int = 4,
        ensure_ascii: bool = False,
        *,
        format_json: bool | None = None,
    ) -> None:
        """Prints the summary, which is the document without its mask, to standard output.

        Args:
            json_format: Indent it; False prints one line.
            indent: Spaces a level.
            ensure_ascii: Escape everything outside ASCII; done anyway where the terminal's encoding asks for it.
            format_json: Another name of `json_format`, which the PaddleX tutorial uses too.
        """
        wide = json_format if format_json is None else format_json
        text = to_json(self.to_dict(mask=False), indent if wide else None, ensure_ascii)
        try:
            text.encode(sys.stdout.encoding or "utf-8")
        except UnicodeEncodeError:
            text = to_json(self.to_dict(mask=False), indent if wide else None, True)
        sys.stdout.write(f"{text}\n")

    def to_dict(self, mask: bool = True) -> dict[str, Any]:
        """Returns the result as plain data, as `result.schema.json` in this package describes it.

        Args:
            mask: With the label map, as runs of equal values; `decode_mask` brings it back.
        """
        document: dict[str, Any] = {
            "schema": SCHEMA,
            "source": self.uri,
            "name": self.name,
            "model": self.model,
            "device": self.device,
            "engine": self.engine,
            "size": list(self.mask.shape),
            "seconds": {stage: float(value) for stage, value in self.seconds.items()},
            "ignore_index": self.labels.ignore_index,
            "classes": [
                {
                    "value": area.value,
                    "name": area.name,
                    "color": list(area.color),
                    "pixels": area.pixels,
                    "share": area.share,
                }
                for area in classes_in(self.mask, self.labels)
            ],
            "labels": list(self.labels.names),
        }
        return {**document, "mask": encode_mask(self.mask)} if mask else document

    def _table(self) -> NDArray[np.uint8]:
        return color_table(self.labels, np.iinfo(self.mask.dtype).max + 1)


def image_target(save_path: str | os.PathLike[str], kind: str) -> Target:
    """Checks where a picture of this kind is to go, and makes the folder.

    Raises:
        OutputError: As `Result.save_to_img` says.
    """
    if kind not in _SUFFIXES:
        raise OutputError(
            f"There is no picture of kind {printable(repr(kind))}. Expected one of: {', '.join(_SUFFIXES)}.",
            'Use kind="overlay"',
        )
    return find_target(save_path, _SUFFIXES[kind])


def json_target(save_path: str | os.PathLike[str]) -> Target:
    """Checks where a document is to go, and makes the folder.

    Raises:
        OutputError: As `Result.save_to_json` says.
    """
    return find_target(save_path, (".json",))
