"""Layers that several families build on."""

from __future__ import annotations

import math
from typing import Literal

import paddle
from paddle import Tensor, nn
from paddle.nn import functional as F


class ConvBN(nn.Layer):
    """Convolution, batch norm and an activation, under the names official checkpoints use: `_conv`, `_batch_norm`.

    Args:
        in_channels: Channels of the input.
        out_channels: Channels of the output.
        kernel: Side of the square kernel.
        stride: Stride along both axes.
        padding: Rows and columns of zeros around the input; by default so many that stride 1 keeps the size. "same"
            pads an even size at stride 2 below and to the right only.
        dilation: Distance of the kernel's taps.
        groups: Groups of channels; equal to the channels for a depth-wise convolution.
        bias: Whether the convolution has a bias although batch norm follows.
        activation: "relu", "relu6" or None.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel: int,
        stride: int = 1,
        padding: int | Literal["same"] | None = None,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = False,
        activation: Literal["relu", "relu6"] | None = "relu",
    ) -> None:
        super().__init__()
        self._conv = nn.Conv2D(
            in_channels,
            out_channels,
            kernel,
            stride=stride,
            padding=kernel // 2 * dilation if padding is None else padding,
            dilation=dilation,
            groups=groups,
            weight_attr=fan_out_normal(kernel, out_channels, groups) if groups > 1 else None,
            bias_attr=None if bias else False,
        )
        self._batch_norm = nn.BatchNorm2D(out_channels)
        self._activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """Returns (N, out_channels, h, w) float32 for (N, in_channels, H, W) float32."""
        x = self._batch_norm(self._conv(x))
        if self._activation is None:
            return x
        return F.relu(x) if self._activation == "relu" else F.relu6(x)


class DropPath(nn.Layer):
    """Leaves out a residual branch of whole samples in training (stochastic depth, arXiv 1603.09382).

    Args:
        rate: Probability that a sample loses the branch; the others are divided by (1 - rate).
    """

    def __init__(self, rate: float) -> None:
        super().__init__()
        self._rate = rate

    def forward(self, x: Tensor) -> Tensor:
        """Returns the branch x, (N, ...) float32, with some samples zero in training and unchanged otherwise."""
        if not self.training or self._rate == 0.0:
            return x
        kept = paddle.rand([x.shape[0]] + [1] * (x.ndim - 1)) >= self._rate
        return x * kept.astype(x.dtype) / (1.0 - self._rate)


def fan_out_normal(kernel: int, out_channels: int, groups: int = 1) -> nn.initializer.Initializer:
    """Returns Normal(0, sqrt(2 / fan_out)) with fan_out = kernel * kernel * out_channels / groups (arXiv 1502.01852).

    paddle's own default does not divide by the groups, so that a depth-wise convolution starts very small.
    """
    return nn.initializer.Normal(0.0, math.sqrt(2.0 * groups / (kernel * kernel * out_channels)))
