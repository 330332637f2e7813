"""A picture that is far from those a model was trained on is told in its result."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

import zoo
from scenes import draw_scene
from support import run_python, zoo_process
from zoo.bundle.facts import Confidence
from zoo.engine.open import session_opener
from zoo.errors import BundleError
from zoo.plugin import ResizeLong
from zoo.segment.scores import mean_score, winning_scores
from zoo.segment.transforms import preprocess

SAID = r"unlike what this model was trained on: mean score 0\.\d\d, 0\.\d\d there"
DOCS = Path(__file__).resolve().parents[2] / "docs"


def streets() -> list[np.ndarray]:
    """What the starter was trained for."""
    return [np.asarray(Image.open(DOCS / "street.jpg")), *(draw_scene(number, 360, 480).image for number in range(6))]


@pytest.fixture(scope="module")
def sure(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starter, as an export that knows how sure it is of streets."""
    folder = tmp_path_factory.mktemp("sure") / "model"
    shutil.copytree(zoo.fetch("starter"), folder)
    bundle = zoo.read_bundle(folder)
    session, scores = session_opener(bundle.verify(), "cpu", "paddle")(1), list[float]()
    for image in streets():
        batch, geometry = preprocess(image, bundle.preprocess)
        [logits] = session.run(batch[np.newaxis])
        scores.append(mean_score(logits, geometry.reach(logits.shape[1:])))
    session.close()
    return with_facts(folder, Confidence.of(scores).plain())


def with_facts(folder: Path, facts: object) -> Path:
    settings = yaml.safe_load((folder / "inference.yml").read_text())
    settings["zoo"]["confidence"] = facts
    (folder / "inference.yml").write_text(yaml.safe_dump(settings))
    return folder


def negative() -> np.ndarray:
    """What no street looks like."""
    return 255 - streets()[0]


def test_a_picture_of_something_else_gets_a_note_and_a_street_none(sure: Path) -> None:
    with zoo.load(sure, threads=1) as model:
        assert [result.note for result in model.predict(streets())] == [""] * 7
        assert re.fullmatch(SAID, model.predict(negative()).one().note)
        # Over views and in windows, too.
        assert re.search(SAID, model.predict(negative(), flip=True).one().note)
        steps = tuple(step for step in model.bundle.preprocess if not isinstance(step, ResizeLong))
        model.bundle = replace(model.bundle, preprocess=steps)
        windows = {"mode": "slide", "window": (256, 256)}
        assert re.search(SAID, model.predict(negative(), **windows).one().note)
        assert not re.search(SAID, model.predict(DOCS / "street.jpg", **windows).one().note)


def test_the_note_is_on_every_surface(sure: Path, tmp_path: Path) -> None:
    file = tmp_path / "negative.png"
    Image.fromarray(negative()).save(file)
    ended = zoo_process("predict", file, "--model", sure, "--save-path", tmp_path, "--save", "json")
    assert ended.returncode == 0, ended.stderr
    assert re.search(SAID, ended.stdout + ended.stderr)
    [document] = tmp_path.glob("*.json")
    assert re.fullmatch(SAID, json.loads(document.read_text())["note"])
    chinese = run_python("zoo", "predict", file, "--model", sure, ZOO_LANG="zh")
    assert "平均分" in chinese.stdout + chinese.stderr


def test_the_bound_is_below_all_validation_pictures() -> None:
    assert [Confidence(0.9, 0.01, 0.88).is_far(score) for score in (0.77, 0.79, 0.88)] == [True, False, False]
    # A model that is surer than that has a nearer bound.
    assert [Confidence(0.99, 0.002, 0.98).is_far(score) for score in (0.96, 0.975)] == [True, False]
    # Rounding is no reason.
    assert [Confidence(1.0, 0.0, 1.0).is_far(score) for score in (0.99, 0.9999)] == [True, False]
    assert Confidence.of([0.5, 0.7]) == Confidence(0.6, 0.1, 0.5)


def test_the_mean_score_is_that_of_the_pixels() -> None:
    logits = np.random.default_rng(1).normal(0, 3, (7, 40, 60)).astype(np.float32)
    rows = np.kron(logits, np.ones((1, 2, 2), np.float32))
    assert mean_score(rows) == pytest.approx(float(winning_scores(logits, (40, 60)).mean()), abs=1e-6)
    # What lies over the padding does not count.
    padded = np.pad(logits, ((0, 0), (0, 8), (0, 4)), constant_values=90)
    padded[0] = 0
    assert mean_score(padded, (40, 60)) == pytest.approx(mean_score(padded[:, :40, :60]))
    assert mean_score(padded) != pytest.approx(mean_score(padded, (40, 60)), abs=1e-3)


@pytest.mark.parametrize("facts", [{"mean": 1.5, "deviation": 0, "lowest": 0}, {"mean": 0.5}, "high"])
def test_facts_that_are_none_are_refused(sure: Path, tmp_path: Path, facts: object) -> None:
    with pytest.raises(BundleError, match="confidence"):
        zoo.read_bundle(with_facts(shutil.copytree(sure, tmp_path / "model"), facts))
