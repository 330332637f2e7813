"""What a training run does, as frozen data. A family declares the official recipe; zoo.learn.training carries it out.

Only the standard library is imported here, so that a plugin's recipe costs nothing to read.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Random changes of a training picture, applied in the order of the fields.

    Attributes:
        scale: Smallest and largest random scale factor.
        flip: Probability of a horizontal flip.
        brightness: Largest relative change of brightness; 0.4 means factors from 0.6 to 1.4.
        contrast: Largest relative change of contrast around the mean grey.
        saturation: Largest relative change of saturation.
    """

    scale: tuple[float, float] = (0.5, 2.0)
    flip: float = 0.5
    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.4


@dataclass(frozen=True, slots=True)
class SGD:
    """Stochastic gradient descent with momentum and L2 weight decay."""

    momentum: float = 0.9
    weight_decay: float = 0.0


@dataclass(frozen=True, slots=True)
class AdamW:
    """Adam with decoupled weight decay (arXiv 1711.05101)."""

    beta1: float = 0.9
    beta2: float = 0.999
    weight_decay: float = 0.01


@dataclass(frozen=True, slots=True)
class PolynomialDecay:
    """learning_rate * (1 - t / T) ** power, after an optional linear warm-up.

    Attributes:
        learning_rate: Rate at the start of the decay.
        power: Exponent.
        end: Rate at the last iteration.
        warmup_iterations: Iterations of linear warm-up before the decay.
        warmup_start: Rate at iteration 0 of the warm-up.
    """

    learning_rate: float
    power: float = 0.9
    end: float = 0.0
    warmup_iterations: int = 0
    warmup_start: float = 0.0

    def rate(self, iteration: int, iterations: int) -> float:
        """Returns the learning rate of one iteration, counted from 0, of a run of this many iterations."""
        if iteration < self.warmup_iterations:
            share = iteration / self.warmup_iterations
            return self.warmup_start + (self.learning_rate - self.warmup_start) * share
        done = (iteration - self.warmup_iterations) / max(1, iterations - self.warmup_iterations)
        return (self.learning_rate - self.end) * (1.0 - min(1.0, done)) ** self.power + self.end


@dataclass(frozen=True, slots=True)
class CrossEntropy:
    """Cross entropy averaged over the labelled pixels.

    Attributes:
        weight: Factor of this loss in the sum.
        class_weights: One factor a class, or empty for equal classes.
        stride: 1 evaluates at the size of the picture (logits upsampled bilinearly); 0 at the logits' own size with
            labels picked by nearest neighbour, which is cheap and enough for auxiliary heads.
    """

    weight: float = 1.0
    class_weights: tuple[float, ...] = ()
    stride: int = 1


@dataclass(frozen=True, slots=True)
class OhemCrossEntropy:
    """Online hard example mining: only pixels predicted with little confidence count (arXiv 1604.03540).

    Attributes:
        threshold: Pixels whose probability of the right class is above it are left out ...
        min_kept: ... but at least this many pixels of a batch are kept.
        weight: Factor of this loss in the sum.
    """

    threshold: float = 0.7
    min_kept: int = 10_000
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """A complete training run.

    Attributes:
        iterations: Number of optimizer steps.
        batch_size: Pictures a step.
        crop: (height, width) of a training crop; smaller pictures are padded with the ignore index.
        optimizer: SGD or AdamW.
        schedule: Learning rate over the iterations.
        losses: One a head, the main head first.
        augmentation: Random changes before the crop.
        ema: Decay of the exponential moving average of the weights that is evaluated and exported; 0 switches it off.
        source: Document the settings come from.
    """

    iterations: int
    batch_size: int
    crop: tuple[int, int]
    optimizer: SGD | AdamW
    schedule: PolynomialDecay
    losses: tuple[CrossEntropy | OhemCrossEntropy, ...]
    augmentation: Augmentation = Augmentation()
    ema: float = 0.0
    source: str = ""
