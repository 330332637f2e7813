"""The files of an export folder: where they are, and that each has a digest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zoo.errors import BundleError
from zoo.message import Message
from zoo.settings.check import mismatch, missing_key
from zoo.settings.document import Node

#: Programs of paddle, which zoo can look into.
PADDLE = (".json", ".pdmodel")


def program_files(folder: Path, stems: tuple[str, ...] = ("inference", "model")) -> tuple[Path, Path]:
    """Returns the program of paddle in a folder and its parameters.

    Raises:
        BundleError: There are none.
    """
    for stem in stems:
        for suffix in (".json", ".pdmodel"):
            program, params = folder / (stem + suffix), folder / f"{stem}.pdiparams"
            if program.is_file() and params.is_file():
                return program, params
    raise BundleError(
        "{folder} has no {stem}.json or {stem}.pdmodel with a {stem}.pdiparams beside it.",
        "Export the model again, or download it again.",
        folder=folder,
        stem=stems[0],
    )


def named_files(section: Node, values: dict[str, Any], folder: Path) -> tuple[Path, Path | None]:
    """Returns the program that the settings name, for an engine that knows its format, and its parameters.

    Raises:
        BundleError: They are not there, or nothing says what they must be.
    """
    program, params, digests = values.get("program"), values.get("params"), values["sha256"]
    if program is None:
        return program_files(folder)
    if Path(program).suffix in PADDLE and params is None:
        raise missing_key(section, "params")
    # Nothing but its digest says whether a file of an unknown format is whole.
    check_digested(section, digests, program, params)
    return folder / program, None if params is None else folder / params


def check_digested(section: Node, digests: dict[str, str], *names: str | None) -> None:
    """Refuses files that have no digest.

    Raises:
        BundleError: One has none.
    """
    for name in filter(None, names):
        if name not in digests:
            raise mismatch(section["sha256"], Message("the digest of {name}", name=name))
