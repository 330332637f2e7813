"""`~` is the home folder wherever Python gives zoo a path."""

from __future__ import annotations

import importlib
import inspect
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import paddle
import pytest
from PIL import Image

import zoo
from support import small_network
from zoo.bundle.bundle import Bundle
from zoo.contract.labels import LabelSet, distinct_palette
from zoo.contract.recipe import AdamW, CrossEntropy, PolynomialDecay, Recipe
from zoo.errors import LockMismatchError, OutputError
from zoo.learn.data import Sample, find_labels, read_list, read_mask, read_truth
from zoo.learn.export import export_bundle
from zoo.learn.training import Checkpoint, load_checkpoint, newest_checkpoint, train
from zoo.results import Predictions, Result, find_saved
from zoo.results.formats import read_labelme, to_labelme
from zoo.results.mapping import read_mapping
from zoo.store import find_bundle

SEVEN = LabelSet("seven", tuple(f"class {index}" for index in range(7)), distinct_palette(7))
RESULT = Result(np.eye(8, dtype=np.uint8), SEVEN, np.zeros((8, 8, 3), np.uint8), "a.png", "a.png", "m", "cpu", "e", {})
LOSSES = (CrossEntropy(), CrossEntropy(0.4, stride=0), CrossEntropy(0.4, stride=0))
RECIPE = Recipe(1, 1, (64, 64), AdamW(), PolynomialDecay(0.002), LOSSES)

#: Where programs find what they call.
PUBLIC = (
    "zoo",
    "zoo.learn.data",
    "zoo.learn.evaluation",
    "zoo.learn.export",
    "zoo.learn.training",
    "zoo.results",
    "zoo.results.formats",
    "zoo.store",
)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, bundle: Bundle) -> Path:
    """A home folder with one file of every kind."""
    home = tmp_path_factory.mktemp("house")
    (home / "images").mkdir()
    (home / "masks").mkdir()
    noise = np.random.default_rng(1).integers(0, 256, (72, 96, 3), np.uint8)
    Image.fromarray(noise).save(home / "images" / "a.png")
    Image.fromarray(noise[:, :, 0] % 7).save(home / "masks" / "a.png")
    Image.fromarray(noise).save(home / "a.tif")
    (home / "list.txt").write_text("images/a.png masks/a.png\n")
    (home / "names.txt").write_text("\n".join(SEVEN.names))
    (home / "truth.yaml").write_text("labels: {class 1: [5]}\n")
    (home / "mapping.yaml").write_text("labels: {one: [class 1]}\n")
    paddle.save(zoo.build_network("SeaFormer_tiny", 11).state_dict(), str(home / "x.pdparams"))
    shutil.copytree(bundle.folder, home / "model")
    return home


@pytest.fixture(autouse=True)
def at_home(house: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(house))
    monkeypatch.chdir(tmp_path)


def trained(output: str) -> Path:
    train(small_network(), [Sample(Path("~/images/a.png"), Path("~/masks/a.png"))], RECIPE, output, workers=0)
    return Path.home() / output[2:]


def checkpoint() -> str:
    trained("~/run")
    return "~/run"


def locked(use: Callable[[str], object]) -> bool:
    """Whether the lock file was found: the one in the home folder holds no model."""
    (Path.home() / "zoo.lock").write_text(json.dumps({"format": 1, "models": []}))
    with pytest.raises(LockMismatchError, match=r"zoo\.lock, which holds no model"):
        use("~/zoo.lock")
    return True


def font_used(draw: Callable[..., object]) -> bool:
    """Whether the font was looked for at home: the one there is no font."""
    (Path.home() / "a.ttf").write_text("no font")
    with pytest.raises(OutputError, match="unknown file format"):
        draw(font="~/a.ttf")
    return True


def opened(name: str | Path) -> str:
    with zoo.load(name, threads=1) as model:
        return model.name


def predicted(source: str | Path) -> tuple[int, ...]:
    with zoo.load("~/model", threads=1) as model:
        return model.predict(source).one().mask.shape


def tiff(source: str, target: str) -> bool:
    with zoo.load("~/model", threads=1) as model:
        return model.predict_tiff(source, target, window=(64, 64)).is_file()


def saved_by_pipeline(save_path: str | Path) -> bool:
    with zoo.create_pipeline(str(pipeline()), save_path=save_path, save_kinds=("mask",), threads=1) as opened:
        for _ in opened.predict("~/images/a.png"):
            pass
    return (Path.home() / "piped" / "a_mask.png").is_file()


def pipeline() -> Path:
    (Path.home() / "pipeline.yaml").write_text("zoo: 1\nmodel: ~/model\n")
    return Path("~/pipeline.yaml")


def labelme() -> str:
    (Path.home() / "a.json").write_text(json.dumps(to_labelme(RESULT)))
    return "~/a.json"


def in_home(written: Path | list[Path]) -> bool:
    paths = written if isinstance(written, list) else [written]
    return all(path.is_file() and path.is_relative_to(Path.home()) for path in paths)


def found() -> Path:
    path = find_saved("~/piped", "a.png", str(Path.home() / "images" / "a.png"), "mask")
    assert path is not None
    return path


def newest(folder: str) -> Checkpoint:
    checkpoint = newest_checkpoint(folder)
    assert checkpoint is not None
    return checkpoint


def of_file() -> Result:
    return replace(RESULT, uri=str(Path.home() / "images" / "a.png"))


def all_of() -> Predictions:
    return Predictions(iter([RESULT]))


#: What a function of zoo does with a path at home, by the function and its argument.
CASES: dict[str, Callable[[], object]] = {
    "Checkpoint.save.folder": lambda: newest(checkpoint()).save("~/again").is_relative_to(Path.home()),
    "Predictions.save.save_path": lambda: in_home(all_of().save("~/results", "coco")),
    "Predictions.save_to_img.save_path": lambda: in_home(all_of().save_to_img("~/results/")),
    "Predictions.save_to_json.save_path": lambda: in_home(all_of().save_to_json("~/results")),
    "Predicts.predict.source": lambda: predicted("~/images/a.png") == (72, 96),
    "Predicts.predict_tiff.source": lambda: tiff("~/a.tif", "out.tif"),
    "Predicts.predict_tiff.target": lambda: tiff("~/a.tif", "~/out.tif"),
    "Result.save.save_path": lambda: in_home(RESULT.save("~/results", "labelme")),
    "Result.save_to_img.save_path": lambda: in_home(RESULT.save_to_img("~/results/a.png")),
    "Result.save_to_json.save_path": lambda: in_home(RESULT.save_to_json("~/results")),
    **{
        f"Segmented.{name}.font": lambda name=name: font_used(partial(getattr(RESULT, name), legend=True))
        for name in ("color", "overlay", "plot", "show", "side")
    },
    "build_network.weights": lambda: zoo.build_network("SeaFormer_tiny", 11, weights="~/x.pdparams"),
    "create_pipeline.lock": lambda: locked(lambda lock: zoo.create_pipeline("semantic_segmentation", lock=lock)),
    "create_pipeline.pipeline": lambda: zoo.create_pipeline(pipeline(), threads=1).close() is None,
    "create_pipeline.save_path": lambda: saved_by_pipeline("~/piped"),
    "create_pipeline.save_path, a Path": lambda: saved_by_pipeline(Path("~/piped")),
    "export_bundle.folder": lambda: in_home(
        export_bundle(small_network(), "~/export", model="m", labels=SEVEN).program
    ),
    "fetch.lock": lambda: locked(lambda lock: zoo.fetch("starter", lock=lock)),
    "find_bundle.lock": lambda: locked(lambda lock: find_bundle("starter", lock=lock)),
    "find_bundle.name": lambda: find_bundle(Path("~/model")).model == "small",
    "find_labels.name": lambda: find_labels("~/names.txt").names == SEVEN.names,
    "find_saved.folder": lambda: saved_by_pipeline("~/piped") and in_home(found()),
    "load.lock": lambda: locked(lambda lock: zoo.load("starter", lock=lock)),
    "load.name": lambda: opened("~/model") == opened(Path("~/model")) == "small",
    "load_checkpoint.folder": lambda: load_checkpoint(f"{checkpoint()}/iter_0000001").iteration == 1,
    "load_checkpoint.path": lambda: len(zoo.load_checkpoint("~/x.pdparams")) > 9,
    "newest_checkpoint.folder": lambda: newest(checkpoint()).iteration == 1,
    "read_bundle.folder": lambda: zoo.read_bundle("~/model").model == "small",
    "read_labelme.path": lambda: np.array_equal(read_labelme(labelme(), SEVEN), RESULT.mask),
    "read_list.data": lambda: read_list("~/list.txt") + read_list("~/"),
    "read_list.root": lambda: read_list("~/list.txt", "~"),
    "read_mapping.mapping": lambda: read_mapping("~/mapping.yaml", SEVEN).name == "mapping",
    "read_mask.path": lambda: read_mask("~/masks/a.png").shape == (72, 96),
    "read_truth.given": lambda: read_truth("~/truth.yaml", SEVEN).name == "truth",
    "to_labelme.folder": lambda: to_labelme(of_file(), folder="~/results")["imagePath"] == "../images/a.png",
    "train.output": lambda: any(trained("~/run").iterdir()),
}


@pytest.mark.parametrize("case", list(CASES))
def test_a_path_that_begins_with_a_tilde_is_in_the_home_folder(case: str) -> None:
    assert CASES[case]()
    assert not Path("~").exists()


def test_no_public_function_that_takes_a_path_is_missing_above() -> None:
    # Of these the argument of this name is no path.
    others = {"find_saved.source", "read_mapping.source"}
    taking: set[str] = set()
    for module in map(importlib.import_module, PUBLIC):
        for value in (getattr(module, name) for name in module.__all__):
            methods = inspect.getmembers(value, inspect.isfunction) if inspect.isclass(value) else []
            functions = [value] if inspect.isfunction(value) else [f for name, f in methods if not name.startswith("_")]
            taking |= {
                f"{function.__qualname__}.{argument.name}"
                for function in functions
                for argument in inspect.signature(function).parameters.values()
                if "Path" in str(argument.annotation) or argument.name == "source"
            }
    assert "read_bundle.folder" in taking
    assert taking - others <= set(CASES)
