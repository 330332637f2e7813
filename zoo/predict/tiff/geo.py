"""Where on a map a TIFF lies: the tags of GeoTIFF and GDAL, which a label map of the same pixels takes over."""

from __future__ import annotations

import logging
import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np

#: A tag as tifffile writes it: code, type, count, value, whether it stands in the first page only.
Tag: TypeAlias = tuple[int, int, int, Any, bool]

#: ModelPixelScale, ModelTiepoint, ModelTransformation, GeoKeyDirectory, GeoDoubleParams, GeoAsciiParams.
_PLACE = (33550, 33922, 34264, 34735, 34736, 34737)
_METADATA, _NODATA = 42112, 42113
_ASCII = 2
# What is said of a band (its statistics, its scale) is not true of classes.
_OF_A_BAND = re.compile(r"\s*<Item\b[^>]*\bsample=[^>]*?(?:/>|>.*?</Item>)", re.DOTALL)


def place_tags(page: Any, unknown: int) -> Iterator[Tag]:
    """Yields the tags of a label map for a page.

    Args:
        page: tifffile's page of the picture. Its reference system and transform are taken as they are, and of GDAL's
            metadata what is said of the whole file.
        unknown: The value of pixels without a class; it is what the map has for pixels without data, where the picture
            has such.
    """
    for code in _PLACE:
        if (tag := page.tags.get(code)) is not None:
            yield code, int(tag.dtype), int(tag.count), tag.value, True
    metadata = _OF_A_BAND.sub("", str(page.tags.valueof(_METADATA, "")))
    if "<Item" in metadata:
        yield _METADATA, _ASCII, 0, metadata, True
    if nodata_of(page) is not None:
        yield _NODATA, _ASCII, 0, str(unknown), True


def nodata_text(page: Any) -> str:
    """Returns what the file says of that value; empty where it says nothing."""
    return str(page.tags.valueof(_NODATA, "")).strip()


def nodata_of(page: Any) -> int | None:
    """Returns the value that says that a pixel has no data; None where there is none that a pixel can have."""
    try:
        value = float(nodata_text(page))
    except ValueError:
        return None
    whole = value.is_integer() and 0 <= value <= np.iinfo(f"u{page.bitspersample // 8}").max
    return int(value) if whole else None


@contextmanager
def quiet_about_nodata() -> Generator[None, None, None]:
    """Keeps tifffile from logging that it does not understand GDAL_NODATA, which is said in zoo's words."""
    log = logging.getLogger("tifffile")

    def wanted(record: logging.LogRecord) -> bool:
        return "GDAL_NODATA" not in record.getMessage()

    log.addFilter(wanted)
    try:
        yield
    finally:
        log.removeFilter(wanted)
