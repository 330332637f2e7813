"""Where on a map a picture lies, as its GeoTIFF file says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zoo.errors import OutputError
from zoo.message import Message

_SCALE, _TIEPOINT, _TRANSFORMATION, _KEYS, _TEXTS, _TURNED = 33550, 33922, 34264, 34735, 34737, 274
# Keys of the GeoKeyDirectory: whether a pixel is an area or a point, the codes of the reference systems, their names.
_RASTER_TYPE, _PROJECTED, _GEOGRAPHIC, _CITATIONS = 1025, 3072, 2048, (1026, 3073, 2049)
_OF_THE_USER = 32767


@dataclass(frozen=True, eq=False, slots=True)
class Georeference:
    """Where a picture lies.

    Attributes:
        transform: (2, 3), from (x, y, 1) in the picture, with (0, 0) the upper left corner of the upper left pixel, to
            the two coordinates of the map.
        epsg: Code of the reference system; None where it has none.
        name: What the file calls it; may be empty.
    """

    transform: NDArray[np.float64]
    epsg: int | None
    name: str

    @property
    def turns(self) -> bool:
        """Whether what is counterclockwise in the picture's numbers is clockwise in the map's."""
        return float(np.linalg.det(self.transform[:, :2])) < 0

    def on_map(self, points: NDArray[np.int64]) -> NDArray[np.float64]:
        """Returns (N, 2) points (x, y) of the picture in the coordinates of the map."""
        return points @ self.transform[:, :2].T + self.transform[:, 2]


def read_georeference(uri: str, size: tuple[int, int]) -> Georeference:
    """Reads where a picture lies.

    Args:
        uri: Its file.
        size: (H, W) of the picture as it was segmented.

    Raises:
        OutputError: The file does not say it, or lies in another way than the picture that was read.
    """
    try:
        with Image.open(uri) as picture:
            tags: Any = getattr(picture, "tag_v2", {})
            if (picture.height, picture.width) != size or tags.get(_TURNED, 1) != 1:
                raise _unplaced(uri, Message("is stored turned, or was changed since it was read"))
            keys = _keys(tags)
            matrix = _transform(tags, uri)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise _unplaced(uri, Message("cannot be read as a GeoTIFF: {reason}", reason=error)) from error
    if keys.get(_RASTER_TYPE) == 2:
        # Whole numbers are the middles of pixels.
        matrix[:, 2] -= matrix[:, :2] @ (0.5, 0.5)
    code = keys.get(_PROJECTED, keys.get(_GEOGRAPHIC))
    epsg = int(code) if isinstance(code, int) and 0 < code < _OF_THE_USER else None
    name = next((str(keys[key]) for key in _CITATIONS if keys.get(key)), "")
    return Georeference(matrix, epsg, name)


def _unplaced(uri: str, fact: str) -> OutputError:
    return OutputError(
        "{uri} {fact}. A GeoTIFF with a transform was expected, for coordinates of a map.",
        "Use the picture's coordinates: coordinates='picture'",
        uri=uri,
        fact=fact,
    )


def _transform(tags: Any, uri: str) -> NDArray[np.float64]:
    matrix = np.array(tags.get(_TRANSFORMATION, ()), dtype=np.float64)
    if matrix.size == 16:
        return matrix.reshape(4, 4)[:2][:, [0, 1, 3]]
    scale, point = tags.get(_SCALE, ()), tags.get(_TIEPOINT, ())
    if len(scale) < 2 or len(point) != 6:
        raise _unplaced(uri, Message("does not say where it lies"))
    column, row, _, x, y, _ = point
    return np.array([[scale[0], 0, x - column * scale[0]], [0, -scale[1], y + row * scale[1]]], dtype=np.float64)


def _keys(tags: Any) -> dict[int, int | str]:
    """Returns the GeoKeys that are codes or texts."""
    found: dict[int, int | str] = {}
    entries = cast("tuple[int, ...]", tags.get(_KEYS, ()))
    for start in range(4, len(entries) - 3, 4):
        key, place, count, value = entries[start : start + 4]
        if place == 0:
            found[key] = value
        elif place == _TEXTS:
            found[key] = str(tags.get(_TEXTS, ""))[value : value + count].rstrip("|\0")
    return found
