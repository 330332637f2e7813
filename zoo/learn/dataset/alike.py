"""The same picture twice, by content: also where one of the two was encoded again.

A picture is known by a grey thumbnail of 32 x 32 means, upright as it is seen. Two pictures are the same where their
files are equal byte for byte; or where no mean differs by more than 6 grey levels and the means by 1.2 on average,
which JPEG keeps down to quality 30. Frames of a video one second apart differ by more as soon as anything moves. A copy
of another size has other edges: there 20 and 2.5 are allowed. Pictures that are nearly flat say too little to be the
same by their thumbnails.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from zoo.learn.dataset.look import SIDE, ImageLook

# Most difference of a mean and of all means, for copies of the same size and of another.
_SAME_SIZE, _OTHER_SIZE = (6, 1.2), (20, 2.5)
# Standard deviation of the means below which a picture is flat.
_FLAT = 4.0
# How much height divided by width may differ, for a size that was rounded.
_SHAPE = 0.02
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
    coarse = means.reshape(-1, _QUARTERS, SIDE // _QUARTERS, _QUARTERS, SIDE // _QUARTERS).mean(axis=(2, 4))
    coarse = coarse.reshape(len(numbers), -1)
    ends = np.searchsorted(brightness, brightness + _OTHER_SIZE[1], side="right")
    for row, end in enumerate(ends.tolist()):
        near = np.abs(coarse[row + 1 : end] - coarse[row]).max(axis=1, initial=0.0) <= _OTHER_SIZE[0]
        for other in (np.flatnonzero(near) + row + 1).tolist():
            one, two = int(numbers[row]), int(numbers[other])
            apart = np.abs(means[row].astype(np.int16) - means[other])
            most, average = _allowed(looks[one], looks[two])
            if apart.max() <= most and apart.mean() <= average:
                yield one, two


def _allowed(one: ImageLook, other: ImageLook) -> tuple[float, float]:
    if one.size == other.size:
        return _SAME_SIZE
    shapes = [look.size[0] / look.size[1] for look in (one, other)]
    return _OTHER_SIZE if abs(shapes[0] / shapes[1] - 1) <= _SHAPE else (-1.0, -1.0)
