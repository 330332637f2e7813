"""Which build of paddlepaddle is installed, and which devices it can use: what plugins of devices ask."""

from __future__ import annotations

import ast
import importlib.util
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

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


def custom_missing(kind: str) -> str:
    """Returns why paddle has no devices of a plugin, where its files say so."""
    build = paddle_build()
    if build is None:
        return Message("paddlepaddle is not installed")
    if not build.plugins:
        reason = "paddlepaddle {version} has no device plugin beside it, and CUSTOM_DEVICE_ROOT names no folder of one"
        return Message(reason, version=build.version)
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
