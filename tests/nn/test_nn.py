"""Layers that several families build on."""

from __future__ import annotations

import numpy as np
import paddle
import pytest
from paddle.nn import functional as F

from zoo.nn import ConvBN, DropPath, fan_out_normal, max_over_channels, pool_to_bins, upsample_like


def test_conv_bn_keeps_the_size_unless_told_otherwise() -> None:
    x = paddle.randn([2, 6, 9, 14])
    assert list(ConvBN(6, 4, 3)(x).shape) == [2, 4, 9, 14]
    assert list(ConvBN(6, 4, 3, dilation=4)(x).shape) == [2, 4, 9, 14]
    assert list(ConvBN(6, 4, 3, stride=2, padding="same")(x).shape) == [2, 4, 5, 7]
    assert list(ConvBN(6, 6, 5, stride=2, groups=6)(x).shape) == [2, 6, 5, 7]
    assert set(ConvBN(6, 4, 1, bias=True).state_dict()) == {
        "_conv.weight",
        "_conv.bias",
        *(f"_batch_norm.{name}" for name in ("weight", "bias", "_mean", "_variance")),
    }


def test_activations_are_what_they_are_called() -> None:
    x = paddle.randn([4, 8, 16, 16]) * 20
    assert ConvBN(8, 8, 1, activation=None)(x).numpy().min() < 0
    assert ConvBN(8, 8, 1)(x).numpy().min() == 0
    layer = ConvBN(8, 8, 1, activation="relu6")
    layer.eval()
    assert layer(x).numpy().max() == 6


def test_drop_path_keeps_the_mean_and_drops_whole_samples() -> None:
    paddle.seed(0)
    layer = DropPath(0.25)
    x = paddle.ones([4000, 2, 3])
    y = layer(x).numpy()
    assert set(np.unique(y).round(4)) == {0.0, np.float32(1 / 0.75).round(4)}
    assert (y.reshape(4000, -1).std(1) == 0).all()
    assert y.mean() == pytest.approx(1, abs=0.05)
    layer.eval()
    np.testing.assert_array_equal(layer(x).numpy(), x.numpy())


def test_fan_out_normal_has_the_stated_deviation_for_depth_wise_convolutions_too() -> None:
    paddle.seed(0)
    layer = paddle.nn.Conv2D(512, 512, 3, groups=512, weight_attr=fan_out_normal(3, 512, 512))
    assert layer.weight.numpy().std() == pytest.approx(np.sqrt(2 / 9), rel=0.05)


def test_the_maximum_over_channels_and_its_gradient() -> None:
    x = paddle.randn([2, 5, 3, 4])
    x.stop_gradient = False
    y = max_over_channels(x)
    np.testing.assert_array_equal(y.numpy(), x.numpy().max(1, keepdims=True))
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.eye(5)[x.numpy().argmax(1)].transpose(0, 3, 1, 2))
    with paddle.no_grad():
        np.testing.assert_array_equal(max_over_channels(x).numpy(), y.numpy())


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (4, 8), (11, 15), (33, 7)])
@pytest.mark.parametrize("bins", [1, 2, 4])
def test_pooling_in_a_program_equals_adaptive_pooling(size: tuple[int, int], bins: int, programs) -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, *size)).astype(np.float32)
    expected = F.adaptive_avg_pool2d(paddle.to_tensor(x), bins).numpy()
    np.testing.assert_allclose(pool_to_bins(paddle.to_tensor(x), bins).numpy(), expected, rtol=1e-5)
    np.testing.assert_allclose(programs[bins](paddle.to_tensor(x)).numpy(), expected, rtol=1e-4, atol=1e-6)


class Pool(paddle.nn.Layer):
    def __init__(self, bins: int) -> None:
        super().__init__()
        self.bins = bins

    def forward(self, x):
        return pool_to_bins(x, self.bins)


@pytest.fixture(scope="module")
def programs():
    spec = [paddle.static.InputSpec([None, 3, None, None], "float32", "x")]
    return {bins: paddle.jit.to_static(Pool(bins), input_spec=spec, full_graph=True) for bins in (1, 2, 4)}


def test_upsampling_takes_the_size_of_its_reference() -> None:
    x, reference = paddle.randn([1, 2, 3, 4]), paddle.zeros([1, 9, 7, 11])
    expected = F.interpolate(x, size=[7, 11], mode="bilinear", align_corners=False).numpy()
    np.testing.assert_array_equal(upsample_like(x, reference).numpy(), expected)
