"""Paddle Lite: `model.nb` by the program `paddle_lite_opt` of its makers, which no package index brings.

Not tested with the real program: it was not to be had.
"""

from __future__ import annotations

import json
import shutil
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory

from zoo.bundle.bundle import Bundle, settled
from zoo.errors import BackendNotInstalledError, ExportError
from zoo.learn.convert.compare import Checked
from zoo.learn.convert.edge.describe_edge import Ends, described_edge
from zoo.learn.convert.edge.tool import run_tool, tool_refused
from zoo.learn.convert.format_options import FormatOptions
from zoo.learn.convert.frame import framed
from zoo.learn.convert.original import add_digests, original
from zoo.message import Message

_PROGRAM, _FILE, _FACTS = "paddle_lite_opt", "model.nb", "paddle-lite.json"


def lite_program() -> str:
    """Returns the path of `paddle_lite_opt`.

    Raises:
        BackendNotInstalledError: It is not on PATH.
    """
    found = shutil.which(_PROGRAM)
    if found is None:
        raise BackendNotInstalledError(
            "There is no {program} on PATH, which makes programs for Paddle Lite.",
            "Put the one of a Paddle Lite release there, or use --format mnn.",
            program=_PROGRAM,
        )
    return found


def add_paddle_lite(bundle: Bundle, conversion: FormatOptions) -> Checked:
    """Writes `model.nb` and `paddle-lite.json` into an export folder that nobody uses yet, and adds their digests.

    Nothing here runs such a program, so it is not compared.

    Raises:
        BackendNotInstalledError: There is no `paddle_lite_opt` on PATH.
        ExportError: The program is in paddle's newer form, which it does not read; or it writes nothing.
        BundleError: The program is damaged.
        OSError: A file cannot be written.
    """
    bundle = settled(bundle)
    if bundle.params is None or bundle.program.suffix != ".pdmodel":
        raise ExportError(
            "{converter} reads programs in paddle's older form, .pdmodel with .pdiparams, not {program}.",
            "Use --format mnn or ncnn, or give a folder with a .pdmodel.",
            converter=_PROGRAM,
            program=bundle.program.name,
        )
    program = bundle.verify()
    frame = framed(bundle, program.input_shape, None)
    if conversion.half or conversion.pictures is not None or conversion.size not in (None, frame.size):
        raise ExportError(
            "{converter} takes the weights and the size of the input as they are, and nothing is compared.",
            "Leave out --fp16, --input-size and --images.",
            converter=_PROGRAM,
        )
    with TemporaryDirectory(prefix=".edge-", dir=bundle.folder) as folder:
        made = Path(folder) / "model"
        said = run_tool(
            _PROGRAM,
            [
                lite_program(),
                f"--model_file={bundle.program.absolute()}",
                f"--param_file={bundle.params.absolute()}",
                f"--optimize_out={made}",
                "--optimize_out_type=naive_buffer",
                "--valid_targets=arm",
            ],
            Path(folder),
        )
        written = made.with_suffix(".nb")
        if not written.is_file():
            last = said.strip().splitlines()[-1:] or [Message("no message")]
            raise tool_refused(_PROGRAM, bundle.model, last[0])
        shutil.copyfile(written, bundle.folder / _FILE)
    [name] = original(bundle).inputs
    facts = described_edge(frame, program, "paddle-lite", (_FILE,), Ends(name, ""), half=False)
    facts["output"] = {"kind": bundle.output, "stride": bundle.output_stride}
    facts["made_by"] = [f"zoo-core {metadata.version('zoo-core')}", _PROGRAM]
    (bundle.folder / _FACTS).write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    add_digests(bundle.folder, _FILE, _FACTS)
    return Checked(_FILE, 0, 0.0, _PROGRAM, (), unrun=True)
