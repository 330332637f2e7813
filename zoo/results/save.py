"""Writing results: which file a form of a result becomes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from zoo.base.flow import ahead
from zoo.errors import OutputError
from zoo.results.document import SCHEMA, describe, to_json
from zoo.results.encode import encode_jpeg, encode_mask_png, encode_png
from zoo.results.masktext import MaskForm, check_form, mask_text
from zoo.results.naming import Target, find_target, publish

if TYPE_CHECKING:
    from zoo.results.formats.files import FileFormat
    from zoo.results.result import Result

#: A picture of a result.
Kind = Literal["overlay", "color", "mask", "side"]
#: A form in which a result can be written.
Format = Literal["json", "overlay", "color", "mask", "side", "coco", "geojson", "labelme", "cvat", "labelstudio"]

#: All of them.
FORMATS: tuple[Format, ...] = get_args(Format)

# A JPEG would change class values, and colours by which classes are told apart.
_SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "overlay": (".png", ".jpg", ".jpeg"),
    "color": (".png",),
    "mask": (".png",),
    "side": (".png", ".jpg", ".jpeg"),
}


def save_picture(
    result: Result, save_path: str | os.PathLike[str], kind: str, opacity: float = 0.5, legend: bool | None = None
) -> Path:
    """Writes a picture as `Result.save_to_img` says."""
    target = image_target(save_path, kind)
    if kind == "mask":
        if legend:
            raise OutputError("A mask has no legend: every pixel of it is a class value.", 'Use kind="color"')
        content = encode_mask_png(result.mask, result.color_table(), result.uri)
    else:
        if kind == "color":
            picture = result.color(legend=bool(legend))
        else:
            draw = result.overlay if kind == "overlay" else result.side
            picture = draw(opacity, legend is None or legend)
        content = (encode_jpeg if target.suffix in (".jpg", ".jpeg") else encode_png)(picture, result.uri)
    return publish(target, result.name, f"_{kind}.png", content)


def save_document(
    result: Result,
    save_path: str | os.PathLike[str],
    indent: int | None = 4,
    ensure_ascii: bool = False,
    mask: MaskForm | None = "rle",
) -> Path:
    """Writes the document as `Result.save_to_json` says."""
    form = None if mask is None else check_form(mask)
    target = json_target(save_path)
    text = None if form is None else mask_text(result.mask, form, broken=indent is not None)
    content = to_json(describe(result), text, indent, ensure_ascii).encode("utf-8") + b"\n"
    return publish(target, result.name, ".json", content)


def save(result: Result, save_path: str | os.PathLike[str], form: str, options: Mapping[str, Any]) -> Path:
    """Writes a result as `Result.save` says."""
    if form in _SUFFIXES:
        return save_picture(result, save_path, form, **options)
    if form == "json":
        return save_document(result, save_path, **options)
    file = _file_format(form)
    target = find_target(save_path, file.suffixes)
    return publish(target, result.name, file.ending, file.encode((result,), target.folder, options))


def save_all(
    results: Iterable[Result], save_path: str | os.PathLike[str], form: str, options: Mapping[str, Any]
) -> list[Path]:
    """Writes results as `Predictions.save` says; the path is checked before the first is taken."""
    if form in _SUFFIXES:
        image_target(save_path, form)
    elif form == "json":
        json_target(save_path)
    else:
        file = _file_format(form)
        target = find_target(save_path, file.suffixes)
        if file.many and target.name is not None:
            return [publish(target, target.name, "", file.encode(results, target.folder, options))]
    return list(ahead(results, lambda result: save(result, save_path, form, options)))


def image_target(save_path: str | os.PathLike[str], kind: str) -> Target:
    """Checks where a picture of this kind is to go, and makes the folder.

    Raises:
        OutputError: As `Result.save_to_img` says.
    """
    if kind not in _SUFFIXES:
        raise OutputError(
            "There is no picture of kind {kind!r}. Expected one of: {choices:, }.",
            'Use kind="overlay"',
            kind=kind,
            choices=list(_SUFFIXES),
        )
    return find_target(save_path, _SUFFIXES[kind])


def json_target(save_path: str | os.PathLike[str]) -> Target:
    """Checks where a document is to go, and makes the folder.

    Raises:
        OutputError: As `Result.save_to_json` says.
    """
    return find_target(save_path, (".json",))


def _file_format(form: str) -> FileFormat:
    from zoo.results.formats.files import FILES

    if form not in FILES:
        raise OutputError(
            "There is no format {form!r}. Expected one of: {choices:, }.",
            'Use format="coco"',
            form=form,
            choices=list(FORMATS),
        )
    return FILES[form]


def file_ending(form: str) -> tuple[str, str]:
    """Returns what a form's file name has behind the stem, and the name of its schema without the version.

    Raises:
        OutputError: There is no such form.
    """
    if form in _SUFFIXES:
        return f"_{form}.png", SCHEMA.partition("/")[0]
    if form == "json":
        return ".json", SCHEMA.partition("/")[0]
    return _file_format(form).ending, f"zoo.{form}"
