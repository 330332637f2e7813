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

import zoo
from scenes import draw_scene
from support import small_network
from zoo.contract.recipe import (
    SGD,
    AdamW,
    Augmentation,
    CrossEntropy,
    Dice,
    Lovasz,
    OhemCrossEntropy,
    ParameterGroup,
    PolynomialDecay,
    Recipe,
)
from zoo.errors import BundleError, CheckpointError, ConfigError, DatasetError, TrainingError
from zoo.learn.data import Sample, read_list
from zoo.learn.evaluation import Confusion, evaluate
from zoo.learn.examples.augment import augment
from zoo.learn.export import export_bundle
from zoo.learn.training import Checkpoint, Progress, load_checkpoint, newest_checkpoint, train
from zoo.learn.training.losses import total_loss
from zoo.testing import FamilyContract

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
    for fault in ("line 2: it has 1 columns", "line 3: ", "nowhere.png does not exist", "line 4: ", "nothing.jpg"):
        assert fault in caught.value.message
    (dataset / "empty.txt").write_text("\n")
    with pytest.raises(DatasetError, match="names no picture"):
        read_list(dataset / "empty.txt")
    with pytest.raises(DatasetError, match="does not exist"):
        read_list(dataset / "missing.txt")


def test_a_mask_of_another_size_or_kind_is_refused(dataset: Path, tmp_path: Path) -> None:
    Image.new("L", (10, 10)).save(tmp_path / "small.png")
    with pytest.raises(DatasetError, match=r"72x96 but its mask .* 10x10"):
        Sample(dataset / "0.jpg", tmp_path / "small.png").load()
    Image.new("RGB", (96, 72), (1, 2, 3)).save(tmp_path / "rgb.png")
    with pytest.raises(DatasetError, match="it is in colours"):
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
        # Masks of 16 bits too.
        mask = mask.astype(np.uint16 if seed % 2 else np.uint8)
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


def test_a_scale_step_gives_the_listed_factors_and_no_others() -> None:
    image, mask = np.zeros((80, 80, 3), np.uint8), np.zeros((80, 80), np.uint8)
    seen: set[int] = set()
    for seed in range(200):
        rng = np.random.default_rng(seed)
        _, labels = augment(image, mask, replace(PLAIN, scale=(0.125, 1.5), scale_step=0.125), (120, 120), 255, rng)
        seen.add(int((labels[:, 0] == 0).sum()))  # what is not padded is the scaled picture
    assert seen == {10 * step for step in range(1, 13)}


@pytest.mark.parametrize("change", ["brightness", "contrast", "saturation", "hue"])
@pytest.mark.parametrize(("probability", "shares"), [(0.0, (0, 0)), (0.5, (0.3, 0.7)), (1.0, (0.98, 1))])
def test_a_colour_change_has_a_probability_of_its_own(change: str, probability: float, shares) -> None:
    scene = draw_scene(1, 48, 48)
    strength = 90.0 if change == "hue" else 0.5
    settings = replace(PLAIN, **{change: strength, f"{change}_probability": probability})
    pictures = [
        augment(scene.image, scene.mask, settings, (48, 48), 255, np.random.default_rng(seed))[0] for seed in range(100)
    ]
    changed = sum(not np.array_equal(picture, scene.image) for picture in pictures) / len(pictures)
    assert shares[0] <= changed <= shares[1]


def test_hue_turns_colours_and_leaves_grey_alone() -> None:
    grey = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)
    red = np.full((16, 16, 3), (255, 0, 0), np.uint8)
    mask = np.zeros((16, 16), np.uint8)
    seen: set[tuple[int, ...]] = set()
    for seed in range(50):
        for image in (grey, red):
            settings, rng = replace(PLAIN, hue=60.0), np.random.default_rng(seed)
            picture, _ = augment(image, mask, settings, (16, 16), 255, rng)
            if image is grey:
                np.testing.assert_array_equal(picture, grey)
            else:
                seen.add(tuple(picture[0, 0].tolist()))
    # From magenta through red to yellow: red stays the largest channel, and there is never green and blue together.
    assert all(red == 255 and min(green, blue) == 0 for red, green, blue in seen)
    assert max(green for _, green, _ in seen) > 200
    assert max(blue for _, _, blue in seen) > 200


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: Augmentation(hue_probability=1.5), "hue_probability is 1.5"),
        (lambda: Augmentation(flip=-0.1), "flip is -0.1"),
        (lambda: Augmentation(scale=(2.0, 0.5)), r"scale is \(2.0, 0.5\) in steps of 0.0"),
        (lambda: Augmentation(scale_step=-1), "in steps of -1"),
        (lambda: ParameterGroup("norm["), r"pattern is 'norm\['; a regular expression was expected"),
        (lambda: ParameterGroup("norm", weight_decay=-1), "weight_decay -1"),
        (lambda: recipe(devices=0), "devices 0"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(wrong, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        wrong()


def test_cross_entropy_is_the_mean_over_labelled_pixels() -> None:
    rng = np.random.default_rng(0)
    logits, mask = rng.standard_normal((2, 5, 4, 6)).astype(np.float32), rng.integers(0, 5, (2, 4, 6))
    mask[0, :2] = 255
    logarithm = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    picked = np.take_along_axis(logarithm, np.where(mask == 255, 0, mask)[:, None], 1)[:, 0]
    expected = -picked[mask != 255].mean()
    got = total_loss([paddle.to_tensor(logits)], paddle.to_tensor(mask), [[CrossEntropy(2.0)]], 255)
    assert float(got) == pytest.approx(2 * expected, rel=1e-5)
    weights = (1.0, 2.0, 3.0, 4.0, 5.0)
    weighted = np.asarray(weights)[mask[mask != 255]]
    got = total_loss([paddle.to_tensor(logits)], paddle.to_tensor(mask), [[CrossEntropy(class_weights=weights)]], 255)
    assert float(got) == pytest.approx(float(-(picked[mask != 255] * weighted).sum() / weighted.sum()), rel=1e-5)


def test_ohem_counts_only_the_hardest_pixels() -> None:
    logits = np.zeros((1, 2, 1, 4), np.float32)
    logits[0, 0, 0] = [4.0, 0.0, -1.0, 5.0]  # probability of class 0: 0.98, 0.5, 0.27, 0.99
    mask = paddle.zeros([1, 1, 4], dtype="int64")
    hard = [float(F.cross_entropy(paddle.to_tensor(logits[:, :, 0, i]), mask[0, 0, :1])) for i in (1, 2)]
    got = total_loss([paddle.to_tensor(logits)], mask, [[OhemCrossEntropy(0.7, min_kept=1)]], 255)
    assert float(got) == pytest.approx(np.mean(hard), rel=1e-5)
    all_kept = total_loss([paddle.to_tensor(logits)], mask, [[OhemCrossEntropy(0.7, min_kept=100)]], 255)
    assert float(all_kept) < float(got)


def test_a_crop_without_labels_costs_nothing() -> None:
    mask = paddle.full([1, 4, 4], 255, dtype="int64")
    for loss in (CrossEntropy(), CrossEntropy(stride=0), OhemCrossEntropy(), Dice(), Lovasz()):
        logits = paddle.randn([1, 3, 2, 2])
        logits.stop_gradient = False
        total = total_loss([logits], mask, [[loss]], 255)
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


class Pair(paddle.nn.Layer):
    """Two classifiers of a pixel side by side, and a weight that has no influence, so that its gradient is zero."""

    def __init__(self) -> None:
        super().__init__()
        paddle.seed(5)
        self.body = paddle.nn.Conv2D(3, 11, 1)
        self.head = paddle.nn.Conv2D(3, 11, 1)
        self.idle = self.create_parameter([4], default_initializer=paddle.nn.initializer.Constant(1.0))
        self.head.set_state_dict(self.body.state_dict())

    def forward(self, pictures: paddle.Tensor) -> list[paddle.Tensor]:
        return [self.body(pictures) + self.head(pictures) + 0 * self.idle.sum()]


def weights_after(folder: Path, dataset: Path, **changes) -> dict[str, np.ndarray]:
    """What a short run makes of `Pair`."""
    settings = {"iterations": 3, "losses": (CrossEntropy(),), "schedule": PolynomialDecay(0.1, power=0.0), "ema": 0.0}
    trained = train(Pair(), read_list(dataset / "train.txt"), recipe(**{**settings, **changes}), folder, workers=0)
    return trained.model


@pytest.mark.parametrize("optimizer", [SGD(0.9, 0.5), AdamW(weight_decay=0.5)])
def test_a_group_has_a_weight_decay_of_its_own(dataset: Path, tmp_path: Path, optimizer) -> None:
    def idle(name: str, *groups: ParameterGroup) -> float:
        weights = weights_after(tmp_path / name, dataset, optimizer=optimizer, groups=groups)
        return float(weights["idle"][0])

    decayed = idle("plain")
    assert decayed < 0.9
    assert idle("other", ParameterGroup("body", weight_decay=0.0)) == decayed
    assert idle("none", ParameterGroup("^idle$", weight_decay=0.0)) == 1.0
    assert decayed < idle("less", ParameterGroup("idle", weight_decay=0.1)) < 1.0
    assert idle("first", ParameterGroup("idle", weight_decay=0.0), ParameterGroup("id|head", weight_decay=9.0)) == 1.0


def test_a_group_has_a_learning_rate_of_its_own(dataset: Path, tmp_path: Path) -> None:
    start = Pair().state_dict()
    plain = {"iterations": 1, "optimizer": SGD(0.0, 0.0)}
    moved = weights_after(
        tmp_path / "ten", dataset, **plain, groups=(ParameterGroup("head", 10), ParameterGroup("body.bias", 0))
    )
    body, head = (moved[f"{name}.weight"] - start[f"{name}.weight"].numpy() for name in ("body", "head"))
    assert np.abs(body).max() > 1e-3
    np.testing.assert_allclose(head, 10 * body, rtol=1e-3, atol=1e-5)
    np.testing.assert_array_equal(moved["body.bias"], start["body.bias"].numpy())


def test_what_is_left_as_it_is_takes_from_groups_that_a_model_declares(dataset: Path, tmp_path: Path) -> None:
    start = Pair().state_dict()
    groups = (ParameterGroup("body", 0, 0), ParameterGroup("body.bias", weight_decay=0.0))
    moved = weights_after(tmp_path, dataset, iterations=1, optimizer=SGD(0.0, 0.0), groups=groups)
    assert [name for name in start if not np.array_equal(moved[name], start[name].numpy())] == [
        "head.weight",
        "head.bias",
    ]


@pytest.mark.parametrize("optimizer", [SGD(0.9, 1e-4), AdamW()])
def test_a_group_of_everything_with_factor_1_changes_nothing(dataset: Path, tmp_path: Path, optimizer) -> None:
    plain = weights_after(tmp_path / "plain", dataset, optimizer=optimizer)
    grouped = weights_after(tmp_path / "one", dataset, optimizer=optimizer, groups=(ParameterGroup(""),))
    for name, value in plain.items():
        np.testing.assert_array_equal(value, grouped[name], err_msg=name)


@pytest.mark.parametrize(
    "groups", [(ParameterGroup("encoder"),), (ParameterGroup("head"), ParameterGroup("head.weight"))]
)
def test_a_group_without_a_parameter_is_refused(dataset: Path, tmp_path: Path, groups) -> None:
    with pytest.raises(TrainingError, match=f"No parameter belongs to the group '{groups[-1].pattern}'"):
        weights_after(tmp_path, dataset, groups=groups)


def recipe_of_nothing(name: str) -> Recipe:
    """The recipe of a plugin with a group that no parameter belongs to."""
    return recipe(groups=(ParameterGroup("nothing"),), source="here")


def test_the_contract_of_families_finds_a_group_without_a_parameter() -> None:
    class Odd(FamilyContract):
        entry_point = "pp-liteseg"

        @property
        def cards(self):
            return [(replace(family, recipe=f"{__name__}:recipe_of_nothing"), card) for family, card in super().cards]

        def tiny(self, card, num_classes: int):
            return small_network(num_classes)

    with pytest.raises(TrainingError, match="No parameter belongs to the group 'nothing'"):
        Odd().test_recipes_fit_the_networks()


def test_a_step_on_several_devices_is_one_on_all_their_pictures(dataset: Path, tmp_path: Path) -> None:
    plain = {"optimizer": SGD(0.9, 0.0), "augmentation": PLAIN}
    together = weights_after(tmp_path / "together", dataset, **plain, batch_size=6)
    apart = weights_after(tmp_path / "apart", dataset, **plain, batch_size=2, devices=3)
    for name, value in together.items():
        np.testing.assert_allclose(apart[name], value, rtol=1e-4, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("optimizer", [AdamW(), SGD(0.9, 1e-4)])
def test_an_interrupted_run_ends_as_if_it_had_not_been(dataset: Path, tmp_path: Path, optimizer) -> None:
    everything = Augmentation(scale_step=0.5, hue=18.0, hue_probability=0.5, contrast_probability=0.5)
    groups = (ParameterGroup("bn|_batch_norm", weight_decay=0.0), ParameterGroup("seg_heads", 10, 0.1))
    settings = recipe(optimizer=optimizer, augmentation=everything, groups=groups, devices=2)
    whole = run(tmp_path / "whole", dataset, settings, checkpoint_every=4)
    os.rename(tmp_path / "whole" / "iter_0000006", tmp_path / "last")
    resumed = run(tmp_path / "whole", dataset, settings, checkpoint_every=4)
    assert resumed.iteration == whole.iteration == 6
    for name, value in whole.model.items():
        np.testing.assert_array_equal(value, resumed.model[name], err_msg=name)
    for name, value in whole.average.items():
        np.testing.assert_allclose(value, resumed.average[name], rtol=1e-6, err_msg=name)


@pytest.mark.parametrize("optimizer", [AdamW(), SGD(0.9, 1e-4)])
def test_a_run_is_resumed_with_the_network_that_was_interrupted(dataset: Path, tmp_path: Path, optimizer) -> None:
    def stop(progress: Progress) -> None:
        if progress.iteration == 3:
            paddle.add_n([logits.sum() for logits in network(paddle.ones([2, 3, 64, 64]))]).backward()
            raise KeyboardInterrupt  # as in the middle of a step, when there are gradients

    settings, network, samples = recipe(optimizer=optimizer), small_network(11), read_list(dataset / "train.txt")
    whole = run(tmp_path / "whole", dataset, settings)
    often = {"checkpoint_every": 2, "report_every": 1, "workers": 0}
    with pytest.raises(KeyboardInterrupt):
        train(network, samples, settings, tmp_path / "run", report=stop, **often)
    resumed = train(network, samples, settings, tmp_path / "run", **often)
    for name, value in whole.model.items():
        np.testing.assert_array_equal(value, resumed.model[name], err_msg=name)


def test_a_checkpoint_of_another_run_is_refused(dataset: Path, tmp_path: Path) -> None:
    run(tmp_path, dataset, recipe(iterations=1))
    with pytest.raises(CheckpointError, match="recipe"):
        run(tmp_path, dataset, recipe(iterations=2))
    with pytest.raises(CheckpointError, match="seed = 0, this run has 1"):
        run(tmp_path, dataset, recipe(iterations=1), seed=1)


# On two cores it takes long: `make test-all`.
@pytest.mark.full
def test_a_range_of_values_goes_from_training_into_the_export_and_its_predictions(tmp_path: Path, seven_labels) -> None:
    scene = draw_scene(1, 72, 96)
    grey = scene.image[:, :, 0]
    folders = {"narrow": grey, "wide": grey.astype(np.uint16) * 8}
    for name, image in folders.items():
        (tmp_path / name).mkdir()
        Image.fromarray(image).save(tmp_path / name / "a.png")
        Image.fromarray(scene.mask % 7).save(tmp_path / name / "b.png")
        (tmp_path / name / "train.txt").write_text("a.png b.png")
    checkpoints = {}
    for name, value_range in (("narrow", None), ("wide", (0, 2040))):
        checkpoints[name] = train(
            network := small_network(),
            read_list(tmp_path / name / "train.txt"),
            recipe(iterations=2),
            tmp_path / f"run {name}",
            value_range=value_range,
            workers=0,
        )
    assert checkpoints["narrow"].value_range is None
    for name, array in checkpoints["narrow"].model.items():
        assert np.array_equal(array, checkpoints["wide"].model[name])
    kept = newest_checkpoint(tmp_path / "run wide")
    assert kept is not None
    assert kept.value_range == (0, 2040)
    with pytest.raises(CheckpointError, match=r"value_range = \[0"):
        train(
            network, read_list(tmp_path / "wide" / "train.txt"), recipe(iterations=2), tmp_path / "run wide", workers=0
        )

    folder = tmp_path / "model"
    export_bundle(network, folder, model="m", labels=seven_labels, value_range=kept.value_range)
    with zoo.load(folder, threads=1) as model:
        expected = model.predict(tmp_path / "narrow" / "a.png").one().mask
        result = model.predict(tmp_path / "wide" / "a.png").one()
        other = model.predict(tmp_path / "wide" / "a.png", value_range=(0, 65535)).one()
        assert np.array_equal(model.predict(folders["wide"]).one().mask, expected)
        figures = [evaluate(model, read_list(tmp_path / name / "train.txt")).confusion.counts for name in folders]
    assert np.array_equal(result.mask, expected)
    assert "values 0 to 2040 as black to white" in result.note
    assert not np.array_equal(other.mask, expected)
    assert np.array_equal(*figures)

    settings = folder / "inference.yml"
    settings.write_text(settings.read_text().replace("2040", "-1"))
    with pytest.raises(BundleError, match=r"value_range.*a higher one, of white"):
        zoo.read_bundle(folder)
    with pytest.raises(ConfigError, match="value_range"):
        export_bundle(network, tmp_path / "never", model="m", labels=seven_labels, value_range=(5, 5))


def test_a_half_written_checkpoint_is_not_seen(dataset: Path, tmp_path: Path) -> None:
    run(tmp_path, dataset, recipe(iterations=2), checkpoint_every=1)
    (tmp_path / "iter_0000009").mkdir()
    (tmp_path / ".zoo-000000000000.part").mkdir()
    found = newest_checkpoint(tmp_path)
    assert found is not None
    assert found.iteration == 2
    with pytest.raises(CheckpointError, match="does not exist"):
        load_checkpoint(tmp_path / "iter_0000009")
    (tmp_path / "iter_0000002" / "model.safetensors").write_bytes(b"\0" * 10)
    found = newest_checkpoint(tmp_path)
    assert found is not None
    assert found.iteration == 1
    (tmp_path / "iter_0000001" / "model.safetensors").write_bytes(b"")
    with pytest.raises(CheckpointError, match="older checkpoint"):
        newest_checkpoint(tmp_path)


@pytest.mark.parametrize("optimizer", [SGD(), AdamW()])
@pytest.mark.parametrize(
    ("rate", "bad"), [(1e9, r"model:[\w.]+_variance"), (1e12, r"gradient:[\w.]+weight"), (1e30, "loss")]
)
def test_a_run_that_diverges_stops_and_keeps_its_last_good_checkpoint(
    dataset: Path, tmp_path: Path, optimizer, rate: float, bad: str
) -> None:
    settings = recipe(iterations=20, optimizer=optimizer, schedule=PolynomialDecay(rate))
    with pytest.raises(TrainingError, match=rf"diverged: '{bad}' is not finite at iteration 2, learning rate 9\."):
        run(tmp_path, dataset, settings, checkpoint_every=1)
    kept = newest_checkpoint(tmp_path)
    assert kept is not None
    assert kept.iteration == 1
    assert all(np.isfinite(value).all() for part in (kept.model, kept.average) for value in part.values())


@pytest.mark.parametrize("part", ["model", "average", "optimizer"])
def test_a_checkpoint_names_its_first_array_that_is_not_finite(part: str) -> None:
    good = {"a": np.ones(3, np.float32), "count": np.array([2])}
    checkpoint = Checkpoint(1, good, good, good, {})
    assert checkpoint.first_not_finite() is None
    bad = {**good, "b": np.array([0, np.nan]), "c": np.array([np.inf])}
    assert replace(checkpoint, **{part: bad}).first_not_finite() == f"{part}:b"


def test_the_number_of_losses_must_be_the_number_of_heads(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="3 heads in training, and there are losses for 1"):
        run(tmp_path, dataset, recipe(losses=(CrossEntropy(),)))
