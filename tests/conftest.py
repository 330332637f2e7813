"""Fixtures every test can use."""

from __future__ import annotations

import faulthandler
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, settings

import zoo
from servers import Server
from support import ARCHIVE, CHECKPOINT, export_small, packed
from zoo.bundle.bundle import Bundle
from zoo.contract.labels import LabelSet, distinct_palette

# How long an example takes depends on what else the machine does.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


# What the processes of the tests say when they crash. It is long, and shown at the end from its beginning.
_CRASHES = Path(__file__).resolve().parents[1] / "build" / "crashes"


def pytest_sessionstart() -> None:
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        _CRASHES.mkdir(parents=True, exist_ok=True)
        faulthandler.enable(os.open(_CRASHES / f"{worker}.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for file in sorted(_CRASHES.glob("gw*.txt")):
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines()[:60]:
            terminalreporter.write_line(f"{file.stem}: {line}"[:200])


@pytest.fixture(scope="session", autouse=True)
def ctrl_c() -> None:
    """Ctrl-C is answered, by what tests start too, also in the background of a shell, which has it ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of facts and data beside the checkout; absent for a user, present in CI."""
    folder = Path(__file__).resolve().parents[2] / "shared"
    if not folder.is_dir():
        pytest.skip("the shared data folder is not beside this checkout")
    return folder


@pytest.fixture(scope="session", autouse=True)
def zoo_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache folder of the tests' own; what else the environment tells zoo is nothing to them."""
    folder = tmp_path_factory.mktemp("zoo-home")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("ZOO_") and not name.startswith("ZOO_TEST_")]:
            patch.delenv(name)
        patch.setenv("ZOO_HOME", str(folder))
        # Else every program of every test would be proven in three engines; see `all_engines`.
        patch.setenv("ZOO_DISABLE_PLUGINS", "zoo-backend-onnxruntime,zoo-backend-openvino")
        yield folder


@pytest.fixture(scope="session")
def seven_labels() -> LabelSet:
    return LabelSet("seven", tuple(f"class {index}" for index in range(7)), distinct_palette(7))


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory, seven_labels: LabelSet) -> Bundle:
    """An exported network with random weights and logits at stride 8."""
    return export_small(tmp_path_factory.mktemp("bundles") / "logits", seven_labels, "zoo")


@pytest.fixture(scope="session")
def paddlex_bundle(tmp_path_factory: pytest.TempPathFactory, seven_labels: LabelSet) -> Bundle:
    """The same network, exported with argmax inside and settings for PaddleX."""
    return export_small(tmp_path_factory.mktemp("bundles") / "labels", seven_labels, "paddlex")


@pytest.fixture(scope="session")
def official_folder(paddlex_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export folder as PaddleX writes it, which names no classes."""
    folder = tmp_path_factory.mktemp("official")
    shutil.copytree(paddlex_bundle.folder, folder, dirs_exist_ok=True)
    described = yaml.safe_load((folder / "inference.yml").read_text())
    del described["zoo"]
    (folder / "inference.yml").write_text(yaml.safe_dump(described))
    return folder


@pytest.fixture(scope="session")
def official_archive(official_folder: Path) -> bytes:
    return packed(official_folder)


@pytest.fixture(scope="session")
def engines(zoo_home: Path, bundle: Bundle, official_folder: Path) -> Path:
    """Which engine settings work here: found once, because a trial takes seconds."""
    for folder in (bundle.folder, official_folder):
        zoo.load(folder, threads=1).close()
    return zoo_home / "engines"


@pytest.fixture
def home(tmp_path: Path, engines: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder of one test's own, without models."""
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    shutil.copytree(engines, tmp_path / "home" / "engines")
    return tmp_path / "home"


@pytest.fixture
def all_engines(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engines of plugins, which other tests leave out."""
    monkeypatch.delenv("ZOO_DISABLE_PLUGINS")


@pytest.fixture
def server(official_archive: bytes, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The official addresses of PP-LiteSeg-T, on loopback."""
    with Server({ARCHIVE: official_archive, CHECKPOINT: b"\x80\x04}." + b"w" * 1000}) as server:
        monkeypatch.setenv("ZOO_MIRROR", server.url(""))
        yield server


@pytest.fixture
def picture() -> np.ndarray:
    """A drawn street, (120, 168, 3) RGB uint8."""
    from scenes import draw_scene

    return draw_scene(5, 120, 168).image
