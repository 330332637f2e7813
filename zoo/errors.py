"""Every error zoo raises on purpose.

    ZooError(message, hint)
    ├─ PluginError
    │  ├─ PluginLoadError           an entry point could not be loaded
    │  ├─ PluginContractError       it was loaded but does not keep the contract
    │  └─ DuplicateNameError        two distributions bring one name
    ├─ RegistryError                the generated catalogue is missing, unreadable or stale
    ├─ ModelNotFoundError           also a LookupError
    │  └─ ModelNotInstalledError    the catalogue knows it; its plugin is not installed
    ├─ DeviceError
    │  ├─ DeviceNotInstalledError   the device's plugin is not installed
    │  └─ DeviceUnavailableError    the plugin is there, the device is not
    ├─ BackendError
    │  ├─ BackendNotInstalledError  the engine's package is not installed
    │  └─ InferenceError            the engine failed on a batch
    ├─ FetchError                   model files are not on this machine and could not be brought
    │  ├─ OfflineError              they would have to be downloaded, and zoo was told to stay offline
    │  ├─ ChecksumMismatchError     a file has another digest or size than it must have
    │  ├─ ArchiveError              an archive is damaged, or not an archive
    │  │  └─ UnsafeArchiveError     an archive asks for something no model needs, such as a link
    │  ├─ CacheError                the cache folder cannot be used
    │  └─ LockMismatchError         files differ from what a lock file holds
    ├─ BundleError                  an export folder is incomplete, damaged or not understood
    │  └─ UnsupportedProgramError   its program is of a newer format, or has an operation that cannot be translated
    ├─ ConfigError                  a pipeline file or label file is not understood; also a ValueError
    ├─ SourceError                  an input that cannot be a picture
    │  ├─ UnsupportedSourceError    a type, shape or dtype zoo does not take; also a TypeError and a ValueError
    │  └─ DecodeError               a file or bytes that are not a whole picture
    ├─ OutputError                  a result cannot be written where it was asked to go
    ├─ RemoteError                  a server of models cannot be asked, or does not answer as it should
    ├─ ServeError                   a server cannot be started, or gave up
    │  └─ RequestError              a request to it is not understood, or not allowed
    ├─ ClusterError                 many machines cannot be used, or lost what they were to do
    └─ TrainingError
       ├─ DatasetError
       ├─ CheckpointError
       │  └─ UnsafeWeightsError     a file of weights asks to run code
       └─ ExportError

Message and hint are templates whose values are given by name:

    raise SourceError("{name} has {count} pixels.", "Run: zoo tiff {name}", name=path, count=height * width)

`str(error)` has two lines: the fact with its value and what was expected; then one command or action that helps. The
command line prints both to stderr, in the user's language, and exits with 1.
"""

from __future__ import annotations

from typing import Any

from zoo.message import Message


class ZooError(Exception):
    """Base of all errors.

    Args:
        message: The fact with its value, and what was expected: a template, or a `zoo.message.Message`, which is taken
            as it is.
        hint: The command or action that helps, likewise.
        values: What stands for the fields of both templates.

    Attributes:
        message: The text, in English, with its template and values.
        hint: Likewise.
    """

    def __init__(self, message: str, hint: str, /, **values: object) -> None:
        self.message = message if isinstance(message, Message) else Message(message, **values)
        self.hint = hint if isinstance(hint, Message) else Message(hint, **values)
        super().__init__(self.message, self.hint)

    @property
    def values(self) -> dict[str, Any]:
        """The values of message and hint by name."""
        return {**self.hint.values, **self.message.values}

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}"


class PluginError(ZooError):
    """Something is wrong with an installed plugin."""


class PluginLoadError(PluginError):
    """An entry point could not be loaded."""


class PluginContractError(PluginError):
    """A plugin was loaded but does not keep the contract."""


class DuplicateNameError(PluginError):
    """Two distributions bring one name."""


class RegistryError(ZooError):
    """The generated catalogue is missing, unreadable or stale."""


class ModelNotFoundError(ZooError, LookupError):
    """No installed plugin and no catalogue entry has this name."""


class ModelNotInstalledError(ModelNotFoundError):
    """The catalogue knows the model, but its plugin is not installed."""


class DeviceError(ZooError):
    """A device cannot be used."""


class DeviceNotInstalledError(DeviceError):
    """No installed plugin brings this kind of device."""


class DeviceUnavailableError(DeviceError):
    """The device's plugin is installed, but the device cannot be reached."""


class BackendError(ZooError):
    """An engine cannot be used or failed."""


class BackendNotInstalledError(BackendError):
    """The engine's package is not installed."""


class InferenceError(BackendError):
    """The engine failed on a batch."""


class FetchError(ZooError):
    """Model files are not on this machine and could not be brought here."""


class OfflineError(FetchError):
    """Files would have to be downloaded, and zoo was told to stay offline."""


class ChecksumMismatchError(FetchError):
    """A file has another digest or size than it must have."""


class ArchiveError(FetchError):
    """An archive is damaged, or is not an archive."""


class UnsafeArchiveError(ArchiveError):
    """An archive asks for something no model needs, such as a link or a name outside its folder."""


class CacheError(FetchError):
    """The cache folder cannot be used: it is a file, cannot be written to, or the disk is full."""


class LockMismatchError(FetchError):
    """Files or facts differ from what a lock file holds."""


class BundleError(ZooError):
    """An export folder is incomplete, damaged or not understood."""


class UnsupportedProgramError(BundleError):
    """A program is of a newer format, or has an operation, or a form of one, that cannot be translated."""


class ConfigError(ZooError, ValueError):
    """A pipeline file or label file is not understood."""


class SourceError(ZooError):
    """An input cannot be read as a picture."""


class UnsupportedSourceError(SourceError, TypeError, ValueError):
    """An input has a type, shape or dtype that zoo does not take."""


class DecodeError(SourceError):
    """A file or bytes are not a whole picture."""


class OutputError(ZooError):
    """A result cannot be written where it was asked to go."""


class RemoteError(ZooError):
    """A server of models cannot be asked, or does not answer as it should."""


class ServeError(ZooError):
    """A server cannot be started, or gave up."""


class RequestError(ServeError):
    """A request to a server is not understood, or not allowed."""


class ClusterError(ZooError):
    """Many machines cannot be used, or lost what they were to do."""


class TrainingError(ZooError):
    """Training, evaluation or export failed."""


class DatasetError(TrainingError):
    """A dataset is incomplete or contradicts itself."""


class CheckpointError(TrainingError):
    """A checkpoint is missing, damaged or belongs to something else."""


class UnsafeWeightsError(CheckpointError):
    """A file of weights asks to run code; nothing of it was run."""


class ExportError(TrainingError):
    """A network could not be exported, or the export does not agree with it."""
