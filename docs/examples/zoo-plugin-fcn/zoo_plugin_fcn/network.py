"""The network. Imported when it is built and not before."""

from paddle import nn


class FCN(nn.Sequential):
    """Returns its logits at 1/8 of the input, in a list: training may add those of auxiliary heads."""

    def forward(self, x):
        return [super().forward(x)]


def build(name: str, num_classes: int, in_channels: int = 3) -> FCN:
    """Builds FCN-Tiny with untrained weights."""
    layers: list[nn.Layer] = []
    for inputs, outputs in [(in_channels, 16), (16, 32), (32, 64)]:
        layers += [nn.Conv2D(inputs, outputs, 3, stride=2, padding=1), nn.ReLU()]
    return FCN(*layers, nn.Conv2D(64, num_classes, 1))
