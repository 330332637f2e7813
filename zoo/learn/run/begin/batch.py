"""How many pictures of a batch the memory holds, measured with one of them. Imports paddle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import paddle
from paddle import nn

from zoo.contract.recipe import Recipe
from zoo.learn.training.losses import total_loss

# Arrays of the size of the weights beside them: gradients, two moments, the moving average and its copy in an
# evaluation, and the four of a checkpoint.
_COPIES = 9
# What may come on top of what was measured.
_MARGIN = 1.1
# A picture of float32 and its mask of int64.
_BYTES = 3 * 4 + 8


@dataclass(frozen=True, slots=True)
class Need:
    """Memory of a training run in bytes.

    Attributes:
        fixed: Whatever the batch is.
        picture: For each picture of the batch.
    """

    fixed: float
    picture: float

    def of(self, batch: int) -> float:
        """Returns what a batch of so many pictures needs."""
        return self.fixed + batch * self.picture

    def most(self, free: float) -> int:
        """Returns the largest batch that this much memory holds; 0 where it does not hold one picture."""
        return max(0, int((free - self.fixed) // self.picture))


def measure_need(network: nn.Layer, recipe: Recipe, workers: int) -> Need:
    """Runs one picture forward and back on the processor, and looks at what paddle's allocator gave out.

    Args:
        network: The network; its gradients and the running means of its norms change.
        recipe: Crop and losses.
        workers: Processes that prepare batches; each has two ready.

    Raises:
        ConfigError: The losses do not fit the network.
    """
    # A plugin of a device may have made another one the default.
    paddle.set_device("cpu")
    network.to(device="cpu")
    statistics: Any = paddle.base.core
    height, width = recipe.crop
    network.train()
    before = statistics.host_memory_stat_current_value("Allocated", 0)
    statistics.host_memory_stat_reset_peak_value("Allocated", 0)
    mask = paddle.zeros([1, height, width], dtype="int64")
    total_loss(network(paddle.zeros([1, 3, height, width])), mask, recipe.heads, ignore_index=255).backward()
    peak = statistics.host_memory_stat_peak_value("Allocated", 0) - before
    waiting = (2 * workers + 1) * _BYTES * height * width
    weights = sum(4 * value.size for value in network.state_dict().values())
    return Need(_MARGIN * _COPIES * weights, _MARGIN * (peak + waiting))
