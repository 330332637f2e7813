"""How far an edge program gives the classes of the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.contract.engine import Program
from zoo.errors import ExportError
from zoo.learn.convert.format_options import FormatOptions
from zoo.proof.agreement import agreement

#: Smallest share of pixels whose class stays the same, where the caller gives none: weights in float32, and in float16.
LEAST_ON_EDGE = {False: 0.999, True: 0.99}


@dataclass(frozen=True, slots=True)
class Same:
    """A comparison.

    Attributes:
        pixels: How many were compared.
        share: How many of them have the same class, or another that is as good by the network's logits; 0 to 1, the
            least of all inputs.
        difference: Largest difference of two logits; None where the network gives labels.
        spread: From the smallest to the largest logit of the network; None likewise.
    """

    pixels: int
    share: float
    difference: float | None
    spread: float | None


def same_classes(found: Sequence[NDArray[Any]], expected: Sequence[NDArray[Any]], program: Program) -> Same:
    """Compares outputs: logits (1, C, h, w), or labels (1, H, W)."""
    shares, pixels = [1.0], 0
    for ours, theirs in zip(found, expected, strict=True):
        shares.append(agreement(ours, theirs, program.output_stride, program.threshold))
        pixels += theirs.shape[-2] * theirs.shape[-1] * program.output_stride**2
    pairs = [pair for pair in zip(found, expected, strict=True) if pair[1].ndim == 4 and pair[0].shape == pair[1].shape]
    if not pairs:
        return Same(pixels, min(shares), None, None)
    difference = max(float(np.abs(ours - theirs).max()) for ours, theirs in pairs)
    return Same(pixels, min(shares), difference, max(float(np.ptp(theirs)) for _, theirs in pairs))


def check_same(same: Same, file: str, library: str, reference: str, conversion: FormatOptions) -> None:
    """Does nothing where the classes agree well enough.

    Raises:
        ExportError: They do not.
    """
    least = LEAST_ON_EDGE[conversion.half] if conversion.least is None else conversion.least
    if same.share >= least:
        return
    raise ExportError(
        "{file} gives {share:.4%} of the pixels in {library} the class that they have by {reference}. At least "
        "{least:.2%} were expected.",
        "Leave out --fp16, use another format, or take it as it is: --agreement {found:.4f}"
        if conversion.half
        else "Use another format, or take it as it is: --agreement {found:.4f}",
        file=file,
        share=same.share,
        library=library,
        reference=reference,
        least=least,
        found=int(same.share * 10_000) / 10_000,
    )
