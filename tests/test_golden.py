"""The eighteen networks against the golden numbers of the official ones.

The usual run takes one of the smallest networks of each family; `make test-all` takes all.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import paddle
import pytest
from paddle.nn import functional as F

import zoo

_USUAL = ("Deeplabv3_Plus-R50", "OCRNet_HRNet-W18", "PP-LiteSeg-T", "SegFormer-B0", "SeaFormer_tiny")
_OTHERS = (
    "Deeplabv3-R50",
    "Deeplabv3-R101",
    "Deeplabv3_Plus-R101",
    "OCRNet_HRNet-W48",
    "PP-LiteSeg-B",
    *(f"SegFormer-B{size}" for size in range(1, 6)),
    *(f"SeaFormer_{size}" for size in ("small", "base", "large")),
)
NAMES = [*_USUAL, *(pytest.param(name, marks=pytest.mark.full) for name in _OTHERS)]


@pytest.fixture(scope="module")
def networks(shared: Path) -> Path:
    return shared / "networks"


@pytest.fixture(scope="module")
def rule(networks: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference_weights", networks / "reference_weights.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def with_rule_weights(name: str, networks: Path, rule: ModuleType) -> Any:
    weights = rule.weights(str(networks / f"{name}.json.gz"))
    network = zoo.build_network(name, weights=weights)
    assert list(network.state_dict()) == list(weights), "the order of the official state dict"
    return network


def upsampled(low: paddle.Tensor, size: tuple[int, ...]) -> np.ndarray:
    return F.interpolate(low, size=list(size), mode="bilinear", align_corners=False).numpy()


@pytest.mark.parametrize("name", NAMES)
def test_the_network_is_the_official_one(name: str, networks: Path, rule: ModuleType) -> None:
    network = with_rule_weights(name, networks, rule)
    golden = np.load(networks / "golden" / f"{name}.npz")
    std = golden["stats"][1]
    cases = [("", 7, (1, 3, 128, 192), int(golden["logits_stride"]))]
    if "wide_logits" in golden.files:  # the largest dilations leave no trace at the usual width
        cases.append(("wide_", 8, (1, 3, 64, 344), 3))
    network.eval()
    for prefix, seed, shape, stride in cases:
        image = paddle.to_tensor(rule.image(seed, shape))
        with paddle.no_grad():
            [low] = network(image)
            form = network.for_inference() if hasattr(network, "for_inference") else network
            form.eval()
            inference = form(image)[0].numpy()
        full = upsampled(low, shape[2:])
        assert np.abs(full[:, :, ::stride, ::stride] - golden[f"{prefix}logits"]).max() / std < 2e-5
        assert (full[0].argmax(0) == golden[f"{prefix}argmax"].reshape(shape[2:])).mean() > 0.9999
        assert np.abs(inference - low.numpy()).max() / np.abs(low.numpy()).max() < 1e-5
        if not prefix:
            assert np.abs(low.numpy() - golden["low_resolution_logits"]).max() / std < 2e-5

    network.train()
    official = json.loads((networks / "golden" / "train_shapes.json").read_text())[name]
    with paddle.no_grad():
        heads = [
            upsampled(low, (128, 192)) for low in network(paddle.to_tensor(rule.image(7, tuple(official["input"]))))
        ]
    assert [list(head.shape) for head in heads] == official["outputs"]
    if "output_mean_std" in official:  # only where no dropout makes the training forward random
        measured = [[float(head.mean()), float(head.std())] for head in heads]
        np.testing.assert_allclose(measured, official["output_mean_std"], rtol=1e-3, atol=1e-4)
        for buffer in ("backbone.features.0.bn._mean", "backbone.features.0.bn._variance"):
            expected = official["buffers_after_one_forward"][buffer]
            moved = network.state_dict()[buffer].numpy()[: len(expected)]
            np.testing.assert_allclose(moved, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_one_training_step_reaches_every_parameter(name: str) -> None:
    paddle.seed(0)
    network = zoo.build_network(name, num_classes=5, in_channels=4)
    network.train()
    outputs = network(paddle.randn([2, 4, 65, 97]))
    paddle.add_n([(output**2).mean() for output in outputs]).backward()
    without = [key for key, value in network.named_parameters() if value.grad is None and not value.stop_gradient]
    assert without == []
    assert all(np.isfinite(value.grad.numpy()).all() for value in network.parameters() if value.grad is not None)
