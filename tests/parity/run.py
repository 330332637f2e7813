"""zoo's networks beside those of paddleseg 2.8.0: weights copied both ways, logits compared.

    make parity
    python tests/parity/run.py [MODEL ...]

Runs in an environment of its own (requirements.txt beside this file, and paddleseg without its dependencies). All
weights are drawn, nothing is downloaded. For every model that paddleseg has and each direction of copying, the eval
logits are compared at several sizes; zoo's, which are those of the network's own stride, are upsampled first. Ends with
1 where a name, a shape or a number differs, or where the drawn logits are too uniform to show a difference.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import io
import math
import os
import platform
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from zoo.learn.checkpoint import apply_weights
from zoo.learn.networks import build_network

# Both warn while they are imported, of a missing compiler cache and of paddleseg's own syntax.
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import paddle
    from paddle import nn
    from paddle.nn import functional as F
    from paddleseg import models as official

#: (batch, height, width). In the last one a feature at stride 8 is wider than the largest rate of DeepLab's dilated
#: convolutions, 36; where it is not, their outer taps read padding only and a wrong rate would leave no trace.
SIZES = ((1, 128, 192), (2, 97, 65), (1, 61, 345))
LARGEST_DIFFERENCE = 1e-4
SMALLEST_AGREEMENT = 0.9999
#: Classes that must win somewhere, so that the agreement of the masks says something.
FEWEST_CLASSES = 3
TIME_LIMIT = 20 * 60


@dataclass(frozen=True, slots=True)
class Official:
    """How paddleseg's configuration of a model builds it.

    Attributes:
        build: Makes the network for 19 classes.
        gain: Variance of a convolution's output per variance of its input that keeps the logits of ordinary size.
    """

    build: Callable[[], nn.Layer]
    gain: float


def main() -> int:
    """Compares the models and prints a line for each and direction."""
    parser = argparse.ArgumentParser(description="compares zoo's networks with those of paddleseg 2.8.0")
    parser.add_argument("models", nargs="*", metavar="MODEL", help="only these (default: all that paddleseg has)")
    names = parser.parse_args().models or list(OFFICIAL)
    if unknown := [name for name in names if name not in OFFICIAL]:
        parser.error(f"paddleseg has no {', '.join(unknown)}; it has {', '.join(OFFICIAL)}")
    # paddle compares the arguments of a call with those of torch, on both sides.
    warnings.filterwarnings("ignore", message=r"\s*Non compatible API")
    faulthandler.dump_traceback_later(TIME_LIMIT, exit=True)
    versions = ", ".join(f"{name} {version(name)}" for name in ("paddleseg", "paddlepaddle", "numpy", "zoo-core"))
    print(f"{versions}; Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print(f"bounds: difference / std {LARGEST_DIFFERENCE:g}, equal classes {SMALLEST_AGREEMENT}")
    print("a cell: largest difference of the logits / their std, share of pixels with the same class\n")
    sizes = "".join(f"{f'{batch}x{height}x{width}':<20}" for batch, height, width in SIZES)
    print(f"{'model':<21}{'weights copied':<17}{sizes}{'std':>7}  classes  seconds", flush=True)
    began, faults = time.perf_counter(), 0
    for name in names:
        index = list(OFFICIAL).index(name)  # a model's numbers do not depend on which others are asked for
        for direction in (official_to_zoo, zoo_to_official):
            faults += not compare(name, direction, seed=2 * index + (direction is zoo_to_official))
    print(
        f"\n{2 * len(names)} comparisons of {len(names)} models, {faults} failed; {time.perf_counter() - began:.0f} s"
    )
    if any("seaformer" in name.lower() for name in dir(official)):
        print("paddleseg has a SeaFormer after all: add it to this suite")
        return 1
    print("SeaFormer is not in paddleseg 2.8.0, so its four models are not compared here.")
    return 1 if faults else 0


def compare(name: str, direction: Callable[[str, int], tuple[nn.Layer, nn.Layer]], seed: int) -> bool:
    """Compares one model in one direction, prints the line and returns whether it kept the bounds."""
    began = time.perf_counter()
    title = f"{name:<21}{direction.__name__.replace('_', ' '):<17}"
    try:
        # paddleseg prints a line for every backbone without pretrained weights.
        with contextlib.redirect_stdout(io.StringIO()):
            theirs, ours = direction(name, seed)
    except Exception as error:
        print(f"{title}FAILED: {str(error).splitlines()[0]}", flush=True)
        return False
    rng = np.random.default_rng(1000 + seed)
    theirs.eval()
    ours.eval()
    cells, classes, std, kept = "", set[int](), 0.0, True
    for shape in SIZES:
        x = paddle.to_tensor(rng.standard_normal((shape[0], 3, *shape[1:])).astype(np.float32))
        with paddle.no_grad():
            expected = theirs(x)[0].numpy()
            low = ours(x)[0]
            found = F.interpolate(low, size=x.shape[2:], mode="bilinear", align_corners=False).numpy()
        if expected.shape != found.shape:
            print(f"{title}FAILED: shape {list(found.shape)} instead of {list(expected.shape)}", flush=True)
            return False
        std = float(expected.std())
        difference = float(np.abs(expected - found).max()) / std
        agreement = float((expected.argmax(1) == found.argmax(1)).mean())
        classes |= set(np.unique(expected.argmax(1)).tolist())
        cells += f"{f'{difference:.1e}  {agreement:.6f}':<20}"
        # Asked this way round, a NaN fails.
        kept = kept and difference <= LARGEST_DIFFERENCE and agreement >= SMALLEST_AGREEMENT
    kept = kept and len(classes) >= FEWEST_CLASSES
    seconds = time.perf_counter() - began
    print(f"{title}{cells}{std:7.2f}  {len(classes):>7}  {seconds:7.1f}{'' if kept else '  FAILED'}", flush=True)
    return kept


def official_to_zoo(name: str, seed: int) -> tuple[nn.Layer, nn.Layer]:
    """Returns both networks with weights drawn for the official one and loaded by zoo."""
    theirs = OFFICIAL[name].build()
    put(theirs, draw(theirs, OFFICIAL[name].gain, seed))
    arrays = {key: value.numpy() for key, value in theirs.state_dict().items()}
    ours = build_network(name, weights=arrays)
    if list(ours.state_dict()) != list(arrays):
        raise ValueError("the names are the same, their order is not")
    return theirs, ours


def zoo_to_official(name: str, seed: int) -> tuple[nn.Layer, nn.Layer]:
    """Returns both networks with weights drawn for zoo's and put into the official one."""
    ours = build_network(name)
    apply_weights(ours, draw(ours, OFFICIAL[name].gain, seed))
    theirs = OFFICIAL[name].build()
    put(theirs, {key: value.numpy() for key, value in ours.state_dict().items()})
    return theirs, ours


def put(network: nn.Layer, arrays: Mapping[str, NDArray[np.float32]]) -> None:
    """Sets all weights of a network; a name or shape that does not fit is an error."""
    shapes = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    given = {key: value.shape for key, value in arrays.items()}
    if shapes != given:
        different = sorted(key for key in shapes.keys() | given.keys() if shapes.get(key) != given.get(key))
        raise ValueError(f"{len(different)} names or shapes differ, the first: {different[:3]}")
    network.set_state_dict(dict(arrays))


def draw(network: nn.Layer, gain: float, seed: int) -> dict[str, NDArray[np.float32]]:
    """Draws weights that keep the numbers of every layer of ordinary size, running statistics included."""
    rng = np.random.default_rng(seed)
    shapes = {key: tuple(value.shape) for key, value in network.state_dict().items()}
    arrays: dict[str, NDArray[np.float32]] = {}
    for key, shape in shapes.items():
        layer, _, kind = key.rpartition(".")
        of_a_norm = len(shapes.get(f"{layer}.weight", ())) == 1
        if kind == "_mean":
            values = 0.1 * rng.standard_normal(shape)
        elif kind in ("_variance", "_scale") or (kind == "weight" and of_a_norm):
            values = rng.uniform(0.8, 1.2, shape)
        elif kind == "weight":
            # Linear weights are (in, out), those of convolutions (out, in / groups, height, width).
            values = rng.standard_normal(shape) * math.sqrt(
                gain / (shape[0] if len(shape) == 2 else math.prod(shape[1:]))
            )
        elif kind == "bias":
            values = (0.05 if of_a_norm else 0.01) * rng.standard_normal(shape)
        else:
            raise ValueError(f"no rule for {key}")
        arrays[key] = values.astype(np.float32)
    return arrays


def deeplab(network: Callable[..., nn.Layer], backbone: Callable[..., nn.Layer], indices: tuple[int, ...]) -> nn.Layer:
    """Builds DeepLabV3 or V3+ as in the Cityscapes configurations at output stride 8."""
    features = backbone(output_stride=8, multi_grid=[1, 2, 4])
    return network(19, features, backbone_indices=indices, aspp_ratios=(1, 12, 24, 36), aspp_out_channels=256)


def segformer(variant: str, width: int) -> nn.Layer:
    """Builds a SegFormer with its decoder's width."""
    return official.SegFormer(19, getattr(official, f"MixVisionTransformer_{variant}")(), embedding_dim=width)


def liteseg_t() -> nn.Layer:
    """Builds PP-LiteSeg-T, which names its widths; PP-LiteSeg-B has the defaults of the class."""
    return official.PPLiteSeg(19, official.STDC1(), arm_out_chs=[32, 64, 128], seg_head_inter_chs=[32, 64, 64])


OFFICIAL = {
    "Deeplabv3-R50": Official(lambda: deeplab(official.DeepLabV3, official.ResNet50_vd, (3,)), 1.4),
    "Deeplabv3-R101": Official(lambda: deeplab(official.DeepLabV3, official.ResNet101_vd, (3,)), 1.2),
    "Deeplabv3_Plus-R50": Official(lambda: deeplab(official.DeepLabV3P, official.ResNet50_vd, (0, 3)), 1.4),
    "Deeplabv3_Plus-R101": Official(lambda: deeplab(official.DeepLabV3P, official.ResNet101_vd, (0, 3)), 1.2),
    "OCRNet_HRNet-W18": Official(lambda: official.OCRNet(19, official.HRNet_W18(), backbone_indices=[0]), 0.5),
    "OCRNet_HRNet-W48": Official(lambda: official.OCRNet(19, official.HRNet_W48(), backbone_indices=[0]), 0.5),
    "PP-LiteSeg-T": Official(liteseg_t, 2.0),
    "PP-LiteSeg-B": Official(lambda: official.PPLiteSeg(19, official.STDC2()), 2.0),
    "SegFormer-B0": Official(lambda: segformer("B0", 256), 2.0),
    "SegFormer-B1": Official(lambda: segformer("B1", 256), 2.0),
    "SegFormer-B2": Official(lambda: segformer("B2", 768), 2.0),
    "SegFormer-B3": Official(lambda: segformer("B3", 768), 2.0),
    "SegFormer-B4": Official(lambda: segformer("B4", 768), 2.0),
    "SegFormer-B5": Official(lambda: segformer("B5", 768), 2.0),
}


if __name__ == "__main__":
    sys.exit(main())
