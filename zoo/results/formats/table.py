"""Results as tables for pandas, if it is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo.results.classes import classes_in
from zoo.results.formats.packages import need

if TYPE_CHECKING:
    from zoo.results.result import Result


def to_pandas(result: Result) -> Any:
    """Makes a table with a row for each class that occurs, largest first.

    Returns:
        A `pandas.DataFrame` with the columns "value", "name", "color" ("#rrggbb"), "pixels" and "share", and "score",
        the mean score, if the result has scores.

    Raises:
        OutputError: pandas is not installed.
    """
    pandas = need("pandas", "to_pandas")
    rows = [
        {
            "value": area.value,
            "name": area.name,
            "color": f"#{bytes(area.color).hex()}",
            "pixels": area.pixels,
            "share": area.share,
            **({} if area.score is None else {"score": area.score}),
        }
        for area in classes_in(result.mask, result.labels, result.scores)
    ]
    return pandas.DataFrame(rows)
