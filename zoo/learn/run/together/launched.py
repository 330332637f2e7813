"""A run in several processes, from the process that was asked for it: starts them, tells of them and ends them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zoo import errors
from zoo.errors import TrainingError
from zoo.learn.place import Place
from zoo.learn.run.carry_out import RunOutcome
from zoo.learn.run.data import RunData
from zoo.learn.run.kept.data_file import DATA, write_data
from zoo.learn.run.run_folder import RunFolder
from zoo.learn.run.together.member import FAULT, OUTCOME, STOP
from zoo.learn.training import Progress
from zoo.message import shell_word

# Seconds between two looks; that the processes may take to end.
_PAUSE, _PATIENCE = 0.2, 20.0


def carry_out_together(
    folder: RunFolder,
    data: RunData,
    place: Place,
    *,
    stop: Callable[[], bool],
    report: Callable[[Progress], None],
    evaluated: Callable[[int, float], None],
) -> RunOutcome:
    """Carries a run out by paddle's launcher, a process for each device of a place.

    Args:
        folder: Its folder, with a configuration.
        data: Its data, which the processes need not read again.
        place: Where it runs.
        stop: As of `carry_out`; asked several times a second.
        report: As of `carry_out`; it may pass over iterations.
        evaluated: As of `carry_out`.

    Raises:
        ZooError: What one of the processes raised.
        TrainingError: One of them ended without a word.
    """
    with folder.held():
        # Before the processes look for the newest checkpoint; the first of them holds it then.
        pass
    # The launcher writes what is in the environment of the processes into files: only the user may read these, and they
    # are gone with the run.
    with tempfile.TemporaryDirectory(prefix="zoo-train-") as name:
        private = Path(name)
        write_data(data, Path(folder.configuration()["data"]), private / DATA)
        words = (str(folder.path.resolve()), name, str(os.getpid()), *place.devices)
        process = subprocess.Popen(
            place.command("zoo.learn.run.together.member", *words, logs=private / "logs"),
            env=place.shared_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        tail = _Tail(folder, report, evaluated)
        try:
            while process.poll() is None:
                time.sleep(_PAUSE)
                tail.look()
                if stop():
                    (private / STOP).touch()
            tail.look()
        finally:
            _end(process)
        return _outcome(folder, private)


class _Tail:
    """Tells what is new in a log that another process writes."""

    def __init__(self, folder: RunFolder, report: Callable[[Progress], None], evaluated: Callable[[int, float], None]):
        self._folder, self._report, self._evaluated = folder, report, evaluated
        self._began = time.time()
        # What a run that is resumed was told of before.
        self._measured = self._done = max(folder.evaluations(), default=0)

    def look(self) -> None:
        if not self._folder.written_since(self._began):
            return
        for line in self._folder.last_lines():
            if "miou" in line and line["iteration"] > self._measured:
                self._measured = line["iteration"]
                self._evaluated(self._measured, line["miou"])
            if "loss" in line and line["iteration"] > self._done:
                self._done = line["iteration"]
                self._report(Progress(self._done, line["loss"], line["learning_rate"], 0.0))


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        # The launcher ends the processes it has started.
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE)
            return
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _outcome(folder: RunFolder, private: Path) -> RunOutcome:
    faults = sorted(private.glob(f"*-{FAULT}"))
    if faults:
        kind, message, hint = json.loads(faults[0].read_text(encoding="utf-8"))
        raise getattr(errors, kind)(message, hint)
    try:
        told: dict[str, Any] = json.loads((private / OUTCOME).read_text(encoding="utf-8"))
    except FileNotFoundError:
        logs = sorted((private / "logs").glob("workerlog.*"))
        said = [line for path in logs for line in path.read_text(errors="replace").splitlines() if line.strip()]
        raise TrainingError(
            "A process of the run in {folder} has ended without a word: {said}.",
            "Go on from the newest checkpoint: zoo train --resume {folder}",
            folder=shell_word(folder.path),
            said=said[-1] if said else "",
        ) from None
    return RunOutcome(**told)
