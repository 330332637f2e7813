"""Rules for values, in the part of JSON Schema that `zoo.settings.check` knows: plain data, and its words."""

from __future__ import annotations

from typing import Any

from zoo.message import Message

#: Parts of schemas that several kinds of documents have.
ANYTHING: dict[str, Any] = {}
NULL = {"type": "null"}
TEXT = {"type": "string", "pattern": "."}
STRING = {"title": Message("text"), "type": "string"}
BOOLEAN = {"type": "boolean"}
NUMBER = {"type": "number"}
#: What goes into a command that is shown: no blank, no sign a shell knows, no option.
DISTRIBUTION = {
    "title": Message("the name of a distribution: letters, digits and . _ - inside it"),
    "type": "string",
    "pattern": r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?\Z",
}
VERSION = {
    "title": Message("a version, such as 1.2.0"),
    "type": "string",
    "pattern": r"^[A-Za-z0-9][A-Za-z0-9.!+_-]{0,98}\Z",
}
SHA256 = {"title": Message("a SHA-256 digest in small letters"), "type": "string", "pattern": r"^[0-9a-f]{64}\Z"}
BYTES = {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}


def optional(*forms: dict[str, Any]) -> dict[str, Any]:
    """Returns the rule for a value of one of these forms, or null."""
    return {"anyOf": [*(form for rule in forms for form in rule.get("anyOf", [rule])), NULL]}


#: Values of black and white, or how they are found.
VALUE_RANGE = optional(
    {"const": "auto"},
    {"type": "array", "items": {"type": "number", "minimum": -1e12, "maximum": 1e12}, "minItems": 2, "maxItems": 2},
)


def mapping(
    required: dict[str, Any], others: dict[str, Any] | None = None, *, closed: bool = False, **words: Any
) -> dict[str, Any]:
    """Returns the rule for a mapping with keys that it must have and others that it may have.

    Args:
        required: Rules of the keys by name.
        others: Likewise.
        closed: Refuse every other key.
        words: Further words of the rule.
    """
    open_end = {"additionalProperties": False} if closed else {}
    properties = {**required, **(others or {})}
    return {"type": "object", "required": list(required), "properties": properties, **open_end, **words}


def array(items: dict[str, Any], least: int = 0, most: int | None = None, **words: Any) -> dict[str, Any]:
    """Returns the rule for a list of so many values."""
    bounds = {"minItems": least} if most is None else {"minItems": least, "maxItems": most}
    return {"type": "array", "items": items, **bounds, **words}


def whole(low: int, high: int) -> dict[str, Any]:
    """Returns the rule for a whole number within these bounds."""
    return {"type": "integer", "minimum": low, "maximum": high}


def number(low: float, high: float) -> dict[str, Any]:
    """Returns the rule for a number within these bounds."""
    return {"type": "number", "minimum": low, "maximum": high}


def rule_in_words(rule: dict[str, Any], python: bool = False) -> str:
    """Returns what a rule expects, in words: "a whole number from 1 to 65536 or auto".

    Args:
        rule: The rule.
        python: Whether it is about an argument, and words are those of Python.
    """
    *forms, last = (text for form in rule.get("anyOf", [rule]) for text in _alternatives(form, python))
    return Message("{forms:, } or {last}", forms=forms, last=last) if forms else last


def _alternatives(rule: dict[str, Any], python: bool) -> list[str]:
    """Returns what a rule without `anyOf` expects. Each is a whole phrase: it is translated by itself."""
    if "title" in rule:
        return [rule["title"]]
    if "const" in rule or "enum" in rule:
        return [str(value) for value in rule.get("enum", [rule.get("const")])]
    kind, low, high = rule.get("type"), rule.get("minimum"), rule.get("maximum")
    if kind == "integer":
        return [Message("a whole number from {low} to {high}", low=low, high=high)]
    if kind == "number":
        above = rule.get("exclusiveMinimum")
        if low is None and above is None:
            return [Message("a number")]
        return [
            Message("a number from {low} to {high}", low=low, high=high)
            if above is None
            else Message("a number above {above} (at most {high})", above=above, high=high)
        ]
    if kind == "array":
        values, least = rule_in_words(rule.get("items", {}), python), rule.get("minItems")
        same = least is not None and least == rule.get("maxItems")
        return [
            Message("a list of {minitems} values ({values})", minitems=least, values=values)
            if same
            else Message(
                "a list of {least} to {most} values ({values})", least=least, most=rule["maxItems"], values=values
            )
            if least and "maxItems" in rule
            else Message("a list of values ({values})", values=values)
        ]
    if kind == "object":
        return [
            Message("a mapping of {properties:, }", properties=list(rule["properties"]))
            if "properties" in rule
            else Message("a mapping")
        ]
    if kind == "boolean" and python:
        return ["True", "False"]
    words = {
        "string": Message("text") if python else Message("text (in quotes if YAML takes it for something else)"),
        "boolean": Message("true or false"),
        "null": "None" if python else "null",
    }
    return [words.get(kind or "", Message("any value"))]
