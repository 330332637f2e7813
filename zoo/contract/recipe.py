"""What a training run does, as frozen data. A family declares the official recipe; zoo.learn.training carries it out.

Only the standard library is imported here, so that a plugin's recipe costs nothing to read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from zoo.message import Message


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Random changes of a training picture: scale, flip, colours in the order of the fields, and last the crop.

    Each change of colour has a probability of its own. A strength of 0 leaves a change out. The order of the colours is
    ours: the facts we have about the official runs give none.

    Attributes:
        scale: Smallest and largest random scale factor.
        scale_step: Distance of the factors that are drawn from: smallest, smallest + step and so on up to the largest.
            0 draws any factor between the two.
        flip: Probability of a horizontal flip.
        brightness: Largest relative change of brightness; 0.4 means factors from 0.6 to 1.4.
        contrast: Largest relative change of contrast around the mean grey.
        saturation: Largest relative change of saturation.
        hue: Largest turn of the hue, either way, in degrees of the colour circle.
        brightness_probability: Share of the pictures whose brightness is changed.
        contrast_probability: Share of the pictures whose contrast is changed.
        saturation_probability: Share of the pictures whose saturation is changed.
        hue_probability: Share of the pictures whose hue is changed.

    Raises:
        ValueError: A probability is not one, or the scale factors make no range.
    """

    scale: tuple[float, float] = (0.5, 2.0)
    scale_step: float = 0.0
    flip: float = 0.5
    brightness: float = 0.4
    contrast: float = 0.4
    saturation: float = 0.4
    hue: float = 0.0
    brightness_probability: float = 1.0
    contrast_probability: float = 1.0
    saturation_probability: float = 1.0
    hue_probability: float = 1.0

    def __post_init__(self) -> None:
        for name in ("flip", *(f"{change}_probability" for change in ("brightness", "contrast", "saturation", "hue"))):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(
                    Message(
                        "{name} is {value!r}; a probability from 0 to 1 was expected",
                        name=name,
                        value=getattr(self, name),
                    )
                )
        if not (0 < self.scale[0] <= self.scale[1] and self.scale_step >= 0):
            raise ValueError(
                Message(
                    "scale is {scale!r} in steps of {scale_step!r}; the smallest and the largest factor above 0 and a "
                    "step of 0 or more were expected",
                    scale=self.scale,
                    scale_step=self.scale_step,
                )
            )


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
class Dice:
    """One minus the Dice coefficient of the probabilities, averaged over the classes that the masks of a batch hold.

    The coefficient of a class is (2 * sum(p * y) + smooth) / (sum(p) + sum(y) + smooth) over the labelled pixels of the
    batch, with the probability p and y = 1 where it is the right class, else 0.

    Attributes:
        weight: Factor of this loss in the sum.
        smooth: Pixels added to both; they soften the loss of classes of few pixels.
    """

    weight: float = 1.0
    smooth: float = 1.0


@dataclass(frozen=True, slots=True)
class Lovasz:
    """Lovasz-Softmax, a surrogate of the mean IoU (arXiv 1705.08790), over the classes that the masks of a batch hold.

    Attributes:
        weight: Factor of this loss in the sum.
        stride: 1 or 0, as of `CrossEntropy`. All pixels are sorted for each class, so 0 is faster by far.
    """

    weight: float = 1.0
    stride: int = 1


#: What a head of a network is trained by.
Loss = CrossEntropy | OhemCrossEntropy | Dice | Lovasz


@dataclass(frozen=True, slots=True)
class ParameterGroup:
    """Parameters with a learning rate or a weight decay of their own.

    Attributes:
        pattern: Regular expression that is searched for in the names of `network.named_parameters()`, such as "norm".
        learning_rate_factor: Their learning rate, as a multiple of the schedule's; 0 leaves them as they are.
        weight_decay: Their weight decay; None for the optimizer's.

    Raises:
        ValueError: The pattern is no regular expression, or a number is negative.
    """

    pattern: str
    learning_rate_factor: float = 1.0
    weight_decay: float | None = None

    def __post_init__(self) -> None:
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise ValueError(
                Message(
                    "pattern is {pattern!r}; a regular expression was expected: {reason}",
                    pattern=self.pattern,
                    reason=error,
                )
            ) from error
        if not (self.learning_rate_factor >= 0 and (self.weight_decay is None or self.weight_decay >= 0)):
            raise ValueError(
                Message(
                    "learning_rate_factor is {learning_rate_factor!r} and weight_decay {weight_decay!r}; numbers of 0 "
                    "or more were expected",
                    learning_rate_factor=self.learning_rate_factor,
                    weight_decay=self.weight_decay,
                )
            )


@dataclass(frozen=True, slots=True)
class Recipe:
    """A complete training run.

    Attributes:
        iterations: Number of optimizer steps.
        batch_size: Pictures a step on each device.
        crop: (height, width) of a training crop; smaller pictures are padded with the ignore index.
        optimizer: SGD or AdamW.
        schedule: Learning rate over the iterations.
        losses: One a head, the main head first; or several, whose sum is that of the head.
        augmentation: Random changes before the crop.
        ema: Decay of the exponential moving average of the weights that is evaluated and exported; 0 switches it off.
        source: Document the settings come from.
        devices: Devices the run is made for. A step takes one batch for each of them and averages the gradients: 4
            devices with a `batch_size` of 2 are 8 pictures a step. On one device the batches of a step are taken one
            after the other, in the memory of one batch.
        groups: Parameters that are treated differently; a parameter belongs to the first group that matches its name.
        clip: Largest norm of all gradients together; longer ones are shortened to it. None leaves them as they are.

    Raises:
        ValueError: There is no picture in a step.
    """

    iterations: int
    batch_size: int
    crop: tuple[int, int]
    optimizer: SGD | AdamW
    schedule: PolynomialDecay
    losses: tuple[Loss | tuple[Loss, ...], ...]
    augmentation: Augmentation = Augmentation()
    ema: float = 0.0
    source: str = ""
    devices: int = 1
    groups: tuple[ParameterGroup, ...] = ()
    clip: float | None = None

    def __post_init__(self) -> None:
        if self.batch_size < 1 or self.devices < 1:
            raise ValueError(
                Message(
                    "batch_size is {batch_size!r} and devices {devices!r}; positive numbers were expected",
                    batch_size=self.batch_size,
                    devices=self.devices,
                )
            )

    @property
    def pictures_per_step(self) -> int:
        """Pictures of one optimizer step: those of all devices together."""
        return self.batch_size * self.devices

    @property
    def heads(self) -> tuple[tuple[Loss, ...], ...]:
        """The losses of each head, the main head first."""
        return tuple(of_head if isinstance(of_head, tuple) else (of_head,) for of_head in self.losses)
