"""Runs models on the same pictures, one after the other, and looks where their masks differ."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import zoo.errors
from zoo.base.child import environment, python
from zoo.base.flow import ahead
from zoo.contract.labels import Color
from zoo.engine.device import available_cores
from zoo.errors import BackendError, ConfigError, ZooError
from zoo.learn.comparison.contender import Contender
from zoo.learn.comparison.one_side import lines_so_far
from zoo.learn.data import Sample

#: Called with the number of the side, from 0, and how many pictures it has done.
Report = Callable[[int, int], object]
_LOOK = 0.2


@dataclass(frozen=True, slots=True)
class Side:
    """What a contender did.

    Attributes:
        contender: Which.
        model: Name of its model.
        device: Where it ran.
        engine: What ran it, with its version.
        precision: Of the arithmetic.
        classes: Names of its classes, in the order of their values.
        palette: Their colours.
        opening: Seconds until the model was open.
        rate: Pictures a second, from reading them to their masks.
        memory: Most memory of its process, in bytes.
        failures: Pictures that it could not read or segment: address and reason.
        miou: Mean IoU, 0 to 1; None where there are no true masks.
    """

    contender: Contender
    model: str
    device: str
    engine: str
    precision: str
    classes: tuple[str, ...]
    palette: tuple[Color, ...]
    opening: float
    rate: float
    memory: int
    failures: tuple[tuple[str, str], ...]
    miou: float | None


@dataclass(frozen=True, slots=True, eq=False)
class PictureCompared:
    """A picture that every side has a mask of.

    Attributes:
        uri: Its address or path.
        name: What people call it.
        agreement: Share of the pixels with one class by name in the masks of all sides.
        masks: Masks of the sides, in their order: PNG files.
        picture: The picture, small: a JPEG file.
        shares: Share of each class in the mask of each side.
    """

    uri: str
    name: str
    agreement: float
    masks: tuple[Path, ...]
    picture: Path
    shares: tuple[Mapping[str, float], ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """Models side by side.

    Attributes:
        sides: They, in the order in which they were given.
        pictures: Those that all have masks of, in their order.
        agreements: Share of all pixels of these pictures in which two sides have one class by name, by the numbers of
            the sides.
    """

    sides: tuple[Side, ...]
    pictures: tuple[PictureCompared, ...]
    agreements: Mapping[tuple[int, int], float]


def compare_models(
    contenders: Sequence[Contender],
    folder: Path,
    *,
    sources: Sequence[str] = (),
    samples: Sequence[Sample] | None = None,
    load_options: Mapping[str, Any] | None = None,
    predict_options: Mapping[str, Any] | None = None,
    report: Report | None = None,
) -> Compared:
    """Compares models.

    Args:
        contenders: Two or more.
        folder: An empty folder, in which masks and pictures stay.
        sources: Paths and patterns of pictures.
        samples: Labelled pictures, in place of sources.
        load_options: Options of `zoo.load` for all of them.
        predict_options: Options of `Model.predict` for all of them.
        report: Is told how far it is.

    Raises:
        ConfigError: There are fewer than two contenders, or there is no picture that all have a mask of.
        ZooError: A model cannot be opened, or its options do not suit it.
        BackendError: The process of a contender ended.
    """
    if len(contenders) < 2:
        raise ConfigError("One model is nothing to compare.", "Name two or more.")
    documents: list[dict[str, Any]] = []
    places: list[Path] = []
    for number, contender in enumerate(contenders):
        place = folder / str(number)
        place.mkdir()
        order = {
            "model": contender.model,
            "load": {**(load_options or {}), "backend": contender.backend, "precision": contender.precision},
            "predict": dict(predict_options or {}),
            "sources": list(sources),
            "samples": None if samples is None else [[str(one.image), str(one.mask)] for one in samples],
            "pictures": number == 0,
        }
        (place / "order.json").write_text(json.dumps(order), encoding="utf-8")
        documents.append(_run(place, contender, lambda done, number=number: (report or _quiet)(number, done)))
        places.append(place)
    sides = tuple(_side(*pair) for pair in zip(contenders, documents, strict=True))
    return _compared(sides, places)


def _quiet(number: int, done: int) -> None:
    pass


def _run(place: Path, contender: Contender, report: Callable[[int], object]) -> dict[str, Any]:
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            python("zoo.learn.comparison.one_side", str(place)),
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        try:
            while not _ended(process, _LOOK):
                report(_count(place))
        finally:
            process.kill()
            process.wait()
        report(_count(place))
        if (place / "side.json").exists():
            return json.loads((place / "side.json").read_text(encoding="utf-8"))
        if (place / "error.json").exists():
            error = json.loads((place / "error.json").read_text(encoding="utf-8"))
            kind: type[ZooError] = getattr(zoo.errors, error["type"], ZooError)
            raise kind("{title}: {message}", error["hint"], title=contender.title, message=error["message"])
        said.seek(0)
        words = said.read()[-400:].decode("utf-8", "replace").strip()
    raise BackendError(
        "The process of {title} ended with status {status}: {words}",
        "Run: zoo doctor {model}",
        title=contender.title,
        status=process.returncode,
        words=words,
        model=contender.model,
    )


def _ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Waits so long for the end of a process, and says whether it came."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _count(place: Path) -> int:
    """Returns how many pictures a side has done, without reading what it says of them."""
    file = place / "pictures.jsonl"
    return file.read_bytes().count(b"\n") if file.exists() else 0


def _side(contender: Contender, document: dict[str, Any]) -> Side:
    return Side(
        contender,
        document["name"],
        document["device"],
        document["engine"],
        document["precision"],
        tuple(document["classes"]),
        tuple((red, green, blue) for red, green, blue in document["palette"]),
        document["opening"],
        document["pictures"] / document["seconds"] if document["seconds"] else 0.0,
        document["memory"],
        tuple((failure["uri"], failure["error"]) for failure in document["failures"]),
        document.get("mIoU"),
    )


def _compared(sides: tuple[Side, ...], places: Sequence[Path]) -> Compared:
    """Looks at the pictures that every side has a mask of."""
    lines = [{line["uri"]: (number, line) for number, line in enumerate(lines_so_far(place))} for place in places]
    common = [uri for uri in lines[0] if all(uri in others for others in lines[1:])]
    if not common:
        raise ConfigError(
            "There is no picture that all of {titles:, } have a mask of.",
            "Check the path of the pictures; the first failure was: {reason}",
            titles=[side.contender.title for side in sides],
            reason=next((reason for side in sides for _, reason in side.failures), "-"),
        )
    tables = common_numbers(sides)
    agreed: Counter[tuple[int, int]] = Counter()
    pixels, pictures = 0, list[PictureCompared]()
    masks = [tuple(place / f"{of[uri][0]}.png" for place, of in zip(places, lines, strict=True)) for uri in common]
    with closing(ahead(masks, partial(_agree, tables=tables), workers=available_cores())) as found:
        for uri, files, one in zip(common, masks, found, strict=True):
            agreed.update(one.pairs)
            pixels += one.pixels
            number, line = lines[0][uri]
            shares = tuple(of[uri][1]["shares"] for of in lines)
            picture = places[0] / f"{number}.jpg"
            pictures.append(PictureCompared(uri, line["name"], one.all / one.pixels, files, picture, shares))
    return Compared(sides, tuple(pictures), {pair: agreed[pair] / pixels for pair in agreed})


@dataclass(frozen=True, slots=True)
class _Agreement:
    """Pixels of a picture: how many there are, in how many two sides agree, and in how many all do."""

    pixels: int
    pairs: Mapping[tuple[int, int], int]
    all: int


def _agree(masks: Sequence[Path], tables: Sequence[NDArray[np.integer]]) -> _Agreement:
    classes = [_classes(*pair) for pair in zip(masks, tables, strict=True)]
    same = np.ones(classes[0].shape, np.bool_)
    pairs: dict[tuple[int, int], int] = {}
    for first, second in combinations(range(len(classes)), 2):
        alike = classes[first] == classes[second]
        pairs[first, second] = int(np.count_nonzero(alike))
        same &= alike
    return _Agreement(same.size, pairs, int(np.count_nonzero(same)))


def common_numbers(sides: Sequence[Side]) -> list[NDArray[np.integer]]:
    """Returns for each side a table (65536,) with a number for every mask value: one for classes of one name.

    What is no class has the number 0. Numbers are of one byte where that is enough, which is less to compare.
    """
    names = list(dict.fromkeys(name for side in sides for name in side.classes))
    tables: list[NDArray[np.integer]] = []
    for side in sides:
        table = np.zeros(1 << 16, np.min_scalar_type(len(names)))
        table[: len(side.classes)] = [names.index(name) + 1 for name in side.classes]
        tables.append(table)
    return tables


def _classes(file: Path, table: NDArray[np.integer]) -> NDArray[np.integer]:
    with Image.open(file) as picture:
        return np.take(table, np.asarray(picture))
