"""Writes the table of operations into docs/engines.md: `make operations`.

    python tests/operation_table.py        write it anew

It stands between `<!-- operations -->` and `<!-- end -->`. tests/program/test_operations.py compares it.
"""

from __future__ import annotations

import re
from pathlib import Path

from zoo.program.lower.operations import SUBJECTS
from zoo.program.lower.spelling import FORMS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "engines.md"


def page() -> str:
    """Returns the page with the table as the code has it."""
    return re.sub(
        r"<!-- operations -->\n.*?<!-- end -->",
        lambda _: f"<!-- operations -->\n{_tables()}\n<!-- end -->",
        PAGE.read_text(encoding="utf-8"),
        flags=re.DOTALL,
    )


def _tables() -> str:
    older: dict[str, list[str]] = {}
    for name, form in FORMS.items():
        older.setdefault(form.name, []).append(name)
    lines: list[str] = []
    for subject in SUBJECTS:
        title = (subject.__doc__ or "").strip().rstrip(".")
        lines += [f"| {title} | what it is in paddle | in a `.pdmodel` |", "|---|---|---|"]
        for name, rule in subject.RULES.items():
            meaning = " ".join((rule.__doc__ or "").split()).rstrip(".")
            assert meaning, f"{name} has no docstring"
            lines.append(f"| `{name}` | {meaning} | {', '.join(f'`{old}`' for old in older.get(name, ()))} |")
        lines.append("")
    return "\n".join(lines).rstrip()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
