"""Values against the part of JSON Schema that `zoo.predict.pipeline.schema` uses; every fault names its place.

A schema library would say that some rule failed; here the message says what was expected, in which line, and which key
may have been meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from math import isfinite
from typing import Any

from zoo.errors import ConfigError
from zoo.message import Message
from zoo.settings.document import Node

_HINT = Message("Correct it. Run: zoo pipeline schema  (every key with its values)")
_TYPES: dict[str, type | tuple[type, ...]] = {
    "null": type(None),
    "boolean": bool,
    "string": str,
    "array": list,
    "object": dict,
    "number": (int, float),
    "integer": (int, float),
}


def conform(node: Node, rule: dict[str, Any]) -> Any:
    """Returns plain data that follows a rule; whole numbers are ints there, also where 1.0 was written.

    Args:
        node: The value.
        rule: A JSON schema of the words that this module knows.

    Raises:
        ConfigError: It does not follow the rule.
    """
    forms = [form for form in rule.get("anyOf", [rule]) if _fits(node.value, form)]
    if not forms:
        raise mismatch(node, describe(rule))
    form = forms[0]
    if isinstance(node.value, dict):
        return _members(node, form)
    if isinstance(node.value, list):
        return [conform(item, form["items"]) for item in node.value]
    return int(node.value) if form.get("type") == "integer" else node.value


def describe(rule: dict[str, Any]) -> str:
    """Returns what a rule expects, in words: "a whole number from 1 to 65536 or auto"."""
    *forms, last = (text for form in rule.get("anyOf", [rule]) for text in _alternatives(form))
    return f"{', '.join(forms)} or {last}" if forms else last


def _alternatives(rule: dict[str, Any]) -> list[str]:
    """Returns what a rule without `anyOf` expects. Each is a whole phrase: it is translated by itself."""
    if "title" in rule:
        return [rule["title"]]
    if "const" in rule or "enum" in rule:
        return [str(value) for value in rule.get("enum", [rule.get("const")])]
    kind, low, high = rule["type"], rule.get("minimum"), rule.get("maximum")
    if kind == "integer":
        return [Message("a whole number from {low} to {high}", low=low, high=high)]
    if kind == "number":
        above = rule.get("exclusiveMinimum")
        return [
            Message("a number from {low} to {high}", low=low, high=high)
            if above is None
            else Message("a number above {above} (at most {high})", above=above, high=high)
        ]
    if kind == "array":
        values = describe(rule["items"])
        same = rule["minItems"] == rule.get("maxItems")
        return [
            Message("a list of {minitems} values ({values})", minitems=rule["minItems"], values=values)
            if same
            else Message("a list of values ({values})", values=values)
        ]
    if kind == "object":
        return [
            Message("a mapping of {properties:, }", properties=list(rule["properties"]))
            if "properties" in rule
            else Message("a mapping")
        ]
    words = {
        "string": Message("text (in quotes if YAML takes it for something else)"),
        "boolean": Message("true or false"),
    }
    return [words.get(kind, "null")]


def mismatch(node: Node, expected: str) -> ConfigError:
    """Returns the error for a value that is not what was expected."""
    return ConfigError(
        "{place} is {node!r:.80}; expected {expected}.", _HINT, place=node.place, node=node.plain, expected=expected
    )


def unknown_key(node: Node, name: str, known: Iterable[str], wanted: Iterable[str] = ()) -> ConfigError:
    """Returns the error for a key that does not belong there, with the one that may have been meant.

    Args:
        node: The key's value.
        name: The key.
        known: Keys that may stand there.
        wanted: Those among them that must and do not, which are the likeliest.
    """
    folded = {_letters(key): key for key in sorted(known)}
    close = [
        folded[match]
        for keys in (map(_letters, wanted), folded)
        for match in get_close_matches(_letters(name), keys, n=1, cutoff=0.6)
    ]
    hint = (
        Message("Did you mean `{suggestion}`?", suggestion=close[0])
        if close
        else Message("Known are: {known:, }.", known=list(folded.values()))
    )
    return ConfigError(
        "{place} is not an option of a pipeline." if node.file is None else "{place} is not a key of a pipeline.",
        hint,
        place=node.place,
    )


def missing_key(node: Node, *names: str, known: Iterable[str] = ()) -> ConfigError:
    """Returns the error for a mapping of a file without a key it must have, or for the one that is probably meant.

    Args:
        node: The mapping.
        names: The key it must have, then those that may stand in its place.
        known: Other keys that may stand there.
    """
    wanted, known = [_letters(name) for name in names], {*names, *known}
    for key, item in node.value.items():
        close = get_close_matches(_letters(key), map(_letters, known), n=1, cutoff=0.6)
        if key not in known and close and close[0] in wanted:
            return unknown_key(item, key, known, names)
    return ConfigError(
        "{place} has no `{name}`, which was expected.", "Add it: `{name}: ...`", place=node.place, name=names[0]
    )


def _letters(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


def _fits(value: Any, form: dict[str, Any]) -> bool:
    """Says whether a value is of the type and within the bounds of a form, whatever its members are."""
    if "const" in form or "enum" in form:
        allowed = form.get("enum", [form.get("const")])
        return any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in allowed)
    kind: str = form["type"]
    # Python says that a bool is a number.
    if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
        return False
    if isinstance(value, str):
        return re.search(form["pattern"], value) is not None
    if isinstance(value, list):
        return form["minItems"] <= len(value) <= form.get("maxItems", len(value))
    if kind not in ("integer", "number"):
        return True
    if isinstance(value, float) and not (value.is_integer() if kind == "integer" else isfinite(value)):
        return False
    low, high = form.get("minimum"), form["maximum"]
    return value <= high and (value > form["exclusiveMinimum"] if low is None else value >= low)


def _members(node: Node, form: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = form.get("properties", {})
    others = form.get("additionalProperties", True)
    missing = [name for name in form.get("required", ()) if name not in node.value]
    for name, item in node.value.items():
        if name not in properties and others is False:
            raise unknown_key(item, name, properties, missing)
    if missing:
        raise missing_key(node, missing[0])
    return {name: conform(item, properties.get(name, others)) for name, item in node.value.items()}
