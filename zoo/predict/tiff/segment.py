"""A TIFF of any height to a label TIFF, strip by strip."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo.bundle.bundle import Bundle
from zoo.contract.spec import Window
from zoo.errors import OutputError
from zoo.predict.tiff.read import open_tiff
from zoo.predict.tiff.write import write_labels
from zoo.segment.slide import (
    Progress,
    Run,
    Strip,
    slide,
)


def segment_tiff(
    source: str | os.PathLike[str],
    target: str | os.PathLike[str],
    run: Run,
    bundle: Bundle,
    window: Window,
    *,
    batch_size: int = 1,
    scores: bool = False,
    relabel: Callable[[Strip], NDArray[np.uint8 | np.uint16]] | None = None,
    palette: Sequence[tuple[int, int, int]] = (),
    description: str = "",
    progress: Callable[[Progress], None] | None = None,
) -> Path:
    """Segments a TIFF of any height into a label TIFF; memory is that of one row of windows.

    Args:
        source: The picture.
        target: The label map; see `write_labels`.
        run: As in `slide`, like the next three.
        bundle: See there.
        window: See there.
        batch_size: See there.
        scores: Give `relabel` the scores too.
        relabel: Turns a finished strip into what is written, one dtype for all; by default its labels.
        palette: See `write_labels`.
        description: See `write_labels`.
        progress: Called with every batch of windows and every strip.

    Returns:
        The target.

    Raises:
        OutputError: The target cannot be written, or is the source itself.
        ZooError: Whatever `open_tiff` and `slide` raise.
    """
    with open_tiff(source) as rows:
        with contextlib.suppress(OSError):
            if os.path.samefile(source, target):
                raise OutputError(
                    "{target} is the picture itself. Another file was expected.", "Give another name.", target=target
                )
        strips = slide(rows, run, bundle, window, batch_size=batch_size, scores=scores, progress=progress)
        blocks = (strip.labels if relabel is None else relabel(strip) for strip in strips)
        return write_labels(target, rows.size, blocks, palette=palette, description=description)
