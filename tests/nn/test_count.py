"""Multiply-accumulates are counted on what really runs; the numbers here are worked out by hand."""

from __future__ import annotations

import paddle
import pytest
from paddle import Tensor, nn
from paddle.nn import functional as F

from zoo.nn.count import count_macs


class _Attention(nn.Layer):
    """One head over all positions, its products written in every way paddle has."""

    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Linear(3, 5)

    def forward(self, x: Tensor) -> list[Tensor]:
        tokens = self.project(x.flatten(2).transpose([0, 2, 1]))
        shares = F.softmax(paddle.matmul(tokens, tokens, transpose_y=True), axis=-1)
        mixed = shares @ tokens
        gram = paddle.matmul(mixed, mixed, transpose_x=True)
        return [paddle.bmm(mixed, gram).matmul(gram)]


class _Functional(nn.Layer):
    def forward(self, x: Tensor) -> list[Tensor]:
        x = F.conv2d(x, paddle.ones([4, 3, 3, 3]), stride=2, padding=1)
        return [F.conv2d(x.transpose([0, 2, 3, 1]), paddle.ones([5, 4, 1, 1]), data_format="NHWC")]


class _TwoModes(nn.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.head, self.auxiliary = nn.Conv2D(3, 2, 1), nn.Conv2D(3, 2, 3)

    def forward(self, x: Tensor) -> list[Tensor]:
        return [self.head(x), self.auxiliary(x)] if self.training else [self.head(x)]


class _Einsum(nn.Layer):
    def forward(self, x: Tensor) -> list[Tensor]:
        return [paddle.einsum("nchw,ncxw->nchx", x, x)]


def test_convolutions_count_their_outputs_times_what_each_sums() -> None:
    network = nn.Sequential(
        nn.Conv2D(3, 8, 3, stride=2, padding=1),  # 8x5x7 outputs, 3 * 3 * 3 products each
        nn.BatchNorm2D(8),
        nn.ReLU(),
        nn.Conv2D(8, 8, 3, padding=2, dilation=2, groups=8),  # depth-wise: 8x5x7 outputs, 9 products each
        nn.Conv2D(8, 6, 1, groups=2),  # 6x5x7 outputs, 4 products each
        nn.Upsample(scale_factor=2),
        nn.Conv2DTranspose(6, 4, 2, stride=2),  # 6x10x14 inputs, each multiplied by 4 * 2 * 2 weights
    )
    assert count_macs(network, 10, 14) == 8 * 35 * 27 + 8 * 35 * 9 + 6 * 35 * 4 + 6 * 140 * 16


def test_the_products_of_attention_are_counted_though_they_are_no_layers() -> None:
    tokens = 4 * 6
    project, similarity, mix = tokens * 3 * 5, tokens * tokens * 5, tokens * tokens * 5
    gram, last_two = 5 * 5 * tokens, 2 * tokens * 5 * 5
    assert count_macs(_Attention(), 4, 6) == project + similarity + mix + gram + last_two


def test_functions_count_like_layers() -> None:
    assert count_macs(_Functional(), 8, 8) == 4 * 16 * 27 + 5 * 16 * 4


def test_the_eval_form_is_counted_and_the_mode_is_kept() -> None:
    network = _TwoModes()
    network.train()
    assert count_macs(network, 4, 4) == 2 * 16 * 3
    assert network.training


def test_a_product_that_is_not_known_is_refused_and_not_left_out() -> None:
    with pytest.raises(NotImplementedError, match="einsum cannot be counted"):
        count_macs(_Einsum(), 4, 4)


def test_after_a_count_paddle_is_as_before() -> None:
    from paddle import _C_ops

    before = (_C_ops.conv2d, _C_ops.matmul, _C_ops.einsum, paddle.Tensor.__matmul__)
    count_macs(_Functional(), 8, 8)
    with pytest.raises(NotImplementedError):
        count_macs(_Einsum(), 4, 4)
    assert (_C_ops.conv2d, _C_ops.matmul, _C_ops.einsum, paddle.Tensor.__matmul__) == before
