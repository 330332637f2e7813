"""The figures of an evaluation against those of scikit-learn and SciPy, on random label maps."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage
from sklearn import metrics

from zoo.learn.evaluation import Confusion
from zoo.learn.evaluation.boundary import BoundaryCounts, near_contour
from zoo.learn.evaluation.reliability import Reliability


def label_maps(seed: int, classes: int, void: int, kind: type) -> tuple[np.ndarray, np.ndarray]:
    """Two maps that agree mostly; class 1 is never true, class 2 never predicted, class 4 neither; a tenth is void."""
    rng = np.random.default_rng(seed)
    truth = np.kron(rng.integers(0, classes, (13, 17)), np.ones((7, 5), np.intp))
    truth[np.isin(truth, (1, 4))] = 2
    predicted = np.where(rng.random(truth.shape) < 0.7, truth, rng.integers(0, classes, truth.shape))
    predicted[np.isin(predicted, (2, 4))] = 1
    truth[rng.random(truth.shape) < 0.1] = void
    return truth.astype(kind), predicted.astype(kind)


@pytest.mark.parametrize(
    ("classes", "void", "kind"), [(5, 255, np.uint8), (40, 255, np.int64), (300, 65535, np.uint16)]
)
@pytest.mark.parametrize("seed", range(3))
def test_figures_equal_those_of_scikit_learn(seed: int, classes: int, void: int, kind: type) -> None:
    truth, predicted = label_maps(seed, classes, void, kind)
    found = Confusion.empty(classes).add(truth, predicted, void)
    both, every = (truth[truth != void], predicted[truth != void]), np.arange(classes)
    assert found.counts.dtype == np.int64
    assert np.array_equal(found.counts, metrics.confusion_matrix(*both, labels=every))
    of_classes = {"labels": every, "average": None, "zero_division": 0}
    for figures, absent, expected in (
        (found.iou, [4], metrics.jaccard_score(*both, **of_classes)),
        (found.dice, [4], metrics.f1_score(*both, **of_classes)),
        (found.precision, [2, 4], metrics.precision_score(*both, **of_classes)),
        (found.recall, [1, 4], metrics.recall_score(*both, **of_classes)),
    ):
        assert set(absent) <= set(np.flatnonzero(np.isnan(figures)))
        assert (expected[np.isnan(figures)] == 0).all()
        np.testing.assert_allclose(np.nan_to_num(figures), expected, 0, 1e-12)
    true, there = np.unique(both[0]), np.unique(both)
    for figure, expected in (
        (found.accuracy, metrics.accuracy_score(*both)),
        (found.mean_accuracy, metrics.recall_score(*both, labels=true, average="macro")),
        (found.miou, metrics.jaccard_score(*both, labels=there, average="macro")),
        (found.mean_dice, metrics.f1_score(*both, labels=there, average="macro")),
        (found.frequency_weighted_iou, metrics.jaccard_score(*both, labels=true, average="weighted")),
        (found.kappa, metrics.cohen_kappa_score(*both)),
    ):
        assert figure == pytest.approx(expected, abs=1e-12)


def test_counts_stay_exact_beyond_what_floats_hold() -> None:
    many = np.int64(2**53 + 1)
    found = Confusion(np.array([[many, 1], [0, 1]]), np.array([0, 0])) + Confusion.empty(2)
    found = found.add(np.zeros((1, 2), np.uint8), np.array([[0, 255]], np.uint8), 255, 255)
    assert found.counts.tolist() == [[2**53 + 2, 1], [0, 1]]
    assert found.unknown.tolist() == [1, 0]
    assert found.true.tolist() == [2**53 + 4, 1]
    huge = Confusion(np.array([[2**61, 2**60], [2**60, 2**61]]), np.zeros(2, np.int64))
    assert (huge.accuracy, huge.kappa) == (2 / 3, 1 / 3)


def test_a_pixel_that_is_unknown_is_a_miss_and_no_find() -> None:
    truth, predicted = np.array([[0, 0, 1, 1]], np.uint8), np.array([[0, 255, 1, 1]], np.uint8)
    found = Confusion.empty(2).add(truth, predicted, 255, 255)
    assert (found.recall.tolist(), found.precision.tolist()) == ([0.5, 1], [1, 1])
    assert found.dice.tolist() == [2 / 3, 1]
    assert found.kappa == pytest.approx(metrics.cohen_kappa_score(truth[0], [0, 2, 1, 1]), abs=1e-12)
    assert np.isnan([Confusion.empty(2).kappa, Confusion.empty(2).frequency_weighted_iou]).all()


@pytest.mark.parametrize("void", [255, 5])
def test_boundary_iou_is_that_of_eroded_masks(void: int) -> None:
    """Class by class as the paper's code: erosion by 3x3 for 2 % of the diagonal, outside the picture is nothing."""
    rng = np.random.default_rng(void)
    truth = np.kron(rng.integers(0, 4, (6, 9)), np.ones((25, 30), np.uint8)).astype(np.uint8)
    predicted = np.roll(truth, (3, -2), (0, 1))
    truth[40:60, 100:140] = void
    found = BoundaryCounts.empty(5).add(truth, predicted, void)
    distance = round(0.02 * np.hypot(*truth.shape))
    assert distance == 6
    for value in range(4):
        bands = []
        for mask in (truth == value, (predicted == value) & (truth != void)):
            inner = ndimage.binary_erosion(mask, np.ones((3, 3)), distance, border_value=0)
            bands.append(mask & ~inner)
        one, other = bands
        assert found.both[value] == (one & other).sum()
        assert found.iou[value] == (one & other).sum() / (one | other).sum()
    assert np.isnan(found.iou[4])
    assert found.miou == np.mean(found.iou[:4])
    right = np.where(truth == void, 3, truth)
    assert (BoundaryCounts.empty(4).add(truth, right, void).iou == 1).all()
    assert near_contour(np.zeros((9, 4), np.uint8), 2).all()


def test_calibration_is_how_far_scores_and_accuracy_are_apart() -> None:
    rng = np.random.default_rng(0)
    scores = rng.random((50, 60)).astype(np.float32)
    scores[0, :2] = 0, 1
    right, counted = rng.random(scores.shape) < scores**2, rng.random(scores.shape) < 0.9
    half = Reliability.empty().add(right[:25], scores[:25], counted[:25])
    found = half.add(right[25:], scores[25:], counted[25:])
    expected, total = 0.0, counted.sum()
    for number in range(15):
        inside = counted & (scores >= number / 15) & ((scores < (number + 1) / 15) | (number == 14))
        expected += inside.sum() / total * abs(right[inside].mean() - scores[inside].mean())
        assert found.accuracy[number] == right[inside].mean()
        assert found.score[number] == pytest.approx(scores[inside].mean(), abs=1e-6)
    assert found.error == pytest.approx(expected, abs=1e-6)
    assert expected > 0.1
    assert np.isnan(Reliability.empty().error)
