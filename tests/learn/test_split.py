"""A dataset split: nothing in two lists, groups whole, shares kept, the same on every machine."""

from __future__ import annotations

import json
import random
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from zoo.cli.app import cli
from zoo.errors import ConfigError, DatasetError, ZooError
from zoo.learn.annotations import split_dataset
from zoo.learn.annotations.splitting.dealing import Group, deal, targets
from zoo.learn.data import read_list

THREE = {"train": 80.0, "val": 10.0, "test": 10.0}


def blots(seed: int) -> Any:
    small = np.random.default_rng(seed).integers(0, 255, (3, 4, 3), np.uint8)
    return Image.fromarray(small).resize((64, 48), Image.Resampling.BICUBIC)


def dataset(folder: Path, count: int = 20, lists: bool = True) -> Path:
    """Pictures of three drives; every one holds class 0, every second class 1, two of them class 2."""
    for name in ("images", "annotations"):
        (folder / name).mkdir(parents=True)
    lines = []
    for number in range(count):
        name = f"drive {number % 3}_{number:02}"
        blots(number).save(folder / "images" / f"{name}.png")
        mask = np.zeros((48, 64), np.uint8)
        mask[:10] = number % 2
        mask[40:] = 2 if number in (3, 4) else 0
        Image.fromarray(mask).save(folder / "annotations" / f"{name}.png")
        lines.append(f'"images/{name}.png" "annotations/{name}.png"\n')
    (folder / "labels.txt").write_text("road\nsky\ncar\n")
    if lists:
        (folder / "train.txt").write_text("".join(lines))
    return folder


def listed(folder: Path, name: str) -> list[str]:
    return [sample.image.name for sample in read_list(folder / f"{name}.txt")]


groups = st.lists(
    st.tuples(st.integers(1, 5), st.lists(st.integers(0, 5), min_size=4, max_size=4)), min_size=3, max_size=40
)


@settings(deadline=None, max_examples=200)
@given(made=groups, seed=st.integers(0, 99), shuffle=st.randoms())
def test_every_group_goes_to_one_split_whole_and_order_does_not_matter(
    made: list[tuple[int, list[int]]], seed: int, shuffle: random.Random
) -> None:
    several = [Group(f"g{n}", size, np.minimum(classes, size)) for n, (size, classes) in enumerate(made)]
    wanted = targets(THREE, sum(group.size for group in several))
    dealt = deal(several, wanted, seed)
    assert sorted(number for numbers in dealt.values() for number in numbers) == list(range(len(several)))
    assert all(dealt.values())
    largest = max(group.size for group in several)
    for name, numbers in dealt.items():
        assert sum(several[number].size for number in numbers) <= wanted[name] + largest * len(wanted)
    other = list(several)
    shuffle.shuffle(other)
    again = deal(other, wanted, seed)
    for name, numbers in dealt.items():
        assert {several[number].name for number in numbers} == {other[number].name for number in again[name]}


@settings(deadline=None, max_examples=200)
@given(classes=st.lists(st.integers(0, 4), min_size=3, max_size=150), seed=st.integers(0, 99))
def test_single_pictures_give_every_split_its_share_and_that_of_each_class(classes: list[int], seed: int) -> None:
    several = [Group(f"p{n}", 1, np.eye(5, dtype=np.int64)[value]) for n, value in enumerate(classes)]
    wanted = targets(THREE, len(several))
    assert sum(wanted.values()) == len(several)
    for name, count in wanted.items():
        # One picture at least, which another split gives.
        assert abs(count - len(several) * THREE[name] / 100) <= (1 if len(several) >= 20 else 3)
    dealt = deal(several, wanted, seed)
    assert {name: len(numbers) for name, numbers in dealt.items()} == wanted
    totals = Counter(classes)
    for name, numbers in dealt.items():
        for value, count in Counter(classes[number] for number in numbers).items():
            assert abs(count - totals[value] * wanted[name] / len(several)) <= len(THREE)


def test_a_split_of_today_is_that_of_tomorrow(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "set")
    made = split_dataset(folder, THREE, 1)
    # Not by a generator of Python or numpy, which other versions may change.
    assert listed(folder, "test") == ["drive 1_13.png", "drive 1_16.png"]
    assert listed(folder, "val") == ["drive 1_04.png", "drive 1_07.png"]
    assert made.pictures["train"] == {0: 16, 1: 8, 2: 1}
    assert made.kept == ("train.txt.1",)
    first = {name: (folder / f"{name}.txt").read_bytes() for name in THREE}
    assert split_dataset(folder, THREE, 1).kept == ("train.txt.2", "val.txt.1", "test.txt.1")
    assert {name: (folder / f"{name}.txt").read_bytes() for name in THREE} == first
    split_dataset(folder, THREE, 2)
    assert {name: (folder / f"{name}.txt").read_bytes() for name in THREE} != first


def test_rare_classes_are_in_every_split_that_can_have_one(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "set", lists=False)
    for seed in range(5):
        made = split_dataset(folder, {"train": 50, "val": 50}, seed)
        assert made.pictures == {"train": {0: 10, 1: 5, 2: 1}, "val": {0: 10, 1: 5, 2: 1}}
    made = split_dataset(folder, THREE, 0)
    (note,) = (note for note in made.notes if "has no picture of" in note)
    assert note.endswith("has no picture of: car")


@pytest.mark.parametrize("way", ["option", "data.yaml"])
def test_groups_stay_together(way: str, tmp_path: Path) -> None:
    folder = dataset(tmp_path / "set")
    pattern = r"images/([^_]+)_"
    if way == "data.yaml":
        (folder / "data.yaml").write_text(f"groups: '{pattern}'\n")
    made = split_dataset(folder, {"train": 60, "val": 40}, 0, pattern if way == "option" else None)
    drives = {name: {path.split("_")[0] for path in paths} for name, paths in made.lists.items()}
    assert not drives["train"] & drives["val"]
    assert sum(map(len, made.lists.values())) == 20
    assert any("groups stay whole" in note for note in made.notes)
    with pytest.raises(DatasetError, match="make 1 groups"):
        split_dataset(folder, {"train": 60, "val": 20, "test": 20}, 0, r"drive")
    with pytest.raises(DatasetError, match="finds nothing in images/drive 0_00"):
        split_dataset(folder, {"train": 60, "val": 40}, 0, r"drive ([12])")
    with pytest.raises(ConfigError, match="no regular expression"):
        split_dataset(folder, {"train": 60, "val": 40}, 0, "(")


def test_one_picture_is_in_one_list_also_where_it_was_encoded_again(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "set", lists=False)
    images, masks = folder / "images", folder / "annotations"
    for number in range(6):
        name = f"drive {number % 3}_{number:02}.png"
        with Image.open(images / name) as one:
            one.save(images / f"copy{number}.jpg", quality=90)
        shutil.copy(masks / name, masks / f"copy{number}.png")
    for seed in range(5):
        made = split_dataset(folder, {"train": 50, "val": 50}, seed)
        shown = {split: {int(path[-6:-4].strip("y")) for path in paths} for split, paths in made.lists.items()}
        assert not shown["train"] & shown["val"]
        assert sum(map(len, made.lists.values())) == 26
        assert any("stay with it: 6" in note for note in made.notes)


def test_a_list_that_is_not_asked_for_stays_and_keeps_its_pictures(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "set")
    split_dataset(folder, THREE, 0)
    test = (folder / "test.txt").read_bytes()
    kept = listed(folder, "test")
    # One of its pictures under another name must not be trained on.
    (folder / "train.txt").write_text(
        (folder / "train.txt").read_text() + f'"images/{kept[0]}" "annotations/{kept[0]}"\n'
    )
    made = split_dataset(folder, {"train": 50, "val": 50}, 3)
    assert (folder / "test.txt").read_bytes() == test
    assert not set(kept) & {Path(path).name for paths in made.lists.values() for path in paths}
    assert sum(map(len, made.lists.values())) == 18
    assert any("which stay: 1" in note for note in made.notes)


def test_numbers_of_pictures_and_fractions_are_shares_too(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "set")
    counts = {name: len(paths) for name, paths in split_dataset(folder, {"train": 13, "val": 7}).lists.items()}
    assert counts == {"train": 13, "val": 7}
    assert targets({"train": 0.75, "val": 0.25}, 8) == {"train": 6, "val": 2}
    assert targets({"train": 98, "val": 1, "test": 1}, 10) == {"train": 8, "val": 1, "test": 1}


@pytest.mark.parametrize(
    ("count", "words", "expected"),
    [
        (20, ["--train", "80", "--val", "10"], "The shares make 90"),
        (20, ["--train", "10.5", "--val", "9.5"], "The shares make 20"),
        (1, ["--train", "80", "--val", "20"], "1 pictures cannot be parted into train and val"),
        (20, [], "Give the shares"),
        (20, ["--train", "100", "--groups", "x"], "finds nothing"),
    ],
)
def test_what_cannot_be_is_said_and_no_list_is_touched(
    count: int, words: list[str], expected: str, tmp_path: Path
) -> None:
    folder = dataset(tmp_path / "set", count)
    before = {path.name: path.read_bytes() for path in folder.glob("*.txt")}
    done = CliRunner().invoke(cli, ["data", "split", str(folder), *words])
    assert done.exit_code in (1, 2)
    assert expected in done.output
    assert {path.name: path.read_bytes() for path in folder.glob("*.txt*")} == before


def test_files_that_cannot_be_read_are_all_named(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "set")
    (folder / "images" / "drive 0_00.png").write_bytes(b"none")
    (folder / "annotations" / "drive 1_01.png").write_bytes(b"")
    with pytest.raises(ZooError) as raised:
        split_dataset(folder, THREE)
    assert "drive 0_00.png" in str(raised.value)
    assert "drive 1_01.png" in str(raised.value)
    assert not (folder / "val.txt").exists()


def test_the_command_tells_what_each_split_holds_of_a_class(tmp_path: Path) -> None:
    folder = dataset(tmp_path / "set")
    words = ["data", "split", str(folder), "--train", "50", "--val", "50", "--seed", "1"]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output
    assert [line.split() for line in done.stdout.splitlines()[1:]] == [
        ["pictures", "10", "10"],
        ["road", "10", "10"],
        ["sky", "5", "5"],
        ["car", "1", "1"],
    ]
    assert "train.txt.1" in done.stderr
    figures = json.loads(CliRunner().invoke(cli, [*words, "--json"]).stdout)
    assert figures["classes"][2]["pictures"] == {"train": 1, "val": 1}
    assert figures["classes"][2]["pixels"] == {"train": 512, "val": 512}
