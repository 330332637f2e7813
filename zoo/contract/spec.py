"""What a plugin is made of, as frozen data.

Only the standard library is imported here: reading every card of every plugin must cost next to nothing. Sizes are
(height, width), metrics fractions of 1, times milliseconds where the field says so, sizes bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from zoo.contract.labels import LabelSet

#: Version of this contract. Families, devices and engines state it; another one is refused.
API = 1


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file or archive to download.

    Attributes:
        urls: Addresses, tried in this order.
        sha256: Hex digest, or None when the publisher gives none (then it is recorded at the first download).
        size: Exact size in bytes, or None when unknown.
    """

    urls: tuple[str, ...]
    sha256: str | None = None
    size: int | None = None


def pinned(digests: Mapping[str, tuple[str, int]], urls: tuple[str, ...]) -> Artifact:
    """Returns an artifact with the digest and size in a table that `zoo registry pin` wrote.

    Args:
        digests: (hex digest, bytes) by the first address of an artifact.
        urls: The addresses. One that is not in the table gives an artifact without a digest.
    """
    sha256, size = digests.get(urls[0], (None, None))
    return Artifact(urls, sha256, size)


@dataclass(frozen=True, slots=True)
class Embedded:
    """Model files that lie inside the plugin's own package.

    Attributes:
        package: Import name of the package.
        folder: Folder inside it, with `/` between its parts.
    """

    package: str
    folder: str


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure of merit.

    Attributes:
        name: For instance "mIoU".
        value: Fraction of 1.
        dataset: Dataset and split, such as "cityscapes val".
        inference: "whole" picture or "slide" (overlapping windows).
        source: Document the figure comes from, or the command that measured it.
        conditions: Input size, flips and whatever else the figure depends on.
        per_class: (class name, fraction) pairs, or empty.
    """

    name: str
    value: float
    dataset: str
    inference: Literal["whole", "slide"] = "whole"
    source: str = ""
    conditions: str = ""
    per_class: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Latency:
    """A published time of one inference; shown as published, never as measured here."""

    device: str
    precision: str
    milliseconds: float
    hardware: str
    source: str


@dataclass(frozen=True, slots=True)
class Resize:
    """Resizes to a fixed size.

    Attributes:
        size: (height, width).
        keep_ratio: Keep the shape: the long side fits the long side of `size`, the short side the short one, whichever
            way the picture lies.
        multiple: The result's sides are rounded up to multiples of it.
        antialias: Average over the pixels that fall together when shrinking; False samples between four pixels, as
            OpenCV does in PaddleX and PaddleSeg.
    """

    size: tuple[int, int]
    keep_ratio: bool = False
    multiple: int = 1
    antialias: bool = True


@dataclass(frozen=True, slots=True)
class ResizeShort:
    """Resizes so that the shorter side has `size` pixels."""

    size: int


@dataclass(frozen=True, slots=True)
class ResizeLong:
    """Resizes so that the longer side has `size` pixels."""

    size: int


@dataclass(frozen=True, slots=True)
class Pad:
    """Pads below and to the right to a multiple of `multiple`, with grey of `value` in 0..255."""

    multiple: int
    value: float = 127.5


@dataclass(frozen=True, slots=True)
class Normalize:
    """(x / 255 - mean) / std for every channel."""

    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    std: tuple[float, ...] = (0.5, 0.5, 0.5)


#: The values of more than 8 bits that become black and white; "auto" for those of the picture, None for all that its
#: type can hold.
ValueRange: TypeAlias = tuple[float, float] | Literal["auto"] | None

Step = Resize | ResizeShort | ResizeLong | Pad | Normalize


@dataclass(frozen=True, slots=True)
class Window:
    """How a picture is cut into overlapping windows.

    Attributes:
        size: (height, width) of a window in pixels.
        stride: (height, width) from one window to the next in pixels; at most `size`.
    """

    size: tuple[int, int]
    stride: tuple[int, int]


@dataclass(frozen=True, slots=True)
class ModelCard:
    """Everything zoo knows of one model without its weights.

    Attributes:
        name: Unique name, such as "PP-LiteSeg-T".
        summary: One sentence.
        labels: The classes it predicts.
        dataset: Dataset the weights were trained on.
        license: Licence of the weights, with any caution.
        weights: Where the inference bundle is.
        preprocess: Steps from an RGB uint8 picture to the network's input.
        output: "logits" at the output stride, or "labels".
        output_stride: Pixels of input per pixel of logits, along each axis.
        network_stride: Pixels of input per pixel of the network's coarsest features. Features of an input whose sides
            are no multiples of it lie askew, so zoo's exports pad pictures to it; folders of others keep their steps.
        metrics: The first is the headline.
        latencies: Published times.
        parameters: Number of trainable parameters, counted.
        gmac: Billions of multiply-accumulates of one 512x1024 picture (height x width) in the network's inference form,
            counted by `zoo.nn.count.count_macs` and rounded to two decimals. One size for all models, whatever they are
            trained on, so that they compare.
        listed_size: Published, rounded size of the download in bytes; None when there is none.
        pretrained: Official checkpoint for fine-tuning.
        aliases: Other names in use for the same model.
        devices: Kinds of device it is known to run on; empty for no statement.
        paper: Title and reference.
        notes: Contradictions between sources and how they were settled; other cautions.
        self_test: Folder inside the package with picture.png and the expected mask.png (single-channel class values);
            None where the plugin brings none.
        window: The published setting of sliding windows; None where the figures are those of whole pictures.
    """

    name: str
    summary: str
    labels: LabelSet
    dataset: str
    license: str
    weights: Artifact | Embedded
    preprocess: tuple[Step, ...] = (Normalize(),)
    output: Literal["labels", "logits"] = "logits"
    output_stride: int = 8
    network_stride: int = 1
    metrics: tuple[Metric, ...] = ()
    latencies: tuple[Latency, ...] = ()
    parameters: int | None = None
    gmac: float | None = None
    listed_size: int | None = None
    pretrained: Artifact | None = None
    aliases: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    paper: str = ""
    notes: tuple[str, ...] = ()
    self_test: Embedded | None = None
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class Family:
    """A family of models brought by one distribution.

    Attributes:
        name: Short name, such as "pp-liteseg".
        title: Name for people, such as "PP-LiteSeg".
        cards: The models.
        network: "pkg.mod:function" of `function(name, num_classes, in_channels) -> paddle.nn.Layer`; empty when the
            family only runs exported bundles.
        recipe: "pkg.mod:function" of `function(name) -> Recipe`; empty when it cannot be trained here.
        api: Version of the contract it was written for, `API` of that time.
    """

    name: str
    title: str
    cards: tuple[ModelCard, ...]
    network: str = ""
    recipe: str = ""
    api: int = field(kw_only=True)
