"""Sources as a list of pictures to come, listed once by the machine that starts the run: paths and addresses only."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from zoo.distributed.destinations import FOREIGN, Destination
from zoo.distributed.remote_files import Remote, address_error, remote
from zoo.errors import ClusterError, SourceError
from zoo.picture.sources import SourceOptions
from zoo.picture.sources.files import SUFFIXES
from zoo.picture.sources.item import Origin, input_name
from zoo.picture.sources.walk import walk
from zoo.registry.formats import all_formats
from zoo.results.files.naming import folder_in_tree, safe_stem
from zoo.store.download.addresses import shown_url


@dataclass(frozen=True, slots=True)
class Listed:
    """A picture, a PDF document or a video that is to be segmented.

    Attributes:
        text: Its absolute path, or its address as it was given.
        name: What its results are called, as of `Input`.
        folder: The folder of its results, relative to the place of all; "" for that itself.
        number: Its number among the inputs of its name in that folder, from 1 on: `<name>~2_overlay.png`.
        here: Whether the machine that listed it saw a file of that path.
    """

    text: str
    name: str
    folder: str = ""
    number: int = 1
    here: bool = False


def listed(source: object, options: SourceOptions) -> Iterator[Listed]:
    """Lists a source.

    Args:
        source: Paths, folders, patterns and addresses: one of them, or a list.
        options: How it is to be read.

    Yields:
        What it consists of, in the order in which one machine would take it. What cannot be read is listed too, and
        fails where it is read.

    Raises:
        ClusterError: It is something else, such as an array, which other machines cannot open.
        SourceError: An address cannot be listed.
    """
    if isinstance(source, (list, tuple)):
        for member in cast("Sequence[object]", source):
            yield from listed(member, options)
        return
    if not isinstance(source, (str, os.PathLike)):
        raise ClusterError(
            "An input is of type {kind}. Paths and addresses were expected, which every machine can open by itself.",
            "Write it to a file that all machines see, and give its path.",
            kind=type(source).__name__,
        )
    text = os.fspath(cast("str | os.PathLike[str]", source))
    place = remote(text)
    if place is not None:
        yield from _listed_there(place, options)
        return
    for origin in walk(text, options):
        yield _of_origin(origin, text)


def _of_origin(origin: Origin, text: str) -> Listed:
    if os.path.isabs(origin.uri):
        return Listed(origin.uri, origin.stem, here=os.path.isfile(origin.uri))
    # An address: what is shown of it lacks user and password.
    return Listed(text, origin.stem or input_name(text))


def _listed_there(place: Remote, options: SourceOptions) -> Iterator[Listed]:
    """Lists a place of an object store: a file, a folder, or a pattern of names in one folder."""
    fs: Any = import_module("pyarrow.fs")
    folder, _, last = place.path.rpartition("/")
    try:
        files = place.files()
        if any(letter in last for letter in "*?["):
            found = files.get_file_info(fs.FileSelector(folder))
            paths = sorted(info.path for info in found if info.is_file and Path(info.path).match(last))
        elif (info := files.get_file_info(place.path)).is_file:
            paths = [info.path]
        else:
            found = files.get_file_info(fs.FileSelector(place.path, recursive=options.recursive))
            paths = sorted(info.path for info in found if info.is_file and info.path.lower().endswith(SUFFIXES))
    except (OSError, FileNotFoundError) as error:
        raise address_error(SourceError, place.address, error) from error
    if not paths:
        raise SourceError(
            "{address} holds no picture. Files such as PNG or JPEG were expected.",
            "Check the address; sub-folders are read with recursive=True.",
            address=place.address,
        )
    query = place.address.partition("?")[2]
    for path in paths:
        yield Listed(f"{place.root}{path}{'?' if query else ''}{query}", input_name(path))


def in_places(found: Sequence[Listed], place: Destination, kinds: Sequence[str], roots: Sequence[str]) -> list[Listed]:
    """Gives every input the folder and the number of its results: those that one machine would have chosen.

    Args:
        found: The inputs, in their order.
        place: Where results go.
        kinds: The forms that are written.
        roots: Folders whose sub-folders are kept.
    """
    taken: dict[tuple[str, str], int] = {}
    there: dict[str, frozenset[str]] = {}
    wanted = frozenset(form.ending for form in all_formats() if form.name in kinds)
    placed: list[Listed] = []
    for one in found:
        folder = _folder(one.text, roots)
        stem = safe_stem(one.name)
        if folder not in there:
            there[folder] = place.names(folder)
        number = taken.get((folder, stem), 0) + 1
        while not _may_have(place, folder, numbered(stem, number), wanted, there[folder], _uri(one.text)):
            number += 1
        taken[folder, stem] = number
        placed.append(replace(one, folder=folder, number=number))
    return placed


def _uri(text: str) -> str:
    """Returns what results say of where an input came from."""
    if remote(text) is not None:
        return text.partition("?")[0]
    return shown_url(text) if "://" in text else text


def _folder(text: str, roots: Sequence[str]) -> str:
    folder = str(folder_in_tree(Path("/"), text, roots)) if roots and os.path.isabs(text) else "/"
    return folder.strip("/")


def _may_have(
    place: Destination, folder: str, stem: str, wanted: frozenset[str], names: frozenset[str], uri: str
) -> bool:
    """Whether an input may have a stem: nobody else's results stand under it, and no file where its own would go."""
    endings = (form.ending for form in all_formats())
    there = {ending: place.source(folder, name) for ending in endings if (name := f"{stem}{ending}") in names}
    # Frames and pages of a file are results of their own, called after it.
    own = {ending for ending, owner in there.items() if owner is not None and uri in (owner, owner.rpartition("#")[0])}
    others = {owner for ending, owner in there.items() if ending not in own} - {FOREIGN, None}
    return not others and not (wanted & there.keys() - own)


def numbered(stem: str, number: int) -> str:
    """Returns the stem of the results of a number."""
    return stem if number == 1 else f"{stem}~{number}"
