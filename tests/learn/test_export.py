"""From a checkpoint to a folder that runs: every network, every format, verified."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import paddle
import pytest
import yaml
from paddle.nn import functional as F
from PIL import Image
from safetensors.numpy import save_file

import zoo
from scenes import draw_scene
from support import small_network
from zoo.contract.labels import CITYSCAPES, LabelSet
from zoo.errors import CheckpointError, DatasetError, ExportError
from zoo.learn.data import find_labels
from zoo.learn.export import Agreement, export_bundle
from zoo.segment.transforms import preprocess
from zoo.segment.upsample import upsample_argmax


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An official-looking .pdparams of SeaFormer_tiny with 11 classes."""
    path = tmp_path_factory.mktemp("checkpoint") / "model.pdparams"
    paddle.seed(0)
    paddle.save(zoo.build_network("SeaFormer_tiny", num_classes=11).state_dict(), str(path))
    return path


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-m", "zoo", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=environment)


def test_a_network_is_built_with_the_weights_of_a_file(checkpoint: Path, tmp_path: Path) -> None:
    network = zoo.build_network("seaformer_tiny", num_classes=11, weights=checkpoint)
    arrays = zoo.load_checkpoint(checkpoint)
    assert all(np.array_equal(value.numpy(), arrays[name]) for name, value in network.state_dict().items())
    save_file(arrays, tmp_path / "same.safetensors")
    other = zoo.build_network("SeaFormer_tiny", num_classes=11, weights=tmp_path / "same.safetensors")
    assert all(np.array_equal(value.numpy(), arrays[name]) for name, value in other.state_dict().items())
    head = zoo.build_network("SeaFormer_tiny", weights=checkpoint, reset_head=True)
    assert head.state_dict()["cls_seg.weight"].shape[0] == 150


def test_weights_of_another_model_or_class_count_are_refused(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CheckpointError, match=r"model\.pdparams does not fit the network: \d+ missing"):
        zoo.build_network("PP-LiteSeg-T", weights=checkpoint)
    with pytest.raises(CheckpointError, match="reset_head=True"):
        zoo.build_network("SeaFormer_tiny", num_classes=12, weights=checkpoint)
    with pytest.raises(ValueError, match="num_classes is 0"):
        zoo.build_network("PP-LiteSeg-T", num_classes=0)
    found = zoo.find_model("starter")
    without = found._replace(family=replace(found.family, network=None))
    monkeypatch.setattr("zoo.learn.networks.find_model", lambda name: without)
    with pytest.raises(ExportError, match="has no network"):
        zoo.build_network("starter")


def test_the_command_exports_and_says_how_well_it_agrees(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "street.txt").write_text("\n".join(f"thing {index}" for index in range(11)))
    picture = draw_scene(3, 90, 130).image
    Image.fromarray(picture).save(tmp_path / "street.png")
    arguments = ("export", "SeaFormer_tiny", "--weights", checkpoint, "--label-set", tmp_path / "street.txt")
    ended = run(*arguments, "--output", tmp_path / "out", "--input-size", 128, 160, "--name", "My streets")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == str(tmp_path / "out")
    assert "of" in ended.stderr
    assert "pixels get the same class" in ended.stderr
    settings = yaml.safe_load((tmp_path / "out" / "inference.yml").read_text())["zoo"]
    assert settings["verified"]["agreement"] >= 0.999
    assert settings["preprocess"][0]["Resize"]["size"] == [128, 160]
    with zoo.load(tmp_path / "out") as model:
        assert model.labels[0] == "thing 0"
        result = model.predict(picture).one()
    assert result.mask.shape == (90, 130)
    assert (result.model, result.origin) == ("My streets", str(tmp_path / "out"))
    assert result.to_dict()["origin"] == str(tmp_path / "out")
    bad = run(*arguments, "--output", tmp_path / "bad", "--name", "../x")
    assert bad.returncode == 2
    assert "'../x' is no name of a model" in bad.stderr
    again = run(*arguments, "--output", tmp_path / "out")
    assert again.returncode == 1
    assert "is not empty" in again.stderr


def test_wrong_exports_are_two_lines_and_leave_nothing(checkpoint: Path, tmp_path: Path) -> None:
    hostile = tmp_path / "hostile.pdparams"
    hostile.write_bytes(b"\x80\x02cposix\nsystem\nX\x04\x00\x00\x00true\x85R.")
    out = tmp_path / "out"
    cases = {
        ("SeaFormer_tiny", "--weights", hostile): "posix.system",
        ("SeaFormer_tiny", "--weights", tmp_path / "gone.pdparams"): "gone.pdparams",
        ("SeaFormer_tiny", "--weights", checkpoint): "does not fit",
        ("SeaFormer_tiny", "--weights", checkpoint, "--label-set", "no-such-labels"): "no label set",
        ("SeaFormer_huge", "--weights", checkpoint): "SeaFormer_huge",
        ("starter", "--weights", checkpoint): "does not fit the network",
    }
    for arguments, words in cases.items():
        ended = run("export", *arguments, "--output", out)
        assert ended.returncode == 1, arguments
        assert words in ended.stderr, ended.stderr
        assert len(ended.stderr.splitlines()) == 2, ended.stderr
        assert not out.exists()


_EXPORT = """
import sys
from support import small_network
from zoo.contract.labels import CITYSCAPES
from zoo.learn.export import export_bundle
export_bundle(small_network(19), sys.argv[1], model="m", labels=CITYSCAPES)
"""


def test_what_a_killed_export_left_is_cleared_by_the_next(tmp_path: Path, seven_labels: LabelSet) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen([sys.executable, "-c", _EXPORT, tmp_path / "model"], env=environment) as exporting:
        ends = time.monotonic() + 60
        while not (begun := [path for path in tmp_path.glob(".*") if any(path.iterdir())]):
            assert time.monotonic() < ends
            time.sleep(0.01)
        exporting.kill()
    assert list(tmp_path.iterdir()) == begun
    os.utime(begun[0], (0, 0))
    export_bundle(small_network(), tmp_path / "model", model="m", labels=seven_labels)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.full
def test_the_earlier_name_of_the_label_set_still_works_and_says_its_new_one(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "few.txt").write_text("a\nb\n")
    arguments = ("export", "SeaFormer_tiny", "--weights", checkpoint, "--output", tmp_path / "out")
    ended = run(*arguments, "--labels", tmp_path / "few.txt")
    note, *refusal = ended.stderr.splitlines()
    assert "--labels is called --label-set here" in note
    assert refusal == run(*arguments, "--label-set", tmp_path / "few.txt").stderr.splitlines()
    assert "--labels" not in run("export", "--help").stdout


def test_an_input_size_the_network_cannot_take_is_refused(tmp_path: Path) -> None:
    network = zoo.build_network("SegFormer-B0")
    with pytest.raises(ExportError, match="cannot take an input of 3 channels and 16x16"):
        export_bundle(network, tmp_path / "b", model="x", labels=CITYSCAPES, output_stride=4, input_size=(16, 16))
    assert os.listdir(tmp_path) == []


class Doubled(paddle.nn.Layer):
    """Logits at stride 4, upsampled from stride 8 in ways of which oneDNN does some wrongly without a word."""

    def __init__(self, **upsampling: Any) -> None:
        super().__init__()
        paddle.seed(2)
        sides = ((3, 16), (16, 16), (16, 16))
        self.layers = paddle.nn.LayerList([paddle.nn.Conv2D(*side, 3, stride=2, padding=1) for side in sides])
        self.head = paddle.nn.Conv2D(16, 7, 1)
        self.upsampling = upsampling

    def forward(self, x: paddle.Tensor) -> list[paddle.Tensor]:
        for layer in self.layers:
            x = F.relu(layer(x))
        size = paddle.shape(x)[2:]
        # To one and a half times the size: oneDNN's nearest neighbour is right where it is a whole multiple.
        between = F.interpolate(x, size=size * 3 // 2, **self.upsampling)
        return [10 * self.head(F.interpolate(between, size=size * 2, mode="bilinear"))]


UPSAMPLINGS = {
    "ordinary": {"mode": "bilinear"},
    "corners": {"mode": "bilinear", "align_corners": True},
    "mode 1": {"mode": "bilinear", "align_mode": 1},
    "nearest": {"mode": "nearest"},
}


@pytest.mark.full
def test_one_program_does_not_decide_how_another_is_run(
    seven_labels: LabelSet, picture: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network with unusual operations is exported beside an ordinary one, and runs alike whichever came first."""
    networks = {name: Doubled(**upsampling) for name, upsampling in UPSAMPLINGS.items()}
    for network in networks.values():
        network.eval()

    def predicted(name: str) -> tuple[np.ndarray, str]:
        with zoo.load(tmp_path / name, threads=1) as model:
            result = model.predict(picture).one()
        return result.mask, result.engine

    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "first home"))
    results = {}
    for name, network in networks.items():
        bundle = export_bundle(network, tmp_path / name, model=name, labels=seven_labels, output_stride=4)
        results[name] = predicted(name)
        [logits] = network(paddle.to_tensor(preprocess(picture, bundle.preprocess)[0][None]))[0].numpy()
        expected = upsample_argmax(logits, picture.shape[:2])
        assert (results[name][0] == expected).mean() > 0.9999, name
        assert len(np.unique(expected)) > 2, "the test would prove nothing on an empty mask"
    assert len(list((tmp_path / "first home" / "engines").iterdir())) == len(networks)

    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "other home"))
    for name in ("corners", "ordinary"):
        mask, engine = predicted(name)
        assert np.array_equal(mask, results[name][0])
        assert engine == results[name][1]


def test_agreement_counts_classes_and_differences() -> None:
    logits = np.zeros((1, 2, 2, 2), np.float32)
    logits[:, 1] = 1.0
    other = logits.copy()
    other[0, 0, 0, 0] = 3.0
    agreement = Agreement.none().add(other, logits)
    assert (agreement.pixels, agreement.same, agreement.difference) == (4, 3, 3.0)
    with pytest.raises(ExportError, match=r"75\.0000%"):
        agreement.check("they")
    # A class that the network gives as much, but for rounding, is not another one.
    logits[0, 0, 0, 0], other[0, 0, 0, 0] = 0.9995, 1.0005
    assert Agreement.none().add(other, logits).same == 4
    logits[0, 0, 0, 0] = 0.99
    assert Agreement.none().add(other, logits).same == 3
    with pytest.raises(ExportError, match="shape"):
        agreement.add(logits[:, :, :1], logits)


def test_labels_come_by_name_or_from_a_file(tmp_path: Path) -> None:
    assert find_labels("Cityscapes") is CITYSCAPES
    (tmp_path / "names.txt").write_text("no\non\n1:30\n")
    assert find_labels(tmp_path / "names.txt").names == ("no", "on", "1:30")
    (tmp_path / "twice.txt").write_text("a\na\n")
    with pytest.raises(DatasetError, match="2 class names, 1 of them different"):
        find_labels(tmp_path / "twice.txt")
