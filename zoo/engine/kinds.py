"""The kinds of devices that are installed, for people."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.contract.device import Probe
from zoo.engine.guard import GuardedDevice, guarded_devices
from zoo.errors import DuplicateNameError
from zoo.message import Message
from zoo.registry.discovery import discover
from zoo.registry.found import Discovery


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
    """Returns the state of each kind, by name, the processor first. A kind that two plugins bring is there twice.

    Args:
        probe: Whether to ask those that may be there; what the files of the machine rule out is not asked.
    """
    found = discover("zoo.devices")
    devices = sorted(guarded_devices(found), key=lambda device: (device.kind != "cpu", device.kind))
    return tuple(_state(device, _fault(device, found), probe) for device in devices)


def _fault(device: GuardedDevice, found: Discovery) -> str:
    """Returns why a kind cannot be used, whatever its devices say."""
    try:
        found.devices.get(device.kind)
    except DuplicateNameError as error:
        return error.message.removesuffix(".")
    return device.missing()


def _state(device: GuardedDevice, missing: str, probe: bool) -> DeviceState:
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
