"""Layers for every operation: what a plugin's network may be made of, at random attributes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import paddle
from paddle import nn
from paddle.nn import functional as F

_RNG = np.random.default_rng(12)
Part = Callable[..., Any]
#: Type and shape of an input; None is a side of any size.
Spec = tuple[Sequence[int | None], str]


def pick(*choices: Any) -> Any:
    return choices[int(_RNG.integers(len(choices)))]


class Several(nn.Layer):
    """Returns what each of its parts makes of the inputs."""

    def __init__(self, parts: Sequence[Part]) -> None:
        super().__init__()
        self.parts = list(parts)
        self.layers = nn.LayerList([part for part in parts if isinstance(part, nn.Layer)])

    def forward(self, x0, x1=None, x2=None):
        given = [x0] if x1 is None else [x0, x1] if x2 is None else [x0, x1, x2]
        made = []
        for part in self.parts:
            result = part(*given)
            made += list(result) if isinstance(result, (list, tuple)) else [result]
        # paddle refuses to export an input that nothing reads.
        return made + [paddle.shape(item) for item in given]


def shuffled(layer: nn.Layer) -> nn.Layer:
    """Random numbers in every parameter and statistic."""
    rng = np.random.default_rng(3)
    for name, value in layer.state_dict().items():
        low = 0.5 if "variance" in name else -0.5
        value.set_value(rng.uniform(low, low + 1, value.shape).astype(np.float32))
    layer.eval()
    return layer


def convolutions() -> list[Part]:
    made: list[Part] = []
    for groups in (1, 2, 4):
        for padding in (0, 1, [1, 2], [0, 1, 2, 1], "SAME", "VALID"):
            size, stride, dilation = [pick(1, 2, 3), pick(2, 3)], pick(1, 2, [1, 2]), pick(1, 2, [2, 1])
            made.append(nn.Conv2D(4, pick(4, 8), size, stride, padding, dilation, groups, bias_attr=pick(None, False)))
    return [shuffled(layer) for layer in made]


def transposed() -> list[Part]:
    made: list[Part] = []
    for groups in (1, 2, 4):
        for padding in (0, 1, [1, 0], [0, 1, 1, 0], "VALID"):
            stride = pick(1, 2, 3, [2, 1])
            more = 0 if stride in (1, [2, 1]) else pick(0, 1)
            made.append(nn.Conv2DTranspose(4, 8, pick(2, 3, [3, 4]), stride, padding, more, groups, pick(1, 2)))
    made.append(nn.Conv2DTranspose(4, 4, 3, 2, 1, 1, groups=4))
    return [shuffled(layer) for layer in made]


class ToSize(nn.Layer):
    """A transposed convolution to twice the size, and one more where that is odd."""

    def __init__(self) -> None:
        super().__init__()
        self.up = nn.Conv2DTranspose(4, 3, 3, stride=2, padding=1)

    def forward(self, x):
        size = paddle.shape(x)[2:]
        return self.up(x, output_size=size * 2), self.up(x, output_size=size * 2 - 1)


def pools() -> list[Part]:
    made: list[Part] = []
    for ceil in (False, True):
        for padding in (0, 1, [1, 0], [0, 1, 1, 1], "SAME", "VALID"):
            if ceil and padding == "VALID":
                continue
            size, stride = (3, 2) if ceil else (pick(2, 3, [2, 3]), pick(1, 2, [2, 1]))
            given = {"kernel_size": size, "stride": stride, "padding": padding, "ceil_mode": ceil}
            made.append(lambda x, given=given: [F.max_pool2d(x, **given), F.avg_pool2d(x, **given)])
            if padding != "SAME":
                made.append(lambda x, given=given: F.avg_pool2d(x, exclusive=False, **given))
    return [
        *made,
        lambda x: F.adaptive_avg_pool2d(x, 1),
        lambda x: F.adaptive_avg_pool2d(x, (2, 3)),
        lambda x: F.adaptive_avg_pool2d(x, 7),
        lambda x: F.avg_pool2d(x, 3, 2, 1, divisor_override=2),
    ]


def resizes() -> list[Part]:
    made: list[Part] = []
    for mode in ("nearest", "bilinear", "bicubic"):
        for corners in (False, True):
            if corners and mode == "nearest":
                continue
            for align_mode in (0, 1) if mode == "bilinear" and not corners else (0,):
                more = {"mode": mode, "align_corners": corners, "align_mode": align_mode}
                sizes = ([7, 5], [2 if mode == "bicubic" else 1, 9], [23, 31])
                givens = [{"scale_factor": scale} for scale in (2, [1.5, 0.7])] + [{"size": size} for size in sizes]
                made += [lambda x, given=given, more=more: F.interpolate(x, **given, **more) for given in givens]
                made.append(lambda x, more=more: F.interpolate(x, size=paddle.shape(x)[2:] * 2 + 1, **more))
                made.append(lambda x, more=more: F.interpolate(x, size=[paddle.shape(x)[3], 6], **more))
    return made


def activations() -> list[Part]:
    return [
        F.relu,
        F.relu6,
        F.leaky_relu,
        F.elu,
        F.selu,
        F.celu,
        F.gelu,
        F.silu,
        F.swish,
        F.mish,
        F.hardsigmoid,
        F.hardswish,
        F.hardtanh,
        F.softplus,
        F.softsign,
        F.log_sigmoid,
        F.tanhshrink,
        F.hardshrink,
        F.softshrink,
        F.thresholded_relu,
        F.sigmoid,
        F.tanh,
        lambda x: F.gelu(x, approximate=True),
        lambda x: F.leaky_relu(x, 0.3),
        lambda x: F.elu(x, 0.7),
        lambda x: F.celu(x, 1.7),
        lambda x: F.softplus(x, beta=2.0, threshold=1.5),
        lambda x: F.hardtanh(x, -0.3, 0.8),
        lambda x: F.hardsigmoid(x, 0.2, 0.4),
        lambda x: F.rrelu(x, training=False),
        lambda x: F.thresholded_relu(x, 0.4),
        lambda x: F.softmax(x, axis=1),
        lambda x: F.softmax(x),
        lambda x: F.log_softmax(x, axis=1),
        lambda x: F.maxout(x, 2),
        lambda x: F.glu(x, axis=1),
        lambda x: F.dropout(x, 0.5, training=False),
        lambda x: F.dropout(x, 0.3, training=False, mode="downscale_in_infer"),
        shuffled(nn.PReLU()),
        shuffled(nn.PReLU(4)),
    ]


class Last(nn.Layer):
    """A layer over (N, H, W, C)."""

    def __init__(self, layer: nn.Layer) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x.transpose([0, 2, 3, 1]))


class Looked(nn.Layer):
    """Rows of a table by their numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.sparing = nn.Embedding(4, 5), nn.Embedding(4, 5, padding_idx=2)

    def forward(self, x, index):
        return self.table(index), self.sparing(index)


class Attention(nn.Layer):
    """What a transformer has."""

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.several = nn.Linear(5, 7), nn.MultiHeadAttention(5, 1)

    def forward(self, x, y, z):
        return self.linear(x), self.several(x, y, y)


def norms() -> list[Part]:
    layers = [
        nn.BatchNorm2D(4),
        nn.GroupNorm(2, 4),
        nn.GroupNorm(4, 4, weight_attr=False, bias_attr=False),
        nn.InstanceNorm2D(4),
        nn.InstanceNorm2D(4, weight_attr=False, bias_attr=False),
    ]
    last = [nn.LayerNorm(4), nn.LayerNorm(4, weight_attr=False, bias_attr=False)]
    return [
        *map(shuffled, layers),
        *(Last(shuffled(layer)) for layer in last),
        lambda x: F.normalize(x, axis=1),
        lambda x: F.layer_norm(F.adaptive_avg_pool2d(x, 2), [4, 2, 2]),
    ]


def arithmetic() -> list[Part]:
    """x0 and x1 are floating-point numbers, x1 above a half."""
    return [
        lambda x, y: [x + y, x - y, x * y, x / y, x // y, x % y, y**x, x**2, y**0.5, 2**x, 1 / y, 1 - x, -x, x / 2],
        lambda x, y: [paddle.maximum(x, y), paddle.minimum(x, y), paddle.fmax(x, y), paddle.fmin(x, y)],
        lambda x, y: [paddle.abs(x), paddle.ceil(x), paddle.floor(x), paddle.sign(x), paddle.trunc(x)],
        lambda x, y: [paddle.cos(x), paddle.sin(x), paddle.tan(x), paddle.cosh(x), paddle.sinh(x), paddle.atan(x)],
        lambda x, y: [paddle.acos(paddle.tanh(x)), paddle.asin(paddle.tanh(x)), paddle.atanh(paddle.tanh(x) / 2)],
        lambda x, y: [paddle.asinh(x), paddle.acosh(y + 1), paddle.erf(x), paddle.exp(x), paddle.expm1(x)],
        lambda x, y: [paddle.log(y), paddle.log2(y), paddle.log10(y), paddle.log1p(y), paddle.sqrt(y), paddle.rsqrt(y)],
        lambda x, y: [paddle.reciprocal(y), paddle.square(x), paddle.pow(y, 1.3), paddle.add_n([x, y, x])],
        lambda x, y: [paddle.round(x), paddle.round(paddle.floor(x) + 0.5)],
        lambda x, y: [paddle.clip(x, -0.2, 0.6), paddle.clip(x, min=0.1), paddle.lerp(x, y, 0.3)],
        lambda x, y: [paddle.scale(x, 2.0, 1.0, bias_after_scale=False), paddle.scale(x, 0.5, 3.0)],
        lambda x, y: paddle.scale(x, paddle.mean(y).reshape([1])),
        lambda x, y: [x[:, :1] * y, x + y[:, :, :1, :1]],
    ]


def whole_numbers() -> list[Part]:
    """x0 and x1 are int64, x1 not 0."""
    return [
        lambda x, y: [x + y, x - y, x * y, x // y, x % y, paddle.maximum(x, y), paddle.minimum(x, y), -x, x * 3 + 1],
        lambda x, y: [x.astype("int32") // y.astype("int32"), x.astype("float32") / 2, (x > 0).astype("int64")],
        lambda x, y: [paddle.abs(x), paddle.sign(x), paddle.clip(x, -1, 2), x.astype("uint8"), x.astype("bool")],
        lambda x, y: [paddle.sum(x), paddle.max(x, axis=1), paddle.min(x, axis=1, keepdim=True), paddle.prod(y % 3)],
        lambda x, y: [paddle.equal(x, y), x != y, x < y, x <= y, x > y, x >= y, paddle.cumsum(x, axis=1)],
        lambda x, y: [x.astype("int32"), x.astype("float64"), x.astype("int8") + 100],
    ]


def logic() -> list[Part]:
    return [
        lambda x, y: [x == y, x != y, x < y, x <= y, x > y, x >= y],
        lambda x, y: [
            paddle.logical_and(x > 0, y > 0),
            paddle.logical_or(x > 0, y < 1),
            paddle.logical_xor(x > 0, y > 1),
        ],
        lambda x, y: [paddle.logical_not(x > 0), (x > 0) & (y > 1), (x > 0) | (y > 1), (x > 0) ^ (y > 1), ~(x > 0)],
        lambda x, y: [paddle.any(x > 1, axis=1), paddle.all(x > -1, axis=[2, 3], keepdim=True), paddle.all(x < 9)],
        lambda x, y: [paddle.isnan(x), paddle.isfinite(x / (y - y)), paddle.isinf(x / (y - y))],
        lambda x, y: [paddle.where(x > 0, x, y), paddle.where(x > 0, x, paddle.full_like(x, -math.inf))],
        lambda x, y: [paddle.masked_fill(x, x > 0, 0.5), paddle.equal(x > 0, y > 1)],
    ]


def reductions() -> list[Part]:
    made: list[Part] = []
    for name in ("mean", "sum", "max", "min", "prod", "amax", "amin", "logsumexp"):
        for axis in (None, 1, [2, 3], [-1]):
            for keep in (False, True):
                function = getattr(paddle, name)
                made.append(lambda x, function=function, axis=axis, keep=keep: function(x, axis=axis, keepdim=keep))
    orders = (1, 2, 3, math.inf, -math.inf)
    return [
        *made,
        *(lambda x, order=order: paddle.linalg.norm(x, p=order, axis=1) for order in orders),
        lambda x: paddle.linalg.norm(x, p=2, axis=-1, keepdim=True),
        lambda x: [x.var(axis=1), x.std(axis=[2, 3])],
        lambda x: [paddle.argmax(x, axis=1), paddle.argmax(x, axis=-1, keepdim=True, dtype="int32"), paddle.argmax(x)],
        lambda x: [paddle.argmin(x, axis=1), paddle.argmin(x, axis=2, keepdim=True)],
        lambda x: [*paddle.topk(x, 2, axis=1), *paddle.topk(x, 3, axis=1, largest=False)],
        lambda x: [paddle.argsort(x, axis=1), paddle.sort(x, axis=1, descending=True), paddle.sort(x, axis=-1)],
        lambda x: [paddle.cumsum(x, axis=1), paddle.cumsum(x, axis=-1)],
        lambda x: paddle.sum(x > 0, axis=1),
    ]


def shapes() -> list[Part]:
    return [
        lambda x: [
            paddle.shape(x),
            paddle.numel(x),
            x.reshape([0, 2, 2, -1]),
            x.flatten(1, 2),
            x.flatten(2),
            x.flatten(),
        ],
        lambda x: [
            x.transpose([0, 2, 3, 1]),
            x.unsqueeze([1, 3]),
            x.unsqueeze(-1),
            x[:, :1].squeeze(1),
            x[..., None, 0],
        ],
        lambda x: [x.mean(axis=[2, 3], keepdim=True).squeeze([2, 3]), x[:, :1].squeeze(1).unsqueeze(0)],
        lambda x: x.reshape([paddle.shape(x)[0], 4, paddle.shape(x)[2] * paddle.shape(x)[3]]),
        lambda x: [x[:, :1].expand([-1, 3, -1, -1]), x[:, :1].expand(paddle.shape(x)), x[:1, :1].expand_as(x)],
        lambda x: [x.tile([1, 2, 1, 3]), x.tile([2]), x.tile([2, 1, 1, 1, 1])],
        lambda x: [
            paddle.full_like(x, 2.5),
            paddle.full_like(x, 2, dtype="int64"),
            paddle.zeros_like(x),
            paddle.ones([2, 3]),
        ],
        lambda x: [
            paddle.full(paddle.shape(x)[2:], 0.5),
            paddle.zeros([70, 70]) + x[:1, :1, :1, :1],
            paddle.eye(3, 4) + x[0, 0, 0, 0],
        ],
        lambda x: [paddle.arange(5), paddle.arange(paddle.shape(x)[2]), paddle.arange(0.5, 3, 0.5)],
        lambda x: [
            *paddle.meshgrid(paddle.arange(paddle.shape(x)[2]), paddle.arange(3)),
            paddle.to_tensor([1.5, 2.5]) + x[0, 0, 0, 0],
        ],
        lambda x: [
            x.astype("float64"),
            x.astype("int32"),
            x.astype("bool"),
            x.astype("int64").astype("float32"),
            x.detach(),
        ],
        lambda x: [paddle.assign(x), x.clone()],
    ]


def parts() -> list[Part]:
    return [
        lambda x: [
            paddle.concat([x, x * 2, x], axis=1),
            paddle.concat([x, x], axis=-1),
            paddle.stack([x, x + 1], axis=2),
        ],
        lambda x: [x[:, 1:3], x[:, -1], x[:, :, 1:, ::2], x[0], x[:, :, :-2, 3:], x[:, ::-1], x[:, :, 5:1:-2]],
        lambda x: [*paddle.split(x, 2, axis=1), *paddle.split(x, [1, -1], axis=1), *paddle.split(x, [1, 2, 1], axis=1)],
        lambda x: [
            *paddle.chunk(x, 4, axis=1),
            *paddle.unbind(x, 1),
            *paddle.unstack(x, 1),
            *paddle.split(x, [-1, 2, 1], 3),
        ],
        lambda x: [paddle.flip(x, [2]), paddle.flip(x, [1, 3]), paddle.roll(x, 2, 3), paddle.roll(x, [1, -20], [1, 2])],
        lambda x: [paddle.roll(x, 3), paddle.strided_slice(x, [2, 3], [1, 0], [9, 9], [2, 3])],
        lambda x: x[:, :, paddle.shape(x)[2] // 2 :, : paddle.shape(x)[3] // 2],
    ]


def paddings() -> list[Part]:
    def padded(x):
        below = (8 - paddle.shape(x)[2] % 8) % 8
        return F.pad(x, [0, below, 0, below])

    return [
        lambda x: [
            F.pad(x, [1, 2, 3, 0]),
            F.pad(x, [1, 2, 3, 0], value=0.5),
            F.pad(x, [0, 0, 1, 1, 2, 0, 0, 3], value=1.5),
        ],
        lambda x: [F.pad(x, [1, 2, 3, 0], mode="reflect"), F.pad(x, [1, 2, 3, 0], mode="replicate")],
        lambda x: [F.pad(x, [1, 2, 3, 0], mode="circular"), F.pad(x, [0, 2, 0, 1], data_format="NHWC")],
        lambda x: F.pad(x.unsqueeze(2), [1, 2, 3, 0, 2, 1], mode="replicate", data_format="NCDHW"),
        padded,
    ]


def picks() -> list[Part]:
    """x0 is of floating-point numbers, x1 int64 from 0 to 3 of shape (N, H, W)."""
    return [
        lambda x, i: [paddle.gather(x, paddle.to_tensor([2, 0, 1]), axis=1), paddle.gather(x, paddle.shape(x)[:1] - 1)],
        lambda x, i: [paddle.index_select(x, paddle.to_tensor([1, 1]), axis=1), x[:, [0, 2]]],
        lambda x, i: [paddle.take_along_axis(x, i.unsqueeze(1), 1), paddle.index_sample(x[:, :, 0, 0], i[:, 0, :3])],
        lambda x, i: F.one_hot(i, 4),
        shuffled(Looked()),
        lambda x, i: [
            paddle.put_along_axis(x, i.unsqueeze(1), 0.5, 1),
            paddle.put_along_axis(x, i.unsqueeze(1), 2.0, 1, "add"),
        ],
        lambda x, i: [paddle.nonzero(i), paddle.take_along_axis(x, paddle.argmax(x, axis=1, keepdim=True), 1)],
        lambda x, i: paddle.scatter_nd_add(x, paddle.zeros([3, 2], "int64"), paddle.ones([3, 1, 1]) * x[0, :3]),
    ]


def products() -> list[Part]:
    """x0 and x1 are (N, 6, 5), x2 (N, 5, 6)."""
    return [
        lambda x, y, z: [
            paddle.matmul(x, z),
            paddle.matmul(x, y, transpose_y=True),
            paddle.matmul(x, y, transpose_x=True),
        ],
        lambda x, y, z: [
            paddle.bmm(x, z),
            paddle.matmul(x, z[0, :, 0]),
            paddle.addmm(x[0, :, :1] @ z[0, :1], x[0], z[0], 0.5, 2.0),
        ],
        lambda x, y, z: [
            paddle.einsum("bij,bkj->bik", x, y),
            paddle.einsum("bij,bij->bi", x, y),
            paddle.dot(x[0], y[0]),
        ],
        shuffled(Attention()),
        lambda x, y, z: F.scaled_dot_product_attention(x.unsqueeze(2), y.unsqueeze(2), y.unsqueeze(2)),
    ]


FLOATS: Spec = ((None, 4, None, None), "float32")
WHOLES: Spec = ((None, 4, None, None), "int64")
CASES: dict[str, tuple[Callable[[], list[Part]], list[Spec]]] = {
    "convolutions": (convolutions, [FLOATS]),
    "transposed convolutions": (lambda: [*transposed(), shuffled(ToSize())], [FLOATS]),
    "pools": (pools, [FLOATS]),
    "resizes": (resizes, [FLOATS]),
    "activations": (activations, [FLOATS]),
    "norms": (norms, [FLOATS]),
    "arithmetic": (arithmetic, [FLOATS, FLOATS]),
    "whole numbers": (whole_numbers, [WHOLES, WHOLES]),
    "logic": (logic, [FLOATS, FLOATS]),
    "reductions": (reductions, [FLOATS]),
    "shapes": (shapes, [FLOATS]),
    "parts": (parts, [FLOATS]),
    "paddings": (paddings, [FLOATS]),
    "picks": (picks, [FLOATS, ((None, None, None), "int64")]),
    "products": (products, [((None, 6, 5), "float32"), ((None, 6, 5), "float32"), ((None, 5, 6), "float32")]),
    "picks by mask of a pool": (
        lambda: [lambda x: F.max_pool2d(x, 3, 2, 1, return_mask=True), lambda x: F.adaptive_max_pool2d(x, (3, 2))],
        [FLOATS],
    ),
    "blocks": (
        lambda: [
            lambda x: F.pixel_shuffle(x, 2),
            lambda x: F.channel_shuffle(x, 2),
            lambda x: F.unfold(x, [3, 2], 2, 1),
        ],
        [FLOATS],
    ),
    "sampling": (
        lambda: [
            lambda x, g: F.grid_sample(x, g),
            lambda x, g: F.grid_sample(x, g, align_corners=False, padding_mode="border"),
        ],
        [FLOATS, ((None, 6, 5, 2), "float32")],
    ),
    "unshuffling": (lambda: [lambda x: F.pixel_unshuffle(x, 2)], [((None, 4, 6, 8), "float32")]),
    "lines": (
        lambda: [
            shuffled(nn.Conv1D(4, 6, 3, padding=1)),
            shuffled(nn.BatchNorm1D(4)),
            lambda x: F.avg_pool1d(x, 2),
            lambda x: F.interpolate(x, scale_factor=2, mode="linear", data_format="NCW"),
            shuffled(nn.Conv1DTranspose(4, 3, 3, 2)),
        ],
        [((None, 4, None), "float32")],
    ),
    "volumes": (
        lambda: [
            shuffled(nn.Conv3D(4, 6, 3, padding=1)),
            lambda x: F.avg_pool3d(x, 2),
            lambda x: F.max_pool3d(x, 2, return_mask=True),
            lambda x: F.interpolate(x, scale_factor=2, mode="trilinear", data_format="NCDHW"),
            shuffled(nn.Conv3DTranspose(4, 3, 3, 2)),
        ],
        [((None, 4, None, None, None), "float32")],
    ),
    "channels last": (
        lambda: [
            shuffled(nn.Conv2D(4, 6, 3, data_format="NHWC")),
            lambda x: F.avg_pool2d(x, 2, data_format="NHWC"),
            lambda x: F.interpolate(x, scale_factor=2, mode="bilinear", data_format="NHWC"),
            shuffled(nn.BatchNorm2D(4, data_format="NHWC")),
            shuffled(nn.GroupNorm(2, 4, data_format="NHWC")),
        ],
        [((None, None, None, 4), "float32")],
    ),
}
