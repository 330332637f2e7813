"""Real small things tests are made of."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from scenes import draw_scene
from zoo.bundle.bundle import Bundle
from zoo.contract.labels import LabelSet
from zoo.contract.spec import Artifact, ModelCard
from zoo.errors import SourceError
from zoo.picture.sources import Input
from zoo.plugin import CAMVID

#: Where the newest official files of PP-LiteSeg-T are, below the publisher's host.
ARCHIVE = "/paddlex/official_inference_model/paddle3.0.0/PP-LiteSeg-T_infer.tar"
CHECKPOINT = "/paddlex/official_pretrained_model/PP-LiteSeg-T_pretrained.pdparams"


def small_network(num_classes: int = 7) -> Any:
    """A PP-LiteSeg of an eighth of the usual width whose random weights make many classes win somewhere."""
    import paddle

    from zoo_plugin_pp_liteseg.network import PPLiteSeg

    paddle.seed(3)
    return PPLiteSeg(num_classes, 3, (1, 1, 1), (16, 16, 16), (16, 16, 16), width=8, context_channels=16)


def zoo_process(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs `zoo` as a shell does, for what must hold of the whole process."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-m", "zoo", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)


def run_python(code: str, *arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs Python with zoo, without CI, which silences what reports to somebody."""
    path = os.pathsep.join([*filter(None, [variables.pop("first", "")]), *(entry for entry in sys.path if entry)])
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "ZOO_DISABLE_PLUGINS")}
    environment |= {"PYTHONPATH": path, "ZOO_OFFLINE": "1", **variables}
    command = [sys.executable, *(("-m", "zoo") if code == "zoo" else ("-c", code)), *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=240, check=False)


def install_into(
    site: Path, distribution: str, source: str, *, group: str = "zoo.models", name: str = "", requires: str = ""
) -> None:
    """Writes what pip leaves behind: a module and its dist-info folder."""
    module = distribution.replace("-", "_")
    (site / f"{module}.py").write_text(source)
    info = site / f"{module}-1.0.dist-info"
    info.mkdir()
    requirement = f"Requires-Dist: {requires}\n" if requires else ""
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n{requirement}")
    (info / "entry_points.txt").write_text(f"[{group}]\n{name or distribution} = {module}\n")


def export_small(folder: Path, labels: LabelSet, compat: Literal["zoo", "paddlex"] = "zoo") -> Bundle:
    """Exports the small network."""
    from zoo.learn.export import export_bundle

    return export_bundle(small_network(len(labels)), folder, model="small", labels=labels, compat=compat)


def stock(home: Path, card: ModelCard, folder: Path) -> Path:
    """Puts an export folder into the cache as the inference files of a model, as a download would."""
    import shutil

    from zoo.registry.records import Record, Wanted, now
    from zoo.store.manifest import FILES
    from zoo.store.store import Store

    assert isinstance(card.weights, Artifact)
    wanted, store = Wanted(card.name, "inference", card.weights), Store(home)
    store.prepare()
    scratch = store.scratch(wanted.key)
    shutil.copytree(folder, scratch / FILES)
    tree, _ = store.keep(scratch)
    store.write_record(
        Record(wanted.key, card.name, "inference", card.weights.urls[0], 1000, "ab" * 32, tree, "download", now())
    )
    return store.trees / tree / FILES


def packed(folder: Path, top: str = "PP-LiteSeg-T_infer") -> bytes:
    """Returns a tar with the files of a folder below a top folder, as official archives are."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, f"{top}/{path.name}")
    return buffer.getvalue()


#: (5, 7, 3) RGB uint8 without two equal rows or columns.
IMAGE = np.random.default_rng(3).integers(0, 256, (5, 7, 3), np.uint8)


def png(image: NDArray[np.uint8] = IMAGE) -> bytes:
    """Returns a PNG file."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def error_of(item: Input) -> SourceError:
    """Reads an input that must not be readable; the error has two lines, the fact and the fix."""
    with pytest.raises(SourceError) as caught:
        item.read()
    assert str(caught.value).count("\n") == 1
    return caught.value


def cells(batch: NDArray[np.float32]) -> NDArray[np.float32]:
    """A network in numpy: a logit is one of seven mixtures of the mean colour of its 8x8 pixels, cut or not."""
    height, width = batch.shape[2:]
    rows, columns = np.arange(0, height, 8), np.arange(0, width, 8)
    sums = np.add.reduceat(np.add.reduceat(batch, rows, axis=2), columns, axis=3)
    means = sums / np.diff(rows, append=height)[:, None] / np.diff(columns, append=width)
    weights = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32) * 6
    return np.einsum("kc,nchw->nkhw", weights, means).astype(np.float32)


def cells_onnx() -> bytes:
    """Returns `cells` as an ONNX file, written byte by byte: a mean over 8x8 pixels and a convolution of 1x1."""

    def varint(value: int) -> bytes:
        low, rest = value & 0x7F, value >> 7
        return bytes([low | 0x80]) + varint(rest) if rest else bytes([low])

    def field(number: int, value: int | str | bytes | list[int]) -> bytes:
        if isinstance(value, int):
            return varint(number << 3) + varint(value)
        if isinstance(value, list):
            return b"".join(field(number, item) for item in value)
        content = value.encode() if isinstance(value, str) else value
        return varint(number << 3 | 2) + varint(len(content)) + content

    def attribute(name: str, value: int | list[int]) -> bytes:
        kind = field(20, 7 if isinstance(value, list) else 2)
        return field(5, field(1, name) + field(8 if isinstance(value, list) else 3, value) + kind)

    def node(inputs: list[str], output: str, kind: str, *attributes: bytes) -> bytes:
        named = b"".join(field(1, name) for name in inputs) + field(2, output) + field(4, kind)
        return field(1, named + b"".join(attributes))

    def value(name: str, *sides: int | str) -> bytes:
        dims = b"".join(field(1, field(1, side) if isinstance(side, int) else field(2, side)) for side in sides)
        return field(1, name) + field(2, field(1, field(1, 1) + field(2, dims)))

    weights = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32) * 6
    tensor = field(1, [7, 3, 1, 1]) + field(2, 1) + field(8, "w") + field(9, weights.astype("<f4").tobytes())
    pool = [attribute(name, sides) for name, sides in (("kernel_shape", [8, 8]), ("strides", [8, 8]))]
    graph = (
        node(["x"], "mean", "AveragePool", *pool, attribute("ceil_mode", 1))
        + node(["mean", "w"], "logits", "Conv", attribute("kernel_shape", [1, 1]))
        + field(2, "cells")
        + field(5, tensor)
        + field(11, value("x", "n", 3, "h", "w"))
        + field(12, value("logits", "n", 7, "y", "x"))
    )
    return field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 19))


def onnx_folder(folder: Path, labels: LabelSet) -> Path:
    """Writes an export folder whose program is `cells` in ONNX, which paddle cannot open."""
    import hashlib

    import yaml

    folder.mkdir()
    (folder / "cells.onnx").write_bytes(cells_onnx())
    classes = [{"name": name, "color": list(color)} for name, color in zip(labels.names, labels.palette, strict=True)]
    described = {
        "format": 1,
        "model": "cells",
        "program": "cells.onnx",
        "output": "logits",
        "output_stride": 8,
        "preprocess": [{"Normalize": {"mean": [0.5] * 3, "std": [0.5] * 3}}],
        "labels": {"name": labels.name, "ignore_index": labels.ignore_index, "classes": classes},
        "sha256": {"cells.onnx": hashlib.sha256(cells_onnx()).hexdigest()},
    }
    (folder / "inference.yml").write_text(yaml.safe_dump({"zoo": described}))
    return folder


def interpolate(values: NDArray[np.floating], size: tuple[int, int]) -> NDArray[np.float64]:
    """Every bilinearly upsampled value (C, H, W) in float64, written down from the definition."""
    full = values.astype(np.float64)
    for axis, to in zip((1, 2), size, strict=True):
        of = full.shape[axis]
        source = np.clip((np.arange(to) + 0.5) * of / to - 0.5, 0, of - 1)
        low = np.floor(source).astype(int)
        weight = (source - low)[:, None] if axis == 1 else source - low
        full = full.take(low, axis) * (1 - weight) + full.take(np.minimum(low + 1, of - 1), axis) * weight
    return full


def draw_dataset(folder: Path, count: int, height: int, width: int, train: int | None = None) -> Path:
    """Draws a dataset folder as the reference has it, with lists where it is said how many are to learn from."""
    rows: list[str] = []
    for name in ("images", "annotations"):
        (folder / name).mkdir(parents=True)
    for number in range(count):
        scene = draw_scene(number, height, width)
        Image.fromarray(scene.image).save(folder / "images" / f"{number}.jpg", quality=95)
        Image.fromarray(scene.mask).save(folder / "annotations" / f"{number}.png")
        rows.append(f"images/{number}.jpg annotations/{number}.png\n")
    if train is not None:
        (folder / "train.txt").write_text("".join(rows[:train]))
        (folder / "val.txt").write_text("".join(rows[train:]))
    (folder / "labels.txt").write_text("".join(f"{name}\n" for name in CAMVID.names))
    return folder
