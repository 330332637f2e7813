"""Finds the fastest CPU setting that works, once for a program and a version of paddlepaddle.

The trial runs in a child process: a setting that does not fit, or a program that is no program, may end the process
instead of raising. What was found is kept in the cache folder by the digest of the program: oneDNN runs some operations
wrongly without a word, so what holds for one program says nothing of the next.
"""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.base.digest import file_sha256
from zoo.base.files import (
    ensure_folder,
    write_atomic,
)
from zoo.base.home import home
from zoo.bundle.bundle import program_digest
from zoo.bundle.structure import check_program
from zoo.engine.paddle_settings import (
    PLAIN,
    SETTINGS,
    make_config,
)
from zoo.errors import BackendError, OutputError
from zoo.message import Message

_log = logging.getLogger("zoo.engine")
_RECORD = re.compile(r"paddle-(?P<version>.+)-[0-9a-f]{64}\.setting\.json")
# 384 is 12 * 32: at the strides of networks, pooling to 2, 3, 4, 6 or 8 fields divides it, and a session may keep what
# it chose for that. The other two sizes are such that this choice would be wrong for them, at one of them for each.
_FIRST = (1, 3, 384, 384)
_COMPARED = ((1, 3, 80, 136), (2, 3, 65, 97))
_TOLERANCE = 1e-3
_SECONDS = 240
# What the child exits with when it has seen that the setting does not fit.
_UNFIT = 3
# Signals that say the same; others, such as SIGKILL for want of memory, come from outside.
_CRASHES = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL}


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a trial found.

    Attributes:
        reason: Why the setting cannot be used; None when it works.
        lasting: Whether the next trial would find the same. Not so where the child could not start, or ran out of time
            or memory.
    """

    reason: str | None
    lasting: bool


def working_settings(program: Path, params: Path, version: str, digest: str | None = None) -> tuple[str, ...]:
    """Returns the settings to use for a program: the one a trial found and, if it fails later on, plain.

    Args:
        program: A `.json` or `.pdmodel` file.
        params: Its `.pdiparams` file.
        version: Version of paddlepaddle.
        digest: `Bundle.digest` of files that were verified. None takes it from the files, and refuses a program that
            fails in every setting.

    Returns:
        One or two of `SETTINGS`, the last of them "plain".

    Raises:
        BackendError: A program without a digest failed in every setting.
    """
    known = digest or program_digest(file_sha256(program), file_sha256(params))
    record = home() / "engines" / f"paddle-{version}-{known}.setting.json"
    setting = _recorded(record)
    if setting is None:
        setting, outcome = _probe(program, params)
        if outcome.reason is not None and digest is None:
            raise BackendError(
                "paddle {version} failed on {program} in a trial in a process of its own ({reason}). Nothing "
                "was opened in this process.",
                "Export the model again with this version of paddlepaddle, or get the files again from their source.",
                version=version,
                program=program,
                reason=outcome.reason,
            )
        if outcome.reason is None and outcome.lasting:
            _record(record, setting)
    return tuple(dict.fromkeys((setting, PLAIN)))


def kept_settings() -> Iterator[tuple[str, str | None]]:
    """Yields version of paddlepaddle and setting of every record; None where it is damaged. Starts no trial.

    Raises:
        CacheError: The cache folder cannot be used.
        OSError: It cannot be read.
    """
    for record in sorted((home() / "engines").glob("paddle-*.setting.json")):
        if name := _RECORD.fullmatch(record.name):
            yield name["version"], _recorded(record)


def _probe(program: Path, params: Path) -> tuple[str, _Outcome]:
    """Returns the first setting that works, or the last one, and what its trial found."""
    lasting, outcome = True, _Outcome(None, True)
    for setting in SETTINGS:
        outcome = _trial(program, params, setting)
        if outcome.reason is None:
            return setting, _Outcome(None, lasting)
        lasting = lasting and outcome.lasting
        _log.info("paddle setting %r does not work here (%s)", setting, outcome.reason)
    return SETTINGS[-1], outcome


def _trial(program: Path, params: Path, setting: str) -> _Outcome:
    """Tries a setting in a child process."""
    command = [sys.executable, "-m", "zoo.engine.paddle_probe", str(program), str(params), setting]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    try:
        ended = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return _Outcome(str(error), lasting=False)
    if ended.returncode == 0:
        return _Outcome(None, lasting=True)
    if ended.returncode < 0:
        number = -ended.returncode
        # C++ that cannot get memory aborts.
        crashed = number in _CRASHES and b"bad_alloc" not in ended.stderr
        return _Outcome(Message("ended by {Signals}", Signals=signal.Signals(number).name), lasting=crashed)
    lines = ended.stderr.decode("utf-8", "replace").strip().splitlines()
    reason = Message(
        "exit status {returncode}: {reason}",
        returncode=ended.returncode,
        reason=lines[-1] if lines else Message("no message"),
    )
    return _Outcome(reason, lasting=ended.returncode == _UNFIT)


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
    except (ImportError, MemoryError):
        raise
    except Exception as error:
        # The parent shows the last line, and paddle's own last line is a hint about C++.
        sys.stderr.write(f"{first_line(error)}\n")
        raise SystemExit(_UNFIT) from error


def _compare(program: Path, params: Path, setting: str) -> None:
    from paddle.inference import create_predictor

    candidate, plain = (create_predictor(make_config(program, params, name, threads=1)) for name in (setting, PLAIN))
    rng = np.random.default_rng(0)
    first, *others = _shapes(check_program(program).input_shape)
    if others:
        run_predictor(candidate, smooth_noise(rng, first))
    for shape in others or [first]:
        batch = smooth_noise(rng, shape)
        found, expected = run_predictor(candidate, batch), run_predictor(plain, batch)
        difference = np.abs(found.astype(np.float64) - expected)
        wrong = (difference > _TOLERANCE * max(1.0, float(np.abs(expected).max()))).mean()
        # Label programs may differ on single pixels where two classes are equal; logits programs not at all.
        if wrong > (0.001 if np.issubdtype(expected.dtype, np.integer) else 0.0):
            raise ValueError(Message("the results differ from plain ones on {wrong:.2%} of the values", wrong=wrong))


def _shapes(declared: tuple[int, ...] | None) -> list[tuple[int, ...]]:
    """Returns the shapes to try, with the sides that the program fixes."""
    shapes = (_FIRST, *_COMPARED)
    if declared is None or len(declared) != 4:
        return list(shapes)
    tried = (
        tuple(fixed if fixed > 0 else side for fixed, side in zip(declared, shape, strict=True)) for shape in shapes
    )
    return list(dict.fromkeys(tried))


def smooth_noise(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Returns a batch (N, C, H, W) float32 in -1..1, smooth like pictures: means over its parts differ."""
    count, channels, height, width = shape
    coarse = rng.uniform(-1, 1, (count, channels, height // 8 + 2, width // 8 + 2))
    fine = coarse.repeat(8, 2).repeat(8, 3)[:, :, 4 : 4 + height, 4 : 4 + width]
    return np.clip(fine + rng.normal(0, 0.1, fine.shape), -1, 1).astype(np.float32)


def run_predictor(predictor: Any, batch: NDArray[np.float32]) -> NDArray[Any]:
    """Returns the first output of a `paddle.inference.Predictor` for a batch of its first input."""
    predictor.get_input_handle(predictor.get_input_names()[0]).copy_from_cpu(batch)
    predictor.run()
    return predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu()


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
