"""Training: lists, augmentation, losses, metrics, and runs that can be interrupted."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import paddle
import pytest
from paddle.nn import functional as F
from PIL import Image

from support import small_network
from zoo.contract.recipe import (
    SGD,
    AdamW,
    Augmentation,
    CrossEntropy,
    OhemCrossEntropy,
    PolynomialDecay,
    Recipe,
)
from zoo.errors import CheckpointError, DatasetError, TrainingError
from zoo.learn.data import (
    Sample,
    read_list,
)
from zoo.learn.evaluation import Confusion
from zoo.learn.training import (
    Progress,
    load_checkpoint,
    newest_checkpoint,
    train,
)
from zoo.learn.training.augment import augment
from zoo.learn.training.losses import total_loss
from zoo.testing.scenes import draw_scene

PLAIN = Augmentation(scale=(1.0, 1.0), flip=0.0, brightness=0.0, contrast=0.0, saturation=0.0)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dataset")
    for seed in range(6):
        scene = draw_scene(seed, 72, 96)
        Image.fromarray(scene.image).save(folder / f"{seed}.jpg", quality=95)
        Image.fromarray(scene.mask).save(folder / f"{seed}.png")
    (folder / "train.txt").write_text("".join(f"{seed}.jpg {seed}.png\n" for seed in range(6)) + "\n")
    return folder


def recipe(**changes) -> Recipe:
    losses = (CrossEntropy(), CrossEntropy(0.4, stride=0), CrossEntropy(0.4, stride=0))
    plain = Recipe(6, 2, (64, 64), AdamW(), PolynomialDecay(0.002), losses, ema=0.9)
    return replace(plain, **changes)


def run(folder: Path, dataset: Path, settings: Recipe, **options):
    return train(
        small_network(11),
        read_list(dataset / "train.txt"),
        settings,
        folder,
        workers=0,
        **options,
    )


def test_a_list_file_gives_its_samples_in_order(dataset: Path) -> None:
    samples = read_list(dataset / "train.txt")
    assert [sample.image.name for sample in samples] == [f"{seed}.jpg" for seed in range(6)]
    image, mask = samples[0].load()
    assert image.shape == (72, 96, 3)
    np.testing.assert_array_equal(mask, draw_scene(0, 72, 96).mask)


def test_every_fault_of_a_list_file_is_named_at_once(dataset: Path) -> None:
    (dataset / "bad.txt").write_text("0.jpg 0.png\n1.jpg\n2.jpg nowhere.png\nnothing.jpg 3.png\n")
    with pytest.raises(DatasetError) as caught:
        read_list(dataset / "bad.txt")
    for fault in ("line 2 has 1 columns", "line 3: ", "nowhere.png does not exist", "line 4: ", "nothing.jpg"):
        assert fault in caught.value.message
    (dataset / "empty.txt").write_text("\n")
    with pytest.raises(DatasetError, match="names no picture"):
        read_list(dataset / "empty.txt")
    with pytest.raises(DatasetError, match="cannot be read"):
        read_list(dataset / "missing.txt")


def test_a_mask_of_another_size_or_kind_is_refused(dataset: Path, tmp_path: Path) -> None:
    Image.new("L", (10, 10)).save(tmp_path / "small.png")
    with pytest.raises(DatasetError, match=r"72x96 but its mask .* 10x10"):
        Sample(dataset / "0.jpg", tmp_path / "small.png").load()
    Image.new("RGB", (96, 72)).save(tmp_path / "rgb.png")
    with pytest.raises(DatasetError, match="pixel mode RGB"):
        Sample(dataset / "0.jpg", tmp_path / "rgb.png").load()
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    with pytest.raises(DatasetError, match="cannot be read"):
        Sample(dataset / "0.jpg", tmp_path / "broken.png").load()


def test_augmentation_keeps_image_and_mask_together() -> None:
    mask = np.random.default_rng(0).integers(0, 11, (50, 70)).astype(np.uint8).repeat(2, 0).repeat(2, 1)
    image = np.repeat(mask[:, :, None] * 20, 3, axis=2)
    flipping = replace(PLAIN, flip=0.5)
    flipped = 0
    for seed in range(20):
        got, labels = augment(image, mask, flipping, (40, 60), 255, np.random.default_rng(seed))
        assert got.shape == (40, 60, 3)
        np.testing.assert_array_equal(got[:, :, 0], labels * 20)
        flipped += not any(
            np.array_equal(row, labels[0]) for row in np.lib.stride_tricks.sliding_window_view(mask, 60, 1)[0]
        )
    assert mask.shape == (100, 140)
    assert flipped > 0


def test_small_pictures_are_padded_with_the_ignore_index() -> None:
    image, mask = np.full((10, 12, 3), 9, np.uint8), np.full((10, 12), 3, np.uint8)
    got, labels = augment(image, mask, PLAIN, (16, 20), 255, np.random.default_rng(0))
    assert got.shape == (16, 20, 3)
    assert (labels[:10, :12] == 3).all()
    assert (labels[10:] == 255).all()
    assert (labels[:, 12:] == 255).all()


def test_augmentation_follows_from_its_generator_alone() -> None:
    scene = draw_scene(1, 72, 96)
    first, again, other = (
        augment(scene.image, scene.mask, Augmentation(), (48, 48), 255, np.random.default_rng(seed))
        for seed in (4, 4, 5)
    )
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert not np.array_equal(first[0], other[0])


def test_cross_entropy_is_the_mean_over_labelled_pixels() -> None:
    rng = np.random.default_rng(0)
    logits, mask = rng.standard_normal((2, 5, 4, 6)).astype(np.float32), rng.integers(0, 5, (2, 4, 6))
    mask[0, :2] = 255
    logarithm = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    picked = np.take_along_axis(logarithm, np.where(mask == 255, 0, mask)[:, None], 1)[:, 0]
    expected = -picked[mask != 255].mean()
    got = total_loss([paddle.to_tensor(logits)], paddle.to_tensor(mask), [CrossEntropy(2.0)], 255)
    assert float(got) == pytest.approx(2 * expected, rel=1e-5)
    weights = (1.0, 2.0, 3.0, 4.0, 5.0)
    weighted = np.asarray(weights)[mask[mask != 255]]
    got = total_loss([paddle.to_tensor(logits)], paddle.to_tensor(mask), [CrossEntropy(class_weights=weights)], 255)
    assert float(got) == pytest.approx(float(-(picked[mask != 255] * weighted).sum() / weighted.sum()), rel=1e-5)


def test_ohem_counts_only_the_hardest_pixels() -> None:
    logits = np.zeros((1, 2, 1, 4), np.float32)
    logits[0, 0, 0] = [4.0, 0.0, -1.0, 5.0]  # probability of class 0: 0.98, 0.5, 0.27, 0.99
    mask = paddle.zeros([1, 1, 4], dtype="int64")
    hard = [float(F.cross_entropy(paddle.to_tensor(logits[:, :, 0, i]), mask[0, 0, :1])) for i in (1, 2)]
    got = total_loss([paddle.to_tensor(logits)], mask, [OhemCrossEntropy(0.7, min_kept=1)], 255)
    assert float(got) == pytest.approx(np.mean(hard), rel=1e-5)
    all_kept = total_loss([paddle.to_tensor(logits)], mask, [OhemCrossEntropy(0.7, min_kept=100)], 255)
    assert float(all_kept) < float(got)


def test_a_crop_without_labels_costs_nothing() -> None:
    mask = paddle.full([1, 4, 4], 255, dtype="int64")
    for loss in (CrossEntropy(), CrossEntropy(stride=0), OhemCrossEntropy()):
        logits = paddle.randn([1, 3, 2, 2])
        logits.stop_gradient = False
        total = total_loss([logits], mask, [loss], 255)
        total.backward()
        assert float(total) == 0.0
        assert not logits.grad.numpy().any()


def test_schedules_warm_up_and_decay_as_stated() -> None:
    schedule = PolynomialDecay(0.01, power=0.9, end=0.001, warmup_iterations=10, warmup_start=1e-5)
    assert schedule.rate(0, 110) == 1e-5
    assert schedule.rate(5, 110) == pytest.approx((0.01 + 1e-5) / 2)
    assert schedule.rate(10, 110) == pytest.approx(0.01)
    assert schedule.rate(60, 110) == pytest.approx(0.009 * 0.5**0.9 + 0.001)
    assert schedule.rate(110, 110) == pytest.approx(0.001)


def test_iou_of_a_matrix_done_by_hand() -> None:
    truth = np.array([[0, 0, 1, 1, 255]], np.uint8)
    predicted = np.array([[0, 1, 1, 1, 2]], np.uint8)
    confusion = Confusion.empty(4).add(truth, predicted, 255)
    np.testing.assert_allclose(confusion.iou, [1 / 2, 2 / 3, np.nan, np.nan])
    assert confusion.miou == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert confusion.accuracy == 0.75
    assert np.isnan(Confusion.empty(3).miou)
    with pytest.raises(ValueError, match="class value 9 is outside the 4 classes"):
        Confusion.empty(4).add(np.full((1, 1), 9, np.uint8), np.zeros((1, 1), np.uint8), 255)


def test_training_lowers_the_loss(dataset: Path, tmp_path: Path) -> None:
    reports: list[Progress] = []
    settings = recipe(iterations=30, augmentation=PLAIN, schedule=PolynomialDecay(0.01))
    run(tmp_path, dataset, settings, report=reports.append, report_every=10)
    assert [report.iteration for report in reports] == [10, 20, 30]
    assert reports[-1].loss < 0.75 * reports[0].loss


@pytest.mark.parametrize("optimizer", [AdamW(), SGD(0.9, 1e-4)])
def test_an_interrupted_run_ends_as_if_it_had_not_been(dataset: Path, tmp_path: Path, optimizer) -> None:
    settings = recipe(optimizer=optimizer)
    whole = run(tmp_path / "whole", dataset, settings, checkpoint_every=4)
    for name in ("iter_0000006",):
        os.rename(tmp_path / "whole" / name, tmp_path / "last")
    resumed = run(tmp_path / "whole", dataset, settings, checkpoint_every=4)
    assert resumed.iteration == whole.iteration == 6
    for name, value in whole.model.items():
        np.testing.assert_array_equal(value, resumed.model[name], err_msg=name)
    for name, value in whole.average.items():
        np.testing.assert_allclose(value, resumed.average[name], rtol=1e-6, err_msg=name)


def test_a_checkpoint_of_another_run_is_refused(dataset: Path, tmp_path: Path) -> None:
    run(tmp_path, dataset, recipe(iterations=1))
    with pytest.raises(CheckpointError, match="recipe"):
        run(tmp_path, dataset, recipe(iterations=2))
    with pytest.raises(CheckpointError, match="seed = 0, this run has 1"):
        run(tmp_path, dataset, recipe(iterations=1), seed=1)


def test_a_half_written_checkpoint_is_not_seen(dataset: Path, tmp_path: Path) -> None:
    run(tmp_path, dataset, recipe(iterations=2), checkpoint_every=1)
    (tmp_path / "iter_0000009").mkdir()
    (tmp_path / ".iter_0000010.1.part").mkdir()
    found = newest_checkpoint(tmp_path)
    assert found is not None
    assert found.iteration == 2
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_checkpoint(tmp_path / "iter_0000009")
    (tmp_path / "iter_0000002" / "model.safetensors").write_bytes(b"\0" * 10)
    with pytest.raises(CheckpointError, match="older checkpoint"):
        newest_checkpoint(tmp_path)


def test_a_loss_that_is_no_number_stops_the_run_and_is_explained(dataset: Path, tmp_path: Path) -> None:
    settings = recipe(iterations=20, optimizer=SGD(), schedule=PolynomialDecay(1e30))
    with pytest.raises(TrainingError, match=r"The loss is (nan|inf) at iteration \d+, learning rate"):
        run(tmp_path, dataset, settings)


def test_the_number_of_losses_must_be_the_number_of_heads(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="3 outputs in training but the recipe 1 losses"):
        run(tmp_path, dataset, recipe(losses=(CrossEntropy(),)))
