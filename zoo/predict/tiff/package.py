"""tifffile, which the extra "large" brings."""

from __future__ import annotations

from types import ModuleType

from zoo.errors import SourceError


def import_tifffile() -> ModuleType:
    """Imports it.

    Raises:
        SourceError: It is not installed, or cannot be imported.
    """
    try:
        import tifffile
    except ImportError as error:
        raise SourceError(
            "Large TIFF files are read and written with tifffile, which cannot be imported: {reason}.",
            "Run: pip install tifffile imagecodecs",
            reason=error,
        ) from error
    return tifffile
