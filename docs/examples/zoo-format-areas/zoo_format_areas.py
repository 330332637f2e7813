"""A whole format plugin: the area of every class as a table, of one picture or of many."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.plugin import Format, Mark, hookimpl

if TYPE_CHECKING:
    from zoo import Result


@hookimpl
def zoo_formats() -> list[Format]:
    """Returns the formats of this plugin."""
    summary = "A table of pictures, classes, pixels and shares"
    return [Format("areas", summary, (".csv",), "_areas.csv", "zoo_format_areas:encode", api=1, many=True)]


def encode(results: Iterable[Result], path: Path, delimiter: str = ",") -> bytes:
    """Writes the table; its first line says that it is zoo's, and of which pictures."""
    text = io.StringIO()
    table = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    table.writerow(["picture", "class", "pixels", "share"])
    uris: list[str] = []
    for result in results:
        uris.append(result.uri)
        shares = result.shares()
        table.writerows([result.name, name, pixels, f"{shares[name]:.6f}"] for name, pixels in result.areas().items())
    return f"# {Mark.of('zoo.areas/1', uris).text()}\n{text.getvalue()}".encode("utf-8", "backslashreplace")
