"""What is to be known of an edge program, as plain data: `mnn.json` and `ncnn.json`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from zoo.base.digest import file_sha256
from zoo.bundle.steps import write_step
from zoo.contract.engine import Program
from zoo.learn.convert.describe import named_classes, normalization
from zoo.learn.convert.frame import InputFrame

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Ends:
    """Names that a program gives its input and its output."""

    input: str
    output: str


def described_edge(
    frame: InputFrame, program: Program, runtime: str, files: Sequence[str], ends: Ends, half: bool
) -> dict[str, Any]:
    """Returns everything that is needed to use a program but for how it was compared.

    Args:
        frame: Its input.
        program: The network's program, that it was made of.
        runtime: What runs it.
        files: Its files, in the folder.
        ends: Names of its input and output.
        half: Whether its weights are in float16.

    Raises:
        OSError: A file cannot be read.
    """
    bundle, normalize = frame.bundle, normalization(frame.bundle)
    found: dict[str, Any] = {
        "format": _FORMAT,
        "runtime": runtime,
        "model": bundle.model,
        "files": {name: file_sha256(bundle.folder / name) for name in files},
        "weights": "float16" if half else "float32",
        "input": {
            "name": ends.input,
            "layout": "NCHW",
            "color_order": "RGB",
            "size": frame.size,
            "stride": frame.stride,
            "scale": 1 / 255,
            "mean": normalize.mean,
            "std": normalize.std,
        },
        "preprocess": [write_step(step) for step in bundle.preprocess],
        "output": {
            "name": ends.output,
            "kind": "logits",
            "stride": program.output_stride,
            "threshold": program.threshold,
        },
        "classes": None,
    }
    if labels := named_classes(bundle):
        palette = bundle.labels.palette
        found["classes"] = [
            {"value": value, "name": name, "color": color}
            for value, (name, color) in enumerate(zip(labels, palette, strict=True))
        ]
        found["ignore_index"] = bundle.labels.ignore_index
    return found
