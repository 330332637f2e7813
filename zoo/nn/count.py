"""Counts the multiply-accumulates of a network by running it once.

A multiply-accumulate (MAC) is one product that is added to a sum; tables of "FLOPs" mean one or two operations by it.

What is counted is what really runs: every Python call of paddle, be it a layer, a function or an operator, goes through
the module `paddle._C_ops`, so the operations are intercepted there during the run. Hooks on layers alone would miss the
matrix products of attention, and a traced program has no shapes behind an upsampling to a size known at run time only.

A count needs shapes and no values, so of a plain convolution only one channel is computed.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import paddle
from paddle import Tensor, nn


def count_macs(network: nn.Layer, height: int, width: int, in_channels: int = 3) -> int:
    """Counts the multiply-accumulates of one eval forward of (1, in_channels, height, width).

    Convolutions, linear layers and matrix products are counted, padding included, as usual. Biases, batch norm,
    activations, softmax, pooling, interpolation and element-wise products are not.

    Not for use while other threads run networks: theirs would be counted too.

    Args:
        network: Any layer that takes such a tensor. It is left in the mode it was in.
        height: Height of the picture.
        width: Width of the picture.
        in_channels: Channels of the picture.

    Returns:
        The number of multiply-accumulates.

    Raises:
        NotImplementedError: The network multiplies by an operation that is not known here, so that the count would be
            too low.
    """
    counted: list[int] = []
    was_training = network.training
    network.eval()
    try:
        with _intercepted(counted), paddle.no_grad():
            network(paddle.zeros([1, in_channels, height, width]))
    finally:
        if was_training:
            network.train()
    return sum(counted)


def _convolution(out: Tensor, x: Tensor, weight: Tensor, *_: Any) -> int:
    return _size(out) * math.prod(weight.shape[1:])  # (out, in / groups, kernel height, kernel width)


def _transposed_convolution(out: Tensor, x: Tensor, weight: Tensor, *_: Any) -> int:
    return _size(x) * math.prod(weight.shape[1:])  # (in, out / groups, kernel height, kernel width)


def _linear(out: Tensor, x: Tensor, *_: Any) -> int:
    return _size(out) * x.shape[-1]


def _product(out: Tensor, x: Tensor, y: Tensor, transpose_x: bool = False, *_: Any, **__: Any) -> int:
    return _size(out) * x.shape[-2 if transpose_x and x.ndim > 1 else -1]


def _of_one_channel(convolution: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Returns a convolution whose output has the right shape and in every channel the values of a partial sum."""

    def run(x: Tensor, weight: Tensor, *how: Any) -> Tensor:
        *_, groups, layout = how
        if groups != 1 or layout != "NCHW":
            return convolution(x, weight, *how)
        return convolution(x[:, :1], weight[:1, :1], *how).expand([-1, weight.shape[0], -1, -1])

    return run


_COUNTED: dict[str, Callable[..., int]] = {
    "conv2d": _convolution,
    "depthwise_conv2d": _convolution,
    "conv2d_transpose": _transposed_convolution,
    "depthwise_conv2d_transpose": _transposed_convolution,
    "linear": _linear,
    "matmul": _product,
    "bmm": _product,
}
_UNKNOWN = ("addmm", "baddbmm", "conv3d", "conv3d_transpose", "deformable_conv", "einsum", "flash_attn", "mv")


def _size(tensor: Tensor) -> int:
    return math.prod(tensor.shape)


@contextmanager
def _intercepted(counted: list[int]) -> Generator[None]:
    operations = importlib.import_module("paddle._C_ops")
    replaced: list[tuple[Any, str, Any]] = []

    def replace(owner: Any, name: str, value: Any) -> None:
        replaced.append((owner, name, getattr(owner, name)))
        setattr(owner, name, value)

    def counting(operation: Callable[..., Any], macs: Callable[..., int]) -> Callable[..., Any]:
        def run(*args: Any, **kwargs: Any) -> Any:
            out = operation(*args, **kwargs)
            counted.append(macs(out, *args, **kwargs))
            return out

        return run

    def refusing(name: str) -> Callable[..., Any]:
        def refuse(*_: Any, **__: Any) -> Any:
            raise NotImplementedError(f"The multiply-accumulates of paddle's operation {name} cannot be counted.")

        return refuse

    try:
        for name, macs in _COUNTED.items():
            if hasattr(operations, name):  # which ones exist depends on the version of paddle
                operation = getattr(operations, name)
                replace(operations, name, counting(_of_one_channel(operation) if name == "conv2d" else operation, macs))
        for name in _UNKNOWN:
            if hasattr(operations, name):
                replace(operations, name, refusing(name))
        # The operator @ is the one product that does not go through the module.
        replace(paddle.Tensor, "__matmul__", paddle.matmul)
        yield
    finally:
        for owner, name, value in reversed(replaced):
            setattr(owner, name, value)
