"""ncnn: pnnx, which converts to it, and its runtime in Python."""

from __future__ import annotations

import importlib.util
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.engine.device import available_cores
from zoo.engine.kit import import_library
from zoo.errors import ExportError
from zoo.learn.convert.edge.tool import run_tool, tool_refused, unknown_operations
from zoo.message import Message

#: Files of the program: its graph and its weights.
FILES = ("model.ncnn.param", "model.ncnn.bin")
#: What pnnx calls input and output.
INPUT, OUTPUT = "in0", "out0"
_UNKNOWN = re.compile(r"^todo (\S+)", re.M)
# pnnx has an onnxruntime inside.
_VARIABLES = {"ORT_DISABLE_TELEMETRY": "1"}


def convert_to_ncnn(given: Path, folder: Path, model: str, shape: tuple[int, ...], half: bool) -> None:
    """Writes `model.ncnn.param` and `model.ncnn.bin` of an ONNX file into a folder.

    Args:
        given: The file; pnnx leaves others beside it.
        folder: Where to write.
        model: Name of the model.
        shape: The only one that its input may have, (1, C, H, W).
        half: Whether weights are stored in float16.

    Raises:
        ExportError: pnnx cannot convert it.
    """
    # Not imported: the package asks for torch, and what converts is a program of its own inside it.
    spec = importlib.util.find_spec("pnnx")
    assert spec is not None
    assert spec.origin is not None
    command = [str(Path(spec.origin).with_name("pnnx")), given.name]
    command += [f"inputshape=[{','.join(map(str, shape))}]", f"fp16={int(half)}"]
    said = run_tool("pnnx", command, given.parent, _VARIABLES)
    if unknown := _UNKNOWN.findall(said):
        raise tool_refused("pnnx", model, unknown_operations(unknown))
    made = [given.with_name(f"{given.stem}.ncnn.{suffix}") for suffix in ("param", "bin")]
    # It exits with 0 whatever happened.
    if not all(file.is_file() for file in made):
        last = said.strip().splitlines()[-1:] or [Message("no message")]
        raise tool_refused("pnnx", model, last[0])
    for file, name in zip(made, FILES, strict=True):
        shutil.copyfile(file, folder / name)


def run_ncnn(batches: Sequence[NDArray[np.float32]], file: str) -> list[NDArray[Any]]:
    """Runs a program on batches. A job of `run_apart`.

    Args:
        batches: (1, C, H, W), all of the size that the program is for: ncnn returns something for others too.
        file: The graph, with the weights beside it.

    Raises:
        BackendNotInstalledError: ncnn cannot be imported.
        ExportError: It refuses the program.
    """
    library = import_library("ncnn")
    net = library.Net()
    net.opt.num_threads = available_cores()
    # In float32, also where the processor has less.
    for name in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage"):
        setattr(net.opt, name, False)
    # What it was asked for afterwards would end the process.
    if net.load_param(file) != 0 or net.load_model(str(Path(file).with_name(FILES[1]))) != 0:
        raise ExportError(
            "ncnn refuses {file}: it has no such layer.",
            "Use another format: --format onnx, openvino or mnn.",
            file=Path(file).name,
        )

    def run(batch: NDArray[np.float32]) -> NDArray[Any]:
        with net.create_extractor() as extractor:
            if extractor.input(INPUT, library.Mat(np.ascontiguousarray(batch[0])).clone()) != 0:
                raise RuntimeError("ncnn refuses the input")
            code, output = extractor.extract(OUTPUT)
            if code != 0:
                raise RuntimeError(f"ncnn returned {code}")
            return np.array(output, np.float32)[np.newaxis]

    return [run(batch) for batch in batches]
