"""Writes the table of devices and models into docs/devices.md: `make device-table`.

    python tests/device_table.py           write it anew

It stands between `<!-- devices -->` and `<!-- end -->`. tests/devices/test_models.py compares it.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path

from pretend.models import MODELS

import zoo
from zoo.engine.device import KINDS

PAGE = Path(__file__).resolve().parents[1] / "docs" / "devices.md"


def models() -> list[str]:
    """Returns the names of the models of zoo's own plugins."""
    return sorted(model.name for model in zoo.list_models())


def page() -> str:
    """Returns the page with the table as plugins and tests have it."""
    return re.sub(
        r"<!-- devices -->\n.*?<!-- end -->",
        lambda _: f"<!-- devices -->\n{_table()}\n<!-- end -->",
        PAGE.read_text(encoding="utf-8"),
        flags=re.DOTALL,
    )


def _table() -> str:
    lines = [
        f"| model | {' | '.join(f'[{kind}](devices/{kind}.md)' for kind in KINDS)} |",
        "|---|" + "---|" * len(KINDS),
    ]
    lines += [f"| {model} | {' | '.join(_evidence(kind, model) for kind in KINDS)} |" for model in models()]
    return "\n".join(lines)


def _evidence(kind: str, model: str) -> str:
    [device] = importlib.import_module(f"zoo_device_{kind}").zoo_devices()
    found = ["known"] * (model in device.known) + ["pretend"] * (model in MODELS.get(kind, ()))
    return ", ".join(found) or "untested"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
