"""Puts a program of an edge runtime into an export folder: converted, compared, described, with an example in C++."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np

from zoo.bundle.bundle import Bundle, settled
from zoo.contract.engine import Program
from zoo.learn.convert.apart import run_apart
from zoo.learn.convert.compare import Checked
from zoo.learn.convert.edge import mnn, ncnn
from zoo.learn.convert.edge.describe_edge import Ends, described_edge
from zoo.learn.convert.edge.edge_pictures import Expected, expected_of
from zoo.learn.convert.edge.example import SHARED, example_of
from zoo.learn.convert.edge.logits_graph import logits_graph
from zoo.learn.convert.edge.same import Same, check_same, same_classes
from zoo.learn.convert.format_options import FormatOptions
from zoo.learn.convert.frame import framed
from zoo.learn.convert.original import add_digests
from zoo.message import Message
from zoo.program import OnnxGraph, onnx_bytes

# What the converters take the name of their files from.
_GIVEN = "model.onnx"


@dataclass(frozen=True, slots=True)
class _Runtime:
    """An edge runtime.

    Attributes:
        name: As `zoo export --format` has it.
        library: Distribution and package of the runtime in Python.
        makers: Distributions that convert to it.
        files: What is written, the program first.
        one_size: Whether it knows one size of input only.
        job: What runs a program on batches; see `run_apart`.
    """

    name: str
    library: str
    makers: tuple[str, ...]
    files: tuple[str, ...]
    one_size: bool
    job: str


_MNN = _Runtime("mnn", "MNN", ("MNN",), (mnn.FILE,), False, "zoo.learn.convert.edge.mnn:run_mnn")
_NCNN = _Runtime("ncnn", "ncnn", ("pnnx",), ncnn.FILES, True, "zoo.learn.convert.edge.ncnn:run_ncnn")
_Write = Callable[[Path, OnnxGraph], Ends]


def add_mnn(bundle: Bundle, conversion: FormatOptions) -> Checked:
    """Writes `model.mnn`, `mnn.json` and `mnn.cpp` into an export folder that nobody uses yet, and adds their digests.

    Raises:
        ExportError: The program is none of paddle's, MNN cannot convert or run it, the network cannot take the size, or
            the classes are others.
        BundleError: The program is damaged, or has an operation without a translation.
        SourceError: A picture cannot be read.
        ConfigError: There is no picture.
        BackendError: No engine here runs the network.
        OSError: A file cannot be written.
    """

    def write(given: Path, onnx: OnnxGraph) -> Ends:
        mnn.convert_to_mnn(given, bundle.folder, bundle.model, conversion.half)
        return Ends(next(iter(onnx.inputs)), next(iter(onnx.outputs)))

    return _add(settled(bundle), conversion, _MNN, write)


def add_ncnn(bundle: Bundle, conversion: FormatOptions) -> Checked:
    """Writes `model.ncnn.param`, `model.ncnn.bin`, `ncnn.json` and `ncnn.cpp`, likewise. They are for one size.

    Raises:
        ExportError: As `add_mnn`; or no size is given.
        ZooError: As `add_mnn`.
        OSError: A file cannot be written.
    """

    def write(given: Path, onnx: OnnxGraph) -> Ends:
        shape = next(iter(onnx.inputs.values())).shape
        ncnn.convert_to_ncnn(given, bundle.folder, bundle.model, (1, *shape[1:]), conversion.half)
        return Ends(ncnn.INPUT, ncnn.OUTPUT)

    return _add(settled(bundle), conversion, _NCNN, write)


def _add(bundle: Bundle, conversion: FormatOptions, runtime: _Runtime, write: _Write) -> Checked:
    program = bundle.verify()
    frame = framed(bundle, program.input_shape, conversion.size, runtime.name if runtime.one_size else "")
    onnx = logits_graph(bundle, frame.size)
    with tempfile.TemporaryDirectory(prefix=".edge-", dir=bundle.folder.absolute()) as folder:
        given = Path(folder) / _GIVEN
        given.write_bytes(onnx_bytes(onnx))
        ends = write(given, onnx)
    expected = expected_of(frame, program, conversion.pictures)
    library = _versions(runtime.library)[0]
    same = _compared(bundle, program, expected, runtime, library)
    check_same(same, runtime.files[0], library, expected.library, conversion)
    facts = described_edge(frame, program, runtime.name, runtime.files, ends, conversion.half)
    facts["made_by"] = [*_versions("zoo-core", *runtime.makers)]
    facts["compared"] = {
        "in": library,
        "with": expected.library,
        "pictures": expected.pictures,
        "inputs": len(expected.inputs),
        "pixels": same.pixels,
        "agreement": round(same.share, 6),
        "difference": same.difference,
        "spread": same.spread,
    }
    names, unmade = _described(frame.bundle.folder, runtime.name, facts)
    add_digests(bundle.folder, *runtime.files, *names)
    notes = [_figures(same, expected), _sizes(bundle.folder, runtime.files, names), *unmade]
    return Checked(runtime.files[0], same.pixels, same.share, library, (expected.library,), tuple(notes))


def _compared(bundle: Bundle, program: Program, expected: Expected, runtime: _Runtime, library: str) -> Same:
    """Runs the new program in a process of its own, which a runtime may end, and compares."""
    file = bundle.folder / runtime.files[0]
    ended = Message("Use another format, or another --input-size; {library} cannot run this network.", library=library)
    outputs = run_apart(library, runtime.job, file, expected.inputs, ended=ended)
    if expected.outputs[0].ndim != outputs[0].ndim:
        # The network ends with labels, what was written with logits.
        outputs = [np.asarray(output.argmax(1)) for output in outputs]
    return same_classes(outputs, expected.outputs, program)


def _described(folder: Path, name: str, facts: dict[str, object]) -> tuple[list[str], list[Message]]:
    """Writes what is to be known of the program, and the example; returns the files, and what is not there."""
    (folder / f"{name}.json").write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    example = example_of(name, facts)
    if isinstance(example, Message):
        return [f"{name}.json"], [example]
    (folder / f"{name}.cpp").write_text(example, encoding="utf-8")
    shutil.copyfile(SHARED, folder / SHARED.name)
    return [f"{name}.json", f"{name}.cpp", SHARED.name], []


def _figures(same: Same, expected: Expected) -> Message:
    if not expected.pictures:
        of = Message("a made-up picture; --images compares on your own")
    elif expected.pictures == 1:
        of = Message("one picture")
    else:
        of = Message("{count} pictures", count=expected.pictures)
    if same.difference is None:
        return Message("Compared on {pictures}.", pictures=of)
    return Message(
        "Logits differ by {difference:.1e} at most, where they spread over {spread:.1f}; compared on {pictures}.",
        difference=same.difference,
        spread=same.spread,
        pictures=of,
    )


def _sizes(folder: Path, files: Sequence[str], described: Sequence[str]) -> Message:
    return Message(
        "For the device: {files:, }, {size:.1f} MB; to use it: {described:, }",
        files=list(files),
        size=sum((folder / name).stat().st_size for name in files) / 1e6,
        described=list(described),
    )


def _versions(*distributions: str) -> list[str]:
    return [f"{name} {metadata.version(name)}" for name in distributions]
