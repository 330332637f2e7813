"""The pictures of files and folders that are files of their own."""

from __future__ import annotations

import os
from collections.abc import Sequence

from zoo.errors import ConfigError
from zoo.picture.sources import Input, SourceOptions, inputs


def picture_files(sources: Sequence[str]) -> list[str]:
    """Returns the absolute paths of pictures, each once, in their order; folders with their sub-folders.

    Frames of a film and pages of a document are none: they have no path of their own.

    Raises:
        SourceError: A file or a pattern that is named is none, or a folder holds no picture.
        ConfigError: There are only frames and pages.
    """
    found: dict[str, str] = {}
    other: Input | None = None
    for source in sources:
        for item in inputs(source, SourceOptions(recursive=True)):
            if os.path.isfile(item.uri):
                found.setdefault(os.path.realpath(item.uri), item.uri)
            else:
                other = other or item
    if found:
        return list(found.values())
    if other is not None and "#" not in other.uri:
        # Its own error says what it is.
        other.read()
    raise ConfigError(
        "{sources:, } holds no picture that is a file of its own.", "Give a folder of pictures.", sources=list(sources)
    )
