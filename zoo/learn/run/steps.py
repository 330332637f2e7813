"""The preprocessing of a model that was trained on one's own data: pictures at their own size."""

from __future__ import annotations

from zoo.contract.spec import Normalize, Pad, Step


def run_steps(official: tuple[Step, ...]) -> tuple[Step, ...]:
    """Returns the preprocessing without what resizes: the network learned from crops of the pictures as they are."""
    return tuple(step for step in official if isinstance(step, Normalize))


def padded_steps(steps: tuple[Step, ...], network_stride: int) -> tuple[Step, ...]:
    """Returns steps that end in a normalization with the padding before it that an export adds by itself."""
    return (*steps[:-1], *((Pad(network_stride),) if network_stride > 1 else ()), *steps[-1:])
