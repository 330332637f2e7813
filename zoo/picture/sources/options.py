"""How sources are to be read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from zoo.contract.spec import ValueRange
from zoo.message import Message
from zoo.picture.image import MAX_PIXELS


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """How sources are to be read.

    Attributes:
        color: Order of the channels of numpy arrays, "rgb" or "bgr"; everything else says its own.
        recursive: Whether folders are read with their sub-folders.
        frames: Of pictures that hold several (animations, TIFF with pages): "first", which the input's note says, or
            "all", each an input of its own. Pages of PDF documents and frames of videos are always inputs of their own.
        pixel_limit: Most pixels of one picture, page or frame, checked before it is decoded. What is in memory as an
            array or a PIL image without a file has no limit.
        value_range: Which values of more than 8 bits a channel become black and white: two numbers; "auto" for those of
            each picture; None for all that its type can hold.
        url_bytes: Most bytes of what an address sends.
        url_seconds: Seconds after which an address is given up; it is looked at whenever bytes come, so that a silent
            server adds at most ten.
        told: Whether the log says what is passed over in folders; not where a source is only counted.

    Raises:
        ValueError: A value is none of these.
    """

    color: Literal["rgb", "bgr"] = "rgb"
    recursive: bool = False
    frames: Literal["first", "all"] = "first"
    pixel_limit: int = MAX_PIXELS
    value_range: ValueRange = None
    url_bytes: int = 100_000_000
    url_seconds: float = 60.0
    told: bool = True

    def __post_init__(self) -> None:
        if self.color not in ("rgb", "bgr"):
            raise ValueError(Message("color is {color!r}; 'rgb' or 'bgr' was expected", color=self.color))
        if self.frames not in ("first", "all"):
            raise ValueError(Message("frames is {frames!r}; 'first' or 'all' was expected", frames=self.frames))
        for name in ("pixel_limit", "url_bytes", "url_seconds"):
            value = getattr(self, name)
            if not (value > 0 and math.isfinite(value)):
                raise ValueError(Message("{name} is {value}; a positive number was expected", name=name, value=value))
