"""Processes that train one network together: each takes its batches of a step, and all make the same step."""

from __future__ import annotations

from dataclasses import dataclass

import paddle
from paddle import nn
from paddle.distributed import all_reduce


@dataclass(frozen=True, slots=True)
class ProcessGroup:
    """The processes of a run, as one of them sees them.

    Attributes:
        rank: Number of this process; the one of number 0 writes.
        size: How many there are.
    """

    rank: int = 0
    size: int = 1

    def agree(self, wish: bool) -> bool:
        """Returns whether any of the processes wishes something; all of them ask at the same place."""
        if self.size == 1:
            return wish
        wishes = paddle.to_tensor([float(wish)])
        all_reduce(wishes)
        return bool(wishes.numpy()[0] > 0)

    def total(self, numbers: list[int]) -> list[int]:
        """Returns the sums of what each process has at each place; below 16 millions."""
        if self.size == 1:
            return numbers
        together = paddle.to_tensor(numbers, dtype="float32")
        all_reduce(together)
        return [int(number) for number in together.numpy()]

    def share(self, network: nn.Layer, loss: float) -> float:
        """Gives every process the mean gradients and the mean running statistics of all. Returns the mean loss."""
        if self.size == 1:
            return loss
        # What a norm remembers of its batches is no gradient, and each process has seen others.
        fixed = [value for value in network.state_dict().values() if value.stop_gradient]
        statistics = [value for value in fixed if value.dtype == paddle.float32]
        shared = [value.grad for value in network.parameters() if value.grad is not None] + statistics
        # In one go: a call costs as much as a megabyte.
        together = paddle.concat([*(value.flatten() for value in shared), paddle.to_tensor([loss])]) / self.size
        all_reduce(together)
        parts = paddle.split(together, [*(value.size for value in shared), 1])
        for value, part in zip(shared, parts, strict=False):
            # After `paddle.assign` a batch norm no longer updates the statistics that are read here (3.2.2).
            value.set_value(part.reshape(value.shape))
        return float(parts[-1].numpy()[0])


#: A process by itself.
ALONE = ProcessGroup()
