"""Evaluation on masks that hold other values than the model's classes, and in windows."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import zoo
from scenes import draw_scene
from support import export_small
from zoo.bundle.bundle import Bundle
from zoo.cli.app import cli
from zoo.contract.labels import ADE20K, CITYSCAPES
from zoo.contract.labels.conversions import CONVERSIONS
from zoo.errors import ConfigError, DatasetError, DecodeError
from zoo.learn.data import Sample, read_list
from zoo.learn.evaluation import Confusion, Evaluation, evaluate
from zoo.predict.model import Model
from zoo.results.mapping import read_mapping

VOID = (0, 1, 2, 3, 4, 5, 6, 9, 10, 14, 15, 16, 18, 29, 30)  # ids that are no train id
TO_TRAIN_IDS = CONVERSIONS["cityscapes-trainids"].mapping
TO_IDS = CONVERSIONS["cityscapes-ids"].mapping


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return export_small(tmp_path_factory.mktemp("bundles") / "city", CITYSCAPES)


@pytest.fixture(scope="module")
def model(city: Bundle) -> Iterator[Model]:
    with zoo.load(city.folder, threads=1) as model:
        yield model


@pytest.fixture(scope="module")
def data(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pictures whose truth is half of what the model says, by id and by train id, with void in between."""
    folder = tmp_path_factory.mktemp("city")
    for name in ("a", "b"):
        picture = draw_scene(ord(name), 64, 96).image
        Image.fromarray(picture).save(folder / f"{name}.png")
        truth = model.predict(picture).one().mask.astype(np.uint8)
        truth[:, ::2] = (truth[:, ::2] + 1) % 19
        ids = TO_IDS.apply(truth).astype(np.uint8)
        for column, value in enumerate((*VOID, 255)):
            truth[:, 3 * column], ids[:, 3 * column] = 255, value
        Image.fromarray(truth).save(folder / f"{name}_labelTrainIds.png")
        Image.fromarray(ids).save(folder / f"{name}_labelIds.png")
    for kind in ("labelIds", "labelTrainIds"):
        (folder / f"{kind}.txt").write_text("".join(f"{name}.png {name}_{kind}.png\n" for name in ("a", "b")))
    return folder


def equal(found: Evaluation, other: Confusion) -> bool:
    one = found.confusion
    return np.array_equal(one.counts, other.counts) and np.array_equal(one.unknown, other.unknown)


def test_a_notebook_shows_how_far_an_evaluation_is(
    model: Model, data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("zoo.base.notebook._PATIENCE", 0.0)
    monkeypatch.setattr("zoo.base.notebook._SECONDS_BETWEEN", 0.0)
    samples = read_list(data / "labelTrainIds.txt")
    evaluate(model, samples)
    assert capsys.readouterr().err == ""
    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    evaluate(model, samples)
    shown = capsys.readouterr().err
    assert "\r1 of 2 pictures  " in shown
    assert shown.rpartition("\r")[2].startswith("2 of 2 pictures  ")
    assert shown.endswith("\n")
    told: list[int] = []
    evaluate(model, samples, report=told.append)
    assert (told, capsys.readouterr().err) == ([1, 2], "")


def test_masks_of_ids_give_the_same_counts_as_masks_of_train_ids(model: Model, data: Path) -> None:
    expected = evaluate(model, read_list(data / "labelTrainIds.txt")).confusion
    assert 0 < expected.miou < expected.iou[np.isfinite(expected.iou)].max() < 1
    ids = read_list(data / "labelIds.txt")
    assert equal(evaluate(model, ids, truth_labels=TO_TRAIN_IDS), expected)
    # The value to leave out is one of the files: 0 is no id of a class, but the train id of roads.
    assert equal(evaluate(model, ids, ignore_index=0, truth_labels=TO_TRAIN_IDS), expected)
    with pytest.raises(DatasetError, match="is outside the 19 classes") as caught:
        evaluate(model, ids)
    assert "--truth-labels cityscapes-trainids" in caught.value.hint


def test_masks_of_ids_are_brought_to_merged_classes_in_two_steps(model: Model, data: Path) -> None:
    merged = read_mapping({"labels": {"ways": ["road", "sidewalk"], "nature": ["vegetation", "terrain"]}}, CITYSCAPES)
    expected = evaluate(model, read_list(data / "labelTrainIds.txt"), labels=merged, map_truth=True).confusion
    ids = read_list(data / "labelIds.txt")
    assert equal(evaluate(model, ids, labels=merged, map_truth=True, truth_labels=TO_TRAIN_IDS), expected)
    # The number that files have for void may be that of a new class.
    assert equal(evaluate(model, ids, 0, merged, map_truth=True, truth_labels=TO_TRAIN_IDS), expected)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"batch_size": 3},
        {"mode": "slide", "window": (32, 64), "stride": (16, 32)},
        {"flip": True, "scales": 0.5},
        {"min_score": 0.4},
    ],
)
def test_one_run_counts_what_single_predictions_add_up_to(
    model: Model, tmp_path: Path, options: dict[str, object]
) -> None:
    """More pictures than are read ahead, of several sizes, so that batches and order matter."""
    lines, expected = [], Confusion.empty(19)
    for number in range(13):
        scene = draw_scene(number, *[(64, 96), (48, 64), (40, 40)][number % 3])
        Image.fromarray(scene.image).save(tmp_path / f"{number}.png")
        truth = np.random.default_rng(number).integers(0, 20, scene.image.shape[:2]).astype(np.uint8)
        truth[truth == 19] = 255
        Image.fromarray(truth).save(tmp_path / f"{number}_mask.png")
        lines.append(f"{number}.png {number}_mask.png\n")
        expected = expected.add(truth, model.predict(scene.image, **options).one().mask, 255, 255)
    (tmp_path / "list.txt").write_text("".join(lines))
    assert equal(evaluate(model, read_list(tmp_path / "list.txt"), **options), expected)
    assert expected.unknown.any() == ("min_score" in options)


def test_a_file_that_is_wrong_ends_the_evaluation_at_its_place(model: Model, data: Path, tmp_path: Path) -> None:
    good = read_list(data / "labelTrainIds.txt")[0]
    (tmp_path / "broken.png").write_bytes(b"no picture")
    Image.fromarray(np.zeros((5, 5), np.uint8)).save(tmp_path / "small.png")
    for sample, error, said in (
        (Sample(tmp_path / "broken.png", good.mask), DecodeError, "broken.png"),
        (Sample(good.image, tmp_path / "broken.png"), DatasetError, "cannot be read"),
        (Sample(good.image, tmp_path / "small.png"), DatasetError, "is 64x96 but its mask"),
    ):
        with pytest.raises(error, match=said):
            evaluate(model, [good, good, sample, good])


def test_options_that_are_not_possible_are_refused_before_a_sample_is_read(model: Model, tmp_path: Path) -> None:
    missing = [Sample(tmp_path / "no.png", tmp_path / "no_mask.png")]
    with pytest.raises(ConfigError, match="Nothing says how large"):
        evaluate(model, missing, mode="slide")
    with pytest.raises(ValueError, match="`batch_size` is 0"):
        evaluate(model, missing, batch_size=0)


@pytest.mark.full
def test_many_samples_run_in_several_streams(city: Bundle, model: Model, data: Path) -> None:
    samples = read_list(data / "labelTrainIds.txt") * 10
    with zoo.load(city.folder, threads=2) as two:
        assert equal(evaluate(two, samples), evaluate(model, samples).confusion)
        # Batches stood in line, so that they are opened in the background; one prediction after the other opens none.
        deadline = time.monotonic() + 60
        while two._engine.width == 1 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert two._engine.width == 2


def test_figures_on_real_pictures_are_those_of_one_picture_after_the_other(shared: Path) -> None:
    samples = read_list(shared / "data" / "camvid" / "val.txt")[:12]
    with zoo.load("starter", threads=2) as starter:
        expected = Confusion.empty(11)
        for sample in samples:
            image, truth = sample.load()
            expected = expected.add(truth, starter.predict(image).one().mask, 255, starter.bundle.labels.ignore_index)
        assert equal(evaluate(starter, samples), expected)
    assert expected.miou > 0.4


def test_mappings_that_do_not_meet_are_refused(model: Model, data: Path) -> None:
    ids = read_list(data / "labelIds.txt")
    with pytest.raises(
        ConfigError, match=r"to the 34 classes of cityscapes-ids\. They are compared with others, the 19"
    ):
        evaluate(model, ids, truth_labels=TO_IDS)
    with pytest.raises(ConfigError, match=r"to the 19 classes of cityscapes\. They are compared with others, the 34"):
        evaluate(model, ids, labels=TO_IDS, truth_labels=TO_TRAIN_IDS)
    with pytest.raises(ConfigError, match=f"starts from the {len(ADE20K)} classes of ade20k"):
        evaluate(model, ids, labels=CONVERSIONS["ade20k-to-cityscapes"].mapping)


def measured(*arguments: object) -> dict:
    done = CliRunner().invoke(cli, ["evaluate", *map(str, arguments), "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_the_command_measures_masks_of_ids(city: Bundle, data: Path) -> None:
    expected = measured(city.folder, "--data", data / "labelTrainIds.txt")
    found = measured(city.folder, "--data", data / "labelIds.txt", "--truth-labels", "cityscapes-trainids")
    assert sum(left["share"] for left in found["not_counted"]) == pytest.approx(1 / 6, abs=1e-4)
    others = {key: expected[key] for key in ("data", "not_counted", "notes")}
    assert {**found, **others} == expected


@pytest.mark.full
def test_the_command_measures_in_windows_of_any_size(city: Bundle, model: Model, data: Path) -> None:
    arguments = (city.folder, "--data", data / "labelTrainIds.txt", "--mode", "slide")
    found = measured(*arguments, "--window", 32, 64, "--stride", 16, 32)
    samples = read_list(data / "labelTrainIds.txt")
    expected = evaluate(model, samples, mode="slide", window=(32, 64), stride=(16, 32)).confusion
    assert found["mIoU"] == pytest.approx(expected.miou, abs=1e-6)
    assert found["mIoU"] != measured(*arguments[:3])["mIoU"]
    assert CliRunner().invoke(cli, ["evaluate", *map(str, arguments)]).exit_code == 1


def test_a_mapping_of_other_classes_is_refused_as_an_object_too() -> None:
    with zoo.load("starter", threads=1) as starter, pytest.raises(ConfigError, match="starts from the 19"):
        starter.predict(np.zeros((32, 32, 3), np.uint8), labels=TO_IDS)


def test_a_range_holds_for_the_pictures_of_an_evaluation(model: Model, data: Path, tmp_path: Path) -> None:
    wide = tmp_path / "wide.png"
    Image.fromarray(np.asarray(Image.open(data / "a.png").convert("L")).astype(np.uint16) * 8).save(wide)
    truth = tmp_path / "truth.png"
    Image.fromarray(model.predict(wide, value_range=(0, 2040)).one().mask.astype(np.uint8)).save(truth)
    sample = Sample(wide, truth)
    assert evaluate(model, [sample], value_range=(0, 2040)).confusion.accuracy == 1
    assert evaluate(model, [sample]).confusion.accuracy < 1


def test_what_predictions_say_of_themselves_is_told_once_with_a_count(
    city: Bundle, model: Model, data: Path, tmp_path: Path
) -> None:
    for number in (1, 2):
        values = np.asarray(Image.open(data / "a.png").convert("L")).astype(np.uint16) * 8 * number
        Image.fromarray(values).save(tmp_path / f"{number}.png")
    lines = [f"{tmp_path / name} {data / 'a_labelTrainIds.png'}\n" for name in ("1.png", "2.png")]
    (tmp_path / "list.txt").write_text("".join([*lines, f"{data / 'a.png'} {data / 'a_labelTrainIds.png'}\n"]))
    samples = read_list(tmp_path / "list.txt")
    found, alone = evaluate(model, samples), evaluate(model, samples[:1])
    said = str(model.predict(tmp_path / "1.png").one().note)
    assert "nearly one colour, a range of its own would show more" in said
    assert found.notes[0] == f"2 pictures, such as {tmp_path / '1.png'}: {said}"
    assert alone.notes[0] == f"{tmp_path / '1.png'}: {said}"
    words = ("evaluate", str(city.folder), "--data", str(tmp_path / "list.txt"), "--json")
    ended = CliRunner().invoke(cli, words)
    assert f"2 pictures, such as {tmp_path / '1.png'}: {said}" in ended.stderr
    assert json.loads(ended.stdout)["notes"][0] == found.notes[0]


@pytest.mark.parametrize(
    ("size", "orientation", "own", "told"),
    [
        ((64, 64), 6, 1, True),
        ((64, 64), 1, 1, False),
        ((64, 64), 6, 6, False),
        ((64, 96), 3, 1, True),
        ((64, 96), 6, 1, False),
    ],
)
def test_masks_that_may_lie_on_the_stored_pixels_of_a_turned_picture_are_told(
    size: tuple[int, int],
    orientation: int,
    own: int,
    told: bool,
    model: Model,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def save(image: np.ndarray, name: str, orientation: int) -> Path:
        exif = Image.Exif()
        if orientation != 1:
            exif[0x0112] = orientation
        Image.fromarray(image).save(tmp_path / name, exif=exif)
        return tmp_path / name

    picture = save(draw_scene(5, *size).image, "a.jpg", orientation)
    seen = size[::-1] if orientation > 4 else size
    mask = save(np.zeros(size if own > 4 else seen, np.uint8), "a.png", own)
    evaluate(model, [Sample(picture, mask)])
    assert [f"such as {picture}" in message for message in caplog.messages if "EXIF" in message] == [True] * told
