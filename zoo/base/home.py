"""The folder zoo keeps its files in, and whether it may use the network."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from zoo.errors import CacheError, FetchError

#: The folder below it with a record of each artifact that is there.
RECORDS = "records"
#: The int8 calibrations below it, by the digests of their programs.
CALIBRATIONS = "int8/*.npz"
#: The models below it of runs whose own folders cannot be written, by the digests of their checkpoints.
RUNS = "runs"
RUN_FILES = f"{RUNS}/*/*"


def home() -> Path:
    """Returns the folder of everything zoo keeps: `ZOO_HOME`, else the user's cache directory. It may not exist.

    Raises:
        CacheError: `ZOO_HOME` begins with the `~` of a user who has no home folder.
    """
    chosen = os.environ.get("ZOO_HOME")
    if not chosen:
        import platformdirs

        return Path(platformdirs.user_cache_dir("zoo"))
    try:
        return Path(chosen).expanduser()
    except RuntimeError as error:
        raise CacheError(
            "ZOO_HOME is {value!r}: {reason}", "Run: export ZOO_HOME=FOLDER", value=chosen, reason=error
        ) from error


def kept_below(*patterns: str) -> list[tuple[Path, int]]:
    """Returns the files below `home` that match one of the patterns, and their bytes.

    Raises:
        CacheError: As `home`.
    """
    found: list[tuple[Path, int]] = []
    for pattern in patterns:
        for path in sorted(home().glob(pattern)):
            # Another process may remove it.
            with contextlib.suppress(OSError):
                found.append((path, path.stat().st_size))
    return found


def forget(*patterns: str) -> list[tuple[Path, int]]:
    """Removes the files below `home` that match one of the patterns, and returns them as `kept_below`.

    Raises:
        CacheError: As `home`, or one cannot be removed.
    """
    found = kept_below(*patterns)
    for path, _ in found:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise CacheError(
                "What is kept in {folder} cannot be removed: {reason}.",
                "Correct its permissions.",
                folder=path.parent,
                reason=error.strerror or error,
            ) from error
    return found


def offline() -> bool:
    """Returns whether `ZOO_OFFLINE` forbids every use of the network.

    Raises:
        FetchError: It has a value that means neither yes nor no.
    """
    value = os.environ.get("ZOO_OFFLINE", "").strip().lower()
    if value in ("", "0", "false", "no", "off"):
        return False
    if value in ("1", "true", "yes", "on"):
        return True
    raise FetchError("ZOO_OFFLINE is {value!r}; 1 or 0 was expected.", "Run: export ZOO_OFFLINE=1", value=value)
