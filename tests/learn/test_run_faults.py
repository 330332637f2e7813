"""What befalls a run: a full disk, files that go away, a process that dies, another model, a checkpoint cut short."""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import paddle
import pytest
from click.testing import CliRunner
from PIL import Image

from support import draw_dataset, zoo_process
from zoo.cli.app import cli
from zoo.errors import ConfigError, DatasetError, OutputError, TrainingError
from zoo.learn.examples.examples import Batch, Examples
from zoo.learn.run.data import read_run_data
from zoo.learn.run.kept.data_file import DATA, read_data, recognized
from zoo.learn.run.prove import compare_runs
from zoo.learn.run.run_folder import RunFolder
from zoo.learn.training import newest_checkpoint
from zoo.learn.training.checkpoint import checkpoint_folders
from zoo.learn.training.passed_over import PassedOver
from zoo.learn.training.process_group import ALONE
from zoo.plugin import CAMVID, AdamW, CrossEntropy, Normalize, PolynomialDecay, Recipe

SHORT = ("--set", "train.batch_size=2", "--set", "train.evaluate_every=2")
Files = dict[str, bytes]


def files(folder: Path) -> Files:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.*"))}


@pytest.fixture
def streets(tmp_path: Path) -> Path:
    return draw_dataset(tmp_path / "streets", 6, 64, 96, train=4)


def begun(*words: object, log: Path, lines: int, limit: int | None = None) -> subprocess.Popen[str]:
    """Starts a run and waits until its log has so many lines, or it has ended."""
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    process = subprocess.Popen(
        [sys.executable, "-m", "zoo", "train", *map(str, words)],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=None if limit is None else lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    deadline = time.monotonic() + 120
    while process.poll() is None and len(RunFolder(log).log()) < lines:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process


@pytest.mark.full
def test_a_full_disk_ends_a_run_with_a_word_and_leaves_its_checkpoints_whole(streets: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    first = zoo_process("train", "SeaFormer_tiny", streets, "-o", run, *SHORT, "--set", "train.iterations=4")
    assert first.returncode == 0, first.stderr
    shutil.rmtree(run / "iter_0000004")
    before = {name: content for name, content in files(run).items() if name.startswith("iter_")}
    ended = begun("--resume", run, log=run, lines=99, limit=2_000_000)
    _, said = ended.communicate(timeout=120)
    assert ended.returncode == 1
    assert f"The checkpoint in {run} cannot be written: " in said
    assert "File too large" in said
    assert "Traceback" not in said
    assert {name: content for name, content in files(run).items() if name.startswith("iter_")} == before
    further = zoo_process("train", "--resume", run)
    assert further.returncode == 0, further.stderr
    assert newest(run) == 4


def newest(run: Path) -> int:
    found = newest_checkpoint(run)
    assert found is not None
    return found.iteration


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        pytest.param(
            lambda process, streets: (streets / "images" / "2.jpg").unlink(),
            "2.jpg or its mask .*2.png was changed or",
            marks=pytest.mark.full,
        ),
        (
            lambda process, streets: draw_anew(streets / "annotations" / "1.png"),
            "1.jpg or its mask .*1.png was changed",
        ),
    ],
    ids=["file taken away", "mask drawn anew"],
)
def test_a_run_that_is_harmed_ends_with_the_reason_and_its_checkpoints(
    streets: Path, tmp_path: Path, harm: Callable[[subprocess.Popen[str], Path], None], said: str
) -> None:
    run = tmp_path / "run"
    words = ("SeaFormer_tiny", streets, "-o", run, *SHORT, "--set", "train.iterations=10000")
    process = begun(*words, log=run, lines=5)
    harm(process, streets)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1, told
    assert len(told.splitlines()) < 60
    assert "Traceback" not in told
    assert re.search(said, told), told
    assert newest(run) >= 2
    assert (run / "best" / "state.json").is_file()


@pytest.mark.full
def test_a_process_that_prepares_batches_is_replaced_and_the_run_is_the_same(streets: Path, tmp_path: Path) -> None:
    words = ("SeaFormer_tiny", streets, *SHORT, "--set", "train.iterations=16", "-o")
    assert zoo_process("train", *words, tmp_path / "whole").returncode == 0
    process = begun(*words, tmp_path / "harmed", log=tmp_path / "harmed", lines=2)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(children[-1]), signal.SIGKILL)
    _, told = process.communicate(timeout=120)
    assert process.returncode == 0, told
    assert "A process that prepares batches has ended and was replaced: SIGKILL" in told
    for name in ("train.jsonl", "iter_0000016/model.safetensors", "iter_0000016/optimizer.safetensors"):
        assert (tmp_path / "harmed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name


@pytest.mark.full
def test_a_run_passes_over_what_goes_away_and_is_resumed_exactly(tmp_path: Path) -> None:
    data = draw_dataset(tmp_path / "data", 22, 64, 64, train=20)
    began = tmp_path / "began"
    words = ("SeaFormer_tiny", data, "-o", began, *SHORT, "--set", "train.on_error=skip")
    process = begun(*words, "--set", "train.iterations=20", "--set", "train.evaluate_every=5", log=began, lines=5)
    (data / "images" / "3.jpg").unlink()
    draw_anew(data / "annotations" / "7.png")
    deadline = time.monotonic() + 120
    while not RunFolder(began).skipped() and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.communicate(timeout=60)
    one, other = (shutil.copytree(began, tmp_path / name) for name in ("one", "other"))
    ended = zoo_process("train", "--resume", one)
    assert ended.returncode == 0, ended.stderr
    assert "2 pictures or masks are not what the run began with: " in ended.stderr
    assert f"2 of 20 pictures could not be read or were changed, and were passed over; {one}" in ended.stderr
    assert RunFolder(one).skipped() == {"images/3.jpg", "images/7.jpg"}
    process = begun("--resume", other, log=other, lines=len(RunFolder(other).log()) + 5)
    process.kill()
    process.communicate(timeout=60)
    assert zoo_process("train", "--resume", other).returncode == 0
    assert compare_runs(one, other)[1] == ()
    # Nothing has changed but the time of the file: it is used.
    changed = (data / "images" / "5.jpg").read_bytes()
    (data / "images" / "5.jpg").write_bytes(changed)
    known = recognized(read_data(one / DATA, data))
    assert [sample.image.name for sample in (*known.train, *known.val) if not sample.stamp] == ["3.jpg", "7.jpg"]


def test_what_is_passed_over_is_known_to_all_and_is_at_most_a_tenth(tmp_path: Path) -> None:
    data = draw_dataset(tmp_path / "data", 22, 64, 64, train=20)
    samples = read_run_data(data).train
    recipe = Recipe(20, 2, (64, 64), AdamW(), PolynomialDecay(0.01), (CrossEntropy(),), devices=2)
    examples = Examples(samples, recipe, Normalize(), 255, 0, 0, None, True)
    told: list[tuple[int, list[Path]]] = []
    passed = PassedOver(
        examples, samples, recipe, ALONE, None, lambda number, lost: told.append((number, [one.image for one in lost]))
    )

    def step(iteration: int) -> list[int]:
        numbers = [examples[4 * iteration + place][2] for place in range(4)]
        nothing = np.zeros(1, np.float32), np.zeros(1, np.uint8)
        batches = [Batch(*nothing, tuple(numbers[at : at + 2])) for at in (0, 2)]
        assert len(list(passed.noting(batches))) == 2
        passed.look(iteration)
        return numbers

    first = step(0)
    assert told == []
    for number in first[1:3]:
        samples[number].image.unlink()
    again = step(0)
    gone = [samples[number].image for number in first[1:3]]
    # What comes next in the epoch takes their places, where it comes too.
    assert told == [(1, [gone[0], gone[1], gone[1]])]
    assert again == [first[0], first[3], first[3], first[3]]
    samples[step(3)[2]].image.unlink()
    with pytest.raises(DatasetError, match="3 of 20 pictures cannot be used, more than a tenth"):
        step(3)


def draw_anew(mask: Path) -> None:
    Image.fromarray(np.zeros((64, 96), np.uint8)).save(mask)


def test_a_checkpoint_that_was_cut_short_is_passed_over_and_told(streets: Path, tmp_path: Path) -> None:
    words = ("train", "SeaFormer_tiny", streets, *SHORT, "--set", "train.iterations=6", "-o")
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert zoo_process(*words, whole).returncode == 0
    shutil.copytree(whole, cut)
    for name in ("iter_0000004/optimizer.safetensors", "iter_0000006/model.safetensors"):
        os.truncate(cut / name, 5000)
    ended = zoo_process("train", "--resume", cut)
    assert ended.returncode == 0, ended.stderr
    for number in (4, 6):
        assert f"iter_000000{number} is damaged; the run goes on from iteration 2" in ended.stderr
    assert (cut / "train.jsonl").read_bytes() == (whole / "train.jsonl").read_bytes()
    for name in ("iter_0000006/model.safetensors", "iter_0000006/optimizer.safetensors", "best/average.safetensors"):
        assert (cut / name).read_bytes() == (whole / name).read_bytes()
    for path in cut.glob("iter_*"):
        shutil.rmtree(path)
    before = files(cut)
    ended = zoo_process("train", "--resume", cut)
    assert (ended.returncode, files(cut)) == (1, before)
    assert f"zoo export {cut} -o bundle" in ended.stderr


@pytest.mark.full
def test_a_run_of_another_model_or_other_data_is_refused_as_it_is(streets: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    ended = zoo_process("train", "SeaFormer_tiny", streets, "-o", run, *SHORT, "--set", "train.iterations=2")
    assert ended.returncode == 0, ended.stderr
    settings = (run / "config.yaml").read_text()

    def refused(*said: str) -> None:
        before = files(run)
        ended = zoo_process("train", "--resume", run)
        assert ended.returncode == 1
        assert "Traceback" not in ended.stderr
        for words in said:
            assert words in ended.stderr, ended.stderr
        assert files(run) == before

    [state] = run.glob("iter_*/state.json")
    stated = state.read_text()
    assert paddle.__version__ in stated
    state.write_text(stated.replace(f'"paddlepaddle": "{paddle.__version__}"', '"paddlepaddle": "3.1.0"'))
    refused(f"versions.paddlepaddle = '3.1.0', this run has '{paddle.__version__}'")
    state.write_text(stated)
    (run / "config.yaml").write_text(settings.replace("SeaFormer_tiny", "SegFormer-B0"))
    refused("settings.model = 'SeaFormer_tiny', this run has 'SegFormer-B0'")
    (run / "config.yaml").write_text(settings.replace("iterations: 2", "iterations: 4"))
    refused("settings.train.iterations = 2, this run has 4")
    (run / "config.yaml").write_text(settings)
    names = "".join(f"{name}\n" for name in (*CAMVID.names, "kerb"))
    (streets / "labels.txt").write_text(names)
    refused("has 11 classes", "its data now 12", "kerb")
    (streets / "labels.txt").write_text("".join(f"{name}\n" for name in CAMVID.names))
    for file in (streets / "images" / "0.jpg", streets / "annotations" / "0.png"):
        was = file.read_bytes()
        file.write_bytes((streets / "images" / "1.jpg").read_bytes()) if file.suffix == ".jpg" else draw_anew(file)
        refused(f"The data in {streets} is not what the run in {run} learned from")
        file.write_bytes(was)
    streets.rename(tmp_path / "elsewhere")
    refused(f"learns from {streets}, and this does not exist any more", f"`data:` in {run / 'config.yaml'}")
    (run / "config.yaml").write_text(settings.replace(str(streets), str(tmp_path / "elsewhere")))
    assert zoo_process("train", "--resume", run).returncode == 0


@pytest.mark.parametrize("more", [("--seed", "0"), ("--dry-run",), ("--prove-resume",), ("--set", "train.lr=1")])
def test_what_a_resumed_run_would_not_follow_is_refused(more: tuple[str, ...], tmp_path: Path) -> None:
    said = CliRunner().invoke(cli, ["train", "--resume", str(tmp_path), *more])
    assert said.exit_code == 2
    assert f"leave {more[0]} out" in said.stderr


def test_what_excludes_each_other_is_not_half_followed(streets: Path, tmp_path: Path) -> None:
    words = ["train", "SeaFormer_tiny", str(streets), "-o", str(tmp_path)]
    said = CliRunner().invoke(cli, [*words, "--dry-run", "--prove-resume"])
    assert (said.exit_code, "leave --device, --processes, --dry-run out" in said.stderr) == (2, True)
    # A folder that cannot be the run's is said in a dry run too.
    said = CliRunner().invoke(cli, [*words, "--dry-run"])
    assert (said.exit_code, "A new or empty folder was expected" in said.stderr) == (1, True)


def test_a_command_that_is_told_can_be_copied(tmp_path: Path) -> None:
    with pytest.raises(TrainingError) as caught:
        RunFolder(Path("our runs/1")).evaluated()
    assert caught.value.hint == "Go on with it: zoo train --resume 'our runs/1'"
    with pytest.raises(ConfigError, match=r"^数据_2/run-1 is no folder"):
        RunFolder(Path("数据_2/run-1")).configuration()


def test_a_run_where_nothing_can_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / ".lock").mkdir()
    with pytest.raises(OutputError, match="cannot go on there"), RunFolder(tmp_path).held():
        pass


def test_a_log_is_read_once_and_anew_where_it_was_written_anew(tmp_path: Path) -> None:
    run, file = RunFolder(tmp_path), tmp_path / "train.jsonl"
    assert run.log() == []
    for number in range(1, 4):
        run.append({"iteration": number, "miou": 0.1 * number})
        assert [line["iteration"] for line in run.log()] == list(range(1, number + 1))
    kept = run.log()
    assert all(one is other for one, other in zip(run.log(), kept, strict=True))
    with open(file, "a") as log:
        log.write('{"iteration": 4, ')
        log.flush()
        assert run.log() == kept
        log.write('"loss": 1}\n')
        log.flush()
        assert run.log() == [*kept, {"iteration": 4, "loss": 1}]
    run.rewind(2)
    assert run.log() == kept[:2]
    assert run.best_evaluation() == (0.2, 2)
    file.unlink()
    assert run.log() == []


def test_checkpoints_are_ordered_by_their_numbers(tmp_path: Path) -> None:
    for name in ("iter_0000009", "iter_10000000", "iter_9999999", "iter_0000010", "iter_later", "iter_0000011"):
        (tmp_path / name).mkdir()
        if name != "iter_0000011":
            (tmp_path / name / "state.json").write_text("{}")
    names = [path.name for path in checkpoint_folders(tmp_path)]
    assert names == ["iter_0000009", "iter_0000010", "iter_9999999", "iter_10000000"]


def test_a_run_that_diverges_names_the_pictures_and_keeps_what_was_good(streets: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    words = (
        "train",
        "SeaFormer_tiny",
        streets,
        "-o",
        run,
        "--set",
        "train.evaluate_every=1",
        "--set",
        "train.lr=100000",
    )
    ended = zoo_process(
        *words, "--set", "train.optimizer=sgd", "--set", "train.warmup=0", "--set", "train.iterations=20"
    )
    assert ended.returncode == 1, ended.stderr
    assert "The run has diverged: " in ended.stderr
    assert "learning rate" in ended.stderr
    assert ".jpg" in ended.stderr
    found = newest_checkpoint(run)
    assert found is not None
    assert found.first_not_finite() is None


def test_one_picture_one_class_and_ids_of_300(streets: Path, tmp_path: Path) -> None:
    one = tmp_path / "one"
    shutil.copytree(streets, one)
    for name in ("train.txt", "val.txt"):
        (one / name).unlink()
    for number in range(1, 6):
        (one / "images" / f"{number}.jpg").unlink()
        (one / "annotations" / f"{number}.png").unlink()
    with pytest.raises(DatasetError, match="has 1 pictures to learn from and 0 to measure on"):
        read_run_data(one)
    ids = np.full((64, 96), 300, np.uint16)
    Image.fromarray(ids).save(streets / "annotations" / "3.png")
    with pytest.raises(DatasetError, match=r"3\.png: .*300"):
        read_run_data(streets)
    for number in range(6):
        draw_anew(streets / "annotations" / f"{number}.png")
    (streets / "labels.txt").write_text("road\n")
    with pytest.raises(DatasetError, match="one class"):
        read_run_data(streets)
