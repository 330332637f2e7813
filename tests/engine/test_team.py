"""Several processes for one queue of pictures: what one process gives, in its order; an end is met and told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import tifffile
import yaml
from click.testing import CliRunner
from PIL import Image
from sessions import mortal, stumbling

import zoo
from scenes import draw_scene
from zoo.bundle.bundle import Bundle
from zoo.cli.app import cli
from zoo.engine.streams.processes import ProcessSession
from zoo.engine.streams.team import Team
from zoo.errors import ConfigError, InferenceError
from zoo.plugin import Session
from zoo.predict.model import Model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of several sizes with masks; the fourth ends the process of a `mortal` session."""
    folder = tmp_path_factory.mktemp("streets")
    for name in ("images", "masks"):
        (folder / name).mkdir()
    for number in range(9):
        scene = draw_scene(number, 33 if number == 3 else 40 + 8 * (number % 3), 56)
        Image.fromarray(scene.image).save(folder / "images" / f"{number}.png")
        Image.fromarray(scene.image[:, :, 0] % 7).save(folder / "masks" / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def expected(bundle: Bundle, folder: Path) -> list[np.ndarray]:
    """Masks of one process."""
    with zoo.load(bundle.folder, threads=1) as model:
        return [result.mask for result in model.predict(folder / "images")]


def team(opener: Callable[[int], Session], count: int = 2) -> Team:
    return Team([partial(ProcessSession, opener, 1, again=True) for _ in range(count)])


def pids(engine: Team) -> list[int]:
    return [member._worker._process.pid for member in engine._members]


def test_workers_give_what_one_process_gives_in_the_order_of_the_pictures(
    bundle: Bundle, folder: Path, expected: list[np.ndarray]
) -> None:
    with zoo.load(bundle.folder, threads=2, workers=2) as model:
        results = list(model.predict(folder / "images"))
    assert [result.name for result in results] == [str(number) for number in range(9)]
    assert all(np.array_equal(result.mask, mask) for result, mask in zip(results, expected, strict=True))
    assert {(result.device, result.engine.rpartition(", ")[2]) for result in results} == {("cpu", "1 thread")}


@pytest.mark.full
def test_evaluate_tiff_and_pipelines_have_workers_too(bundle: Bundle, folder: Path, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "large.tif", draw_scene(2, 300, 500).image)
    (tmp_path / "pipeline.yaml").write_text(
        yaml.safe_dump({"zoo": 1, "model": str(bundle.folder), "threads": 2, "workers": 2})
    )
    found: dict[str, list[object]] = {}
    for count in ("1", "2"):
        words = ["--threads", "2", "--workers", count]
        evaluated = CliRunner().invoke(cli, ["evaluate", str(bundle.folder), "--data", str(folder), "--json", *words])
        figures = json.loads(evaluated.stdout)
        assert figures["engine"].endswith("1 thread" if count == "2" else "2 threads"), figures
        target = tmp_path / f"{count}.tif"
        options = ["--model", str(bundle.folder), "--window", "128", "128", *words]
        done = CliRunner().invoke(cli, ["tiff", str(tmp_path / "large.tif"), str(target), *options])
        assert done.exit_code == 0, done.output
        found[count] = [figures["IoU"], figures["pictures"], tifffile.imread(target).tolist()]
    assert found["1"] == found["2"]
    with zoo.create_pipeline(tmp_path / "pipeline.yaml") as pipeline:
        engines = [result.engine for result in pipeline.predict(folder / "images")]
    assert [engine.rpartition(", ")[2] for engine in engines] == ["1 thread"] * 9


def test_a_worker_that_is_killed_is_replaced_and_its_picture_is_run_again(
    bundle: Bundle, folder: Path, expected: list[np.ndarray], tmp_path: Path
) -> None:
    """One by itself, in the middle of a picture; the other one from outside, while it waits."""
    engine = team(partial(stumbling, bundle.verify(), tmp_path / "stumbled"))
    before = pids(engine)
    with Model(bundle, engine) as model:
        masks = [result.mask for result in model.predict(folder / "images")]
        assert all(map(np.array_equal, masks, expected))
        after = pids(engine)
        assert len(set(before) & set(after)) == 1
        [kept] = set(before) & set(after)
        os.kill(kept, signal.SIGKILL)
        masks = [result.mask for result in model.predict(folder / "images")]
        assert all(map(np.array_equal, masks, expected))
        assert not set(before) & set(pids(engine))


def test_a_picture_that_ends_its_process_twice_is_named_and_the_others_go_on_with_skip(
    bundle: Bundle, folder: Path, expected: list[np.ndarray]
) -> None:
    with Model(bundle, team(partial(mortal, bundle.verify()))) as model:
        with pytest.raises(InferenceError, match=r"3\.png.*ended \(SIGKILL\) on a batch .*, also in its second try"):
            list(model.predict(folder / "images"))
        run = model.predict(folder / "images", on_error="skip")
        masks = [result.mask for result in run]
        assert all(map(np.array_equal, masks, expected[:3] + expected[4:]))
        [failure] = run.failures
        assert failure.name == "3"
        assert "also in its second try" in failure.error.message


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"workers": 3}, r"workers is 3\. 1 to 2 was expected"),
        ({"workers": 2, "streams": 2}, "workers is 2 and streams is 2. One of them was expected"),
        ({"workers": 0}, "`workers` is 0"),
    ],
)
def test_workers_that_cannot_be_are_refused(bundle: Bundle, arguments: dict[str, int], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        zoo.load(bundle.folder, threads=2, **arguments)


def children(process: int) -> list[int]:
    """The processes that a process has started."""
    found: list[int] = []
    for path in Path(f"/proc/{process}/task").glob("*/children"):
        found += map(int, path.read_text().split())
    return found


def test_ctrl_c_ends_every_process_and_leaves_no_memory(bundle: Bundle, tmp_path: Path) -> None:
    Image.fromarray(draw_scene(1, 256, 256).image).save(tmp_path / "000.png")
    for number in range(1, 300):
        os.link(tmp_path / "000.png", tmp_path / f"{number:03}.png")
    named = os.listdir("/dev/shm")
    words = "predict", str(tmp_path), "--model", str(bundle.folder), "--threads", "2", "--workers", "2", "--json"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen(
        [sys.executable, "-m", "zoo", *words],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as command:
        assert command.stdout is not None
        assert json.loads(command.stdout.readline())["device"] == "cpu"
        workers = children(command.pid)
        assert len(workers) == 2
        command.send_signal(signal.SIGINT)
        try:
            rest, said = command.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            command.kill()
            raise
    assert command.returncode == 130
    assert len(rest.splitlines()) < 299
    assert "Traceback" not in said
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{worker}").exists() for worker in workers):
        assert time.monotonic() < deadline, "a worker is left"
        time.sleep(0.05)
    assert os.listdir("/dev/shm") == named
