"""`target_size`: another resizing than the model's own."""

from __future__ import annotations

from zoo.contract.spec import Resize, ResizeLong, ResizeShort, Step


def with_target_size(steps: tuple[Step, ...], target: int | tuple[int, int]) -> tuple[Step, ...]:
    """Returns the preprocessing of a model with another resizing, as PaddleX does it: pictures keep their shape, sides
    are rounded up to multiples of 32, and OpenCV's linear interpolation is used.

    Args:
        steps: The model's own; padding and normalization stay.
        target: One side or (height, width) to fit pictures into, or -1 to leave them as they are.
    """
    kept = tuple(step for step in steps if not isinstance(step, (Resize, ResizeShort, ResizeLong)))
    if target == -1:
        return kept
    size = (target, target) if isinstance(target, int) else target
    return (Resize(size, keep_ratio=True, multiple=32, antialias=False), *kept)
