"""Weights of a graph in float16: half the file, and arithmetic in float32 as before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from zoo.program import OnnxGraph
from zoo.program.onnx_graph import ONNX_TYPES, OnnxNode

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Smaller ones weigh nothing, and some of them are shapes and scales.
_LEAST_ELEMENTS = 64


def halved(onnx: OnnxGraph) -> OnnxGraph:
    """Returns a graph whose larger constants are float16, with a cast back to float32 behind each.

    What float16 cannot hold stays as it is.
    """
    constants = dict(onnx.constants)
    casts: list[OnnxNode] = []
    for name, array in onnx.constants.items():
        if array.dtype != np.float32 or array.size < _LEAST_ELEMENTS or not _fits(array):
            continue
        small = f"{name}/float16"
        del constants[name]
        constants[small] = array.astype(np.float16)
        casts.append(OnnxNode("Cast", (small,), (name,), {"to": ONNX_TYPES["float32"]}))
    return replace(onnx, nodes=(*casts, *onnx.nodes), constants=constants)


def _fits(array: NDArray[np.generic]) -> bool:
    return bool(np.abs(array).max() <= np.finfo(np.float16).max)
