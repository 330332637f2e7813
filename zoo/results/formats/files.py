"""The formats of other programs as files: what they are called and how they are encoded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.results.formats.coco import to_coco
from zoo.results.formats.cvat import to_cvat
from zoo.results.formats.geojson import to_geojson
from zoo.results.formats.labelme import to_labelme
from zoo.results.formats.labelstudio import to_labelstudio

if TYPE_CHECKING:
    from zoo.results.result import Result


@dataclass(frozen=True, slots=True)
class FileFormat:
    """A format.

    Attributes:
        ending: What follows the stem of the input's name in a folder.
        suffixes: What a file's name may end with, in lower case.
        many: Whether one file can hold many results.
        encode: Makes the content of a file of the results (one, unless `many`), the folder it will be in, and options.
    """

    ending: str
    suffixes: tuple[str, ...]
    many: bool
    encode: Callable[[Iterable[Result], Path, Mapping[str, Any]], bytes]


def _coco(results: Iterable[Result], _: Path, options: Mapping[str, Any]) -> bytes:
    return _json(to_coco(results, **options))


def _geojson(results: Iterable[Result], _: Path, options: Mapping[str, Any]) -> bytes:
    (result,) = results
    return _json(to_geojson(result, **options))


def _labelme(results: Iterable[Result], folder: Path, options: Mapping[str, Any]) -> bytes:
    (result,) = results
    return _json(to_labelme(result, folder=folder, **options))


def _cvat(results: Iterable[Result], _: Path, options: Mapping[str, Any]) -> bytes:
    return to_cvat(results, **options).encode("utf-8")


def _labelstudio(results: Iterable[Result], _: Path, options: Mapping[str, Any]) -> bytes:
    return _json(to_labelstudio(results, **options))


def _json(document: object) -> bytes:
    # In ASCII, because file names may hold what is no text.
    return json.dumps(document, separators=(",", ":"), allow_nan=False).encode("ascii") + b"\n"


FILES: Mapping[str, FileFormat] = {
    "coco": FileFormat("_coco.json", (".json",), True, _coco),
    "cvat": FileFormat("_cvat.xml", (".xml",), True, _cvat),
    "geojson": FileFormat(".geojson", (".geojson", ".json"), False, _geojson),
    # LabelMe looks for the annotations of street.jpg in street.json.
    "labelme": FileFormat(".json", (".json",), False, _labelme),
    "labelstudio": FileFormat("_labelstudio.json", (".json",), True, _labelstudio),
}
