"""JSON from strangers as the same nodes that YAML becomes; lines are looked for when there is a fault."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zoo.errors import ZooError
from zoo.settings.document import DocumentKind, Keys, Node, Source, decode_text, read_text

_DEEP = 100
# Python refuses to read more digits than this, or fewer, as it was told; fewer than 640 it always reads.
_LONG = r"\d{640,}"
_TOKEN = r'"(?:[^"\\]|\\.)*"|[\[\]{},:]|[^\s\[\]{},:"]+'


def read_json(file: Path, kind: DocumentKind) -> Node:
    """Reads a JSON file.

    Args:
        file: UTF-8 text within the limit of its kind, without repeated keys.
        kind: Whose errors are raised.

    Raises:
        ZooError: It is anything else; of the class of its kind.
    """
    source = Source(kind, file)
    return parse_json(read_text(source), source)


def parse_json(content: str | bytes, source: Source) -> Node:
    """Reads the content of a JSON file; `source` says where it is from.

    Raises:
        ZooError: It is something else, or holds a key twice; of the class of its kind.
    """
    text = decode_text(content, source) if isinstance(content, bytes) else content
    try:
        value = json.loads(text, object_pairs_hook=_mapping)
    except json.JSONDecodeError as error:
        raise source.malformed("cannot be parsed: {reason}", error.lineno, reason=error.msg) from error
    except RecursionError as error:
        line = next((line for keys, line in _places(text) if len(keys) > _DEEP), 1)
        raise source.malformed("is nested too deep", line) from error
    except _TwiceError as error:
        raise _repeated(text, source) from error
    except ValueError as error:
        number = re.search(_LONG, text)
        line = text.count("\n", 0, number.start()) + 1 if number else 1
        raise source.malformed("cannot be parsed: {reason:.80}", line, reason=error) from error
    return Node(value, source._replace(lines=lambda: dict(_places(text))))


class _TwiceError(Exception):
    """A mapping holds a key twice."""


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        raise _TwiceError
    return mapping


def _repeated(text: str, source: Source) -> ZooError:
    lines: dict[Keys, int] = {}
    for keys, line in _places(text):
        if keys in lines:
            return source.repeated(keys[-1], line, lines[keys])
        lines[keys] = line
    raise AssertionError(text)


def _places(text: str) -> Iterator[tuple[Keys, int]]:
    """Yields the keys and the line of every value in the text of a JSON document."""
    keys: list[Any] = []
    line, counted, before = 1, 0, ""
    for token in re.finditer(_TOKEN, text):
        line, counted = line + text.count("\n", counted, token.start()), token.start()
        sign = token[0]
        if sign in ("}", "]"):
            keys.pop()
        elif sign == ",":
            keys[-1] = keys[-1] + 1 if isinstance(keys[-1], int) else None
        elif sign != ":":
            if keys and keys[-1] is None:
                keys[-1] = json.loads(sign)
                yield tuple(keys), line
            else:
                if before != ":":
                    yield tuple(keys), line
                if sign in ("{", "["):
                    keys.append(None if sign == "{" else 0)
        before = sign
