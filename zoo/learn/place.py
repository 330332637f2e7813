"""Where training runs: on one device in this process, or on several by paddle's launcher, a process for each.

What zoo trains with has no code of its own for a kind of device: the plugin says what paddle calls it
(`Device.training`) and which variables it needs (`Device.training_environ`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from zoo.base.child import environment, python
from zoo.base.host import HOST
from zoo.engine.device import available_cores, find_devices
from zoo.errors import ConfigError
from zoo.registry.discovery import discover

# Variables that the processes of a run get, where there are several, and beginnings of others.
_KEPT = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "HOME", "TMPDIR", "LANG", "TZ", "CPATH")
_KINDS = ("ZOO_", "OMP_", "MKL_", "OPENBLAS_", "LC_", "CUDA_", "NVIDIA_", "NCCL_", "FLAGS_", "ASCEND_", "HCCL_", "XPU")
# Kinds that paddle is built for; others are plugins of it.
_BUILT_IN = ("cpu", "gpu", "xpu")


@dataclass(frozen=True, slots=True)
class Place:
    """Where training runs.

    Attributes:
        devices: What `paddle.set_device` calls the devices, such as ("npu:0", "npu:1").
        numbers: Their numbers.
        environ: Variables of the processes that train there; paddle reads them when it is imported.
    """

    devices: tuple[str, ...]
    numbers: tuple[int, ...]
    environ: Mapping[str, str]

    def command(self, module: str, *arguments: str, logs: Path) -> list[str]:
        """Returns the command that runs a module of zoo there, in a process for each device.

        Args:
            module: It trains on its `own_device`.
            arguments: What it finds in `sys.argv` behind its own name.
            logs: A folder for what the processes print, if there are several.
        """
        if len(self.devices) == 1:
            return python(module, *arguments)
        shares = ("--nproc_per_node", str(len(self.devices)))
        if self.devices[0] != "cpu":
            shares = ("--devices", ",".join(map(str, self.numbers)))
        # Without --host the processes listen on the address of the machine's name (paddle 3.2.2).
        launcher = python("paddle.distributed.launch", *shares, "--host", "127.0.0.1", "--log_dir", str(logs))
        return [*launcher, *python(module, *arguments)[1:]]

    def take(self) -> None:
        """Makes the device that of this process, where there is one: a plugin may have made another the default."""
        with HOST.undisturbed():
            import paddle
        paddle.set_device(self.devices[0])

    def environment(self) -> dict[str, str]:
        """Returns the whole environment for the command."""
        return environment() | dict(self.environ)

    def shared_environment(self) -> dict[str, str]:
        """Returns what several processes need of the environment: the launcher writes all of it into its logs."""
        kept = {name: value for name, value in self.environment().items() if name in _KEPT or name.startswith(_KINDS)}
        threads = str(max(1, available_cores() // len(self.devices)))
        return {"OMP_NUM_THREADS": threads, **kept, **self.environ}


def own_device(devices: Sequence[str]) -> str:
    """Returns the device of this process, where `Place.command` has started it.

    Args:
        devices: `Place.devices`. The launcher hides the others, so that `training_place` would not find them here.
    """
    return devices[int(os.environ.get("PADDLE_LOCAL_RANK", "0"))]


def training_place(address: str, processes: int = 1) -> Place:
    """Finds where training runs.

    Args:
        address: As for `zoo.load`, such as "npu:0", "gpu:0,1" or "auto".
        processes: Processes that share the processor; other devices have one each.

    Raises:
        ConfigError: Several processes are wanted on another device than the processor.
        DeviceNotInstalledError: No plugin brings this kind, or the address has another form.
        DeviceUnavailableError: The plugin is there, but not the device.
    """
    meant = find_devices(address, discover("zoo.devices"))
    devices = tuple(meant.device.training(number) for number in meant.numbers)
    environ = {**meant.device.environ, **meant.device.training_environ}
    called = devices[0].partition(":")[0]
    if called == "cpu":
        return Place(devices * processes, tuple(range(processes)), environ)
    if processes > 1:
        raise ConfigError(
            "--processes {processes} is for the processor; {address} has a process for each device.",
            "Leave it out, or give several devices, such as {kind}:0,1",
            processes=processes,
            address=address,
            kind=address.partition(":")[0],
        )
    if len(devices) > 1 and called not in _BUILT_IN:
        # The launcher finds no other devices without it (paddle 3.2.2): "Device not found".
        environ["PADDLE_XCCL_BACKEND"] = called
    return Place(devices, meant.numbers, environ)


def check_share(batches: int, processes: int) -> None:
    """Makes sure that processes can share the batches of a step.

    Raises:
        ConfigError: Their number does not divide that of the batches.
    """
    if batches % processes:
        raise ConfigError(
            "A step has {count} batches (train.accumulate), which {size} processes cannot share.",
            "Give another number of processes, or for a new run a train.accumulate that they divide.",
            count=batches,
            size=processes,
        )
