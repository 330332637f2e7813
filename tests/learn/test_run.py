"""`zoo train` on one's own data: settings, the run, and a run that is killed anywhere and resumed."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import zoo
from support import draw_dataset, zoo_process
from zoo.contract.recipe import Dice, Lovasz, OhemCrossEntropy
from zoo.errors import ConfigError, DatasetError, TrainingError
from zoo.learn.evaluation import Confusion, evaluate
from zoo.learn.run.begin.settle import settle
from zoo.learn.run.carry_out import carry_out
from zoo.learn.run.configuration import CONFIGURATION, configuration_of, overridden, recipe_of
from zoo.learn.run.data import read_run_data
from zoo.learn.run.proposal import official_recipe, propose
from zoo.learn.run.prove import compare_runs
from zoo.learn.run.run_folder import RunFolder
from zoo.learn.training import newest_checkpoint
from zoo.plugin import CAMVID, ParameterGroup
from zoo.settings.document import node_of
from zoo.settings.yaml_text import read_yaml

QUICK = ("--set", "train.iterations=6", "--set", "train.evaluate_every=2", "--set", "train.batch_size=2")


def arrays(folder: Path) -> dict[str, bytes]:
    """The weights in a run; not what a save that was killed has left."""
    paths = sorted(folder.glob("[!.]*/*.safetensors"))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture(scope="module")
def whole(streets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing interrupted."""
    folder = tmp_path_factory.mktemp("runs") / "whole"
    ended = zoo_process("train", "SeaFormer_tiny", streets, "-o", folder, *QUICK, "--set", "train.tensorboard=true")
    assert ended.returncode == 0, ended.stderr
    assert "on the validation pictures, at iteration" in ended.stdout
    return folder


def test_a_run_keeps_its_settings_its_log_and_its_best_checkpoint(whole: Path) -> None:
    run = RunFolder(whole)
    log = run.log()
    assert [line["iteration"] for line in log if "loss" in line] == [1, 2, 3, 4, 5, 6]
    measured = {line["iteration"]: line["miou"] for line in log if "miou" in line}
    assert list(measured) == [2, 4, 6]
    best = max(measured, key=lambda iteration: measured[iteration])
    assert json.loads((run.best / "state.json").read_text())["iteration"] == best
    [events] = (whole / "tensorboard").iterdir()
    assert events.read_bytes().count(b"learning_rate") == 6
    assert run.configuration()["train"]["batch_size"] == 2
    assert run.configuration()["model"] == "SeaFormer_tiny"


@pytest.mark.full
def test_a_run_that_is_killed_at_random_moments_goes_on_to_the_same_weights_and_the_same_log(
    streets: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "proof"
    ended = zoo_process("train", "SeaFormer_tiny", streets, "-o", folder, "--prove-resume", *QUICK)
    assert ended.returncode == 0, ended.stderr
    assert "killed 3 times and resumed" in ended.stdout
    assert "while a checkpoint was written" in ended.stderr
    one, other = folder / "undisturbed", folder / "killed"
    assert arrays(one) == arrays(other)
    assert (one / "train.jsonl").read_bytes() == (other / "train.jsonl").read_bytes()
    # It would find a difference out.
    weights = other / "best" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"?")
    assert compare_runs(one, other)[1] == ("best/model.safetensors",)


def test_a_run_shows_what_it_learns_from_how_it_goes_and_what_its_best_checkpoint_does(
    whole: Path, streets: Path
) -> None:
    run = RunFolder(whole)
    log, page = run.log(), (whole / "report.html").read_text(encoding="utf-8")
    best = max((line for line in log if "miou" in line), key=lambda line: line["miou"])
    # One file, and nothing in it comes from elsewhere.
    assert page.count("<img") == page.count('src="data:image/') == 6
    assert "://" not in page
    assert f"<b>{100 * best['miou']:.2f}</b>" in page
    assert "batch_size: 2" in page
    with open(whole / "metrics.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["loss"]) for row in rows] == [line["loss"] for line in log if "loss" in line]
    assert [row["mIoU"] for row in rows[1::2]] == [str(measured(log, n)["miou"]) for n in (2, 4, 6)]
    with open(whole / "confusion.csv", encoding="utf-8", newline="") as file:
        _, *counts = csv.reader(file)
    confusion = Confusion(np.array([row[1:] for row in counts], np.int64), np.zeros(len(counts), np.int64))
    assert confusion.miou == best["miou"]
    data = read_run_data(streets)
    masks = [sample.load()[1] for sample in data.val]
    assert confusion.counts.sum() == sum((mask != data.labels.ignore_index).sum() for mask in masks)
    for name in ("classes.png", "train_batch.jpg", "curves.png", "validation.jpg", "confusion.png", "iou.png"):
        with Image.open(whole / "plots" / name) as picture:
            assert np.asarray(picture.convert("L")).std() > 5


def measured(log: list[dict[str, Any]], iteration: int) -> dict[str, Any]:
    [line] = [line for line in log if "miou" in line and line["iteration"] == iteration]
    return line


# On two cores it takes long: `make test-all`.
@pytest.mark.full
def test_a_run_ends_when_its_time_is_up_and_goes_on_with_more(whole: Path, streets: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    ended = zoo_process("train", "SeaFormer_tiny", streets, "-o", folder, *QUICK, "--hours", "1e-6")
    assert ended.returncode == 0, ended.stderr
    assert (
        f"The time is up (1e-06 h) at iteration 1 of 6; a checkpoint is written. Go on: zoo train --resume {folder}"
        in (ended.stderr)
    )
    assert "on the validation pictures, at iteration 1" in ended.stdout
    run = RunFolder(folder)
    log, spent = run.log(), run.seconds()
    assert [line["iteration"] for line in log] == [1, 1]
    assert spent > 1e-6 * 3600
    # What was spent counts.
    again = zoo_process("train", "--resume", folder)
    assert "at iteration 1 of 6" in again.stderr
    assert run.log() == log
    further = zoo_process("train", "--resume", folder, "--hours", "1")
    assert further.returncode == 0, further.stderr
    assert run.seconds() > spent
    # The evaluation at the end of the time stays; all else is as if there had been no break.
    assert [line for line in run.log() if line != log[1]] == RunFolder(whole).log()
    assert (folder / "iter_0000006" / "model.safetensors").read_bytes() == (
        whole / "iter_0000006" / "model.safetensors"
    ).read_bytes()


@pytest.mark.parametrize("cut", [False, True], ids=["after it was evaluated", "before it was evaluated"])
def test_a_run_that_ends_early_ends_there_too_after_a_kill(
    whole: Path, streets: Path, tmp_path: Path, cut: bool
) -> None:
    """Killed behind the checkpoint that is the last one, since nothing has become better."""
    run = RunFolder(tmp_path / "run")
    shutil.copytree(whole, run.path)
    shutil.rmtree(run.path / "iter_0000006")
    configuration = run.configuration()
    configuration["train"].update(patience=1, tensorboard=False)
    run.configure(configuration)
    # Nothing is better than the first evaluation.
    log = [line | {"miou": 1.0} if "miou" in line and line["iteration"] == 2 else line for line in run.log()]
    lines = [line for line in log if line["iteration"] <= 4]
    kept = lines[:-1] if cut else lines
    (run.path / "train.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in kept))
    outcome = carry_out(run, read_run_data(streets))
    assert (outcome.iteration, outcome.finished, outcome.best) == (4, True, 2)
    assert run.log() == lines


def test_a_damaged_checkpoint_takes_no_place_of_those_that_are_kept(whole: Path, streets: Path, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    shutil.copytree(whole, run.path)
    shutil.rmtree(run.path / "iter_0000004")
    os.truncate(run.path / "iter_0000006" / "model.safetensors", 5000)
    configuration = run.configuration()
    configuration["train"].update(keep=1, tensorboard=False)
    run.configure(configuration)
    outcome = carry_out(run, read_run_data(streets), stop=lambda: True)
    assert (outcome.iteration, outcome.finished) == (3, False)
    newest = newest_checkpoint(run.path)
    assert newest is not None
    assert newest.iteration == 3
    assert not (run.path / "iter_0000002").exists()


# On two cores it takes long: `make test-all`.
@pytest.mark.full
def test_what_the_processor_does_not_compute_in_is_told(streets: Path, tmp_path: Path) -> None:
    short = ("--set", "train.iterations=1", "--set", "train.batch_size=1")
    logs: list[list[dict[str, object]]] = []
    for value in ("true", "false"):
        folder = tmp_path / value
        ended = zoo_process("train", "SeaFormer_tiny", streets, "-o", folder, *short, "--set", f"train.amp={value}")
        assert ended.returncode == 0, ended.stderr
        told = "train.amp is not used: paddle computes in float32 on this device." in ended.stderr.splitlines()
        assert told == (value == "true")
        assert "UserWarning" not in ended.stderr
        logs.append(RunFolder(folder).log())
    assert logs[0] == logs[1]


def endless(streets: Path, folder: Path) -> subprocess.Popen[str]:
    """Starts a run, in a group of processes of its own, and waits until it has made two steps."""
    environ = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-m", "zoo", "train", "SeaFormer_tiny", str(streets), "-o", str(folder)]
    process = subprocess.Popen(
        [*command, "--set", "train.iterations=100000"],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 120
    while len(RunFolder(folder).log()) < 2 and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process


@pytest.mark.parametrize(
    ("number", "code"), [pytest.param(signal.SIGINT, 130, marks=pytest.mark.full), (signal.SIGTERM, 143)]
)
def test_a_signal_writes_a_checkpoint_and_says_how_to_go_on(
    streets: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    folder = tmp_path / "run"
    process = endless(streets, folder)
    # As a terminal does it: also to the processes that prepare batches.
    send = os.killpg if number == signal.SIGINT else os.kill
    send(process.pid, number)
    _, said = process.communicate(timeout=120)
    assert process.returncode == code, said
    assert f"zoo train --resume {folder}" in said
    [checkpoint] = folder.glob("iter_*")
    assert int(checkpoint.name[5:]) == RunFolder(folder).log()[-1]["iteration"]


def group_of(process: Path) -> int | None:
    """Returns the group of a process in /proc, unless it is a dead one."""
    try:
        state, _, group = (process / "stat").read_text().rpartition(")")[2].split()[:3]
    except OSError:  # it has ended
        return None
    return None if state == "Z" else int(group)


def test_a_run_that_is_killed_leaves_no_process_behind(streets: Path, tmp_path: Path) -> None:
    process = endless(streets, tmp_path / "run")
    process.kill()
    process.communicate(timeout=20)
    deadline = time.monotonic() + 20
    while any(group_of(path) == process.pid for path in Path("/proc").glob("[0-9]*")):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_settings_follow_the_official_ones_and_the_data() -> None:
    official = official_recipe("PP-LiteSeg-T")
    own = propose(official, [(360, 480)] * 40, model="PP-LiteSeg-T", data="here")
    assert own["train"]["crop"] == [384, 480]
    assert own["train"]["iterations"] == 250
    assert own["train"]["lr"] == pytest.approx(official.schedule.learning_rate)
    assert own["train"]["warmup"] == 12
    few = propose(official, [(2000, 3000)] * 2, model="PP-LiteSeg-T", data="here")
    assert (few["train"]["batch_size"], few["train"]["accumulate"]) == (2, 1)
    assert few["train"]["lr"] == pytest.approx(official.schedule.learning_rate / 8, rel=1e-2)
    assert few["train"]["crop"] == list(official.crop)
    # Back and forth nothing is lost.
    again = recipe_of({**own, **configuration_of(recipe_of(own)), "train": own["train"]})
    assert again == recipe_of(own)


def test_a_setting_that_does_not_exist_is_answered_with_the_one_that_may_be_meant() -> None:
    base = propose(official_recipe("SeaFormer_tiny"), [(96, 96)] * 4, model="SeaFormer_tiny", data="here")
    changed = overridden(base, node_of({"train": {"lr": 0.5}}, CONFIGURATION), ["train.crop=[64, 32]", "train.clip=1"])
    assert (changed["train"]["lr"], changed["train"]["crop"], changed["train"]["clip"]) == (0.5, [64, 32], 1)
    own, heads = (
        "[[{kind: ohem}, {kind: dice, smooth: 2}], {kind: lovasz}]",
        ((OhemCrossEntropy(), Dice(1.0, 2)), Lovasz()),
    )
    several = overridden(base, None, [f"losses={own}"])
    assert recipe_of(several).losses == heads
    assert recipe_of({**several, **configuration_of(recipe_of(several)), "train": several["train"]}).losses == heads
    with pytest.raises(ConfigError, match=r"The loss lovasz has no smooth\. Its keys: stride, weight\.\nLeave"):
        recipe_of(overridden(base, None, ["losses=[{kind: lovasz, smooth: 1}]"]))
    for word, said in {
        "train.learning_rat=1": "learning_rat",
        "train.lr=fast": "expected a number above 0",
        "train.iterations=0": "expected a whole number from 1",
        "lr": "KEY=VALUE was expected",
        "losses=[{kind: dyce}]": "cross_entropy",
        "losses=[[{kind: dice}, {kind: lovazs}]]": "lovasz",
    }.items():
        with pytest.raises(ConfigError, match=said):
            overridden(base, None, [word])
    # As people type it, though not YAML 1.1; in quotes it is text.
    assert overridden(base, None, ["train.lr=1e-3"])["train"]["lr"] == 1e-3
    with pytest.raises(ConfigError, match="expected a number above 0"):
        overridden(base, None, ["train.lr='1e-3'"])
    # What a group does not say is as for the others, and a pattern that is none is an error like each other.
    groups = recipe_of(overridden(base, None, ["train.groups=[{pattern: norm}]"])).groups
    assert groups == (ParameterGroup("norm"),)
    for word in ("train.groups=[{pattern: '('}]", "train.freeze=['[']"):
        with pytest.raises(ConfigError, match="a regular expression was expected"):
            recipe_of(overridden(base, None, [word]))


@pytest.mark.parametrize(
    ("word", "said", "helps"),
    [
        ("train.crop=[1, 1]", "train.crop is 1, 1, and SeaFormer_tiny sees 64 pixels as one", "train.crop=[256,256]"),
        ("train.crop=[256, 32]", "sides of 64 or more were expected", "Leave it out"),
        ("losses=[{kind: cross_entropy, weight: 0}]", "All losses have the weight 0", "losses=[{kind"),
        ("losses=[{kind: cross_entropy, class_weights: [0, 0]}]", "class_weights of the loss cross_entropy", "`auto`"),
        ("train.freeze=[neck]", "No parameter belongs to the group 'neck'", "Correct the pattern"),
        ("train.groups=[{pattern: hea_d, lr_factor: 2}]", "Its names begin with ", "Correct the pattern"),
        ("train.freeze=['']", "All parameters are left as they are", "Freeze fewer"),
    ],
)
@pytest.mark.parametrize("free", [None, 1e12], ids=["device", "processor"])
def test_settings_that_nothing_can_be_learned_with_are_refused_before_there_is_a_run(
    streets: Path, word: str, said: str, helps: str, free: float | None
) -> None:
    with pytest.raises((ConfigError, TrainingError)) as caught:
        settle("SeaFormer_tiny", streets, read_run_data(streets), pretrained=None, file=None, given=[word], free=free)
    assert said in caught.value.message
    assert helps in caught.value.hint


def test_pictures_that_are_smaller_than_what_a_network_sees_as_one_pixel_are_padded(tmp_path: Path) -> None:
    small = draw_dataset(tmp_path / "small", 4, 40, 32, train=3)
    made, _ = settle("SeaFormer_tiny", small, read_run_data(small), pretrained=None, file=None, given=(), free=None)
    assert made["train"]["crop"] == [64, 64]


def test_data_that_does_not_fit_is_told_before_the_first_step(streets: Path, tmp_path: Path) -> None:
    data = read_run_data(streets)
    assert (len(data.train), len(data.val), len(data.labels)) == (6, 2, 11)
    assert data.class_weights[int(np.argmax(data.pixels))] == min(weight for weight in data.class_weights if weight)
    (tmp_path / "images").mkdir()
    (tmp_path / "annotations").mkdir()
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(tmp_path / "images" / "a.png")
    Image.fromarray(np.full((32, 32), 77, np.uint8)).save(tmp_path / "annotations" / "a.png")
    Image.fromarray(np.zeros((32, 32, 3), np.uint8)).save(tmp_path / "images" / "b.png")
    Image.fromarray(np.zeros((16, 32), np.uint8)).save(tmp_path / "annotations" / "b.png")
    (tmp_path / "train.txt").write_text("images/a.png annotations/a.png\n")
    (tmp_path / "val.txt").write_text("images/b.png annotations/b.png\n")
    (tmp_path / "labels.txt").write_text("road\ncar\n")
    with pytest.raises(
        DatasetError, match=r"2 faults: .*a\.png: .*77.*; .*b\.png: the picture is 32x32, its mask 16x32"
    ):
        read_run_data(tmp_path)


def test_pictures_in_one_list_only_are_to_be_dealt_out(streets: Path, tmp_path: Path) -> None:
    # As `zoo data convert` leaves them.
    shutil.copytree(streets, tmp_path / "new set")
    (tmp_path / "new set" / "val.txt").unlink()
    with pytest.raises(DatasetError, match=r"has 6 pictures to learn from and 0 to measure on") as caught:
        read_run_data(tmp_path / "new set")
    assert caught.value.hint.endswith(f"zoo data split '{tmp_path}/new set' --train 80 --val 20")


def test_masks_are_read_as_numbers_of_classes_whatever_their_values_are(streets: Path, tmp_path: Path) -> None:
    """As `data.yaml` says it; what it says does not count does not."""
    (tmp_path / "images").mkdir()
    (tmp_path / "annotations").mkdir()
    for name in "abcde":
        picture = np.random.default_rng(ord(name)).integers(0, 255, (32, 32, 3), np.uint8)
        Image.fromarray(picture).save(tmp_path / "images" / f"{name}.png")
        mask = np.zeros((32, 32), np.uint8)
        mask[:8], mask[8:16], mask[16:24] = 7, 26, 33
        Image.fromarray(mask).save(tmp_path / "annotations" / f"{name}.png")
    (tmp_path / "data.yaml").write_text("classes: {road: 7, car: [26, 33]}\nignore: 0\n")
    data = read_run_data(tmp_path)
    assert (len(data.train), len(data.val), data.labels.names) == (4, 1, ("road", "car"))
    _, mask = data.train[0].load()
    assert mask[0, 0] == 0
    assert (mask[8, 0], mask[16, 0], mask[31, 0]) == (1, 1, data.labels.ignore_index)
    assert data.pixels == (4 * 8 * 32, 4 * 16 * 32)


def test_a_folder_that_holds_something_else_is_left_as_it_is(whole: Path, streets: Path) -> None:
    before = arrays(whole), (whole / "config.yaml").read_bytes()
    for more in ((), ("--prove-resume",)):
        ended = zoo_process("train", "SeaFormer_tiny", streets, "-o", whole, *QUICK, *more)
        assert ended.returncode == 1
        assert f"zoo train --resume {whole}" in ended.stderr
        assert (arrays(whole), (whole / "config.yaml").read_bytes()) == before


def test_what_would_be_passed_over_is_refused(whole: Path, streets: Path) -> None:
    before = (whole / "train.jsonl").read_bytes()
    for word in (("--seed", "1"), ("--dry-run",), ("--prove-resume",)):
        ended = zoo_process("train", "--resume", whole, *word)
        assert (ended.returncode, (whole / "train.jsonl").read_bytes()) == (2, before)
        assert f"A run is resumed with its own settings; leave {word[0]} out." in ended.stderr
    ended = zoo_process("train", "SeaFormer_tiny", streets, "-o", whole, "--prove-resume", "--processes", "2")
    assert (ended.returncode, "--prove-resume runs in one process on the processor" in ended.stderr) == (2, True)


@pytest.mark.full
def test_the_best_checkpoint_becomes_a_model_with_its_classes(whole: Path, streets: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    ended = zoo_process("export", whole, "-o", bundle, "--name", "mine")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == f"{bundle}\n"
    with zoo.load(bundle) as model:
        assert (model.name, model.labels) == ("mine", CAMVID.names)
        found = evaluate(model, read_run_data(streets).val).confusion
    run = RunFolder(whole)
    best = json.loads((run.best / "state.json").read_text())["iteration"]
    [measured] = [line["miou"] for line in run.log() if "miou" in line and line["iteration"] == best]
    # What the run measured is what is delivered.
    assert found.miou == pytest.approx(measured, abs=2e-3)
    ended = zoo_process("evaluate", bundle, streets, "--json")
    assert json.loads(ended.stdout)["mIoU"] == pytest.approx(found.miou, abs=1e-6)
    begun = tmp_path / "begun"
    RunFolder(begun).begin(run.configuration(), CAMVID.names)
    ended = zoo_process("export", begun, "-o", tmp_path / "none")
    assert (ended.returncode, ended.stderr.splitlines()) == (
        1,
        [f"The run in {begun} has no evaluated checkpoint yet.", f"Go on with it: zoo train --resume {begun}"],
    )


@pytest.mark.full
def test_settings_of_another_run_serve_for_other_data(streets: Path, tmp_path: Path) -> None:
    written = tmp_path / "config.yaml"
    written.write_text("model: SeaFormer_tiny\ndata: /elsewhere\ntrain: {seed: 3, batch_size: 2, crop: [64, 64]}\n")
    words = ("train", "SeaFormer_tiny", streets, "--config", written, "--dry-run")
    assert "  seed: 3\n" in zoo_process(*words).stdout
    assert "  seed: 0\n" in zoo_process(*words, "--seed", "0").stdout
    data = read_run_data(streets)
    settings = read_yaml(written, CONFIGURATION)
    said = {"pretrained": None, "free": None}
    made, _ = settle("SeaFormer_tiny", streets, data, file=settings, given=(), **said)
    assert made["data"] == str(streets.resolve())
    for model, given in (
        ("PP-LiteSeg-T", ()),
        ("SeaFormer_tiny", ["model=PP-LiteSeg-T"]),
        ("SeaFormer_tiny", ["data=x"]),
    ):
        with pytest.raises(ConfigError, match="out of the settings"):
            settle(model, streets, data, file=settings, given=given, **said)
