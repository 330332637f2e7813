"""Fixtures of what runs on pretend devices."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from pretend.build import compiler, plugins
from pretend.machine import Machine

from scenes import draw_scene


@pytest.fixture(scope="session")
def runtime() -> Path:
    """The folder with the two runtimes."""
    if compiler() is None:
        pytest.skip("there is no g++ to build the pretend runtime with")
    return plugins()


@pytest.fixture
def machine(runtime: Path, tmp_path: Path) -> Machine:
    return Machine(runtime, tmp_path)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "street.png"
    Image.fromarray(draw_scene(1, 96, 160).image).save(path)
    return path
