"""`zoo data check`: everything that is wrong with a dataset is found in one run, and what is mechanical is repaired."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from zoo.cli.app import cli
from zoo.errors import DatasetError
from zoo.learn.data import read_mask
from zoo.learn.data.pairs import list_line, listed_pairs
from zoo.learn.data.samples import Sample
from zoo.learn.dataset.alike import same_pictures
from zoo.learn.dataset.dataset import read_dataset
from zoo.learn.dataset.look import look
from zoo.learn.dataset.mend import mend_dataset
from zoo.learn.dataset.survey import survey_dataset

HEIGHT, WIDTH = 48, 64
PALETTE = {"background": "#000000", "road": "#804080", "car": "#0000c0"}


def scene(seed: int) -> Image.Image:
    """A picture unlike those of other seeds."""
    values = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(values).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)


def mask(*values: int, dtype: Any = np.uint8) -> Any:
    """Stripes of these values from left to right."""
    return np.repeat(np.array(values, dtype), -(-WIDTH // len(values)))[None, :WIDTH].repeat(HEIGHT, axis=0)


def turned_by_exif(picture: Image.Image, path: Path, orientation: int = 6) -> None:
    exif = Image.Exif()
    exif[0x112] = orientation
    picture.save(path, exif=exif, quality=95)


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


class Drawn:
    """A dataset that is drawn file by file."""

    def __init__(self, folder: Path, labels: str = "background\nroad\ncar\n") -> None:
        self.folder = folder
        for name in ("images", "annotations"):
            (folder / name).mkdir(parents=True)
        if labels:
            (folder / "labels.txt").write_text(labels)
        self.lines: dict[str, list[str]] = {"train": [], "val": []}
        self.seed = 0

    def add(self, split: str, name: str, values: Any = None, image: Image.Image | None = None) -> tuple[Path, Path]:
        """Adds a picture with its line; returns both paths."""
        self.seed += 1
        paths = self.folder / f"images/{name}.jpg", self.folder / f"annotations/{name}.png"
        (image or scene(self.seed)).save(paths[0], quality=95)
        Image.fromarray(mask(0, 1, 2, 255) if values is None else values).save(paths[1])
        self.lines[split].append(list_line(f"images/{name}.jpg", f"annotations/{name}.png"))
        return paths

    def write(self) -> Path:
        for split, lines in self.lines.items():
            (self.folder / f"{split}.txt").write_text("".join(f"{line}\n" for line in lines))
        return self.folder


@pytest.fixture
def faulty(tmp_path: Path) -> Path:
    """Every fault there is, beside everything that is odd and none."""
    drawn = Drawn(tmp_path / "streets", "background\nroad\ncar\nbicycle\n")
    (drawn.folder / "data.yaml").write_text(
        json.dumps({"num_classes": 2, "palette": {**PALETTE, "bicycle": "#00ff00"}}), encoding="utf-8"
    )
    first, _ = drawn.add("train", "good")
    drawn.add("train", "with a blank")
    palette = Image.fromarray(mask(0, 1, 2))
    palette.putpalette([0, 0, 0, 128, 64, 128, 0, 0, 192])
    palette.save(drawn.add("train", "palette")[1])
    Image.fromarray(mask(0, 1, 2, dtype=np.uint16)).save(drawn.add("train", "wide")[1])
    photo, upright = drawn.add("train", "exif")
    turned_by_exif(scene(50), photo)
    Image.fromarray(mask(0, 1, 2)).transpose(Image.Transpose.ROTATE_270).save(upright)
    # from here on faults
    drawn.lines["train"] += ["images/nowhere.jpg annotations/good.png", "images/good.jpg"]
    drawn.lines["train"] += ["images/with_no_mask.jpg annotations\\with_no_mask.png"]
    scene(51).save(drawn.folder / "images/with_no_mask.jpg")
    drawn.add("train", "empty")[0].write_bytes(b"")
    drawn.add("train", "empty_mask")[1].write_bytes(b"")
    cut = drawn.add("train", "cut")[0]
    cut.write_bytes(cut.read_bytes()[:600])
    drawn.add("train", "page")[0].write_bytes(b"<!doctype html><html>not found</html>")
    drawn.add("train", "small", mask(0, 1, 2)[:40])
    turned_by_exif(scene(52), drawn.add("train", "sideways", mask(0, 1, 2, 0))[0])
    colours = np.array([[0, 0, 0], [128, 64, 128], [0, 0, 192]], np.uint8)
    drawn.add("train", "colours", colours[mask(0, 1, 2)])
    drawn.add("train", "photo", np.array(scene(53)))
    drawn.add("train", "white", mask(0, 255))
    drawn.add("train", "over", mask(0, 1, 9))
    drawn.add("train", "huge", mask(0, 1, 300, dtype=np.uint16))
    drawn.add("train", "one_up", mask(1, 2, 3, 4))
    drawn.add("train", "void", mask(255))
    drawn.add("train", "bicycle", mask(0, 3))
    drawn.add("val", "other")
    drawn.lines["val"][-1] = drawn.lines["val"][-1].replace("/", "\\")
    drawn.add("val", "again", image=Image.open(first))
    (drawn.folder / "images/again.jpg").write_bytes(first.read_bytes())
    drawn.add("val", "encoded_again", mask(0, 1, 2))
    stored = io.BytesIO()
    Image.open(drawn.folder / "images/wide.jpg").save(stored, "JPEG", quality=60)
    (drawn.folder / "images/encoded_again.jpg").write_bytes(stored.getvalue())
    drawn.add("train", "two_masks", mask(2, 1, 0))
    drawn.lines["train"].append("images/two_masks.jpg annotations/good.png")
    return drawn.write()


FOUND = {
    ("missing", "images/nowhere.jpg", 6),
    ("columns", "train.txt", 7),
    ("missing", "annotations\\with_no_mask.png", 8),
    ("unreadable", "images/empty.jpg", 9),
    ("unreadable", "annotations/empty_mask.png", 10),
    ("unreadable", "images/cut.jpg", 11),
    ("unreadable", "images/page.jpg", 12),
    ("size", "annotations/small.png", 13),
    ("turned", "annotations/sideways.png", 14),
    ("colours", "annotations/colours.png", 15),
    ("colours", "annotations/photo.png", 16),
    ("0/255", "annotations/white.png", 17),
    ("label", "annotations/over.png", 18),
    ("label", "annotations/huge.png", 19),
    ("off by one", "annotations/one_up.png", 20),
    ("void", "annotations/void.png", 21),
    ("contradiction", "annotations/good.png", 24),
    ("same picture", "images/again.jpg", 2),
    ("same picture", "images/encoded_again.jpg", 3),
    ("absent class", "val.txt", None),
    ("count", "data.yaml", 1),
    ("count", "labels.txt", None),
}


def test_everything_that_is_wrong_is_found_in_one_run_and_what_is_only_odd_is_not(faulty: Path, tmp_path: Path) -> None:
    before = digests(faulty)
    done = CliRunner().invoke(cli, ["data", "check", str(faulty), "--output", str(tmp_path / "out"), "--json"])
    document = json.loads(done.stdout)
    assert {(fault["kind"], fault["path"], fault["line"]) for fault in document["faults"]} == FOUND
    assert done.exit_code == 1
    assert document["check_pass"] is False
    reasons = {fault["path"]: fault["reason"] for fault in document["faults"]}
    assert "HTML" in reasons["images/page.jpg"]
    assert "empty" in reasons["images/empty.jpg"]
    assert "it has 1 columns" in reasons["train.txt"]
    assert "train.txt, line 1" in reasons["images/again.jpg"]
    assert "num_classes says 2" in reasons["data.yaml"]
    assert digests(faulty) == before


def test_what_is_mechanical_is_repaired_in_a_new_folder_and_the_source_stays(faulty: Path, tmp_path: Path) -> None:
    before, target = digests(faulty), tmp_path / "mended"
    mended = mend_dataset(survey_dataset(faulty), target)
    assert digests(faulty) == before
    left = {(fault.kind, fault.path.relative_to(target).as_posix()) for fault in mended.after.faults}
    kinds = {kind for kind, _ in left}
    assert not kinds & {"missing", "columns", "turned", "same picture"}
    assert ("colours", "annotations/photo.png") in left
    assert ("colours", "annotations/colours.png") not in left
    assert {"0/255", "label", "off by one", "void", "contradiction", "size", "unreadable"} <= kinds
    assert np.array_equal(read_mask(target / "annotations/colours.png"), mask(0, 1, 2))
    assert read_mask(target / "annotations/sideways.png").shape == (WIDTH, HEIGHT)
    # An upright picture of the same pixels stands for one that is turned when it is read.
    kept, made = Image.open(faulty / "images/exif.jpg"), Image.open(target / "images/exif.png")
    assert np.array_equal(np.asarray(kept.transpose(Image.Transpose.ROTATE_270)), np.asarray(made))
    after = digests(target)
    assert after["images/good.jpg"] == before["images/good.jpg"]
    assert after["annotations/palette.png"] == before["annotations/palette.png"]
    assert [pair.sample.image.name for pair in listed_pairs(target / "val.txt", target).pairs] == ["other.jpg"]
    assert "\\" not in (target / "val.txt").read_text()
    with pytest.raises(Exception, match="exists already"):
        mend_dataset(survey_dataset(faulty), target)
    with pytest.raises(Exception, match="inside of the dataset"):
        mend_dataset(survey_dataset(faulty), faulty / "new")


@pytest.mark.parametrize(
    ("labels", "values", "kind", "becomes"),
    [
        ("background\nroad\n", mask(0, 255), "0/255", mask(0, 1)),
        ("", mask(0, 255), "0/255", mask(0, 1)),
        ("a\nb\nc\n", mask(1, 2, 3, 255), "off by one", mask(0, 1, 2, 255)),
        ("", mask(1, 2, 3), "off by one", mask(0, 1, 2)),
    ],
)
def test_masks_that_are_all_wrong_in_one_way_are_all_repaired(
    labels: str, values: Any, kind: str, becomes: Any, tmp_path: Path
) -> None:
    drawn = Drawn(tmp_path / "set", labels)
    for split in ("train", "val"):
        for number in range(2):
            drawn.add(split, f"{split}{number}", values)
    survey = survey_dataset(drawn.write())
    assert [fault.kind for fault in survey.faults] == [kind] * 4
    mended = mend_dataset(survey, tmp_path / "mended")
    assert mended.after.faults == ()
    assert np.array_equal(read_mask(tmp_path / "mended/annotations/val1.png"), becomes)


def test_one_mask_among_others_is_repaired_where_only_one_reading_is_left(tmp_path: Path) -> None:
    drawn = Drawn(tmp_path / "set", "background\nroad\n")
    for split in ("train", "val"):
        drawn.add(split, split, mask(0, 1))
    drawn.add("train", "white", mask(0, 255))
    turned_by_exif(Image.fromarray(mask(0, 1, 1, 1)), drawn.add("train", "mask_turned")[1])
    survey = survey_dataset(drawn.write())
    assert [fault.kind for fault in survey.faults] == ["0/255", "turned"]
    mended = mend_dataset(survey, tmp_path / "mended")
    assert mended.after.faults == ()
    assert np.array_equal(read_mask(tmp_path / "mended/annotations/white.png"), mask(0, 1))
    assert np.array_equal(read_mask(tmp_path / "mended/annotations/mask_turned.png"), mask(0, 1, 1, 1))


def test_black_and_void_only_is_a_mask_like_others_where_void_is_in_use(tmp_path: Path) -> None:
    drawn = Drawn(tmp_path / "set", "background\nroad\n")
    for split in ("train", "val"):
        drawn.add(split, split, mask(0, 1, 255))
    drawn.add("train", "edge", mask(0, 0, 0, 255))
    assert survey_dataset(drawn.write()).faults == ()


@pytest.mark.parametrize(
    ("labels", "settings", "values", "kinds"),
    [
        ("a\nb\n", {}, mask(*range(11)), {"count", "label"}),
        ("a\nb\nc\n", {"num_classes": 4}, mask(0, 1, 2), {"count"}),
        ("a\nb\n", {"classes": ["a", "c"]}, mask(0, 1), {"count"}),
        ("", {}, mask(0, 1, 5), {"gap"}),
        ("a\nb\nc\n", {}, mask(0, 2), {"count", "gap"}),
        ("a\n", {}, mask(0, 255), {"0/255", "one class"}),
        ("a\n", {"ignore": 255}, mask(0, 255), {"one class"}),
        ("", {"clases": ["a"]}, mask(0, 1), {"settings"}),
        ("a\na\n", {}, mask(0, 1), {"labels"}),
        ("", {"classes": {"a": 0, "b": [7, 8]}, "ignore": [255, 1]}, mask(0, 7, 8, 1, 255), set[str]()),
        ("", {"classes": {"a": 0, "b": 255}}, mask(0, 255), set[str]()),
        ("a\nb\n", {}, mask(0, 1, 255), set[str]()),
    ],
)
def test_what_the_masks_hold_is_compared_with_what_is_said(
    labels: str, settings: dict[str, Any], values: Any, kinds: set[str], tmp_path: Path
) -> None:
    drawn = Drawn(tmp_path / "set", labels)
    for split in ("train", "val"):
        drawn.add(split, split, values)
    if settings:
        (drawn.folder / "data.yaml").write_text(json.dumps(settings))
    survey = survey_dataset(drawn.write())
    assert {fault.kind for fault in survey.faults} == kinds
    for fault in survey.faults:
        if fault.kind == "settings":
            assert "Did you mean" in fault.reason or fault.line == 1


def test_the_documented_file_and_a_page_that_needs_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = Drawn(tmp_path / "set")
    for number in range(30):
        drawn.add("train" if number % 3 else "val", f"<i>{number}")
    folder = drawn.write()
    monkeypatch.chdir(folder)
    runs = [CliRunner().invoke(cli, ["data", "check", "."]) for _ in range(2)]
    assert [run.exit_code for run in runs] == [0, 0], runs[0].output
    out = tmp_path / "check_set"
    document = json.loads((out / "check_dataset_result.json").read_text())
    attributes = document["attributes"]
    assert {
        name: document[name] for name in ("done_flag", "check_pass", "dataset_path", "show_type", "dataset_type")
    } == {
        "done_flag": True,
        "check_pass": True,
        "dataset_path": "set",
        "show_type": "image",
        "dataset_type": "SegDataset",
    }
    assert (attributes["num_classes"], attributes["train_samples"], attributes["val_samples"]) == (3, 20, 10)
    for path in (*attributes["train_sample_paths"], *attributes["val_sample_paths"], document["analysis"]["histogram"]):
        with Image.open(out / path) as picture:
            picture.load()
    page = (out / "report.html").read_text()
    assert "<i>" not in page
    assert "&lt;i&gt;" in page
    assert 'src="http' not in page
    assert page.count("data:image/jpeg;base64,") == 20
    assert sorted(path.name for path in folder.iterdir()) == [
        "annotations",
        "images",
        "labels.txt",
        "train.txt",
        "val.txt",
    ]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/precious.txt").write_text("mine")
    refused = CliRunner().invoke(cli, ["data", "check", ".", "--output", "../mine"])
    assert refused.exit_code == 1
    assert "holds something else" in refused.stderr


def test_training_is_refused_what_it_needs_and_gets_the_rest(tmp_path: Path) -> None:
    drawn = Drawn(tmp_path / "set")
    drawn.add("train", "town_1")
    drawn.add("train", "town_2")
    drawn.add("val", "field_1")
    (drawn.folder / "data.yaml").write_text("groups: '([a-z]+)_'\nclasses: {background: 0, road: [1, 4], car: 2}\n")
    data = read_dataset(drawn.write())
    assert [data.group(sample) for sample in data.splits["train"]] == ["town", "town"]
    assert data.truth().apply(np.array([0, 1, 2, 3, 4, 255], np.uint8)).tolist() == [0, 1, 2, 255, 1, 255]
    (drawn.folder / "train.txt").write_text("images/none.jpg annotations/town_1.png\nalone\n")
    (drawn.folder / "val.txt").unlink()
    with pytest.raises(DatasetError, match=r"3 faults: .*alone|it has 1 columns") as caught:
        read_dataset(drawn.folder)
    assert "zoo data check" in caught.value.hint
    with pytest.raises(DatasetError, match="does not exist"):
        read_dataset(tmp_path / "nowhere")


def test_a_folder_pair_without_lists_is_a_dataset(tmp_path: Path) -> None:
    drawn = Drawn(tmp_path / "set", "")
    drawn.add("train", "a", mask(0, 1))
    drawn.add("train", "b", mask(0, 2))
    data = read_dataset(drawn.folder)
    assert (len(data.splits["all"]), data.labels.names) == (2, ("class 0", "class 1", "class 2"))
    assert survey_dataset(drawn.folder).faults == ()
    # Names that no list could have.
    for name in ("images/a.jpg", "annotations/a.png"):
        (drawn.folder / name).rename((drawn.folder / name).with_stem("two\nlines\udcff"))
    words = ["data", "check", str(drawn.folder), "--output", str(tmp_path / "out"), "--fix", str(tmp_path / "new")]
    made = CliRunner().invoke(cli, words)
    assert made.exit_code == 0, made.output
    assert digests(tmp_path / "new") == digests(drawn.folder)
    json.loads((tmp_path / "out/check_dataset_result.json").read_bytes())
    (drawn.folder / "images/b.jpg").unlink()
    assert [fault.path.name for fault in survey_dataset(drawn.folder).faults][:1] == ["b.png"]


def test_pictures_are_the_same_by_content_and_not_by_being_alike(tmp_path: Path) -> None:
    made: list[Image.Image] = [scene(1), scene(2)]
    near = np.array(scene(1))
    near[10:30, 10:30] //= 2
    made += [Image.fromarray(near), scene(1).resize((WIDTH // 2, HEIGHT // 2), Image.Resampling.BOX)]
    made += [Image.new("RGB", (WIDTH, HEIGHT), (120, 120, 120)), Image.new("RGB", (WIDTH, HEIGHT), (121, 120, 120))]
    Image.fromarray(mask(0)).save(tmp_path / "mask.png")
    looks = []
    for number, picture in enumerate(made):
        picture.save(tmp_path / f"{number}.png")
        looks.append(look(Sample(tmp_path / f"{number}.png", tmp_path / "mask.png"))[0])
    for quality in (95, 60, 40):
        scene(2).save(tmp_path / "again.jpg", quality=quality)
        looks.append(look(Sample(tmp_path / "again.jpg", tmp_path / "mask.png"))[0])
    assert same_pictures(looks) == [[0, 3], [1, 6, 7, 8]]
    # Where all pictures are flat there is nothing to compare but the files.
    assert same_pictures([looks[4], looks[5], looks[4]]) == [[0, 2]]


def test_two_masks_are_never_taken_for_one(tmp_path: Path) -> None:
    """These have one crc32."""
    digests: set[bytes] = set()
    for bits in (0xE7FC6EFE37F916F0, 0x86974FFF71FE0563):
        values = np.array([bits >> place & 1 for place in range(64)], np.uint8).reshape(8, 8)
        Image.fromarray(values).save(tmp_path / "mask.png")
        digests.add(look(Sample(tmp_path / "none.png", tmp_path / "mask.png"))[1].digest)
    assert len(digests) == 2


def test_camvid_has_no_faults(shared: Path) -> None:
    survey = survey_dataset(shared / "data" / "camvid")
    assert survey.faults == ()
    assert {split: len(pairs) for split, pairs in survey.contents.splits.items()} == {
        "train": 367,
        "val": 101,
        "test": 193,
    }
