"""Weights into a network, strictly by name and shape."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zoo.errors import CheckpointError
from zoo.message import Message

if TYPE_CHECKING:
    from paddle import nn

_log = logging.getLogger("zoo")
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class MatchReport:
    """How the weights of a checkpoint fit a network.

    Attributes:
        missing: Names the network has and the checkpoint has not.
        unexpected: Names the checkpoint has and the network has not.
        shapes: (name, shape in the checkpoint, shape in the network) where they differ.
        dtypes: (name, dtype in the checkpoint, dtype in the network) where they differ.
        not_finite: Names of arrays with NaN or infinity.
    """

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    shapes: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...]
    dtypes: tuple[tuple[str, str, str], ...]
    not_finite: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.missing or self.unexpected or self.shapes or self.dtypes or self.not_finite)

    def __str__(self) -> str:
        lines = [
            _listed(Message("{count} missing: {names:, }"), self.missing),
            _listed(Message("{count} unexpected: {names:, }"), self.unexpected),
            _listed(
                Message("{count} of another shape: {names:, }"),
                [
                    Message("{name} {have} instead of {want}", name=n, have=list(a), want=list(b))
                    for n, a, b in self.shapes
                ],
            ),
            _listed(
                Message("{count} of another dtype: {names:, }"),
                [Message("{name} {have} instead of {want}", name=n, have=a, want=b) for n, a, b in self.dtypes],
            ),
            _listed(Message("{count} with NaN or infinity: {names:, }"), self.not_finite),
        ]
        return Message("{lines:; }", lines=[line for line in lines if line])


def match_weights(network: nn.Layer, weights: Mapping[str, NDArray[Any]]) -> MatchReport:
    """Compares a checkpoint with a network; changes nothing."""
    state = network.state_dict()
    common = [name for name in state if name in weights]
    wanted = {name: (tuple(state[name].shape), str(state[name].numpy().dtype)) for name in common}
    return MatchReport(
        missing=tuple(name for name in state if name not in weights),
        unexpected=tuple(name for name in weights if name not in state),
        shapes=tuple((n, weights[n].shape, wanted[n][0]) for n in common if weights[n].shape != wanted[n][0]),
        dtypes=tuple((n, str(weights[n].dtype), wanted[n][1]) for n in common if str(weights[n].dtype) != wanted[n][1]),
        not_finite=tuple(n for n in common if not np.isfinite(weights[n]).all()),
    )


def apply_weights(
    network: nn.Layer,
    weights: Mapping[str, NDArray[Any]],
    *,
    reset_head: bool = False,
    source: str = Message("the checkpoint"),
) -> tuple[str, ...]:
    """Puts weights into a network.

    Args:
        network: The network; unchanged when an error is raised.
        weights: Arrays by name, as `load_checkpoint` returns them.
        reset_head: Leave arrays at their initial values whose shape differs along the classes only, that is in one
            axis of the convolutions that make the logits.
        source: What messages call the checkpoint.

    Returns:
        Names of the arrays that were left at their initial values; empty without `reset_head`.

    Raises:
        CheckpointError: An array is missing, unexpected, of another shape or dtype, or not finite.
    """
    import paddle

    left = check_weights(network, weights, reset_head, source)
    network.set_state_dict({name: paddle.to_tensor(value) for name, value in weights.items() if name not in left})
    if left:
        _log.warning("left at their initial values, because the classes differ: %s", ", ".join(left))
    return left


def check_weights(
    network: nn.Layer, weights: Mapping[str, NDArray[Any]], reset_head: bool, source: str
) -> tuple[str, ...]:
    """Says which arrays `apply_weights` would leave at their initial values, and changes nothing.

    Raises:
        CheckpointError: As in `apply_weights`.
    """
    report = match_weights(network, weights)
    left = tuple(name for name, have, want in report.shapes if _differs_in_classes(have, want)) if reset_head else ()
    rest = MatchReport(
        report.missing,
        report.unexpected,
        tuple(entry for entry in report.shapes if entry[0] not in left),
        report.dtypes,
        report.not_finite,
    )
    if rest:
        hint = Message("Give the checkpoint of this very model.")
        if not reset_head and report.shapes and all(_differs_in_classes(a, b) for _, a, b in report.shapes):
            hint = Message(
                "If only the classes differ, name its own (zoo export --label-set), or in Python pass reset_head=True "
                "to train a new classifier."
            )
        raise CheckpointError("{source} does not fit the network: {rest}.", hint, source=source, rest=rest)
    return left


def _differs_in_classes(have: tuple[int, ...], want: tuple[int, ...]) -> bool:
    # The first axis of a convolution's weight, and of its bias, counts its output channels.
    return len(have) == len(want) and have[1:] == want[1:]


def _listed(template: str, names: Sequence[str]) -> str:
    """Says what is wrong with some arrays; nothing if there are none."""
    if not names:
        return ""
    listed = Message(template, count=len(names), names=list(names[:_SHOWN]))
    more = len(names) - _SHOWN
    return Message("{listed} and {count} more", listed=listed, count=more) if more > 0 else listed
