"""MiT, the encoder of SegFormer: a transformer in four stages.

Paper: arXiv 2105.15203, section 3.1. Between convolutions the maps are kept as (N, H, W, C), so that the linear layers
and layer norms take them as they are.
"""

from __future__ import annotations

from collections.abc import Sequence

import paddle
from paddle import Tensor, nn
from paddle.nn import functional as F

from zoo.nn import DropPath, fan_out_normal

#: Smallest side of a picture: at stride 4 it is one 8x8 window of keys and values in the first stage.
MIN_SIDE = 32

_HEADS = (1, 2, 5, 8)
_REDUCTIONS = (8, 4, 2, 1)
_MLP_RATIO = 4
# The official networks use two: this one for the norms before attention, before the MLP and after a stage, paddle's
# default of 1e-5 for the others. The difference is too small to be seen in the logits.
_EPSILON = 1e-6


def channels_last(x: Tensor) -> Tensor:
    """Returns (N, C, H, W) as (N, H, W, C)."""
    return x.transpose([0, 2, 3, 1])


def channels_first(x: Tensor) -> Tensor:
    """Returns (N, H, W, C) as (N, C, H, W)."""
    return x.transpose([0, 3, 1, 2])


def _linear(in_features: int, out_features: int) -> nn.Linear:
    return nn.Linear(in_features, out_features, weight_attr=nn.initializer.TruncatedNormal(std=0.02))


def _conv(
    in_channels: int, out_channels: int, kernel: int, stride: int = 1, padding: int = 0, groups: int = 1
) -> nn.Conv2D:
    return nn.Conv2D(
        in_channels,
        out_channels,
        kernel,
        stride=stride,
        padding=padding,
        groups=groups,
        weight_attr=fan_out_normal(kernel, out_channels, groups),
    )


class _PatchEmbed(nn.Layer):
    """Overlapping patches: a strided convolution. Takes (N, C, H, W), returns (N, h, w, D)."""

    def __init__(self, in_channels: int, channels: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.proj = _conv(in_channels, channels, kernel, stride, kernel // 2)
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(channels_last(self.proj(x)))


class _Attention(nn.Layer):
    """Self-attention whose keys and values come from a map reduced along both axes (section 3.1)."""

    def __init__(self, channels: int, heads: int, reduction: int) -> None:
        super().__init__()
        self._heads, self._head_channels = heads, channels // heads
        self.q = _linear(channels, channels)
        self.kv = _linear(channels, 2 * channels)
        self.proj = _linear(channels, channels)
        self.sr = None
        if reduction > 1:
            self.sr = _conv(channels, channels, reduction, reduction)
            self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        reduced = x if self.sr is None else self.norm(channels_last(self.sr(channels_first(x))))
        keys, values = (self._by_head(part) for part in paddle.chunk(self.kv(reduced), 2, axis=-1))
        # Scaling the queries instead of the scores is the same and touches far fewer numbers.
        queries = self._by_head(self.q(x)) * self._head_channels**-0.5
        shares = F.softmax(paddle.matmul(queries, keys, transpose_y=True), axis=-1)
        mixed = paddle.matmul(shares, values).transpose([0, 2, 1, 3])
        return self.proj(mixed.reshape(x.shape if paddle.in_dynamic_mode() else paddle.shape(x)))

    def _by_head(self, x: Tensor) -> Tensor:
        """(N, H, W, C) to (N, heads, H * W, C / heads)."""
        return x.reshape([0, -1, self._heads, self._head_channels]).transpose([0, 2, 1, 3])


class _MixFFN(nn.Layer):
    """The MLP of a block. Its depth-wise convolution is what tells it the place of a pixel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = _MLP_RATIO * channels
        self.fc1 = _linear(channels, hidden)
        self.dwconv = nn.Sequential(("dwconv", _conv(hidden, hidden, 3, padding=1, groups=hidden)))
        self.fc2 = _linear(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        x = channels_last(self.dwconv(channels_first(self.fc1(x))))
        return self.fc2(F.gelu(x))


class _Block(nn.Layer):
    def __init__(self, channels: int, heads: int, reduction: int, drop_path: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(channels, epsilon=_EPSILON)
        self.attn = _Attention(channels, heads, reduction)
        self.drop_path = DropPath(drop_path)
        self.norm2 = nn.LayerNorm(channels, epsilon=_EPSILON)
        self.mlp = _MixFFN(channels)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.drop_path(self.attn(self.norm1(x)))
        return x + self.drop_path(self.mlp(self.norm2(x)))


class MixTransformer(nn.Layer):
    """The encoder.

    Args:
        in_channels: Channels of the input picture.
        widths: Channels of the four stages, multiples of 1, 2, 5 and 8 heads.
        depths: Blocks of the four stages.
        drop_path: Largest drop-path rate; it grows evenly from 0 at the first block to this at the last.
    """

    def __init__(self, in_channels: int, widths: Sequence[int], depths: Sequence[int], drop_path: float) -> None:
        super().__init__()
        for stage, width in enumerate(widths):
            kernel, stride = (7, 4) if stage == 0 else (3, 2)
            before = in_channels if stage == 0 else widths[stage - 1]
            self.add_sublayer(f"patch_embed{stage + 1}", _PatchEmbed(before, width, kernel, stride))
        last = max(1, sum(depths) - 1)
        for stage, (width, depth) in enumerate(zip(widths, depths, strict=True)):
            first = sum(depths[:stage])
            blocks = [
                _Block(width, _HEADS[stage], _REDUCTIONS[stage], drop_path * index / last)
                for index in range(first, first + depth)
            ]
            self.add_sublayer(f"block{stage + 1}", nn.Sequential(*blocks))
            self.add_sublayer(f"norm{stage + 1}", nn.LayerNorm(width, epsilon=_EPSILON))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Encodes a batch.

        Args:
            x: (N, in_channels, H, W) float32, H and W at least 32.

        Returns:
            Maps (N, h, w, C) float32 at strides 4, 8, 16 and 32.

        Raises:
            ValueError: The picture is smaller than 32x32. Exported programs do not check it.
        """
        # The size is not a number yet in a program being exported.
        if paddle.in_dynamic_mode() and min(x.shape[2:]) < MIN_SIDE:
            raise ValueError(
                f"The picture has {x.shape[2]}x{x.shape[3]} pixels (height x width). SegFormer needs at least "
                f"{MIN_SIDE}x{MIN_SIDE}: pad or enlarge it."
            )
        outputs: list[Tensor] = []
        for stage in range(1, 5):
            x = getattr(self, f"block{stage}")(getattr(self, f"patch_embed{stage}")(x))
            outputs.append(getattr(self, f"norm{stage}")(x))
            x = channels_first(outputs[-1])
        return outputs
