"""A run that is killed at random moments and resumed, held against one that nothing interrupted."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from zoo.base.child import environment, python
from zoo.base.files import ensure_folder, write_atomic
from zoo.errors import TrainingError
from zoo.learn.run.configuration import Configuration
from zoo.learn.run.run_folder import RunFolder
from zoo.settings.yaml_text import write_yaml

#: How often the run is killed; once of them while it writes a checkpoint.
KILLS = 3
_WATCHED = 0.001
_LONGEST = 3600.0


@dataclass(frozen=True, slots=True)
class Kill:
    """A kill -9.

    Attributes:
        iteration: The last iteration in the log.
        saving: Whether a checkpoint was being written.
    """

    iteration: int
    saving: bool


@dataclass(frozen=True, slots=True)
class ResumeProof:
    """What came out.

    Attributes:
        kills: When it was killed.
        files: The files of weights that were compared, and the log.
        different: Those of them that are not equal, byte for byte, or are missing on one side.
    """

    kills: tuple[Kill, ...]
    files: tuple[str, ...]
    different: tuple[str, ...]


def prove_resume(configuration: Configuration, output: Path, told: Callable[[Kill], object]) -> ResumeProof:
    """Runs `zoo train` twice in processes of their own, once undisturbed and once with kills in between.

    Args:
        configuration: What both runs do.
        output: A folder for both, new or empty: `undisturbed` and `killed`.
        told: Called after each kill.

    Raises:
        TrainingError: A run ended with an error.
        OutputError: The folder cannot be written, or holds something.
    """
    RunFolder(output).check_new()
    ensure_folder(output)
    settings = output / "config.yaml"
    write_atomic(settings, write_yaml(configuration).encode())
    undisturbed, killed = RunFolder(output / "undisturbed"), RunFolder(output / "killed")
    words = [configuration["model"], configuration["data"], "--config", str(settings), "-o"]
    began = time.monotonic()
    _finish(_started([*words, str(undisturbed.path)], output), output)
    step = (time.monotonic() - began) / configuration["train"]["iterations"]
    draw = random.Random(configuration["train"]["seed"])
    kills: list[Kill] = []
    command = [*words, str(killed.path)]
    for number in range(KILLS):
        process = _started(command, output)
        kill = _kill(process, killed, draw, step, configuration["train"]["iterations"], saving=number == 1)
        if kill is None:
            break
        kills.append(kill)
        told(kill)
        # Before its folder was there, nothing had begun.
        command = ["--resume", str(killed.path)] if killed.exists else command
    _finish(_started(command, output), output)
    return ResumeProof(tuple(kills), *compare_runs(undisturbed.path, killed.path))


def _started(words: list[str], output: Path) -> subprocess.Popen[bytes]:
    with open(output / "said.txt", "wb") as said:
        return subprocess.Popen(python("zoo", "train", *words), env=environment(), stdout=said, stderr=said)


def _finish(process: subprocess.Popen[bytes], output: Path) -> None:
    """Waits for the end of a run.

    Raises:
        TrainingError: It ended with an error.
    """
    try:
        code = process.wait(_LONGEST)
    except BaseException:
        process.kill()
        process.wait()
        raise
    if code:
        said = (output / "said.txt").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        raise TrainingError(
            "A run of the proof ended with exit code {code}: {said}",
            "{file} has all that it said.",
            code=code,
            said=said[-1] if said else "",
            file=output / "said.txt",
        )


def _kill(
    process: subprocess.Popen[bytes], run: RunFolder, draw: random.Random, step: float, iterations: int, *, saving: bool
) -> Kill | None:
    """Kills a run: at a random moment of one of its next iterations, or while a checkpoint is written.

    Returns:
        When; None where the run had ended before.
    """
    begun, unfinished = _done(run), _saves(run)
    wanted = draw.randint(begun + 1, max(begun + 1, begun + (iterations - begun) // 2))
    until = time.monotonic() + _LONGEST
    try:
        while process.poll() is None and time.monotonic() < until:
            if _saves(run) - unfinished if saving else _done(run) >= wanted:
                break
            time.sleep(_WATCHED)
        if not saving and process.poll() is None:
            time.sleep(draw.uniform(0, step))
    finally:
        process.kill()
        ended = process.wait()
    if ended >= 0:
        return None
    return Kill(_done(run), bool(_saves(run) - unfinished))


def _done(run: RunFolder) -> int:
    return max((line["iteration"] for line in run.last_lines() if "loss" in line), default=0)


def _saves(run: RunFolder) -> set[Path]:
    """Returns the checkpoints that are being written, and those that never were to the end; what is a file is none."""
    return {path for path in run.path.glob(".zoo-*.part") if path.is_dir()}


def compare_runs(one: Path, other: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Compares weights and logs of two runs, byte for byte.

    Returns:
        The files that must be equal, and those of them that are not.
    """
    names = sorted(
        {
            path.relative_to(folder).as_posix()
            for folder in (one, other)
            # Not what a save that was killed has left: it is as old as the save when the run goes on.
            for path in (*folder.glob("[!.]*/*.safetensors"), folder / "train.jsonl")
        }
    )
    return tuple(names), tuple(name for name in names if _content(one / name) != _content(other / name))


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None
