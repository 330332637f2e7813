"""Devices that lie, vanish, are full, or whose runtime hangs: an error that names them, and never a run elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pretend.build import VISIBLE, compiler
from pretend.machine import Machine

import zoo
from support import install_into
from zoo.bundle.bundle import Bundle
from zoo.engine import guard
from zoo.engine.paddle.session import PaddleSession
from zoo.errors import DeviceUnavailableError, InferenceError

# One that counts more than there are.
_LIAR = """
from zoo.plugin import Device, Probe, hookimpl
class Liar(Device):
    kind, api = "liar", 1
    def probe(self): return Probe(3)
    def configure(self, config, index): config.enable_custom_device("npu", index)
@hookimpl
def zoo_devices(): return [Liar()]
"""


@pytest.fixture
def here(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The runtime for what this process starts, which has imported paddle without it."""
    import paddle

    assert "npu" not in paddle.device.get_all_custom_device_type()
    monkeypatch.setenv("CUSTOM_DEVICE_ROOT", str(runtime))
    monkeypatch.setenv("GLOG_minloglevel", "2")
    return monkeypatch


def refused(ended: subprocess.CompletedProcess[str]) -> str:
    """The fact of an error in two lines, without a run."""
    assert (ended.returncode, ended.stdout) == (1, ""), ended
    fact, hint = ended.stderr.splitlines()
    assert hint
    return fact


def test_a_probe_that_counts_too_many_is_found_out_where_it_is_used(
    machine: Machine, bundle: Bundle, picture: Path, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    install_into(site, "zoo-device-liar", _LIAR, group="zoo.devices")
    words = "predict", picture, "--model", bundle.folder, "--device"
    path = os.pathsep.join([str(site), machine.environ["PYTHONPATH"]])
    assert refused(machine.zoo(*words, "liar:2", PYTHONPATH=path)) == (
        "The device liar:2 cannot be used: the process that opened the program there ended (SIGABRT: (NotFound) No "
        "allocator found for the place, Place(npu:2))."
    )
    assert "liar:2" in refused(machine.zoo(*words, "liar:0,2", PYTHONPATH=path))


def test_hidden_devices_are_none(machine: Machine, bundle: Bundle, picture: Path) -> None:
    words = "predict", picture, "--model", bundle.folder, "--device", "npu"
    assert refused(machine.zoo(*words, **{VISIBLE["npu"]: ""})) == (
        "The device npu:0 cannot be used: its runtime finds no device, or the visible ones leave none."
    )


@pytest.mark.full
def test_a_device_works_in_a_process_that_imported_paddle_without_it_and_may_vanish_during_a_run(
    here: pytest.MonkeyPatch, bundle: Bundle, picture: Path
) -> None:
    image = np.asarray(Image.open(picture))
    with zoo.load(bundle.folder) as model:
        expected = model.predict(image).one().mask
    with zoo.load(bundle.folder, device="npu:1") as model:
        result = model.predict(image).one()
        assert (result.device, np.array_equal(result.mask, expected)) == ("npu:1", True)
        here.setenv("PRETEND_COUNT", "1")
        [member] = model._engine._members
        member._worker._process.kill()
        with pytest.raises(InferenceError, match=r"The device npu:1 .*ended.*Place\(npu:1\)"):
            model.predict(image).one()
        # It is back.
        here.delenv("PRETEND_COUNT")
        assert np.array_equal(model.predict(image).one().mask, expected)


def test_a_full_device_is_named_and_nothing_runs_elsewhere(machine: Machine, bundle: Bundle, picture: Path) -> None:
    """When it opens the program; where not all weights fit, now and then only in the first run (paddle 3.2.2)."""
    opening, running = (
        r"paddle \S+ cannot open \S+ on npu:1: .*",
        rf"{picture}: paddle \S+ failed on npu:1, on a batch .*",
    )
    for model, memory, said in ((bundle.folder, 100_000, opening), ("starter", 4_000_000, f"{opening}|{running}")):
        words = "predict", picture, "--model", model, "--device", "npu:1"
        fact = refused(machine.zoo(*words, PRETEND_MEMORY=str(memory)))
        assert re.fullmatch(said, fact), fact
        assert "(at " not in fact


def test_what_paddle_raises_in_a_run_is_told_with_the_device() -> None:
    """These are its words (3.2.2) where a weight found no room."""

    said = "PreconditionNotMetError: Tensor holds no memory. Call Tensor::mutable_data firstly."
    place = "(at /paddle/paddle/phi/core/dense_tensor_impl.cc:43)"

    class Full:
        def __getattr__(self, name: str) -> None:
            raise RuntimeError(
                f"In user code:\n\n\n    {said} {place}\n      [operator < pd_kernel.phi_kernel > error]"
            )

    session = PaddleSession(lambda setting, threads: Full(), ("",), "3.2.2", 1, "npu:1")
    with pytest.raises(InferenceError) as caught:
        session.run(np.zeros((1, 3, 8, 8), np.float32))
    failed = "paddle 3.2.2 failed on npu:1, on a batch of shape (1, 3, 8, 8): "
    assert caught.value.message == f"{failed}{said}"


def library(folder: Path, code: str) -> Path:
    """Builds a folder for CUSTOM_DEVICE_ROOT with a library of these few lines."""
    found = compiler()
    if found is None:
        pytest.skip("there is no g++")
    folder.mkdir()
    (folder / "odd.cc").write_text(code)
    command = [found, "-shared", "-fPIC", str(folder / "odd.cc"), "-o", str(folder / "libodd.so")]
    subprocess.run(command, check=True, timeout=120)
    return folder


def test_a_runtime_that_hangs_when_it_is_loaded_is_given_up(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = '#include <unistd.h>\nextern "C" void InitPlugin(void*) { sleep(600); }'
    monkeypatch.setenv("CUSTOM_DEVICE_ROOT", str(library(tmp_path / "hangs", code)))
    monkeypatch.setattr(guard, "PROBE_SECONDS", 3.0)
    with pytest.raises(DeviceUnavailableError, match=r"npu:0 cannot be used: the probe of .* took more than 3 seconds"):
        zoo.load(bundle.folder, device="npu:0")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("int nothing;", "has no plugin for npu"),
        (
            '#include <cstdlib>\nextern "C" void InitPlugin(void*) { abort(); }',
            "the probe of plugin 'npu' of zoo-device-npu 0.1.0, in a process of its own, ended by SIGABRT",
        ),
        ('extern "C" void InitPlugin(void*) {}', "has no plugin for npu"),
    ],
    ids=["without the symbol", "aborts", "declares nothing"],
)
def test_a_runtime_for_another_paddle_is_told(
    machine: Machine, bundle: Bundle, picture: Path, tmp_path: Path, code: str, said: str
) -> None:
    root = library(tmp_path / "odd", code)
    words = "predict", picture, "--model", bundle.folder, "--device", "npu:0"
    ended = machine.zoo(*words, CUSTOM_DEVICE_ROOT=str(root))
    fact = refused(ended)
    assert fact.startswith("The device npu:0 cannot be used: ")
    assert said in fact
