"""How to run a model on pictures: the options of `Model.predict`, checked before anything is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal, cast

from zoo.bundle.bundle import Bundle
from zoo.contract.spec import Window
from zoo.errors import BundleError, ConfigError
from zoo.segment.augmented import check_scales
from zoo.segment.scores import score_kind
from zoo.segment.slide import obstacle
from zoo.segment.windows import (
    check_window,
    usual_stride,
)

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
    scales: tuple[float, ...] = (1.0,)
    palette: Any = None
    live: bool = False
    skip: Callable[[Input], bool] | None = None

    def __post_init__(self) -> None:
        if self.batch_size != "auto" and not _is_count(self.batch_size):
            raise ValueError(f"batch_size is {self.batch_size!r}; a positive number or 'auto' was expected")
        for name, allowed in _CHOICES.items():
            value = getattr(self, name)
            if value not in allowed:
                raise ValueError(f"{name} is {value!r}; one of {', '.join(map(repr, allowed))} was expected")
        for name in _FLAGS:
            # A text such as "no" would count as true.
            if getattr(self, name) not in (True, False):
                raise ValueError(f"{name} is {getattr(self, name)!r}; True or False was expected")
        for name in ("window", "stride"):
            value: object = getattr(self, name)
            pair = list(cast("Sequence[object]", value)) if isinstance(value, (tuple, list)) else []
            if value is not None and not (len(pair) == 2 and all(map(_is_count, pair))):
                raise ConfigError(
                    f"{name} is {value!r}. Two positive whole numbers (height, width) were expected.",
                    f"Use {name}=(512, 512)",
                )
        if self.min_score is not None and not (isinstance(self.min_score, Real) and 0 <= self.min_score <= 1):
            raise ValueError(f"min_score is {self.min_score!r}; a number from 0 to 1 was expected")
        if self.live and self.batch_size != 1:
            raise ValueError(f"batch_size is {self.batch_size!r}; 1 was expected with live=True")
        check_scales(self.scales)

    @property
    def views(self) -> int:
        """In how many views a picture is run."""
        return (2 if self.flip else 1) * len(self.scales)

    @property
    def is_augmented(self) -> bool:
        """Whether pictures are run in other views than as they are."""
        return self.flip or tuple(self.scales) != (1.0,)


def _is_count(value: object) -> bool:
    # Also the integers of numpy; a bool is one to Python.
    return not isinstance(value, bool) and isinstance(value, Integral) and int(value) >= 1


def choose_window(bundle: Bundle, options: RunOptions) -> tuple[Window | None, str]:
    """Decides whether large pictures are cut into windows.

    Returns:
        The windows, or None to take every picture whole; and what results must say about it.

    Raises:
        BundleError: Windows are asked for and the model cannot be run in them, or scores and it has none.
        ConfigError: Windows are asked for and nothing says how large they are, or the setting is impossible.
    """
    if options.scores or options.min_score is not None:
        score_kind(bundle)
    reason = obstacle(bundle)
    if options.mode == "whole":
        if options.window or options.stride:
            raise ConfigError(
                "mode is 'whole', which has no windows; window and stride were given.", "Use mode='slide'"
            )
        return None, ""
    if options.mode == "auto" and not options.window and not options.stride:
        if bundle.window is None:
            return None, ""
        if reason:
            return None, f"whole picture, although the published figure is of windows: {reason}"
        return bundle.window, _said(bundle.window)
    if reason:
        raise BundleError(
            f"{bundle.model} cannot be run in windows: {reason}.",
            "Use mode='whole', or export the network with zoo without a resizing step.",
        )
    window = _asked_for(bundle, options)
    return window, _said(window)


def _asked_for(bundle: Bundle, options: RunOptions) -> Window:
    size = options.window or (bundle.window.size if bundle.window is not None else None)
    if size is None:
        raise ConfigError(
            f"Nothing says how large the windows of {bundle.model} are.",
            "Use window=(512, 1024), or --window 512 1024  (height, width)",
        )
    published = bundle.window.stride if bundle.window is not None and options.window is None else None
    stride = options.stride or published or usual_stride((size[0], size[1]), bundle.output_stride)
    window = Window((size[0], size[1]), (stride[0], stride[1]))
    check_window(window, bundle.output_stride)
    return window


def _said(window: Window) -> str:
    (height, width), (down, right) = window.size, window.stride
    return f"windows of {height}x{width} every {down}x{right}"
