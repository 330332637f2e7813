"""A picture out of a request's body: as it is, out of a form, or out of the JSON of the documented route."""

from __future__ import annotations

import base64
import hashlib
import io
import re
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import python_multipart
from numpy.typing import NDArray
from python_multipart.multipart import parse_options_header

from zoo.contract.spec import ValueRange
from zoo.errors import RequestError, UnsupportedSourceError
from zoo.message import Message
from zoo.picture.image import HEAD_BYTES, decode_picture, is_picture
from zoo.picture.opening import EXPECTED
from zoo.picture.sources import Input
from zoo.picture.sources.item import URL, input_name
from zoo.serve.exchange import Wish
from zoo.serve.worker.requests_json import read_body
from zoo.settings.rules import BOOLEAN, STRING, mapping

#: What a picture without a name is called.
NAME = "picture"
#: Forms of the label map on the documented route.
LABEL_MAP_FORMS = ("list", "png", "rle")
_DOCUMENTED = mapping(
    {"image": STRING}, {"visualize": BOOLEAN, "format": {"enum": [*LABEL_MAP_FORMS]}, "scores": BOOLEAN}
)
_HINT_BASE64 = Message("Send the content of the file in base64, in one line and with its padding.")
_HINT_FORM = Message('Send one file, such as: curl -F "image=@street.jpg"')
_DATA_URL = re.compile(r"data:[^,]{0,200},", re.IGNORECASE)


class NotBase64Error(RequestError):
    """A text is no base64."""


class AddressRefusedError(RequestError):
    """An address may not be asked for a picture."""


def documented_body(content: bytes) -> tuple[str | bytes, Wish]:
    """Reads the body of the documented route.

    Returns:
        The address or the content of the picture, and what is asked for besides.

    Raises:
        RequestError: It is not as documented.
    """
    # What else a client sends is its own affair, as in PaddleX.
    body: dict[str, Any] = read_body(content, _DOCUMENTED)
    wish = Wish(body.get("format", "list"), body.get("scores", False), body.get("visualize", True))
    image: str = body["image"]
    if match := URL.match(image):
        if match[1].lower() not in ("http", "https"):
            raise AddressRefusedError(
                "The body: `image` is an address of another kind than http and https.", _HINT_BASE64
            )
        return image, wish
    return from_base64(image), wish


def from_base64(text: str) -> bytes:
    """Returns what a text holds in strict base64.

    Raises:
        NotBase64Error: It is something else.
    """
    if _DATA_URL.match(text):
        raise NotBase64Error(
            "The body: `image` is a data address. Base64 alone was expected.", "Leave out what stands before the comma."
        )
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise NotBase64Error(
            "The body: `image` is neither base64 nor an http or https address.", _HINT_BASE64
        ) from error


def form_body(content: bytes, media_type: str) -> tuple[bytes, str]:
    """Reads the one file of a form.

    Args:
        content: The body.
        media_type: Its Content-Type with the boundary.

    Returns:
        The content of the file, and its name without what could harm a terminal or a path.

    Raises:
        RequestError: It is no form, or has another number of files.
    """
    kind, options = parse_options_header(media_type)
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not 0 < len(boundary) <= 200:
        raise RequestError("The form has no boundary. One was expected in Content-Type.", _HINT_FORM)
    parts = _Parts()
    parser = python_multipart.MultipartParser(boundary, parts.callbacks())
    try:
        parser.write(content)
        parser.finalize()
    except ValueError as error:
        raise RequestError("The form is damaged. A whole one was expected.", _HINT_FORM) from error
    files = [part for part in parts.found if part.is_file]
    if not parts.whole or len(files) != 1:
        raise RequestError(
            "The form holds {count} files. One was expected.", _HINT_FORM, count=len(files) if parts.whole else 0
        )
    (file,) = files
    return bytes(file.content), input_name(file.name)[:100] or NAME


class _Part:
    """A part of a form."""

    def __init__(self) -> None:
        self.headers: dict[bytes, bytes] = {}
        self.content = bytearray()

    def _disposition(self) -> dict[bytes, bytes]:
        return parse_options_header(self.headers.get(b"content-disposition", b""))[1]

    @property
    def is_file(self) -> bool:
        # Some clients name no file, but say what it is.
        return b"filename" in self._disposition() or b"content-type" in self.headers

    @property
    def name(self) -> str:
        return self._disposition().get(b"filename", b"").decode("utf-8", "replace")


class _Parts:
    """The parts of a form as a parser tells of them."""

    def __init__(self) -> None:
        self.found: list[_Part] = []
        self.whole = False
        self._field, self._value = bytearray(), bytearray()

    def callbacks(self) -> Any:
        """Returns what the parser calls."""
        return {
            "on_part_begin": lambda: self.found.append(_Part()),
            "on_part_data": self._add_content,
            "on_header_field": self._add_field,
            "on_header_value": self._add_value,
            "on_header_end": self._add_header,
            "on_end": self._end,
        }

    def _add_content(self, data: bytes, start: int, end: int) -> None:
        self.found[-1].content += memoryview(data)[start:end]

    def _add_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _add_header(self) -> None:
        self.found[-1].headers[bytes(self._field).lower()] = bytes(self._value)
        self._field, self._value = bytearray(), bytearray()

    def _end(self) -> None:
        self.whole = True


@dataclass(eq=False)
class _Sent(Input):
    """A picture that was sent, told apart from others by the digest of its file, which is a tenth of its pixels.

    Attributes:
        content: The file.
    """

    content: bytes = b""

    def identify(self, image: NDArray[np.uint8]) -> str:
        """As `Input.identify`."""
        return f"{self.uri}#{hashlib.blake2b(self.content, digest_size=8).hexdigest()}"


def picture_input(content: bytes, name: str, max_pixels: int, value_range: ValueRange) -> Input:
    """Makes an input of a picture file's content; it is decoded when the input is read.

    Raises:
        UnsupportedSourceError: It is not a picture of an accepted format.
    """
    if not is_picture(content[:HEAD_BYTES]):
        raise UnsupportedSourceError(
            "The {count} bytes are no picture of an accepted format. {expected}",
            "Send the content of a picture file.",
            count=len(content),
            expected=EXPECTED,
        )
    load = partial(decode_picture, io.BytesIO(content), Message("The picture"), max_pixels, value_range)
    return _Sent(name, name, load, content=content)
