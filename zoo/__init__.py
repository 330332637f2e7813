"""A plugin-based model zoo for semantic segmentation on PaddlePaddle.

    import zoo
    zoo.load("PP-LiteSeg-T").predict("street.jpg").save_to_img("out")

The public names are imported at their first use, so that `import zoo` itself costs next to nothing.
"""

from __future__ import annotations

# Type checkers take a variable of this name for true; importing it from typing would cost 2 ms.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from zoo.bundle.bundle import Bundle, read_bundle
    from zoo.errors import (
        ArchiveError,
        BackendError,
        BackendNotInstalledError,
        BundleError,
        CacheError,
        CheckpointError,
        ChecksumMismatchError,
        ClusterError,
        ConfigError,
        DatasetError,
        DecodeError,
        DeviceError,
        DeviceNotInstalledError,
        DeviceUnavailableError,
        DuplicateNameError,
        ExportError,
        FetchError,
        InferenceError,
        LockMismatchError,
        ModelNotFoundError,
        ModelNotInstalledError,
        OfflineError,
        OutputError,
        PluginContractError,
        PluginError,
        PluginLoadError,
        RegistryError,
        RemoteError,
        RequestError,
        ServeError,
        SourceError,
        TrainingError,
        UnsafeArchiveError,
        UnsafeWeightsError,
        UnsupportedProgramError,
        UnsupportedSourceError,
        ZooError,
    )
    from zoo.learn.checkpoint import load_checkpoint
    from zoo.learn.networks import build_network
    from zoo.predict.load import load
    from zoo.predict.model import Model
    from zoo.predict.pipeline import Pipeline, PipelineConfig, create_pipeline
    from zoo.predict.remote.remote_model import RemoteModel
    from zoo.registry import find_model, list_models
    from zoo.results import Predictions, Result
    from zoo.store import fetch
    from zoo.store.download.progress import Progress

    __version__: str

_MODULES = {
    "zoo.bundle.bundle": ("Bundle", "read_bundle"),
    "zoo.errors": (
        "ArchiveError",
        "BackendError",
        "BackendNotInstalledError",
        "BundleError",
        "CacheError",
        "CheckpointError",
        "ClusterError",
        "ClusterError",
        "ChecksumMismatchError",
        "ConfigError",
        "DatasetError",
        "DecodeError",
        "DeviceError",
        "DeviceNotInstalledError",
        "DeviceUnavailableError",
        "DuplicateNameError",
        "ExportError",
        "FetchError",
        "InferenceError",
        "LockMismatchError",
        "ModelNotFoundError",
        "ModelNotInstalledError",
        "OfflineError",
        "OutputError",
        "PluginContractError",
        "PluginError",
        "PluginLoadError",
        "RegistryError",
        "RemoteError",
        "RequestError",
        "ServeError",
        "SourceError",
        "TrainingError",
        "UnsafeArchiveError",
        "UnsafeWeightsError",
        "UnsupportedProgramError",
        "UnsupportedSourceError",
        "ZooError",
    ),
    "zoo.learn.checkpoint": ("load_checkpoint",),
    "zoo.predict.load": ("load",),
    "zoo.predict.model": ("Model",),
    "zoo.predict.remote.remote_model": ("RemoteModel",),
    "zoo.learn.networks": ("build_network",),
    "zoo.predict.pipeline": ("Pipeline", "PipelineConfig", "create_pipeline"),
    "zoo.registry": ("find_model", "list_models"),
    "zoo.store.download.progress": ("Progress",),
    "zoo.results": ("Predictions", "Result"),
    "zoo.store": ("fetch",),
}

__all__ = [
    "ArchiveError",
    "BackendError",
    "BackendNotInstalledError",
    "Bundle",
    "BundleError",
    "CacheError",
    "CheckpointError",
    "ChecksumMismatchError",
    "ClusterError",
    "ConfigError",
    "DatasetError",
    "DecodeError",
    "DeviceError",
    "DeviceNotInstalledError",
    "DeviceUnavailableError",
    "DuplicateNameError",
    "ExportError",
    "FetchError",
    "InferenceError",
    "LockMismatchError",
    "Model",
    "ModelNotFoundError",
    "ModelNotInstalledError",
    "OfflineError",
    "OutputError",
    "Pipeline",
    "PipelineConfig",
    "PluginContractError",
    "PluginError",
    "PluginLoadError",
    "Predictions",
    "Progress",
    "RegistryError",
    "RemoteError",
    "RemoteModel",
    "RequestError",
    "Result",
    "ServeError",
    "SourceError",
    "TrainingError",
    "UnsafeArchiveError",
    "UnsafeWeightsError",
    "UnsupportedProgramError",
    "UnsupportedSourceError",
    "ZooError",
    "__version__",
    "build_network",
    "create_pipeline",
    "fetch",
    "find_model",
    "list_models",
    "load",
    "load_checkpoint",
    "read_bundle",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        value: object = _installed_version()
    else:
        module = next((module for module, names in _MODULES.items() if name in names), None)
        if module is None:
            raise AttributeError(f"module 'zoo' has no attribute {name!r}")
        from importlib import import_module

        value = getattr(import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _installed_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("zoo-core")
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "0+unknown"
