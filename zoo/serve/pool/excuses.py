"""Why the workers have no answer."""

from __future__ import annotations

from zoo.message import Message
from zoo.serve.exchange import Denied
from zoo.serve.refusal import RefusedError, refusal_of


def given_up(count: int) -> RefusedError:
    """Every worker ended so often in a row."""
    return refusal_of(
        503,
        "The workers ended {count} times in a row and were given up.",
        "Whoever runs the server finds the reason in its log, and starts it again.",
        count=count,
    )


def busy(count: int, seconds: int) -> RefusedError:
    """The queue is full; seconds say when another try may be worth it."""
    return refusal_of(
        503,
        "The server is busy: {count} requests wait already.",
        "Try again in {seconds} s.",
        (("Retry-After", str(seconds)),),
        count=count,
        seconds=seconds,
    )


def waited_too_long(seconds: float) -> RefusedError:
    """No worker was free for so long."""
    return refusal_of(
        503,
        "The server is busy: no worker was free for {seconds:g} s.",
        "Try again later.",
        (("Retry-After", "5"),),
        seconds=seconds,
    )


def ran_too_long(seconds: float) -> RefusedError:
    """A worker was at it for so long."""
    return refusal_of(
        504,
        "The picture took longer than {seconds:g} s.",
        "Send a smaller one, or start the server with a longer --timeout.",
        seconds=seconds,
    )


def no_memory() -> RefusedError:
    """A body cannot be handed to a worker."""
    return refusal_of(503, "There is too little memory now.", "Try again later.", (("Retry-After", "5"),))


def being_stopped() -> RefusedError:
    """The server is being stopped."""
    return refusal_of(503, "The server is being stopped.", "Ask another one.")


def died_twice(how: str) -> RefusedError:
    """The worker ended on it, and so did the next one."""
    denied = Denied(
        500,
        "ServeError",
        Message("The worker ended on this picture, also in its second try."),
        Message("Send a smaller picture. The log of the server has more for the log id."),
        details=how,
    )
    return RefusedError(denied)
