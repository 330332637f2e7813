"""What a server says of its models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zoo.contract.labels import LabelSet
from zoo.errors import ModelNotFoundError, RemoteError
from zoo.message import Message
from zoo.predict.remote.channel import Channel
from zoo.settings.check import conform, suggestion
from zoo.settings.document import DocumentKind, Source
from zoo.settings.json_text import parse_json
from zoo.settings.rules import BOOLEAN, STRING, array, mapping, whole

_MOST = 4_000_000
_HINT = Message("Look whether it is a server of zoo, and not older than this zoo.")
_LIST = DocumentKind(
    error=RemoteError,
    noun=Message("a list of models"),
    hint=_HINT,
    name=Message("The server's list of models"),
    limit=_MOST,
)
_COLOR = {"type": "string", "pattern": "^#[0-9a-f]{6}$"}
_MODEL = mapping(
    {
        "name": STRING,
        "classes": array(STRING, 1, 256),
        "palette": array(_COLOR, 1, 256),
        "ignore_index": whole(0, 65535),
        "default": BOOLEAN,
    },
    {"origin": STRING, "device": STRING, "engine": STRING, "precision": STRING},
)
_MODELS = mapping({"models": array(_MODEL, 1)})


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model of a server.

    Attributes:
        name: What the server calls it.
        labels: Its classes.
        origin: Whose it is, as in `zoo.results.Result`; like the next three empty where the server does not say.
        device: See there.
        engine: See there.
        precision: See there.
    """

    name: str
    labels: LabelSet
    origin: str
    device: str
    engine: str
    precision: str


def read_served(channel: Channel) -> ServedModel:
    """Asks a server for the model that an address means.

    Raises:
        ModelNotFoundError: It has no such model.
        RemoteError: It cannot be asked, or gives no list of models.
    """
    wanted = channel.address.model
    content = channel.get("/v1/models", _MOST).content
    models: list[dict[str, Any]] = conform(parse_json(content, Source(_LIST)), _MODELS)["models"]
    names = [model["name"] for model in models]
    found = next((model for model in models if (model["name"] == wanted if wanted else model["default"])), None)
    if found is None and wanted:
        raise ModelNotFoundError(
            "{server} has no model {model}. It has: {names:, }.",
            suggestion(wanted, names),
            server=channel.address.url,
            model=wanted,
            names=names,
        )
    found = models[0] if found is None else found
    if len(found["classes"]) != len(found["palette"]):
        raise RemoteError(
            "{server} gives {count} classes and {colors} colours.",
            _HINT,
            server=channel.address.url,
            count=len(found["classes"]),
            colors=len(found["palette"]),
        )
    palette = tuple((int(word[1:3], 16), int(word[3:5], 16), int(word[5:7], 16)) for word in found["palette"])
    return ServedModel(
        found["name"],
        LabelSet(found["name"], tuple(found["classes"]), palette, found["ignore_index"]),
        *(found.get(key, "") for key in ("origin", "device", "engine", "precision")),
    )
