"""Letters for pictures: a font that has those of all names, or names that do without."""

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
    """A font, and the names as it can draw them.

    Attributes:
        font: The font.
        size: Its size in pixels.
        names: The texts for the names that were asked for, by value.
    """

    font: Font
    size: int
    names: Mapping[int, str]


def lettering(names: Mapping[int, str], wanted: float, given: str | os.PathLike[str] | None) -> Lettering:
    """Chooses a font for names: Pillow's own, which has the letters of English, else one of the system.

    Args:
        names: What is to be drawn, by class value.
        wanted: The size in pixels; a smaller or larger one where letters could not be read, or would be too many.
        given: A font file to take in place of them.

    Returns:
        The font, and names of at most 32 letters. One with a letter that the font lacks is "class 7", after its value,
        which a line in the log says.

    Raises:
        OutputError: The given font cannot be read.
    """
    size = round(min(max(wanted, _SMALLEST), _LARGEST))
    shown = {value: _shortened(name) for value, name in names.items()}
    letters = frozenset("".join(shown.values()))
    font = _default(size) if given is None else _opened(given, size)
    if given is None and not _has(font, letters) and (path := system_font(letters)):
        font = _opened(path, size)
    lacking = [value for value, name in shown.items() if not _has(font, frozenset(name))]
    if lacking:
        _tell(shown[lacking[0]])
    return Lettering(font, _size(font), {**shown, **{value: f"class {value}" for value in lacking}})


@lru_cache(maxsize=64)  # once, and not for each of many pictures
def _tell(name: str) -> None:
    _log.warning(
        "%s",
        Message(
            "No font here has the letters of {name}; classes with such names are drawn by their numbers. Give a font "
            "that has them: --font FILE, or font=.",
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
