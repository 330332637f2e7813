"""Finds the fastest CPU setting that works, once for a version of paddlepaddle and a kind of program.

The trial runs in a child process: a setting that does not fit, or a program that is no program, may end the process
instead of raising. What was found is kept in the cache folder: for a kind of program, and for each single one that
nobody vouches for.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np

from zoo.base.digest import file_sha256
from zoo.base.files import (
    ensure_folder,
    write_atomic,
)
from zoo.base.home import home
from zoo.bundle.structure import check_program
from zoo.engine.paddle_settings import (
    SETTINGS,
    make_config,
)
from zoo.errors import BackendError, OutputError
from zoo.message import Message

_log = logging.getLogger("zoo.engine")
# An even and an odd size: oneDNN's pooling fails only where sizes do not divide.
_SHAPES = ((1, 3, 96, 160), (2, 3, 65, 97))
_TOLERANCE = 1e-3
_SECONDS = 120


def working_settings(program: Path, params: Path, version: str, vouched: bool = True) -> tuple[str, ...]:
    """Returns the settings to use for a program: the first was tried, the rest follow if it fails later on.

    Args:
        program: A `.json` or `.pdmodel` file.
        params: Its `.pdiparams` file.
        version: Version of paddlepaddle.
        vouched: Whether the files are known to be whole. If not, it is this very program that is tried, and not one of
            its kind, before anything of it is opened in this process.

    Returns:
        A tail of `SETTINGS`, at least ("plain",).

    Raises:
        BackendError: A program that is not vouched for failed in every setting.
    """
    known = "" if vouched else f"-{_identity(program, params)}"
    record = home() / "engines" / f"paddle-{version}{program.suffix}{known}.setting.json"
    first = _recorded(record)
    if first is None:
        first, reason = _probe(program, params)
        if reason is not None and not vouched:
            raise BackendError(
                "paddle {version} failed on {program} in a trial in a process of its own ({reason}). Nothing was "
                "opened in this process.",
                "Export the model again with this version of paddlepaddle, or get the files again from their source.",
                version=version,
                program=program,
                reason=reason,
            )
        _record(record, first)
    return SETTINGS[SETTINGS.index(first) :]


def _probe(program: Path, params: Path) -> tuple[str, str | None]:
    """Returns the first setting that works and None, or the last one and the reason why it failed too."""
    reason = None
    for setting in SETTINGS:
        reason = _trial(program, params, setting)
        if reason is None:
            return setting, None
        _log.info("paddle setting %r does not work here (%s)", setting, reason)
    return SETTINGS[-1], reason


def _identity(program: Path, params: Path) -> str:
    both = file_sha256(program) + file_sha256(params)
    return hashlib.sha256(both.encode()).hexdigest()[:32]


def _trial(program: Path, params: Path, setting: str) -> str | None:
    """Tries a setting in a child process. Returns None when it works, else the reason why not."""
    command = [sys.executable, "-m", "zoo.engine.paddle_probe", str(program), str(params), setting]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    try:
        ended = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if ended.returncode == 0:
        return None
    if ended.returncode < 0:
        return Message("ended by {Signals}", Signals=signal.Signals(-ended.returncode).name)
    lines = ended.stderr.decode("utf-8", "replace").strip().splitlines()
    return Message(
        "exit status {returncode}: {reason}",
        returncode=ended.returncode,
        reason=lines[-1] if lines else Message("no message"),
    )


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
    try:
        _compare(Path(program), Path(params), setting)
    except Exception as error:
        # The parent shows the last line, and paddle's own last line is a hint about C++.
        raise SystemExit(first_line(error)) from error


def _compare(program: Path, params: Path, setting: str) -> None:
    from paddle.inference import create_predictor

    candidate, plain = (create_predictor(make_config(program, params, name, threads=1)) for name in (setting, "plain"))
    rng = np.random.default_rng(0)
    for shape in _shapes(check_program(program).input_shape):
        batch = rng.standard_normal(shape).astype(np.float32)
        results: list[np.ndarray] = []
        for predictor in (candidate, plain):
            predictor.get_input_handle(predictor.get_input_names()[0]).copy_from_cpu(batch)
            predictor.run()
            results.append(np.array(predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu()))
        difference = np.abs(results[0].astype(np.float64) - results[1])
        wrong = (difference > _TOLERANCE * max(1.0, float(np.abs(results[1]).max()))).mean()
        # Label programs may differ on single pixels where two classes are equal; logits programs not at all.
        if wrong > (0.001 if np.issubdtype(results[1].dtype, np.integer) else 0.0):
            raise ValueError(Message("the results differ from plain ones on {wrong:.2%} of the values", wrong=wrong))


def _shapes(declared: tuple[int, ...] | None) -> list[tuple[int, ...]]:
    """Returns the shapes to try: `_SHAPES`, with the sides that the program fixes."""
    if declared is None or len(declared) != 4:
        return list(_SHAPES)
    tried = (
        tuple(fixed if fixed > 0 else side for fixed, side in zip(declared, shape, strict=True)) for shape in _SHAPES
    )
    return list(dict.fromkeys(tried))


def first_line(error: Exception) -> str:
    """Returns the reason in an error of paddle, without its C++ stack."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    # paddle puts its C++ stack first and the reason into the line after "Error Message Summary".
    summary = [index for index, line in enumerate(lines) if "Error Message Summary" in line]
    if summary and summary[0] + 2 < len(lines):
        return lines[summary[0] + 2]
    return lines[0] if lines else type(error).__name__


if __name__ == "__main__":
    _child(*sys.argv[1:])
