"""`zoo evaluate MODEL DIR` on dataset folders, and all that it tells."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

import zoo
from scenes import draw_scene
from support import export_small
from zoo.bundle.bundle import Bundle
from zoo.cli.app import cli
from zoo.contract.labels import CAMVID
from zoo.learn.data import Sample, read_list
from zoo.learn.evaluation import Confusion, evaluate
from zoo.predict.model import Model

NAMES = [f"{number:02}" for number in range(12)]
SIZE = (48, 64)


def ran(*words: object) -> Result:
    return CliRunner().invoke(cli, ["evaluate", *map(str, words)])


def measured(*words: object) -> dict:
    done = ran(*words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return export_small(tmp_path_factory.mktemp("bundles") / "street", CAMVID)


@pytest.fixture(scope="module")
def model(bundle: Bundle) -> Iterator[Model]:
    with zoo.load(bundle.folder, threads=1) as model:
        yield model


@pytest.fixture(scope="module")
def data(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve pictures; the true mask of number n is the predicted one but for n columns, and 255 in four rows."""
    folder = tmp_path_factory.mktemp("data") / "streets"
    for part in ("images", "annotations"):
        (folder / part).mkdir(parents=True)
    for number, name in enumerate(NAMES):
        scene = draw_scene(number, *SIZE).image
        Image.fromarray(scene).save(folder / "images" / f"{name}.png")
        truth = model.predict(scene).one().mask.copy()
        truth[:, :number] = (truth[:, :number] + 1) % len(CAMVID)
        truth[:4] = 255
        Image.fromarray(truth).save(folder / "annotations" / f"{name}.png")
    (folder / "labels.txt").write_text("".join(f"{name}\n" for name in CAMVID.names))
    return folder


@pytest.fixture
def listed(data: Path, tmp_path: Path) -> Path:
    """The same with lists."""
    folder = tmp_path / "listed"
    folder.mkdir()
    for part in ("images", "annotations", "labels.txt"):
        (folder / part).symlink_to(data / part)
    for split, names in (("train", NAMES[:8]), ("val", NAMES[8:10]), ("test", NAMES[10:])):
        write_list(folder, split, names)
    return folder


def write_list(folder: Path, split: str, names: list[str]) -> None:
    lines = (f"images/{name}.png annotations/{name}.png\n" for name in names)
    (folder / f"{split}.txt").write_text("".join(lines))


def names_in(found: dict) -> list[str]:
    return [Path(one["image"]).stem for one in found["per_picture"]]


def test_a_dataset_folder_is_measured_split_by_split(bundle: Bundle, data: Path, listed: Path) -> None:
    assert names_in(measured(bundle.folder, listed)) == NAMES[8:10]
    assert names_in(measured(bundle.folder, listed, "--split", "test")) == NAMES[10:]
    assert names_in(measured(bundle.folder, listed, "--split", "all")) == NAMES
    # Without lists those are measured that training keeps for it.
    assert names_in(measured(bundle.folder, data)) == NAMES[::5]
    assert names_in(measured(bundle.folder, data, "--split", "all")) == NAMES
    by_list = measured(bundle.folder, "--data", listed / "val.txt")
    by_folder = measured(bundle.folder, listed)
    assert {**by_list, "data": ""} == {**by_folder, "data": ""}


def test_what_the_folder_says_of_its_masks_is_followed(
    bundle: Bundle, data: Path, listed: Path, tmp_path: Path
) -> None:
    """Masks with other values, some of the classes only, and another value that does not count."""
    expected = measured(bundle.folder, listed)
    (listed / "annotations").unlink()
    (listed / "annotations").mkdir()
    for name in NAMES:
        mask = np.asarray(Image.open(data / "annotations" / f"{name}.png"))
        Image.fromarray(np.where(mask == 255, 0, mask + 100).astype(np.uint8)).save(
            listed / "annotations" / f"{name}.png"
        )
    (listed / "labels.txt").unlink()
    classes = {name: 100 + value for value, name in enumerate(CAMVID.names)}
    (listed / "data.yaml").write_text(json.dumps({"classes": classes, "ignore": 0}))
    found = measured(bundle.folder, listed)
    for key in ("mIoU", "accuracy", "IoU", "confusion", "per_picture"):
        assert found[key] == expected[key]
    (listed / "data.yaml").write_text(json.dumps({"classes": {"sky": 100, "lava": 101}, "ignore": 0}))
    refused = ran(bundle.folder, listed)
    assert refused.exit_code == 1
    assert "has 1 classes that are none of the 11 of camvid: lava." in refused.stderr
    words = [f"{100 + value}={name}" for value, name in enumerate(CAMVID.names)]
    said = measured(bundle.folder, listed, *(part for word in words for part in ("--truth-labels", word)))
    assert said["confusion"] == expected["confusion"]


def test_faults_of_the_split_are_refused_and_those_of_others_do_not_matter(bundle: Bundle, listed: Path) -> None:
    write_list(listed, "train", ["gone"])
    (listed / "test.txt").unlink()
    assert names_in(measured(bundle.folder, listed)) == NAMES[8:10]
    refused = ran(bundle.folder, listed, "--split", "test")
    assert refused.exit_code == 1
    assert "has no pictures in its split test. It has: train (1), val (2)" in refused.stderr
    assert "--train 80 --val 10 --test 10" in refused.stderr
    write_list(listed, "val", [NAMES[8], "gone", NAMES[9]])
    refused = ran(bundle.folder, listed)
    assert refused.exit_code == 1
    assert "line 2: " in refused.stderr
    assert "zoo data check" in refused.stderr
    skipped = ran(bundle.folder, listed, "--on-error", "skip", "--json")
    assert skipped.exit_code == 3
    assert [Path(one["source"]).name for one in json.loads(skipped.stdout)["failures"]] == ["gone.png"]


@pytest.mark.parametrize(
    "words",
    [
        ("x",),
        ("x", "DIR", "--data", "y"),
        ("x", "--data", "y", "--split", "val"),
        ("x", "DIR", "--root", "y"),
        ("x", "DIR", "--report", "y", "--per-picture", "y"),
    ],
)
def test_one_source_of_pictures_is_given(words: tuple[str, ...]) -> None:
    assert ran(*words).exit_code == 2


def test_the_json_has_every_figure_and_the_table_few(bundle: Bundle, listed: Path, tmp_path: Path) -> None:
    words = (bundle.folder, listed, "--split", "all", "--boundary", "--calibration")
    found = measured(*words, "--per-picture", tmp_path / "new" / "pictures.csv")
    confusion = np.array(found["confusion"]["counts"])
    assert confusion.sum() == sum(one["pixels"] for one in found["IoU"]) == len(NAMES) * 44 * 64
    assert found["accuracy"] == pytest.approx(np.trace(confusion) / confusion.sum(), abs=1e-6)
    figures = {one["image"]: one["mIoU"] for one in found["per_picture"]}
    assert found["worst"] == sorted(figures, key=figures.__getitem__)[:10]
    assert figures[str(listed / "images" / "00.png")] == 1
    # Number n has n of 64 columns wrong.
    assert [one["accuracy"] for one in found["per_picture"]] == pytest.approx(
        [1 - number / 64 for number in range(12)], abs=1e-6
    )
    assert sum(found["histogram"]) == len(NAMES)
    assert found["histogram"][-1] >= 1
    assert sum(one["pixels"] for one in found["calibration"]) == confusion.sum()
    assert 0 < found["calibration_error"] < 1
    assert 0 < found["boundary_mIoU"] < found["mIoU"] < 1
    for entry, hits in zip(found["IoU"], np.diag(confusion), strict=True):
        assert entry["accuracy"] == (pytest.approx(hits / entry["pixels"], abs=1e-6) if entry["pixels"] else None)
    with (tmp_path / "new" / "pictures.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [Path(row["image"]).stem for row in rows] == NAMES
    assert [float(row["mIoU"]) for row in rows] == [one["mIoU"] for one in found["per_picture"]]
    table = ran(*words).stdout
    assert [len(line.split()) for line in table.splitlines()[1:12]] == [6] * 11
    assert "boundary mIoU" in table
    assert "calibration error" in table
    assert "boundary" not in ran(bundle.folder, listed).stdout


def test_the_report_is_one_page_with_the_ten_worst_pictures(bundle: Bundle, listed: Path, tmp_path: Path) -> None:
    file = tmp_path / "new" / "report.html"
    words = (bundle.folder, listed, "--split", "all", "--boundary", "--calibration")
    found, page = measured(*words, "--report", file), file.read_text()
    embedded = re.findall(r"data:image/(png|jpeg);base64,([^\"]+)", page)
    assert [kind for kind, _ in embedded] == ["png", *["jpeg"] * 10]
    assert page.count("src=") == len(embedded)
    assert "://" not in page
    assert len(page) < 1_000_000
    # Each under its picture, the worst first.
    captions = re.findall(r"<figcaption>([^<]+: mIoU [0-9.]+)", page)
    mious = {one["image"]: one["mIoU"] for one in found["per_picture"]}
    assert captions == [f"{name}: mIoU {100 * mious[name]:.2f}" for name in found["worst"]]
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(embedded[1][1]))))
    height, width = SIZE
    assert shown.shape[0] == height
    picture, truth, predicted = (shown[:4, left : left + width].astype(int) for left in (0, width + 4, 2 * width + 8))
    # The true mask has 255 in the upper four rows: there the picture is seen, JPEG apart.
    assert np.abs(picture - truth).mean() < np.abs(picture - predicted).mean() / 2
    for text in ("kappa", "boundary IoU", "calibration error", *CAMVID.names, found["engine"]):
        assert text in page
    assert f"{100 * found['mIoU']:.2f}" in page
    assert re.findall(r": (\d+)\" style", page) == [str(count) for count in found["histogram"]]


def test_a_picture_of_which_nothing_counts_has_no_figures(model: Model, data: Path, tmp_path: Path) -> None:
    Image.fromarray(np.full(SIZE, 255, np.uint8)).save(tmp_path / "void.png")
    good = Sample(data / "images" / "03.png", data / "annotations" / "03.png")
    found = evaluate(model, [Sample(good.image, tmp_path / "void.png"), good], boundary=True, calibration=True)
    assert [one.pixels for one in found.pictures] == [0, 44 * 64]
    assert np.isnan([found.pictures[0].miou, found.pictures[0].accuracy]).all()
    assert found.worst == (found.pictures[1],)
    alone = evaluate(model, [good], boundary=True, calibration=True)
    assert found.confusion.miou == alone.confusion.miou
    assert found.boundary is not None
    assert alone.boundary is not None
    assert np.array_equal(found.boundary.both, alone.boundary.both)


@pytest.mark.full
@pytest.mark.usefixtures("all_engines")
@pytest.mark.parametrize("backend", ["paddle", "onnxruntime", "openvino"])
@pytest.mark.parametrize(
    ("words", "options"),
    [
        (("--mode", "whole"), {"mode": "whole"}),
        (
            ("--mode", "slide", "--window", 32, 64, "--stride", 16, 32),
            {"mode": "slide", "window": (32, 64), "stride": (16, 32)},
        ),
        (("--flip", "--scales", "0.5,1"), {"flip": True, "scales": (0.5, 1.0)}),
    ],
)
def test_what_is_measured_is_the_delivered_mask_on_every_engine(
    bundle: Bundle, listed: Path, backend: str, words: tuple[object, ...], options: dict[str, object]
) -> None:
    found = measured(bundle.folder, listed, "--backend", backend, "--threads", 1, *words)
    assert found["engine"].startswith(backend)
    expected = Confusion.empty(len(CAMVID))
    with zoo.load(bundle.folder, backend=backend, threads=1) as model:
        for name in NAMES[8:10]:
            truth = np.asarray(Image.open(listed / "annotations" / f"{name}.png"))
            mask = model.predict(listed / "images" / f"{name}.png", **options).one().mask
            expected = expected.add(truth, mask, 255)
    assert found["confusion"]["counts"] == expected.counts.tolist()


@pytest.mark.full
def test_a_card_is_measured_by_its_name(listed: Path) -> None:
    words = ("--mode", "whole", "--flip", "--threads", 1)
    found = measured("starter", listed, *words)
    with zoo.load("starter", threads=1) as starter:
        samples = read_list(listed / "val.txt")
        expected = evaluate(starter, samples, mode="whole", flip=True).confusion
    assert found["confusion"]["counts"] == expected.counts.tolist()
    assert found["confusion"]["counts"] != measured("starter", listed, "--threads", 1)["confusion"]["counts"]
