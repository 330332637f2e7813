"""What a caller may hand over as pictures -> one named, readable input after the other."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NoReturn, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zoo.errors import SourceError, UnsupportedSourceError
from zoo.text import printable
from zoo.vision.image import HEAD_BYTES, decode_image, is_picture, read_image, to_rgb

Source: TypeAlias = (
    "str | os.PathLike[str] | NDArray[np.uint8] | Image.Image | bytes | bytearray | memoryview | Sequence[Source]"
)

#: A file with such a name, in any letter case, is taken from a folder whatever it holds: a broken picture is an error.
PICTURE_SUFFIXES = frozenset(
    {
        ".png",
        ".apng",
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".mpo",
        ".bmp",
        ".tif",
        ".tiff",
        ".webp",
        ".pbm",
        ".pgm",
        ".ppm",
        ".pnm",
        ".gif",
    }
)

_LOG = logging.getLogger("zoo")

_ACCEPTED = (
    "Accepted are a path, a folder, an RGB uint8 array (H, W, 3), a PIL image, the bytes of a picture file, "
    "and lists of these."
)
_DEEPEST = 16
_URL = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Input:
    """One picture to come.

    Attributes:
        name: What people call it: the file's stem without characters that could harm a terminal or a path, or
            `array_0001`, `image_0001`, `bytes_0001` by its position in the run. Not unique.
        uri: The absolute path, a URL as it was given, or the generated name.
        read: Returns (H, W, 3) RGB uint8, C-contiguous; it may be the caller's own array and must not be written to.
            Raises `SourceError` or one of its kinds, whatever is wrong with this input.
    """

    name: str
    uri: str
    read: Callable[[], NDArray[np.uint8]]

    def identify(self, image: NDArray[np.uint8]) -> str:
        """Returns what tells this input apart from any other of the same name: its path or, without one, its pixels.

        Args:
            image: What `read` returned.
        """
        if os.path.isabs(self.uri):
            return self.uri
        return f"{self.uri}#{hashlib.blake2b(image.data, digest_size=8).hexdigest()}"


@dataclass(frozen=True)
class _Found:
    kind: str
    read: Callable[[str], NDArray[np.uint8]]
    path: str | None = None


def inputs(source: Source) -> Iterator[Input]:
    """Walks through a source lazily: nothing is opened before its turn, nothing is decoded before `read()`.

    Folders are read by name, byte by byte, without their sub-folders; hidden files are passed over, others that are no
    pictures as well, and these are counted in the log.

    Args:
        source: A path, a folder, an RGB uint8 array (H, W, 3) of any memory layout, a PIL image, the bytes of a
            picture file, or a list or tuple of these, nested at will.

    Yields:
        One input a picture, in order. What cannot be one picture (a missing file, a folder without pictures, a wrong
        type) is an input too, and raises when it is read, so that the others are not lost.

    Raises:
        SourceError: The source is an empty list.
    """
    if isinstance(source, (list, tuple)) and not source:
        raise SourceError(f"The list of inputs is empty. {_ACCEPTED}", "Check the pattern or the query that filled it.")
    for position, found in enumerate(_walk(source, 0), 1):
        name = f"{found.kind}_{position:04d}"
        if found.path is None:
            yield Input(name, name, partial(found.read, name))
        else:
            uri = found.path if _URL.match(found.path) else os.path.abspath(found.path)
            yield Input(_safe_stem(found.path) or name, uri, partial(found.read, printable(found.path)))


def _walk(source: object, depth: int) -> Iterator[_Found]:
    if isinstance(source, (str, os.PathLike)):
        yield from _from_path(os.fsdecode(cast("os.PathLike[str]", source)))
    elif isinstance(source, np.ndarray):
        yield _Found("array", partial(_read_array, cast("NDArray[Any]", source)))
    elif isinstance(source, Image.Image):
        yield _Found("image", partial(to_rgb, source))
    elif isinstance(source, (bytes, bytearray, memoryview)):
        yield _Found("bytes", partial(_read_bytes, source))
    elif not isinstance(source, (list, tuple)):
        yield _wrong_type(source)
    elif not source:
        yield _refused("list", "is an empty list inside a list.", "Leave it out.")
    elif depth == _DEEPEST:
        yield _refused("list", f"lies inside {_DEEPEST} lists already. No deeper ones are read.", "Pass a flat list.")
    else:
        for item in cast("Sequence[object]", source):
            yield from _walk(item, depth + 1)


def _from_path(path: str) -> Iterator[_Found]:
    if scheme := _URL.match(path):
        hint = "Give the path alone." if scheme[1].lower() == "file" else "Download it first and give the file's path."
        yield _refused("input", f"is a URL, and URLs are not read in this version. {_ACCEPTED}", hint, path)
    elif not path:
        yield _refused("input", f"is an empty path. {_ACCEPTED}", "Give a dot for the current folder.")
    elif os.path.isdir(path):
        yield from _from_folder(path)
    elif re.search(r"[*?\[]", path) and not os.path.lexists(path):
        fact = f"does not exist, and patterns are not expanded in this version. {_ACCEPTED}"
        yield _refused("input", fact, "Pass the list that glob.glob() makes of it.", path)
    else:
        yield _file(path)


def _from_folder(folder: str) -> Iterator[_Found]:
    try:
        names = sorted((name for name in os.listdir(folder) if not name.startswith(".")), key=os.fsencode)
    except OSError as error:
        fact = f"cannot be listed: {error.strerror or error}. A folder that may be read was expected."
        yield _refused("input", fact, "Correct its permissions, or give the files.", folder, SourceError)
        return
    pictures = 0
    others: list[str] = []
    folders: list[str] = []
    for name in names:
        path = os.path.join(folder, name)
        if os.path.isdir(path):
            folders.append(name)
        elif Path(name).suffix.lower() in PICTURE_SUFFIXES or _begins_like_a_picture(path):
            pictures += 1
            yield _file(path)
        else:
            others.append(name)
    parts = [_counted(others, "other file", "passed over"), _counted(folders, "sub-folder", "not entered")]
    told = ", ".join(part for part in parts if part)
    if not pictures:
        fact = f"holds no picture ({told or 'it is empty'}). Files such as PNG or JPEG were expected in the folder."
        hint = "Give the sub-folders one by one." if folders else "Check the path."
        yield _refused("input", fact, hint, folder, SourceError)
    elif told:
        _LOG.info("%s: %s", printable(folder), told)


def _counted(names: Sequence[str], noun: str, fate: str) -> str:
    if not names:
        return ""
    return f"{len(names)} {noun}{'s' if len(names) > 1 else ''} {fate}, such as {printable(names[0])}"


def _begins_like_a_picture(path: str) -> bool:
    try:
        # Not to be blocked by a FIFO, which has no suffix either.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        return stat.S_ISREG(os.fstat(handle).st_mode) and is_picture(os.read(handle, HEAD_BYTES))
    except OSError:
        return False
    finally:
        os.close(handle)


def _file(path: str) -> _Found:
    return _Found("input", lambda _: read_image(path), path)


def _safe_stem(path: str) -> str:
    stem = "".join(c if c.isprintable() and c not in "/\\" else "_" for c in Path(path).stem)
    return stem.lstrip(".")


def _read_bytes(data: bytes | bytearray | memoryview, name: str) -> NDArray[np.uint8]:
    return decode_image(bytes(data), name)


def _read_array(array: NDArray[Any], name: str) -> NDArray[np.uint8]:
    if array.dtype == np.uint8 and array.ndim == 3 and array.shape[2] == 3 and array.size:
        return np.ascontiguousarray(array)
    facts = f"{name} is an array of shape {array.shape} and dtype {array.dtype}"
    if np.issubdtype(array.dtype, np.inexact) and (holes := int(np.isnan(array).sum())):
        facts += f" with {holes} NaN"
    fixes = [fix for fix in (_shape_fix(array), _dtype_fix(array)) if fix]
    raise UnsupportedSourceError(
        f"{facts}. An RGB array of shape (height, width, 3) and dtype uint8 was expected.", "; then ".join(fixes) + "."
    )


def _shape_fix(array: NDArray[Any]) -> str:
    shape = array.shape
    if not array.size:
        return "Check how it was cut: it has no pixels"
    if array.ndim == 4 and shape[3] == 3:
        return "Pass a batch as list(array)"
    if array.ndim == 2:
        return "Make three channels of the grey one: np.stack([array] * 3, axis=-1)"
    if array.ndim == 3 and shape[2] == 1:
        return "Make three channels of the grey one: np.repeat(array, 3, axis=2)"
    if array.ndim == 3 and shape[2] == 4:
        return "Drop the alpha channel: array[:, :, :3]"
    if array.ndim == 3 and shape[0] == 3 and shape[2] != 3:
        return "Put the channels last: array.transpose(1, 2, 0)"
    return "" if array.ndim == 3 and shape[2] == 3 else "Bring it to (height, width, 3)"


def _dtype_fix(array: NDArray[Any]) -> str:
    if array.dtype == np.uint8:
        return ""
    if np.issubdtype(array.dtype, np.floating):
        return "With values from 0 to 1, multiply by 255 and convert: (array * 255).round().astype(np.uint8)"
    if array.dtype == np.bool_:
        return "Convert it: array.astype(np.uint8) * 255"
    if np.issubdtype(array.dtype, np.integer):
        return "Bring the values to 0..255 and convert: array.astype(np.uint8)"
    return "Convert the pixels to numbers of dtype np.uint8"


def _wrong_type(source: object) -> _Found:
    kind = f"{type(source).__module__}.{type(source).__qualname__}".removeprefix("builtins.")
    hint = "Pass a path, or np.asarray() of it if it holds pixels."
    if isinstance(source, dict):
        hint = "Pass a list of what it holds: list(d.values())."
    elif isinstance(source, (Iterator, set, frozenset, range)):
        hint = "Pass a list of it: list(...)."
    return _refused("input", f"is of type {kind}. {_ACCEPTED}", hint)


def _refused(
    kind: str, fact: str, hint: str, path: str | None = None, error: type[SourceError] = UnsupportedSourceError
) -> _Found:
    def read(name: str) -> NoReturn:
        raise error(f"{name} {fact}", hint)

    return _Found(kind, read, path)
