"""Letters for pictures: fonts that have those of the names, or names that do without."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeAlias

from PIL import Image, ImageDraw, ImageFont

from zoo.base.files import user_path
from zoo.errors import OutputError
from zoo.message import Message, printable

Font: TypeAlias = ImageFont.FreeTypeFont | ImageFont.ImageFont

_log = logging.getLogger("zoo")

_SMALLEST, _LARGEST = 12, 96
_LONGEST_NAME = 32
_SUFFIXES = (".ttf", ".otf", ".ttc")
#: Parts of the names of fonts that have letters of many languages, the best first: the others are tried after them.
_WIDE = ("cjk", "sourcehan", "wqy", "droidsansfallback", "unifont", "notosans", "dejavusans.", "dejavusans")
# No font has a letter there: what it draws is what it draws for all that it lacks.
_NO_LETTER = "\U0010ffff"


@dataclass(frozen=True, eq=False, slots=True)
class Lettering:
    """Names as they can be drawn, each in a font that has its letters.

    Attributes:
        font: The font of figures and other words.
        size: Its size in pixels.
        names: The texts for the names that were asked for, by value.
        fonts: The font of each, likewise.
    """

    font: Font
    size: int
    names: Mapping[int, str]
    fonts: Mapping[int, Font]


def lettering(names: Mapping[int, str], wanted: float, given: str | os.PathLike[str] | None) -> Lettering:
    """Chooses fonts for names: Pillow's own, which has the letters of English, else one of the system.

    One font is taken for all names where one has all their letters, else for each the first that has its own.

    Args:
        names: What is to be drawn, by class value.
        wanted: The size in pixels; a smaller or larger one where letters could not be read, or would be too many.
        given: A font file to take first.

    Returns:
        The fonts, and names of at most 32 letters. One that no font has the letters of is "class 7", after its value,
        which a line in the log says.

    Raises:
        OutputError: The given font cannot be read.
    """
    size = round(min(max(wanted, _SMALLEST), _LARGEST))
    shown = {value: _shortened(name) for value, name in names.items()}
    font = _default(size) if given is None else _opened(given, size)
    fonts = {value: _font_for(frozenset(name), font, size) for value, name in shown.items()}
    lacking = [value for value, found in fonts.items() if found is None]
    if lacking:
        _tell(shown[lacking[0]])
    drawn = frozenset("".join(name for value, name in shown.items() if value not in lacking))
    if given is None and (common := _font_for(drawn, font, size)) is not None:
        font, fonts = common, {}
    return Lettering(
        font,
        _size(font),
        {**shown, **{value: f"class {value}" for value in lacking}},
        {value: fonts.get(value) or font for value in shown},
    )


def _font_for(letters: frozenset[str], first: Font, size: int) -> Font | None:
    if _has(first, letters):
        return first
    path = system_font(letters) if isinstance(first, ImageFont.FreeTypeFont) else None
    return None if path is None else _opened(path, size)


@lru_cache(maxsize=64)  # once, and not for each of many pictures
def _tell(name: str) -> None:
    _log.warning(
        "%s",
        Message(
            "No font here has the letters of {name}; classes with such names are drawn by their numbers. Install one "
            "that has them, or where there is the option, give its file: font=FILE",
            name=name,
        ),
    )


def _shortened(name: str) -> str:
    text = printable(name)
    return text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 3] + "..."


def _size(font: Font) -> int:
    return round(font.size) if isinstance(font, ImageFont.FreeTypeFont) else _SMALLEST


def _default(size: int) -> Font:
    try:
        return ImageFont.load_default(size)
    except ImportError:
        # A Pillow without FreeType has one bitmap font, of one size.
        return ImageFont.load_default()


def check_font(path: str | os.PathLike[str]) -> None:
    """Makes sure that a file is a font.

    Raises:
        OutputError: It is none, or cannot be read.
    """
    _opened(path, _SMALLEST)


def _opened(path: str | os.PathLike[str], size: int) -> Font:
    try:
        return ImageFont.truetype(user_path(path), size)
    except (OSError, ImportError, ValueError) as error:
        raise OutputError(
            "{path} cannot be used as a font: {reason}. A TrueType or OpenType file was expected.",
            "Give another one (.ttf, .otf or .ttc), or none.",
            path=path,
            reason=error,
        ) from error


def _has(font: Font, letters: Iterable[str]) -> bool:
    if not isinstance(font, ImageFont.FreeTypeFont):
        return all(ord(letter) < 256 for letter in letters)  # the bitmap font refuses what is not Latin-1
    lacking = _drawn(font, _NO_LETTER)
    return not any(_drawn(font, letter) == lacking for letter in letters if not letter.isspace())


def _drawn(font: ImageFont.FreeTypeFont, letter: str) -> bytes:
    picture = Image.new("L", (2 * round(font.size), 2 * round(font.size)))
    ImageDraw.Draw(picture).text((0, 0), letter, 255, font=font)
    return picture.tobytes()


@lru_cache(maxsize=64)
def system_font(letters: frozenset[str]) -> str | None:
    """Returns the first font of the system that has all the letters."""
    for path in sorted(_font_files(), key=_rank):
        try:
            if _has(ImageFont.truetype(path, _SMALLEST), letters):
                return path
        except (OSError, ImportError, ValueError):
            continue
    return None


def _rank(path: str) -> tuple[int, int, str]:
    # The plain cut of a family has the shortest name.
    name = os.path.basename(path).lower().replace("-", "").replace("_", "")
    return next((number for number, part in enumerate(_WIDE) if part in name), len(_WIDE)), len(name), path


def _font_files() -> Iterator[str]:
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    shared = os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    for folder in (data, *shared.split(":")):
        for root, _, names in os.walk(Path(folder) / "fonts"):
            yield from (os.path.join(root, name) for name in names if name.lower().endswith(_SUFFIXES))
