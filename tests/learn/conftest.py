"""Data to train on, and a short run."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from scenes import draw_scene
from zoo.plugin import CAMVID


@pytest.fixture(scope="session")
def streets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the reference has it: pictures, masks, lists, and the names of the classes."""
    folder = tmp_path_factory.mktemp("streets")
    rows: list[str] = []
    for name in ("images", "annotations"):
        (folder / name).mkdir()
    for number in range(8):
        scene = draw_scene(number, 64, 96)
        Image.fromarray(scene.image).save(folder / "images" / f"{number}.jpg", quality=95)
        Image.fromarray(scene.mask).save(folder / "annotations" / f"{number}.png")
        rows.append(f"images/{number}.jpg annotations/{number}.png\n")
    (folder / "train.txt").write_text("".join(rows[:6]))
    (folder / "val.txt").write_text("".join(rows[6:]))
    (folder / "labels.txt").write_text("".join(f"{name}\n" for name in CAMVID.names))
    return folder
