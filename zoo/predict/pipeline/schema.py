"""What may stand in a pipeline file of zoo's own form, as a JSON schema.

The reader follows this table and `zoo pipeline schema` prints it, so an editor and zoo cannot disagree.
"""

from __future__ import annotations

from typing import Any

from zoo.errors import ConfigError
from zoo.message import Message
from zoo.settings.document import DocumentKind

#: Newest version of the form; the value of the key `zoo`.
VERSION = 1
#: What a result can be saved as: `zoo.results.FORMATS`, which would take numpy with it.
KINDS = ("json", "overlay", "color", "mask", "side", "coco", "geojson", "labelme", "cvat", "labelstudio")

#: Of a pipeline file, and of the options given in its place.
PIPELINE = DocumentKind(
    error=ConfigError,
    noun=Message("a pipeline"),
    hint=Message("Correct it. Run: zoo pipeline schema  (every key with its values)"),
    unread=Message("Give another path. Run: zoo pipeline config semantic_segmentation  (it writes one to start from)"),
    edited=True,
)

# Control characters are in no name and no path; a zero byte would even cut one off.
_TEXT = {"type": "string", "pattern": "^[^\\u0000-\\u001f]+$"}
_NULL = {"type": "null"}
_SIDE = {"type": "integer", "minimum": 1, "maximum": 65536}
_RGB = {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 255}, "minItems": 3, "maxItems": 3}
_COLOR = {"anyOf": [_RGB, {"title": "'#rrggbb' in quotes", "type": "string", "pattern": "^#[0-9a-fA-F]{6}$"}]}
_PAIR = {"type": "array", "items": _SIDE, "minItems": 2, "maxItems": 2}


def _key(description: str, default: Any, *forms: dict[str, Any]) -> dict[str, Any]:
    rule = forms[0] if len(forms) == 1 else {"anyOf": list(forms)}
    return {"description": description, "default": default, **rule}


#: The keys of a pipeline file. Defaults are those of `PipelineConfig`.
PROPERTIES: dict[str, dict[str, Any]] = {
    "zoo": {"description": "Version of this form.", "const": VERSION},
    "model": {
        "description": "Name of a model; an export folder or FILE.zoo#MODEL, relative to this file.",
        **_TEXT,
    },
    "device": _key("Such as cpu or gpu:0.", "cpu", _TEXT),
    "backend": _key("Name of an inference engine, or auto.", "auto", _TEXT),
    "threads": _key(
        "Threads of a CPU engine; null for all available cores.",
        None,
        {"type": "integer", "minimum": 1, "maximum": 4096},
        _NULL,
    ),
    "streams": _key(
        "Pictures that run at the same time when there are many, each with its part of the threads; null for as many "
        "as there are threads, at most 4.",
        None,
        {"type": "integer", "minimum": 1, "maximum": 4096},
        _NULL,
    ),
    "target_size": _key(
        "Replaces the model's own resizing: pictures are fitted into one side or [height, width], both rounded up to "
        "multiples of 32; -1 leaves them as they are; null keeps the model's own.",
        None,
        _SIDE,
        {"const": -1},
        _PAIR,
        _NULL,
    ),
    "batch_size": _key(
        "Pictures of one input size that run together; auto measures.",
        1,
        {"type": "integer", "minimum": 1, "maximum": 65536},
        {"const": "auto"},
    ),
    "on_error": _key("Stop at the first bad input, or go on and list it.", "raise", {"enum": ["raise", "skip"]}),
    "recursive": _key("Read the folders inside folders too.", False, {"type": "boolean"}),
    "frames": _key("Frames of animated pictures.", "first", {"enum": ["first", "all"]}),
    "color": _key("Order of the channels in arrays.", "rgb", {"enum": ["rgb", "bgr"]}),
    "scores": _key("Compute the probability of the winning class in every pixel.", False, {"type": "boolean"}),
    "min_score": _key(
        "Pixels whose winning class is less probable become unknown.",
        None,
        {"type": "number", "minimum": 0, "maximum": 1},
        _NULL,
    ),
    "labels": _key(
        "Classes to select, merge and rename: {new: [old, ...]}; a file that holds that, relative to this file; or the "
        "name of a built-in map.",
        None,
        _TEXT,
        {"type": "object", "additionalProperties": {"type": "array", "items": _TEXT, "minItems": 1}},
        _NULL,
    ),
    "palette": _key(
        "Colours as [red, green, blue] or '#rrggbb': of all classes in the order of their values, or of some by name.",
        None,
        {"type": "array", "items": _COLOR, "minItems": 1, "maxItems": 65536},
        {"type": "object", "additionalProperties": _COLOR},
        _NULL,
    ),
    "mode": _key(
        "Whole pictures, sliding windows, or what the model is published with.",
        "auto",
        {"enum": ["auto", "whole", "slide"]},
    ),
    "window": _key("Sliding window in pixels, one side or [height, width].", None, _SIDE, _PAIR, _NULL),
    "stride": _key("Steps of the window in pixels, one number or [down, right].", None, _SIDE, _PAIR, _NULL),
    "flip": _key("Also run the mirrored picture and take the mean.", False, {"type": "boolean"}),
    "scales": _key(
        "Run the picture at these scales and take the mean.",
        [1.0],
        {
            "type": "array",
            "items": {"type": "number", "exclusiveMinimum": 0, "maximum": 64},
            "minItems": 1,
            "maxItems": 64,
        },
    ),
    "live": _key(
        "Take no input ahead of the result that is handed out, for a camera or a source that waits for answers.",
        False,
        {"type": "boolean"},
    ),
    "save": {
        "description": "What is written to disk.",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "path": _key("Folder for the results, relative to this file; null for none.", None, _TEXT, _NULL),
            "kinds": _key(
                "What to save of a result.",
                ["overlay", "mask", "json"],
                {"type": "array", "items": {"enum": list(KINDS)}, "minItems": 1, "maxItems": 64},
            ),
        },
    },
}

SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "zoo pipeline file",
    "type": "object",
    "required": ["zoo", "model"],
    "additionalProperties": False,
    "properties": PROPERTIES,
}
