"""What a program returns and what its settings name: one channel makes two classes, other differences are refused."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Literal

import numpy as np
import paddle
import pytest
import yaml

import zoo
from zoo.bundle.bundle import Bundle
from zoo.contract.labels import LabelSet
from zoo.contract.spec import Normalize
from zoo.learn.export import export_bundle
from zoo.segment.transforms import preprocess
from zoo.segment.upsample import upsample_argmax


def with_classes(folder: Path, target: Path, count: int) -> Path:
    """A copy of an export folder whose settings name so many classes."""
    shutil.copytree(folder, target)
    settings = yaml.safe_load((target / "inference.yml").read_text())
    classes = [{"name": f"thing {value}", "color": [value] * 3} for value in range(count)]
    settings["zoo"]["labels"]["classes"] = classes
    (target / "inference.yml").write_text(yaml.safe_dump(settings))
    return target


@pytest.mark.parametrize("count", [2, 6, 8])
def test_a_count_of_classes_that_is_not_the_programs_is_refused(
    bundle: Bundle, picture: np.ndarray, tmp_path: Path, count: int
) -> None:
    with zoo.load(with_classes(bundle.folder, tmp_path / "other", count), threads=1) as model:
        words = rf"shape \(1, 7, 15, 21\); float32 logits of shape \(1, {count}, 15, 21\) were expected"
        with pytest.raises(zoo.InferenceError, match=words):
            model.predict(picture).one()


def test_a_label_without_a_class_is_refused(paddlex_bundle: Bundle, picture: np.ndarray, tmp_path: Path) -> None:
    with (
        zoo.load(with_classes(paddlex_bundle.folder, tmp_path / "other", 2), threads=1) as model,
        pytest.raises(zoo.InferenceError, match="0 to 1 were expected, as there are 2 classes"),
    ):
        model.predict(picture).one()


class Bright(paddle.nn.Layer):
    """One logit every eight pixels: above 0 where the picture is brighter than a middle grey."""

    def __init__(self) -> None:
        super().__init__()
        self.mean = paddle.nn.Conv2D(3, 1, 8, stride=8, weight_attr=paddle.nn.initializer.Constant(0.05))

    def forward(self, x: paddle.Tensor) -> list[paddle.Tensor]:
        return [self.mean(x)]


@pytest.mark.parametrize("compat", ["zoo", "paddlex"])
def test_the_one_logit_of_a_network_tells_its_class_from_the_background(
    tmp_path: Path, picture: np.ndarray, compat: Literal["zoo", "paddlex"]
) -> None:
    network, names = Bright(), ("bright",)
    network.eval()
    [logits] = network(paddle.to_tensor(preprocess(picture, (Normalize(),))[0][None]))[0].numpy()
    expected = upsample_argmax(np.concatenate([np.zeros_like(logits), logits]), picture.shape[:2])
    assert 0.1 < expected.mean() < 0.9
    export_bundle(network, tmp_path / "model", model="b", labels=LabelSet("b", names, ((9, 9, 9),)), compat=compat)
    with zoo.load(tmp_path / "model", threads=1) as model:
        result = model.predict(picture, scores=compat == "zoo").one()
        assert (result.mask == expected).mean() > 0.999
        assert model.labels == ("background", "bright")
        if compat == "zoo":
            assert result.note == "one channel, a logit cut at 0: background and bright"
            assert result.scores is not None
            assert result.scores.min() >= 0.5
            halves = model.predict(picture, mode="slide", window=(64, 64), flip=True).one()
            assert (halves.mask == expected).mean() > 0.98
