"""Bodies that no server should answer with 200, and that none should fail on."""

from __future__ import annotations

import base64
import io
import json
import struct
import zlib
from collections.abc import Iterator

from PIL import Image


def bad_bodies(good: bytes, listener: int) -> Iterator[tuple[str, bytes]]:
    """Yields what is wrong with a body, and the body.

    Args:
        good: A JPEG.
        listener: A port of loopback whose listener must hear nothing.
    """
    yield "empty", b""
    yield "not JSON", b"image=1"
    yield "half JSON", b'{"image": "aGVsbG8'
    yield "not UTF-8", b'{"image": "\xff\xfe"}'
    yield "NaN", b'{"image": NaN}'
    yield "10,000 brackets", b"[" * 10_000
    yield "10,000 nested lists as picture", b'{"image": ' + b"[" * 10_000 + b"]" * 10_000 + b"}"
    yield "a number of 5,000 digits", b'{"image": ' + b"9" * 5_000 + b"}"
    yield "a key twice", b'{"image": "AAAA", "image": "AAAB"}'
    yield "a list", b"[]"
    yield "a text", b'"image"'
    yield "no field", b"{}"
    for name, value in (
        ("null", None),
        ("a number", 12),
        ("a list in the field", ["AAAA"]),
        ("an object in the field", {"a": 1}),
        ("an empty text", ""),
        ("no base64", "!!!!"),
        ("base64 without padding", base64.b64encode(good).decode("ascii").rstrip("=") + "A"),
        ("a data address", "data:image/png;base64,AAAA"),
        ("a file address", "file:///etc/hostname"),
        ("a path", "/etc/hostname"),
        ("an address of loopback", f"http://127.0.0.1:{listener}/street.jpg"),
        ("an address with ftp", "ftp://127.0.0.1/street.jpg"),
    ):
        yield name, _json(value)
    for name, content in _files(good):
        yield name, _json(base64.b64encode(content).decode("ascii"))


def _json(value: object) -> bytes:
    return json.dumps({"image": value}).encode()


def _files(good: bytes) -> Iterator[tuple[str, bytes]]:
    yield "a text file", b"hello, world"
    yield "an HTML page", b"<!doctype html><html></html>"
    yield "a JPEG cut in the middle", good[: len(good) // 2]
    yield "the head of a PNG", b"\x89PNG\r\n\x1a\n"
    yield "a PNG with a wrong sum", _png(20, 20, wrong=True)
    yield "a PNG of no width", _png(0, 20)
    yield "a PNG bomb of 14,000 x 14,000", _png(14_000, 14_000)


def _png(width: int, height: int, wrong: bool = False) -> bytes:
    """Returns a black picture of one channel, packed to next to nothing."""
    packer = zlib.compressobj(9)
    row = bytes(1 + width)
    content = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    found = io.BytesIO(b"")
    found.write(b"\x89PNG\r\n\x1a\n")
    for kind, part in (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)),
        (b"IDAT", content),
        (b"IEND", b""),
    ):
        total = zlib.crc32(kind + part) ^ (1 if wrong and kind == b"IDAT" else 0)
        found.write(struct.pack(">I", len(part)) + kind + part + struct.pack(">I", total))
    return found.getvalue()


def small_jpeg() -> bytes:
    """Returns a good picture of 256x128."""
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((256, 128)).convert("RGB").save(buffer, "JPEG")
    return buffer.getvalue()
