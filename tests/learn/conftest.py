"""Data to train on, and a short run."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import draw_dataset


@pytest.fixture(scope="session")
def streets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the reference has it: pictures, masks, lists, and the names of the classes."""
    return draw_dataset(tmp_path_factory.mktemp("streets"), 8, 64, 96, train=6)
