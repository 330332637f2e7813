"""Fixtures every test can use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from support import export_small
from zoo.hub.bundle import Bundle
from zoo.labels import LabelSet, distinct_palette


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of facts and data beside the checkout; absent for a user, present in CI."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("the shared data folder is not beside this checkout")
    return folder


@pytest.fixture(scope="session", autouse=True)
def zoo_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache folder of the tests' own."""
    folder = tmp_path_factory.mktemp("zoo-home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_HOME", str(folder))
        yield folder


@pytest.fixture(scope="session")
def seven_labels() -> LabelSet:
    return LabelSet("seven", tuple(f"class {index}" for index in range(7)), distinct_palette(7))


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory, seven_labels: LabelSet) -> Bundle:
    """An exported network with random weights and logits at stride 8."""
    return export_small(tmp_path_factory.mktemp("bundles") / "logits", seven_labels, "zoo")


@pytest.fixture(scope="session")
def paddlex_bundle(tmp_path_factory: pytest.TempPathFactory, seven_labels: LabelSet) -> Bundle:
    """The same network, exported with argmax inside and settings for PaddleX."""
    return export_small(tmp_path_factory.mktemp("bundles") / "labels", seven_labels, "paddlex")


@pytest.fixture
def picture() -> np.ndarray:
    """A drawn street, (120, 168, 3) RGB uint8."""
    from zoo.testing.scenes import draw_scene

    return draw_scene(5, 120, 168).image
