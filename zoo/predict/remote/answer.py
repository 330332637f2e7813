"""The document of a server's answer, as the label map and scores it stands for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.errors import RemoteError
from zoo.message import Message
from zoo.results.document import decode_mask
from zoo.results.scoretext import decode_scores
from zoo.settings.check import conform
from zoo.settings.document import DocumentKind, Node, Source
from zoo.settings.json_text import parse_json
from zoo.settings.rules import STRING, mapping

_ANSWER = DocumentKind(
    error=RemoteError,
    noun=Message("a result document"),
    hint=Message("Look whether it is a server of zoo, and not older than this zoo."),
    name=Message("The answer of the server"),
)
_FACTS = ("model", "origin", "device", "engine", "precision", "why", "note")
_SECONDS = {"type": "object", "additionalProperties": {"type": "number", "minimum": 0, "maximum": 1e6}}
_DOCUMENT = mapping(
    {"model": STRING, "device": STRING, "engine": STRING, "seconds": _SECONDS},
    {"note": STRING, "origin": STRING, "precision": STRING, "why": STRING},
)


@dataclass(frozen=True, eq=False, slots=True)
class RemoteAnswer:
    """What a server made of a picture.

    Attributes:
        mask: (H, W) class values, uint8 or uint16.
        scores: (H, W) float32; None if they were not asked for.
        facts: Model, origin, device, engine, precision, why and note, as in `zoo.results.Result`.
        seconds: Time of each stage in the server.
    """

    mask: NDArray[np.uint8 | np.uint16]
    scores: NDArray[np.float32] | None
    facts: Mapping[str, str]
    seconds: Mapping[str, float]


def read_answer(content: bytes, size: tuple[int, int], scores: bool) -> RemoteAnswer:
    """Reads an answer.

    Args:
        content: JSON.
        size: (height, width) of the picture.
        scores: Whether scores were asked for.

    Raises:
        RemoteError: It is something else, or of another picture.
        DecodeError: Its mask is damaged.
    """
    root = parse_json(content, Source(_ANSWER))
    document: dict[str, Any] = conform(Node(root.value, Source(_ANSWER)), _DOCUMENT)
    mask = decode_mask(root.value)
    if mask.shape != size:
        raise RemoteError(
            "The server gives a label map of {height}x{width} for a picture of {rows}x{columns}.",
            "Look whether it has the same zoo-core as this machine.",
            height=mask.shape[0],
            width=mask.shape[1],
            rows=size[0],
            columns=size[1],
        )
    facts = {name: document.get(name, "") for name in _FACTS}
    seconds = {name: float(value) for name, value in document["seconds"].items() if math.isfinite(value)}
    return RemoteAnswer(mask, decode_scores(root.value, size) if scores else None, facts, seconds)
