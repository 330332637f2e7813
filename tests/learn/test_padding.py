"""Masks lie where the picture does, also where its sides are no multiples of the network's stride."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import paddle
import pytest

import zoo
from scenes import draw_scene
from zoo.contract.labels import LabelSet
from zoo.contract.spec import Normalize, Pad
from zoo.engine.samples import smooth_noise
from zoo.learn.export import export_bundle
from zoo.registry import find_model
from zoo.segment.transforms import preprocess
from zoo.segment.upsample import upsample_argmax
from zoo_plugin_deeplabv3.network import DeepLabV3
from zoo_plugin_ocrnet.network import OCRNet
from zoo_plugin_pp_liteseg.network import PPLiteSeg
from zoo_plugin_seaformer.network import SeaFormer, Variant
from zoo_plugin_segformer.network import SegFormer

_STAGES = (((3, 1, 8, 1), (3, 2, 8, 2)), *((((3, 2, width, 2),)) for width in (16, 16, 24, 32)))

#: A network of every family, as small as its design allows, by a model whose card says its strides.
TINY: dict[str, Callable[[], Any]] = {
    "PP-LiteSeg-T": lambda: PPLiteSeg(7, 3, (1, 1, 1), (8, 16, 16), (8, 8, 8), width=8, context_channels=16),
    "Deeplabv3_Plus-R50": lambda: DeepLabV3(7, 3, blocks=(1, 1, 1, 3), plus=True),
    "OCRNet_HRNet-W18": lambda: OCRNet(7, 3, width=4, channels=16, inner=8, modules=(1, 1, 1)),
    "SegFormer-B0": lambda: SegFormer(7, 3, (8, 16, 40, 64), (1, 1, 1, 1), embedding=32),
    "SeaFormer_tiny": lambda: SeaFormer(7, 3, Variant(8, _STAGES, (1, 1), 2, (4, 8), (2, 2), (16, 24))),
}


def network_of(model: str) -> Any:
    paddle.seed(5)
    network = TINY[model]()
    network.eval()
    return network


def export(
    model: str, folder: Path, labels: LabelSet, compat: Literal["zoo", "paddlex"] = "zoo", size: Any = None
) -> Path:
    card = find_model(model).card
    return export_bundle(
        network_of(model),
        folder,
        model="tiny",
        labels=labels,
        output_stride=card.output_stride,
        network_stride=card.network_stride,
        compat=compat,
        input_size=size,
    ).folder


@pytest.fixture
def cut() -> np.ndarray:
    """A picture one row and five columns past a multiple of every stride."""
    noise = smooth_noise(np.random.default_rng(1), (1, 3, 129, 197))[0].transpose(1, 2, 0)
    return (noise * 127 + 128).clip(0, 255).astype(np.uint8)


def in_grey(picture: np.ndarray, multiple: int) -> np.ndarray:
    """The picture in the upper left corner of a grey one whose sides divide."""
    below, right = (-side % multiple for side in picture.shape[:2])
    return np.pad(picture, ((0, below), (0, right), (0, 0)), constant_values=128)


@pytest.mark.parametrize(
    "model", [name if name == "PP-LiteSeg-T" else pytest.param(name, marks=pytest.mark.full) for name in TINY]
)
def test_a_picture_and_the_same_in_grey_that_makes_its_sides_divide_have_one_mask(
    model: str, cut: np.ndarray, tmp_path: Path, seven_labels: LabelSet
) -> None:
    stride = find_model(model).card.network_stride
    with zoo.load(export(model, tmp_path / "model", seven_labels), threads=1) as opened:
        assert opened.bundle.preprocess == (Pad(stride), Normalize())
        mask, grey = opened.predict(cut).one().mask, opened.predict(in_grey(cut, stride)).one().mask
    assert len(np.unique(mask)) > 1
    assert np.array_equal(mask, grey[: mask.shape[0], : mask.shape[1]])


@pytest.mark.parametrize("compat", ["zoo", pytest.param("paddlex", marks=pytest.mark.full)])
def test_what_leaves_no_place_for_a_step_pads_inside_the_program(
    compat: Literal["zoo", "paddlex"], tmp_path: Path, seven_labels: LabelSet
) -> None:
    model, (height, width) = "PP-LiteSeg-T", (136, 200)
    stride = find_model(model).card.network_stride
    noise = smooth_noise(np.random.default_rng(1), (1, 3, height, width))[0].transpose(1, 2, 0)
    picture = (noise * 127 + 128).clip(0, 255).astype(np.uint8)
    below, right = -height % stride, -width % stride
    tensor = np.pad(preprocess(picture, (Normalize(),))[0], ((0, 0), (0, below), (0, right)))
    logits = network_of(model)(paddle.to_tensor(tensor[None]))[0].numpy()[0]
    expected = upsample_argmax(logits, tensor.shape[1:])[:height, :width]

    size = None if compat == "paddlex" else (height, width)
    with zoo.load(export(model, tmp_path / "model", seven_labels, compat, size), threads=1) as opened:
        assert not any(isinstance(step, Pad) for step in opened.bundle.preprocess)
        mask = opened.predict(picture).one().mask
    assert len(np.unique(expected)) > 1
    assert (mask == expected).mean() > 0.98


def test_a_row_past_a_multiple_of_its_stride_changes_little_in_the_masks_of_the_starter() -> None:
    with zoo.load("starter") as model:
        for seed in range(3):
            scene = draw_scene(seed, 480, 640).image
            whole = model.predict(scene[:448]).one().mask
            for rows in (449, 463):
                # 0.99 here; 0.91 to 0.92 of the network of 449 rows that are not padded.
                assert (model.predict(scene[:rows]).one().mask[:448] == whole).mean() > 0.96, (seed, rows)
