"""The program that a folder holds, and what its settings say of what is put beside it."""

from __future__ import annotations

from pathlib import Path

from zoo.base.digest import file_sha256
from zoo.base.files import write_atomic
from zoo.bundle.bundle import Bundle
from zoo.bundle.settings_file import SETTINGS_KIND, settings_file
from zoo.errors import ExportError
from zoo.program import Graph, read_program
from zoo.settings.yaml_text import read_yaml, write_yaml


def original(bundle: Bundle) -> Graph:
    """Returns the program of an export folder, with its parameters.

    Raises:
        ExportError: It is none of paddle's.
        BundleError: It is damaged.
    """
    if bundle.params is None or bundle.program.suffix not in (".json", ".pdmodel"):
        raise ExportError(
            "{program} is no program of paddle. A .json or .pdmodel with its .pdiparams was expected.",
            "Give the folder of the model that it was made from.",
            program=bundle.program,
        )
    return read_program(bundle.program, bundle.params)


def add_digests(folder: Path, *names: str, **said: object) -> None:
    """Puts the digests of files into the settings of an export folder where it has digests, for engines to rely on.

    Args:
        folder: The folder.
        names: Names of the files.
        said: What else its section `zoo:` shall say.
    """
    file = settings_file(folder)
    settings = {} if file is None else read_yaml(file, SETTINGS_KIND).value
    if file is None or "zoo" not in settings:
        return
    settings["zoo"].update(said)
    settings["zoo"]["sha256"].update({name: file_sha256(folder / name) for name in names})
    write_atomic(file, write_yaml(settings).encode())
