"""Finding what an earlier run has written, so that a run can go on where it ended."""

from __future__ import annotations

import os
from pathlib import Path

from zoo.base.files import user_path
from zoo.results.encode import read_mark
from zoo.results.files.naming import is_free, safe_stem, stems_for
from zoo.results.files.save import known_format


def find_saved(folder: str | os.PathLike[str], name: str, source: str, form: str) -> Path | None:
    """Finds the result of an input in a folder.

    Args:
        folder: Where results were saved.
        name: The input's name.
        source: Its uri: an absolute path or an address. Inputs without one are never found.
        form: One of `FORMATS`.

    Returns:
        The file, or None: it is not there, or the input's file was changed after it was written.

    Raises:
        OutputError: There is no such form.
    """
    wanted, folder = known_format(form), Path(user_path(folder))
    for stem in stems_for(folder, safe_stem(name), source):
        path = folder / f"{stem}{wanted.ending}"
        mark = read_mark(path)
        if is_free(folder, stem):
            return None
        if mark is not None and mark.source == source and mark.form == wanted.mark_form:
            return path if _is_newer(path, source) else None
    return None


def _is_newer(path: Path, source: str) -> bool:
    # A frame's uri is the file's path with the number of the frame behind it.
    file = source if os.path.exists(source) else source.rpartition("#")[0]
    try:
        return path.stat().st_mtime_ns >= os.stat(file).st_mtime_ns
    except OSError:
        return True
