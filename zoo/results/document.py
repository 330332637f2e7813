"""The JSON form of a result: masks as runs, numbers as plain numbers, and the way back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from zoo.errors import DecodeError

#: Name and version of the document; `result.schema.json` beside this file describes it.
SCHEMA = "zoo.result/1"

#: Larger masks are not decoded: a document of a few bytes could ask for any amount of memory.
MAX_DECODED_PIXELS = 1 << 30

_HINT = "Read a document that Result.to_dict() or Result.save_to_json() wrote, unchanged and with its mask."


def encode_mask(mask: NDArray[np.uint8 | np.uint16]) -> dict[str, Any]:
    """Returns the runs of equal values of a mask, row after row; a run may continue in the next row."""
    flat = mask.reshape(-1)
    starts = np.concatenate(([0], np.flatnonzero(flat[1:] != flat[:-1]) + 1))
    return {
        "encoding": "rle",
        "dtype": mask.dtype.name,
        "values": flat[starts].tolist(),
        "lengths": np.diff(starts, append=flat.size).tolist(),
    }


def decode_mask(document: Mapping[str, Any]) -> NDArray[np.uint8 | np.uint16]:
    """Returns the mask of a result document.

    Args:
        document: What `Result.to_dict` returned, or the parsed content of a file `Result.save_to_json` wrote.

    Returns:
        (H, W) class values, equal to the result's mask in shape, dtype and values.

    Raises:
        DecodeError: The document has another schema or no mask, or its runs do not make up the mask.
    """
    if not isinstance(cast(object, document), Mapping):
        raise _damaged(f"it is a {type(document).__name__}, and an object was expected")
    if document.get("schema") != SCHEMA:
        raise _damaged(f"its schema is {document.get('schema')!r}, and {SCHEMA!r} was expected")
    size = _integers(document.get("size"), "size", 1, MAX_DECODED_PIXELS)
    if len(size) != 2 or size[0] * size[1] > MAX_DECODED_PIXELS:
        raise _damaged(f"its size is {size}, and [height, width] of at most {MAX_DECODED_PIXELS} pixels was expected")
    content = document.get("mask")
    if not isinstance(content, Mapping):
        raise _damaged("it has no mask")
    mask = cast(Mapping[str, Any], content)
    dtypes: dict[Any, type[np.uint8 | np.uint16]] = {"uint8": np.uint8, "uint16": np.uint16}
    kind = (mask.get("encoding"), mask.get("dtype"))
    if kind[0] != "rle" or kind[1] not in ("uint8", "uint16"):
        raise _damaged(f"its mask has encoding and dtype {kind}, and 'rle' with 'uint8' or 'uint16' was expected")
    dtype = dtypes[kind[1]]
    values = _integers(mask.get("values"), "mask.values", 0, int(np.iinfo(dtype).max))
    lengths = _integers(mask.get("lengths"), "mask.lengths", 1, MAX_DECODED_PIXELS)
    if len(values) != len(lengths):
        raise _damaged(f"its mask has {len(values)} values but {len(lengths)} lengths")
    if sum(lengths) != size[0] * size[1]:
        raise _damaged(f"the runs of its mask have {sum(lengths)} pixels, and {size[0]}x{size[1]} were expected")
    return np.repeat(np.array(values, dtype=dtype), lengths).reshape(size[0], size[1])


def to_json(document: Mapping[str, Any], indent: int | None, ensure_ascii: bool) -> str:
    """Writes a result document as text.

    The mask stays on one line whatever the indent: one number a line would make its size sixfold. Where a name holds
    something that cannot be shown or written as UTF-8, as file names may, everything outside ASCII is escaped.

    Args:
        document: Plain data, "mask" last if present.
        indent: Spaces a level; None for one line without spaces.
        ensure_ascii: Escape everything outside ASCII.
    """
    compact = (",", ":")
    head = {key: value for key, value in document.items() if key != "mask"}

    def dump(ascii_only: bool) -> str:
        separators = compact if indent is None else None
        return json.dumps(head, indent=indent, separators=separators, ensure_ascii=ascii_only, allow_nan=False)

    text = dump(ensure_ascii)
    if not all(character.isprintable() or character == "\n" for character in text):
        text = dump(True)
    if "mask" not in document:
        return text
    mask = json.dumps(document["mask"], separators=compact, allow_nan=False)
    if indent is None:
        return f'{text[:-1]},"mask":{mask}}}'
    return f'{text[:-1].rstrip()},\n{" " * indent}"mask": {mask}\n}}'


def _integers(value: object, name: str, least: int, most: int) -> list[int]:
    items = cast(list[object], value) if isinstance(value, list) else None
    if items is None:
        raise _damaged(f"its {name} is no list")
    for item in items:
        # A bool is an int to Python and none to JSON.
        if type(item) is not int or not least <= item <= most:
            raise _damaged(f"its {name} holds {item!r:.40}, and whole numbers from {least} to {most} were expected")
    return cast(list[int], items)


def _damaged(fact: str) -> DecodeError:
    return DecodeError(f"The result document cannot be decoded: {fact}.", _HINT)
