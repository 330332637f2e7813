"""A dataset folder written: images/, annotations/, lists, labels.txt, and what tells where it comes from."""

from __future__ import annotations

import io
import json
import shutil
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from PIL import Image

from zoo.contract.labels import LabelSet
from zoo.errors import DatasetError
from zoo.learn.annotations.annotated import Annotated, Drawn, Mask
from zoo.learn.dataset.dataset import SPLITS
from zoo.message import printable
from zoo.picture.image import most_pixels, open_picture
from zoo.picture.opening import check_size, open_regular
from zoo.picture.rgb import orientation_of, turned
from zoo.results.classes import color_table

if TYPE_CHECKING:
    from zoo.learn.annotations.conversion import Converted

_SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "BMP": ".bmp", "TIFF": ".tif", "WEBP": ".webp", "PPM": ".ppm"}
# From this EXIF orientation on height and width change places.
_FIRST_QUARTER = 5


@dataclass(frozen=True, slots=True)
class Copied:
    """A pair in the new folder.

    Attributes:
        image: Its path there.
        mask: Likewise.
        split: Which list names it.
        origin: The file of its annotations.
        drawn: Its mask and what was done for it; the mask is empty here.
        pixels: Its pixels by value.
        turned: Whether the annotations were for the picture as it is stored, and turned as its EXIF orientation says.
    """

    image: str
    mask: str
    split: str
    origin: Path
    drawn: Drawn
    pixels: Counter[int]
    turned: bool


def unique_names(names: Iterable[str]) -> list[str]:
    """Returns names for new files, each once: what no line of a list can hold becomes "_"."""
    taken: set[str] = set()
    given: list[str] = []
    for name in names:
        clean = "".join(sign if sign.isprintable() and sign not in "\\\"'" else "_" for sign in name)
        free, number = clean, 2
        while free in taken:
            free, number = f"{clean}_{number}", number + 1
        taken.add(free)
        given.append(free)
    return given


def copy_pair(folder: Path, labels: LabelSet, one: Annotated, name: str) -> Copied:
    """Copies a picture byte for byte and writes its mask.

    Raises:
        ZooError: The picture cannot be read, its annotations are damaged, or they are about another size.
    """
    if callable(one.picture):
        content = one.picture()
        said = f"{printable(one.origin)} (imageData)"
        return _pair(folder, labels, one, name, io.BytesIO(content), said, "")
    with open_regular(one.picture) as file:
        return _pair(folder, labels, one, name, file, printable(one.picture), one.picture.suffix)


def _pair(folder: Path, labels: LabelSet, one: Annotated, name: str, file: BinaryIO, said: str, suffix: str) -> Copied:
    most = most_pixels()
    with open_picture(file, said, most) as picture:
        check_size(picture.height, picture.width, said, most)
        orientation, kind = orientation_of(picture, said), picture.format or ""
        stored = picture.height, picture.width
    # Of a TIFF Pillow has the turned size already.
    quarter = orientation >= _FIRST_QUARTER and kind != "TIFF"
    shown = stored[::-1] if quarter else stored
    size = one.size or shown
    if size not in (shown, stored):
        raise DatasetError(
            "{origin} is about a picture of {height}x{width}, and {picture} is {real_height}x{real_width}.",
            "Annotate the picture as it is, or put the one that was annotated in its place.",
            origin=one.origin,
            height=size[0],
            width=size[1],
            picture=said,
            real_height=shown[0],
            real_width=shown[1],
        )
    drawn = one.draw(size)
    mask = turned(drawn.mask, orientation) if size != shown else drawn.mask
    image_name = f"images/{name}{suffix or _SUFFIXES.get(kind, '.' + kind.lower())}"
    mask_name = f"annotations/{name}.png"
    for path in (folder / image_name, folder / mask_name):
        path.parent.mkdir(parents=True, exist_ok=True)
    _write_mask(folder / mask_name, mask, labels)
    file.seek(0)
    with open(folder / image_name, "xb") as copy:
        shutil.copyfileobj(file, copy, 1 << 20)
    counts = np.bincount(mask.reshape(-1), minlength=256)
    pixels = Counter({int(value): int(counts[value]) for value in np.flatnonzero(counts)})
    kept = Drawn(np.empty((0, 0), np.uint8), drawn.shapes, drawn.dropped, drawn.rules)
    return Copied(image_name, mask_name, one.split or SPLITS[0], one.origin, kept, pixels, size != shown)


def _write_mask(path: Path, mask: Mask, labels: LabelSet) -> None:
    picture = Image.fromarray(mask)
    picture.putpalette(color_table(labels, 256).tobytes())
    with open(path, "xb") as file:
        picture.save(file, "PNG", compress_type=zlib.Z_RLE)


def list_text(pairs: Iterable[tuple[str, str]]) -> str:
    """Returns the text of a list file; names with blanks stand in quotes."""
    return "".join(" ".join(f'"{name}"' if " " in name else name for name in pair) + "\n" for pair in pairs)


def write_lists(folder: Path, labels: LabelSet, copied: Sequence[Copied]) -> None:
    """Writes the lists, and labels.txt."""
    pairs: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for one in copied:
        pairs[one.split].append((one.image, one.mask))
    for split, listed in pairs.items():
        (folder / f"{split}.txt").write_text(list_text(listed), encoding="utf-8")
    (folder / "labels.txt").write_text("".join(f"{name}\n" for name in labels.names), encoding="utf-8")


def write_result(path: Path, made: Converted, copied: Sequence[Copied]) -> None:
    """Writes what a conversion tells of itself."""
    document = {
        **conversion_figures(made),
        "files": [
            {"image": one.image, "mask": one.mask, "from": printable(one.origin), "turned": one.turned}
            for one in copied
        ],
    }
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def conversion_figures(made: Converted) -> dict[str, object]:
    """Returns a conversion as plain data."""
    colours = color_table(made.labels, 256)
    return {
        "format": made.form,
        "source": printable(made.source),
        "folder": printable(made.folder),
        "splits": {name: made.splits[name] for name in SPLITS if name in made.splits},
        "classes": [
            {
                "value": value,
                "name": name,
                "color": colours[value].tolist(),
                "shapes": made.shapes[value],
                "pictures": made.pictures[value],
                "pixels": made.pixels[value],
            }
            for value, name in enumerate(made.labels.names)
        ],
        "ignored_pixels": made.pixels[made.labels.ignore_index],
        "dropped": [{"what": what, "count": count} for what, count in made.dropped.items()],
        "rules": [{"rule": rule, "shapes": count} for rule, count in made.rules.items()],
        "turned": made.turned,
        "failures": [{"name": name, "error": error.message} for name, error in made.failures.items()],
    }
