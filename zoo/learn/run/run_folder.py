"""The folder of a run: what is in it, and its log.

config.yaml       the whole configuration, as the run follows it
labels.txt        the classes, one a line
data.json         names and digests of the pictures it learns from, see `kept/data_file.py`
train.jsonl       a line an iteration and an evaluation; the same for the same run, however often it was resumed
iter_*/           the last checkpoints
best/             the checkpoint with the best evaluation so far
seconds.txt       how long it ran until its newest checkpoint; apart, so that the log does not depend on it
bundle/           the best checkpoint as a model, made when somebody asks for it
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import math
import time
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from zoo.base.files import ensure_folder, write_atomic
from zoo.bundle.settings_file import RUN, RUN_LABELS
from zoo.errors import ConfigError, OutputError, TrainingError
from zoo.learn.run.configuration import CONFIGURATION, Configuration, checked
from zoo.learn.run.kept.run_log import RunLog
from zoo.message import shell_word
from zoo.settings.yaml_text import read_yaml, write_yaml

_LOG, _SECONDS = "train.jsonl", "seconds.txt"

_LOCK = ".lock"
# Seconds that a run may take to end; between two looks.
_WAIT, _PAUSE = 20.0, 0.2


@dataclass(frozen=True, slots=True)
class RunFolder:
    """A folder of a run.

    Attributes:
        path: Where it is.
        known: What was read of its log.
    """

    path: Path
    known: RunLog = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "known", RunLog(self.path / _LOG))

    @property
    def exists(self) -> bool:
        """Whether a run was begun in it."""
        return (self.path / RUN).is_file()

    @property
    def best(self) -> Path:
        """Folder of the best checkpoint."""
        return self.path / "best"

    def evaluated(self) -> Path:
        """Returns the folder of the best checkpoint.

        Raises:
            TrainingError: There is none yet.
        """
        if not self.best.is_dir():
            raise TrainingError(
                "The run in {folder} has no evaluated checkpoint yet.",
                "Go on with it: zoo train --resume {folder}",
                folder=shell_word(self.path),
            )
        return self.best

    @property
    def labels_file(self) -> Path:
        """The names of the classes."""
        return self.path / RUN_LABELS

    def labels(self) -> tuple[str, ...]:
        """Reads the names of the classes."""
        return tuple(self.labels_file.read_text(encoding="utf-8").splitlines())

    def check_new(self) -> None:
        """Makes sure that nothing would be lost by a new run.

        Raises:
            OutputError: The folder holds something.
        """
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise OutputError(
                "{folder} is there already, and no run that can be continued with other settings. A new or empty "
                "folder was expected.",
                "Give another folder with -o, or go on with that run: zoo train --resume {folder}",
                folder=shell_word(self.path),
            )

    def begin(self, configuration: Configuration, labels: tuple[str, ...]) -> None:
        """Writes down what a new run does.

        Raises:
            OutputError: The folder cannot be written, or holds something else.
        """
        self.check_new()
        ensure_folder(self.path)
        write_atomic(self.labels_file, "".join(f"{name}\n" for name in labels).encode())
        # Last: with it the run has begun.
        self.configure(configuration)

    def configure(self, configuration: Configuration) -> None:
        """Writes down what the run does from now on.

        Raises:
            OutputError: It cannot be written.
        """
        write_atomic(self.path / RUN, write_yaml(configuration).encode())

    @contextlib.contextmanager
    def held(self) -> Generator[None, None, None]:
        """Keeps other processes from going on with this run meanwhile.

        Waits for a while first: the processes of a run that was killed end with a checkpoint of theirs.

        Raises:
            OutputError: Another process goes on with it, or nothing can be written there.
        """
        with contextlib.ExitStack() as opened:
            try:
                file = opened.enter_context(open(self.path / _LOCK, "ab"))
            except OSError as error:
                raise OutputError(
                    "The run in {folder} cannot go on there: {reason}.",
                    "Correct the folder's permissions, or copy it to where it can be written and go on with the copy.",
                    folder=self.path,
                    reason=error.strerror or error,
                ) from error
            until = time.monotonic() + _WAIT
            while True:
                try:
                    # Not by flock: the processes that prepare batches would inherit it, and outlive a kill.
                    fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError as error:
                    if time.monotonic() > until:
                        raise OutputError(
                            "Another process trains in {folder}.",
                            "Wait until it is done, or end it by Ctrl-C or SIGTERM.",
                            folder=self.path,
                        ) from error
                    time.sleep(_PAUSE)
            yield

    def configuration(self) -> Configuration:
        """Reads what the run does.

        Raises:
            ConfigError: It is no folder of a run, or its configuration was damaged.
        """
        if not self.exists:
            raise ConfigError(
                "{folder} is no folder of a run: it holds no {file}.",
                "Begin one: zoo train MODEL DATA -o {folder}",
                folder=shell_word(self.path),
                file=RUN,
            )
        return checked(read_yaml(self.path / RUN, CONFIGURATION))

    def seconds(self) -> float:
        """Reads how long the run ran until its newest checkpoint, however often it was resumed."""
        try:
            return float((self.path / _SECONDS).read_text(encoding="ascii"))
        except (FileNotFoundError, ValueError):
            return 0.0

    def spend(self, seconds: float) -> None:
        """Writes down how long it ran.

        Raises:
            OutputError: It cannot be written.
        """
        write_atomic(self.path / _SECONDS, f"{seconds:.3f}\n".encode())

    def log(self) -> list[dict[str, Any]]:
        """Reads what is new in the log and returns all of it; a last line that was cut short is left out."""
        return self.known.lines()

    def last_lines(self) -> list[dict[str, Any]]:
        """Reads the end of the log, which another process may be writing."""
        return self.known.last_lines()

    def written_since(self, moment: float) -> bool:
        """Says whether the log was written after this moment, in seconds since the epoch."""
        try:
            return (self.path / _LOG).stat().st_mtime >= moment
        except FileNotFoundError:
            return False

    def evaluations(self) -> dict[int, float]:
        """Returns the mean IoU of every evaluation in the log by its iteration."""
        return {line["iteration"]: line["miou"] for line in self.log() if "miou" in line}

    def skipped(self) -> set[str]:
        """Returns the names of the pictures that were passed over."""
        return {name for line in self.log() for name in line.get("skipped", ())}

    def best_evaluation(self) -> tuple[float, int]:
        """Returns the best mean IoU so far and its iteration, the first where several are equal; -1, 0 without one."""
        best, at = -1.0, 0
        for iteration, miou in self.evaluations().items():
            if miou > best:
                best, at = miou, iteration
        return best, at

    def without_progress(self) -> int:
        """Counts the evaluations since the best one."""
        _, best = self.best_evaluation()
        return sum(iteration > best for iteration in self.evaluations())

    def rewind(self, iteration: int) -> None:
        """Drops what the log says of later iterations: they are run again.

        Raises:
            OutputError: It cannot be written.
        """
        kept = [line for line in self.log() if line["iteration"] <= iteration]
        write_atomic(self.path / _LOG, "".join(map(_line, kept)).encode())

    def append(self, line: dict[str, Any]) -> None:
        """Adds a line to the log.

        Raises:
            OutputError: It cannot be written.
        """
        try:
            with open(self.path / _LOG, "ab") as file:
                file.write(_line(line).encode())
        except OSError as error:
            raise OutputError(
                "The log of the run in {folder} cannot be written: {reason}.",
                "Make room, then run: zoo train --resume {folder}",
                folder=shell_word(self.path),
                reason=error.strerror,
            ) from error


class RunClock:
    """How long a run may still run; what it ran before it was resumed counts.

    Args:
        folder: Its folder.
        hours: How long it may run in all; None for as long as it takes.
    """

    def __init__(self, folder: RunFolder, hours: float | None) -> None:
        self._folder, self._limit = folder, math.inf if hours is None else hours * 3600
        self._began = time.monotonic() - folder.seconds()

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() - self._began >= self._limit

    def note(self) -> None:
        """Writes down in the folder how long it ran until now."""
        self._folder.spend(time.monotonic() - self._began)


def _line(content: dict[str, Any]) -> str:
    return json.dumps(content) + "\n"
