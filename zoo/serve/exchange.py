"""What the process that speaks HTTP and a worker tell each other; bytes of pictures and answers go beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

from zoo.errors import ZooError
from zoo.message import Message
from zoo.predict.pipeline import PipelineConfig

#: How a request's body is to be understood: the JSON of the documented route; a picture as it is, or in a form; a
#: request of the Open Inference Protocol.
Way: TypeAlias = Literal["documented", "picture", "protocol"]

#: The longest message in bytes; pictures and answers do not go this way.
LONGEST = 1 << 17
#: Shared memory of more bytes is let go of after each use.
KEPT = 64 << 20
# What of a message and its values goes into an answer.
_LONGEST = 1000
_MOST_VALUES = 20


@dataclass(frozen=True, slots=True)
class Wish:
    """What an answer is to hold.

    Attributes:
        form: Form of the label map: "list", "png" or "rle" on the documented route, a form of results elsewhere.
        scores: Whether the probability of the winning class is computed.
        visualize: Whether the documented answer has the coloured picture.
    """

    form: str = "list"
    scores: bool = False
    visualize: bool = True


@dataclass(frozen=True, slots=True)
class Asked:
    """A request.

    Attributes:
        log_id: Its UUID.
        way: How its body is to be understood.
        model: Name of the model, as the server calls it.
        media_type: Content-Type, as it was sent.
        encoding: Content-Encoding in small letters; empty for none.
        wish: What the answer is to hold, where the body does not say so itself. On the documented route it is set when
            the body is the picture that was fetched from an address.
        json_bytes: How many bytes of the body are the JSON of a request with binary tensors; None where all are.
        zipped: Whether the answer may be compressed by gzip.
    """

    log_id: str
    way: Way
    model: str
    media_type: str = ""
    encoding: str = ""
    wish: Wish | None = None
    json_bytes: int | None = None
    zipped: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer: `length` bytes, which lie behind each other in the shared memory.

    Attributes:
        media_type: Content-Type.
        length: Bytes.
        headers: Further headers.
        seconds: Time of each stage.
    """

    media_type: str
    length: int
    headers: tuple[tuple[str, str], ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True)
class Denied:
    """Why there is none.

    Attributes:
        status: HTTP status.
        kind: Class of the error.
        message: The fact, and what was expected.
        hint: What helps.
        values: Values of both.
        template: The message without its values, which may be the client's: for the log.
        details: What only the log may tell.
    """

    status: int
    kind: str
    message: str
    hint: str
    values: Mapping[str, Any] = field(default_factory=dict[str, Any])
    template: str = ""
    details: str = ""

    @classmethod
    def of(cls, status: int, error: ZooError) -> Denied:
        """Makes it of an error that may be told to anybody."""
        values = {
            name: value
            for name, value in list(error.values.items())[:_MOST_VALUES]
            if isinstance(value, (bool, int, float)) or (isinstance(value, str) and len(value) <= _LONGEST)
        }
        plain = {name: str.__str__(value) if isinstance(value, str) else value for name, value in values.items()}
        message, hint = str.__str__(error.message), str.__str__(error.hint)
        return cls(status, type(error).__name__, message[:_LONGEST], hint[:_LONGEST], plain, _template(error.message))


def _template(message: Message) -> str:
    return str.__str__(message.template)[:_LONGEST]


@dataclass(frozen=True, slots=True)
class FetchWanted:
    """The picture is at an address, which the asking process judges and fetches.

    Attributes:
        url: The address.
        wish: What the request asks for besides.
    """

    url: str
    wish: Wish


Outcome: TypeAlias = Answered | Denied | FetchWanted


@dataclass(frozen=True, slots=True)
class WorkerOrder:
    """What a worker is started with.

    Attributes:
        configs: The models by the names the server calls them, with their options.
        digests: Digest of the program of each that was loaded before: another one is refused.
        offline: As in `zoo.load`.
        lock: As in `zoo.load`.
        memory: Bytes that its models may take; None for no limit.
        max_body: Bytes that a body may have when it is unpacked.
    """

    configs: Mapping[str, PipelineConfig]
    digests: Mapping[str, str]
    offline: bool | None
    lock: Path | None
    memory: int | None
    max_body: int


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a worker says of a model it opened.

    Attributes:
        digest: Of its program.
        device: As in `zoo.results.Result`.
        engine: See there.
        precision: See there.
        seconds: How long opening took.
        memory: Bytes by which the process grew.
    """

    digest: str
    device: str
    engine: str
    precision: str
    seconds: float
    memory: int


@dataclass(frozen=True, slots=True)
class WorkerState:
    """How a worker is.

    Attributes:
        loaded: The models it holds, by name.
        memory: Its resident bytes.
    """

    loaded: Mapping[str, Loaded]
    memory: int


@dataclass(frozen=True, slots=True)
class WorkerReply:
    """What a worker answers.

    Attributes:
        state: How it is.
        outcomes: One for each request, in their order; none when it has just begun.
        error: Why it cannot begin.
    """

    state: WorkerState
    outcomes: tuple[Outcome, ...] = ()
    error: ZooError | None = None
