"""What is given as a device, wherever it can be given: two lines and exit 1, and nothing runs or is written."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
import yaml
from click.testing import CliRunner
from PIL import Image

import zoo
from support import install_into
from zoo.bundle.bundle import Bundle
from zoo.cli.app import cli
from zoo.learn.optimize import optimize
from zoo.registry import refresh

#: An address, and what is wrong with it. No runtime of any device is here.
REFUSED = {
    "gpu:": "has a number that no device has",
    "gpu:a": "has a number that no device has",
    "gpu:-1": "has a number that no device has",
    "gpu:0,0": "names one device twice",
    "gpu:0,00": "names one device twice",
    "gpu:99": "The device gpu:99 cannot be used: paddlepaddle",
    "gpu:" + "9" * 5000: "has a number that no device has",
    "NPU:0": "The device npu:0 cannot be used: paddlepaddle",
    "tpu": "The device 'tpu' is not installed here.",
    "": "`device` is ''; expected text",
    " ": "The device ' ' is not installed here.",
    "gpu: 0": "has a blank in it",
    "gpu:0,npu:0": "is a list of another form",
    "cpu:1": "there is one cpu",
    "dcu:0": "The plugin 'dcu' of zoo-device-dcu 1.0 could not be loaded: ImportError: no acl.",
    "gcu": "The device name 'gcu' is brought by",
}


@pytest.fixture(scope="module", autouse=True)
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A plugin that cannot be loaded, and two that bring the same kind."""
    site = tmp_path_factory.mktemp("site")
    install_into(site, "zoo-device-dcu", "raise ImportError('no acl')", group="zoo.devices", name="dcu")
    for name in ("gcu", "gcu2"):
        source = (
            "from zoo.plugin import Device, Probe, hookimpl\n"
            "class Gcu(Device):\n"
            "    kind, api = 'gcu', 1\n"
            "    def probe(self): return Probe(1)\n"
            "    def configure(self, config, index): pass\n"
            "@hookimpl\n"
            "def zoo_devices(): return [Gcu()]\n"
        )
        install_into(site, f"zoo-device-{name}", source, group="zoo.devices", name=name)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(site)
        refresh()
        yield
    for module in ("zoo_device_dcu", "zoo_device_gcu", "zoo_device_gcu2"):
        sys.modules.pop(module, None)
    refresh()


@pytest.fixture
def work(bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with something for every command."""
    pixels = np.zeros((40, 56, 3), np.uint8)
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
        Image.fromarray(pixels if name == "images" else pixels[:, :, 0]).save(tmp_path / name / "a.png")
    tifffile.imwrite(tmp_path / "large.tif", pixels)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def commands(model: Path, address: str) -> dict[str, list[str]]:
    """Every command that takes a device, with the option or a pipeline file."""
    Path("pipeline.yaml").write_text(yaml.safe_dump({"zoo": 1, "model": str(model), "device": address}))
    where = ["--device", address]
    return {
        "predict": ["predict", "images", "--model", str(model), "-o", "out", *where],
        "pipeline file": ["predict", "images", "--pipeline", "pipeline.yaml", "-o", "out"],
        "as PaddleX": ["--pipeline", "pipeline.yaml", "--input", "images", "--save_path", "out", *where],
        "evaluate": ["evaluate", str(model), "--data", ".", *where],
        "tiff": ["tiff", "large.tif", "out.tif", "--model", str(model), "--window", "32", "32", *where],
        "lock": ["lock", "starter", "-o", "out.lock", *where],
        "doctor": ["doctor", str(model), *where],
        "optimize": ["optimize", str(model), *where],
    }


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.mark.full
@pytest.mark.parametrize("address", REFUSED, ids=lambda address: repr(address[:12]))
def test_an_address_that_cannot_be_used_is_refused_in_every_command(work: Path, bundle: Bundle, address: str) -> None:
    words = commands(bundle.folder, address)
    before = files(work)
    for name, command in words.items():
        done = CliRunner().invoke(cli, command)
        lines = done.stderr.splitlines()
        assert (done.exit_code, done.stdout, len(lines)) == (1, "", 2), (name, done.output, done.exception)
        assert REFUSED[address] in lines[0], (name, lines)
        assert files(work) == before, name
    for call in (zoo.load, optimize):
        with pytest.raises(zoo.ZooError) as caught:
            call(bundle.folder, device=address)
        assert REFUSED[address] in caught.value.message
        assert isinstance(caught.value, (zoo.DeviceError, zoo.DuplicateNameError, zoo.ConfigError))


@pytest.mark.full
@pytest.mark.parametrize("address", ["cpu:0", " CPU "])
@pytest.mark.usefixtures("home")
def test_there_is_one_processor_with_the_number_0(work: Path, bundle: Bundle, address: str) -> None:
    for name, command in commands(bundle.folder, address).items():
        done = CliRunner().invoke(cli, command)
        assert done.exit_code == 0, (name, done.output, done.exception)
    done = CliRunner().invoke(cli, ["predict", "images", "--model", str(bundle.folder), "--device", address, "--json"])
    assert json.loads(done.stdout)["device"] == "cpu"
