"""One line a request, and nothing of what the client sent in it but what was counted."""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import time
from collections.abc import Generator
from typing import Any, Literal, TypeAlias

from zoo.message import printable

LogFormat: TypeAlias = Literal["text", "json"]

#: The logger of requests.
REQUESTS = "zoo.serve.requests"


class _Lines(logging.Handler):
    """Writes records as lines to standard error."""

    def __init__(self, form: LogFormat) -> None:
        super().__init__()
        self._form = form

    def emit(self, record: logging.LogRecord) -> None:
        fields: dict[str, Any] = getattr(record, "fields", {})
        text = record.getMessage()
        if record.exc_info and self._form == "json":
            fields = {**fields, "trace": logging.Formatter().formatException(record.exc_info)}
        if self._form == "json":
            moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created)) + f".{int(record.msecs):03d}Z"
            line = json.dumps({"time": moment, "level": record.levelname.lower(), "message": text, **fields})
        else:
            moment = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(record.created))
            pairs = " ".join(f"{name}={_word(value)}" for name, value in fields.items())
            line = printable(f"{moment} {record.levelname} {text}{' ' if pairs else ''}{pairs}")
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()


def _word(value: Any) -> str:
    text = str(value)
    return json.dumps(text) if " " in text or not text else text


@contextlib.contextmanager
def request_log(form: LogFormat, quiet: bool) -> Generator[None, None, None]:
    """Writes what the server tells, as long as the block runs.

    Args:
        form: Lines for people, or a JSON object a line; then everything that zoo logs is one.
        quiet: Leave out requests that were answered.
    """
    handler = _Lines(form)
    logger = logging.getLogger("zoo" if form == "json" else "zoo.serve")
    requests = logging.getLogger(REQUESTS)
    before = logger.handlers[:], logger.propagate, requests.level
    logger.handlers, logger.propagate = [handler], False
    requests.setLevel(logging.WARNING if quiet else logging.INFO)
    try:
        yield
    finally:
        logger.handlers, logger.propagate = before[0], before[1]
        requests.setLevel(before[2])
