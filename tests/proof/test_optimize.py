"""`zoo optimize`: engines side by side on one's own pictures, and what is taken from then on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from other_engine import Install
from PIL import Image

import zoo
from scenes import draw_scene
from support import run_python, zoo_process
from zoo.bundle.bundle import Bundle
from zoo.learn.optimize import optimize

# It takes minutes on two cores: `make test-all`.
pytestmark = pytest.mark.full


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(3):
        Image.fromarray(draw_scene(number, 60, 80).image).save(folder / f"{number}.png")
        Image.fromarray(np.zeros((60, 80), np.uint8)).save(tmp_path / f"{number}.png")
    (tmp_path / "list.txt").write_text("".join(f"pictures/{number}.png {number}.png\n" for number in range(3)))
    return folder


def test_the_fastest_with_the_right_masks_is_kept_for_the_precision_that_was_asked_for(
    install: Install, bundle: Bundle, pictures: Path
) -> None:
    install(change="if self.facts.precision == 'bf16': output = output.copy(); output[:, :, :1] = output[:, ::-1, :1]")
    words = "optimize", bundle.folder, "--images", pictures, "--precision", "float32", "--precision", "bf16", "--json"
    ended = zoo_process(*words, "--min-agreement", "0.5")
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    rows = {(row["engine"], row["precision"]): row for row in found["rows"]}
    assert set(rows) == {("paddle", "float32"), ("other", "float32"), ("other", "bf16")}
    assert rows["other", "float32"]["agreement"] == 1.0
    assert 0.5 < rows["other", "bf16"]["agreement"] < 0.999
    assert all(row["milliseconds"] > 0 and row["rate"] > 0 and row["memory"] > 1 << 20 for row in found["rows"])
    assert found["pictures"] == 3
    assert found["chosen"]["bf16"] == "other"
    with zoo.load(bundle.folder, precision="bf16", threads=1) as model:
        assert model.engine == "other 1.0, bf16"
        assert model.why.startswith("the fastest of those that zoo optimize measured on 3 pictures, ")
    with zoo.load(bundle.folder, threads=1) as model:
        assert model.engine.split()[0] == found["chosen"]["float32"]


def test_labelled_pictures_give_the_miou_of_each(install: Install, bundle: Bundle, pictures: Path) -> None:
    install(change="output[..., :2] = output[:, ::-1, :, :2]")
    ended = zoo_process("optimize", bundle.folder, "--data", pictures.parent / "list.txt")
    assert ended.returncode == 0, ended.stderr
    head, first, second = (line.split() for line in ended.stdout.splitlines())
    assert head[-2:] == ["mIoU", "ACCEPTED"]
    assert (first[0], first[-1]) == ("paddle", "chosen")
    assert (second[0], second[-2:]) == ("other", ["-", "no"])
    assert "other is not used" in ended.stderr


def test_where_no_engine_has_the_right_masks_nothing_is_kept(bundle: Bundle, pictures: Path, home: Path) -> None:
    # Of other models there may be some.
    before = set(home.rglob("*.choice.json"))
    ended = zoo_process("optimize", bundle.folder, "--images", pictures, "--precision", "bf16")
    assert ended.returncode == 1
    assert "it computes in float32 and not in bf16" in ended.stderr
    assert set(home.rglob("*.choice.json")) == before


def test_one_engine_in_one_precision_is_evaluated_and_the_figures_say_so(
    install: Install, bundle: Bundle, pictures: Path
) -> None:
    install()
    words = "evaluate", bundle.folder, "--data", pictures.parent / "list.txt", "--backend", "other", "--json"
    ended = zoo_process(*words, "--precision", "bf16")
    assert ended.returncode == 0, ended.stderr
    figures = json.loads(ended.stdout)
    assert (figures["engine"], figures["precision"]) == ("other 1.0, bf16", "bf16")
    assert figures["why"] == "asked for; 100.000% of the pixels as golden"
    refused = zoo_process(*words, "--precision", "int8")
    assert refused.returncode == 1
    assert "it computes in float32 or bf16 and not in int8" in refused.stderr.replace(
        "float32, bf16", "float32 or bf16"
    )


def test_a_bound_that_no_engine_keeps_is_kept_and_refuses_it_from_then_on(
    install: Install, bundle: Bundle, pictures: Path
) -> None:
    install(change="if self.facts.precision == 'bf16': output = output.copy(); output[:, :, :1] = output[:, ::-1, :1]")
    words = "optimize", bundle.folder, "--images", pictures, "--precision", "bf16", "--min-agreement"
    assert zoo_process(*words, "0.5").returncode == 0
    ended = zoo_process(*words, "0.9999")
    assert ended.returncode == 1
    assert "have the class that paddle 3" in ended.stderr
    for backend in ("auto", "other"):
        with pytest.raises(zoo.BackendError, match=r"at least 99\.990% were expected"):
            zoo.load(bundle.folder, precision="bf16", threads=1, backend=backend)


def test_python_takes_a_name_a_folder_or_a_bundle(bundle: Bundle, home: Path) -> None:
    for model in ("starter", bundle.folder, bundle):
        found = optimize(model, threads=1)
        assert found.chosen == {"float32": "paddle"}
    assert len(list(home.rglob("*.choice.json"))) == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"threads": 0}, "`threads` is 0; expected a whole number from 1 to 4096 or None."),
        ({"threads": -1}, "`threads` is -1;"),
        ({"device": 0}, "`device` is 0; expected text."),
        ({"least": "0.9"}, "`least` is '0.9'; expected a number from 0 to 1 or None."),
        ({"least": 1.5}, "`least` is 1.5;"),
        ({"precisions": "bf16"}, "`precisions` is 'bf16'; expected a list of values (float32, bf16 or int8)."),
        ({"precisions": ()}, "`precisions` is [];"),
        ({"precisions": ["float32", "fp16"]}, "`precisions[1]` is 'fp16'; expected float32, bf16 or int8."),
    ],
)
def test_an_argument_that_is_not_possible_is_refused(bundle: Bundle, options: dict[str, Any], said: str) -> None:
    with pytest.raises(zoo.ConfigError) as caught:
        optimize(bundle, **options)
    assert caught.value.message.startswith(said)


def test_what_was_measured_is_shown_where_it_cannot_be_kept(bundle: Bundle, pictures: Path, home: Path) -> None:
    code = """
import sys
from pathlib import Path
from zoo.errors import OutputError
from zoo.proof.chosen import Chosen
def full(self):
    raise OutputError("No space left.", "Make room.")
Chosen.keep = full
from zoo.cli import main
main()
"""
    ended = run_python(code, "optimize", bundle.folder, "--images", pictures, ZOO_HOME=str(home))
    assert ended.returncode == 1
    assert ended.stdout.startswith("ENGINE")
    assert "The choice could not be kept: No space left." in ended.stderr
