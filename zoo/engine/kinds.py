"""The kinds of devices that are installed, for people."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.contract.device import Probe
from zoo.engine.guard import GuardedDevice
from zoo.message import Message
from zoo.registry.discovery import discover


@dataclass(frozen=True, slots=True)
class DeviceState:
    """A kind of device on this machine.

    Attributes:
        kind: Its name in addresses.
        title: What people call it; may be empty.
        count: How many there are; None where nobody asked.
        state: "yes", "no", or "not asked".
        reason: Why there is none; empty where there is one, or nobody knows.
        names: A name for each; may be empty.
        visibility: The variable that hides them; may be empty.
        install: The command that helps where there is none; may be empty.
        distribution: Which distribution brings the kind.
    """

    kind: str
    title: str
    count: int | None
    state: str
    reason: str
    names: tuple[str, ...]
    visibility: str
    install: str
    distribution: str


def device_states(*, probe: bool) -> tuple[DeviceState, ...]:
    """Returns the state of each kind, by name, the processor first.

    Args:
        probe: Whether to ask those that may be there; what the files of the machine rule out is not asked.
    """
    found = discover("zoo.devices")
    devices = sorted(found.devices.values(), key=lambda device: (device.kind != "cpu", device.kind))
    return tuple(_state(GuardedDevice(device, found.owner(device)), probe) for device in devices)


def _state(device: GuardedDevice, probe: bool) -> DeviceState:
    missing = device.missing()
    answer = Probe(0, missing) if missing else device.probe() if probe or not device.tried_first else None
    if answer is None:
        count, state, reason, names = None, Message("not asked"), "", ()
    else:
        state = Message("yes") if answer.count else Message("no")
        count, reason, names = answer.count, "" if answer.count else answer.reason, answer.names
    return DeviceState(
        device.kind,
        device.title,
        count,
        state,
        reason,
        names,
        device.visibility,
        "" if count else device.install,
        f"{device.owner.distribution} {device.owner.version}",
    )
