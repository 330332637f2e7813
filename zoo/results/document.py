"""The JSON form of a result: plain data, its text, and the way back to the mask."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from zoo.contract.format import Mark
from zoo.errors import DecodeError
from zoo.message import Message
from zoo.results.classes import ClassArea, classes_in
from zoo.results.encode import SCHEMA
from zoo.results.masktext import MaskForm, check_form, mask_text
from zoo.settings.check import conform, mismatch
from zoo.settings.document import DocumentKind, Node, Source
from zoo.settings.rules import array, mapping, whole

if TYPE_CHECKING:
    from zoo.results.result import Result

#: Larger masks are not decoded: a document of a few bytes could ask for any amount of memory.
MAX_DECODED_PIXELS = 1 << 30

_RESULT = DocumentKind(
    error=DecodeError,
    noun=Message("a result document"),
    hint=Message("Read a document that Result.to_dict() or Result.save_to_json() wrote, unchanged and with its mask."),
    name=Message("The result document"),
)
# The values of the mask may be very many, so they are not looked at one by one here.
_HEAD = mapping(
    {
        "schema": {"const": SCHEMA},
        "size": array(whole(1, MAX_DECODED_PIXELS), 2, 2, title="[height, width]"),
        "mask": mapping({"encoding": {"enum": ["rle", "full"]}, "dtype": {"enum": ["uint8", "uint16"]}}),
    }
)


def describe(result: Result) -> dict[str, Any]:
    """Returns the document without the mask, as `result.schema.json` beside this file describes it."""
    return {
        **Mark(SCHEMA, result.uri).fields(),
        "name": result.name,
        "note": result.note,
        "model": result.model,
        **({"origin": result.origin} if result.origin else {}),
        "device": result.device,
        "engine": result.engine,
        **({"precision": result.precision} if result.precision else {}),
        **({"why": result.why} if result.why else {}),
        "size": list(result.mask.shape),
        "seconds": {stage: float(value) for stage, value in result.seconds.items()},
        "ignore_index": result.labels.ignore_index,
        "classes": [_class(area) for area in classes_in(result.mask, result.labels, result.scores)],
        "labels": list(result.labels.names),
    }


def _class(area: ClassArea) -> dict[str, Any]:
    entry = {
        "value": area.value,
        "name": area.name,
        "color": list(area.color),
        "pixels": area.pixels,
        "share": area.share,
    }
    return entry if area.score is None else {**entry, "score": area.score}


def to_json(document: Mapping[str, Any], mask: str | None, indent: int | None, ensure_ascii: bool) -> str:
    """Writes a result document as text.

    Where a name holds something that cannot be shown or written as UTF-8, as file names may, everything outside ASCII
    is escaped.

    Args:
        document: Plain data without the mask.
        mask: The text of the mask, which becomes the last field. It is not indented: one number a line would make its
            size sixfold.
        indent: Spaces a level; None for one line without spaces.
        ensure_ascii: Escape everything outside ASCII.
    """

    def dump(ascii_only: bool) -> str:
        separators = (",", ":") if indent is None else None
        return json.dumps(document, indent=indent, separators=separators, ensure_ascii=ascii_only, allow_nan=False)

    text = dump(ensure_ascii)
    if not all(character.isprintable() or character == "\n" for character in text):
        text = dump(True)
    if mask is None:
        return text
    if indent is None:
        return f'{text[:-1]},"mask":{mask}}}'
    return f'{text[:-1].rstrip()},\n{" " * indent}"mask": {mask}\n}}'


def encode(
    results: Iterable[Result],
    path: Path,
    indent: int | None = 4,
    ensure_ascii: bool = False,
    mask: MaskForm | None = "rle",
) -> bytes:
    """Encodes the document with its mask as a file."""
    (result,) = results
    text = None if mask is None else mask_text(result.mask, check_form(mask), broken=indent is not None)
    return to_json(describe(result), text, indent, ensure_ascii).encode("utf-8") + b"\n"


def decode_mask(document: Mapping[str, Any]) -> NDArray[np.uint8 | np.uint16]:
    """Returns the mask of a result document.

    Args:
        document: What `Result.to_dict` returned, or the parsed content of a file `Result.save_to_json` wrote.

    Returns:
        (H, W) class values, equal to the result's mask in shape, dtype and values.

    Raises:
        DecodeError: The document has another schema or no mask, or its runs or rows do not make up the mask.
    """
    root = Node(dict(document) if isinstance(cast(object, document), Mapping) else document, Source(_RESULT))
    size, mask = (conform(root, _HEAD)[name] for name in ("size", "mask"))
    if size[0] * size[1] > MAX_DECODED_PIXELS:
        raise mismatch(root["size"], Message("[height, width] of at most {most} pixels", most=MAX_DECODED_PIXELS))
    dtype = np.uint8 if mask["dtype"] == "uint8" else np.uint16
    flat = _from_runs(mask, dtype, size) if mask["encoding"] == "rle" else _from_rows(mask, dtype, size)
    return flat.reshape(size[0], size[1])


def _from_runs(
    mask: Mapping[str, Any], dtype: type[np.uint8 | np.uint16], size: list[int]
) -> NDArray[np.uint8 | np.uint16]:
    values = _integers(mask.get("values"), "mask.values", 0, int(np.iinfo(dtype).max))
    lengths = _integers(mask.get("lengths"), "mask.lengths", 1, MAX_DECODED_PIXELS)
    if len(values) != len(lengths):
        raise _damaged(
            Message(
                "its mask has {count} values but {lengths_count} lengths", count=len(values), lengths_count=len(lengths)
            )
        )
    if sum(lengths) != size[0] * size[1]:
        raise _damaged(
            Message(
                "the runs of its mask have {sum} pixels, and {size}x{size2} were expected",
                sum=sum(lengths),
                size=size[0],
                size2=size[1],
            )
        )
    return np.repeat(np.array(values, dtype=dtype), lengths)


def _from_rows(
    mask: Mapping[str, Any], dtype: type[np.uint8 | np.uint16], size: list[int]
) -> NDArray[np.uint8 | np.uint16]:
    rows = mask.get("rows")
    if not isinstance(rows, list):
        raise _damaged(Message("its mask.rows is no list"))
    most = int(np.iinfo(dtype).max)
    parts = [
        np.array(_integers(row, f"mask.rows[{number}]", 0, most), dtype)
        for number, row in enumerate(cast(list[object], rows))
    ]
    lengths = sorted({part.size for part in parts})
    if len(parts) != size[0] or lengths != [size[1]]:
        raise _damaged(
            Message(
                "its mask has {count} rows of {lengths} pixels, and {size}x{size2} were expected",
                count=len(parts),
                lengths=lengths[:5],
                size=size[0],
                size2=size[1],
            )
        )
    return np.concatenate(parts)


def _integers(value: object, name: str, least: int, most: int) -> list[int]:
    items = cast(list[object], value) if isinstance(value, list) else None
    if items is None:
        raise _damaged(Message("its {name} is no list", name=name))
    for item in items:
        # A bool is an int to Python and none to JSON.
        if type(item) is not int or not least <= item <= most:
            raise _damaged(
                Message(
                    "its {name} holds {item!r:.40}, and whole numbers from {least} to {most} were expected",
                    name=name,
                    item=item,
                    least=least,
                    most=most,
                )
            )
    return cast(list[int], items)


def _damaged(fact: str) -> DecodeError:
    return DecodeError("The result document cannot be decoded: {fact}.", _RESULT.hint, fact=fact)
