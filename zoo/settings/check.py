"""Values against a part of JSON Schema; every fault names its place.

A schema library would say that some rule failed; here the message says what was expected, in which line, and which key
may have been meant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import isfinite
from typing import Any

from zoo.errors import ZooError
from zoo.message import Message
from zoo.settings.document import Keys, Node, Source
from zoo.settings.rules import ANYTHING, rule_in_words

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
        ZooError: It does not follow the rule; of the class of the kind of document.
    """
    return _conform(node.value, rule, node.source, node.keys)


def check_version(root: Node, key: str, newest: int) -> None:
    """Refuses a document whose form is newer than what this zoo knows, before anything else of it is looked at.

    Raises:
        ZooError: It is newer; of the class of the kind of document.
    """
    if key in root and isinstance(root.value[key], int) and root.value[key] > newest:
        raise root[key].fault(
            "{place} is {version}; this zoo reads up to {newest}.",
            "Install a newer zoo-core.",
            version=root.value[key],
            newest=newest,
        )


def mismatch(node: Node, expected: str) -> ZooError:
    """Returns the error for a value that is not what was expected."""
    return node.fault("{place} is {node!r:.80}; expected {expected}.", node=node.value, expected=expected)


def suggestion(name: str, known: Iterable[str], wanted: Iterable[str] = ()) -> Message:
    """Returns the hint for a name that is not known: the one that may have been meant, or all of them.

    Args:
        name: The name.
        known: The names that are known.
        wanted: Those among them that are the likeliest.
    """
    folded = {_letters(key): key for key in sorted(known)}
    close = [folded[match] for keys in (map(_letters, wanted), folded) for match in _close(name, keys)]
    return (
        Message("Did you mean `{suggestion}`?", suggestion=close[0])
        if close
        else Message("Known are: {known:, }.", known=list(folded.values()))
    )


def unknown_key(node: Node, known: Iterable[str], wanted: Iterable[str] = ()) -> ZooError:
    """Returns the error for a key that does not belong there, with the one that may have been meant.

    Args:
        node: The key's value.
        known: Keys that may stand there.
        wanted: Those among them that must and do not, which are the likeliest.
    """
    kind = node.source.kind
    hint = suggestion(str(node.keys[-1]), known, wanted) if kind.edited else ""
    return node.fault("{place} is not a key of {noun}.", hint, noun=kind.noun)


def missing_key(node: Node, *names: str, known: Iterable[str] = ()) -> ZooError:
    """Returns the error for a mapping without a key it must have, or for the one that is probably meant.

    Args:
        node: The mapping.
        names: The key it must have, then those that may stand in its place.
        known: Other keys that may stand there.
    """
    wanted, known = [_letters(name) for name in names], {*names, *known}
    for key in node.value:
        close = _close(key, map(_letters, known))
        if key not in known and close and close[0] in wanted:
            return unknown_key(node[key], known, names)
    hint = Message("Add it: `{name}: ...`", name=names[0]) if node.source.kind.edited else ""
    return node.fault("{place} has no `{name}`, which was expected.", hint, name=names[0])


def _close(name: str, letters: Iterable[str]) -> list[str]:
    from difflib import get_close_matches

    return get_close_matches(_letters(name), letters, n=1, cutoff=0.6)


def _letters(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())


def _conform(value: Any, rule: dict[str, Any], source: Source, keys: Keys) -> Any:
    if not rule:
        return value
    for form in rule.get("anyOf", (rule,)):
        if _fits(value, form):
            break
    else:
        raise mismatch(Node(value, source, keys), rule_in_words(rule, source.kind.python))
    if isinstance(value, dict):
        return _members(value, form, source, keys)
    if isinstance(value, list):
        items = form.get("items", ANYTHING)
        return [_conform(item, items, source, (*keys, index)) for index, item in enumerate(value)]
    return int(value) if form.get("type") == "integer" else value


def _members(value: dict[Any, Any], form: dict[str, Any], source: Source, keys: Keys) -> dict[str, Any]:
    properties: dict[str, Any] = form.get("properties", ANYTHING)
    others = form.get("additionalProperties", ANYTHING)
    missing = [name for name in form.get("required", ()) if name not in value]
    for name in value:
        if not isinstance(name, str):
            # In an argument; a file has no such keys.
            node = Node(value, source, keys)
            raise node.fault("{place} has a key that is {key!r:.80}, which is no text.", key=name)
        if others is False and name not in properties:
            raise unknown_key(Node(value, source, keys)[name], properties, missing)
    if missing:
        raise missing_key(Node(value, source, keys), missing[0])
    return {name: _conform(item, properties.get(name, others), source, (*keys, name)) for name, item in value.items()}


def _fits(value: Any, form: dict[str, Any]) -> bool:
    """Says whether a value is of the type and within the bounds of a form, whatever its members are."""
    if "const" in form or "enum" in form:
        allowed = form.get("enum", [form.get("const")])
        return any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in allowed)
    kind: str | None = form.get("type")
    if kind is None:
        return True
    # Python says that a bool is a number.
    if not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean"):
        return False
    if isinstance(value, str):
        return "pattern" not in form or re.search(form["pattern"], value) is not None
    if isinstance(value, list):
        return form.get("minItems", 0) <= len(value) <= form.get("maxItems", len(value))
    if isinstance(value, dict):
        return form.get("minProperties", 0) <= len(value) <= form.get("maxProperties", len(value))
    if kind not in ("integer", "number"):
        return True
    if isinstance(value, float) and not (value.is_integer() if kind == "integer" else isfinite(value)):
        return False
    low, high, above = form.get("minimum"), form.get("maximum"), form.get("exclusiveMinimum")
    return (low is None or value >= low) and (high is None or value <= high) and (above is None or value > above)
