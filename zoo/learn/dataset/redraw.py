"""One file of a dataset copied, or drawn again with what was wrong repaired. Runs in processes of its own."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zoo.errors import ZooError
from zoo.learn.data.masks import read_mask
from zoo.learn.dataset.look import packed
from zoo.message import described
from zoo.picture.image import read_image
from zoo.picture.rgb import turned


@dataclass(frozen=True, slots=True)
class Redraw:
    """What is to be done to a file.

    Attributes:
        source: The file.
        what: What is repaired, in words; empty where it is copied byte for byte.
        upright: It is a picture, which is saved as it is seen.
        turn: EXIF orientation that a mask is turned by, after its own; 0 for none.
        colours: Mask value of each colour, as of `zoo.learn.dataset.look.packed`; empty where it has none.
        values: New mask values of those that change.
    """

    source: Path
    what: str = ""
    upright: bool = False
    turn: int = 0
    colours: Mapping[int, int] = field(default_factory=dict[int, int])
    values: Mapping[int, int] = field(default_factory=dict[int, int])


def redraw(order: tuple[Redraw, Path]) -> str:
    """Copies a file, or draws it as PNG.

    Args:
        order: What is to be done, and the new file.

    Returns:
        Why it could not be done; empty where it was.
    """
    task, target = order
    try:
        if not task.what:
            shutil.copyfile(task.source, target)
        elif task.upright:
            Image.fromarray(read_image(task.source)).save(target, "PNG")
        else:
            Image.fromarray(_mask(task)).save(target, "PNG")
    except ZooError as error:
        return error.message
    except OSError as error:
        return error.strerror or described(error)
    return ""


def _mask(task: Redraw) -> NDArray[np.uint8 | np.uint16]:
    """Returns the repaired mask."""
    if task.colours:
        pixels = packed(read_image(task.source))
        # All colours were seen to be classes.
        known = np.array(sorted(task.colours), np.uint32)
        meant = np.array([task.colours[int(color)] for color in known], np.uint16)
        values = meant[np.searchsorted(known, pixels)]
    else:
        values = read_mask(task.source)
    if task.turn:
        values = turned(values, task.turn)
    table = np.arange(65536, dtype=np.uint16)
    for old, new in task.values.items():
        table[old] = new
    mended = table[values]
    return mended.astype(np.uint8) if mended.max(initial=0) < 256 else mended
