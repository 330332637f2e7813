"""Checkpoints of a run: arrays in safetensors files and a JSON state, never a pickle."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from zoo.base.files import replacing_folder, user_path
from zoo.contract.spec import ValueRange
from zoo.errors import CheckpointError, OutputError
from zoo.message import Message
from zoo.settings.check import conform
from zoo.settings.document import DocumentKind
from zoo.settings.json_text import read_json
from zoo.settings.rules import BYTES, mapping

_STATE = DocumentKind(
    error=CheckpointError,
    noun=Message("a checkpoint"),
    hint=Message("Resume from an older checkpoint of the same run."),
)
_SCHEMA = mapping({"iteration": BYTES, "identity": {"type": "object"}}, closed=True)
#: Key of the identity for the values that became black and white.
RANGE = "value_range"
_Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """The state of a run after some iterations.

    Attributes:
        iteration: Optimizer steps done.
        model: State dict of the network as numpy arrays.
        average: State dict of the moving average; equal to `model` when the recipe keeps none.
        optimizer: Moments of the optimizer by name.
        identity: What the run trains (model, classes, recipe, range of values); a resumed run must have the same.
    """

    iteration: int
    model: _Arrays
    average: _Arrays
    optimizer: _Arrays
    identity: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"<Checkpoint at iteration {self.iteration}: {len(self.model)} arrays>"

    @property
    def value_range(self) -> ValueRange:
        """Which values of more than 8 bits became black and white in the run; for `export_bundle`."""
        value = self.identity.get(RANGE)
        return (value[0], value[1]) if isinstance(value, list) else value

    def first_not_finite(self) -> str | None:
        """Names the first array with an infinity or a NaN, such as "model:head.weight"; None when there is none."""
        parts = {"model": self.model, "average": self.average, "optimizer": self.optimizer}
        named = ((f"{part}:{name}", value) for part, arrays in parts.items() for name, value in arrays.items())
        return next((name for name, value in named if not np.isfinite(value).all()), None)

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Writes `folder/iter_<n>` under a temporary name, then renames it. Returns its path.

        Raises:
            OutputError: It cannot be written.
        """
        target = Path(user_path(folder)) / f"iter_{self.iteration:07d}"
        with replacing_folder(target) as partial:
            for name, arrays in (("model", self.model), ("average", self.average), ("optimizer", self.optimizer)):
                _write(partial / f"{name}.safetensors", arrays)
            state = {"iteration": self.iteration, "identity": dict(self.identity)}
            (partial / "state.json").write_text(json.dumps(state, indent=1), encoding="utf-8")
            shutil.rmtree(target, ignore_errors=True)
        return target


def _write(path: Path, arrays: _Arrays) -> None:
    try:
        save_file({key: np.ascontiguousarray(value) for key, value in arrays.items()}, path)
    except SafetensorError as error:
        raise OutputError(
            "The checkpoint in {folder} cannot be written: {reason}. Those before it are whole.",
            "Make room, then go on from the newest: zoo train --resume {folder}",
            folder=path.parent.parent,
            reason=error,
        ) from error


def load_checkpoint(folder: str | os.PathLike[str]) -> Checkpoint:
    """Reads one checkpoint folder.

    Raises:
        CheckpointError: A file is missing or damaged.
    """
    folder = Path(user_path(folder))
    try:
        state = conform(read_json(folder / "state.json", _STATE), _SCHEMA)
        arrays = {name: load_file(folder / f"{name}.safetensors") for name in ("model", "average", "optimizer")}
        return Checkpoint(state["iteration"], identity=state["identity"], **arrays)
    except (OSError, ValueError, SafetensorError) as error:
        raise CheckpointError(
            "The checkpoint {folder} cannot be read: {reason}.",
            _STATE.hint,
            folder=folder,
            reason=error,
        ) from error


def checkpoint_folders(folder: str | os.PathLike[str]) -> list[Path]:
    """Returns the checkpoints in a run's folder by their iteration, the newest last, whether they are whole or not."""
    numbered = [(path.name.removeprefix("iter_"), path) for path in Path(user_path(folder)).glob("iter_*")]
    found = sorted((int(number), path) for number, path in numbered if number.isdecimal())
    return [path for _, path in found if (path / "state.json").is_file()]


def newest_checkpoint(folder: str | os.PathLike[str]) -> Checkpoint | None:
    """Returns the checkpoint with the highest iteration in a run's folder, or None when there is none.

    One that cannot be read is passed over where there is an older one.

    Raises:
        CheckpointError: None of them can be read.
    """
    fault: CheckpointError | None = None
    for path in reversed(checkpoint_folders(folder)):
        try:
            return load_checkpoint(path)
        except CheckpointError as error:
            fault = fault or error
    if fault is not None:
        raise fault
    return None


def check_identity(resumed: Checkpoint, facts: Mapping[str, Any], output: Path) -> None:
    """Makes sure that a checkpoint is of the run with these facts.

    Raises:
        CheckpointError: It is of another; the first fact that differs is named with both values.
    """
    for key, before, now in _differences(resumed.identity, facts):
        raise CheckpointError(
            "The checkpoint in {output} was made with {key} = {before!r}, this run has {now!r}.",
            "Give another output folder, or start with the settings and versions of that run.",
            output=output,
            key=key,
            before=before,
            now=now,
        )


def _differences(before: Any, now: Any, *keys: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in sorted({*before, *now}):
            yield from _differences(before.get(key), now.get(key), *keys, key)
    elif before != now:
        yield ".".join(keys), before, now
