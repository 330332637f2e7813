"""The measurements of one model, in a process of its own. `networks.py` starts it; see there.

python benchmarks/one_network.py MODEL HEIGHT WIDTH REPEAT RESULT.json
python benchmarks/one_network.py --memory BUNDLE HEIGHT WIDTH
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Literal

import numpy as np
from drawn import draw_scene
from numpy.typing import NDArray
from upsample import street

from zoo.bundle.bundle import Bundle, read_bundle
from zoo.contract.spec import Normalize
from zoo.engine.device import available_cores
from zoo.engine.open import session_opener
from zoo.plugin import Session
from zoo.segment.transforms import preprocess
from zoo.segment.upsample import upsample_argmax


def main() -> None:
    """Does what the command line says."""
    if sys.argv[1] == "--memory":
        print(run_alone(Path(sys.argv[2]), (int(sys.argv[3]), int(sys.argv[4]))))
    else:
        name, height, width, repeat, result = sys.argv[1:]
        Path(result).write_text(json.dumps(measure(name, (int(height), int(width)), int(repeat))), encoding="utf-8")


def measure(name: str, size: tuple[int, int], repeat: int) -> list[dict[str, Any]]:
    """Returns a row a form of the network: the network itself, and its inference form where it has one."""
    import paddle

    from zoo.learn.export import export_bundle
    from zoo.learn.networks import build_network
    from zoo.nn.count import count_macs
    from zoo.registry import find_model

    class AsItIs(paddle.nn.Layer):
        """The network without its inference form, so that the export takes it as it is."""

        def __init__(self, network: paddle.nn.Layer) -> None:
            super().__init__()
            self.network = network

        def forward(self, x: paddle.Tensor) -> list[paddle.Tensor]:
            return self.network(x)

    card = find_model(name).card
    paddle.seed(0)
    network = build_network(name)
    network.eval()
    parameters = sum(int(value.size) for value in network.parameters() if not value.stop_gradient)
    forms: dict[str, paddle.nn.Layer] = {"network": AsItIs(network)}
    if hasattr(network, "for_inference"):
        forms["inference"] = network
    kinds: tuple[tuple[str, Literal["zoo", "paddlex"]], ...] = (("logits", "zoo"), ("labels", "paddlex"))
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        bundles: dict[tuple[str, str], Bundle] = {}
        for form, layer in forms.items():
            macs = count_macs(layer.for_inference() if form == "inference" else layer, *size)
            row: dict[str, Any] = {"form": form, "parameters": parameters, "macs": macs}
            for kind, compat in kinds:
                began = time.perf_counter()
                bundles[form, kind] = export_bundle(
                    layer,
                    Path(folder) / f"{form}-{kind}",
                    model=card.name,
                    labels=card.labels,
                    output_stride=card.output_stride,
                    compat=compat,
                )
                row[f"{kind} export"] = time.perf_counter() - began
            rows.append(row)
        medians, engines = compare(bundles, size, repeat)
        for row in rows:
            for kind in ("logits", "labels"):
                form = row["form"]
                row[f"{kind} memory"] = memory(bundles[form, kind].folder, size)
                row[f"{kind} engine"] = engines[form, kind]
            row |= medians[form, "logits"] | medians[form, "labels"]
            row["labels of network"] = medians["network", "labels"]["labels"]
    return rows


def compare(
    bundles: dict[tuple[str, str], Bundle], size: tuple[int, int], repeat: int
) -> tuple[dict[tuple[str, str], dict[str, float]], dict[tuple[str, str], str]]:
    """Returns the median seconds and the engine of each bundle, all of them run in turn."""
    batch = picture(size)
    sessions = {key: open_session(bundle) for key, bundle in bundles.items()}
    times: dict[tuple[str, str], dict[str, list[float]]] = {key: {} for key in bundles}
    for index in range(repeat + 2):
        for key, session in sessions.items():
            seconds = once(session, bundles[key], batch)
            if index >= 2:  # the engine builds its kernels in the first runs
                for stage, value in seconds.items():
                    times[key].setdefault(stage, []).append(value)
    medians = {key: {stage: statistics.median(x) for stage, x in stages.items()} for key, stages in times.items()}
    return medians, {key: session.engine for key, session in sessions.items()}


def once(session: Session, bundle: Bundle, batch: NDArray[np.float32]) -> dict[str, float]:
    """Returns the seconds of one picture, by what was measured."""
    began = time.perf_counter()
    output = session.run(batch)[0]
    program = time.perf_counter() - began
    if bundle.output == "labels":
        return {"labels": program}
    low = (output.shape[1], output.shape[2])
    drawn = street(len(output), low, (low[0] * bundle.output_stride, low[1] * bundle.output_stride))
    seconds: dict[str, float] = {}
    for logits, stage in ((drawn, "cells"), (output, "random cells")):
        began = time.perf_counter()
        upsample_argmax(logits, (batch.shape[2], batch.shape[3]))
        seconds[stage] = time.perf_counter() - began
    return seconds | {"zoo": program + seconds["cells"], "zoo, random": program + seconds["random cells"]}


def picture(size: tuple[int, int]) -> NDArray[np.float32]:
    """Returns a drawn street as the input (1, 3, height, width) of a network."""
    return preprocess(draw_scene(68, *size).image, (Normalize(),))[0][None]


def open_session(bundle: Bundle) -> Session:
    """Opens a bundle with as many threads as zoo takes by default."""
    return session_opener(bundle.verify(), "cpu", "paddle")(available_cores())


def memory(folder: Path, size: tuple[int, int]) -> int:
    """Returns the peak memory in bytes of a process that opens a bundle and segments one picture twice."""
    command = [sys.executable, __file__, "--memory", str(folder), *map(str, size)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])


def run_alone(folder: Path, size: tuple[int, int]) -> int:
    """Segments one picture twice and returns the peak memory of this process in bytes."""
    bundle, batch = read_bundle(folder), picture(size)
    session = open_session(bundle)
    for _ in range(2):
        output = session.run(batch)[0]
        if bundle.output == "logits":
            upsample_argmax(output, size)
    # Not getrusage: its peak begins with that of the process which started this one.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:"))


if __name__ == "__main__":
    main()
