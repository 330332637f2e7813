"""Which build of paddlepaddle is installed, and which devices it can use: what plugins of devices ask."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from zoo.contract.device import Probe
from zoo.message import Message


@dataclass(frozen=True, slots=True)
class PaddleBuild:
    """The paddlepaddle that is installed, as its files say; it is not imported.

    Attributes:
        version: Its version, such as "3.2.2".
        cuda: Version of CUDA, or ROCm, it was built for; empty for a build without.
        xpu: Version of the runtime of Kunlun XPUs it was built for; empty for a build without.
        plugins: File names of the device plugins beside it, each one a shared library.
    """

    version: str
    cuda: str = ""
    xpu: str = ""
    plugins: tuple[str, ...] = ()


def paddle_build() -> PaddleBuild | None:
    """Returns the installed build; None where there is none."""
    spec = importlib.util.find_spec("paddle")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent
    facts = _assignments(folder / "version" / "__init__.py")
    built = {name: value for name, value in facts.items() if value not in ("", "False")}
    # paddle looks into this folder at import; without the variable beside itself (paddle 3.2, 3.3).
    plugins = Path(os.environ.get("CUSTOM_DEVICE_ROOT") or folder.parent / "paddle_custom_device")
    return PaddleBuild(
        built.get("full_version", ""),
        built.get("cuda_version", ""),
        built.get("xpu_xre_version", "") or built.get("xpu_version", ""),
        tuple(sorted(path.name for path in plugins.glob("*.so"))) if plugins.is_dir() else (),
    )


def custom_probe(kind: str, install: str) -> Probe:
    """Counts the devices that a plugin of paddle brings. Imports paddle, which loads every such plugin.

    Args:
        kind: paddle's name of the type, such as "npu".
        install: The command that installs the plugin.
    """
    if reason := custom_missing():
        return Probe(0, reason, install=install)
    import paddle

    types = paddle.device.get_all_custom_device_type() or []
    if kind not in types:
        reason = Message("paddlepaddle {version} has no plugin for {kind}", version=paddle.__version__, kind=kind)
        return Probe(0, reason, install=install)
    there = [name for name in paddle.device.get_available_custom_device() or [] if name.partition(":")[0] == kind]
    # A kind with one device is named without a number.
    numbers = [int(name.partition(":")[2] or 0) for name in there]
    selected = os.environ.get(f"FLAGS_selected_{kind}s", "")
    if selected:
        # The list ignores it, and a predictor on another device ends the process (paddle 3.2.2, 3.3.1).
        numbers = [number for number in numbers if str(number) in selected.replace(" ", "").split(",")]
    if not numbers:
        return Probe(0, Message("its runtime finds no device, or the visible ones leave none"))
    return Probe(len(numbers), numbers=() if numbers == list(range(len(numbers))) else tuple(numbers))


def built_missing(part: Literal["CUDA", "XPU"]) -> str:
    """Returns why paddle has no devices of a kind it must be built for, where its files say so.

    Args:
        part: What it must be built with.
    """
    build = paddle_build()
    if build is None:
        return Message("paddlepaddle is not installed")
    if build.cuda if part == "CUDA" else build.xpu:
        return ""
    return Message("paddlepaddle {version} is built without {part}", version=build.version, part=part)


def built_probe(part: Literal["CUDA", "XPU"], visibility: str, install: str) -> Probe:
    """Counts the devices that paddle must be built for. Imports paddle.

    Args:
        part: What it must be built with.
        visibility: The variable that hides devices.
        install: The command that installs such a build.
    """
    if reason := built_missing(part):
        return Probe(0, reason, install=install)
    import paddle

    built, devices = {
        "CUDA": (paddle.is_compiled_with_cuda, paddle.device.cuda),
        "XPU": (paddle.is_compiled_with_xpu, paddle.device.xpu),
    }[part]
    if not built():
        reason = Message("paddlepaddle {version} is built without {part}", version=paddle.__version__, part=part)
        return Probe(0, reason, install=install)
    count = devices.device_count()
    if not count:
        return Probe(0, Message("its runtime finds no device; see the driver, and {variable}", variable=visibility))
    if part == "XPU":
        return Probe(count)
    found = [devices.get_device_properties(number) for number in range(count)]
    driver = _nvidia_driver()
    return Probe(count, names=tuple(f"{each.name}, {each.total_memory / 2**30:.0f} GiB{driver}" for each in found))


def _nvidia_driver() -> str:
    """Returns the version of NVIDIA's driver as a part of a name; empty where it does not say."""
    try:
        text = Path("/proc/driver/nvidia/version").read_text(encoding="utf-8")
    except OSError:
        return ""
    version = re.search(r"\b\d{3,}\.[\d.]*\d", text)
    return f", driver {version[0]}" if version else ""


def custom_missing() -> str:
    """Returns why paddle has no devices of a plugin of its own, where its files say so."""
    build = paddle_build()
    if build is None:
        return Message("paddlepaddle is not installed")
    if not build.plugins:
        return Message(
            "paddlepaddle {version} has no device plugin beside it, and CUSTOM_DEVICE_ROOT names no folder of one",
            version=build.version,
        )
    return ""


def _assignments(path: Path) -> dict[str, str]:
    """Returns the texts that a module assigns to names at its top; it is not run."""
    try:
        body: Sequence[ast.stmt] = ast.parse(path.read_text(encoding="utf-8")).body
    except (OSError, ValueError, SyntaxError):
        return {}
    return {
        target.id: node.value.value
        for node in body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
