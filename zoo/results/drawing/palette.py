"""Palettes: the colours of classes, as a user gives them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import TypeGuard, cast

import numpy as np

from zoo.contract.labels import Color, LabelSet
from zoo.errors import ConfigError
from zoo.message import Message
from zoo.results.classes import class_names
from zoo.results.drawing.colorblind import colorblind_palette

#: A colour as it may be given: RGB from 0 to 255, or "#rrggbb".
ColorLike = Sequence[int] | str
#: Colours of all classes in the order of their values, or of some classes by name, of which the others keep theirs; or
#: `COLORBLIND`.
Palette = Sequence[ColorLike] | Mapping[str, ColorLike] | str
#: Name of the palette that people with any kind of colour vision can tell apart.
COLORBLIND = "colorblind"

_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_HINT = Message('Write a colour as (128, 64, 128) or as "#804080".')


def read_color(color: object, what: str) -> Color:
    """Reads a colour.

    Args:
        color: Three whole numbers from 0 to 255, red, green, blue; or "#rrggbb".
        what: Whose colour it is, for messages.

    Raises:
        ConfigError: It is anything else.
    """
    if isinstance(color, str) and _HEX.fullmatch(color):
        return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)
    if isinstance(color, Iterable) and not isinstance(color, (str, bytes)):
        channels = list(cast(Iterable[object], color))
        numbers = [int(channel) for channel in channels if _is_channel(channel)]
        if len(channels) == len(numbers) == 3:
            return numbers[0], numbers[1], numbers[2]
    raise ConfigError(
        'The colour of {what} is {color!r:.60}. Three whole numbers from 0 to 255 or "#rrggbb" were expected.',
        _HINT,
        what=what,
        color=color,
    )


def _is_channel(value: object) -> TypeGuard[int]:
    # A bool is an int to Python and no number here.
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool) and 0 <= int(value) <= 255


def read_palette(palette: Palette, labels: LabelSet) -> tuple[Color, ...]:
    """Reads the colours for the classes of a label set.

    Args:
        palette: A colour a class in the order of their values, also as an (N, 3) array; colours by class name; or
            "colorblind".
        labels: The classes. A name that stands twice is followed by its value, "screen (130)".

    Returns:
        One colour a class.

    Raises:
        ConfigError: There is another number of colours, a name is no class, or a colour is none.
    """
    if isinstance(palette, str) and palette == COLORBLIND:
        return colorblind_palette(len(labels))
    names = class_names(labels, range(len(labels)))
    if isinstance(palette, Mapping):
        colors = dict(zip(names, labels.palette, strict=True))
        for name, color in palette.items():
            if name not in colors:
                raise unknown_class(name, names, Message("the label set {labels!r}", labels=labels.name))
            colors[name] = read_color(color, name)
        return tuple(colors.values())
    listed = isinstance(cast(object, palette), Iterable) and not isinstance(palette, str)
    given: list[object] = list(palette) if listed else []
    if len(given) != len(labels):
        raise ConfigError(
            "The palette has {count} colours. {labels_count} were expected, one for each class of the label set "
            "{labels!r}.",
            'Give a colour for every class, a mapping from class names to colours, or "colorblind".',
            count=len(given),
            labels_count=len(labels),
            labels=labels.name,
        )
    return tuple(read_color(color, name) for color, name in zip(given, names, strict=True))


def unknown_class(name: object, names: Sequence[str], place: str) -> ConfigError:
    """Returns the error for a name that is no class, with the names it may have meant."""
    wanted = name if isinstance(name, str) else repr(name)
    folded: dict[str, list[str]] = {}
    for known in names:
        folded.setdefault(known.casefold(), []).append(known)
        # "screen" means "screen (59)" or "screen (130)".
        folded.setdefault(known.casefold().rpartition(" (")[0] or known.casefold(), []).append(known)
    close = get_close_matches(wanted.casefold(), folded, n=3)
    meant = list(dict.fromkeys(known for key in close for known in folded[key]))[:3]
    shown = names[:10] if len(names) <= 10 else [*names[:10], "..."]
    return ConfigError(
        "{name!r} is no class of {place}.",
        "Did you mean {meant:, }?" if meant else "Its classes are {shown:, }.",
        name=name,
        place=place,
        meant=meant,
        shown=shown,
    )
