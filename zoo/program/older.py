"""Reads `.pdmodel`: a program as a ProgramDesc protocol buffer, as paddle 2 writes it."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from zoo.message import Message
from zoo.program.faults import damaged_model
from zoo.program.graph import ELEMENTS, Graph, Operation, TensorType
from zoo.program.protobuf import messages, whole_numbers

# Kinds of variable that only carry inputs and outputs: FEED_MINIBATCH and FETCH_LIST.
_CARRIERS = {9, 10}


def read_program_desc(path: Path, content: bytes) -> Graph:
    """Reads a program without its parameters.

    Args:
        path: Its file, for errors.
        content: The file's bytes.

    Raises:
        BundleError: It is damaged or something else.
    """
    try:
        # ProgramDesc: 1 blocks. BlockDesc: 3 variables, 4 operations.
        return _block(path, messages(content, 1)[0])
    except (ValueError, LookupError, TypeError, AttributeError, struct.error) as error:
        raise damaged_model(path, Message("is not a ProgramDesc protocol buffer")) from error


def _block(path: Path, block: bytes) -> Graph:
    kinds: dict[str, TensorType] = {}
    current: dict[str, int] = {}  # values by the name of the variable that holds them now
    parameters: dict[int, str] = {}
    types: dict[int, TensorType] = {}
    count = 0

    def new(name: str) -> int:
        nonlocal count
        count += 1
        current[name] = count
        if name in kinds:
            types[count] = kinds[name]
        return count

    for raw in messages(block, 3):
        # VarDesc: 1 name, 2 type, 3 persistable. VarType: 1 kind, 3 a message whose 1 is the tensor.
        name, kind = messages(raw, 1)[0].decode(), messages(raw, 2)[0]
        (number,) = whole_numbers(kind, 1)
        tensors = [tensor for leveled in messages(kind, 3) for tensor in messages(leveled, 1)]
        if tensors:
            kinds[name] = _type(tensors[0])
        if any(whole_numbers(raw, 3)) and number not in _CARRIERS:
            parameters[new(name)] = name
    operations: list[Operation] = []
    for raw in messages(block, 4):
        # OpDesc: 1 inputs, 2 outputs, 3 type, 4 attributes.
        operation, attributes = messages(raw, 3)[0].decode(), dict(map(_attribute, messages(raw, 4)))
        inputs, outputs = _slots(raw, 1), _slots(raw, 2)
        # Both have a holder on their other side, which is no tensor.
        if operation == "feed":
            inputs, attributes = {}, {"name": outputs["Out"][0], "col": attributes.get("col")}
        elif operation == "fetch":
            outputs, attributes = {}, {"name": inputs["X"][0], "col": attributes.get("col")}
        # What nothing has made has a number of its own, too.
        slots = {slot: tuple(current.get(name) or new(name) for name in names) for slot, names in inputs.items()}
        results = {slot: tuple(new(name) for name in names) for slot, names in outputs.items()}
        place = str(attributes.pop("op_namescope", "")).strip("/")
        operations.append(Operation(operation, (), (), attributes, place, slots, results))
    return Graph(path, tuple(operations), types, parameters, {})


def _type(tensor: bytes) -> TensorType:
    # TensorDesc: 1 data type, 2 sides.
    (number,) = whole_numbers(tensor, 1)
    dtype, _ = ELEMENTS.get(number, (f"type {number}", 0))
    return TensorType(dtype, tuple(whole_numbers(tensor, 2)))


def _slots(raw: bytes, number: int) -> dict[str, tuple[str, ...]]:
    # Var: 1 the slot, 2 variables.
    return {
        messages(slot, 1)[0].decode(): tuple(name.decode() for name in messages(slot, 2))
        for slot in messages(raw, number)
    }


def _attribute(raw: bytes) -> tuple[str, Any]:
    # Attr: 1 name, 2 kind, and by kind one field of those below; other kinds name blocks and variables.
    name, (kind,) = messages(raw, 1)[0].decode(), whole_numbers(raw, 2)
    if kind in _WHOLE:
        value: Any = next(iter(whole_numbers(raw, _WHOLE[kind])), 0)
        return name, bool(value) if kind == 6 else _narrow(value)
    if kind in _WHOLES:
        values = whole_numbers(raw, _WHOLES[kind])
        return name, tuple(map(bool, values)) if kind == 7 else tuple(map(_narrow, values))
    if kind in _FLOATS:
        number, form = _FLOATS[kind]
        values = [value for (value,) in struct.iter_unpack(form, b"".join(messages(raw, number)))]
        return name, tuple(values) if kind in (4, 12) else values[0]
    if kind in (16, 17):
        scalars = [_scalar(item) for item in messages(raw, kind + 4)]
        return name, tuple(scalars) if kind == 17 else scalars[0]
    if kind == 2:
        return name, messages(raw, 5)[0].decode()
    if kind == 5:
        return name, tuple(text.decode() for text in messages(raw, 8))
    return name, None


def _scalar(raw: bytes) -> bool | int | float | None:
    # Scalar: 1 kind, and by it 2 a truth value, 3 a whole number, 4 a float64.
    (kind,) = whole_numbers(raw, 1)
    if kind == 3:
        (value,) = struct.unpack("<d", messages(raw, 4)[0])
        return value
    if kind in (1, 2):
        value = next(iter(whole_numbers(raw, kind + 1)), 0)
        return bool(value) if kind == 1 else value
    return None


# Kinds of attribute, and the field that holds the value: int, bool, long; their lists; float, floats, double, doubles.
_WHOLE = {0: 3, 6: 10, 9: 13}
_WHOLES = {3: 6, 7: 11, 11: 15}
_FLOATS = {1: (4, "<f"), 4: (7, "<f"), 15: (19, "<d"), 12: (16, "<d")}


def _narrow(value: int) -> int:
    """Returns a negative int32 that was written as one without a sign."""
    return value - (1 << 32) if 1 << 31 <= value < 1 << 32 else value
