"""GPU and XPU, which paddle must be built for and nothing can pretend: with stand-ins for paddle and its Config."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from zoo.contract.device import Device
from zoo.engine import paddle_build
from zoo.errors import DeviceUnavailableError
from zoo.plugin import Probe
from zoo_device_gpu import Gpu
from zoo_device_xpu import Xpu


class Config:
    """Records what a plugin calls."""

    def __init__(self, takes: bool = True) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self._takes = takes

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments: self.calls.append((name, *arguments))

    def use_gpu(self) -> bool:
        return self._takes


def test_what_is_enabled_has_the_number_that_was_asked_for() -> None:
    config = Config()
    Gpu().configure(config, 3)
    Xpu().configure(config, 2)
    assert config.calls == [
        ("enable_use_gpu", 100, 3),
        ("enable_xpu",),
        ("set_xpu_device_id", 2),
        ("delete_pass", "conv2d_bn_xpu_fuse_pass"),
        ("delete_pass", "transfer_layout_pass"),
    ]
    with pytest.raises(DeviceUnavailableError, match="did not take the GPU"):
        Gpu().configure(Config(takes=False), 0)


def paddle_with(count: int, built: bool = True) -> Any:
    card = SimpleNamespace(name="NVIDIA T4", total_memory=15 * 2**30)
    part = SimpleNamespace(device_count=lambda: count, get_device_properties=lambda _: card)
    return SimpleNamespace(
        __version__="3.2.2",
        device=SimpleNamespace(cuda=part, xpu=part),
        is_compiled_with_cuda=lambda: built,
        is_compiled_with_xpu=lambda: built,
    )


@pytest.mark.parametrize(
    ("device", "paddle", "probe"),
    [
        (Gpu(), paddle_with(2), Probe(2, names=("NVIDIA T4, 15 GiB",) * 2)),
        (Xpu(), paddle_with(2), Probe(2)),
        (Gpu(), paddle_with(0), "its runtime finds no device; see the driver, and CUDA_VISIBLE_DEVICES"),
        (Xpu(), paddle_with(0), "its runtime finds no device; see the driver, and XPU_VISIBLE_DEVICES"),
        # What its files say may be of another paddle than the one that is imported.
        (Gpu(), paddle_with(2, built=False), "paddlepaddle 3.2.2 is built without CUDA"),
        (Xpu(), paddle_with(2, built=False), "paddlepaddle 3.2.2 is built without XPU"),
    ],
)
def test_a_build_says_what_there_is(
    device: Device, paddle: Any, probe: Probe | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = paddle_build.PaddleBuild("3.2.2", cuda="12.6", xpu="5.0")
    monkeypatch.setattr(paddle_build, "paddle_build", lambda: build)
    monkeypatch.setattr(paddle_build, "_nvidia_driver", str)
    monkeypatch.setitem(sys.modules, "paddle", paddle)
    found = device.probe()
    assert device.missing() == ""
    assert (found.reason if isinstance(probe, str) else found) == probe


@pytest.mark.parametrize("device", [Gpu(), Xpu()])
def test_a_paddle_for_the_processor_is_told_without_importing_it(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "paddle", None)
    monkeypatch.setattr(paddle_build, "paddle_build", lambda: paddle_build.PaddleBuild("3.2.2"))
    part = {"gpu": "CUDA", "xpu": "XPU"}[device.kind]
    assert device.missing() == f"paddlepaddle 3.2.2 is built without {part}"
    assert device.probe() == Probe(0, device.missing(), install=device.install)
