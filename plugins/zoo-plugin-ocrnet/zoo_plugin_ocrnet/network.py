"""OCRNet: every pixel is described by the classes around it, on top of HRNet.

Papers: OCRNet, arXiv 1909.11065; HRNet, arXiv 1908.07919. State-dict names and shapes are those of the official
checkpoints, so an official file loads by name and shape.
"""

from __future__ import annotations

from collections.abc import Sequence

import paddle
from paddle import Tensor, nn
from paddle.nn import functional as F

from zoo.nn import ConvBN
from zoo_plugin_ocrnet.backbone import HRNet

_WIDTHS = {"OCRNet_HRNet-W18": 18, "OCRNet_HRNet-W48": 48}


def build(name: str, num_classes: int, in_channels: int = 3) -> OCRNet:
    """Builds OCRNet_HRNet-W18 or OCRNet_HRNet-W48 with untrained weights."""
    return OCRNet(num_classes, in_channels, width=_WIDTHS[name])


def _unit(in_channels: int, out_channels: int) -> ConvBN:
    return ConvBN(in_channels, out_channels, 1, bias=True)


def _gather(pixels: Tensor, regions: Tensor) -> Tensor:
    """Describes each class by the mean of the pixels, weighted by how much they belong to it.

    Args:
        pixels: (N, C, h, w).
        regions: (N, K, h, w) logits of K classes.

    Returns:
        (N, C, K, 1), of the shape of a picture so that 1x1 convolutions take it.
    """
    shares = F.softmax(paddle.flatten(regions, 2), axis=-1)
    return paddle.matmul(paddle.flatten(pixels, 2), shares, transpose_y=True).unsqueeze(-1)


class _Attention(nn.Layer):
    """Gives each pixel the mean of the classes' descriptions, weighted by its similarity to them."""

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self._factor = inner**-0.5
        self.f_pixel = nn.Sequential(_unit(channels, inner), _unit(inner, inner))
        self.f_object = nn.Sequential(_unit(channels, inner), _unit(inner, inner))
        self.f_down = _unit(channels, inner)
        self.f_up = _unit(inner, channels)

    def forward(self, pixels: Tensor, objects: Tensor) -> Tensor:
        query = self.f_pixel(pixels)
        keys = paddle.flatten(self.f_object(objects), 2)
        values = paddle.flatten(self.f_down(objects), 2)
        similarity = paddle.matmul(keys, paddle.flatten(query, 2), transpose_x=True) * self._factor
        context = paddle.matmul(values, F.softmax(similarity, axis=1))
        height = query.shape[2] if paddle.in_dynamic_mode() else paddle.shape(query)[2]
        return self.f_up(paddle.reshape(context, [0, 0, height, -1]))


class _Context(nn.Layer):
    def __init__(self, channels: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.attention_block = _Attention(channels, inner)
        self.conv1x1 = nn.Sequential(_unit(2 * channels, channels), nn.Dropout2D(dropout))

    def forward(self, pixels: Tensor, objects: Tensor) -> Tensor:
        return self.conv1x1(paddle.concat([self.attention_block(pixels, objects), pixels], axis=1))


class _Head(nn.Layer):
    def __init__(self, in_channels: int, channels: int, inner: int, num_classes: int, dropout: float) -> None:
        super().__init__()
        self.spatial_ocr = _Context(channels, inner, dropout)
        self.conv3x3_ocr = ConvBN(in_channels, channels, 3, bias=True)
        self.cls_head = nn.Conv2D(channels, num_classes, 1)
        self.aux_head = nn.Sequential(_unit(in_channels, in_channels), nn.Conv2D(in_channels, num_classes, 1))

    def forward(self, feature: Tensor) -> list[Tensor]:
        """Returns the logits and those of the soft regions they were made with."""
        regions = self.aux_head(feature)
        pixels = self.conv3x3_ocr(feature)
        return [self.cls_head(self.spatial_ocr(pixels, _gather(pixels, regions))), regions]


class OCRNet(nn.Layer):
    """OCRNet on HRNet-V2.

    Args:
        num_classes: Number of output channels.
        in_channels: Channels of the input picture.
        width: Channels of HRNet's branch at stride 4.
        channels: Channels of the pixels and of the descriptions of classes.
        inner: Channels in which the two are compared.
        dropout: Share of channels left out in training before the classifier.
        modules: Exchanges between two, three and four branches of HRNet.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        width: int,
        channels: int = 512,
        inner: int = 256,
        dropout: float = 0.1,
        modules: Sequence[int] = (1, 4, 3),
    ) -> None:
        super().__init__()
        self.backbone = HRNet(in_channels, width, modules)
        self.head = _Head(self.backbone.channels, channels, inner, num_classes, dropout)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Segments a batch.

        Args:
            x: (N, in_channels, H, W) float32, H and W at least 32.

        Returns:
            Logits (N, num_classes, ceil(H / 4), ceil(W / 4)) float32; in training also those of the soft regions,
            an auxiliary head of the same shape. Nothing is upsampled here.
        """
        outputs = self.head(self.backbone(x))
        return outputs if self.training else outputs[:1]
