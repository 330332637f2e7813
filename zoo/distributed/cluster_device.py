"""Devices of a cluster: which kind its machines have, as Ray counts them, and which one an actor takes."""

from __future__ import annotations

import fcntl
import itertools
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.distributed.ray_package import import_ray
from zoo.engine.device import AUTO, KINDS, find_devices
from zoo.errors import ClusterError, DeviceError, DeviceNotInstalledError
from zoo.registry.discovery import discover

_CPU = "cpu"


def kind_and_resource(device: str, resources: Mapping[str, float]) -> tuple[str, str]:
    """Returns the kind of device that actors take, and what Ray calls it; empty for the processor.

    Args:
        device: As of `zoo.load`, without numbers: Ray gives each actor one of its own.
        resources: What the cluster has.

    Raises:
        DeviceNotInstalledError: No plugin brings this kind.
        ClusterError: Numbers are given, or Ray has no name for this kind.
    """
    word = device.strip().lower()
    devices = discover("zoo.devices").devices
    if word == AUTO:
        named = (kind for kind in KINDS if kind in devices and resources.get(devices[kind].ray_resource, 0) >= 1)
        word = next(named, _CPU)
    if ":" in word:
        raise ClusterError(
            "The device {device} has a number, and on a cluster each worker is given its own.",
            "Give the kind alone: --device {kind}",
            device=device,
            kind=word.partition(":")[0],
        )
    if word == _CPU:
        return word, ""
    if word not in devices:
        find_devices(word, discover("zoo.devices"))  # which says what is missing
        raise DeviceNotInstalledError("No plugin brings {device}.", "Run: zoo devices", device=device)
    resource = devices[word].ray_resource
    if not resource:
        raise ClusterError(
            "Ray has no name for the device {device}.", "Use another --device, or no --cluster.", device=device
        )
    return word, resource


class OwnDevice:
    """The device of an actor, which no other actor of its machine has as long as this one lives.

    Args:
        kind: Its kind.
        resource: What Ray calls it.

    Raises:
        ClusterError: All of them are taken.

    Attributes:
        name: As of `zoo.load`.
    """

    def __init__(self, kind: str, resource: str) -> None:
        ray: Any = import_ray()
        self._lock: Any = None
        if not resource or ray.get_runtime_context().get_accelerator_ids().get(resource):
            # Ray has hidden the others by the variable of their maker, so it is the first there is.
            self.name = kind
            return
        self.name = self._taken(kind)

    def _taken(self, kind: str) -> str:
        folder = Path(tempfile.gettempdir()) / f"zoo-devices-{os.getuid()}"
        folder.mkdir(mode=0o700, exist_ok=True)
        for number in itertools.count():
            name = f"{kind}:{number}"
            try:
                find_devices(name, discover("zoo.devices"))
            except DeviceError as error:
                raise ClusterError(
                    "No {kind} is free for another worker: {reason}",
                    "Tell Ray how many this machine has, such as: ray start --resources '{{\"NPU\": 8}}'",
                    kind=kind,
                    reason=error.message,
                ) from error
            lock = (folder / name.replace(":", "-")).open("w")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.close()
                continue
            self._lock = lock
            return name
        raise AssertionError("unreachable: the numbers do not end")
