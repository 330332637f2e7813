"""Plain tables and figures for the terminal.

The output is the same on a terminal and in a pipe, apart from the bold heading: nothing is truncated and nothing heavy
is imported for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.cells import cells as width_of
from zoo.cli.cells import padded
from zoo.cli.language import tr, translate
from zoo.message import Message, printable

if TYPE_CHECKING:
    from zoo.registry import ModelEntry


def echo_table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> None:
    """Prints rows in aligned columns.

    Args:
        header: One title a column, in English.
        rows: The cells; what cannot be printed in them is escaped.
        right: Columns of figures, aligned to the right.
    """
    header = [translate(title) for title in header]
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(width_of, column)) for column in zip(header, *cells, strict=True)]
    for number, row in enumerate([list(header), *cells]):
        fields = (
            padded(cell, width, right=column in right)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        line = "  ".join(fields).rstrip()
        click.echo(click.style(line, bold=True) if number == 0 else line)


def echo_json(document: object) -> None:
    """Prints a document of plain data and dataclasses as indented JSON."""
    click.echo(json_text(document, indent=2))


def json_text(document: object, indent: int | None = None) -> str:
    """Returns a document as JSON that no terminal takes for commands: what cannot be printed is escaped.

    Args:
        document: Plain data and dataclasses.
        indent: Blanks a level; None for one line.
    """
    import json

    text = json.dumps(document, indent=indent, ensure_ascii=False, default=_plain)
    if all(line.isprintable() for line in text.split("\n")):
        return text
    return json.dumps(document, indent=indent, default=_plain)


def size_text(size: int | None) -> str:
    """Returns bytes in megabytes (1e6), such as "28.5 MB"; "-" when unknown."""
    return "-" if size is None else f"{size / 1e6:.1f} MB"


def status_text(entry: ModelEntry) -> str:
    """Returns what happens when a model is used, such as "downloads 28.5 MB", or what keeps it from being used."""
    if entry.status == "installed":
        size = "" if entry.size is None else size_text(entry.size)
        return tr("downloads {size}", size=size) if size else tr("downloads at first use")
    words = {"embedded": Message("inside its plugin"), "cached": Message("on this machine")}
    return translate(words.get(entry.status, entry.status))


def times_text(seconds: Mapping[str, float]) -> str:
    """Returns what each stage took, in milliseconds and in the user's language."""
    return "  ".join(f"{translate(stage)} {1000 * value:.0f} ms" for stage, value in seconds.items())


def miou_text(miou: float | None, inference: str) -> str:
    """Returns an mIoU in percent, such as "73.10"; sliding windows are marked, for they cost several times the time."""
    return "-" if miou is None else f"{100 * miou:.2f}" + (f" ({translate('slide')})" if inference == "slide" else "")


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {"type": type(value).__name__, **asdict(value)}
    return str(value)
