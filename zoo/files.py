"""Writing the user's files: whole or not at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from zoo.errors import OutputError
from zoo.text import printable


def write_atomic(path: str | os.PathLike[str], content: bytes) -> Path:
    """Writes a file under a temporary name beside its target, flushes it to the disk and renames it.

    Args:
        path: The target; an existing file is replaced at the moment of the rename and not before.
        content: All of it.

    Returns:
        The target.

    Raises:
        OutputError: The folder cannot be written to or the disk is full; nothing is left behind then.
    """
    target = Path(path)
    partial: str | None = None
    try:
        handle, partial = tempfile.mkstemp(prefix=".zoo-", suffix=".part", dir=target.parent)
        with open(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes private files; a result should be as readable as any file the user creates.
        os.chmod(partial, 0o666 & ~_umask())
        os.replace(partial, target)
    except OSError as error:
        if partial is not None:
            with contextlib.suppress(OSError):
                os.unlink(partial)
        raise OutputError(
            f"{printable(target)} cannot be written: {error.strerror or error}. A writable folder with free "
            "space was expected.",
            "Give another folder, or make room and try again.",
        ) from error
    return target


def ensure_folder(path: str | os.PathLike[str]) -> Path:
    """Makes a folder with its parents and proves that a file can be written there.

    Raises:
        OutputError: It cannot be made, is a file, or is not writable.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(prefix=".zoo-", dir=folder):
            return folder
    except OSError as error:
        raise OutputError(
            f"The output folder {printable(folder)} cannot be used: {error.strerror or error}. A writable folder was "
            "expected.",
            "Give another folder, or correct its permissions.",
        ) from error


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
