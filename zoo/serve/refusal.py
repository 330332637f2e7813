"""A request that gets no answer."""

from __future__ import annotations

from zoo.errors import RequestError
from zoo.message import Message
from zoo.serve.exchange import Denied

#: What helps where only the log may tell what happened.
LOOK = Message("Look for the log id in the log of the server.")


class RefusedError(Exception):
    """Why a request gets no answer.

    Args:
        denied: The reason, with the HTTP status.
        headers: Headers of the answer.
    """

    def __init__(self, denied: Denied, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(denied.message)
        self.denied = denied
        self.headers = headers


def refusal_of(
    status: int, message: str, hint: str, /, headers: tuple[tuple[str, str], ...] = (), **values: object
) -> RefusedError:
    """Makes a refusal of a text.

    Args:
        status: HTTP status.
        message: The fact, and what was expected: a template.
        hint: What helps: a template.
        headers: Headers of the answer.
        values: Of both.
    """
    return RefusedError(Denied.of(status, RequestError(message, hint, **values)), headers)
