"""tifffile, which the extra "large" brings."""

from __future__ import annotations

from types import ModuleType

from zoo.base.text import printable
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
            f"Large TIFF files are read and written with tifffile, which cannot be imported: {printable(str(error))}.",
            'Run: pip install "zoo-core[large]"',
        ) from error
    return tifffile
