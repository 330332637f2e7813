"""Result: the label map of one picture with everything needed to read, draw and write it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from zoo.contract.labels import Color
from zoo.errors import OutputError
from zoo.results.classes import classes_in
from zoo.results.document import describe
from zoo.results.drawing.draw import OPACITY
from zoo.results.drawing.segmented import Segmented
from zoo.results.drawing.show import preview_html, preview_png, print_summary
from zoo.results.fields import check_fields
from zoo.results.files.save import picture_options, save
from zoo.results.masktext import MaskForm, check_form, encode_mask

if TYPE_CHECKING:
    from zoo.results.formats.polygons import Polygon


@dataclass(frozen=True, eq=False)
class Result(Segmented):
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
        scores: (H, W) float32, the probability of each pixel's class, 0..1; None if they were not asked for.
        note: What else is to be known, such as "first of 12 frames"; mostly empty.
        origin: Whose model it was: the distribution that brings it with its version, or the folder or pack it was
            opened from; empty where nobody said.
        precision: Precision in which the engine really computed, such as "float32"; empty where nobody said.
        why: Why this engine ran it, a clause; empty where nobody said.

    Raises:
        ValueError: The fields contradict each other.
    """

    name: str
    uri: str
    model: str
    device: str
    engine: str
    seconds: Mapping[str, float]
    scores: NDArray[np.float32] | None = field(default=None, repr=False)
    note: str = ""
    origin: str = ""
    precision: str = ""
    why: str = ""

    def __post_init__(self) -> None:
        check_fields(self)

    def __repr__(self) -> str:
        height, width = self.mask.shape
        return f"<Result of {self.name!r}: {height}x{width}, {len(self.labels)} classes, {self.model} on {self.device}>"

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the picture."""
        return (self.mask.shape[0], self.mask.shape[1])

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
        "class 57", and the ignore index, unless it is a class, "unknown".
        """
        return {area.name: area.pixels for area in classes_in(self.mask, self.labels)}

    def shares(self) -> dict[str, float]:
        """Returns the fraction of the picture of each class that occurs, largest first, named as in `areas`."""
        return {area.name: area.share for area in classes_in(self.mask, self.labels)}

    def mean_scores(self) -> dict[str, float]:
        """Returns the mean score of the pixels of each class that occurs, largest class first, named as in `areas`.

        Raises:
            OutputError: The result has no scores.
        """
        areas = classes_in(self.mask, self.labels, self.require_scores())
        return {area.name: area.score for area in areas if area.score is not None}

    def require_scores(self) -> NDArray[np.float32]:
        """Returns the scores.

        Raises:
            OutputError: There are none.
        """
        if self.scores is None:
            raise OutputError(
                "The result of {name} has no scores. They are computed where they are asked for.",
                "Use scores=True",
                name=self.name,
            )
        return self.scores

    def polygons(self, tolerance: float = 0.0) -> tuple[Polygon, ...]:
        """Returns the outlines of the regions of the mask; see `zoo.results.formats.polygons`.

        Args:
            tolerance: Pixels by which an outline may leave the exact one to save corners.

        Raises:
            OutputError: The tolerance is not a number from 0 up.
        """
        from zoo.results.formats.polygons import trace

        return trace(self.mask, tolerance)

    def save_to_img(
        self,
        save_path: str | os.PathLike[str],
        kind: str = "overlay",
        opacity: float = OPACITY,
        legend: bool | None = None,
        **options: Any,
    ) -> Path:
        """Writes the result as a picture.

        Args:
            save_path: A folder, which receives `<name>_overlay.png`, `<name>_color.png` and so on: an existing one, or
                a path that ends with a separator or has no suffix. Or a file that ends with .png; for an overlay and
                for "side" .jpg will do.
            kind: "overlay"; "color", the class colours alone; "mask", a PNG whose pixel values are the class values,
                with the palette (16-bit grey without one if the mask is uint16); or "side", picture and overlay side by
                side.
            opacity: Weight of the class colours in an overlay.
            legend: Add the panel with the classes that occur; by default to overlays. A mask cannot have one.
            options: What the kind takes besides: `outline`, `names` and `font` as in `overlay`.

        Returns:
            The file written. In a folder that is `<name>~2_overlay.png` and so on if an output of another input, or
            a file that is not zoo's, has the name.

        Raises:
            OutputError: The kind is unknown, the suffix does not fit, the file belongs to another input or is not
                zoo's, it cannot be written, or the opacity is not within 0 to 1.
        """
        return save(self, save_path, kind, picture_options(kind, opacity, legend, options))

    def save_to_json(
        self,
        save_path: str | os.PathLike[str],
        indent: int | None = 4,
        ensure_ascii: bool = False,
        mask: MaskForm | None = "rle",
    ) -> Path:
        """Writes the result as a document, `to_dict` in UTF-8.

        Args:
            save_path: A folder, which receives `<name>.json`, or a file that ends with .json, as in `save_to_img`.
            indent: Spaces a level; the mask is not indented. None for the whole document on one line.
            ensure_ascii: Escape everything outside ASCII.
            mask: Form of the label map: "rle", runs of equal values; "full", a list of rows of numbers; None for none.

        Returns:
            The file written.

        Raises:
            OutputError: As in `save_to_img`, or there is no such form.
        """
        if mask is not None:
            check_form(mask)
        return save(self, save_path, "json", {"indent": indent, "ensure_ascii": ensure_ascii, "mask": mask})

    def save(self, save_path: str | os.PathLike[str], format: str, **options: Any) -> Path:  # noqa: A002
        """Writes the result in one of the forms of `zoo.results.FORMATS`.

        Args:
            save_path: A folder, which receives a file with the input's name, or a file, as in `save_to_img`.
            format: "json" or a kind of picture; "coco", "geojson", "labelme", "cvat" or "labelstudio"; or one that a
                plugin brings.
            options: What `save_to_json`, `save_to_img`, the function `to_coco` and so on of `zoo.results.formats`, or
                the plugin takes besides.

        Returns:
            The file written.

        Raises:
            OutputError: As in `save_to_img`, or there is no such format, or the plugin that brings it fails.
            TypeError: The format has no such option.
        """
        return save(self, save_path, format, options)

    def print(
        self,
        json_format: bool | None = None,
        indent: int | None = 4,
        ensure_ascii: bool = False,
        *,
        format_json: bool | None = None,
    ) -> None:
        """Prints the summary, which is the document without its mask, to standard output.

        Args:
            json_format: Indent it, which is the default; False prints one line.
            indent: Spaces a level.
            ensure_ascii: Escape everything outside ASCII; done anyway where the terminal's encoding asks for it.
            format_json: Another name of `json_format`, which the PaddleX tutorial uses too.

        Raises:
            OutputError: Both names are given and contradict each other.
        """
        print_summary(self, json_format, format_json, indent, ensure_ascii)

    def to_dict(self, mask: MaskForm | bool | None = "rle") -> dict[str, Any]:
        """Returns the result as plain data, as `result.schema.json` in this package describes it.

        Args:
            mask: Form of the label map: "rle" or True, runs of equal values; "full", a list of rows; None or False for
                none. `decode_mask` brings it back.

        Raises:
            OutputError: There is no such form.
        """
        document = describe(self)
        if mask is None or mask is False:
            return document
        return {**document, "mask": encode_mask(self.mask, "rle" if mask is True else check_form(mask))}

    def to_coco(self, compressed: bool = True) -> dict[str, Any]:
        """Returns the result as a COCO document; see `zoo.results.formats.coco.to_coco`."""
        from zoo.results.formats.coco import to_coco

        return to_coco(self, compressed=compressed)

    def to_geojson(
        self, tolerance: float = 0.0, min_area: int = 0, coordinates: Literal["picture", "map"] = "picture"
    ) -> dict[str, Any]:
        """Returns the outlines as GeoJSON; see `zoo.results.formats.geojson.to_geojson`."""
        from zoo.results.formats.geojson import to_geojson

        return to_geojson(self, tolerance=tolerance, min_area=min_area, coordinates=coordinates)

    def to_pandas(self) -> Any:
        """Returns a `pandas.DataFrame` with a row a class; see `zoo.results.formats.table.to_pandas`."""
        from zoo.results.formats.table import to_pandas

        return to_pandas(self)

    def to_supervision(self) -> Any:
        """Returns the classes as `supervision.Detections`; see `zoo.results.formats.detections.to_supervision`."""
        from zoo.results.formats.detections import to_supervision

        return to_supervision(self)

    def _repr_png_(self) -> bytes:
        return preview_png(self)

    def _repr_html_(self) -> str:
        return preview_html(self)
