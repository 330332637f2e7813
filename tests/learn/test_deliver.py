"""What becomes of a run: weights to train further from, a model by the folder of the run, and what an export knows."""

from __future__ import annotations

import ctypes
import json
import re
import shutil
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import paddle
import pytest
from PIL import Image
from safetensors.numpy import save

import zoo
from servers import Server
from support import CHECKPOINT, run_python, stock, zoo_process
from zoo.base.digest import file_sha256
from zoo.engine.paddle.glog import errors_only
from zoo.errors import BundleError, CheckpointError, ExportError, TrainingError
from zoo.learn.checkpoint import load_checkpoint
from zoo.learn.delivery.deliver import export_run
from zoo.learn.delivery.delivered import bundle_of_run
from zoo.learn.evaluation import evaluate
from zoo.learn.run.data import read_run_data
from zoo.learn.run.run_folder import RunFolder
from zoo.learn.training import load_checkpoint as load_state
from zoo.plugin import CAMVID
from zoo.registry import find_model

QUICK = ("--set", "train.iterations=2", "--set", "train.evaluate_every=1", "--set", "train.batch_size=2")


@pytest.fixture(scope="module")
def run(streets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    ended = zoo_process("train", "SeaFormer_tiny", streets, "-o", folder, *QUICK)
    assert ended.returncode == 0, ended.stderr
    return folder


@pytest.fixture(scope="module")
def exported(run: Path) -> Path:
    folder = run.parent / "bundle"
    ended = zoo_process("export", run, "-o", folder)
    assert ended.returncode == 0, ended.stderr
    # Nothing of paddle's log, which warns of its own calls.
    assert not re.search(r"(?m)^[A-Z]\d{4} |\.cc:\d+", ended.stderr), ended.stderr
    return folder


def test_paddle_logs_its_errors_while_it_is_traced_and_its_warnings_again_afterwards() -> None:
    level = ctypes.c_int.in_dll(ctypes.CDLL(paddle.base.libpaddle.__file__), "_ZN3fLI17FLAGS_minloglevelE")
    before, level.value = level.value, 0
    with errors_only():
        assert level.value == 2
        with errors_only():
            pass
        assert level.value == 2
    assert level.value == 0
    level.value = before


@pytest.mark.full
def test_an_export_of_a_run_keeps_the_weights_to_train_from_and_predicts_without_them(
    run: Path, exported: Path, tmp_path: Path
) -> None:
    kept, best = load_checkpoint(zoo.read_bundle(exported).training_weights()), load_state(RunFolder(run).best).average
    assert kept.keys() == best.keys()
    assert all(np.array_equal(kept[name], best[name]) for name in best)
    copy = shutil.copytree(exported, tmp_path / "copy")
    (copy / "training.safetensors").write_bytes(b"cut short")
    zoo.load(copy, threads=1).close()
    with pytest.raises(BundleError, match=r"training\.safetensors has sha256"):
        zoo.read_bundle(copy).training_weights()
    (copy / "training.safetensors").unlink()
    zoo.load(copy, threads=1).close()
    with pytest.raises(BundleError, match=r"has no training\.safetensors"):
        zoo.read_bundle(copy).training_weights()
    bare = tmp_path / "bare"
    ended = zoo_process("export", run, "-o", bare, "--no-training-weights")
    assert ended.returncode == 0, ended.stderr
    assert sorted(path.name for path in bare.iterdir()) == [
        "golden.npz",
        "inference.json",
        "inference.pdiparams",
        "inference.yml",
    ]
    with pytest.raises(BundleError, match="holds no weights for training"):
        zoo.read_bundle(bare).training_weights()


ORDINARY_USER = """
import ctypes, os, sys
from pathlib import Path
# Root may write anywhere, as long as it has this capability.
assert ctypes.CDLL(None).capset((ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()) == 0
from zoo.store import find_bundle
first = find_bundle(Path(sys.argv[1]))
made = os.stat(first.program).st_mtime_ns
again = find_bundle(Path(sys.argv[1]))
print(first.folder.parent.parent, again.folder == first.folder, os.stat(again.program).st_mtime_ns == made)
"""


@pytest.mark.full
def test_a_run_that_cannot_be_written_is_a_model_too(run: Path) -> None:
    with tempfile.TemporaryDirectory() as place:
        theirs, home = Path(place) / "run", Path(place) / "home"
        shutil.copytree(run, theirs, ignore=shutil.ignore_patterns("bundle"))
        home.mkdir()
        for path in (theirs, *theirs.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        done = run_python(ORDINARY_USER, theirs, ZOO_HOME=str(home))
        for path in (theirs, *theirs.rglob("*")):
            path.chmod(0o755)
        assert done.stdout.split() == [str(home), "True", "True"], done.stderr
        assert not (theirs / "bundle").exists()
        environment = {"ZOO_HOME": str(home)}
        listed = run_python("zoo", "cache", "ls", **environment)
        assert "models of runs in folders that cannot be written: " in listed.stderr
        removed = run_python("zoo", "cache", "rm", "--compiled", **environment)
        assert "removed models of runs, " in removed.stdout
        assert not [path for path in (home / "runs").rglob("*") if path.is_file()]


def begun(
    streets: Path, tmp_path: Path, what: object, model: str = "SeaFormer_tiny"
) -> tuple[subprocess.CompletedProcess[str], Path]:
    folder = tmp_path / "begun"
    return zoo_process("train", model, streets, "-o", folder, *QUICK, "--pretrained", what), folder


def other_classes(streets: Path, folder: Path) -> Path:
    """The same pictures with two classes."""
    shutil.copytree(streets, folder)
    (folder / "labels.txt").unlink()
    (folder / "data.yaml").write_text("classes: {road: [3, 4], other: [0, 1, 2, 5, 6, 7, 8, 9, 10]}\nignore: 255\n")
    return folder


@pytest.mark.full
def test_a_run_begins_with_the_weights_of_a_file_a_run_or_an_export_and_says_what_it_takes(
    run: Path, exported: Path, streets: Path, tmp_path: Path
) -> None:
    best = load_state(RunFolder(run).best).average
    file = tmp_path / "weights.safetensors"
    file.write_bytes((exported / "training.safetensors").read_bytes())
    two = other_classes(streets, tmp_path / "two")
    firsts: set[bytes] = set()
    for number, what in enumerate((run, exported, file)):
        ended, folder = begun(streets, tmp_path / str(number), what)
        assert ended.returncode == 0, ended.stderr
        assert f"{len(best)} arrays of {what} are taken: all." in ended.stderr
        configuration = RunFolder(folder).configuration()
        assert configuration["pretrained"] == str(what)
        assert configuration["pretrained_sha256"] == file_sha256(file)
        firsts.add((folder / "train.jsonl").read_bytes())
    # The same weights and the same steps, wherever they came from; and others than without.
    assert len(firsts) == 1
    assert firsts != {(run / "train.jsonl").read_bytes()}
    ended, folder = begun(two, tmp_path / "two-run", exported)
    assert ended.returncode == 0, ended.stderr
    assert f"{len(best) - 2} arrays of {exported} are taken; 2 begin anew, because the classes differ." in ended.stderr
    assert "cls_seg.weight" in ended.stderr
    assert len(load_state(RunFolder(folder).best).model["cls_seg.bias"]) == 2


@pytest.mark.full
def test_a_run_goes_on_without_the_file_it_began_with_and_not_from_another_one(
    run: Path, streets: Path, tmp_path: Path
) -> None:
    file = shutil.copy(run / "best" / "average.safetensors", tmp_path / "weights.safetensors")
    ended, folder = begun(streets, tmp_path, file)
    assert ended.returncode == 0, ended.stderr
    # As after a kill before the first checkpoint.
    early = tmp_path / "early"
    early.mkdir()
    for name in ("config.yaml", "labels.txt"):
        shutil.copy(folder / name, early / name)
    file.write_bytes(save({"another": np.zeros(1, np.float32)}))
    ended = zoo_process("train", "--resume", early)
    assert (ended.returncode, ended.stderr.splitlines()[-1]) == (
        1,
        "Bring these weights back, or begin another run.",
    )
    file.unlink()
    shutil.rmtree(folder / "iter_0000002")
    ended = zoo_process("train", "--resume", folder)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.full
def test_weights_that_cannot_be_begun_with_are_an_error_before_there_is_a_run(
    exported: Path, streets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    bare = tmp_path / "bare"
    shutil.copytree(exported, bare)
    settings = (bare / "inference.yml").read_text()
    (bare / "inference.yml").write_text(settings.replace("training: training.safetensors\n", ""))
    empty = tmp_path / "empty"
    RunFolder(empty).begin(RunFolder(exported.parent / "run").configuration(), ("a", "b"))
    for what, said in {
        str(bare): f"{bare} holds no weights for training",
        str(empty): f"The run in {empty} has no evaluated checkpoint yet.",
        "gone.pdparams": "The checkpoint gone.pdparams does not exist.",
        "SeaFormer_tinny": "No model is called 'SeaFormer_tinny'.",
        "starter": "does not fit the network",
        "official": "The pretrained files of SeaFormer_tiny are not on this machine, and zoo was told to stay offline.",
    }.items():
        ended, folder = begun(streets, tmp_path / "x", what)
        assert ended.returncode == 1, ended.stderr
        assert said in ended.stderr.splitlines()[-2]
        assert not folder.exists()
    ended, folder = begun(streets, tmp_path / "x", exported, model="PP-LiteSeg-T")
    assert ended.returncode == 1
    assert "does not fit the network" in ended.stderr
    assert not folder.exists()


def test_a_run_begins_with_the_official_checkpoint_which_is_fetched(
    streets: Path, server: Server, home: Path, tmp_path: Path
) -> None:
    network = zoo.build_network("PP-LiteSeg-T")
    paddle.save(network.state_dict(), str(tmp_path / "official.pdparams"))
    server.files[CHECKPOINT] = (tmp_path / "official.pdparams").read_bytes()
    ended = zoo_process("train", "PP-LiteSeg-T", streets, "--dry-run", "--pretrained", "official")
    assert ended.returncode == 0, ended.stderr
    assert "arrays of official are taken; 3 begin anew, because the classes differ." in ended.stderr
    assert "pretrained: official\n" in ended.stdout
    assert len(server.requests) == 1


def test_a_run_begins_with_a_model_whose_files_have_weights_for_training(
    streets: Path, exported: Path, home: Path
) -> None:
    stock(home, find_model("SeaFormer_tiny").card, exported)
    ended = zoo_process("train", "SeaFormer_tiny", streets, "--dry-run", "--pretrained", "SeaFormer_tiny")
    assert ended.returncode == 0, ended.stderr
    assert "arrays of SeaFormer_tiny are taken: all." in ended.stderr
    assert "pretrained: SeaFormer_tiny\n" in ended.stdout
    assert f"pretrained_sha256: {file_sha256(exported / 'training.safetensors')}\n" in ended.stdout


def test_a_run_is_a_model_by_its_folder_exported_once_and_again_when_it_is_better(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, picture: np.ndarray
) -> None:
    folder = shutil.copytree(run, tmp_path / "run")
    with zoo.load(folder, threads=1) as model:
        first = model.predict(picture).one().mask
        assert (model.name, model.labels, model.bundle.origin) == ("SeaFormer_tiny", CAMVID.names, str(folder))
    made = (folder / "bundle" / "inference.yml").stat().st_mtime_ns
    # By its bare name, on the command line and in a pipeline file, and from the folder that is there.
    monkeypatch.chdir(tmp_path)
    Image.fromarray(picture).save("street.png")
    (tmp_path / "street.yaml").write_text("zoo: 1\nmodel: run\n")
    for words in (("--model", "run"), ("--pipeline", "street.yaml")):
        ended = zoo_process("predict", "street.png", *words, "--save-path", "out", "--save", "mask")
        assert ended.returncode == 0, ended.stderr
        [mask] = tmp_path.glob("out/*.png")
        assert np.array_equal(np.asarray(Image.open(mask)), first)
        mask.unlink()
    assert (folder / "bundle" / "inference.yml").stat().st_mtime_ns == made
    found = run_python("import sys, zoo.store; zoo.store.find_bundle('run'); print(*sys.modules)").stdout.split()
    assert "zoo.learn.delivery.delivered" in found
    assert "paddle" not in found
    better = load_state(folder / "best")
    head = {"cls_seg.bias": np.arange(11, dtype=np.float32) * 1000}
    shutil.rmtree(folder / "best")
    replace(better, iteration=77, average={**better.average, **head}).save(folder).rename(folder / "best")
    with zoo.load("run", threads=1) as model:
        assert np.unique(model.predict(picture).one().mask).tolist() == [10]


def test_a_run_without_an_evaluated_checkpoint_is_no_model_yet(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "begun"
    RunFolder(folder).begin(RunFolder(run).configuration(), CAMVID.names)
    with pytest.raises(TrainingError, match="has no evaluated checkpoint yet") as caught:
        zoo.load(folder)
    assert caught.value.hint == f"Go on with it: zoo train --resume {folder}"
    shutil.copytree(run / "best", folder / "best")
    (folder / "best" / "state.json").write_text("{")
    with pytest.raises(CheckpointError, match="cannot be read"):
        zoo.load(folder)
    shutil.rmtree(folder / "best")
    assert [path.name for path in sorted(folder.iterdir())] == ["config.yaml", "labels.txt"]


def test_an_export_knows_how_good_it_is_and_that_its_masks_are_those_of_the_network(
    run: Path, exported: Path, streets: Path
) -> None:
    known = zoo.read_bundle(exported).evaluation
    data = read_run_data(streets)
    with zoo.load(exported) as model:
        found = evaluate(model, data.val).confusion
    assert known is not None
    assert (known.data, known.pictures, known.miou, known.accuracy) == (data.digest, 2, found.miou, found.accuracy)
    assert np.array_equal(np.array(known.iou, np.float64), found.iou, equal_nan=True)
    assert known.agreement is not None
    assert known.differs_most is not None
    assert known.agreement >= 0.999
    assert known.differs_most[0] in ("images/6.jpg", "images/7.jpg")
    assert known.differs_most[1] <= known.agreement
    shown = zoo_process("info", exported).stdout
    assert f"{100 * found.miou:.2f} on 2 validation pictures" in shown
    assert f"{100 * found.iou[0]:6.2f}  sky" in shown
    told = json.loads(zoo_process("info", exported, "--json").stdout)
    assert told["evaluation"]["miou"] == found.miou
    assert told["confidence"]["lowest"] <= told["confidence"]["mean"]
    # The run's own folder is not measured again, and says what its log says.
    [line] = [line for line in RunFolder(run).log() if line["iteration"] == best_of(run) and "miou" in line]
    logged = zoo.read_bundle(bundle_of_run(run)).evaluation
    assert logged is not None
    assert (logged.miou, logged.agreement) == (line["miou"], None)


def best_of(run: Path) -> int:
    return load_state(RunFolder(run).best).iteration


@pytest.mark.full
def test_masks_that_are_not_those_of_the_network_are_no_export(run: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"of the pixels of the export's masks .* At least 100.10% were") as caught:
        export_run(RunFolder(run), tmp_path / "none", agreement=1.001)
    assert "--agreement" in caught.value.hint
    ended = zoo_process("export", "starter", "-o", tmp_path / "none", "--format", "onnx", "--agreement", "0.9")
    assert ended.returncode == 2
    assert "--agreement belongs to a run of zoo train." in ended.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.full
@pytest.mark.parametrize("gone", [True, False])
def test_a_run_whose_data_is_gone_or_changed_is_exported_and_it_is_said_what_was_not_measured(
    run: Path, streets: Path, tmp_path: Path, gone: bool
) -> None:
    copy, data = shutil.copytree(run, tmp_path / "run"), tmp_path / "data"
    if not gone:
        shutil.copytree(streets, data)
        (data / "val.txt").write_text("images/6.jpg annotations/6.png\n")
    settings = (copy / "config.yaml").read_text()
    (copy / "config.yaml").write_text(settings.replace(f"data: {streets}", f"data: {data}"))
    ended = zoo_process("export", copy, "-o", tmp_path / "bundle")
    assert ended.returncode == 0, ended.stderr
    reason = f"{data}" if gone else f"the data in {data} is no longer that of the run."
    assert "The masks were not held against the network: " in ended.stderr
    assert reason in ended.stderr
    known = zoo.read_bundle(tmp_path / "bundle").evaluation
    assert known is not None
    assert (known.pictures, known.agreement, known.differs_most) == (2, None, None)
