"""The same picture twice, by content: also where one of the two was encoded again, or in another size.

A picture is known by a grey thumbnail of 32 x 32 means, upright as it is seen. Two pictures are the same where their
files are equal byte for byte; or where no mean differs by more than 4.5 grey levels, and the means by no more than 1 on
average. JPEG keeps that down to quality 50, and half the size does; two frames of a street, a second apart while the
car stands, do not. Where pictures are small the means are of 8 x 8 pixels and more, which JPEG changes as little.
Pictures that are nearly flat say too little to be the same by their thumbnails.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from zoo.learn.dataset.look import SIDE, ImageLook

# Most difference of a mean, and of all on average, in grey levels.
_MOST, _AVERAGE = 4.5, 1.0
# Standard deviation of the means below which a picture is flat.
_FLAT = 4.0
# How much height divided by width may differ, for a size that was rounded.
_SHAPE = 0.02
# Fewest means a side and most pixels that one needs.
_COARSEST, _PIXELS = 8, 8
_QUARTERS = 4


def same_pictures(looks: Sequence[ImageLook]) -> list[list[int]]:
    """Groups pictures that are the same.

    Args:
        looks: What was seen of each picture; those that could not be read are the same as none.

    Returns:
        The numbers of the pictures of each group of two and more, both in order.
    """
    leader = list(range(len(looks)))

    def first_of(number: int) -> int:
        while leader[number] != number:
            number = leader[number]
        return number

    for one, other in [*_equal_files(looks), *_near(looks)]:
        low, high = sorted((first_of(one), first_of(other)))
        leader[high] = low
    groups: dict[int, list[int]] = {}
    for number in range(len(looks)):
        groups.setdefault(first_of(number), []).append(number)
    return [group for group in groups.values() if len(group) > 1]


def _equal_files(looks: Sequence[ImageLook]) -> Iterator[tuple[int, int]]:
    first: dict[bytes, int] = {}
    for number, look in enumerate(looks):
        if look.digest:
            other = first.setdefault(look.digest, number)
            if other != number:
                yield other, number


def _near(looks: Sequence[ImageLook]) -> Iterator[tuple[int, int]]:
    """Yields pairs of pictures with near thumbnails; sorted by brightness, each is compared with few."""
    first = {look.digest: number for number, look in reversed(list(enumerate(looks))) if look.thumbnail}
    numbers = np.array(sorted(first.values()), np.int64)
    if len(numbers) < 2:
        return
    means = np.stack([np.frombuffer(looks[number].thumbnail, np.uint8) for number in numbers.tolist()])
    kept = means.std(axis=1) >= _FLAT
    numbers, means = numbers[kept], means[kept]
    brightness = means.mean(axis=1)
    order = np.argsort(brightness, kind="stable")
    numbers, means, brightness = numbers[order], means[order], brightness[order]
    coarse = _means(means, _QUARTERS).reshape(len(numbers), _QUARTERS**2)
    ends = np.searchsorted(brightness, brightness + _AVERAGE, side="right")
    for row, end in enumerate(ends.tolist()):
        near = np.abs(coarse[row + 1 : end] - coarse[row]).max(axis=1, initial=0.0) <= _MOST
        for other in (np.flatnonzero(near) + row + 1).tolist():
            one, two = int(numbers[row]), int(numbers[other])
            if _alike(looks[one], looks[two], means[[row, other]]):
                yield one, two


def _alike(one: ImageLook, other: ImageLook, means: NDArray[np.uint8]) -> bool:
    shapes = [look.size[0] / look.size[1] for look in (one, other)]
    if abs(shapes[0] / shapes[1] - 1) > _SHAPE:
        return False
    side = SIDE
    while side > _COARSEST and side * _PIXELS > min(*one.size, *other.size):
        side //= 2
    first, second = _means(means, side)
    apart = np.abs(first - second)
    return bool(apart.max() <= _MOST and apart.mean() <= _AVERAGE)


def _means(thumbnails: NDArray[np.uint8], side: int) -> NDArray[np.float64]:
    """Returns thumbnails (N, 32 * 32) with fewer means, (N, side, side)."""
    return thumbnails.reshape(-1, side, SIDE // side, side, SIDE // side).mean(axis=(2, 4))
