"""int8: calibrated by NNCF on one's own pictures, kept for the model or in a folder of it, and used where asked for."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import paddle
import pytest
import yaml
from paddle import nn
from PIL import Image

import zoo
from scenes import draw_scene
from support import run_python, zoo_process
from zoo.base.digest import file_sha256
from zoo.base.processor import processor
from zoo.bundle.bundle import Bundle, read_bundle
from zoo.bundle.calibration import Calibrated, calibration_path, read_calibrated, write_calibration
from zoo.contract.labels import LabelSet
from zoo.engine.open import candidates
from zoo.learn.calibrate import write_calibrated
from zoo.learn.convert import convert_bundle, converter
from zoo.learn.export import export_bundle
from zoo.learn.optimize import optimize
from zoo.proof.chosen import Chosen
from zoo.proof.locked import choose_as_locked, locked_engine
from zoo.store.lock import LockedModel
from zoo_backend_openvino.calibrate import most

# It takes minutes on two cores: `make test-all`.
pytestmark = [pytest.mark.usefixtures("all_engines", "home"), pytest.mark.full]

# Random weights tell classes apart by little.
LEAST = 0.8


class Network(nn.Layer):
    """Six convolutions, logits at stride 8."""

    def __init__(self) -> None:
        super().__init__()
        widths = 3, 16, 16, 16, 16, 16
        self.convolutions = nn.LayerList(
            nn.Conv2D(before, after, 3, stride=2 if number < 3 else 1, padding=1)
            for number, (before, after) in enumerate(pairwise(widths))
        )
        self.head = nn.Conv2D(16, 7, 1)

    def forward(self, x: paddle.Tensor) -> list[paddle.Tensor]:
        for convolution in self.convolutions:
            x = nn.functional.relu(convolution(x))
        return [self.head(x)]


@pytest.fixture(scope="module")
def six(tmp_path_factory: pytest.TempPathFactory, seven_labels: LabelSet) -> Bundle:
    paddle.seed(0)
    folder = tmp_path_factory.mktemp("bundles") / "six"
    return export_bundle(Network(), folder, model="six", labels=seven_labels, output_stride=8, network_stride=8)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(3):
        Image.fromarray(draw_scene(number, 64, 96).image).save(folder / f"{number}.png")
    (folder / "notes.txt").write_text("no picture")
    return folder


@pytest.fixture(scope="module")
def found(six: Bundle, pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> Calibrated:
    """A calibration that was made once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_HOME", str(tmp_path_factory.mktemp("home")))
        patch.delenv("ZOO_DISABLE_PLUGINS")
        return calibrated(six, pictures, 0.0)


@pytest.fixture
def kept(six: Bundle, found: Calibrated, home: Path) -> Path:
    """The calibration as `zoo optimize` keeps it, in the cache folder of one test."""
    # Random weights: the bound is for trained ones.
    program = six.verify()
    path = write_calibration(found, calibration_path(program.digest))
    Chosen(program.digest, "cpu", "int8", processor(), "openvino", 0.0, 3, "", {}, 1, file_sha256(path)).keep()
    return path


def calibrated(bundle: Bundle, pictures: Path, least: float) -> Calibrated:
    optimize(bundle, str(pictures), precisions=["int8"], least=least, threads=1)
    program = bundle.verify()
    return read_calibrated(calibration_path(program.digest), program.digest)


def masks(model: str | Path, pictures: Path, threads: int, streams: int = 1) -> list[np.ndarray]:
    with zoo.load(model, backend="openvino", precision="int8", threads=threads, streams=streams) as opened:
        return [result.mask for result in opened.predict(str(pictures))]


def test_a_model_is_calibrated_measured_and_from_then_on_run_in_int8(six: Bundle, pictures: Path) -> None:
    words = "--precision", "float32", "--precision", "int8", "--min-agreement", LEAST, "--json"
    ended = zoo_process("optimize", six.folder, "--images", pictures, *words)
    assert ended.returncode == 0, ended.stderr
    said = json.loads(ended.stdout)
    [row] = [row for row in said["rows"] if row["precision"] == "int8"]
    assert (row["engine"], row["refused"], said["chosen"]["int8"]) == ("openvino", "", "openvino")
    assert LEAST <= row["agreement"] <= 1
    said = said["int8"]
    assert (said["engine"], said["pictures"], said["apart"]) == ("openvino", 3, False)
    assert 0 < said["layers"] <= said["of"]
    assert [text.partition(" ")[0] for text in said["libraries"]] == ["openvino", "nncf"]
    assert Path(said["kept"]) == calibration_path(six.verify().digest)
    with zoo.load(six.folder, precision="int8", threads=1) as model:
        assert model.engine.endswith(", int8")
        assert model.predict(str(pictures / "0.png")).one().engine.endswith(", int8")
    with zoo.load(six.folder, threads=1) as model:
        assert "int8" not in model.engine


def test_the_same_pictures_give_the_same_and_fewer_layers_where_more_pixels_must_stay(
    six: Bundle, pictures: Path, found: Calibrated, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    strict, again = calibrated(six, pictures, 0.98), calibrated(six, pictures, 0.0)
    assert again.calibration == found.calibration
    told = [record for record in caplog.records if "passed over" in record.getMessage()]
    assert len(told) == 2, "once for each of the two"
    assert again.pictures_sha256 == found.pictures_sha256 == strict.pictures_sha256
    assert 0 < len(strict.calibration.layers) < len(found.calibration.layers) == found.calibration.of


def test_the_most_groups_of_layers_that_keep_the_masks_are_found() -> None:
    for right in range(1, 8):
        shares = {count: 0.9 if count <= right else 0.5 for count in range(1, 8)}
        assert most(7, shares.__getitem__, 0.9) == (right, 0.9)
    assert most(7, lambda count: 0.3 / count, 0.9) == (0, 0.3)


def test_masks_do_not_depend_on_threads_streams_and_batches(six: Bundle, pictures: Path, kept: Path) -> None:
    one, two = masks(six.folder, pictures, threads=1), masks(six.folder, pictures, threads=2, streams=2)
    assert all(map(np.array_equal, one, two))
    program = six.verify()
    [item] = candidates(program, engine="openvino", precision="int8")
    session = item.opener(program)(1)
    batch = np.random.default_rng(0).standard_normal((3, 3, 64, 96)).astype(np.float32)
    together = session.run(batch)
    assert np.array_equal(together, np.concatenate([session.run(batch[place : place + 1]) for place in range(3)]))
    [exact] = candidates(program, engine="openvino")
    assert not np.array_equal(together, exact.opener(program)(1).run(batch))


def test_a_folder_that_carries_int8_runs_anywhere(
    six: Bundle, pictures: Path, found: Calibrated, tmp_path: Path, home: Path
) -> None:
    folder = tmp_path / "with-int8"
    written = write_calibrated(six, found, folder)
    assert not (home / "int8").exists()
    assert written.verify().digest == six.verify().digest
    said = yaml.safe_load((folder / "inference.yml").read_text())["zoo"]
    assert said["calibrated"]["pictures"] == 3
    assert "calibrated on 3 pictures" in zoo_process("info", folder).stdout
    # Proven anew on this machine, with a bound for random weights.
    optimize(written, precisions=["int8"], least=0.0, threads=1)
    with zoo.load(folder, precision="int8", threads=1) as model:
        assert model.engine.endswith(", int8")
    with pytest.raises(zoo.BackendError, match="not calibrated"):
        zoo.load(six.folder, backend="openvino", precision="int8")
    # Other tools get float32.
    [*_, caution] = convert_bundle(written, tmp_path / "onnx", converter("onnx")).notes
    assert caution == f"inference.onnx is in float32: the int8 calibration of {folder} is not part of it."
    # Its own calibration is what is measured on other pictures.
    measured = optimize(written, str(pictures), precisions=["int8"], least=0.0, threads=1)
    assert (measured.int8, measured.pictures, measured.chosen) == (None, 3, {"int8": "openvino"})
    assert not (home / "int8").exists()
    with pytest.raises(zoo.ExportError, match="is not empty"):
        optimize(written, str(pictures), precisions=["int8"], output=folder)
    with open(folder / "int8.npz", "ab") as file:
        file.write(b" ")
    with pytest.raises(zoo.BundleError, match=r"int8\.npz has sha256"):
        zoo.load(folder)


def test_a_lock_holds_the_calibration(six: Bundle, kept: Path) -> None:
    program = six.verify()
    [item] = candidates(program, engine="openvino", precision="int8")
    agreed = LockedModel("six", "d", "1", "", "", {}, locked_engine(item, program))
    assert choose_as_locked(agreed, program, "cpu", "auto", 1, None).why.startswith("as the lock file says; ")
    other = replace(agreed, engine=replace(locked_engine(item, program), calibration="0" * 64))
    with pytest.raises(zoo.LockMismatchError, match="with another int8 calibration than ") as raised:
        choose_as_locked(other, program, "cpu", "auto", 1, None)
    assert "zoo optimize six --images DIR --precision int8" in raised.value.hint
    assert choose_as_locked(other, program, "cpu", "auto", 1, "float32").why.startswith("asked for; ")


def test_without_a_calibration_the_line_to_type_is_said(six: Bundle) -> None:
    with pytest.raises(zoo.BackendError, match="not calibrated for int8 on this machine") as raised:
        zoo.load(six.folder, precision="int8")
    assert raised.value.hint == "Run: zoo optimize MODEL --images DIR --precision int8"


def test_a_calibration_that_was_cut_or_edited_is_refused_and_nothing_else(six: Bundle, kept: Path) -> None:
    program, path = six.verify(), kept
    whole = path.read_bytes()
    with np.load(path) as arrays:
        content = dict(arrays)
    np.savez_compressed(path, **{**content, "batch": content["batch"] + 1})
    edited = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], whole[:30] + b"\0" * 40 + whole[70:], b"", edited):
        path.write_bytes(damaged)
        with pytest.raises(zoo.BundleError) as raised:
            zoo.load(six.folder, backend="openvino", precision="int8", threads=1)
        assert raised.value.hint == "Run: zoo optimize MODEL --images DIR --precision int8"
    with pytest.raises(zoo.BundleError, match="changed or damaged"):
        read_calibrated(path, program.digest)
    path.write_bytes(whole)
    with pytest.raises(zoo.BundleError, match="of another program"):
        read_calibrated(path, "0" * 64)
    path.unlink()
    zoo.load(six.folder, backend="openvino", threads=1).close()


def test_an_engine_that_ends_its_process_ends_no_calibration_without_a_word(
    six: Bundle, pictures: Path, tmp_path: Path
) -> None:
    (tmp_path / "broken" / "openvino").mkdir(parents=True)
    (tmp_path / "broken" / "openvino" / "__init__.py").write_text("import os; os.abort()")
    words = "optimize", six.folder, "--images", pictures, "--precision", "int8", "-o", tmp_path / "out"
    ended = run_python("zoo", *words, first=str(tmp_path / "broken"))
    assert ended.returncode == 1
    *_, fact, hint = ended.stderr.splitlines()
    assert fact.startswith("The engine openvino of ")
    assert fact.endswith("in a process of its own, ended by SIGABRT.")
    assert hint == "Use --precision float32"
    assert not (tmp_path / "out").exists()


def test_a_picture_that_cannot_be_read_is_named_before_anything_is_calculated(
    six: Bundle, pictures: Path, tmp_path: Path
) -> None:
    shutil.copytree(pictures, tmp_path / "cut")
    (tmp_path / "cut" / "2.png").write_bytes((pictures / "2.png").read_bytes()[:200])
    with pytest.raises(zoo.SourceError, match=r"2\.png"):
        calibrated(six, tmp_path / "cut", LEAST)


def test_where_it_cannot_be_kept_that_is_said(six: Bundle, found: Calibrated, home: Path) -> None:
    (home / "int8").write_text("a file")
    with pytest.raises((zoo.OutputError, zoo.CacheError), match="int8"):
        write_calibration(found, calibration_path(found.program))


def test_a_disk_that_is_full_keeps_nothing_and_says_so(six: Bundle, pictures: Path, home: Path) -> None:
    code = """
import resource, sys
from zoo.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
main()
"""
    words = "--images", pictures, "--precision", "int8", "--min-agreement", 0
    (home / "tmp").mkdir()
    ended = run_python(code, "optimize", six.folder, *words, ZOO_HOME=str(home), TMPDIR=str(home / "tmp"))
    assert ended.returncode == 1
    assert "cannot be written: File too large" in ended.stderr
    assert list(home.rglob("*.npz")) == list((home / "tmp").iterdir()) == []


def test_two_processes_that_calibrate_one_model_at_once_keep_one_whole_calibration(
    six: Bundle, pictures: Path, found: Calibrated, home: Path
) -> None:
    words = "--images", pictures, "--precision", "int8", "--min-agreement", 0

    def run() -> subprocess.CompletedProcess[str]:
        return run_python("zoo", "optimize", six.folder, *words, ZOO_HOME=str(home))

    with ThreadPoolExecutor() as pool:
        for ended in [first.result() for first in [pool.submit(run), pool.submit(run)]]:
            assert ended.returncode == 0, ended.stderr
            assert "int8 was measured on the pictures it was calibrated on; 40 or more" in ended.stderr
    path = calibration_path(found.program)
    assert read_calibrated(path, found.program).calibration == found.calibration
    assert list(path.parent.iterdir()) == [path]


def test_zoo_cache_counts_calibrations_and_removes_them(kept: Path, home: Path) -> None:
    assert "int8 calibrations: 1, " in run_python("zoo", "cache", "ls", ZOO_HOME=str(home)).stderr
    removed = run_python("zoo", "cache", "rm", "--calibrations", ZOO_HOME=str(home)).stdout
    assert removed.startswith("removed int8 calibrations, ")
    assert not kept.exists()


def test_without_nncf_the_line_to_type_is_said(six: Bundle, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nncf", None)
    with pytest.raises(zoo.BackendError, match="nncf") as raised:
        calibrated(six, pictures, LEAST)
    assert raised.value.hint == 'Run: pip install "nncf>=3.4,<4"'


class Pooled(nn.Layer):
    """No convolution and no product of matrices."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = self.create_parameter([1], default_initializer=nn.initializer.Constant(2.0))

    def forward(self, x: paddle.Tensor) -> list[paddle.Tensor]:
        pooled = nn.functional.avg_pool2d(x, 8) * self.gain
        return [paddle.concat([pooled, pooled * 2, pooled[:, :1] - 1], axis=1)]


def test_what_has_nothing_to_calibrate_is_refused(seven_labels: LabelSet, pictures: Path, tmp_path: Path) -> None:
    pooled = export_bundle(Pooled(), tmp_path / "pooled", model="pooled", labels=seven_labels, network_stride=8)
    with pytest.raises(zoo.BackendError, match="has no layer that int8 makes faster"):
        calibrated(pooled, pictures, LEAST)


def test_weights_that_are_no_numbers_are_named() -> None:
    import openvino
    from openvino import opset13

    from zoo_backend_openvino.int8 import unusable

    picture = opset13.parameter([1, 3, 8, 8], np.float32)
    weights = opset13.constant(np.full((4, 3, 1, 1), np.nan, np.float32), name="first")
    convolution = opset13.convolution(picture, weights, [1, 1], [0, 0], [0, 0], [1, 1])
    assert list(unusable(openvino.Model([convolution], [picture]))) == ["first"]


def test_nothing_is_reported_while_nncf_calibrates(six: Bundle, pictures: Path, tmp_path: Path) -> None:
    """No address looked up, no connection, no file in the home folder, without the CI that would silence it."""
    code = f"""
import socket, sys
from pathlib import Path
asked = []
sys.addaudithook(lambda event, arguments: asked.append(event) if event in (
    "socket.connect", "socket.getaddrinfo", "socket.gethostbyname") else None)
from zoo.bundle.bundle import read_bundle
from zoo.learn.optimize import optimize
from zoo.proof.locked import choose_as_locked, locked_engine
from zoo.store.lock import LockedModel
found = optimize(read_bundle(Path({str(six.folder)!r})), {str(pictures)!r}, precisions=["int8"], least={LEAST})
import nncf, time; time.sleep(0.5)
print(asked, sorted(path.name for path in Path.home().rglob("*")), found.int8.layers > 0)
"""
    ended = run_python(code, HOME=str(tmp_path / "user"), ZOO_HOME=str(tmp_path / "cache"))
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == "[] [] True"


def test_a_folder_of_others_has_no_place_for_it(paddlex_bundle: Bundle, pictures: Path, tmp_path: Path) -> None:
    folder = tmp_path / "foreign"
    shutil.copytree(paddlex_bundle.folder, folder)
    document = yaml.safe_load((folder / "inference.yml").read_text())
    del document["zoo"]
    (folder / "inference.yml").write_text(yaml.safe_dump(document))
    foreign = replace(read_bundle(folder))
    with pytest.raises(zoo.ExportError, match="not of zoo"):
        optimize(foreign, str(pictures), precisions=["int8"], output=tmp_path / "out")
    with pytest.raises(zoo.ConfigError, match="for what is calibrated for int8"):
        optimize(foreign, str(pictures), output=tmp_path / "out")
