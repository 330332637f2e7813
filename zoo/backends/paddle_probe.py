"""Finds the fastest CPU setting that works, once for a version of paddlepaddle and a kind of program.

The trial runs in a child process: a setting that does not fit may end the process instead of raising. What was found is
kept in the cache folder.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from zoo.backends.paddle_settings import SETTINGS, make_config
from zoo.errors import OutputError
from zoo.files import ensure_folder, write_atomic
from zoo.hub.cache import home

_log = logging.getLogger("zoo.backends")
# An even and an odd size: oneDNN's pooling fails only where sizes do not divide.
_SIZES = ((1, 96, 160), (2, 65, 97))
_TOLERANCE = 1e-3
_SECONDS = 120


def working_settings(program: Path, params: Path, version: str) -> tuple[str, ...]:
    """Returns the settings to use for a program: the first was tried, the rest follow if it fails later on.

    Args:
        program: `inference.json` or a `.pdmodel` file.
        params: Its `.pdiparams` file.
        version: Version of paddlepaddle.

    Returns:
        A tail of `SETTINGS`, at least ("plain",).
    """
    record = home() / "engines" / f"paddle-{version}{program.suffix}.setting.json"
    first = _recorded(record)
    if first is None:
        first = _probe(program, params)
        _record(record, first)
    return SETTINGS[SETTINGS.index(first) :]


def _probe(program: Path, params: Path) -> str:
    for setting in SETTINGS[:-1]:
        reason = _trial(program, params, setting)
        if reason is None:
            return setting
        _log.info("paddle setting %r does not work here (%s); trying the next one", setting, reason)
    return SETTINGS[-1]


def _trial(program: Path, params: Path, setting: str) -> str | None:
    """Tries a setting in a child process. Returns None when it works, else the reason why not."""
    command = [sys.executable, "-m", "zoo.backends.paddle_probe", str(program), str(params), setting]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    try:
        ended = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if ended.returncode == 0:
        return None
    lines = ended.stderr.decode("utf-8", "replace").strip().splitlines()
    return f"exit status {ended.returncode}: {lines[-1] if lines else 'no message'}"


def _recorded(record: Path) -> str | None:
    try:
        setting = json.loads(record.read_text(encoding="utf-8"))["setting"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return setting if setting in SETTINGS else None


def _record(record: Path, setting: str) -> None:
    try:
        ensure_folder(record.parent)
        write_atomic(record, json.dumps({"setting": setting}).encode())
    except OutputError as error:
        # A read-only cache costs a trial every time, nothing else.
        _log.info("the working setting could not be kept: %s", error.message)


def _child(program: str, params: str, setting: str) -> None:
    from paddle.inference import create_predictor

    candidate, plain = (
        create_predictor(make_config(Path(program), Path(params), name, threads=1)) for name in (setting, "plain")
    )
    rng = np.random.default_rng(0)
    for count, height, width in _SIZES:
        batch = rng.standard_normal((count, 3, height, width)).astype(np.float32)
        results: list[np.ndarray] = []
        for predictor in (candidate, plain):
            predictor.get_input_handle(predictor.get_input_names()[0]).copy_from_cpu(batch)
            predictor.run()
            results.append(np.array(predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu()))
        difference = np.abs(results[0].astype(np.float64) - results[1])
        wrong = (difference > _TOLERANCE * max(1.0, float(np.abs(results[1]).max()))).mean()
        # Label programs may differ on single pixels where two classes are equal; logits programs not at all.
        if wrong > (0.001 if np.issubdtype(results[1].dtype, np.integer) else 0.0):
            raise SystemExit(f"the results differ from plain ones on {wrong:.2%} of the values")


if __name__ == "__main__":
    _child(*sys.argv[1:])
