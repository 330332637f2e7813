"""Every network on a device against the processor: what differs, milliseconds, memory. For a machine that has one.

    python benchmarks/device_check.py --device gpu:0 [--models NAME ...] [--size H W] [--seconds N] [--threads N]

It installs and downloads nothing: the weights are random, as no network minds. A network is exported, run in paddle on
the processor without oneDNN, and on the device in a process of its own, as `zoo predict` does it. The last line of
stdout is a JSON row for docs/devices.md; what is going on is on stderr. Exits with 1 where a network fails or differs,
or there was no time for one.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import zoo
from zoo.base.digest import file_sha256
from zoo.contract.engine import Program
from zoo.engine.device import available_cores, find_devices
from zoo.engine.open import session_opener
from zoo.engine.paddle.probe import run_predictor
from zoo.engine.paddle.settings import PLAIN, make_config
from zoo.engine.samples import smooth_noise
from zoo.errors import ZooError
from zoo.learn.export.forms import Logits, inference_form
from zoo.registry import find_model
from zoo.registry.discovery import discover

#: Of their spread, the most that logits may be off: float32 in another order, and through deep networks.
BOUND = 1e-3
_RUNS = 10


def main() -> None:
    """Prints the row, and exits with 1 where anything is wrong."""
    networks = [card.name for card in zoo.list_models(installed=True) if find_model(card.name).family.network]
    parser = argparse.ArgumentParser(description="every network on a device against the processor")
    parser.add_argument("--device", default="gpu:0", help="(default: gpu:0)")
    parser.add_argument("--models", nargs="+", default=networks, help="(default: every network)")
    parser.add_argument("--size", nargs=2, type=int, default=(512, 1024), metavar=("H", "W"))
    parser.add_argument("--seconds", type=float, default=280, help="begin no other network after these (default: 280)")
    parser.add_argument(
        "--threads",
        type=int,
        default=available_cores(),
        help="of the processor, which sums in another order with several: 1 compares bit for bit (default: all cores)",
    )
    asked = parser.parse_args()
    began = time.monotonic()
    rows: list[dict[str, Any]] = []
    try:
        meant = find_devices(asked.device, discover("zoo.devices"))
        device = meant.device.name(meant.numbers[0])
        for name in asked.models:
            if time.monotonic() - began > asked.seconds:
                rows.append({"model": name, "fault": "no time was left for it"})
            else:
                rows.append({"model": name, **check(name, device, tuple(asked.size), asked.threads)})
            print(rows[-1], file=sys.stderr, flush=True)
    except ZooError as error:
        sys.exit(str(error))
    import paddle

    row = {
        "device": device,
        "names": list(meant.names),
        "zoo": zoo.__version__,
        "paddle": paddle.__version__,
        "python": platform.python_version(),
        "size": list(asked.size),
        "seconds": round(time.monotonic() - began),
        "models": rows,
    }
    print(json.dumps(row))
    sys.exit(any(each.get("fault") for each in rows))


def check(name: str, device: str, size: tuple[int, int], threads: int) -> dict[str, Any]:
    """Returns what a network costs on a device and how far it is off; `fault` where that is too far, or it fails."""
    from paddle.inference import create_predictor

    batch = smooth_noise(np.random.default_rng(0), (1, 3, *size))
    with tempfile.TemporaryDirectory() as folder:
        program = exported(name, Path(folder))
        config = make_config(program.path, program.params, PLAIN, threads)
        predictor = create_predictor(config)
        began = time.perf_counter()
        expected = run_predictor(predictor, batch)
        on_cpu = time.perf_counter() - began
        before = device_memory()
        try:
            session = session_opener(program, device, "paddle")(1)
            try:
                found = session.run(batch)
                times = [timed(session, batch) for _ in range(_RUNS)]
                memory = device_memory()
            finally:
                session.close()
        except ZooError as error:
            return {"fault": error.message}
    off = float(np.abs(found.astype(np.float64) - expected).max() / (float(np.ptp(expected)) or 1.0))
    return {
        "computed on": session.facts.device,
        "same class": float((found.argmax(1) == expected.argmax(1)).mean()),
        "difference": off,
        "ms": round(1000 * statistics.median(times), 2),
        "cpu ms": round(1000 * on_cpu, 2),
        "MB": None if memory is None or before is None else memory - before,
        **({} if off <= BOUND else {"fault": f"logits differ by {off:.1e} of their spread"}),
    }


def exported(name: str, folder: Path) -> Program:
    """Exports a network with random weights; without the trials on the processor that `zoo export` makes."""
    import paddle

    # A plugin of paddle makes its device the default.
    paddle.set_device("cpu")
    paddle.seed(1)
    card = find_model(name).card
    network = zoo.build_network(name)
    network.eval()
    form = Logits(inference_form(network), card.output_stride)
    form.eval()
    with contextlib.redirect_stdout(io.StringIO()):
        spec = [paddle.static.InputSpec([None, 3, None, None], "float32", "x")]
        program = paddle.jit.to_static(form, input_spec=spec, full_graph=True)
        paddle.jit.save(program, str(folder / "inference"))
    path, params = folder / "inference.json", folder / "inference.pdiparams"
    shape, classes = (-1, 3, -1, -1), len(card.labels)
    return Program(path, params, folder, file_sha256(path), True, "logits", card.output_stride, shape, classes)


def timed(session: Any, batch: NDArray[np.float32]) -> float:
    """Returns the seconds of a run, with the way to the device and back."""
    began = time.perf_counter()
    session.run(batch)
    return time.perf_counter() - began


def device_memory() -> int | None:
    """Returns what NVIDIA's GPUs hold, in MiB; None where their driver's command is not there to ask."""
    if shutil.which("nvidia-smi") is None:
        return None
    command = ["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return sum(map(int, ended.stdout.split())) if ended.returncode == 0 else None


if __name__ == "__main__":
    main()
