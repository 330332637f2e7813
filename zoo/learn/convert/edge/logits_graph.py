"""The graph that an edge runtime gets: one that ends with logits, of a fixed size where one was asked for."""

from __future__ import annotations

from dataclasses import replace

from zoo.bundle.bundle import Bundle
from zoo.learn.convert.frame import sized
from zoo.learn.convert.original import original
from zoo.program import OnnxGraph
from zoo.program.graph import TensorType
from zoo.program.lower import lower
from zoo.program.onnx_graph import OnnxNode

# What may stand between the best class of a pixel and the end of a program.
_HARMLESS = ("Cast", "Identity", "Squeeze", "Reshape", "Unsqueeze")


def logits_graph(bundle: Bundle, size: tuple[int, int] | None) -> OnnxGraph:
    """Returns the program of a folder as a graph that ends with numbers for every class.

    An argmax at its end is cut off: runtimes differ in what they make of one, and ncnn knows none.

    Args:
        bundle: The folder.
        size: The only (height, width) that it shall take; None for any.

    Raises:
        ExportError: The program is none of paddle's.
        BundleError: It is damaged, or has an operation without a translation.
    """
    onnx = sized(lower(original(bundle)), size)
    made_by = {name: node for node in onnx.nodes for name in node.outputs}
    output = next(iter(onnx.outputs))
    node = made_by.get(output)
    while node is not None and node.operator in _HARMLESS:
        node = made_by.get(node.inputs[0])
    if node is None or node.operator != "ArgMax" or node.attributes.get("axis") != 1:
        return onnx
    logits = TensorType("float32", (-1, -1, -1, -1))
    return _without_unused(replace(onnx, outputs={node.inputs[0]: logits}), made_by)


def _without_unused(onnx: OnnxGraph, made_by: dict[str, OnnxNode]) -> OnnxGraph:
    """Leaves out what does not lead to the output."""
    used: set[str] = set()
    wanted = list(onnx.outputs)
    while wanted:
        name = wanted.pop()
        if name in used:
            continue
        used.add(name)
        if name in made_by:
            wanted.extend(made_by[name].inputs)
    nodes = tuple(node for node in onnx.nodes if used & set(node.outputs))
    return replace(onnx, nodes=nodes, constants={name: array for name, array in onnx.constants.items() if name in used})
