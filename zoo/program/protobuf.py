"""The wire format of protocol buffers, read and written: as much of it as programs and ONNX files use."""

from __future__ import annotations

from zoo.message import Message


def fields(data: bytes) -> list[tuple[int, int | bytes]]:
    """Splits one message into (field number, value): a whole number of varints, bytes of everything else.

    Raises:
        ValueError, IndexError: The bytes do not add up.
    """
    found: list[tuple[int, int | bytes]] = []
    position = 0
    while position < len(data):
        key, position = _read_varint(data, position)
        number, wire = key >> 3, key & 7
        if number == 0:
            raise ValueError(Message("field number 0"))
        if wire == 0:
            value, position = _read_varint(data, position)
            found.append((number, value))
            continue
        if wire == 2:
            length, position = _read_varint(data, position)
        elif wire in (1, 5):
            length = 8 if wire == 1 else 4
        else:
            raise ValueError(Message("wire type {wire}", wire=wire))
        if position + length > len(data):
            raise ValueError(Message("a field is longer than the message"))
        found.append((number, data[position : position + length]))
        position += length
    return found


def messages(data: bytes, number: int) -> list[bytes]:
    """Returns every value of a field that holds bytes: messages and texts."""
    return [value for found, value in fields(data) if found == number and isinstance(value, bytes)]


def whole_numbers(data: bytes, number: int) -> list[int]:
    """Returns every value of a field of signed whole numbers, packed or one by one."""
    values: list[int] = []
    for found, value in fields(data):
        if found != number:
            continue
        if isinstance(value, int):
            values.append(value)
            continue
        position = 0
        while position < len(value):
            item, position = _read_varint(value, position)
            values.append(item)
    # Negative numbers are written as 64 bits in two's complement.
    return [value - (1 << 64) if value >> 63 else value for value in values]


def _read_varint(data: bytes, position: int) -> tuple[int, int]:
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


def write_whole(number: int, value: int) -> bytes:
    """Returns a field with a signed whole number."""
    return _varint(number << 3) + _varint(value & (1 << 64) - 1)


def write_float(number: int, data: bytes) -> bytes:
    """Returns a field with the four bytes of a float32."""
    return _varint(number << 3 | 5) + data


def write_bytes(number: int, data: bytes) -> bytes:
    """Returns a field with a message or a text."""
    return opening(number, len(data)) + data


def opening(number: int, length: int) -> bytes:
    """Returns what stands before the `length` bytes of a message or a text."""
    return _varint(number << 3 | 2) + _varint(length)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))
