"""Results as detections for supervision, if it is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from zoo.results.classes import classes_in
from zoo.results.formats.packages import need

if TYPE_CHECKING:
    from zoo.results.result import Result


def to_supervision(result: Result) -> Any:
    """Makes detections, one for each class that occurs, largest first. Pixels without a class belong to none.

    Returns:
        `supervision.Detections`: "mask" (N, H, W) bool, "xyxy" the boxes with the last pixel included, "class_id" the
        class values, "confidence" the mean scores if there are scores, and "class_name" in "data".

    Raises:
        OutputError: supervision is not installed.
    """
    supervision = need("supervision", "to_supervision")
    labels = result.labels
    areas = [
        area
        for area in classes_in(result.mask, labels, result.scores)
        if area.value < len(labels) or area.value != labels.ignore_index
    ]
    masks = result.mask == np.array([area.value for area in areas], result.mask.dtype)[:, None, None]
    boxes = np.array([_box(mask.any(axis=0), mask.any(axis=1)) for mask in masks], np.float32).reshape(-1, 4)
    scores = np.array([area.score for area in areas], np.float32) if result.scores is not None else None
    return supervision.Detections(
        xyxy=boxes,
        mask=masks,
        confidence=scores,
        class_id=np.array([area.value for area in areas], np.int64),
        data={"class_name": np.array([area.name for area in areas], np.str_)},
    )


def _box(columns: Any, rows: Any) -> tuple[int, int, int, int]:
    x, y = np.flatnonzero(columns), np.flatnonzero(rows)
    return int(x[0]), int(y[0]), int(x[-1]), int(y[-1])
