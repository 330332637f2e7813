"""Programs of paddle as OpenVINO's IR: `model.xml` with `model.bin`."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.bundle.bundle import Bundle, settled
from zoo.contract.spec import Resize
from zoo.engine.device import available_cores
from zoo.engine.kit import import_library, library_probe
from zoo.errors import ExportError
from zoo.learn.convert.apart import run_apart
from zoo.learn.convert.compare import Checked, check_converted
from zoo.learn.convert.describe import named_classes, normalization, said_of
from zoo.learn.convert.format_options import FormatOptions
from zoo.learn.convert.frame import framed, sized
from zoo.learn.convert.original import add_digests, original
from zoo.message import Message
from zoo.program import onnx_bytes
from zoo.program.lower import lower

_FILE, _WEIGHTS = "model.xml", "model.bin"
# What is said of the program, beside the ONNX file that the IR is made of.
_TEXTS = "texts.json"
_WHITE, _LAYOUT = 255, "NCHW"
# Exactly float32, whatever the processor would rather do.
_SETTINGS = {"INFERENCE_PRECISION_HINT": "f32", "ENABLE_CPU_PINNING": False}
_CAUTION = Message(
    "Without INFERENCE_PRECISION_HINT f32 OpenVINO computes in bf16 on processors that have it, and some pixels get "
    "another class."
)


def add_openvino(bundle: Bundle, conversion: FormatOptions) -> Checked:
    """Writes `model.xml` and `model.bin` into an export folder that nobody uses yet, runs them, and adds their digests.

    OpenVINO itself works in a process of its own.

    Raises:
        BackendNotInstalledError: OpenVINO cannot be imported.
        ExportError: The program is none of paddle's or cannot take the size, OpenVINO refuses it or fails, or what was
            written gives other classes.
        BundleError: The program is damaged, or has an operation without a translation.
        OSError: The files cannot be written.
    """
    [library] = library_probe(("openvino",), None).names
    bundle = settled(bundle)
    graph = original(bundle)
    shape = next(iter(graph.inputs.values())).shape
    frame = framed(bundle, shape, conversion.size)
    # As in the engine: copies at transpositions cost most where sizes are known only when the program runs.
    translated = sized(lower(graph, channels_first=frame.size is None), frame.size)
    file = bundle.folder / _FILE
    with tempfile.TemporaryDirectory(prefix=".onnx-", dir=bundle.folder) as folder:
        given = Path(folder) / "model.onnx"
        given.write_bytes(onnx_bytes(translated))
        texts = {"zoo": said_of(frame.bundle), "model_info": _model_info(frame.bundle, frame.size)}
        (Path(folder) / _TEXTS).write_text(json.dumps(texts), encoding="utf-8")

        def apart(batches: list[NDArray[np.float32]]) -> list[NDArray[Any]]:
            more = str(given), bundle.model, conversion.half
            return run_apart("openvino", "zoo.learn.convert.openvino:write_ir", file, batches, *more)

        said = f"{library} with INFERENCE_PRECISION_HINT f32"
        checked = check_converted(bundle, _FILE, apart, said, frame.size, conversion.half)
    add_digests(bundle.folder, _FILE, _WEIGHTS)
    return replace(checked, cautions=(_CAUTION,))


def write_ir(
    batches: Sequence[NDArray[np.float32]], file: str, given: str, name: str, half: bool
) -> list[NDArray[Any]]:
    """Writes the IR of an ONNX file and runs it on batches. A job of `run_apart`.

    Raises:
        BackendNotInstalledError: OpenVINO cannot be imported.
        ExportError: It refuses the program.
        OSError: The files cannot be written.
    """
    library = import_library("openvino")
    core = library.Core()
    _save(library, _model(library, core, Path(given), name), file, half)
    compiled = core.compile_model(file, "CPU", {**_SETTINGS, "INFERENCE_NUM_THREADS": available_cores()})

    def run(batch: NDArray[np.float32]) -> NDArray[Any]:
        # A request of its own: one that has run before may give the answer to an earlier batch again.
        request = compiled.create_infer_request()
        request.set_input_tensor(library.Tensor(np.ascontiguousarray(batch)))
        request.infer()
        return request.get_output_tensor(0).data.copy()

    return [run(batch) for batch in batches]


def _model(library: Any, core: Any, given: Path, name: str) -> Any:
    """Returns an ONNX file as OpenVINO has it, with what is said of it."""
    try:
        model = core.read_model(given)
    except RuntimeError as error:
        raise ExportError(
            "OpenVINO refuses {model}: {reason}",
            "Export with --format onnx, and report it with the name of the model.",
            model=name,
            reason=" ".join(str(error).split()),
        ) from error
    model.set_friendly_name(name)
    [value] = model.get_parameters()
    if len(value.get_partial_shape()) == len(_LAYOUT):
        value.set_layout(library.Layout(_LAYOUT))
    texts = json.loads(given.with_name(_TEXTS).read_text(encoding="utf-8"))
    for section, named in texts.items():
        for key, text in named.items():
            model.set_rt_info(text, [section, key])
    return model


def _model_info(bundle: Bundle, size: tuple[int, int] | None) -> dict[str, str]:
    """Returns what OpenVINO's Model API reads in the section of this name.

    Lists are words with spaces between them. Pictures come as BGR, and their numbers are 0 to 255. How a picture is
    resized is said where it has a word for what zoo does.
    """
    normalize = normalization(bundle)
    found = {
        "model_type": "Segmentation",
        "reverse_input_channels": "True",
        "mean_values": " ".join(str(_WHITE * value) for value in normalize.mean),
        "scale_values": " ".join(str(_WHITE * value) for value in normalize.std),
    }
    if names := named_classes(bundle):
        found["labels"] = " ".join("_".join(name.split()) for name in names)
    resizes = [step for step in bundle.preprocess if isinstance(step, Resize)]
    if resizes and not resizes[0].keep_ratio and resizes[0].size == size:
        found["resize_type"] = "standard"
    return found


def _save(library: Any, model: Any, file: str, half: bool) -> None:
    try:
        library.save_model(model, file, compress_to_fp16=half)
    except RuntimeError as error:
        raise OSError(Message("OpenVINO says {reason}", reason=" ".join(str(error).split()))) from error
