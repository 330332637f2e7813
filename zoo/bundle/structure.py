"""Checks of program and parameter files, made before an engine sees them.

The engine is no check: it dies of SIGSEGV on an HTML page named `.pdmodel`, and runs with other numbers when the last
byte of the parameters is missing.
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from zoo.errors import BundleError
from zoo.message import Message

# Sizes in bytes of the values of VarType.Type in paddle's framework.proto.
_ITEM_SIZES = {0: 1, 1: 2, 2: 4, 3: 8, 4: 2, 5: 4, 6: 8, 19: 8, 20: 1, 21: 1, 22: 2, 23: 8, 24: 16}
# Kinds of variable in ProgramDesc that only carry inputs and outputs: FEED_MINIBATCH and FETCH_LIST.
_CARRIERS = {9, 10}


@dataclass(frozen=True, slots=True)
class Outline:
    """What a program file says of its program.

    Attributes:
        parameters: Number of tensors it needs from the parameter file.
        input_shape: Shape of its first input, -1 where any size goes; None where the file does not say it.
    """

    parameters: int
    input_shape: tuple[int, ...] | None


def check_program(path: Path) -> Outline:
    """Checks that a program file is what its suffix says, and returns what it says.

    Args:
        path: `*.json` (PIR) or `*.pdmodel` (a ProgramDesc protocol buffer).

    Raises:
        BundleError: It is damaged or something else.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _fault(path, Message("cannot be read: {reason}", reason=error.strerror or error)) from error
    if path.suffix == ".json":
        try:
            document = json.loads(content)
            if document["base_code"]["magic"] != "pir":
                raise ValueError(Message("another magic word"))
            return _pir_program(document["program"])
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise _fault(path, Message("is not a PIR program: {type}", type=type(error).__name__)) from error
    try:
        return _older_program(content)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise _fault(path, Message("is not a ProgramDesc protocol buffer")) from error


def _pir_program(program: Any) -> Outline:
    operations = program["regions"][0]["blocks"][0]["ops"]
    names = [operation["#"] for operation in operations]
    # "p" is a parameter; the operation "data" of the operator dialect is an input.
    inputs = [operation for operation, name in zip(operations, names, strict=True) if name.endswith(".data")]
    attributes = {entry["N"]: entry["AT"]["D"] for entry in inputs[0]["A"]} if inputs else {}
    shape = attributes.get("shape")
    return Outline(names.count("p"), None if shape is None else tuple(int(side) for side in shape))


def _older_program(content: bytes) -> Outline:
    # ProgramDesc: 1 blocks. BlockDesc: 3 variables, 4 operations. OpDesc: 2 outputs, 3 type.
    block = _all(content, 1)[0]
    shapes: dict[bytes, tuple[int, ...] | None] = {}
    parameters = 0
    for variable in _all(block, 3):
        # VarDesc: 1 name, 2 type, 3 persistable. VarType: 1 kind, 3 a message whose 1 is the tensor, whose
        # 2 are the sides.
        kind = _all(variable, 2)[0]
        number = dict(_fields(kind))[1]
        persistable = any(field == 3 and value for field, value in _fields(variable))
        parameters += persistable and number not in _CARRIERS
        tensors = [tensor for leveled in _all(kind, 3) for tensor in _all(leveled, 1)]
        shapes[_all(variable, 1)[0]] = _sides(tensors[0]) if tensors else None
    for operation in _all(block, 4):
        if _all(operation, 3) == [b"feed"]:
            # An output: 1 its role, 2 the variables.
            return Outline(parameters, shapes.get(_all(_all(operation, 2)[0], 2)[0]))
    return Outline(parameters, None)


def _sides(tensor: bytes) -> tuple[int, ...]:
    sides = [value for number, value in _fields(tensor) if number == 2 and isinstance(value, int)]
    sides += [side for packed in _all(tensor, 2) for side in _packed(packed)]
    # Negative numbers are written as 64 bits in two's complement.
    return tuple(side - (1 << 64) if side >> 63 else side for side in sides)


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
                    raise _fault(path, Message("breaks off or is damaged in tensor {count}", count=count + 1))
                file.seek(data, 1)
                count += 1
    except OSError as error:
        raise _fault(path, Message("cannot be read: {reason}", reason=error.strerror or error)) from error
    if not count:
        raise _fault(path, Message("is empty"))
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


def _all(message: bytes, number: int) -> list[bytes]:
    """Returns every value of a field that holds bytes."""
    return [value for found, value in _fields(message) if found == number and isinstance(value, bytes)]


def _fields(data: bytes) -> list[tuple[int, int | bytes]]:
    """Splits one protocol-buffer message into (field number, value); raises when the bytes do not add up."""
    fields: list[tuple[int, int | bytes]] = []
    position = 0
    while position < len(data):
        key, position = _varint(data, position)
        number, wire = key >> 3, key & 7
        if number == 0:
            raise ValueError(Message("field number 0"))
        if wire == 0:
            value, position = _varint(data, position)
            fields.append((number, value))
            continue
        if wire == 2:
            length, position = _varint(data, position)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise ValueError(Message("wire type {wire}", wire=wire))
        if position + length > len(data):
            raise ValueError(Message("a field is longer than the message"))
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
            raise ValueError(Message("a number has more than 64 bits"))


def _fault(path: Path, reason: str) -> BundleError:
    return BundleError(
        "The model file {path} {reason}. A whole file as paddle exports it was expected.",
        "Export the model again, or download it again.",
        path=path,
        reason=reason,
    )
