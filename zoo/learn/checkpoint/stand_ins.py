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


def call(pair: tuple[str, str], arguments: tuple[Any, ...]) -> Any:
    """Carries out the few calls numpy's pickles consist of, on our own stand-ins."""
    if pair in _ARRAY:
        return PickledArray()
    if pair == _DTYPE:
        return PickledDType(str(arguments[0]))
    if pair == _ENCODE:
        text, encoding = arguments
        if encoding not in ("latin1", "latin-1"):
            raise ValueError(Message("text is encoded as {encoding!r}", encoding=encoding))
        return str(text).encode("latin-1")
    if pair in _SCALAR:
        dtype, raw = arguments
        return np.frombuffer(raw, dtype.value(), count=1)[0]
    if pair in _TUPLE:
        return tuple(arguments[0]) if arguments else ()
    if pair == _ORDERED:
        return {str(key): value for key, value in (arguments[0] if arguments else ())}
    raise ValueError(Message("a call of {alias}", alias=dotted(pair)))


def array_of(state: Any) -> NDArray[Any]:
    """Returns the array of a state: version, shape, dtype, whether the order is Fortran's, bytes."""
    _, shape, dtype, fortran, raw = state
    kind = dtype.value()
    if any(type(side) is not int or side < 0 for side in shape) or len(shape) > 8:
        raise ValueError(Message("an array of shape {shape}", shape=shape))
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


def dotted(pair: tuple[Any, Any]) -> str:
    """Returns a name for messages."""
    return printable(f"{pair[0]}.{pair[1]}")
