"""Writes ONNX files (a ModelProto protocol buffer) without the onnx package."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from zoo.base.files import replacing
from zoo.errors import UnsupportedProgramError
from zoo.program.graph import TensorType
from zoo.program.onnx_graph import ONNX_TYPES, OPSET, OnnxAttribute, OnnxGraph, OnnxNode
from zoo.program.protobuf import opening, write_bytes, write_float, write_whole

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: Version of the file format that came with the opset.
_IR_VERSION = 8
#: A protocol buffer counts its bytes in a signed int32.
_LIMIT = (1 << 31) - 1


def write_onnx(onnx: OnnxGraph, path: Path, metadata: Mapping[str, str] = MappingProxyType({})) -> None:
    """Writes one file with the weights inside, which takes the place of another one when it is whole.

    Args:
        onnx: The graph.
        path: Where to write.
        metadata: Texts that the file carries (`metadata_props`).

    Raises:
        OutputError: The file cannot be written.
        UnsupportedProgramError: It would be larger than 2 GiB, which is the limit of the format.
    """
    with replacing(path) as file:
        for chunk in _chunks(onnx, metadata):
            file.write(chunk)


def onnx_bytes(onnx: OnnxGraph, metadata: Mapping[str, str] = MappingProxyType({})) -> bytes:
    """Returns what `write_onnx` writes, for an engine that reads memory.

    Raises:
        UnsupportedProgramError: It would be larger than 2 GiB, which is the limit of the format.
    """
    return b"".join(_chunks(onnx, metadata))


def _chunks(onnx: OnnxGraph, metadata: Mapping[str, str]) -> Iterator[bytes | memoryview]:
    # ModelProto: 1 version of the format, 2 producer, 7 graph, 8 opsets, 14 metadata.
    # GraphProto: 1 nodes, 2 name, 5 constants, 11 inputs, 12 outputs.
    head = b"".join(write_bytes(1, _node(node)) for node in onnx.nodes) + write_bytes(2, b"zoo")
    tail = b"".join(write_bytes(11, _value(name, kind)) for name, kind in onnx.inputs.items())
    tail += b"".join(write_bytes(12, _value(name, kind)) for name, kind in onnx.outputs.items())
    tensors = [(_tensor(name, array), array) for name, array in onnx.constants.items()]
    openings = [opening(5, len(start) + array.nbytes) for start, array in tensors]
    size = len(head) + len(tail)
    size += sum(len(o) + len(s) + a.nbytes for o, (s, a) in zip(openings, tensors, strict=True))
    end = write_bytes(8, write_bytes(1, b"") + write_whole(2, OPSET))
    end += b"".join(write_bytes(14, _text(1, key) + _text(2, text)) for key, text in metadata.items())
    start = write_whole(1, _IR_VERSION) + write_bytes(2, b"zoo") + opening(7, size)
    if len(start) + size + len(end) > _LIMIT:
        raise UnsupportedProgramError(
            "The program has {size:.1f} GiB; an ONNX file holds at most 2.",
            'Run the model with backend="paddle", or build the network with less width.',
            size=size / (1 << 30),
        )
    yield start + head
    for begin, (first, array) in zip(openings, tensors, strict=True):
        yield begin + first
        # Contiguous, and as ONNX has them: the lowest byte first.
        yield np.ascontiguousarray(array, array.dtype.newbyteorder("<")).reshape(-1).view(np.uint8).data
    yield tail + end


def _node(node: OnnxNode) -> bytes:
    # NodeProto: 1 inputs, 2 outputs, 4 operator, 5 attributes.
    names = b"".join(_text(1, name) for name in node.inputs) + b"".join(_text(2, name) for name in node.outputs)
    attributes = (_text(1, name) + _attribute(value) for name, value in node.attributes.items())
    return names + _text(4, node.operator) + b"".join(write_bytes(5, attribute) for attribute in attributes)


def _attribute(value: OnnxAttribute) -> bytes:
    # AttributeProto: by kind one of 2 float, 3 int, 4 text, 7 floats, 8 ints; 20 the kind.
    if isinstance(value, str):
        return _text(4, value) + write_whole(20, 3)
    if isinstance(value, float):
        return write_float(2, _float(value)) + write_whole(20, 1)
    if isinstance(value, int):
        return write_whole(3, value) + write_whole(20, 2)
    if any(isinstance(item, float) for item in value):
        return b"".join(write_float(7, _float(item)) for item in value) + write_whole(20, 6)
    return b"".join(write_whole(8, int(item)) for item in value) + write_whole(20, 7)


def _tensor(name: str, array: NDArray[np.generic]) -> bytes:
    # TensorProto: 1 sides, 2 type, 8 name, 9 data.
    head = b"".join(write_whole(1, side) for side in array.shape) + write_whole(2, _type(str(array.dtype)))
    return head + _text(8, name) + opening(9, array.nbytes)


def _value(name: str, kind: TensorType) -> bytes:
    # ValueInfoProto: 1 name, 2 type. TypeProto: 1 tensor: 1 type, 2 shape: 1 sides: 1 number or 2 name.
    sides = (write_whole(1, side) if side >= 0 else _text(2, f"{name}_{axis}") for axis, side in enumerate(kind.shape))
    shape = b"".join(write_bytes(1, side) for side in sides)
    tensor = write_whole(1, _type(kind.dtype)) + write_bytes(2, shape)
    return _text(1, name) + write_bytes(2, write_bytes(1, tensor))


def _type(dtype: str) -> int:
    if dtype not in ONNX_TYPES:
        raise UnsupportedProgramError(
            "The program has tensors of type {dtype}, for which there is no translation.",
            'Run the model with backend="paddle".',
            dtype=dtype,
        )
    return ONNX_TYPES[dtype]


def _text(number: int, text: str) -> bytes:
    return write_bytes(number, text.encode())


def _float(value: float) -> bytes:
    return np.array(value, "<f4").tobytes()
