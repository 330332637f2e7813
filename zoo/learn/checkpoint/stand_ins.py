"""What stands for the objects a pickle names, and for the few calls numpy's pickles consist of.

Each is plain data of our own: nothing of the file is imported or called.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.message import Message, printable

_ARRAY = {("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "_reconstruct")}
_SCALAR = {("numpy.core.multiarray", "scalar"), ("numpy._core.multiarray", "scalar")}
_DTYPE = ("numpy", "dtype")
_NDARRAY = ("numpy", "ndarray")
_ENCODE = ("_codecs", "encode")
_TUPLE = {("builtins", "tuple"), ("__builtin__", "tuple")}
_ORDERED = ("collections", "OrderedDict")
_LARGEST_KEY = 1 << 60
RANDOM = ("paddle.base.libpaddle", "GeneratorState")
KNOWN = {*_ARRAY, *_SCALAR, _DTYPE, _NDARRAY, _ENCODE, *_TUPLE, _ORDERED, RANDOM}


@dataclass(frozen=True, slots=True)
class RandomState:
    """State of a random generator as paddle saved it: inert data."""

    state: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class PickledName:
    """A dotted name the file holds; never resolved."""

    pair: tuple[str, str]


class PickledDType:
    """A numpy dtype while it is being described."""

    def __init__(self, code: str) -> None:
        self.code, self.order = code, "="

    def value(self) -> np.dtype[Any]:
        """Returns the dtype, if it is one weights can have."""
        dtype = np.dtype(self.code)
        if dtype.kind not in "biuf" or dtype.hasobject:
            raise ValueError(Message("arrays of dtype {code!r} are no weights", code=self.code))
        return dtype.newbyteorder(">") if self.order == ">" else dtype


class PickledArray:
    """A numpy array before and after its state arrives."""

    value: NDArray[Any] | None = None


class PickledRandom:
    """A generator state before and after its state arrives."""

    value: RandomState | None = None


def checked_key(key: Any) -> str | int:
    """Returns a key of a dict, if no choice of such keys takes for ever to hash or to tell apart.

    Raises:
        ValueError: It is neither text nor a number of usual size: all multiples of some numbers have one hash.
    """
    if type(key) is str or (type(key) is int and -_LARGEST_KEY < key < _LARGEST_KEY):
        return key
    raise ValueError(Message("a key is a {type}, not text", type=type(key).__name__))


def short_text(value: Any) -> str:
    """Returns a word, if it is one: the text of nested objects could be of any length.

    Raises:
        ValueError: It is something else.
    """
    if type(value) is not str or len(value) > 20:
        raise ValueError(Message("a word of a dtype is something else"))
    return value


def call(pair: tuple[str, str], arguments: tuple[Any, ...]) -> Any:
    """Carries out the few calls numpy's pickles consist of, on our own stand-ins."""
    if pair in _ARRAY:
        return PickledArray()
    if pair == _DTYPE:
        return PickledDType(short_text(arguments[0]))
    if pair == _ENCODE:
        text, encoding = arguments
        if type(text) is not str or short_text(encoding) not in ("latin1", "latin-1"):
            raise ValueError(Message("text is not encoded as latin-1"))
        return text.encode("latin-1")
    if pair in _SCALAR:
        dtype, raw = arguments
        return np.frombuffer(raw, dtype.value(), count=1)[0]
    if pair in _TUPLE:
        return tuple(_items(arguments))
    if pair == _ORDERED:
        return {checked_key(key): value for key, value in _items(arguments)}
    raise ValueError(Message("a call of {alias}", alias=dotted(pair)))


def array_of(state: Any) -> NDArray[Any]:
    """Returns the array of a state: version, shape, dtype, whether the order is Fortran's, bytes."""
    _, shape, dtype, fortran, raw = state
    kind = dtype.value()
    if type(shape) is not tuple or len(shape) > 8 or any(type(side) is not int or side < 0 for side in shape):
        raise ValueError(Message("the shape of an array is no tuple of at most 8 sizes"))
    if math.prod(shape) * kind.itemsize != len(raw):
        raise ValueError(
            Message(
                "an array of shape {shape} and dtype {kind} with {count} bytes of data",
                shape=shape,
                kind=kind,
                count=len(raw),
            )
        )
    array = np.frombuffer(raw, kind).reshape(shape, order="F" if fortran else "C")
    return array.astype(kind.newbyteorder("="), copy=True)


def _items(arguments: tuple[Any, ...]) -> tuple[Any, ...] | list[Any]:
    """Returns the one argument of a call, which is a list or a tuple; nothing where there is none."""
    items = arguments[0] if arguments else ()
    if type(items) not in (tuple, list):
        raise ValueError(Message("a call takes a {type} for a list", type=type(items).__name__))
    return items


def dotted(pair: tuple[Any, Any]) -> str:
    """Returns a name for messages."""
    return printable(f"{pair[0]}.{pair[1]}")
