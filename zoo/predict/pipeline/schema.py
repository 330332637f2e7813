"""What may stand in a pipeline file of zoo's own form, as a JSON schema.

The reader follows it and `zoo pipeline schema` prints it, so an editor and zoo cannot disagree. The options are those
of the table.
"""

from __future__ import annotations

from typing import Any

from zoo.errors import ConfigError
from zoo.message import Message
from zoo.predict.options import OPTIONS, TEXT, Option
from zoo.settings.document import DocumentKind

#: Newest version of the form; the value of the key `zoo`.
VERSION = 1
#: The rule of the key `model`.
MODEL = dict(TEXT)

#: Of a pipeline file, and of the model given in its place.
PIPELINE = DocumentKind(
    error=ConfigError,
    noun=Message("a pipeline"),
    hint=Message("Correct it. Run: zoo pipeline schema  (every key with its values)"),
    unread=Message("Give another path. Run: zoo pipeline config semantic_segmentation  (it writes one to start from)"),
    edited=True,
)


def schema() -> dict[str, Any]:
    """Returns the schema, with the forms of results that plugins bring."""
    own = {option.key or option.name: _described(option) for option in OPTIONS if option.rule is not None}
    saved = {key.partition(".")[2]: rule for key, rule in own.items() if key.startswith("save.")}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "zoo pipeline file",
        "type": "object",
        "required": ["zoo", "model"],
        "additionalProperties": False,
        "properties": {
            "zoo": {"description": "Version of this form.", "const": VERSION},
            "model": {
                "description": "Name of a model; an export folder, a run or FILE.zoo#MODEL, relative to this file.",
                **MODEL,
            },
            **{key: rule for key, rule in own.items() if not key.startswith("save.")},
            "save": {
                "description": "What is written to disk.",
                "type": "object",
                "additionalProperties": False,
                "properties": saved,
            },
        },
    }


def _described(option: Option) -> dict[str, Any]:
    default = list(option.default) if isinstance(option.default, tuple) else option.default
    return {"description": option.help, "default": default, **option.checked_rule}
