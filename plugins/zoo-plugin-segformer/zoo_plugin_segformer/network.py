"""SegFormer: a hierarchical transformer (MiT) and a decoder of linear maps.

Paper: arXiv 2105.15203. State-dict names and shapes are those of the official checkpoints, so an official file loads by
name and shape.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import paddle
from paddle import Tensor, nn
from paddle.nn import functional as F

from zoo.nn import ConvBN, upsample_like
from zoo_plugin_segformer.backbone import MixTransformer, channels_first

_WIDTHS_B0 = (32, 64, 160, 256)
_WIDTHS = (64, 128, 320, 512)
_ARGUMENTS: dict[str, tuple[tuple[int, ...], tuple[int, ...], int]] = {
    "SegFormer-B0": (_WIDTHS_B0, (2, 2, 2, 2), 256),
    "SegFormer-B1": (_WIDTHS, (2, 2, 2, 2), 256),
    "SegFormer-B2": (_WIDTHS, (3, 4, 6, 3), 768),
    "SegFormer-B3": (_WIDTHS, (3, 4, 18, 3), 768),
    "SegFormer-B4": (_WIDTHS, (3, 8, 27, 3), 768),
    "SegFormer-B5": (_WIDTHS, (3, 6, 40, 3), 768),
}
# What zoo.nn.ConvBN has: paddle's default.
_BATCH_NORM_EPSILON = 1e-5


def build(name: str, num_classes: int, in_channels: int = 3) -> SegFormer:
    """Builds SegFormer-B0 to SegFormer-B5 with untrained weights."""
    widths, depths, embedding = _ARGUMENTS[name]
    return SegFormer(num_classes, in_channels, widths, depths, embedding)


def _upsample_deepest(x: Tensor, reference: Tensor) -> Tensor:
    """Does what upsample_like does, in exported programs too where x has one pixel: stride 32 of a 32x32 picture.

    There oneDNN's interpolation returns uninitialised memory (paddlepaddle 3.2.2): always where a transposition comes
    before, after a convolution only if the process did the former with the same shape. With copies of its last column
    beside it, x has at least two pixels. Upsampling both to twice the width and keeping the left half is the same,
    because interpolation continues an edge with its last pixel.
    """
    if paddle.in_dynamic_mode():
        return upsample_like(x, reference)
    height, width = paddle.shape(reference)[2:]
    both = paddle.concat([x, paddle.zeros_like(x) + x[:, :, :, -1:]], axis=3)
    return F.interpolate(both, size=[height, 2 * width], mode="bilinear", align_corners=False)[:, :, :, :width]


class SegFormer(nn.Layer):
    """SegFormer.

    Args:
        num_classes: Number of output channels.
        in_channels: Channels of the input picture.
        widths: Channels of the four stages, multiples of 1, 2, 5 and 8 heads.
        depths: Blocks of the four stages.
        embedding: Channels of the decoder.
        drop_path: Largest drop-path rate; it grows evenly from 0 at the first block to this at the last.
        dropout: Probability that a channel of the decoder is left out in training.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        widths: Sequence[int],
        depths: Sequence[int],
        embedding: int,
        drop_path: float = 0.1,
        dropout: float = 0.1,
    ) -> None:
        super().__init__()
        self.backbone = MixTransformer(in_channels, widths, depths, drop_path)
        for level in (4, 3, 2, 1):
            self.add_sublayer(f"linear_c{level}", nn.Sequential(("proj", nn.Linear(widths[level - 1], embedding))))
        self.linear_fuse = ConvBN(4 * embedding, embedding, 1)
        self.dropout = nn.Dropout2D(dropout)
        self.linear_pred = nn.Conv2D(embedding, num_classes, 1)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Segments a batch.

        Args:
            x: (N, in_channels, H, W) float32, H and W at least 32.

        Returns:
            Logits (N, num_classes, ceil(H / 4), ceil(W / 4)) float32, the only item in training too.

        Raises:
            ValueError: The picture is smaller than 32x32.
        """
        features = self.backbone(x)
        c1, c2, c3, c4 = (
            channels_first(getattr(self, f"linear_c{level}")(feature)) for level, feature in enumerate(features, 1)
        )
        maps = [_upsample_deepest(c4, c1), upsample_like(c3, c1), upsample_like(c2, c1), c1]
        return [self.linear_pred(self.dropout(self.linear_fuse(paddle.concat(maps, axis=1))))]

    def for_inference(self) -> nn.Layer:
        """Returns an equivalent network that does much less work, in eval mode.

        Its weights are a copy: later training of this one does not change it.
        """
        return _FoldedSegFormer(self)


class _FoldedSegFormer(nn.Layer):
    """SegFormer with one 1x1 convolution a stage between encoder and classifier.

    A 1x1 convolution and bilinear upsampling commute, because the upsampling treats all channels alike and its weights
    add up to 1. So each stage's linear map, its slice of the fusing convolution and the scale of the batch norm are one
    matrix, applied at the stage's own size; the upsampled maps are then added instead of concatenated.
    """

    def __init__(self, network: SegFormer) -> None:
        super().__init__()
        self.backbone = copy.deepcopy(network.backbone)
        self.linear_pred = copy.deepcopy(network.linear_pred)
        # Folded in double precision, so that the only rounding is that of the results.
        decoder = {key: value for key, value in network.state_dict().items() if key.startswith("linear_")}
        state = {key: value.numpy().astype(np.float64) for key, value in decoder.items()}
        norm = "linear_fuse._batch_norm."
        scale = state[norm + "weight"] / np.sqrt(state[norm + "_variance"] + _BATCH_NORM_EPSILON)
        fuse = scale[:, None] * state["linear_fuse._conv.weight"][:, :, 0, 0]
        bias = state[norm + "bias"] - scale * state[norm + "_mean"]
        self.maps = nn.LayerList()
        for level, part in zip((1, 2, 3, 4), reversed(np.split(fuse, 4, axis=1))):
            weight = part @ state[f"linear_c{level}.proj.weight"].T
            bias = bias + part @ state[f"linear_c{level}.proj.bias"]
            conv = nn.Conv2D(weight.shape[1], weight.shape[0], 1, bias_attr=None if level == 1 else False)
            conv.weight.set_value(weight[:, :, None, None].astype(np.float32))
            self.maps.append(conv)
        self.maps[0].bias.set_value(bias.astype(np.float32))
        self.eval()

    def forward(self, x: Tensor) -> list[Tensor]:
        """Returns the logits SegFormer returns in eval mode."""
        c1, c2, c3, c4 = (conv(channels_first(feature)) for conv, feature in zip(self.maps, self.backbone(x)))
        total = c1 + upsample_like(c2, c1) + upsample_like(c3, c1) + _upsample_deepest(c4, c1)
        return [self.linear_pred(F.relu(total))]
