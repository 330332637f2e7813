"""Device strings and the number of cores."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from zoo.engine.cpu import CPU
from zoo.engine.device import _cgroup_quota, available_cores, find_devices
from zoo.errors import DeviceNotInstalledError, DeviceUnavailableError, PluginLoadError
from zoo.plugin import Device, Probe
from zoo.registry import Discovery, Plugin

GPU = "Run in a clone of zoo: pip install ./plugins/zoo-device-gpu  (it is on no public index yet)"


class Npu(Device):
    kind = "npu"
    api = 1
    tried_first = False

    def probe(self) -> Probe:
        return Probe(2)

    def configure(self, config: Any, index: int) -> None:
        config.enable_custom_device("npu", index)


class Broken(Npu):
    def probe(self) -> Probe:
        return Probe(0, "the driver is not loaded")


def with_devices(*devices: Device) -> Discovery:
    return Discovery(
        tuple(Plugin(d.kind, "zoo.devices", f"zoo-device-{d.kind}", "1.0", devices=(d,)) for d in (CPU(), *devices))
    )


@pytest.mark.parametrize("name", ["cpu", "CPU", " cpu ", "cpu:0"])
def test_there_is_one_cpu(name: str) -> None:
    found = find_devices(name, with_devices())
    assert (found.device.kind, found.numbers, found.device.name(0)) == ("cpu", (0,), "cpu")


def test_a_device_of_a_plugin_is_found_with_its_number() -> None:
    for name, expected in (("npu", (0,)), ("npu:1", (1,)), ("NPU:1,0", (1, 0))):
        assert find_devices(name, with_devices(Npu())).numbers == expected


@pytest.mark.parametrize("kind", ["npu2", "my-npu", "Tensor.Core_1+x"])
def test_every_kind_that_the_contract_allows_can_be_numbered(kind: str) -> None:
    found = with_devices(type("Other", (Npu,), {"kind": kind})())
    for name, expected in ((kind, 0), (f"{kind}:0", 0), (f"{kind.upper()}:1", 1)):
        assert find_devices(name, found).numbers == (expected,)
    with pytest.raises(DeviceUnavailableError, match="there are 2, numbered from 0"):
        find_devices(f"{kind}:2", found)
    with pytest.raises(DeviceNotInstalledError, match="has a number that no device has"):
        find_devices(f"{kind}:x", found)
    assert find_devices(f"{kind}:0,1", found).numbers == (0, 1)


def test_a_plugin_that_cannot_be_loaded_is_not_hidden_behind_not_installed() -> None:
    error = PluginLoadError("The plugin 'npu' of zoo-device-npu 1.0 could not be loaded: ImportError: no acl.", "")
    broken = Plugin("npu", "zoo.devices", "zoo-device-npu", "1.0", error=error)
    with pytest.raises(DeviceNotInstalledError) as caught:
        find_devices("npu:0", Discovery((*with_devices().plugins, broken)))
    assert str(caught.value) == (
        "The device 'npu:0' is not installed here. Installed: cpu. The plugin 'npu' of zoo-device-npu 1.0 could not be "
        "loaded: ImportError: no acl.\nRun: zoo plugins"
    )


def test_a_device_without_plugin_says_where_the_plugin_is() -> None:
    with pytest.raises(DeviceNotInstalledError) as caught:
        find_devices("gpu:0", with_devices(Npu()))
    assert str(caught.value) == (f"The device 'gpu:0' is not installed here. Installed: cpu, npu.\n{GPU}")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("ascend:1", "Use device='npu:1'"),
        ("ascend", "Use device='npu:0'"),
        ("cuda:1", GPU),
        ("0", GPU),
        ("mps", "Use device='cpu'"),
    ],
)
def test_what_others_call_a_device_leads_to_the_one_there_is(name: str, hint: str) -> None:
    with pytest.raises(DeviceNotInstalledError) as caught:
        find_devices(name, with_devices(Npu()))
    assert caught.value.hint == hint


@pytest.mark.parametrize("name", ["", "cuda", "../gpu"])
def test_other_strings_are_refused(name: str) -> None:
    with pytest.raises(DeviceNotInstalledError, match="is not installed here"):
        find_devices(name, with_devices())


@pytest.mark.parametrize(
    ("name", "fact", "hint"),
    [
        ("GPU:3,gpu:4", "is a list of another form. The numbers of one kind were expected.", "Give them as gpu:0,1"),
        ("npu:0,mlu:0", "is a list of another form. ", "Give them as npu:0,1"),
        (",", "is a list of another form. ", "Give them as gpu:0,1"),
        ("npu:0,0", "names one device twice. ", "Give npu:0"),
        ("npu:0,00", "names one device twice. ", "Give npu:0"),
        ("npu: 0", "has a blank in it.", "Give one, such as gpu:0"),
        ("gpu:-1", "has a number that no device has: they are numbered from 0", "Give one, such as gpu:0"),
        ("npu:", "has a number that no device has", "Give one, such as npu:0"),
        ("npu:x", "has a number that no device has", "Give one, such as npu:0"),
        ("npu:0,x", "has a number that no device has", "Give one, such as npu:0"),
        ("cpu:1", "has a number that no device has", "Give one, such as cpu"),
        ("cpu:0,1", "has a number that no device has", "Give one, such as cpu"),
    ],
)
def test_what_is_no_address_is_called_what_it_is(name: str, fact: str, hint: str) -> None:
    with pytest.raises(DeviceNotInstalledError) as caught:
        find_devices(name, with_devices(Npu()))
    assert caught.value.message.startswith(f"The device {name!r} {fact}")
    assert caught.value.hint == hint


def test_auto_is_the_first_kind_with_a_usable_device_and_says_why_others_are_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    assert find_devices("auto", with_devices()).device.kind == "cpu"
    assert find_devices("Auto", with_devices(Npu())).device.name(0) == "npu:0"
    assert find_devices("auto", with_devices(Broken())).device.kind == "cpu"
    assert caplog.messages[-1] == "device auto is cpu; npu: the driver is not loaded"


def test_numbers_that_were_selected_are_those_that_may_be_asked_for() -> None:
    class Selected(Npu):
        def probe(self) -> Probe:
            return Probe(2, numbers=(1, 3))

    found = with_devices(Selected())
    assert find_devices("npu", found).numbers == (1,)
    assert find_devices("npu:3", found).numbers == (3,)
    with pytest.raises(DeviceUnavailableError, match=r"npu:0 cannot be used: the usable ones are npu:1, npu:3\."):
        find_devices("npu:0", found)


def test_a_number_that_is_not_there_is_refused_before_the_engine_could_abort() -> None:
    with pytest.raises(DeviceUnavailableError, match="npu:2 cannot be used: there are 2, numbered from 0"):
        find_devices("npu:2", with_devices(Npu()))
    with pytest.raises(DeviceUnavailableError, match="the driver is not loaded"):
        find_devices("npu", with_devices(Broken()))


def test_cores_respect_the_affinity_of_the_process() -> None:
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert available_cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)
    assert 1 <= available_cores() <= len(allowed)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"cpu.max": "150000 100000\n"}, 1.5),
        ({"cpu.max": "max 100000\n"}, None),
        ({"cpu/cpu.cfs_quota_us": "50000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 0.5),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ({"cpu.max": "nonsense\n"}, None),
        ({}, None),
    ],
)
def test_the_quota_of_the_control_group_is_read(tmp_path: Path, files: dict[str, str], expected: float | None) -> None:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    assert _cgroup_quota(tmp_path) == expected
