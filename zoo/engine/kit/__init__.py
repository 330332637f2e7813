"""What an engine of a plugin is made of, offered by `zoo.plugin`; zoo's own two plugins use nothing else."""

from zoo.engine.kit.kept import Kept
from zoo.engine.kit.library import import_library, library_probe, threads_setting
from zoo.engine.kit.library_session import LibrarySession
from zoo.engine.kit.shared import Shared
from zoo.engine.kit.translated import as_onnx

__all__ = [
    "Kept",
    "LibrarySession",
    "Shared",
    "as_onnx",
    "import_library",
    "library_probe",
    "threads_setting",
]
