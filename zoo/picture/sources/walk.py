"""What a caller may hand over -> one origin after the other."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, BinaryIO, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zoo.errors import DecodeError, SourceError
from zoo.message import Message, printable
from zoo.picture.opening import HINT_AGAIN, HINT_FILE
from zoo.picture.rgb import Picture
from zoo.picture.sources.arrays import to_pixels
from zoo.picture.sources.content import content_frames
from zoo.picture.sources.files import from_text
from zoo.picture.sources.images import image_frames
from zoo.picture.sources.item import ACCEPTED, Frame, Origin, held, input_name, refused, single
from zoo.picture.sources.options import SourceOptions
from zoo.picture.sources.streams import label_of, read_stream

_Single: TypeAlias = "str | os.PathLike[str] | NDArray[Any] | Image.Image | bytes | bytearray | memoryview | BinaryIO"

Source: TypeAlias = "_Single | Mapping[str, Source] | Sequence[Source] | Iterator[Source]"

_DEEPEST = 16


def walk(source: object, options: SourceOptions, depth: int = 0) -> Iterator[Origin]:
    """Takes a source apart, lazily and in order.

    Args:
        source: Anything; what zoo does not take becomes an origin that raises when it is read.
        options: How it is to be read.
        depth: How many lists it lies in.

    Raises:
        SourceError: The source itself is an empty list, dict or iterator.
    """
    if isinstance(source, (str, os.PathLike)):
        yield from from_text(os.fsdecode(cast("os.PathLike[str]", source)), options)
    elif isinstance(source, np.ndarray):
        array = cast("NDArray[Any]", source)
        yield Origin("array", single(lambda name: to_pixels(array, name, options)))
    elif isinstance(source, Image.Image):
        yield Origin("image", partial(image_frames, source, options))
    elif isinstance(source, (bytes, bytearray, memoryview)):
        yield Origin("bytes", partial(_bytes_frames, source, options))
    elif callable(getattr(source, "read", None)):
        label = label_of(source)
        yield Origin("file", partial(_stream_frames, source, options), input_name(label), shown=printable(label))
    elif isinstance(source, (list, tuple, Mapping, Iterator)):
        yield from _inside(cast("Sequence[object]", source), options, depth)
    else:
        yield _wrong_type(source)


def _inside(
    source: Sequence[object] | Mapping[object, object] | Iterator[object], options: SourceOptions, depth: int
) -> Iterator[Origin]:
    kind = "dict" if isinstance(source, Mapping) else "iterator" if isinstance(source, Iterator) else "list"
    if depth == _DEEPEST:
        yield refused(
            Message("lies inside {limit} others already. No deeper ones are read.", limit=_DEEPEST),
            Message("Pass a flat list."),
            kind=kind,
        )
        return
    if isinstance(source, Mapping):
        if others := [key for key in source if key != "img"]:
            names = [repr(key) for key in others[:5]] + (["..."] if others[5:] else [])
            fact = (
                Message('is a dict with the keys {names:, }. Only "img" was expected.', names=names)
                if others[1:]
                else Message('is a dict with the key {names:, }. Only "img" was expected.', names=names)
            )
            yield refused(fact, Message('Pass {"img": picture}, or list(d.values()).'), kind=kind)
            return
        items = iter(source.values())
    else:
        items = iter(source)
    empty = True
    for item in items:
        empty = False
        for origin in walk(item, options, depth + 1):
            # Who makes things one by one may use an array or image again for the next.
            once = isinstance(source, Iterator) and origin.kind in ("array", "image")
            yield replace(origin, frames=partial(_at_once, origin.frames)) if once else origin
    if empty and depth:
        yield refused(Message("is an empty {kind} inside another.", kind=kind), Message("Leave it out."), kind=kind)
    elif empty:
        hint = Message("Check the pattern or the query that filled it.")
        raise SourceError("The {kind} of inputs is empty. {accepted}", hint, kind=kind, accepted=ACCEPTED)


def _at_once(frames: Callable[[str], Iterator[Frame]], name: str) -> Iterator[Frame]:
    for frame in frames(name):
        try:
            picture = frame.read()
            outcome = picture._replace(pixels=picture.pixels.copy())
        except SourceError as error:
            outcome = error
        yield held(outcome, frame.number, frame.unit)


def _bytes_frames(data: bytes | bytearray | memoryview, options: SourceOptions, name: str) -> Iterator[Frame]:
    try:
        # Other kinds than bytes may change until they are read.
        content = bytes(data)
    except (ValueError, MemoryError) as error:
        yield held(SourceError("{name} cannot be read: {reason}.", "Pass bytes.", name=name, reason=error))
        return
    yield from content_frames(partial(io.BytesIO, content), options, name)


def _stream_frames(file: object, options: SourceOptions, name: str) -> Iterator[Frame]:
    try:
        content = read_stream(file, name)
    except SourceError as error:
        yield held(error)
        return
    for frame in content_frames(partial(io.BytesIO, content), options, name):
        yield replace(frame, read=partial(_without_a_file, frame.read))


def _without_a_file(read: Callable[[], Picture]) -> Picture:
    """Reads a picture whose file nobody can open: only what sends it can send another one."""
    try:
        return read()
    except DecodeError as error:
        if error.hint not in (HINT_FILE, HINT_AGAIN):
            raise
        raise DecodeError(error.message, "Send a whole picture, such as the content of a PNG or JPEG file.") from error


def _wrong_type(source: object) -> Origin:
    kind = f"{type(source).__module__}.{type(source).__qualname__}".removeprefix("builtins.")
    hint = Message("Pass a path, or np.asarray() of it if it holds pixels.")
    if isinstance(source, (set, frozenset, range)):
        hint = Message("Pass a list of it: list(...).")
    return refused(Message("is of type {kind}. {accepted}", kind=kind, accepted=ACCEPTED), hint)
