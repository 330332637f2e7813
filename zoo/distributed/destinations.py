"""Where results go: a folder that all machines share, or a place in an object store."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from zoo.base.files import ensure_folder, write_atomic
from zoo.contract.format import Format
from zoo.distributed.remote_files import Remote, address_error, remote
from zoo.errors import OutputError
from zoo.registry.formats import all_formats
from zoo.results import Result
from zoo.results.encode import mark_in
from zoo.results.files.naming import check_free
from zoo.results.files.save import encode_form

#: What stands for a file that zoo did not write.
FOREIGN = ""


class Destination(Protocol):
    """A folder of results. Folders in it are named relative to it, "" for itself."""

    def names(self, folder: str) -> frozenset[str]:
        """Returns the names of the files that are there."""
        ...

    def source(self, folder: str, name: str) -> str | None:
        """Returns whose result a file is, `FOREIGN` for a file that zoo did not write, None for no file."""
        ...

    def written(self, folder: str, name: str) -> int:
        """Returns when a file was written, in nanoseconds; 0 where nobody knows."""
        ...

    def write(self, folder: str, name: str, content: bytes) -> str:
        """Writes a whole file and returns its path or address.

        Raises:
            OutputError: It cannot be written.
        """
        ...


@dataclass(frozen=True)
class FolderDestination:
    """A folder of this machine, which others see under the same path.

    Attributes:
        path: Absolute.
    """

    path: str

    def names(self, folder: str) -> frozenset[str]:
        """Returns the names of the files that are there."""
        try:
            return frozenset(os.listdir(os.path.join(self.path, folder)))
        except OSError:
            return frozenset()

    def source(self, folder: str, name: str) -> str | None:
        """Returns whose result a file is, as of `Destination`."""
        path = os.path.join(self.path, folder, name)
        if not os.path.lexists(path):
            return None
        if os.path.islink(path) or not os.path.isfile(path):
            return FOREIGN
        with open(path, "rb") as file:
            mark = mark_in(file)
        return FOREIGN if mark is None else mark.source

    def written(self, folder: str, name: str) -> int:
        """Returns when a file was written, in nanoseconds; 0 where nobody knows."""
        try:
            return os.stat(os.path.join(self.path, folder, name)).st_mtime_ns
        except OSError:
            return 0

    def write(self, folder: str, name: str, content: bytes) -> str:
        """Writes a whole file and returns its path or address."""
        path = ensure_folder(Path(self.path) / folder) / name
        check_free(path)
        return str(write_atomic(path, content))


@dataclass(frozen=True)
class StoreDestination:
    """A place of an object store: a file is there whole or not at all.

    Attributes:
        place: Where.
    """

    place: Remote

    def names(self, folder: str) -> frozenset[str]:
        """Returns the names of the files that are there."""
        fs: Any = import_module("pyarrow.fs")
        try:
            found = _files(self.place).get_file_info(fs.FileSelector(self._path(folder), allow_not_found=True))
        except OSError as error:
            raise address_error(OutputError, self.place.address, error) from error
        return frozenset(info.base_name for info in found)

    def source(self, folder: str, name: str) -> str | None:
        """Returns whose result a file is, as of `Destination`."""
        try:
            with _files(self.place).open_input_file(self._path(folder, name)) as file:
                mark = mark_in(io.BytesIO(file.read()) if file.size() < 1 << 20 else file)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise address_error(OutputError, self.place.address, error) from error
        return FOREIGN if mark is None else mark.source

    def written(self, folder: str, name: str) -> int:
        """Returns when a file was written, in nanoseconds; 0 where nobody knows."""
        return _files(self.place).get_file_info(self._path(folder, name)).mtime_ns or 0

    def write(self, folder: str, name: str, content: bytes) -> str:
        """Writes a whole file and returns its path or address."""
        path = self._path(folder, name)
        try:
            with _files(self.place).open_output_stream(path) as file:
                file.write(content)
        except OSError as error:
            raise address_error(OutputError, f"{self.place.root}{path}", error) from error
        return f"{self.place.root}{path}"

    def _path(self, *parts: str) -> str:
        return "/".join(part for part in (self.place.path, *parts) if part)


@cache
def _files(place: Remote) -> Any:
    return place.files()


def destination_of(text: str) -> Destination:
    """Returns the place that a path or an address names; it is made, and proven to be writable.

    Raises:
        OutputError: It cannot be written to.
        ClusterError: The address is not understood.
    """
    found = remote(text)
    if found is None:
        return FolderDestination(os.path.abspath(ensure_folder(text)))
    place = StoreDestination(found)
    try:
        files = _files(found)
        files.create_dir(found.path, recursive=True)
        probe = f"{found.path}/.zoo-writable"
        with files.open_output_stream(probe) as file:
            file.write(b"zoo looks whether it may write here")
        files.delete_file(probe)
    except OSError as error:
        raise address_error(OutputError, text, error) from error
    return place


def write_forms(
    place: Destination, folder: str, stem: str, result: Result, kinds: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Writes the forms of a result under a stem that was chosen for it.

    Args:
        place: Where to.
        folder: The folder in there.
        stem: What their names begin with.
        result: The result.
        kinds: The forms, each with its options.

    Returns:
        Paths or addresses of the files.

    Raises:
        OutputError: One cannot be written, or is a file of another picture or of the user's.
    """
    written: list[str] = []
    for kind, options in kinds.items():
        form = form_of(kind)
        name = f"{stem}{form.ending}"
        owner = place.source(folder, name)
        if owner not in (None, result.uri):
            raise OutputError(
                "{name} exists in {folder} and is not the result of {source}.",
                "Give another folder, or move the file away.",
                name=name,
                folder=folder or ".",
                source=result.uri,
            )
        written.append(place.write(folder, name, encode_form(form, (result,), Path(name), options)))
    return written


def form_of(kind: str) -> Format:
    """Returns a form that is known to be there."""
    return next(form for form in all_formats() if form.name == kind)
