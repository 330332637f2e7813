"""What of a network becomes a program."""

from __future__ import annotations

from collections.abc import Sequence

import paddle
from paddle import Tensor, nn
from paddle.nn import functional as F


def inference_form(network: nn.Layer) -> nn.Layer:
    """Returns the equivalent network its family prefers for export, or the network itself."""
    build = getattr(network, "for_inference", None)
    if build is None:
        return network
    form: nn.Layer = build()
    form.eval()
    return form


class Logits(nn.Layer):
    """The main head's logits at the output stride.

    Args:
        network: Returns a list with them first.
        output_stride: Pixels of input per pixel of logits.
        multiple: An input of known size is padded to it, and the logits of the padding are cut off.
    """

    def __init__(self, network: nn.Layer, output_stride: int = 1, multiple: int = 1) -> None:
        super().__init__()
        self.network = network
        self._output_stride, self._multiple = output_stride, multiple

    def forward(self, x: Tensor) -> Tensor:
        """Returns (N, classes, h, w) float32 for (N, C, H, W) float32."""
        if self._multiple == 1:
            return self.network(x)[0]
        rows, columns = (-(-side // self._output_stride) for side in x.shape[2:])
        return self.network(_padded(x, x.shape[2:], self._multiple))[0][:, :, :rows, :columns]


class Labels(nn.Layer):
    """The best class of every pixel of the input.

    Args:
        network: Returns a list with the main head's logits first.
        multiple: The network gets its input padded to it.
    """

    def __init__(self, network: nn.Layer, multiple: int = 1) -> None:
        super().__init__()
        self.network = network
        self._multiple = multiple

    def forward(self, x: Tensor) -> Tensor:
        """Returns (N, H, W) int32 for (N, C, H, W) float32."""
        size = _size(x)
        padded = x if self._multiple == 1 else _padded(x, size, self._multiple)
        logits = F.interpolate(self.network(padded)[0], size=_size(padded), mode="bilinear", align_corners=False)
        if logits.shape[1] > 1:
            best = paddle.argmax(logits, axis=1, dtype="int32")
        else:
            best = (logits[:, 0] > 0).astype("int32")
        return best if self._multiple == 1 else best[:, : size[0], : size[1]]


def _size(x: Tensor) -> Sequence[int] | Tensor:
    # In a program being exported the size is not a number yet but a tensor of it.
    return x.shape[2:] if paddle.in_dynamic_mode() else paddle.shape(x)[2:]


def _padded(x: Tensor, size: Sequence[int] | Tensor, multiple: int) -> Tensor:
    """Pads below and to the right with zeros: the mean of what the normalization returns."""
    below, right = ((multiple - side % multiple) % multiple for side in (size[0], size[1]))
    return F.pad(x, [0, right, 0, below])
