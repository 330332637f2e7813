"""Finds the fastest CPU setting that works, once for a program and a version of paddlepaddle.

The trial runs in a child process: a setting that does not fit, or a program that is no program, may end the process
instead of raising. What was found is kept by the digest of the program: oneDNN runs some operations wrongly without a
word, so what holds for one program says nothing of the next.
"""

from __future__ import annotations

import functools
import logging
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.base.host import HOST
from zoo.contract.engine import Program
from zoo.engine.paddle.settings import PLAIN, SETTINGS, make_config
from zoo.engine.samples import smooth_noise, trial_shapes
from zoo.engine.trial import TRY_AGAIN, Outcome, Trial, in_child
from zoo.errors import BackendError
from zoo.message import Message
from zoo.program.parameters import check_finite

_log = logging.getLogger("zoo.engine")
# Where in paddle's sources an error was raised.
_SOURCE = re.compile(r"[. ]*\(at \S+:\d+\)\.?$")
_TOLERANCE = 1e-3
_SECONDS = 240


def working_settings(program: Program, version: str) -> tuple[str, ...]:
    """Returns the settings to use for a program: the one a trial found and, if it fails later on, plain.

    Args:
        program: A program of paddle. One that is not trusted is refused if it fails in every setting.
        version: Version of paddlepaddle.

    Returns:
        One or two of `SETTINGS`, the last of them "plain".

    Raises:
        BackendError: A program that is not trusted failed in every setting.
        BundleError: Its parameters hold NaN or infinity.
    """
    trial = Trial(program.digest, "paddle", "cpu", "float32", (f"paddle {version}",))
    setting = trial.kept()
    if setting == PLAIN:
        _say_plain(program.path, version, None)
    elif setting not in SETTINGS:
        if program.params is not None:
            # paddle runs them, and every mask is of one class.
            check_finite(program.params)
        trial.announce()
        setting, failed = _probe(program)
        passing = [outcome for outcome in failed if not outcome.lasting]
        if setting is None and not program.trusted:
            raise BackendError(
                "paddle {version} failed on {program} in a trial in a process of its own ({reason}). "
                "Nothing was opened in this process.",
                TRY_AGAIN
                if passing
                else Message(
                    "Export the model again with this version of paddlepaddle, or get the files again from their "
                    "source."
                ),
                version=version,
                program=program.path,
                reason=failed[-1].reason,
            )
        if setting is None or (setting == PLAIN and passing):
            _say_plain(program.path, version, (passing or failed)[-1].reason)
        elif not passing:
            trial.keep(setting, SETTINGS[0])
    return tuple(dict.fromkeys((setting or PLAIN, PLAIN)))


@functools.cache
def _say_plain(program: Path, version: str, fault: str | None) -> None:
    """Says why a program runs plainly: a fault of the trial itself, or what is kept. Once, for all its sessions."""
    if fault is None:
        _log.warning(
            "%s runs plainly, which is slower: an earlier trial with paddle %s failed otherwise. "
            "To have it tried again, run: zoo cache rm --trials",
            program,
            version,
        )
    else:
        _log.warning(
            "%s runs plainly this time, which is slower: its trial with paddle %s failed (%s)",
            program,
            version,
            fault,
        )


def _probe(program: Program) -> tuple[str | None, list[Outcome]]:
    """Returns the first setting that works, if there is one, and what the trials of those before it found."""
    failed: list[Outcome] = []
    for setting in SETTINGS:
        outcome = _try(program, setting)
        if outcome.reason is None:
            return setting, failed
        failed.append(outcome)
        _log.info("paddle setting %r does not work here (%s)", setting, outcome.reason)
    return None, failed


def _try(program: Program, setting: str) -> Outcome:
    """Tries a setting in a child process."""
    job = "zoo.engine.paddle.probe:compare"
    return in_child(job, str(program.path), str(program.params), program.input_shape, setting, seconds=_SECONDS)


def compare(program: str, params: str, declared: list[int] | None, setting: str) -> None:
    """Compares a setting with the plain one. The job of the child.

    Raises:
        ValueError: The results differ, or paddle failed.
    """
    try:
        _compare(Path(program), Path(params), declared, setting)
    except (ImportError, MemoryError, OSError):
        raise
    except Exception as error:
        # The parent shows the last line, and paddle's own last line is a hint about C++.
        raise ValueError(first_line(error)) from error


def _compare(program: Path, params: Path, declared: list[int] | None, setting: str) -> None:
    with HOST.undisturbed():
        from paddle.inference import create_predictor
    candidate, plain = (create_predictor(make_config(program, params, name, threads=1)) for name in (setting, PLAIN))
    rng = np.random.default_rng(0)
    first, *others = trial_shapes(declared)
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


def run_predictor(predictor: Any, batch: NDArray[np.float32]) -> NDArray[Any]:
    """Returns the first output of a `paddle.inference.Predictor` for a batch of its first input."""
    predictor.get_input_handle(predictor.get_input_names()[0]).copy_from_cpu(batch)
    predictor.run()
    return predictor.get_output_handle(predictor.get_output_names()[0]).copy_to_cpu()


def first_line(error: Exception) -> str:
    """Returns the reason in an error of paddle, without its C++ stack and the place in its sources."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    # paddle puts its C++ stack first and the reason into the line after "Error Message Summary"; what an operation
    # raises stands below a title.
    summary = [index + 2 for index, line in enumerate(lines) if "Error Message Summary" in line]
    titled = [1] if lines[:1] == ["In user code:"] else []
    place = next((place for place in (*summary, *titled) if place < len(lines)), 0)
    return _SOURCE.sub("", lines[place]) if lines else type(error).__name__
