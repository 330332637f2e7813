"""Masks whose values are not the model's classes: noticed, told, and brought to them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

import zoo
from zoo.cli.app import cli
from zoo.contract.labels import CITYSCAPES, LabelSet, distinct_palette
from zoo.errors import ConfigError, DatasetError
from zoo.learn.data import Sample, read_list, read_truth
from zoo.learn.data.truth import NO_CLASS, NOT_COUNTED, value_table
from zoo.learn.evaluation import evaluate
from zoo.plugin import Normalize
from zoo.predict.model import Model

BINARY = LabelSet("binary", ("background", "lane mark"), distinct_palette(2))
SIX = LabelSet("six", ("road", "sky", "car", "tree", "pole", "wall"), distinct_palette(6))


def by_brightness(folder: Path, labels: LabelSet) -> Model:
    """A model that tells as many levels of grey apart as there are classes, from black to white."""
    import paddle
    from paddle import nn

    from zoo.learn.export import export_bundle

    levels = np.linspace(-1, 1, len(labels), dtype=np.float32)
    layer = nn.Conv2D(3, len(labels), 4, stride=4)
    weight = np.broadcast_to((2 * levels / 48)[:, None, None, None], layer.weight.shape)
    layer.weight.set_value(paddle.to_tensor(np.ascontiguousarray(weight)))
    layer.bias.set_value(paddle.to_tensor(-levels * levels))

    class Grey(nn.Sequential):
        def forward(self, x: Any) -> list[Any]:
            return [super().forward(x)]

    export_bundle(Grey(layer), folder, model="grey", labels=labels, preprocess=(Normalize(),), output_stride=4)
    return zoo.load(folder, threads=1)


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    with by_brightness(tmp_path_factory.mktemp("models") / "binary", BINARY) as model:
        yield model


@pytest.fixture(scope="module")
def six(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Model]:
    with by_brightness(tmp_path_factory.mktemp("models") / "six", SIX) as model:
        yield model


def listed(model: Model, folder: Path, change: Any) -> Path:
    """Two pictures with all classes, and masks made of what the model says of them; returns their list file."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for seed in (1, 2):
        levels = np.random.default_rng(seed).permutation(np.arange(24) % len(model.labels)).reshape(4, 6)
        grey = (levels * 255 // (len(model.labels) - 1)).astype(np.uint8)
        picture = np.kron(grey, np.ones((16, 16), np.uint8))[:, :, None].repeat(3, axis=2)
        Image.fromarray(picture).save(folder / f"{seed}.png")
        mask = model.predict(picture).one().mask
        assert len(np.unique(mask)) == len(model.labels)
        Image.fromarray(change(mask).astype(np.uint8)).save(folder / f"{seed}_mask.png")
        lines.append(f"{seed}.png {seed}_mask.png\n")
    (folder / "list.txt").write_text("".join(lines))
    return folder / "list.txt"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["evaluate", *map(str, arguments)])


def test_masks_of_0_and_255_are_never_taken_for_void_without_a_word(binary: Model, tmp_path: Path) -> None:
    data = listed(binary, tmp_path, lambda mask: mask * 255)
    found = evaluate(binary, read_list(data))
    assert found.never_true == ("lane mark",)
    assert list(found.not_counted) == [255]
    assert 0 < found.not_counted[255] < 1
    share = f"{found.not_counted[255]:.1%}"
    said = run(binary.bundle.folder, "--data", data)
    assert said.exit_code == 0
    for line in (
        f"{share} of the pixels of the masks did not count: value 255 ({share}).",
        '--truth-labels 0=background --truth-labels 255="lane mark"',
        "1 of 2 classes never occurs in the masks: lane mark.",
    ):
        assert line in said.stderr
    document = json.loads(run(binary.bundle.folder, "--data", data, "--json").stdout)
    assert document["not_counted"] == [{"value": 255, "share": round(found.not_counted[255], 6)}]
    assert document["never_true"] == ["lane mark"]


def test_words_a_file_and_a_mapping_say_which_value_is_which_class(
    binary: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = listed(binary, tmp_path, lambda mask: mask * 255)
    exact = evaluate(binary, read_list(data), truth_labels={"background": [0], "lane mark": [255]})
    assert exact.confusion.miou == 1
    assert exact.notes == ()
    (tmp_path / "truth.yaml").write_text("labels:\n  background: [0]\n  lane mark: [255]\n")
    words = ["--truth-labels", "0=background", "--truth-labels", "255=lane mark"]
    monkeypatch.setenv("HOME", str(tmp_path))
    for given in (words, ["--truth-labels", tmp_path / "truth.yaml"], ["--truth-labels", "~/truth.yaml"]):
        said = run(binary.bundle.folder, "--data", data, "--json", *given)
        assert json.loads(said.stdout)["mIoU"] == 1, said.output
    # What is not named does not count, and is told.
    half = evaluate(binary, read_list(data), truth_labels={"lane mark": [255]})
    assert list(half.not_counted) == [0]
    assert len(half.notes) == 2
    # What is said not to count does not count, whatever it is called.
    assert list(evaluate(binary, read_list(data), 255, truth_labels=tmp_path / "truth.yaml").not_counted) == [255]


def test_masks_that_count_from_1_are_noticed_and_read(six: Model, tmp_path: Path) -> None:
    data = listed(six, tmp_path, lambda mask: mask + 1)
    with pytest.raises(DatasetError, match="6 is outside the 6 classes, 0 to 5") as caught:
        evaluate(six, read_list(data))
    assert "--truth-labels from-one" in caught.value.hint
    # Where the last class never occurs only the predictions tell, also those of a model that knows half the classes.
    data = listed(six, tmp_path, lambda mask: np.where(mask == 5, 0, np.minimum(mask + 1, 3)))
    assert any("--truth-labels from-one" in note for note in evaluate(six, read_list(data)).notes)
    data = listed(six, tmp_path, lambda mask: np.where(mask == 5, 0, mask + 1))
    assert any("--truth-labels from-one" in note for note in evaluate(six, read_list(data)).notes)
    found = evaluate(six, read_list(data), truth_labels="from-one")
    assert found.confusion.accuracy == 1
    assert set(found.not_counted) <= {0}
    said = run(six.bundle.folder, "--data", data, "--truth-labels", "from-one", "--json")
    assert json.loads(said.stdout)["accuracy"] == 1


def test_masks_that_count_from_0_are_noticed_where_they_were_said_to_count_from_1(six: Model, tmp_path: Path) -> None:
    data = listed(six, tmp_path, lambda mask: mask)
    assert evaluate(six, read_list(data)).confusion.accuracy == 1
    assert any("from 0" in note for note in evaluate(six, read_list(data), truth_labels="from-one").notes)


def test_a_poor_model_is_not_taken_for_masks_that_count_from_1(six: Model, binary: Model, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for number, model in enumerate((six, binary)):
        count = len(model.labels)
        for change in (
            lambda mask, count=count: rng.integers(0, count, mask.shape),
            lambda mask, count=count: (mask + 1) % 2 if count == 2 else (mask + rng.integers(0, 3, mask.shape)) % count,
        ):
            data = listed(model, tmp_path / str(number), change)
            assert not any("from 1" in note for note in evaluate(model, read_list(data)).notes)


def test_a_value_of_no_class_is_an_error_that_names_it(six: Model, tmp_path: Path) -> None:
    data = listed(six, tmp_path, lambda mask: np.where(mask == 0, 200, mask))
    with pytest.raises(ConfigError, match="none are given"):
        evaluate(six, read_list(data), map_truth=True)
    for options in ({}, {"labels": read_mapping_of_two(), "map_truth": True}):
        with pytest.raises(DatasetError, match="200 is outside the 6 classes") as caught:
            evaluate(six, read_list(data), **options)
        assert "VALUE=CLASS" in caught.value.hint


@pytest.mark.parametrize(
    ("classes", "ignore_index", "values", "expected"),
    [
        (6, None, [0, 5, 6, 255, 65535], [0, 5, NO_CLASS, NOT_COUNTED, NOT_COUNTED]),
        (256, None, [255, 256, 65535], [255, NO_CLASS, NOT_COUNTED]),
        (6, 0, [0, 5, 255], [NOT_COUNTED, 5, NO_CLASS]),
    ],
)
def test_255_and_65535_do_not_count_unless_they_are_a_class_or_another_value_is_named(
    classes: int, ignore_index: int | None, values: list[int], expected: list[int]
) -> None:
    assert value_table(classes, classes, ignore_index, None, None)[values].tolist() == expected


def read_mapping_of_two() -> Any:
    from zoo.results.mapping import read_mapping

    return read_mapping({"labels": {"ground": ["road"], "rest": ["sky", "car", "tree", "pole", "wall"]}}, SIX)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("labels: {raod: [1]}", r"line 1: `labels.raod`: 'raod' is no class of the label set 'six'"),
        ("labels: {road: [1], sky: [2, 1]}", r"line 1: `labels.sky\[1\]` uses the value 1 twice: for 'road' and"),
        ("labels: {road: [one]}", r"`labels.road\[0\]` is 'one'; expected a whole number from 0 to 65535"),
        ("labels: {road: [70000]}", "expected a whole number from 0 to 65535"),
        ("values: {road: [1]}", "`values` is not a key"),
    ],
)
def test_a_file_of_values_that_is_wrong_is_refused_at_its_line(content: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "truth.yaml").write_text(content)
    with pytest.raises(ConfigError, match=words):
        read_truth(tmp_path / "truth.yaml", SIX)


def test_a_mapping_that_does_not_exist_is_answered_with_those_that_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="'from-on' is not a mapping of mask values") as caught:
        read_truth("from-on", SIX)
    assert "from-one" in caught.value.hint
    with pytest.raises(ConfigError) as caught:
        read_truth("x", CITYSCAPES)
    assert "VALUE=CLASS" in caught.value.hint
    said = run("starter", "--data", "x", "--truth-labels", "0=road", "--truth-labels", "from-one")
    assert said.exit_code == 2
    assert "'from-one' is not VALUE=CLASS" in said.stderr


def test_samples_that_cannot_be_used_are_passed_over_and_named_at_the_end(six: Model, tmp_path: Path) -> None:
    data = listed(six, tmp_path, lambda mask: mask)
    good = read_list(data)
    (tmp_path / "broken.png").write_bytes(b"no picture")
    Image.fromarray(np.zeros((5, 5), np.uint8)).save(tmp_path / "small.png")
    Image.fromarray(np.full((64, 96), 99, np.uint8)).save(tmp_path / "high.png")
    faulty = [
        Sample(tmp_path / "broken.png", good[0].mask),
        *(Sample(good[0].image, tmp_path / name) for name in ("broken.png", "small.png", "high.png")),
    ]
    mixed = [faulty[0], good[0], faulty[1], faulty[2], good[1], faulty[3]]
    done: list[int] = []
    found = evaluate(six, mixed, report=done.append, on_error="skip")
    assert np.array_equal(found.confusion.counts, evaluate(six, good).confusion.counts)
    assert [failure.uri for failure in found.failures] == [str(sample.image) for sample in faulty]
    assert done == [1, 2, 3, 4, 5, 6]
    assert evaluate(six, faulty, on_error="skip").notes == ()
    data.write_text("".join(f"{sample.image.name} {sample.mask.name}\n" for sample in mixed))
    said = run(six.bundle.folder, "--data", data, "--on-error", "skip", "--json")
    assert said.exit_code == 3
    for words in (
        "broken.png is not a picture",
        "mask",
        "small.png is 5x5",
        "high.png does not fit",
        "do not count: 4.",
    ):
        assert words in said.stderr
    document = json.loads(said.stdout)
    assert document["pictures"] == 2
    assert document["mIoU"] == 1
    assert len(document["failures"]) == 4


def test_samples_without_one_of_their_files_are_passed_over_in_lists_and_folders(six: Model, tmp_path: Path) -> None:
    data = listed(six, tmp_path, lambda mask: mask)
    good = read_list(data)
    data.write_text(f"{data.read_text()}gone.png {good[0].mask.name}\n{good[0].image.name} gone.png\n")
    for sample in good:
        for name, path in (("images", sample.image), ("masks", sample.mask)):
            target = tmp_path / "set" / name / "town" / sample.image.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    (tmp_path / "set/images/alone.png").write_bytes(good[0].image.read_bytes())
    (tmp_path / "set/masks/single.png").write_bytes(good[0].mask.read_bytes())
    for found, missing in (
        (data, ("gone.png does not exist", "gone.png")),
        (tmp_path / "set", ("images/single.png does not exist", "masks/alone.png")),
    ):
        assert run(six.bundle.folder, "--data", found).exit_code == 1
        said = run(six.bundle.folder, "--data", found, "--on-error", "skip", "--json")
        assert said.exit_code == 3, said.stderr
        for words in (*missing, "do not count: 2."):
            assert words in said.stderr
        document = json.loads(said.stdout)
        assert (document["pictures"], document["mIoU"], len(document["failures"])) == (2, 1, 2)
