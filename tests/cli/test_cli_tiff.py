"""`zoo tiff` and Model.predict_tiff: a large TIFF becomes a label TIFF with the same classes as in memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import zoo
from scenes import draw_scene
from zoo.bundle.bundle import Bundle
from zoo.cli.app import cli
from zoo.picture.sources import inputs

tifffile = pytest.importorskip("tifffile", reason="the extra `large` is not installed")


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    image = draw_scene(2, 200, 168).image
    path = tmp_path_factory.mktemp("large") / "large.tif"
    tifffile.imwrite(path, image, tile=(64, 64), photometric="rgb")
    return path, image


def test_the_labels_are_those_of_the_windows_in_memory(
    scene: tuple[Path, np.ndarray], bundle: Bundle, tmp_path: Path
) -> None:
    path, image = scene
    command = ["tiff", path, tmp_path / "labels.tif", "--model", bundle.folder, "--window", 64, 96, "--threads", 1]
    done = CliRunner().invoke(cli, [str(word) for word in command])
    assert done.exit_code == 0, (done.output, done.exception)
    assert done.stdout.strip() == str(tmp_path / "labels.tif")
    written = tifffile.imread(tmp_path / "labels.tif")
    with zoo.load(bundle.folder, threads=1) as model:
        expected = model.predict(image, mode="slide", window=(64, 96)).one().mask
        merge = {"low": ["class 0", "class 1"], "high": ["class 2"]}
        merged = model.predict_tiff(path, tmp_path / "merged.tif", window=(64, 96), labels=merge, min_score=0.2)
        again = model.predict(image, mode="slide", window=(64, 96), labels=merge, min_score=0.2).one().mask
        model.predict_tiff(path, tmp_path / "merged.tif", window=(64, 96), labels=merge, min_score=0.2)
        (tmp_path / "mine.tif").write_bytes(path.read_bytes())
        with pytest.raises(zoo.OutputError, match="no label map of this picture"):
            model.predict_tiff(path, tmp_path / "mine.tif", window=(64, 96))
    assert np.array_equal(written, expected)
    # Label maps among the pictures of a folder are no inputs.
    assert [item.name for item in inputs(str(tmp_path))] == ["mine"]
    assert np.array_equal(tifffile.imread(merged), again)


def test_a_target_that_is_called_something_else_is_refused_before_the_model_is_looked_for(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["tiff", "a.tif", str(tmp_path / "l.png"), "--model", "no such model"])
    assert done.exit_code == 1
    assert "l.png does not end in .tif or .tiff" in done.stderr
    assert "no such model" not in done.stderr


def test_missing_folders_of_the_target_are_made(scene: tuple[Path, np.ndarray], bundle: Bundle, tmp_path: Path) -> None:
    target = tmp_path / "new" / "labels.tif"
    command = ["tiff", scene[0], target, "--model", bundle.folder, "--window", 64, 96, "--threads", 1]
    done = CliRunner().invoke(cli, [str(word) for word in command])
    assert done.exit_code == 0, (done.output, done.exception)
    assert tifffile.imread(target).shape == (200, 168)


def test_a_model_that_needs_the_whole_picture_is_refused(scene: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["tiff", str(scene[0]), str(tmp_path / "out.tif"), "--model", "starter"])
    assert done.exit_code == 1
    assert "starter cannot be run in them" in done.stderr
    assert "--mode" not in done.stderr  # which zoo tiff does not have
    assert not (tmp_path / "out.tif").exists()
