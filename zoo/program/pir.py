"""Reads `inference.json`: a program in PIR, paddle's intermediate representation, as paddle 3 writes it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from zoo.errors import UnsupportedProgramError
from zoo.message import Message
from zoo.program.faults import damaged_model
from zoo.program.graph import Graph, Operation, TensorType

#: Versions of the format. paddle 3.0 writes 1, 3.2 writes 3, 3.3 writes 4; operations and attributes are the same.
VERSIONS = range(1, 5)
_DTYPES = {
    "t_bool": "bool",
    "t_ui8": "uint8",
    "t_i8": "int8",
    "t_i16": "int16",
    "t_i32": "int32",
    "t_i64": "int64",
    "t_f16": "float16",
    "t_bf16": "bfloat16",
    "t_f32": "float32",
    "t_f64": "float64",
}

_SPECIAL = {"NAN": math.nan, "INF": math.inf, "-INF": -math.inf}


def read_pir(path: Path, content: bytes) -> Graph:
    """Reads a program without its parameters.

    Args:
        path: Its file, for errors.
        content: The file's bytes.

    Raises:
        BundleError: It is damaged or something else.
        UnsupportedProgramError: Its format is newer than zoo.
    """
    try:
        document = json.loads(content)
        base = document["base_code"]
        if base["magic"] != "pir":
            raise ValueError(Message("another magic word"))
        version = base["version"]
        if version not in VERSIONS:
            raise UnsupportedProgramError(
                "{path} is a PIR program of version {version}; this zoo reads versions {first} to {last}.",
                "Export the model with paddlepaddle 3.0 to 3.3, or update zoo: pip install --upgrade zoo-core",
                path=path,
                version=version,
                first=VERSIONS[0],
                last=VERSIONS[-1],
            )
        (region,) = document["program"]["regions"]
        (block,) = region["blocks"]
        return _block(path, block["ops"])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        reason = Message("is not a PIR program: {type}", type=type(error).__name__)
        raise damaged_model(path, reason) from error


def _block(path: Path, raw: list[dict[str, Any]]) -> Graph:
    types: dict[int, TensorType] = {}
    parameters: dict[int, str] = {}
    operations: list[Operation] = []
    known = {0}
    for item in raw:
        # Dialects have numbers: "1.conv2d", and 0 is what PIR itself has; only the parameter "p" stands without.
        dialect, _, name = item["#"].rpartition(".")
        name = f"builtin.{name}" if dialect == "0" else name
        results = item["O"] if isinstance(item["O"], list) else [item["O"]]
        outputs = tuple(_value(result) for result in results)
        inputs = tuple(_value(source) for source in item.get("I", ()))
        if known.isdisjoint(outputs) and known.issuperset(inputs) and len(set(outputs)) == len(outputs):
            known.update(outputs)
        else:
            raise ValueError(Message("a value is made twice, or used before it is made"))
        types.update((number, kind) for number, kind in zip(outputs, map(_type, results), strict=True) if kind)
        if name == "p":
            # The first three say how it was made and how it is trained.
            parameters[outputs[0]] = _text(item["A"][3])
            continue
        attributes = {_text(entry["N"]): _attribute(entry["AT"]) for entry in item["A"]}
        place = attributes.pop("struct_name", "")
        operations.append(Operation(_text(name), inputs, outputs, attributes, str(place)))
    if len(set(parameters.values())) != len(parameters):
        raise ValueError(Message("two parameters have one name"))
    return Graph(path, tuple(operations), types, parameters, {})


def _value(raw: dict[str, Any]) -> int:
    number = raw["%"]
    if type(number) is not int or number < 0:
        raise ValueError(Message("a value without a number"))
    return number


def _text(raw: Any) -> str:
    if not isinstance(raw, str):
        raise TypeError(Message("a name that is no text"))
    raw.encode()  # JSON can say half a character
    return raw


def _type(raw: dict[str, Any]) -> TensorType | None:
    kind = raw.get("TT")
    if kind is None or not kind["#"].endswith("t_dtensor"):
        return None  # nothing, or a list of tensors
    element, sides = _text(kind["D"][0]["#"]).partition(".")[2], kind["D"][1]
    if not all(type(side) is int for side in sides):
        raise ValueError(Message("a side that is no size"))
    # paddle calculates on with -1 now and then, and takes a side from memory that holds none.
    return TensorType(_DTYPES.get(element, element), tuple(side if 0 <= side < 1 << 31 else -1 for side in sides))


def _attribute(raw: dict[str, Any]) -> Any:
    # What JSON has no number for stands by its name.
    data: Any = _SPECIAL[raw["VD"]] if "VD" in raw else raw.get("D")
    if raw["#"].endswith("a_array"):
        return tuple(_attribute(item) for item in data or ())
    if isinstance(data, str):
        return _text(data)
    return tuple(data) if isinstance(data, list) else data
