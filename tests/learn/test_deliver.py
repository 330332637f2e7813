"""What becomes of a run: weights to train further from, a model by the folder of the run, and what an export knows."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import zoo
from support import zoo_process
from zoo.errors import BundleError
from zoo.learn.checkpoint import load_checkpoint
from zoo.learn.run.run_folder import RunFolder
from zoo.learn.training import load_checkpoint as load_state

QUICK = ("--set", "train.iterations=2", "--set", "train.evaluate_every=1", "--set", "train.batch_size=2")


@pytest.fixture(scope="module")
def run(streets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    ended = zoo_process("train", "SeaFormer_tiny", streets, "-o", folder, *QUICK)
    assert ended.returncode == 0, ended.stderr
    return folder


@pytest.fixture(scope="module")
def bundle(run: Path) -> Path:
    folder = run.parent / "bundle"
    ended = zoo_process("export", run, "-o", folder)
    assert ended.returncode == 0, ended.stderr
    return folder


def test_an_export_of_a_run_keeps_the_weights_to_train_from_and_predicts_without_them(
    run: Path, bundle: Path, tmp_path: Path
) -> None:
    kept, best = load_checkpoint(zoo.read_bundle(bundle).training_weights()), load_state(RunFolder(run).best).average
    assert kept.keys() == best.keys()
    assert all(np.array_equal(kept[name], best[name]) for name in best)
    copy = shutil.copytree(bundle, tmp_path / "copy")
    (copy / "training.safetensors").write_bytes(b"cut short")
    zoo.load(copy, threads=1).close()
    with pytest.raises(BundleError, match=r"training\.safetensors has sha256"):
        zoo.read_bundle(copy).training_weights()
    (copy / "training.safetensors").unlink()
    zoo.load(copy, threads=1).close()
    with pytest.raises(BundleError, match=r"has no training\.safetensors"):
        zoo.read_bundle(copy).training_weights()
    bare = tmp_path / "bare"
    ended = zoo_process("export", run, "-o", bare, "--no-training-weights")
    assert ended.returncode == 0, ended.stderr
    assert sorted(path.name for path in bare.iterdir()) == [
        "golden.npz",
        "inference.json",
        "inference.pdiparams",
        "inference.yml",
    ]
    with pytest.raises(BundleError, match="holds no weights for training"):
        zoo.read_bundle(bare).training_weights()
