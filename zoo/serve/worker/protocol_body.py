"""Requests of the Open Inference Protocol (V2), with its binary extension: a tensor becomes a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.errors import RequestError
from zoo.message import Message
from zoo.picture.opening import check_size
from zoo.picture.rgb import Picture
from zoo.picture.sources import Input
from zoo.serve.worker.picture_body import NAME, from_base64
from zoo.serve.worker.requests_json import SchemaError, read_body
from zoo.settings.rules import STRING, array, mapping, whole

#: The one output, a label map (H, W).
OUTPUT = "mask"
_PARAMETERS = {"type": "object"}
_TENSOR = mapping(
    {"name": STRING, "shape": array(whole(1, 2**31 - 1), 1, 4), "datatype": {"enum": ["BYTES", "UINT8"]}},
    {"parameters": _PARAMETERS, "data": {"type": "array"}},
)
_WANTED = mapping({"name": {"const": OUTPUT}}, {"parameters": _PARAMETERS})
_REQUEST = mapping(
    {"inputs": array(_TENSOR, 1, 1)},
    {"id": STRING, "parameters": _PARAMETERS, "outputs": array(_WANTED, 1, 1)},
)
_HINT = Message("Give one input: BYTES of shape [1], a picture file; or UINT8 of shape [height, width, 3], RGB.")


@dataclass(frozen=True, slots=True)
class Inference:
    """A request.

    Attributes:
        identity: Its `id`; empty where it has none.
        picture: The content of a picture file, or the pixels (H, W, 3) RGB uint8.
        binary: Whether the label map is to come as bytes behind the JSON.
    """

    identity: str
    picture: bytes | NDArray[np.uint8]
    binary: bool


def inference_body(content: bytes, json_bytes: int | None, max_pixels: int) -> Inference:
    """Reads a request.

    Args:
        content: The body, unpacked.
        json_bytes: How many of its bytes are JSON; None for all.
        max_pixels: Most pixels of a picture.

    Raises:
        RequestError: It is not as the protocol says, or its tensor is no picture.
        DecodeError: The picture has too many pixels.
    """
    if json_bytes is not None and json_bytes > len(content):
        raise RequestError(
            "The JSON of the body is said to have {said} bytes, and there are {count}.",
            "Count it without compression, in Inference-Header-Content-Length.",
            said=json_bytes,
            count=len(content),
        )
    head, rest = (content, b"") if json_bytes is None else (content[:json_bytes], content[json_bytes:])
    request: dict[str, Any] = read_body(head, _REQUEST)
    tensor = request["inputs"][0]
    size = tensor.get("parameters", {}).get("binary_data_size")
    if size is not None and (type(size) is not int or size != len(rest)):
        raise RequestError(
            "The input is said to have {said} bytes behind the JSON, and there are {count}.",
            _HINT,
            said=size,
            count=len(rest),
        )
    data = tensor.get("data") if size is None else rest
    if data is None or (size is None and rest):
        raise SchemaError("The input has no data. It was expected in `data`, or behind the JSON.", _HINT)
    picture = _file(tensor["shape"], data) if tensor["datatype"] == "BYTES" else _pixels(tensor, data, max_pixels)
    return Inference(request.get("id", ""), picture, _is_binary(request))


def _is_binary(request: dict[str, Any]) -> bool:
    wanted = request.get("outputs", [{}])[0].get("parameters", {}).get("binary_data")
    return bool(request.get("parameters", {}).get("binary_data_output") if wanted is None else wanted)


def _file(shape: list[int], data: bytes | list[Any]) -> bytes:
    if any(side != 1 for side in shape):
        raise SchemaError("The input has the shape {shape}. One picture was expected.", _HINT, shape=shape)
    if isinstance(data, list):
        if len(data) != 1 or not isinstance(data[0], str):
            raise SchemaError("`data` is no list of one text. The picture in base64 was expected.", _HINT)
        return from_base64(data[0])
    length = int.from_bytes(data[:4], "little")
    if len(data) < 4 or length != len(data) - 4:
        raise RequestError(
            "The picture is said to have {said} bytes, and there are {count}.",
            "Put its length in front of it, in 4 bytes, the lowest first; in numpy use dtype=object.",
            said=length,
            count=max(0, len(data) - 4),
        )
    return data[4:]


def _pixels(tensor: dict[str, Any], data: bytes | list[Any], max_pixels: int) -> NDArray[np.uint8]:
    shape: list[int] = tensor["shape"][1:] if len(tensor["shape"]) == 4 and tensor["shape"][0] == 1 else tensor["shape"]
    if len(shape) != 3 or shape[2] != 3:
        raise SchemaError("The input has the shape {shape}. One picture was expected.", _HINT, shape=tensor["shape"])
    height, width = shape[:2]
    check_size(height, width, Message("The picture"), max_pixels)
    if isinstance(data, bytes):
        values: NDArray[Any] = np.frombuffer(data, np.uint8)
    else:
        values = _numbers(data)
    if values.size != height * width * 3:
        raise RequestError(
            "The input has {count} values, and the shape {shape} asks for others.",
            _HINT,
            count=values.size,
            shape=tensor["shape"],
        )
    return values.reshape(height, width, 3).astype(np.uint8)


def _numbers(data: list[Any]) -> NDArray[Any]:
    try:
        values = np.array(data)
    except (ValueError, OverflowError):
        values = np.zeros(0)
    if values.dtype.kind not in "iu" or values.min() < 0 or values.max() > 255:
        raise SchemaError("`data` holds other things than whole numbers from 0 to 255.", _HINT)
    return values


def pixel_input(pixels: NDArray[np.uint8]) -> Input:
    """Makes an input of pixels (H, W, 3) RGB uint8."""
    return Input(NAME, NAME, lambda: Picture(pixels))
