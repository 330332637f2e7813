"""Writing the user's files and folders: whole or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import BinaryIO

from zoo.errors import OutputError

# How old an unfinished file is that nobody can be about to lock, in seconds.
_MOMENT = 5.0
# From so many files on, whatever else is to be written is written too.
_MANY = 100


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Generator[BinaryIO, None, None]:
    """Opens a file under a temporary name; when the block ends well it is flushed to the disk and takes its place.

    Args:
        path: The target; an existing file is replaced at the moment of the rename and not before.

    Yields:
        The file, for writing.

    Raises:
        OutputError: The folder cannot be written to or the disk is full. Whatever ends the block, also Ctrl-C, nothing
            is left behind.
    """
    target = Path(path)
    partial = _partial(target)
    try:
        try:
            with open(partial, "xb") as file:
                _hold(file.fileno())
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, target)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritten(target, error) from error


@contextlib.contextmanager
def replacing_folder(path: str | os.PathLike[str]) -> Generator[Path, None, None]:
    """Makes a folder under a temporary name; when the block ends well its files are flushed and it takes its place.

    What programs that were killed have left beside it is removed as `ensure_folder` says.

    Args:
        path: The target; an empty folder there is replaced.

    Yields:
        The folder, to be filled with files.

    Raises:
        OutputError: As in `replacing`, or the target is a folder with something in it by then.
    """
    target = Path(user_path(path))
    ensure_folder(target.parent)
    partial = _partial(target)
    try:
        try:
            partial.mkdir()
            handle = os.open(partial, os.O_RDONLY)
            try:
                _hold(handle)
                yield partial
                _flush([file for file in partial.rglob("*") if not file.is_dir()])
                os.replace(partial, target)
            finally:
                os.close(handle)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        raise _unwritten(target, error) from error


def _flush(files: Sequence[Path]) -> None:
    """Waits until files are on the disk."""
    if len(files) > _MANY:
        # 1325 of them: 6 s one by one, 0.3 s at once.
        os.sync()
        return
    for file in files:
        with open(file, "rb") as written:
            os.fsync(written.fileno())


def write_atomic(path: str | os.PathLike[str], content: bytes) -> Path:
    """Writes a whole file, as `replacing` says, and returns its path."""
    with replacing(path) as file:
        file.write(content)
    return Path(path)


def user_path(path: str | os.PathLike[str]) -> str:
    """Returns a path with the home folder for `~`, or `~name`, at its beginning; as it is where a file is called so."""
    text = os.fspath(path)
    return os.path.expanduser(text) if text.startswith("~") and not os.path.lexists(text) else text


def ensure_folder(path: str | os.PathLike[str]) -> Path:
    """Makes a folder with its parents and proves that a file can be written there.

    What programs that were killed while they wrote have left there is removed, once in a process.

    Raises:
        OutputError: It cannot be made, is a file, or is not writable.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(prefix=".zoo-", dir=folder):
            _clear(os.path.abspath(folder))
            return folder
    except OSError as error:
        raise OutputError(
            "The output folder {folder} cannot be used: {reason}. A writable folder was expected.",
            "Give another folder, or correct its permissions.",
            folder=folder,
            reason=error.strerror or error,
        ) from error


def _partial(target: Path) -> Path:
    # Not the target's name, which may be as long as names can be. Not tempfile's, which are private: a result should be
    # as readable as any file the user creates.
    return target.with_name(f".zoo-{secrets.token_hex(6)}.part")


def _unwritten(target: Path, error: OSError) -> OutputError:
    return OutputError(
        "{target} cannot be written: {reason}. A writable folder with free space was expected.",
        "Give another folder, or make room and try again.",
        target=target,
        reason=error.strerror or error,
    )


def _hold(handle: int) -> None:
    """Locks what is unfinished, where the file system has locks; the lock ends with this process at the latest."""
    with contextlib.suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


@functools.lru_cache(maxsize=1000)
def _clear(folder: str) -> None:
    """Removes the unfinished files and folders that no process holds."""
    for path in Path(folder).glob(".zoo-*.part"):
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            stack.callback(os.close, handle)
            # Between its making and its lock there is a moment.
            if time.time() - os.fstat(handle).st_mtime > _MOMENT:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path) if path.is_dir() else path.unlink()
