"""Options that several commands share."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from zoo.cli.elsewhere import WORDS
from zoo.cli.language import sentences, tr
from zoo.registry.records import LOCK_FILE

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_SPANS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}

offline_option = click.option(
    "--offline", is_flag=True, default=None, help="Never use the network; as ZOO_OFFLINE=1 does for every command."
)

kinds_option = click.option(
    "--weights",
    type=click.Choice(["inference", "pretrained"]),
    multiple=True,
    default=["inference"],
    show_default=True,
    help="Kinds of files; may be given twice.",
)


def lock_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--lock FILE` and `--locked`, given to the command as `lock`, a path or None."""
    command = click.option(
        "--locked",
        "lock",
        flag_value=Path(LOCK_FILE),
        type=click.Path(path_type=Path),
        help="Refuse whatever differs from zoo.lock in this folder.",
    )(command)
    return click.option(
        "--lock", "lock", type=click.Path(path_type=Path), help="Refuse whatever differs from this lock file."
    )(command)


# Older versions of click take no type argument.
class Word(click.Choice):  # pyright: ignore[reportMissingTypeArgument]
    """One of several words, in any letter case; a word that others have for one of them is told what is meant."""

    def __init__(self, words: Sequence[str]) -> None:
        super().__init__(words, case_sensitive=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Returns the word as it is spelt here."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            meant = WORDS.get(str(value).lower())
            if meant not in self.choices:
                raise
            said = sentences(error.message, tr("Did you mean {suggestions: or }?", suggestions=[meant]))
            raise click.BadParameter(said, ctx, param) from error


# Older versions of click take no type argument.
class Size(click.ParamType):  # pyright: ignore[reportMissingTypeArgument]
    """Bytes, with a unit of 1000: 500M, 2GB."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Returns bytes."""
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)B?", str(value).strip(), re.IGNORECASE)
        if match is None:
            self.fail(tr("{value!r} is not a size such as 500M or 2GB.", value=value), param, ctx)
        return round(float(match[1]) * _UNITS[match[2].upper()])


class Span(click.ParamType):  # pyright: ignore[reportMissingTypeArgument]
    """A span of time: 12h, 30d, 8w."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Returns seconds."""
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhdw])", str(value).strip())
        if match is None:
            self.fail(tr("{value!r} is not a time such as 12h, 30d or 8w.", value=value), param, ctx)
        return float(match[1]) * _SPANS[match[2]]


# Older versions of click take no type argument.
class Duration(click.ParamType):  # pyright: ignore[reportMissingTypeArgument]
    """How long something may take: 50ms, 0.5s."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Returns seconds."""
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s)", str(value).strip(), re.IGNORECASE)
        if match is None or not float(match[1]):
            self.fail(tr("{value!r} is not a time with its unit, such as 50ms or 0.5s.", value=value), param, ctx)
        return float(match[1]) / (1000 if match[2].lower() == "ms" else 1)


# Older versions of click take no type argument.
class Share(click.ParamType):  # pyright: ignore[reportMissingTypeArgument]
    """A fraction of 1: 0.7, or 70%."""

    name = "share"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Returns it, 0 to 1."""
        match = re.fullmatch(r"(\d*\.?\d+)\s*(%?)", str(value).strip())
        share = float(match[1]) / (100 if match[2] else 1) if match else 2.0
        if share > 1:
            self.fail(tr("{value!r} is not a share such as 0.7 or 70%.", value=value), param, ctx)
        return share
