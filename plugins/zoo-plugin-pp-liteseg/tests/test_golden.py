"""PP-LiteSeg against the golden numbers of the official network."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import paddle
import pytest
from paddle.nn import functional as F

from zoo_plugin_pp_liteseg.network import PPLiteSeg, build

NAMES = ("PP-LiteSeg-T", "PP-LiteSeg-B")


@pytest.fixture(scope="module")
def networks() -> Path:
    folder = Path(__file__).resolve().parents[4] / "shared" / "networks"
    if not folder.is_dir():
        pytest.skip("the fact sheets of the networks are not beside this checkout")
    return folder


@pytest.fixture(scope="module")
def rule(networks: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference_weights", networks / "reference_weights.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def with_rule_weights(name: str, networks: Path, rule: ModuleType) -> PPLiteSeg:
    network = build(name, 19)
    weights = rule.weights(str(networks / f"{name}.json.gz"))
    state = network.state_dict()
    assert list(state) == list(weights), "names and order of the official state dict"
    assert {key: tuple(value.shape) for key, value in state.items()} == {k: v.shape for k, v in weights.items()}
    network.set_state_dict({key: paddle.to_tensor(value) for key, value in weights.items()})
    return network


@pytest.mark.parametrize("name", NAMES)
def test_logits_equal_the_official_ones(name: str, networks: Path, rule: ModuleType) -> None:
    network = with_rule_weights(name, networks, rule)
    network.eval()
    golden = np.load(networks / "golden" / f"{name}.npz")
    with paddle.no_grad():
        [low] = network(paddle.to_tensor(rule.image(7, (1, 3, 128, 192))))
        full = F.interpolate(low, size=[128, 192], mode="bilinear").numpy()
    std = golden["stats"][1]
    assert np.abs(low.numpy() - golden["low_resolution_logits"]).max() / std < 2e-5
    stride = int(golden["logits_stride"])
    assert np.abs(full[:, :, ::stride, ::stride] - golden["logits"]).max() / std < 2e-5
    assert (full[0].argmax(0) == golden["argmax"].reshape(128, 192)).mean() > 0.9999


@pytest.mark.parametrize("name", NAMES)
def test_training_forward_equals_the_official_one(name: str, networks: Path, rule: ModuleType) -> None:
    network = with_rule_weights(name, networks, rule)
    network.train()
    golden = json.loads((networks / "golden" / "train_shapes.json").read_text())[name]
    batch = paddle.to_tensor(rule.image(7, tuple(golden["input"])))
    with paddle.no_grad():
        outputs = [F.interpolate(low, size=golden["input"][2:], mode="bilinear") for low in network(batch)]
    assert [list(output.shape) for output in outputs] == golden["outputs"]
    measured = [[float(output.mean()), float(output.numpy().std())] for output in outputs]
    np.testing.assert_allclose(measured, golden["output_mean_std"], rtol=1e-3, atol=1e-4)
    buffers = network.state_dict()
    for name_of_buffer in ("backbone.features.0.bn._mean", "backbone.features.0.bn._variance"):
        expected = golden["buffers_after_one_forward"][name_of_buffer]
        np.testing.assert_allclose(buffers[name_of_buffer].numpy()[: len(expected)], expected, rtol=1e-4, atol=1e-5)


def test_one_training_step_changes_every_parameter() -> None:
    paddle.seed(0)
    network = build("PP-LiteSeg-T", 5)
    network.train()
    outputs = network(paddle.randn([2, 3, 64, 96]))
    paddle.add_n([(output**2).mean() for output in outputs]).backward()
    without = [name for name, value in network.named_parameters() if value.grad is None and not value.stop_gradient]
    assert without == []
    frozen = [name for name, value in network.named_parameters() if value.stop_gradient]
    assert sorted(name for name in frozen if name.endswith("_scale")) == [
        f"ppseg_head.arm_list.{index}._scale" for index in range(3)
    ]
