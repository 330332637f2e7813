"""Device strings: "cpu", "gpu:0" -> a device and its number; and the cores this process may use."""

from __future__ import annotations

import logging
import math
import os
import re
from dataclasses import dataclass
from pathlib import Path

from zoo.contract.device import Probe
from zoo.engine.absent import named_engine
from zoo.engine.guard import GuardedDevice
from zoo.errors import DeviceNotInstalledError, DeviceUnavailableError
from zoo.message import Message
from zoo.registry.found import Discovery

#: The kinds that zoo has plugins for, in the order in which `auto` looks for a usable device.
KINDS = ("gpu", "xpu", "npu", "mlu")
AUTO = "auto"
# A kind and its numbers.
_FORM = re.compile(r"([^:,\s]+)(?::([0-9]{1,9}(?:,[0-9]{1,9})*))?")
#: What others call a kind.
_ELSEWHERE = {"cuda": "gpu", "nvidia": "gpu", "rocm": "gpu", "hip": "gpu", "ascend": "npu", "kunlun": "xpu"}

_log = logging.getLogger("zoo.engine")


@dataclass(frozen=True, slots=True)
class Devices:
    """What a device string names.

    Attributes:
        device: The kind.
        numbers: The numbers of those that are meant, at least one.
        names: Names of all of its kind that are there, which change with their drivers.
    """

    device: GuardedDevice
    numbers: tuple[int, ...]
    names: tuple[str, ...]


def find_devices(name: str, found: Discovery) -> Devices:
    """Finds the devices a string names.

    Args:
        name: A kind with optional numbers: "cpu", "gpu", "npu:1", "gpu:0,1"; or "auto", the first kind with a usable
            device in the order gpu, xpu, npu, mlu, cpu.
        found: The installed plugins.

    Raises:
        DeviceNotInstalledError: No plugin brings this kind, or the string has another form.
        DeviceUnavailableError: The plugin is there, but not this device.
        DuplicateNameError: Two distributions bring this kind.
    """
    word = name.strip().lower()
    if word == AUTO:
        return _first_usable(found)
    kind, numbers = _parts(word) or (name, ())
    device = None if kind == "cpu" and numbers not in ((), (0,)) else found.devices.get(kind)
    if device is None or len(set(numbers)) < len(numbers):
        raise _unknown(name, found)
    guarded = GuardedDevice(device, found.owner(device))
    probe = guarded.probe()
    for number in numbers or probe.usable[:1] or (0,):
        if number not in probe.usable:
            raise _unusable(kind, number, probe)
    return Devices(guarded, numbers or probe.usable[:1], probe.names)


def _parts(word: str) -> tuple[str, tuple[int, ...]] | None:
    """Returns the kind and the numbers of an address; None for what has another form."""
    match = _FORM.fullmatch(word)
    return None if match is None else (match[1], tuple(map(int, match[2].split(","))) if match[2] else ())


def _first_usable(found: Discovery) -> Devices:
    """Returns the first kind with a usable device, and says why those before it are not."""
    refused: list[Message] = []
    for kind in (*KINDS, "cpu"):
        if (device := found.devices.get(kind)) is None:
            continue
        guarded = GuardedDevice(device, found.owner(device))
        reason = guarded.missing()
        probe = Probe(0, reason) if reason else guarded.probe()
        if probe.count:
            _log.info("device auto is %s%s", guarded.name(probe.usable[0]), "".join(f"; {text}" for text in refused))
            return Devices(guarded, probe.usable[:1], probe.names)
        refused.append(Message("{kind}: {reason}", kind=kind, reason=probe.reason))
    raise DeviceUnavailableError("No device can be used. {refused:; }.", "Run: zoo plugins", refused=refused)


def _unusable(kind: str, number: int, probe: Probe) -> DeviceUnavailableError:
    if probe.numbers:
        reason = Message("the usable ones are {numbers:, }", numbers=[f"{kind}:{each}" for each in probe.numbers])
    else:
        reason = probe.reason or Message("there are {count}, numbered from 0", count=probe.count)
    hint = Message("Run: {install}", install=probe.install) if probe.install else Message("Use device='cpu'")
    return DeviceUnavailableError(
        "The device {kind}:{index} cannot be used: {reason}.", hint, kind=kind, index=number, reason=reason
    )


def _unknown(name: str, found: Discovery) -> DeviceNotInstalledError:
    """Returns the error for a string that names no installed kind, or names none in this form."""
    present = sorted(found.devices)
    word = name.strip().lower()
    kind, _, number = word.partition(":")
    kinds = dict.fromkeys(part.strip().partition(":")[0] for part in word.split(",") if ":" in part)
    if "," in word and (len(kinds) != 1 or word.count(":") > 1):
        return DeviceNotInstalledError(
            "The device {name!r} is a list of another form. The numbers of one kind were expected.",
            "Give them as {example}",
            name=name,
            example=f"{next(iter(kinds), '') or 'gpu'}:0,1",
        )
    if any(character.isspace() for character in word):
        return DeviceNotInstalledError("The device {name!r} has a blank in it.", "Give one, such as gpu:0", name=name)
    parts = _parts(word)
    numbers = parts[1] if parts else ()
    if len(set(numbers)) < len(numbers):
        return DeviceNotInstalledError(
            "The device {name!r} names one device twice. Each does one batch at a time.",
            "Give {example}",
            name=name,
            example=f"{kind}:{','.join(map(str, dict.fromkeys(numbers)))}",
        )
    if ":" in word and (kind in KINDS or kind in found.devices) and (kind == "cpu" or parts is None):
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
    elif meant in KINDS:
        hint = Message(
            "Run in a clone of zoo: pip install ./plugins/{distribution}  (it is on no public index yet)",
            distribution=f"zoo-device-{meant}",
        )
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
