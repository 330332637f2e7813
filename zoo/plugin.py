"""The face a plugin author sees. A plugin imports this module and nothing else of zoo.

A family plugin is a module that is named by an entry point of the group `zoo.models` and implements one hook:

    from zoo.plugin import Family, hookimpl

    @hookimpl
    def zoo_families():
        return [Family("fcn", "FCN", cards=(...,), network="zoo_plugin_fcn.network:build", api=1)]

Heavy code (the network, the recipe) is named by strings and imported at the moment of use. Networks may also import
paddle and `zoo.nn`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.contract.hooks import hookimpl
from zoo.contract.labels import ADE20K, CAMVID, CITYSCAPES, VOC, LabelSet, distinct_palette
from zoo.contract.spec import (
    API,
    Artifact,
    Embedded,
    Family,
    Latency,
    Metric,
    ModelCard,
    Normalize,
    Pad,
    Resize,
    ResizeLong,
    ResizeShort,
    Window,
    pinned,
)

if TYPE_CHECKING:
    from zoo.bundle.calibration import read_calibration
    from zoo.contract.device import Device, Probe
    from zoo.contract.engine import (
        Backend,
        Calibration,
        CalibrationPictures,
        Facts,
        Layer,
        Precision,
        Program,
        Request,
        Session,
    )
    from zoo.contract.format import Format, Mark
    from zoo.contract.recipe import (
        SGD,
        AdamW,
        Augmentation,
        CrossEntropy,
        Dice,
        Lovasz,
        OhemCrossEntropy,
        ParameterGroup,
        PolynomialDecay,
        Recipe,
    )
    from zoo.engine.device import available_cores
    from zoo.engine.kit import (
        Kept,
        LibrarySession,
        Shared,
        as_onnx,
        import_library,
        library_probe,
        threads_setting,
    )
    from zoo.engine.paddle_build import built_missing, built_probe, custom_missing, custom_probe
    from zoo.errors import BackendError, DeviceUnavailableError


__all__ = [
    "ADE20K",
    "API",
    "CAMVID",
    "CITYSCAPES",
    "SGD",
    "VOC",
    "AdamW",
    "Artifact",
    "Augmentation",
    "Backend",
    "BackendError",
    "Calibration",
    "CalibrationPictures",
    "CrossEntropy",
    "Device",
    "DeviceUnavailableError",
    "Dice",
    "Embedded",
    "Facts",
    "Family",
    "Format",
    "Kept",
    "LabelSet",
    "Latency",
    "Layer",
    "LibrarySession",
    "Lovasz",
    "Mark",
    "Metric",
    "ModelCard",
    "Normalize",
    "OhemCrossEntropy",
    "Pad",
    "ParameterGroup",
    "PolynomialDecay",
    "Precision",
    "Probe",
    "Program",
    "Recipe",
    "Request",
    "Resize",
    "ResizeLong",
    "ResizeShort",
    "Session",
    "Shared",
    "Window",
    "as_onnx",
    "available_cores",
    "built_missing",
    "built_probe",
    "custom_missing",
    "custom_probe",
    "distinct_palette",
    "hookimpl",
    "import_library",
    "library_probe",
    "pinned",
    "read_calibration",
    "threads_setting",
]


# What other plugins and recipes are made of; listing models should not pay for these classes.
_MODULES = {
    "zoo.contract.device": ("Device", "Probe"),
    "zoo.bundle.calibration": ("read_calibration",),
    "zoo.contract.engine": (
        "Backend",
        "Calibration",
        "CalibrationPictures",
        "Facts",
        "Layer",
        "Precision",
        "Program",
        "Request",
        "Session",
    ),
    "zoo.contract.format": ("Format", "Mark"),
    "zoo.engine.device": ("available_cores",),
    "zoo.engine.kit": (
        "Kept",
        "LibrarySession",
        "Shared",
        "as_onnx",
        "import_library",
        "library_probe",
        "threads_setting",
    ),
    "zoo.engine.paddle_build": ("built_missing", "built_probe", "custom_missing", "custom_probe"),
    "zoo.errors": ("BackendError", "DeviceUnavailableError"),
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'zoo.plugin' has no attribute {name!r}")
    from importlib import import_module

    module = next((module for module, names in _MODULES.items() if name in names), "zoo.contract.recipe")
    return getattr(import_module(module), name)
