"""The encoder of SeaFormer: inverted residuals and squeeze-enhanced axial attention.

Papers: SeaFormer, arXiv 2301.13156; MobileNetV2, arXiv 1801.04381. Layer names are those of the official checkpoints.
"""

from __future__ import annotations

from collections.abc import Sequence

import paddle
from paddle import Tensor, nn
from paddle.nn import functional as F

from zoo.nn import ConvBN, DropPath, fan_out_normal, upsample_like

#: An inverted residual: kernel, expansion, channels, stride.
Block = tuple[int, int, int, int]


class _InvertedResidual(nn.Layer):
    """Widen, convolve each channel by itself, narrow without an activation (arXiv 1801.04381)."""

    def __init__(self, in_channels: int, kernel: int, expansion: int, out_channels: int, stride: int) -> None:
        super().__init__()
        hidden = in_channels * expansion
        layers: list[nn.Layer] = []
        if expansion != 1:
            layers += [ConvBN(in_channels, hidden, 1, activation=None), nn.ReLU()]
        layers += [
            ConvBN(hidden, hidden, kernel, stride=stride, groups=hidden, activation=None),
            nn.ReLU(),
            ConvBN(hidden, out_channels, 1, activation=None),
        ]
        self.conv = nn.Sequential(*layers)
        self._residual = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self._residual else self.conv(x)


class _PositionEmbedding(nn.Layer):
    """A learned vector at 16 positions, resampled to as many as there are."""

    def __init__(self, channels: int, positions: int = 16) -> None:
        super().__init__()
        self.pos_embed = self.create_parameter(
            [1, channels, positions], default_initializer=nn.initializer.Normal(0.0, 1.0)
        )

    def forward(self, x: Tensor) -> Tensor:
        # Bilinear on a map of one row is linear.
        return x + upsample_like(self.pos_embed.unsqueeze(2), x)


class _AxialAttention(nn.Layer):
    """Squeeze-enhanced axial attention.

    Rows and columns are squeezed to their means and attend to each other along one axis; a depth-wise convolution over
    queries, keys and values brings the detail back.
    """

    def __init__(self, channels: int, heads: int, key_dim: int) -> None:
        super().__init__()
        keys, values = heads * key_dim, 2 * heads * key_dim
        self._heads, self._key_dim = heads, key_dim
        self._keys, self._values = keys, values
        self.to_q = ConvBN(channels, keys, 1, activation=None)
        self.to_k = ConvBN(channels, keys, 1, activation=None)
        self.to_v = ConvBN(channels, values, 1, activation=None)
        self.proj = nn.Sequential(nn.ReLU6(), ConvBN(values, channels, 1, activation=None))
        self.proj_encode_row = nn.Sequential(nn.ReLU6(), ConvBN(values, values, 1, activation=None))
        self.pos_emb_rowq = _PositionEmbedding(keys)
        self.pos_emb_rowk = _PositionEmbedding(keys)
        self.proj_encode_column = nn.Sequential(nn.ReLU6(), ConvBN(values, values, 1, activation=None))
        self.pos_emb_columnq = _PositionEmbedding(keys)
        self.pos_emb_columnk = _PositionEmbedding(keys)
        self.dwconv = ConvBN(2 * values, 2 * values, 3, groups=2 * values, activation="relu6")
        self.pwconv = ConvBN(2 * values, channels, 1, activation=None)

    def forward(self, x: Tensor) -> Tensor:
        v = self.to_v(x)
        qkv = paddle.concat([self.to_q(x), self.to_k(x), v], axis=1)
        detail = self.pwconv(self.dwconv(qkv))

        row = self._attend(qkv.mean(axis=3), self.pos_emb_rowq, self.pos_emb_rowk)
        row = self.proj_encode_row(row.reshape([0, self._values, -1, 1]))
        column = self._attend(qkv.mean(axis=2), self.pos_emb_columnq, self.pos_emb_columnk)
        column = self.proj_encode_column(column.reshape([0, self._values, 1, -1]))

        return F.hardsigmoid(self.proj(v + (row + column))) * detail

    def _attend(self, qkv: Tensor, embed_q: nn.Layer, embed_k: nn.Layer) -> Tensor:
        """Attention of several heads along the last axis. Returns (N, heads, values of a head, L)."""
        qkv = qkv.unsqueeze(2)
        q = embed_q(qkv[:, : self._keys]).reshape([0, self._heads, self._key_dim, -1])
        k = embed_k(qkv[:, self._keys : 2 * self._keys]).reshape([0, self._heads, self._key_dim, -1])
        v = qkv[:, 2 * self._keys :].reshape([0, self._heads, 2 * self._key_dim, -1])
        weights = F.softmax(paddle.matmul(q, k, transpose_x=True) * self._key_dim**-0.5, axis=-1)
        return paddle.matmul(v, weights, transpose_y=True)


class _MLP(nn.Layer):
    """Two 1x1 convolutions around a depth-wise one."""

    def __init__(self, channels: int, ratio: int) -> None:
        super().__init__()
        hidden = channels * ratio
        self.fc1 = ConvBN(channels, hidden, 1, activation=None)
        self.dwconv = nn.Conv2D(
            hidden, hidden, 3, padding=1, groups=hidden, weight_attr=fan_out_normal(3, hidden, hidden)
        )
        self.fc2 = ConvBN(hidden, channels, 1, activation=None)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.relu6(self.dwconv(self.fc1(x))))


class _TransformerBlock(nn.Layer):
    """Attention and MLP, each as a residual, without a normalisation before them."""

    def __init__(self, channels: int, heads: int, key_dim: int, ratio: int, drop_path: float) -> None:
        super().__init__()
        self.attn = _AxialAttention(channels, heads, key_dim)
        self.drop_path = DropPath(drop_path)
        self.mlp = _MLP(channels, ratio)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.drop_path(self.attn(x))
        return x + self.drop_path(self.mlp(x))


class Encoder(nn.Layer):
    """The encoder: five stages of inverted residuals, the last ones each followed by transformer blocks.

    Args:
        in_channels: Channels of the input picture.
        stem: Channels after the first convolution.
        stages: Inverted residuals of the five stages.
        depths: Transformer blocks after each of the last stages, the deepest last.
        heads: Attention heads.
        key_dims: Channels of a key in each head, one number for each of `depths`.
        mlp_ratios: Widening of the MLP, one number for each of `depths`.
        drop_path: Drop rate of the last transformer block of each stage; the rate rises evenly from 0.
    """

    def __init__(
        self,
        in_channels: int,
        stem: int,
        stages: Sequence[Sequence[Block]],
        depths: Sequence[int],
        heads: int,
        key_dims: Sequence[int],
        mlp_ratios: Sequence[int],
        drop_path: float = 0.1,
    ) -> None:
        super().__init__()
        self._stages: list[nn.Layer] = []
        channels = stem
        #: Channels after each stage.
        self.channels: list[int] = []
        for number, blocks in enumerate(stages, start=1):
            layers: list[tuple[str, nn.Layer]] = []
            if number == 1:
                first = ConvBN(in_channels, stem, 3, stride=2, activation=None)
                layers.append(("stem_block", nn.Sequential(first, nn.ReLU())))
            for index, (kernel, expansion, out_channels, stride) in enumerate(blocks, start=1):
                layer = _InvertedResidual(channels, kernel, expansion, out_channels, stride)
                layers.append((f"layer{index}", layer))
                channels = out_channels
            self._stages.append(self.add_sublayer(f"smb{number}", nn.Sequential(*layers)))
            self.channels.append(channels)

        self._transformers: list[nn.Layer | None] = [None] * (len(stages) - len(depths))
        for index, depth in enumerate(depths):
            width = self.channels[len(stages) - len(depths) + index]
            rates = [drop_path * block / max(1, depth - 1) for block in range(depth)]
            row = [_TransformerBlock(width, heads, key_dims[index], mlp_ratios[index], rate) for rate in rates]
            layer = nn.Sequential(("transformer_blocks", nn.Sequential(*row)))
            self._transformers.append(self.add_sublayer(f"trans{index + 1}", layer))

    def forward(self, x: Tensor) -> list[Tensor]:
        """Returns the features at stride 8 and after each row of transformer blocks, from shallow to deep."""
        outputs: list[Tensor] = []
        for index, stage in enumerate(self._stages):
            x = stage(x)
            transformer = self._transformers[index]
            if transformer is not None:
                x = transformer(x)
            if index == 1 or transformer is not None:
                outputs.append(x)
        return outputs
