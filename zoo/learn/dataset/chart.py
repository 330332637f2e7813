"""The class histogram of a dataset as a picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from zoo.contract.labels import LabelSet
from zoo.learn.report.bars import class_bars


def histogram(labels: LabelSet, pixels: Mapping[str, Counter[int]], pictures: Mapping[str, Counter[int]]) -> bytes:
    """Draws how much there is of each class.

    Args:
        labels: The classes.
        pixels: By split, the pixels of each class; the bars are their shares of the split.
        pictures: By split, in how many pictures each class occurs: the figure behind each bar.

    Returns:
        A PNG file.
    """

    def bar(split: str, number: int) -> tuple[float, str]:
        share = pixels[split][number] / (pixels[split].total() or 1)
        return share, f"{100 * share:.2f}%  {pictures[split][number]}"

    return class_bars(
        labels, {split: {number: bar(split, number) for number in range(len(labels))} for split in pixels}
    )
