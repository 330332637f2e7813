"""Which windows a run has."""

from __future__ import annotations

from zoo.bundle.bundle import Bundle
from zoo.contract.spec import Window
from zoo.errors import BundleError, ConfigError
from zoo.message import Message
from zoo.predict.arguments import RunOptions
from zoo.segment.scores import score_kind
from zoo.segment.slide import obstacle
from zoo.segment.windows import (
    check_window,
    usual_stride,
)


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
            return None, Message("whole picture, although the published figure is of windows: {reason}", reason=reason)
        return bundle.window, _said(bundle.window)
    if reason:
        raise BundleError(
            "{model} cannot be run in windows: {reason}.",
            "Use mode='whole', or export the network with zoo without a resizing step.",
            model=bundle.model,
            reason=reason,
        )
    window = _asked_for(bundle, options)
    return window, _said(window)


def _asked_for(bundle: Bundle, options: RunOptions) -> Window:
    size = options.window or (bundle.window.size if bundle.window is not None else None)
    if size is None:
        raise ConfigError(
            "Nothing says how large the windows of {model} are.",
            "Use window=(512, 1024), or --window 512 1024  (height, width)",
            model=bundle.model,
        )
    published = bundle.window.stride if bundle.window is not None and options.window is None else None
    stride = options.stride or published or usual_stride((size[0], size[1]), bundle.output_stride)
    window = Window((size[0], size[1]), (stride[0], stride[1]))
    check_window(window, bundle.output_stride)
    return window


def _said(window: Window) -> str:
    (height, width), (down, right) = window.size, window.stride
    return Message(
        "windows of {height}x{width} every {down}x{right}", height=height, width=width, down=down, right=right
    )
