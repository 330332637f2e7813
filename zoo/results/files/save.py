"""Writing results: which file a form of a result becomes."""

from __future__ import annotations

import inspect
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.base.files import user_path
from zoo.base.flow import ahead
from zoo.base.signals import from_outside
from zoo.contract.format import Format
from zoo.contract.refs import resolve
from zoo.errors import OutputError, ZooError
from zoo.message import described
from zoo.registry.formats import all_formats, find_format, format_names
from zoo.results.drawing.movie import KINDS, SUFFIX, is_video, write_movie
from zoo.results.encode import find_mark
from zoo.results.files.naming import Target, check_free, check_suffix, find_target, folder_in_tree, publish, safe_stem

if TYPE_CHECKING:
    from zoo.results.result import Result


def save(
    result: Result,
    save_path: str | os.PathLike[str],
    name: str,
    options: Mapping[str, Any],
    together: Iterable[str] = (),
) -> Path:
    """Writes a result as `Result.save` says; in a folder under one number with other forms that are saved too."""
    form, target = find_place(save_path, name)
    return _write(form, (result,), target, result.name, options, [known_format(other) for other in together])


def save_all(
    results: Iterable[Result],
    save_path: str | os.PathLike[str],
    name: str,
    options: Mapping[str, Any],
    roots: Sequence[str] = (),
) -> list[Path]:
    """Writes results as `Predictions.save` says; the path is checked before the first is taken.

    Args:
        results: The results.
        save_path: A file, or a folder.
        name: The form.
        options: Its options.
        roots: Folders whose sub-folders are kept in that folder.
    """
    if os.fspath(save_path).lower().endswith(SUFFIX) and not os.path.isdir(user_path(save_path)):
        return [write_movie(results, save_path, name, options)]
    if is_video(Path(save_path)) and name in KINDS and not os.path.isdir(user_path(save_path)):
        check_suffix(Path(user_path(save_path)), (SUFFIX, *known_format(name).suffixes))
    form, target = find_place(save_path, name)
    if target.name is not None:
        check_free(target.folder / target.name)
        if form.many:
            return [_write(form, results, target, target.name, options)]
        results = _only_one(results, form, target.folder / target.name)
        return list(ahead(results, lambda result: save(result, save_path, name, options)))

    def save_in_tree(result: Result) -> Path:
        # A folder, whatever its name ends with.
        folder = f"{folder_in_tree(target.folder, result.uri, roots)}{os.sep}"
        return save(result, folder, name, options)

    return list(ahead(results, save_in_tree))


def _only_one(results: Iterable[Result], form: Format, path: Path) -> Iterator[Result]:
    """Passes a result on if it is the only one."""
    first = list(itertools.islice(results, 2))
    if len(first) > 1:
        raise too_many(form.name, path)
    yield from first


def too_many(form: str, path: Path) -> OutputError:
    """Returns the error of several results for a file that can hold one."""
    return OutputError(
        "{path} is one file, and {form} holds one picture a file. There are more.",
        "Give a folder: {folder}",
        path=path,
        form=form,
        folder=f"{path.with_suffix('')}{os.sep}",
    )


def options_for(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Returns those of the options that a form takes.

    Raises:
        OutputError: There is no such form.
    """
    _, _, *taken = inspect.signature(_encoder(known_format(name))).parameters
    return {key: value for key, value in options.items() if key in taken}


def picture_options(kind: str, opacity: float, legend: bool | None, options: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the options of a picture, as `Result.save_to_img` takes them.

    Args:
        kind: Its form.
        opacity: Left out where the form has none.
        legend: The same; but none can be asked for there.
        options: The others.

    Raises:
        OutputError: There is no picture of this name, or it has no legend.
    """
    found = options_for(_picture_kind(kind), {"opacity": opacity, "legend": legend})
    if legend and "legend" not in found:
        raise OutputError("A mask has no legend: every pixel of it is a class value.", 'Use kind="color"')
    return {**found, **options}


def _picture_kind(kind: str) -> str:
    form = find_format(kind)
    if form is None or not form.is_picture:
        raise OutputError(
            "There is no picture of kind {kind!r}. Expected one of: {choices:, }.",
            'Use kind="overlay"',
            kind=kind,
            choices=list(_pictures()),
        )
    return kind


def known_format(name: str) -> Format:
    """Returns a form.

    Raises:
        OutputError: There is none of this name.
    """
    form = find_format(name)
    if form is None:
        raise OutputError(
            "There is no format {form!r}. Expected one of: {choices:, }.",
            'Use format="coco"',
            form=name,
            choices=list(format_names()),
        )
    return form


def find_place(save_path: str | os.PathLike[str], name: str) -> tuple[Format, Target]:
    """Returns a form and where it is to go; the folder is made.

    Raises:
        OutputError: As `Result.save` says.
    """
    form = known_format(name)
    return form, find_target(save_path, form.suffixes)


def _pictures() -> Iterator[str]:
    pictures = {form.name for form in all_formats() if form.is_picture}
    return (name for name in format_names() if name in pictures)


def _write(
    form: Format,
    results: Iterable[Result],
    target: Target,
    name: str,
    options: Mapping[str, Any],
    together: Sequence[Format] = (),
) -> Path:
    path = target.folder / (target.name or f"{safe_stem(name)}{form.ending}")
    return publish(target, name, form.ending, encode_form(form, results, path, options), together)


def encode_form(form: Format, results: Iterable[Result], path: Path, options: Mapping[str, Any]) -> bytes:
    """Returns the content of a file of results.

    Args:
        form: Its form.
        results: The results.
        path: Where it will be, which some forms mention.
        options: As of `options_for`.

    Raises:
        OutputError: They cannot be written in this form, or the plugin that brings it fails.
        TypeError: The form has no such option.
    """
    taken = _Taken(results)
    encode = _encoder(form)
    inspect.signature(encode).bind(taken, path, **options)
    try:
        content: object = encode(taken, path, **options)
    except ZooError:
        raise
    except BaseException as error:
        # Also SystemExit: a plugin does not end the program it is part of.
        if error is taken.error or from_outside(error):
            raise
        raise _failed(form, error) from error
    mark = find_mark(content) if isinstance(content, bytes) else None
    if mark is None or mark.form != form.mark_form:
        raise OutputError(
            "The format {format} gave a file without the mark of zoo. Expected at its beginning was {mark!r} with the "
            "source.",
            "Use another format, or tell the author of the plugin: zoo plugins",
            format=form.name,
            mark=form.mark_form,
        )
    assert isinstance(content, bytes)
    return content


def _encoder(form: Format) -> Callable[..., object]:
    try:
        return resolve(form.encode)
    except ZooError:
        raise
    except BaseException as error:
        if from_outside(error):
            raise
        raise _failed(form, error) from error


def _failed(form: Format, error: BaseException) -> OutputError:
    return OutputError(
        "The format {format} failed: {reason}.",
        "Use another format, or tell the author of the plugin: zoo plugins",
        format=form.name,
        reason=described(error),
    )


class _Taken:
    """Results that pass, and what was raised where they come from."""

    def __init__(self, results: Iterable[Result]) -> None:
        self._results = iter(results)
        self.error: BaseException | None = None

    def __iter__(self) -> Iterator[Result]:
        return self

    def __next__(self) -> Result:
        try:
            return next(self._results)
        except StopIteration:
            raise
        except BaseException as error:
            self.error = error
            raise
