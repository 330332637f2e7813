"""A run in several processes of the processor: the same steps as in one, exact resumes, words that come through."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from support import draw_dataset, zoo_process
from zoo.learn.place import training_place
from zoo.learn.run.run_folder import RunFolder
from zoo.learn.training import load_checkpoint, newest_checkpoint

SETTINGS = ("--set", "train.batch_size=2", "--set", "train.accumulate=2", "--set", "train.evaluate_every=2")
LENGTH = ("--set", "train.iterations=6")


# It takes minutes on two cores: `make test-all`.
pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def streets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_dataset(tmp_path_factory.mktemp("streets"), 10, 64, 64)


@pytest.fixture(scope="module")
def two(streets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in two processes that nothing interrupted."""
    folder = tmp_path_factory.mktemp("runs") / "two"
    ended = zoo_process("train", "SeaFormer_tiny", streets, "-o", folder, *SETTINGS, *LENGTH, "--processes", "2")
    assert ended.returncode == 0, ended.stderr
    assert "iteration 2: mIoU" in ended.stderr
    assert "on the validation pictures, at iteration" in ended.stdout
    return folder


def losses(folder: Path) -> list[float]:
    return [line["loss"] for line in RunFolder(folder).log() if "loss" in line]


def test_two_processes_make_the_steps_of_one_with_twice_the_batches(two: Path, streets: Path, tmp_path: Path) -> None:
    one = tmp_path / "one"
    ended = zoo_process("train", "SeaFormer_tiny", streets, "-o", one, *SETTINGS, *LENGTH)
    assert ended.returncode == 0, ended.stderr
    assert len(losses(two)) == 6
    np.testing.assert_allclose(losses(two), losses(one), atol=1e-4)
    assert [line["iteration"] for line in RunFolder(two).log() if "miou" in line] == [2, 4, 6]
    ours, theirs = (load_checkpoint(folder / "iter_0000006") for folder in (two, one))
    assert ours.identity == theirs.identity
    learned = [name for name in ours.model if "_mean" not in name and "_variance" not in name]
    for name in learned:
        np.testing.assert_allclose(ours.model[name], theirs.model[name], atol=1e-4, err_msg=name)


def begun(*words: object) -> subprocess.Popen[str]:
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "SOME_TOKEN": "hunter2"}
    return subprocess.Popen(
        [sys.executable, "-m", "zoo", "train", *map(str, words)],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(folder: Path, lines: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while len(RunFolder(folder).log()) < lines and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.full
def test_a_run_in_two_processes_goes_on_exactly_after_a_kill(two: Path, streets: Path, tmp_path: Path) -> None:
    """The processes see that the one that was asked for the run is gone, and end with a checkpoint."""
    folder = tmp_path / "killed"
    process = begun("SeaFormer_tiny", streets, "-o", folder, *SETTINGS, *LENGTH, "--processes", "2")
    wait_for(folder, 4, process)
    process.kill()
    process.communicate()
    ended = zoo_process("train", "--resume", folder, "--processes", "2")
    assert ended.returncode == 0, ended.stderr
    # What it told of before, it does not tell again.
    assert "iteration 2: mIoU" not in ended.stderr
    assert (folder / "train.jsonl").read_bytes() == (two / "train.jsonl").read_bytes()
    for name in ("model", "optimizer", "average"):
        path = f"iter_0000006/{name}.safetensors"
        assert (folder / path).read_bytes() == (two / path).read_bytes()


def test_a_signal_writes_a_checkpoint_and_no_secret_is_written_anywhere(streets: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = begun(
        "SeaFormer_tiny", streets, "-o", folder, *SETTINGS, "--set", "train.iterations=100000", "--processes", "2"
    )
    wait_for(folder, 2, process)
    # The launcher writes the environment of the processes into its logs.
    logs = [path for place in Path("/tmp").glob("zoo-train-*") for path in place.rglob("*") if path.is_file()]
    assert logs or os.environ.get("TMPDIR")
    assert not any("hunter2" in path.read_text(errors="replace") for path in logs)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 143, said
    assert f"zoo train --resume {folder}" in said
    newest = newest_checkpoint(folder)
    assert newest is not None
    assert newest.iteration == RunFolder(folder).log()[-1]["iteration"]


def test_what_cannot_be_shared_is_refused_and_what_one_of_them_finds_comes_through(
    streets: Path, two: Path, tmp_path: Path
) -> None:
    before = (two / "train.jsonl").read_bytes()
    ended = zoo_process("train", "--resume", two, "--processes", "3")
    assert ended.returncode == 1
    assert "A step has 2 batches (train.accumulate), which 3 processes cannot share." in ended.stderr
    assert (two / "train.jsonl").read_bytes() == before
    new = ("-o", tmp_path / "new", "--processes", "2", "--set", "train.accumulate=3")
    ended = zoo_process("train", "SeaFormer_tiny", streets, *new)
    assert "A step has 3 batches (train.accumulate), which 2 processes cannot share." in ended.stderr
    assert not (tmp_path / "new").exists()
    place = training_place("cpu", 2)
    assert place.devices == ("cpu", "cpu")
    assert "SOME_TOKEN" not in place.shared_environment()
    proposed = zoo_process("train", "SeaFormer_tiny", streets, "--dry-run", "--processes", "2", "--set", "train.lr=0.1")
    assert "  batch_size: 4\n  accumulate: 2\n" in proposed.stdout, proposed.stdout


def test_the_end_of_a_long_log_is_read_from_its_first_whole_line_on(tmp_path: Path) -> None:
    """Wherever the part that is read begins, also at an object inside a line."""
    run = RunFolder(tmp_path)
    line = {"iteration": 1, "miou": 0.5, "scores": {"pictures": 2}}
    for _ in range(2000):
        run.append(line)
    for _ in range(len(json.dumps(line)) + 1):
        # Each time it begins one byte further on.
        with open(tmp_path / "train.jsonl", "ab") as file:
            file.write(b" ")
        found = run.last_lines()
        assert len(found) > 500
        assert all(one == line for one in found)
