"""One picture through a server that has just begun, as a client sends it."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterable

import numpy as np
import requests
from PIL import Image

from zoo.errors import ServeError
from zoo.message import Message

_SIZE = (96, 128)
_SECONDS = 600.0


def check_models(url: str, models: Iterable[str], key: str, told: Callable[[Message], None]) -> None:
    """Has each model segment a drawn picture.

    Args:
        url: The server's.
        models: Their names.
        key: The key of clients; empty for none.
        told: Called with what came of each.

    Raises:
        ServeError: One does not answer with a label map.
    """
    picture = _drawn()
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with requests.Session() as session:
        # Not through a proxy, which would look for the address on its own machine.
        session.trust_env = False
        for model in models:
            began = time.perf_counter()
            try:
                answer = session.post(
                    f"{url}/v1/predict", picture, params={"model": model}, headers=headers, timeout=_SECONDS
                )
            except requests.RequestException as error:
                raise _failed(model, Message("{reason}", reason=error)) from error
            if answer.status_code != 200:
                raise _failed(model, Message("status {status}", status=answer.status_code))
            with Image.open(io.BytesIO(answer.content)) as mask:
                if (mask.height, mask.width) != _SIZE:
                    raise _failed(model, Message("a label map of another size"))
            seconds = time.perf_counter() - began
            told(Message("{model}: one picture in {milliseconds:.0f} ms", model=model, milliseconds=seconds * 1000))


def _failed(model: str, reason: Message) -> ServeError:
    return ServeError(
        "{model} does not answer as it should: {reason}.",
        "Run: zoo doctor --model {model}",
        model=model,
        reason=reason,
    )


def _drawn() -> bytes:
    height, width = _SIZE
    rows, columns = np.mgrid[:height, :width]
    pixels = np.stack((rows * 2, columns, (rows // 8 + columns // 8) % 2 * 255), axis=2).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
