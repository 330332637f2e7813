"""Export folders that get a program in another format beside the one they have."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

from zoo.base.files import replacing_folder, user_path
from zoo.bundle.bundle import Bundle
from zoo.bundle.settings_file import settings_file
from zoo.errors import ExportError
from zoo.learn.convert.compare import Checked
from zoo.learn.convert.converters import Converter
from zoo.message import Message

# Endings of files that lie in such a folder.
_FILES = {".xml", ".onnx", ".pdmodel", ".pdiparams", ".pdparams"}


def convert_bundle(bundle: Bundle, folder: str | os.PathLike[str], converter: Converter) -> Checked:
    """Writes a copy of an export folder with its program in another format beside it: whole, or not at all.

    Args:
        bundle: The folder.
        folder: Where to write; it must not exist or be empty.
        converter: What writes the format; see `converter`.

    Returns:
        How far the two programs agree.

    Raises:
        ExportError: The folder is not empty or named like a file, or the two do not agree.
        BundleError: The program is damaged, none of paddle's, or has an operation without a translation.
        OutputError: The folder cannot be written.
    """
    folder = free_folder(folder)
    bundle.verify()
    with replacing_folder(folder) as partial:
        checked = converter(_copied(bundle, partial))
    if bundle.calibration is None:
        return checked
    caution = Message(
        "{file} is in float32: the int8 calibration of {folder} is not part of it.",
        file=checked.file,
        folder=bundle.folder,
    )
    return replace(checked, cautions=(*checked.cautions, caution))


def free_folder(folder: str | os.PathLike[str]) -> Path:
    """Returns the path of a folder that an export may make.

    Raises:
        ExportError: It is there and not empty, or named like a file.
    """
    folder = Path(user_path(folder))
    if folder.suffix.lower() in _FILES and not folder.is_dir():
        raise ExportError(
            "{folder} is named like a file; an export is a folder of several.",
            Message("Give a folder: {folder}", folder=folder.with_suffix("")),
            folder=folder,
        )
    if folder.is_dir() and any(folder.iterdir()):
        raise ExportError(
            "The folder {folder} is not empty. A new or empty one was expected.", "Give another folder.", folder=folder
        )
    return folder


def _copied(bundle: Bundle, folder: Path) -> Bundle:
    settings = settings_file(bundle.folder)
    files = [settings, bundle.program, bundle.params, *(bundle.folder / name for name in bundle.digests)]
    for file in {file for file in files if file is not None}:
        shutil.copyfile(file, folder / file.name)
    return replace(
        bundle,
        folder=folder,
        program=folder / bundle.program.name,
        params=None if bundle.params is None else folder / bundle.params.name,
        golden=None if bundle.golden is None else folder / bundle.golden.name,
        training=None if bundle.training is None else folder / bundle.training.name,
        proven={},
    )
