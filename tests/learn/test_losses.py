"""Losses of overlap against a reference that follows the papers word by word, and their gradients."""

from __future__ import annotations

import numpy as np
import paddle
import pytest
from numpy.typing import NDArray

from zoo.contract.recipe import CrossEntropy, Dice, Loss, Lovasz
from zoo.errors import ConfigError
from zoo.learn.training.losses import total_loss


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    exponents = np.exp(logits - logits.max(1, keepdims=True))
    return exponents / exponents.sum(1, keepdims=True)


def reference(logits: NDArray[np.float64], mask: NDArray[np.int64], loss: Loss) -> float:
    """The loss at the size of the logits, in float64, a class and a pixel at a time."""
    counted = mask != 255
    probabilities = np.moveaxis(softmax(logits), 1, 0)[:, counted]
    classes = mask[counted]
    found: list[float] = []
    for number, own in enumerate(probabilities):
        truth = classes == number
        if not truth.any():
            continue
        if isinstance(loss, Dice):
            top = 2 * own[truth].sum() + loss.smooth
            found.append(1 - top / (own.sum() + truth.sum() + loss.smooth))
            continue
        # The Jaccard loss of the set of the k pixels with the largest errors, and what the k-th adds to it.
        errors = np.abs(truth - own)
        order = np.argsort(-errors, kind="stable")
        before, total = 0.0, 0.0
        for k in range(1, len(order) + 1):
            wrong = order[:k]
            missed, added = truth[wrong].sum(), (~truth[wrong]).sum()
            now = 1 - (truth.sum() - missed) / (truth.sum() + added)
            total += errors[order[k - 1]] * (now - before)
            before = now
        found.append(total)
    return loss.weight * float(np.mean(found)) if found else 0.0


def ours(logits: NDArray[np.float64], mask: NDArray[np.int64], loss: Loss) -> tuple[float, NDArray[np.float32]]:
    tensor = paddle.to_tensor(logits.astype(np.float32), stop_gradient=False)
    total = total_loss([tensor], paddle.to_tensor(mask), [[loss]], 255)
    total.backward()
    return float(total), tensor.grad.numpy()


def scene() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Two small pictures of five classes, of which class 3 is never right, with pixels that do not count."""
    rng = np.random.default_rng(4)
    mask = rng.integers(0, 4, (2, 5, 6))
    mask[mask == 3] = 4
    mask[0, :2, 1:4] = 255
    return rng.standard_normal((2, 5, 5, 6)).astype(np.float32).astype(np.float64), mask


@pytest.mark.parametrize("loss", [Dice(), Dice(0.5, smooth=0.0), Dice(2.0, 30.0), Lovasz(), Lovasz(0.25)], ids=str)
def test_losses_of_overlap_are_those_of_the_papers_and_so_are_their_gradients(loss: Loss) -> None:
    logits, mask = scene()
    value, gradient = ours(logits, mask, loss)
    assert value == pytest.approx(reference(logits, mask, loss), rel=1e-5)
    step = 1e-6
    for index in np.ndindex(logits.shape):
        moved = [logits.copy(), logits.copy()]
        moved[0][index] += step
        moved[1][index] -= step
        slope = (reference(moved[0], mask, loss) - reference(moved[1], mask, loss)) / (2 * step)
        assert gradient[index] == pytest.approx(slope, rel=2e-3, abs=1e-6), index
    # Pixels that do not count have no say, whatever is predicted there.
    assert not gradient[0][:, mask[0] == 255].any()
    logits[0][:, mask[0] == 255] += 7
    assert ours(logits, mask, loss)[0] == pytest.approx(value, rel=1e-6)


def test_losses_of_overlap_of_four_pixels_done_by_hand() -> None:
    # The probabilities of class 1 are 0.8, 0.6, 0.3 and 0.9; right are 1, 0, 0 and, not counted, 255.
    one = np.array([0.8, 0.6, 0.3, 0.9])
    logits = np.stack([np.log(1 - one), np.log(one)]).reshape(1, 2, 1, 4)
    mask = np.array([[[1, 0, 0, 255]]])
    dice = [1 - 2 * (0.4 + 0.7) / (0.2 + 0.4 + 0.7 + 2), 1 - 2 * 0.8 / (0.8 + 0.6 + 0.3 + 1)]
    assert ours(logits, mask, Dice(smooth=0.0))[0] == pytest.approx(np.mean(dice), rel=1e-5)
    # Errors of both classes: 0.6, 0.3, 0.2 for the pixels 1, 2, 0. Class 0 is right at 1 and 2, class 1 at 0.
    lovasz = [0.6 * 1 / 2 + 0.3 * 1 / 2 + 0.2 * 0, 0.6 * 1 / 2 + 0.3 * (2 / 3 - 1 / 2) + 0.2 * (1 - 2 / 3)]
    assert ours(logits, mask, Lovasz())[0] == pytest.approx(np.mean(lovasz), rel=1e-5)
    twice = mask.repeat(2, axis=1).repeat(2, axis=2)
    assert ours(logits, twice, Lovasz(stride=0))[0] == pytest.approx(np.mean(lovasz), rel=1e-5)


def test_a_head_may_have_several_losses_and_heads_add_up() -> None:
    logits, mask = scene()
    tensor, truth = paddle.to_tensor(logits.astype(np.float32)), paddle.to_tensor(mask)

    def total(*heads: list[Loss]) -> float:
        return float(total_loss([tensor] * len(heads), truth, heads, 255))

    apart = total([CrossEntropy()]), total([Dice(0.5)]), total([Lovasz(0.4)])
    assert total([CrossEntropy(), Dice(0.5)], [Lovasz(0.4)]) == pytest.approx(sum(apart), rel=1e-6)
    with pytest.raises(ConfigError, match="The network has 1 heads in training, and there are losses for 2") as caught:
        total_loss([tensor], truth, [[Dice()], [Lovasz()]], 255)
    assert "losses=[[{kind: ohem}, {kind: dice}]]" in str(caught.value)
    with pytest.raises(ConfigError, match="2 class weights, and there are 5 classes"):
        total([CrossEntropy(class_weights=(1.0, 2.0))])


def test_the_error_of_one_pixel_of_a_million_still_counts() -> None:
    """What is added up are a million small numbers: one by one in float32 they make 1 % more than they are."""
    logits = np.zeros((1, 2, 1000, 1000))
    mask = np.zeros((1, 1000, 1000), np.int64)
    mask[0, 0, 0] = 1
    value, _ = ours(logits, mask, Lovasz())
    # All errors are 0.5: the sum is half of the whole Jaccard loss, which is 1.
    assert value == pytest.approx(0.5, rel=1e-5)
    both = 2 * 0.5 / (0.5 * 10**6 + 1), 2 * 0.5 * (10**6 - 1) / (0.5 * 10**6 + 10**6 - 1)
    assert ours(logits, mask, Dice(smooth=0.0))[0] == pytest.approx(1 - np.mean(both), rel=1e-5)
