"""PP-LiteSeg: an STDC encoder, a pooled context and attention-guided fusion.

Papers: PP-LiteSeg, arXiv 2204.02681; STDC, arXiv 2104.13188. State-dict names and shapes are those of the official
checkpoints, so an official file loads by name and shape.
"""

from __future__ import annotations

from collections.abc import Sequence

import paddle
from paddle import Tensor, nn
from paddle.nn import functional as F

from zoo.nn import ConvBN, max_over_channels, pool_to_bins, upsample_like

_STDC1 = (2, 2, 2)
_STDC2 = (4, 5, 3)
_ARGUMENTS: dict[str, dict[str, tuple[int, int, int]]] = {
    "PP-LiteSeg-T": {"blocks": _STDC1, "fused_channels": (32, 64, 128), "head_channels": (32, 64, 64)},
    "PP-LiteSeg-B": {"blocks": _STDC2, "fused_channels": (64, 96, 128), "head_channels": (64, 64, 64)},
}


def build(name: str, num_classes: int, in_channels: int = 3) -> PPLiteSeg:
    """Builds PP-LiteSeg-T or PP-LiteSeg-B with untrained weights."""
    arguments = _ARGUMENTS[name]
    return PPLiteSeg(
        num_classes, in_channels, arguments["blocks"], arguments["fused_channels"], arguments["head_channels"]
    )


class _ConvX(nn.Layer):
    """Convolution, batch norm and ReLU under the names the encoder's checkpoints use."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2D(
            in_channels,
            out_channels,
            kernel,
            stride=stride,
            padding=kernel // 2,
            bias_attr=False,
            weight_attr=nn.initializer.KaimingNormal(),
        )
        self.bn = nn.BatchNorm2D(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.bn(self.conv(x)))


class _STDCBlock(nn.Layer):
    """Short-term dense concatenation: each unit halves the channels and all outputs are concatenated."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        half = out_channels // 2
        self.conv_list = nn.LayerList(
            [
                _ConvX(in_channels, half, 1),
                _ConvX(half, half // 2, 3),
                _ConvX(half // 2, half // 4, 3),
                _ConvX(half // 4, half // 4, 3),
            ]
        )
        self.avd_layer = None
        if stride == 2:
            self.avd_layer = nn.Sequential(
                nn.Conv2D(half, half, 3, stride=2, padding=1, groups=half, bias_attr=False),
                nn.BatchNorm2D(half),
            )

    def forward(self, x: Tensor) -> Tensor:
        first = self.conv_list[0](x)
        out = first
        if self.avd_layer is not None:
            out = self.avd_layer(first)
            # The shortcut pools the 1x1 convolution's output; padding does not count in the mean.
            first = F.avg_pool2d(first, 3, stride=2, padding=1, exclusive=True)
        outputs = [first]
        for unit in list(self.conv_list)[1:]:
            out = unit(out)
            outputs.append(out)
        return paddle.concat(outputs, axis=1)


class _STDCNet(nn.Layer):
    """The encoder. Returns the features at strides 8, 16 and 32."""

    def __init__(self, blocks: Sequence[int], in_channels: int, width: int) -> None:
        super().__init__()
        layers: list[nn.Layer] = [_ConvX(in_channels, width // 2, 3, 2), _ConvX(width // 2, width, 3, 2)]
        self.channels: list[int] = []
        self._ends: list[int] = []
        channels = width
        for stage, count in enumerate(blocks):
            out = width * 4 * 2**stage
            for index in range(count):
                layers.append(_STDCBlock(channels, out, 2 if index == 0 else 1))
                channels = out
            self._ends.append(len(layers) - 1)
            self.channels.append(out)
        self.features = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> list[Tensor]:
        outputs: list[Tensor] = []
        for index, layer in enumerate(self.features):
            x = layer(x)
            if index in self._ends:
                outputs.append(x)
        return outputs


class _PoolToBins(nn.Layer):
    def __init__(self, bins: int) -> None:
        super().__init__()
        self._bins = bins

    def forward(self, x: Tensor) -> Tensor:
        return pool_to_bins(x, self._bins)


class _Context(nn.Layer):
    """Simple pyramid pooling module: pooled views of the deepest feature, added."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.stages = nn.LayerList(
            [nn.Sequential(_PoolToBins(bins), ConvBN(in_channels, channels, 1, bias=True)) for bins in (1, 2, 4)]
        )
        self.conv_out = ConvBN(channels, channels, 3, bias=True)

    def forward(self, x: Tensor) -> Tensor:
        # The first view is one pixel and is added as such: oneDNN's interpolation may return garbage for a 1x1 map.
        whole, *parts = [stage(x) for stage in self.stages]
        return self.conv_out(paddle.add_n([upsample_like(part, x) for part in parts]) + whole)


class _Fusion(nn.Layer):
    """Unified attention fusion with spatial attention (PP-LiteSeg section 3.2)."""

    def __init__(self, x_channels: int, y_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv_x = ConvBN(x_channels, y_channels, 3)
        self.conv_out = ConvBN(y_channels, out_channels, 3)
        self.conv_xy_atten = nn.Sequential(ConvBN(4, 2, 3), ConvBN(2, 1, 3, activation=None))
        self._scale = self.create_parameter([1], default_initializer=nn.initializer.Constant(1.0))
        self._scale.stop_gradient = True

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        x = self.conv_x(x)
        y = upsample_like(y, x)
        maps = [
            paddle.mean(x, axis=1, keepdim=True),
            max_over_channels(x),
            paddle.mean(y, axis=1, keepdim=True),
            max_over_channels(y),
        ]
        attention = F.sigmoid(self.conv_xy_atten(paddle.concat(maps, axis=1)))
        return self.conv_out(x * attention + y * (self._scale - attention))


class _Head(nn.Layer):
    def __init__(self, channels: Sequence[int], context_channels: int, fused: Sequence[int]) -> None:
        super().__init__()
        self.cm = _Context(channels[-1], context_channels)
        y_channels = [*fused[1:], context_channels]
        self.arm_list = nn.LayerList(
            [_Fusion(x, y, out) for x, y, out in zip(channels, y_channels, fused, strict=True)]
        )

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Fuses from deep to shallow. Returns the fused features from shallow to deep."""
        y = self.cm(features[-1])
        outputs: list[Tensor] = []
        for fusion, x in zip(reversed(list(self.arm_list)), reversed(features)):
            y = fusion(x, y)
            outputs.insert(0, y)
        return outputs


class _SegHead(nn.Layer):
    def __init__(self, in_channels: int, channels: int, num_classes: int) -> None:
        super().__init__()
        self.conv = ConvBN(in_channels, channels, 3)
        self.conv_out = nn.Conv2D(channels, num_classes, 1, bias_attr=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv_out(self.conv(x))


class PPLiteSeg(nn.Layer):
    """PP-LiteSeg with an STDC encoder.

    Args:
        num_classes: Number of output channels.
        in_channels: Channels of the input picture.
        blocks: STDC blocks in each of the three stages: (2, 2, 2) is STDC1, (4, 5, 3) is STDC2.
        fused_channels: Channels after fusion at strides 8, 16 and 32.
        head_channels: Channels inside the three segmentation heads, in the same order.
        width: Channels at stride 4; the stages have 4, 8 and 16 times as many.
        context_channels: Channels of the pooled context.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        blocks: Sequence[int],
        fused_channels: Sequence[int],
        head_channels: Sequence[int],
        width: int = 64,
        context_channels: int = 128,
    ) -> None:
        super().__init__()
        self.backbone = _STDCNet(blocks, in_channels, width)
        self.ppseg_head = _Head(self.backbone.channels, context_channels, fused_channels)
        self.seg_heads = nn.LayerList(
            [_SegHead(fused, inner, num_classes) for fused, inner in zip(fused_channels, head_channels, strict=True)]
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """Segments a batch.

        Args:
            x: (N, in_channels, H, W) float32, H and W at least 32.

        Returns:
            Logits (N, num_classes, h, w) float32 at stride 8; in training also those of the auxiliary heads at
            strides 16 and 32, in this order. Nothing is upsampled here.
        """
        features = self.ppseg_head(self.backbone(x))
        if not self.training:
            return [self.seg_heads[0](features[0])]
        return [head(feature) for head, feature in zip(self.seg_heads, features)]
