"""Checks of program and parameter files, made before an engine sees them.

The engine is no check: it dies of SIGSEGV on an HTML page named `.pdmodel`, and runs with other numbers when the last
byte of the parameters is missing.
"""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path
from typing import BinaryIO

from zoo.errors import BundleError

# Sizes in bytes of the values of VarType.Type in paddle's framework.proto.
_ITEM_SIZES = {0: 1, 1: 2, 2: 4, 3: 8, 4: 2, 5: 4, 6: 8, 19: 8, 20: 1, 21: 1, 22: 2, 23: 8, 24: 16}


def check_program(path: Path) -> None:
    """Checks that a program file is what its suffix says.

    Args:
        path: `inference.json` (PIR) or `*.pdmodel` (a ProgramDesc protocol buffer).

    Raises:
        BundleError: It is damaged or something else.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _fault(path, f"cannot be read: {error.strerror or error}") from error
    if path.suffix == ".json":
        try:
            header = json.loads(content)
            known = isinstance(header, dict) and header["base_code"]["magic"] == "pir" and "program" in header
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise _fault(path, f"is not a PIR program: {type(error).__name__}") from error
        if not known:
            raise _fault(path, "is not a PIR program")
    elif not _is_message(content):
        raise _fault(path, "is not a ProgramDesc protocol buffer")


def check_params(path: Path) -> int:
    """Walks the tensor records of a `.pdiparams` file.

    A record is: version (uint32), number of LoD levels (uint64, 0 in models), tensor version (uint32), length of the
    descriptor (int32), the descriptor (protocol buffer: data type and dimensions), the data.

    Returns:
        The number of tensors, at least 1.

    Raises:
        BundleError: The records do not add up to the size of the file.
    """
    try:
        size = path.stat().st_size
        with open(path, "rb") as file:
            count = 0
            while file.tell() < size:
                data = _record_data_size(file)
                if data is None or file.tell() + data > size:
                    raise _fault(path, f"breaks off or is damaged in tensor {count + 1}")
                file.seek(data, 1)
                count += 1
    except OSError as error:
        raise _fault(path, f"cannot be read: {error.strerror or error}") from error
    if not count:
        raise _fault(path, "is empty")
    return count


def _record_data_size(file: BinaryIO) -> int | None:
    head = file.read(20)
    if len(head) < 20:
        return None
    version, levels, tensor_version, length = struct.unpack("<IQIi", head)
    if version or levels or tensor_version or not 0 < length <= 1024:
        return None
    descriptor = file.read(length)
    try:
        fields = list(_fields(descriptor))
    except (IndexError, ValueError):
        return None
    kinds = [value for number, value in fields if number == 1 and isinstance(value, int)]
    dims: list[int] = []
    for number, value in fields:
        if number == 2:
            dims += _packed(value) if isinstance(value, bytes) else [value]
    if len(kinds) != 1 or kinds[0] not in _ITEM_SIZES or any(dim < 0 for dim in dims):
        return None
    return math.prod(dims) * _ITEM_SIZES[kinds[0]]


def _is_message(content: bytes) -> bool:
    try:
        numbers = [number for number, _ in _fields(content)]
    except (IndexError, ValueError):
        return False
    # ProgramDesc: field 1 is a block and there is at least one.
    return 1 in numbers


def _fields(data: bytes) -> list[tuple[int, int | bytes]]:
    """Splits one protocol-buffer message into (field number, value); raises when the bytes do not add up."""
    fields: list[tuple[int, int | bytes]] = []
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        number, wire = key >> 3, key & 7
        if number == 0:
            raise ValueError("field number 0")
        if wire == 0:
            value, position = _varint(data, position)
            fields.append((number, value))
            continue
        if wire == 2:
            length, position = _varint(data, position)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise ValueError(f"wire type {wire}")
        if position + length > len(data):
            raise ValueError("a field is longer than the message")
        fields.append((number, data[position : position + length]))
        position += length
    return fields


def _packed(data: bytes) -> list[int]:
    values: list[int] = []
    position = 0
    while position < len(data):
        value, position = _varint(data, position)
        values.append(value)
    return values


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position += 1
        if not byte & 0x80:
            return value, position
        shift += 7
        if shift > 63:
            raise ValueError("a number has more than 64 bits")


def _fault(path: Path, reason: str) -> BundleError:
    return BundleError(
        f"The model file {path} {reason}. A whole file as paddle exports it was expected.",
        "Export the model again, or download it again.",
    )
