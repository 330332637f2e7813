"""What a server refuses, as the error that a local model would raise."""

from __future__ import annotations

import inspect
from typing import Any

import requests

import zoo.errors
from zoo.errors import InferenceError, ModelNotFoundError, RemoteError, SourceError, ZooError
from zoo.message import Message
from zoo.predict.remote.server_address import ServerAddress
from zoo.settings.document import DocumentKind, Source
from zoo.settings.json_text import parse_json

_PROBLEM = DocumentKind(error=RemoteError, noun=Message("a description of a problem"))
_LONGEST = 1000

# What a status means where the server says no more.
_KINDS: dict[int, type[ZooError]] = {
    404: ModelNotFoundError,
    413: SourceError,
    415: SourceError,
    422: SourceError,
    500: InferenceError,
    504: InferenceError,
}


def fault_of(response: requests.Response, content: bytes, address: ServerAddress) -> ZooError:
    """Makes the error of an answer that is none.

    Args:
        response: Status and headers.
        content: The beginning of its body.
        address: Who answered.

    Returns:
        An error of the class the server names, with its message, its values and its hint; where it names none, what
        the status means.
    """
    said = _problem(content) if "json" in response.headers.get("Content-Type", "") else {}
    status = response.status_code
    if status == 401:
        return RemoteError(
            "{server} asks for a key, and takes none or another one than it was given.",
            "Run: export ZOO_API_KEY=KEY",
            server=address.url,
        )
    detail, hint = _text(said, "detail"), _text(said, "hint")
    if not detail:
        return _KINDS.get(status, RemoteError)(
            "{server} answers {status} {reason}.",
            "Look whether it is a server of zoo: open the address in a browser.",
            server=address.url,
            status=status,
            reason=response.reason or "",
        )
    kind = _kind(_text(said, "error")) or _KINDS.get(status, RemoteError)
    if status >= 500 and (log_id := _text(said, "logId")):
        hint = Message("{hint} Its log id is {log_id}.", hint=Message("{hint}", hint=hint), log_id=log_id)
    return kind(_worded(said, detail), hint if isinstance(hint, Message) else Message("{hint}", hint=hint))


def _worded(said: dict[str, Any], detail: str) -> Message:
    """Returns the message with its template and values, so that it is shown in the reader's language."""
    template, values = _text(said, "template"), said.get("values")
    if template and isinstance(values, dict):
        plain = {name: value for name, value in values.items() if isinstance(value, (str, int, float, type(None)))}
        message = Message(template, **plain)
        if message == detail:
            return message
    return Message("{detail}", detail=detail)


def _problem(content: bytes) -> dict[str, Any]:
    try:
        value = parse_json(content, Source(_PROBLEM)).value
    except ZooError:
        return {}
    return value if isinstance(value, dict) else {}


def _text(said: dict[str, Any], key: str) -> str:
    value = said.get(key)
    return value[:_LONGEST] if isinstance(value, str) else ""


def _kind(name: str) -> type[ZooError] | None:
    found = getattr(zoo.errors, name, None) if name.isidentifier() else None
    return found if inspect.isclass(found) and issubclass(found, ZooError) else None
