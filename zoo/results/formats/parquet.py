"""Parquet: a row a picture, for pandas, DuckDB, Ray and whatever else reads columns.

The label map is kept as the runs of equal values, row after row of the picture, as in the JSON document:
`numpy.repeat(values, lengths).reshape(height, width)` gives it back.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from zoo.contract.format import Mark
from zoo.errors import OutputError
from zoo.results.classes import classes_in
from zoo.results.masktext import encode_mask
from zoo.results.predictions import Failure
from zoo.results.result import Result

#: Name and version of the form.
SCHEMA = "zoo.parquet/1"


def encode(results: Iterable[Result], path: Path) -> bytes:
    """Encodes results as a table.

    Args:
        results: The results.
        path: Not looked at.

    Raises:
        OutputError: pyarrow is not installed, or there is no result.
    """
    rows = [row_of(result) for result in results]
    if not rows:
        raise OutputError("There is no result to be written.", "Give at least one picture.")
    return table_bytes(rows, Mark.of(SCHEMA, [row["source"] for row in rows]).source)


def row_of(result: Result) -> dict[str, Any]:
    """Returns the row of a picture."""
    runs = encode_mask(result.mask)
    areas = classes_in(result.mask, result.labels, result.scores)
    return {
        "name": result.name,
        "source": result.uri,
        "model": result.model,
        "height": result.mask.shape[0],
        "width": result.mask.shape[1],
        "values": runs["values"],
        "lengths": runs["lengths"],
        "classes": [
            {"value": area.value, "name": area.name, "pixels": area.pixels, "share": area.share, "score": area.score}
            for area in areas
        ],
        "note": str(result.note),
        "error": None,
    }


def failed_row(failure: Failure) -> dict[str, Any]:
    """Returns the row of a picture that gave no result: its error is all there is."""
    return {"name": failure.name, "source": failure.uri, "error": str(failure.error.message)}


def table_bytes(rows: Sequence[Mapping[str, Any]], source: str) -> bytes:
    """Returns a table as the content of a file.

    Args:
        rows: What `row_of` and `failed_row` return.
        source: What its mark says it was made from.

    Raises:
        OutputError: pyarrow is not installed.
    """
    try:
        arrow: Any = import_module("pyarrow")
        parquet: Any = import_module("pyarrow.parquet")
    except ImportError as error:
        raise OutputError(
            "Parquet is written with pyarrow, which cannot be imported: {reason}.",
            "Run: pip install pyarrow",
            reason=error,
        ) from error
    whole = arrow.int64()
    area = arrow.struct(
        [
            ("value", arrow.int32()),
            ("name", arrow.string()),
            ("pixels", whole),
            ("share", arrow.float64()),
            ("score", arrow.float64()),
        ]
    )
    schema = arrow.schema(
        [
            ("name", arrow.string()),
            ("source", arrow.string()),
            ("model", arrow.string()),
            ("height", arrow.int32()),
            ("width", arrow.int32()),
            ("values", arrow.list_(arrow.uint16())),
            ("lengths", arrow.list_(arrow.int32())),
            ("classes", arrow.list_(area)),
            ("note", arrow.string()),
            ("error", arrow.string()),
        ],
        metadata={"zoo.result": Mark(SCHEMA, source).text()},
    )
    columns = [
        arrow.array([_text(row.get(field.name)) for row in rows], field.type, from_pandas=True) for field in schema
    ]
    buffer = io.BytesIO()
    parquet.write_table(arrow.table(columns, schema=schema), buffer, compression="zstd")
    return buffer.getvalue()


def _text(value: Any) -> Any:
    """Returns a text that UTF-8 can hold: names of files may hold bytes that are none."""
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
