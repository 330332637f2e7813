"""HRNet-V2: branches at four resolutions that stay in parallel and keep exchanging features (arXiv 1908.07919)."""

from __future__ import annotations

from collections.abc import Sequence

import paddle
from paddle import Tensor, nn
from paddle.nn import functional as F

from zoo.nn import ConvBN, upsample_like

_BLOCKS = 4


def _halve(in_channels: int, out_channels: int, activation: bool = True) -> ConvBN:
    """A 3x3 unit of stride 2.

    Official weights are made for "same" padding, which at an even size has no zeros above and to the left. At stride 1
    the usual padding is the same thing.
    """
    return ConvBN(in_channels, out_channels, 3, 2, padding="same", activation="relu" if activation else None)


class _Bottleneck(nn.Layer):
    """Residual block of the first stage, with a 1x1 unit on the shortcut where the width changes."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        self.conv1 = ConvBN(in_channels, channels, 1)
        self.conv2 = ConvBN(channels, channels, 3)
        self.conv3 = ConvBN(channels, channels * 4, 1, activation=None)
        self.conv_down = None
        if in_channels != channels * 4:
            self.conv_down = ConvBN(in_channels, channels * 4, 1, activation=None)

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.conv_down is None else self.conv_down(x)
        return F.relu(self.conv3(self.conv2(self.conv1(x))) + shortcut)


class _BasicBlock(nn.Layer):
    """Residual block of two 3x3 units."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = ConvBN(channels, channels, 3)
        self.conv2 = ConvBN(channels, channels, 3, activation=None)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.conv2(self.conv1(x)) + x)


class _Module(nn.Layer):
    """Four residual blocks on every branch, then every branch receives the sum of all of them.

    Args:
        name: Stage and module as they stand in the parameter names, such as "st3_2".
        widths: Channels of the branches, each at half the resolution of the one before.
    """

    def __init__(self, name: str, widths: Sequence[int]) -> None:
        super().__init__()
        self._block = f"bb_{name}_branch_layer"
        self._unit = f"residual_{name}_layer"
        blocks: dict[str, nn.Layer] = {}
        units: dict[str, nn.Layer] = {}
        for i, width in enumerate(widths, 1):
            for number in range(1, _BLOCKS + 1):
                blocks[f"{self._block}_{i}_{number}"] = _BasicBlock(width)
            for j, source in enumerate(widths, 1):
                if j > i:
                    units[f"{self._unit}_{i}_{j}"] = ConvBN(source, width, 1, activation=None)
                for number in range(1, i - j + 1):
                    last = number == i - j
                    units[f"{self._unit}_{i}_{j}_{number}"] = _halve(source, width if last else source, not last)
        self.branches_func = nn.LayerDict(blocks)
        self.fuse_func = nn.LayerDict(units)

    def forward(self, branches: Sequence[Tensor]) -> list[Tensor]:
        outputs: list[Tensor] = []
        # paddle's tracer takes the start of enumerate by position only.
        for i, x in enumerate(branches, 1):
            for number in range(1, _BLOCKS + 1):
                x = self.branches_func[f"{self._block}_{i}_{number}"](x)
            outputs.append(x)
        return [self._fuse(outputs, i) for i in range(1, len(outputs) + 1)]

    def _fuse(self, branches: Sequence[Tensor], i: int) -> Tensor:
        """Brings every branch to the width and size of branch i and adds them."""
        total = branches[i - 1]
        for j, x in enumerate(branches, 1):
            if j > i:
                x = upsample_like(self.fuse_func[f"{self._unit}_{i}_{j}"](x), total)
            for number in range(1, i - j + 1):
                x = self.fuse_func[f"{self._unit}_{i}_{j}_{number}"](x)
            if j != i:
                total = total + x
        return F.relu(total)


def _stage(number: int, modules: int, widths: Sequence[int]) -> nn.Sequential:
    names = [f"st{number}_{module}" for module in range(1, modules + 1)]
    return nn.Sequential(*[(f"stage_{name}", _Module(name, widths)) for name in names])


class HRNet(nn.Layer):
    """HRNet-V2 with one output, the concatenation of its four branches.

    Args:
        in_channels: Channels of the input picture.
        width: Channels of the branch at stride 4; the others have 2, 4 and 8 times as many.
        modules: Exchanges between two, three and four branches.

    Attributes:
        channels: Channels of the output.
    """

    def __init__(self, in_channels: int, width: int, modules: Sequence[int] = (1, 4, 3)) -> None:
        super().__init__()
        widths = [width * 2**branch for branch in range(4)]
        self.channels = sum(widths)
        self.conv_layer1_1 = _halve(in_channels, 64)
        self.conv_layer1_2 = _halve(64, 64)
        self.la1 = nn.Sequential(
            *[(f"bb_layer2_{i}", _Bottleneck(64 if i == 1 else 256, 64)) for i in range(1, _BLOCKS + 1)]
        )
        self.tr1 = nn.LayerDict(
            {"transition_tr1_layer_1": ConvBN(256, width, 3), "transition_tr1_layer_2": _halve(256, widths[1])}
        )
        self.st2 = _stage(2, modules[0], widths[:2])
        self.tr2 = nn.Sequential(("transition_tr2_layer_3", _halve(widths[1], widths[2])))
        self.st3 = _stage(3, modules[1], widths[:3])
        self.tr3 = nn.Sequential(("transition_tr3_layer_4", _halve(widths[2], widths[3])))
        self.st4 = _stage(4, modules[2], widths)

    def forward(self, x: Tensor) -> Tensor:
        """Returns (N, channels, ceil(H / 4), ceil(W / 4)) float32 for (N, in_channels, H, W) float32."""
        x = self.la1(self.conv_layer1_2(self.conv_layer1_1(x)))
        branches = self.st2([transition(x) for transition in self.tr1.values()])
        branches = self.st3([*branches, self.tr2(branches[-1])])
        branches = self.st4([*branches, self.tr3(branches[-1])])
        return paddle.concat([branches[0], *[upsample_like(x, branches[0]) for x in branches[1:]]], axis=1)
