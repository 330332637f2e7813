"""Values of more than 8 bits a channel -> 8 bits: which of them are black and white."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.contract.spec import ValueRange
from zoo.message import Message

# Of "auto": the shares of the values that become black and white. A hot pixel must not decide.
_SHARES = (0.005, 0.995)
# Below this share of white a picture shows less than 16 of 256 steps.
_DARK = 1 / 16
_ROWS = 256


@dataclass(frozen=True, eq=False, slots=True)
class WideValues:
    """Values of a picture with more than 8 bits a channel.

    Attributes:
        values: (H, W) grey or (H, W, 3) RGB, of any dtype of numbers.
        white: The highest value that their type, or their file, can hold; 0 where nothing says.
        inverted: Whether high values are dark.
    """

    values: NDArray[Any]
    white: int
    inverted: bool = False


def to_levels(wide: WideValues, value_range: ValueRange) -> tuple[NDArray[np.uint8], str]:
    """Brings values to 8 bits.

    Args:
        wide: The values; where nothing says what their white is, a range must.
        value_range: Which become black and white. Values outside become one of these.

    Returns:
        Array uint8 of the same shape: of a whole type that is the high byte, else the nearest of 256 steps; and what a
        result says about it.

    Raises:
        ValueError: There are NaN or infinite values.
    """
    lowest, highest = wide.values.min(), wide.values.max()
    if not (np.isfinite(lowest) and np.isfinite(highest)):
        raise ValueError(Message("it has NaN or infinite values, which are neither dark nor bright"))
    if value_range == "auto":
        black, white = np.quantile(wide.values, _SHARES, method="nearest").tolist()
    else:
        black, white = value_range or (0, wide.white)
    if value_range is None and wide.white & (wide.white + 1) == 0:
        levels = high_bytes(wide.values, wide.white)
    else:
        levels = between(wide.values, black, white)
    note = range_note((black, white), (lowest, highest), value_range)
    return 255 - levels if wide.inverted else levels, note


def range_note(taken: tuple[float, float], own: tuple[float, float], value_range: ValueRange) -> str:
    """Says which values became black and white, and between which those of the picture are.

    Args:
        taken: Those of black and white.
        own: The lowest and the highest of the picture.
        value_range: The range that was asked for.
    """
    black, white, lowest, highest = map(float, (*taken, *own))
    note = Message(
        "values {black:.7g} to {white:.7g} as black to white; its own are {lowest:.7g} to {highest:.7g}",
        black=black,
        white=white,
        lowest=lowest,
        highest=highest,
    )
    if value_range is None and highest < white * _DARK:
        return Message("{note}: nearly one colour, a range of its own would show more", note=note)
    return note


def high_bytes(values: NDArray[Any], white: int = 65535) -> NDArray[np.uint8]:
    """Returns the highest 8 bits of values of a whole type, of which `white` is the highest."""
    return (values >> (white.bit_length() - 8)).astype(np.uint8)


def between(values: NDArray[Any], black: float, white: float) -> NDArray[np.uint8]:
    """Brings values to 8 bits, from `black` at 0 to `white` at 255.

    Args:
        values: (H, W) or (H, W, C).
        black: This and all below become 0.
        white: This and all above become 255.
    """
    levels = np.empty(values.shape, np.uint8)
    # A few rows at a time: as float64 a picture is eight times as large.
    for start in range(0, len(values), _ROWS):
        rows = np.clip(values[start : start + _ROWS].astype(np.float64), black, white)
        levels[start : start + _ROWS] = np.rint((rows - black) * 255 / ((white - black) or 1))
    return levels
