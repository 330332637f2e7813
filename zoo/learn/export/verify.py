"""How far an export agrees with the network it was made from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.engine.samples import smooth_noise
from zoo.errors import ExportError

#: Smallest accepted share of pixels with the same class.
REQUIRED = 0.999
# Two classes are as good as each other where their logits differ by less, as a fraction of the largest logit: float32
# makes 4e-4 of it of an untrained SeaFormer, and one such pixel among the few hundred of a test would be too many.
_TIE = 1e-3


@dataclass(frozen=True, slots=True)
class Agreement:
    """Result of a comparison.

    Attributes:
        pixels: Logits positions, or labels, compared.
        same: How many of them have the same class, or one of two whose logits are equal but for rounding.
        difference: Largest difference of two logits, as a fraction of the largest logit; 0 for labels.
    """

    pixels: int
    same: int
    difference: float

    @classmethod
    def none(cls) -> Agreement:
        """Returns the comparison of nothing."""
        return cls(0, 0, 0.0)

    @property
    def share(self) -> float:
        """Fraction of equal classes; 0 when nothing was compared."""
        return self.same / self.pixels if self.pixels else 0.0

    def add(self, exported: NDArray[Any], expected: NDArray[Any]) -> Agreement:
        """Returns the agreement with one more batch.

        Args:
            exported: Logits (N, C, h, w), or labels (N, H, W).
            expected: The same of the network.

        Raises:
            ExportError: The shapes differ.
        """
        if exported.shape != expected.shape:
            raise ExportError(
                "The export returns shape {shape}, the network {expected_shape}.",
                "Report it to the author of the network.",
                shape=exported.shape,
                expected_shape=expected.shape,
            )
        difference = self.difference
        if exported.ndim == 4:
            scale = max(float(np.abs(expected).max()), 1e-12)
            difference = max(difference, float(np.abs(exported - expected).max()) / scale)
            same = _same_class(exported, expected, _TIE * scale)
        else:
            same = exported == expected
        return Agreement(self.pixels + same.size, self.same + int(same.sum()), difference)

    def check(self, what: str) -> None:
        """Does nothing when the classes agree well enough.

        Raises:
            ExportError: They do not.
        """
        if self.share < REQUIRED:
            raise ExportError(
                "In a test {what} agree on {share:.4%} of the pixels. At least {required:.1%} were expected.",
                "Report it with the version of paddlepaddle and the name of the network.",
                what=what,
                share=self.share,
                required=REQUIRED,
            )


def _same_class(exported: NDArray[Any], expected: NDArray[Any], tie: float) -> NDArray[np.bool_]:
    """Compares logits (N, C, h, w): whether the class of the export is the network's, or is as good by its logits."""
    if expected.shape[1] == 1:
        return ((exported > 0) == (expected > 0)) | (np.abs(expected) < tie)
    chosen = np.take_along_axis(expected, exported.argmax(1)[:, np.newaxis], 1)
    return chosen >= expected.max(1, keepdims=True) - tie


def trial_batches(in_channels: int, size: tuple[int, int] | None) -> Iterator[NDArray[np.float32]]:
    """Yields batches (N, in_channels, H, W) float32 in -1..1, smooth like pictures.

    Args:
        in_channels: Channels of the network's input.
        size: The only (height, width) the export takes, or None for an even and an odd one.
    """
    rng = np.random.default_rng(0)
    for count, (height, width) in ((1, size or (128, 192)), (2, size or (97, 65))):
        yield smooth_noise(rng, (count, in_channels, height, width))
