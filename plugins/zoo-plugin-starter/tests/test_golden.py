"""The golden inside the wheel: it is what the network makes, and every engine gives it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import zoo
from zoo.bundle.golden import read_golden
from zoo.engine.open import session_opener
from zoo.plugin import CAMVID

TRAIN = Path(__file__).resolve().parents[1] / "train"
BUNDLE = zoo.read_bundle(TRAIN.parent / "zoo_plugin_starter" / "bundle")
GOLDEN = read_golden(BUNDLE.golden or Path())
#: Of their spread, the most that logits may be off.
BOUND = 3e-5

_NETWORK = """
import sys
import numpy as np
import paddle
from golden import trained_network
with np.load(sys.argv[1]) as arrays, paddle.no_grad():
    np.save(sys.argv[2], trained_network()(paddle.to_tensor(arrays["batch"]))[0].numpy())
"""


def close(logits: np.ndarray) -> bool:
    return bool(np.abs(logits - GOLDEN.output).max() < BOUND * np.ptp(GOLDEN.output))


def test_it_sees_every_class_and_weighs_little_and_its_digest_is_known() -> None:
    assert set(np.unique(GOLDEN.output.argmax(1))) == set(range(len(CAMVID)))
    assert BUNDLE.golden is not None
    assert BUNDLE.golden.stat().st_size < 210_000
    assert "golden.npz" in BUNDLE.digests
    assert BUNDLE.verify().golden == BUNDLE.golden


def test_the_network_in_its_training_form_gives_it(tmp_path: Path) -> None:
    """In a process of its own, because the weights are found by names that paddle counts in a process."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(TRAIN), *filter(None, sys.path)])}
    command = [sys.executable, "-c", _NETWORK, str(BUNDLE.golden), str(tmp_path / "logits.npy")]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    assert close(np.load(tmp_path / "logits.npy"))


@pytest.mark.parametrize("engine", ["paddle", "openvino", "onnxruntime"])
def test_every_engine_gives_it(engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZOO_DISABLE_PLUGINS", raising=False)
    monkeypatch.setenv("ZOO_HOME", str(tmp_path))
    session = session_opener(BUNDLE.verify(), "cpu", engine)(1)
    assert close(session.run(GOLDEN.batch))
    # It would find another network out.
    assert not close(session.run(GOLDEN.batch[:, ::-1]))
    session.close()
