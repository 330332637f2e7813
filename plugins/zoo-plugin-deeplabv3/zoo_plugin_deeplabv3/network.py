"""DeepLabV3 and DeepLabV3+: a dilated ResNet-vd, atrous spatial pyramid pooling and, in DeepLabV3+, a decoder.

Papers: DeepLabV3, arXiv 1706.05587; DeepLabV3+, arXiv 1802.02611; the vd form of ResNet, arXiv 1812.01187. State-dict
names and shapes are those of the official checkpoints, so an official file loads by name and shape.
"""

from __future__ import annotations

from collections.abc import Sequence

import paddle
from paddle import Tensor, nn
from paddle.nn import functional as F

from zoo.nn import ConvBN, upsample_like

_RESNET50 = (3, 4, 6, 3)
_RESNET101 = (3, 4, 23, 3)
_ARGUMENTS: dict[str, tuple[tuple[int, int, int, int], bool]] = {
    "Deeplabv3-R50": (_RESNET50, False),
    "Deeplabv3-R101": (_RESNET101, False),
    "Deeplabv3_Plus-R50": (_RESNET50, True),
    "Deeplabv3_Plus-R101": (_RESNET101, True),
}

#: Dilations of the three blocks of the last stage: 4 keeps stride 8, times the multi-grid (1, 2, 4).
_MULTI_GRID = (4, 8, 16)
#: Dilations of the 3x3 branches of the pyramid at stride 8.
_RATES = (12, 24, 36)


def build(name: str, num_classes: int, in_channels: int = 3) -> DeepLabV3:
    """Builds one of the four models with untrained weights."""
    blocks, plus = _ARGUMENTS[name]
    return DeepLabV3(num_classes, in_channels, blocks, plus)


class _Bottleneck(nn.Layer):
    """Residual block. Where a stage halves the size, the shortcut is averaged before its 1x1 convolution."""

    def __init__(self, in_channels: int, width: int, stride: int, dilation: int, first: bool) -> None:
        super().__init__()
        self._stride = stride
        self.conv0 = ConvBN(in_channels, width, 1)
        self.conv1 = ConvBN(width, width, 3, stride=stride, dilation=dilation)
        self.conv2 = ConvBN(width, 4 * width, 1, activation=None)
        self.short = ConvBN(in_channels, 4 * width, 1, activation=None) if first else None

    def forward(self, x: Tensor) -> Tensor:
        out = self.conv2(self.conv1(self.conv0(x)))
        if self._stride == 2:
            # Rounded up, as the padded 3x3 convolution rounds an odd size.
            x = F.avg_pool2d(x, 2, stride=2, ceil_mode=True)
        return F.relu(out + (x if self.short is None else self.short(x)))


class _ResNet(nn.Layer):
    """The encoder. Returns the outputs of the first and the last stage, at strides 4 and 8."""

    def __init__(self, blocks: Sequence[int], in_channels: int) -> None:
        super().__init__()
        self.conv1_1 = ConvBN(in_channels, 32, 3, stride=2)
        self.conv1_2 = ConvBN(32, 32, 3)
        self.conv1_3 = ConvBN(32, 64, 3)
        self._stages: list[list[str]] = []
        channels = 64
        for stage, count in enumerate(blocks):
            width = 64 * 2**stage
            dilations = _MULTI_GRID if stage == 3 else [2 if stage == 2 else 1] * count
            names = [f"bb_{stage}_{index}" for index in range(count)]
            for index, name in enumerate(names):
                # Official checkpoints keep every block as an attribute of the encoder itself.
                stride = 2 if stage == 1 and index == 0 else 1
                self.add_sublayer(name, _Bottleneck(channels, width, stride, dilations[index], first=index == 0))
                channels = 4 * width
            self._stages.append(names)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = F.max_pool2d(self.conv1_3(self.conv1_2(self.conv1_1(x))), 3, stride=2, padding=1)
        outputs: list[Tensor] = []
        for names in self._stages:
            for name in names:
                x = getattr(self, name)(x)
            outputs.append(x)
        return outputs[0], outputs[-1]


class _Separable(nn.Layer):
    """Depth-wise 3x3 without activation, then point-wise 1x1; the name of the second is misspelt in the checkpoints."""

    def __init__(self, in_channels: int, out_channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.depthwise_conv = ConvBN(
            in_channels, in_channels, 3, dilation=dilation, groups=in_channels, bias=True, activation=None
        )
        self.piontwise_conv = ConvBN(in_channels, out_channels, 1, bias=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.piontwise_conv(self.depthwise_conv(x))


class _GlobalMean(nn.Layer):
    def forward(self, x: Tensor) -> Tensor:
        return paddle.mean(x, axis=[2, 3], keepdim=True)


class _Pyramid(nn.Layer):
    """Atrous spatial pyramid pooling: one feature at four dilations and as a whole (1706.05587, section 3.3)."""

    def __init__(self, in_channels: int, channels: int, separable: bool) -> None:
        super().__init__()
        branches: list[nn.Layer] = [ConvBN(in_channels, channels, 1, bias=True)]
        for rate in _RATES:
            if separable:
                branches.append(_Separable(in_channels, channels, rate))
            else:
                branches.append(ConvBN(in_channels, channels, 3, dilation=rate, bias=True))
        self.aspp_blocks = nn.LayerList(branches)
        self.global_avg_pool = nn.Sequential(_GlobalMean(), ConvBN(in_channels, channels, 1))
        self.conv_bn_relu = ConvBN((len(branches) + 1) * channels, channels, 1, bias=True)
        self.dropout = nn.Dropout(0.1)

    def forward(self, x: Tensor) -> Tensor:
        outputs = [branch(x) for branch in self.aspp_blocks]
        # One value a channel: resizing it bilinearly, as the paper does, gives the same constant, but for rounding.
        # Added to zeros it spreads in every engine, without an expansion to an unknown size.
        outputs.append(self.global_avg_pool(x) + paddle.zeros_like(outputs[0]))
        return self.dropout(self.conv_bn_relu(paddle.concat(outputs, axis=1)))


class _Head(nn.Layer):
    """Classifies the pyramid's output at stride 8."""

    def __init__(self, num_classes: int, channels: int = 256) -> None:
        super().__init__()
        self.aspp = _Pyramid(2048, channels, separable=False)
        self.cls = nn.Conv2D(channels, num_classes, 1)

    def forward(self, low: Tensor, high: Tensor) -> Tensor:
        return self.cls(self.aspp(high))


class _Decoder(nn.Layer):
    """Refines the pyramid's output with the feature at stride 4 (1802.02611, section 3.1)."""

    def __init__(self, low_channels: int, channels: int, num_classes: int, reduced: int = 48) -> None:
        super().__init__()
        self.conv_bn_relu1 = ConvBN(low_channels, reduced, 1, bias=True)
        self.conv_bn_relu2 = _Separable(channels + reduced, channels)
        self.conv_bn_relu3 = _Separable(channels, channels)
        self.conv = nn.Conv2D(channels, num_classes, 1)

    def forward(self, low: Tensor, high: Tensor) -> Tensor:
        low = self.conv_bn_relu1(low)
        x = paddle.concat([upsample_like(high, low), low], axis=1)
        return self.conv(self.conv_bn_relu3(self.conv_bn_relu2(x)))


class _HeadPlus(nn.Layer):
    """Classifies at stride 4, after the decoder."""

    def __init__(self, num_classes: int, channels: int = 256) -> None:
        super().__init__()
        self.aspp = _Pyramid(2048, channels, separable=True)
        self.decoder = _Decoder(256, channels, num_classes)

    def forward(self, low: Tensor, high: Tensor) -> Tensor:
        return self.decoder(low, self.aspp(high))


class DeepLabV3(nn.Layer):
    """DeepLabV3 or DeepLabV3+ with a ResNet-vd encoder of output stride 8.

    Train with at least two pictures a batch: of one, the pyramid's image branch has a single value a channel, which
    paddle passes through batch norm unchanged (3.2.2), unlike in evaluation.

    Args:
        num_classes: Number of output channels.
        in_channels: Channels of the input picture.
        blocks: Bottlenecks in each of the four stages: (3, 4, 6, 3) is ResNet-50, (3, 4, 23, 3) is ResNet-101. The last
            stage has three always.
        plus: Whether to build DeepLabV3+: separable convolutions in the pyramid, and a decoder.
    """

    def __init__(self, num_classes: int, in_channels: int, blocks: Sequence[int], plus: bool) -> None:
        super().__init__()
        self.backbone = _ResNet(blocks, in_channels)
        self.head = _HeadPlus(num_classes) if plus else _Head(num_classes)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Segments a batch.

        Args:
            x: (N, in_channels, H, W) float32, H and W at least 32.

        Returns:
            The logits (N, num_classes, h, w) float32 at stride 8, or 4 of DeepLabV3+; there is no auxiliary head.
            Nothing is upsampled to the size of the input here.
        """
        low, high = self.backbone(x)
        return [self.head(low, high)]
