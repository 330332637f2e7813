"""Device strings: "cpu", "gpu:0" -> a device and its number; and the cores this process may use."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path

from zoo.engine.absent import named_engine
from zoo.engine.guard import GuardedDevice
from zoo.errors import DeviceNotInstalledError, DeviceUnavailableError
from zoo.message import Message
from zoo.registry.found import Discovery

_KNOWN = ("gpu", "npu", "xpu", "mlu")
# A kind and its number. A comma would be a list.
_ONE = re.compile(r"([^:,]+)(?::(\d+))?")
#: What others call a kind.
_ELSEWHERE = {"cuda": "gpu", "nvidia": "gpu", "rocm": "gpu", "hip": "gpu", "ascend": "npu", "kunlun": "xpu"}


def find_device(name: str, found: Discovery) -> tuple[GuardedDevice, int, tuple[str, ...]]:
    """Finds the device a string names.

    Args:
        name: A kind with an optional number: "cpu", "gpu", "npu:1".
        found: The installed plugins.

    Returns:
        The device, its number, and the names of all of its kind that are there.

    Raises:
        DeviceNotInstalledError: No plugin brings this kind, or the string has another form.
        DeviceUnavailableError: The plugin is there, but not this device.
        DuplicateNameError: Two distributions bring this kind.
    """
    match = _ONE.fullmatch(name.strip().lower())
    kind, number = (match[1], match[2]) if match else (name, None)
    device = None if kind == "cpu" and number not in (None, "0") else found.devices.get(kind)
    if device is None:
        raise _unknown(name, found)
    index = int(number or 0)
    guarded = GuardedDevice(device, found.owner(device))
    probe = guarded.probe()
    if index >= probe.count:
        reason = probe.reason or Message("there are {count}, numbered from 0", count=probe.count)
        hint = Message("Run: {install}", install=probe.install) if probe.install else Message("Use device='cpu'")
        raise DeviceUnavailableError(
            "The device {kind}:{index} cannot be used: {reason}.", hint, kind=kind, index=index, reason=reason
        )
    return guarded, index, probe.names


def _unknown(name: str, found: Discovery) -> DeviceNotInstalledError:
    """Returns the error for a string that names no installed kind, or names none in this form."""
    present = sorted(found.devices)
    kind, _, number = name.strip().lower().partition(":")
    if "," in name:
        first = _ONE.match(name.strip().lower())
        return DeviceNotInstalledError(
            "The device {name!r} is a list. Lists of devices are not taken: one model runs on one device.",
            "Give one, such as {example}",
            name=name,
            example=first[0] if first else "cpu",
        )
    if kind == "auto":
        return DeviceNotInstalledError(
            "The device {name!r} leaves the choice to zoo, which makes none. Installed: {present:, }.",
            "Give one, such as cpu",
            name=name,
            present=present,
        )
    if number and (kind in _KNOWN or kind in found.devices) and (kind == "cpu" or not number.isdecimal()):
        return DeviceNotInstalledError(
            "The device {name!r} has a number that no device has: they are numbered from 0, and there is one cpu.",
            "Give one, such as {kind}",
            name=name,
            kind=kind if kind == "cpu" else Message("{kind}:0", kind=kind),
        )
    if kind not in present and (engine := named_engine(kind, found)):
        return DeviceNotInstalledError(
            "{name!r} is no device but an engine. Devices installed: {present:, }.",
            "Use backend='{engine}'",
            name=name,
            engine=engine,
            present=present,
        )
    meant = _ELSEWHERE.get(kind, "gpu" if kind.isdecimal() else kind)
    faults = found.faults("zoo.devices")
    if meant in present:
        number = number or (kind if kind.isdecimal() else "0")
        hint = Message("Use device='{meant}:{number}'", meant=meant, number=number)
    elif faults:
        return DeviceNotInstalledError(
            "The device {name!r} is not installed here. Installed: {present:, }. {faults: }",
            "Run: zoo plugins",
            name=name,
            present=present,
            faults=list(faults.values()),
        )
    elif meant in _KNOWN:
        hint = Message("Use device='cpu'  (no plugin for {meant} is published yet)", meant=meant)
    else:
        hint = Message("Use device='cpu'")
    return DeviceNotInstalledError(
        "The device {name!r} is not installed here. Installed: {present:, }.", hint, name=name, present=present
    )


def available_cores() -> int:
    """Counts the cores this process may use: its affinity, limited by the quota of its control group, at least 1."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _cgroup_quota(Path("/sys/fs/cgroup"))
    return max(1, min(cores, math.ceil(quota)) if quota else cores)


def _cgroup_quota(root: Path) -> float | None:
    try:
        if (root / "cpu.max").is_file():
            limit, period = (root / "cpu.max").read_text(encoding="ascii").split()
        else:
            limit = (root / "cpu" / "cpu.cfs_quota_us").read_text(encoding="ascii").strip()
            period = (root / "cpu" / "cpu.cfs_period_us").read_text(encoding="ascii").strip()
        return None if limit in ("max", "-1") else int(limit) / int(period)
    except (OSError, ValueError):
        return None
