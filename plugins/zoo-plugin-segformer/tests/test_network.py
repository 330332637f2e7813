"""What is particular to SegFormer: its inference form and its smallest picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import paddle
import pytest

from zoo.engine.open import session_opener
from zoo.learn.export import export_bundle
from zoo.plugin import CITYSCAPES
from zoo_plugin_segformer.network import SegFormer, build


@pytest.fixture(scope="module")
def network() -> SegFormer:
    """SegFormer-B0 with weights for which nothing in the decoder is 0 or 1 by accident."""
    paddle.seed(0)
    network = build("SegFormer-B0", len(CITYSCAPES))
    for name, value in network.linear_fuse.state_dict().items():
        if not name.startswith("_conv"):
            value.set_value(paddle.uniform(value.shape, min=0.5, max=1.5))
    for level in (1, 2, 3, 4):
        bias = getattr(network, f"linear_c{level}").state_dict()["proj.bias"]
        bias.set_value(paddle.randn(bias.shape))
    network.eval()
    return network


class AsItIs(paddle.nn.Layer):
    """Hides for_inference, which export_bundle would use."""

    def __init__(self, network: SegFormer) -> None:
        super().__init__()
        self.network = network
        self.eval()

    def forward(self, x: paddle.Tensor) -> list[paddle.Tensor]:
        return self.network(x)


def logits(network: paddle.nn.Layer, batch: np.ndarray) -> np.ndarray:
    with paddle.no_grad():
        return network(paddle.to_tensor(batch))[0].numpy()


def pictures(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("size", [(32, 32), (65, 97), (128, 192)])
def test_the_inference_form_gives_the_same_logits(network: SegFormer, size: tuple[int, int]) -> None:
    batch = pictures(2, 3, *size)
    expected = logits(network, batch)
    assert np.abs(logits(network.for_inference(), batch) - expected).max() / np.abs(expected).max() < 1e-5


def test_the_inference_form_leaves_the_training_form_alone(network: SegFormer) -> None:
    network.train()
    try:
        form = network.for_inference()
        assert not any(layer.training for layer in form.sublayers(include_self=True))
        assert all(layer.training for layer in network.sublayers(include_self=True))
        own = {id(value) for value in network.state_dict().values()}
        assert not own & {id(value) for value in form.state_dict().values()}
    finally:
        network.eval()


@pytest.mark.parametrize("size", [(31, 64), (64, 31)])
def test_a_picture_below_32_pixels_is_refused(network: SegFormer, size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f"{size[0]}x{size[1]} pixels"):
        logits(network, pictures(1, 3, *size))


@pytest.mark.full
def test_exports_of_both_forms_take_the_smallest_picture(network: SegFormer, tmp_path: Path) -> None:
    """At stride 32 it is one pixel, which oneDNN cannot upsample. Both in one process: its cache would mix them up."""
    for name, form in (("training", AsItIs(network)), ("inference", network.for_inference())):
        bundle = export_bundle(form, tmp_path / name, model="SegFormer-B0", labels=CITYSCAPES, output_stride=4)
        session = session_opener(bundle.verify(), "cpu", "paddle")(1)
        try:
            for count in (1, 2, 3):
                batch = pictures(count, 3, 32, 32)
                # Before the network computes it: memory it has freed could hold the right answer by accident.
                exported = session.run(batch)
                np.testing.assert_allclose(exported, logits(network, batch), rtol=1e-3, atol=1e-4, err_msg=name)
        finally:
            session.close()
