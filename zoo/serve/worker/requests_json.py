"""JSON of strangers: parsed within limits, and checked by a rule; each fault has the HTTP status it means."""

from __future__ import annotations

from typing import Any

from zoo.errors import RequestError
from zoo.message import Message
from zoo.settings.check import conform
from zoo.settings.document import DocumentKind, Node, Source
from zoo.settings.json_text import parse_json

_NOUN = Message("a JSON object")
_HINT = Message("Look into /openapi.json for what a body may hold.")
_NAME = Message("The body")


class NotJsonError(RequestError):
    """A body is no JSON."""


class SchemaError(RequestError):
    """A body is JSON of another form."""


_TEXT = DocumentKind(error=NotJsonError, noun=_NOUN, hint=_HINT, name=_NAME)
_FORM = DocumentKind(error=SchemaError, noun=_NOUN, hint=_HINT, name=_NAME)


def read_body(content: bytes, rule: dict[str, Any]) -> Any:
    """Parses JSON and checks it.

    Args:
        content: UTF-8.
        rule: As of `zoo.settings.check`.

    Raises:
        NotJsonError: It is no JSON, or nested too deep.
        SchemaError: It does not follow the rule.
    """
    node = parse_json(content, Source(_TEXT))
    # Lines would be looked for in megabytes, and the body of a request has one.
    return conform(Node(node.value, Source(_FORM)), rule)
