"""What is compared: a model, and the engine and precision it is run with."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import get_args

from zoo.contract.engine import Precision
from zoo.errors import ConfigError

_ENGINE = re.compile(r"(?P<model>.+)@(?P<engine>[A-Za-z0-9._-]*)(?::(?P<precision>[A-Za-z0-9]+))?")


@dataclass(frozen=True, slots=True)
class Contender:
    """A model as it is run.

    Attributes:
        title: What it is called beside others.
        model: As `zoo.load` takes it.
        backend: Its engine; "auto" leaves the choice to zoo.
        precision: Precision of the arithmetic.
    """

    title: str
    model: str
    backend: str = "auto"
    precision: Precision = "float32"


def read_contender(text: str) -> Contender:
    """Reads MODEL, MODEL@ENGINE, MODEL@ENGINE:PRECISION or MODEL@:PRECISION.

    Raises:
        ConfigError: There is no such precision.
    """
    match = None if os.path.exists(text) else _ENGINE.fullmatch(text)
    if match is None:
        return Contender(text, text)
    for precision in get_args(Precision):
        if precision == (match["precision"] or "float32"):
            return Contender(text, match["model"], match["engine"] or "auto", precision)
    raise ConfigError(
        "There is no precision {precision!r:.40}. Expected one of: {choices:, }.",
        "Write it behind the engine, such as starter@openvino:bf16",
        precision=match["precision"],
        choices=list(get_args(Precision)),
    )
