"""Layers that compute in 8 bits: which could, and a program in which some of them do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.plugin import BackendError, Layer

#: Layers that are worth it, by OpenVINO's names.
KINDS = ("Convolution", "GroupConvolution", "MatMul")
# Steps from the smallest number to the largest. Those of weights lie evenly around 0.
_STEPS, _WEIGHT_STEPS = 256, 255
_SMALLEST = np.finfo(np.float32).tiny


def layers(model: Any) -> dict[str, Any]:
    """Returns the nodes of a model that could compute in 8 bits, by the names of their weights.

    Those whose weights are computed, or those of another layer too, are not among them.
    """
    found: dict[str, list[Any]] = {}
    for node in model.get_ordered_ops():
        if node.get_type_name() in KINDS and (constant := _constant(node)) is not None:
            found.setdefault(constant.get_friendly_name(), []).append(node)
    return {name: nodes[0] for name, nodes in found.items() if len(nodes) == 1}


def quantize(library: Any, model: Any, chosen: Mapping[str, Layer]) -> Any:
    """Makes layers of a model compute in 8 bits, and returns it.

    Raises:
        BackendError: The model has other layers.
    """
    known = layers(model)
    for name, layer in chosen.items():
        if name not in known:
            raise BackendError(
                "The model has no layer with the weights {name!r} that could compute in int8.",
                "Run: zoo optimize MODEL --images DIR --precision int8",
                name=name,
            )
        node = known[name]
        _round(library, node.input(0), _channels(layer.low), _channels(layer.high), _STEPS)
        largest = _largest_weights(node)
        _round(library, node.input(1), -largest, largest, _WEIGHT_STEPS)
    return model


def unusable(model: Any) -> Iterator[str]:
    """Yields the names of weights that are no numbers."""
    for name, node in layers(model).items():
        if not np.isfinite(_constant(node).get_data()).all():
            yield name


def _constant(node: Any) -> Any:
    """Returns the weights of a layer, in a grouped convolution those behind a Reshape; None where they are computed."""
    source = node.input_value(1).get_node()
    if source.get_type_name() == "Reshape":
        source = source.input_value(0).get_node()
    return source if source.get_type_name() == "Constant" else None


def _round(library: Any, place: Any, low: NDArray[np.float32], high: NDArray[np.float32], steps: int) -> None:
    operators = library.opset13
    bounds = operators.constant(low), operators.constant(high)
    rounded = operators.fake_quantize(place.get_source_output(), *bounds, *bounds, steps)
    place.replace_source_output(rounded.output(0))


def _channels(numbers: tuple[float, ...]) -> NDArray[np.float32]:
    """Returns a number for all channels, or one for each of (N, C, H, W)."""
    values = np.asarray(numbers, np.float32)
    return values if len(values) == 1 else values.reshape(1, -1, 1, 1)


def _largest_weights(node: Any) -> NDArray[np.float32]:
    """Returns the largest weight of each channel that comes out, in a shape that goes with the weights."""
    shape = tuple(node.input_value(1).get_partial_shape().to_shape())
    weights = np.abs(_constant(node).get_data().astype(np.float32)).reshape(shape)
    if node.get_type_name() == "MatMul":
        kept = {len(shape) - (2 if node.get_attributes()["transpose_b"] else 1)}
    else:
        kept = {0, 1} if node.get_type_name() == "GroupConvolution" else {0}
    largest = weights.max(axis=tuple(axis for axis in range(len(shape)) if axis not in kept), keepdims=True)
    # A channel of zeros stays one.
    return np.maximum(largest, _SMALLEST)
