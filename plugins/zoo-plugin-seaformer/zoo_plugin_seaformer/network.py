"""SeaFormer: a mobile encoder with axial attention and a light head that gates its finest feature.

Paper: SeaFormer, arXiv 2301.13156. State-dict names and shapes are those of the official checkpoints, so an official
file loads by name and shape.
"""

from __future__ import annotations

from dataclasses import dataclass

from paddle import Tensor, nn
from paddle.nn import functional as F

from zoo.nn import ConvBN, upsample_like
from zoo_plugin_seaformer.backbone import Block, Encoder


@dataclass(frozen=True)
class Variant:
    """The numbers that tell the models apart.

    Attributes:
        stem: Channels after the first convolution.
        stages: Inverted residuals (kernel, expansion, channels, stride) of the five stages.
        depths: Transformer blocks after each of the last stages, the deepest last.
        heads: Attention heads.
        key_dims: Channels of a key in each head, for each of `depths`.
        mlp_ratios: Widening of the MLP, for each of `depths`.
        fused: Channels of the head after each of the features has been fused in.
    """

    stem: int
    stages: tuple[tuple[Block, ...], ...]
    depths: tuple[int, ...]
    heads: int
    key_dims: tuple[int, ...]
    mlp_ratios: tuple[int, ...]
    fused: tuple[int, ...]


_VARIANTS = {
    "SeaFormer_tiny": Variant(
        stem=16,
        stages=(
            ((3, 1, 16, 1), (3, 4, 16, 2), (3, 3, 16, 1)),
            ((5, 3, 32, 2), (5, 3, 32, 1)),
            ((3, 3, 64, 2), (3, 3, 64, 1)),
            ((5, 3, 128, 2),),
            ((3, 6, 160, 2),),
        ),
        depths=(2, 2),
        heads=4,
        key_dims=(16, 24),
        mlp_ratios=(2, 4),
        fused=(64, 96),
    ),
    "SeaFormer_small": Variant(
        stem=16,
        stages=(
            ((3, 1, 16, 1), (3, 4, 24, 2), (3, 3, 24, 1)),
            ((5, 3, 48, 2), (5, 3, 48, 1)),
            ((3, 3, 96, 2), (3, 3, 96, 1)),
            ((5, 4, 160, 2),),
            ((3, 6, 192, 2),),
        ),
        depths=(3, 3),
        heads=6,
        key_dims=(16, 24),
        mlp_ratios=(2, 4),
        fused=(96, 128),
    ),
    "SeaFormer_base": Variant(
        stem=16,
        stages=(
            ((3, 1, 16, 1), (3, 4, 32, 2), (3, 3, 32, 1)),
            ((5, 3, 64, 2), (5, 3, 64, 1)),
            ((3, 3, 128, 2), (3, 3, 128, 1)),
            ((5, 4, 192, 2),),
            ((3, 6, 256, 2),),
        ),
        depths=(4, 4),
        heads=8,
        key_dims=(16, 24),
        mlp_ratios=(2, 4),
        fused=(128, 160),
    ),
    "SeaFormer_large": Variant(
        stem=32,
        stages=(
            ((3, 3, 32, 1), (3, 4, 64, 2), (3, 4, 64, 1)),
            ((5, 4, 128, 2), (5, 4, 128, 1)),
            ((3, 4, 192, 2), (3, 4, 192, 1)),
            ((5, 4, 256, 2),),
            ((3, 6, 320, 2),),
        ),
        depths=(3, 3, 3),
        heads=8,
        key_dims=(16, 20, 24),
        mlp_ratios=(2, 4, 6),
        fused=(128, 160, 192),
    ),
}


def build(name: str, num_classes: int, in_channels: int = 3) -> SeaFormer:
    """Builds SeaFormer_tiny, _small, _base or _large with untrained weights."""
    return SeaFormer(num_classes, in_channels, _VARIANTS[name])


class _Fusion(nn.Layer):
    """Gates a fine feature by a deeper one."""

    def __init__(self, in_channels: int, deep_channels: int, out_channels: int) -> None:
        super().__init__()
        self.local_embedding = ConvBN(in_channels, out_channels, 1, activation=None)
        self.global_act = ConvBN(deep_channels, out_channels, 1, activation=None)

    def forward(self, x: Tensor, deep: Tensor) -> Tensor:
        gate = F.hardsigmoid(self.global_act(deep))
        return self.local_embedding(x) * upsample_like(gate, x)


class SeaFormer(nn.Layer):
    """SeaFormer with the light head.

    Args:
        num_classes: Number of output channels.
        in_channels: Channels of the input picture.
        variant: The numbers of the model.
        dropout: Share of the head's channels that training leaves out.
    """

    def __init__(self, num_classes: int, in_channels: int, variant: Variant, dropout: float = 0.1) -> None:
        super().__init__()
        self.backbone = Encoder(
            in_channels,
            variant.stem,
            variant.stages,
            variant.depths,
            variant.heads,
            variant.key_dims,
            variant.mlp_ratios,
        )
        channels = variant.fused[-1]
        self.linear_fuse = ConvBN(channels, channels, 1, groups=channels)
        self.dropout = nn.Dropout2D(dropout)
        self.cls_seg = nn.Conv2D(channels, num_classes, 1)
        self._fusions: list[nn.Layer] = []
        fine = self.backbone.channels[1]
        for index, (deep, out) in enumerate(zip(self.backbone.channels[-len(variant.fused) :], variant.fused), start=1):
            self._fusions.append(self.add_sublayer(f"fuse{index}", _Fusion(fine, deep, out)))
            fine = out

    def forward(self, x: Tensor) -> list[Tensor]:
        """Segments a batch.

        Args:
            x: (N, in_channels, H, W) float32, H and W at least 32.

        Returns:
            Logits (N, num_classes, h, w) float32 at stride 8, alone in a list, in training too. Nothing is upsampled
            to the size of the picture here.
        """
        fused, *deep = self.backbone(x)
        for fusion, feature in zip(self._fusions, deep):
            fused = fusion(fused, feature)
        return [self.cls_seg(self.dropout(self.linear_fuse(fused)))]
