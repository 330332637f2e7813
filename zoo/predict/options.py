"""How to run a model on pictures: the options of `Model.predict`, checked before anything is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal, cast

from zoo.errors import ConfigError
from zoo.message import Message
from zoo.segment.views import read_scales

if TYPE_CHECKING:
    from zoo.picture.sources import Input

_CHOICES = {
    "on_error": ("raise", "skip"),
    "color": ("rgb", "bgr"),
    "frames": ("first", "all"),
    "mode": ("auto", "whole", "slide"),
}
_FLAGS = ("recursive", "scores", "flip", "live")


@dataclass(frozen=True)
class RunOptions:
    """The options of `Model.predict`; see there.

    Raises:
        ValueError: A value is none of those that are possible.
        ConfigError: A scale is not a positive number (also a ValueError).
    """

    batch_size: int | Literal["auto"] = 1
    on_error: Literal["raise", "skip"] = "raise"
    color: Literal["rgb", "bgr"] = "rgb"
    frames: Literal["first", "all"] = "first"
    recursive: bool = False
    scores: bool = False
    min_score: float | None = None
    mode: Literal["auto", "whole", "slide"] = "auto"
    window: tuple[int, int] | None = None
    stride: tuple[int, int] | None = None
    flip: bool = False
    scales: Sequence[float] | float = (1.0,)
    palette: Any = None
    live: bool = False
    skip: Callable[[Input], bool] | None = None

    def __post_init__(self) -> None:
        if self.batch_size != "auto" and not _is_count(self.batch_size):
            raise ValueError(
                Message(
                    "batch_size is {batch_size!r}; a positive number or 'auto' was expected", batch_size=self.batch_size
                )
            )
        for name, allowed in _CHOICES.items():
            value = getattr(self, name)
            if value not in allowed:
                raise ValueError(
                    Message(
                        "{name} is {value!r}; one of {allowed:, } was expected",
                        name=name,
                        value=value,
                        allowed=list(map(repr, allowed)),
                    )
                )
        for name in _FLAGS:
            # A text such as "no" would count as true.
            value = getattr(self, name)
            if value not in (True, False):
                raise ValueError(Message("{name} is {value!r}; True or False was expected", name=name, value=value))
        for name in ("window", "stride"):
            value: object = getattr(self, name)
            pair = list(cast("Sequence[object]", value)) if isinstance(value, (tuple, list)) else []
            if value is not None and not (len(pair) == 2 and all(map(_is_count, pair))):
                raise ConfigError(
                    "{name} is {value!r}. Two positive whole numbers (height, width) were expected.",
                    "Use {name}=(512, 512)",
                    name=name,
                    value=value,
                )
        if self.min_score is not None and not (isinstance(self.min_score, Real) and 0 <= self.min_score <= 1):
            raise ValueError(Message("min_score is {value!r}; a number from 0 to 1 was expected", value=self.min_score))
        if self.live and self.batch_size != 1:
            raise ValueError(
                Message("batch_size is {batch_size!r}; 1 was expected with live=True", batch_size=self.batch_size)
            )
        read_scales(self.scales)


def _is_count(value: object) -> bool:
    # Also the integers of numpy; a bool is one to Python.
    return not isinstance(value, bool) and isinstance(value, Integral) and int(value) >= 1
