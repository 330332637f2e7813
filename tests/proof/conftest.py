"""Fixtures of the tests of proofs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from other_engine import ENGINE, Install

from support import install_into
from zoo.registry import refresh


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Path) -> Iterator[Install]:
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)

    def engine(change: str = "pass", sleep: float = 0.0, opening: str = "pass") -> None:
        source = ENGINE.replace("CHANGE", change).replace("SLEEP", str(sleep)).replace("OPEN", opening)
        sys.modules.pop("zoo_other", None)
        install_into(site, "zoo-other", source, group="zoo.backends")
        refresh()

    yield engine
    sys.modules.pop("zoo_other", None)
    refresh()
