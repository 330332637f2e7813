"""`zoo select`: which pictures to label next."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.base.files import ensure_folder, write_atomic
from zoo.cli.commands.completion import DEVICE, MODEL
from zoo.cli.notes import alert, note
from zoo.cli.options import offline_option
from zoo.cli.progress.counting import Counting
from zoo.cli.progress.line import line
from zoo.cli.progress.loading import loading
from zoo.cli.tables import echo_json, echo_table
from zoo.message import printable

if TYPE_CHECKING:
    from zoo.learn.selection import Selection

_LIST = "selected"


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--model", type=MODEL, required=True, help="The model to teach: a name, an export folder or a run.")
@click.option("--count", type=click.IntRange(1, 1_000_000), default=50, show_default=True, help="Most pictures.")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Labelled pictures, as of zoo evaluate, which are left out, also where DIR has copies of them; may be "
    "repeated.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Folder for the list and the LabelMe files; by default select_DIR here.",
)
@click.option("--list-only", is_flag=True, help="Write no LabelMe files.")
@click.option(
    "--tolerance",
    type=click.FloatRange(0, 1000),
    default=2.0,
    show_default=True,
    help="Pixels by which an outline may leave the mask to have fewer corners.",
)
@click.option(
    "--min-area",
    type=click.IntRange(0),
    default=100,
    show_default=True,
    help="Pixels of a region below which it becomes part of its neighbour.",
)
@click.option("--device", type=DEVICE, default="cpu", help="Such as cpu or gpu:0.")
@click.option("--threads", type=click.IntRange(1, 4096), help="Threads of the model; by default all cores.")
@offline_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def select(
    ctx: click.Context,
    folder: Path,
    model: str,
    count: int,
    data: tuple[Path, ...],
    output: Path | None,
    list_only: bool,
    tolerance: float,
    min_area: int,
    device: str,
    threads: int | None,
    offline: bool | None,
    as_json: bool,
) -> None:
    """Choose the pictures of DIR whose labels would teach a model most: unsure ones, unlike each other.

    They become a list, and LabelMe files with what the model finds, to be corrected. Pictures that have labels are
    left out: those of --data, and those with a LabelMe file beside them or in the output folder that zoo did not write.
    """
    from zoo.learn.picture_files import picture_files
    from zoo.learn.selection import read_labelled, select_pictures
    from zoo.picture.sources.files import check_named
    from zoo.predict.load import load

    check_named(str(folder))
    picture_files([str(folder)])
    target = ensure_folder(_default_output(folder) if output is None else output)
    labelled = read_labelled(data, target)
    with loading("loading {model}", model=model) as progress:
        opened = load(model, device=device, threads=threads, offline=offline, progress=progress)
    counted = Counting()
    with opened:
        with line(counted.text):
            found = select_pictures(opened, [str(folder)], count, labelled, counted)
        written = _free(target)
        write_atomic(written, "".join(f"{picked.path}\n" for picked in found.picked).encode(errors="surrogateescape"))
        files: list[Path] = []
        if not list_only and found.picked:
            shapes = {"tolerance": tolerance, "min_area": min_area}
            with line(counted.text):
                for result in opened.predict([picked.path for picked in found.picked]):
                    files.append(result.save(f"{target}{os.sep}", "labelme", **shapes))
                    counted(len(files), len(found.picked))
    if as_json:
        echo_json(_document(found, written, files))
    else:
        _tell(found)
    note("  saved {path}", path=written)
    if files:
        note("  saved {count} LabelMe files in {folder}: correct them with labelme", count=len(files), folder=target)
    for failure in found.failures:
        alert("{path} is left out: {reason}", path=failure.uri, reason=printable(failure.error.message))
    if found.failures:
        ctx.exit(3)


def _default_output(folder: Path) -> Path:
    """Returns where what is chosen goes: here, but not among the pictures."""
    here, whole = Path.cwd(), folder.resolve()
    name = f"select_{whole.stem}"
    return whole.parent / name if here.is_relative_to(whole) else Path(name)


def _free(folder: Path) -> Path:
    """Returns the first name for a list that is not there: an earlier list may be what somebody works on."""
    number, path = 1, folder / f"{_LIST}.txt"
    while os.path.lexists(path):
        number += 1
        path = folder / f"{_LIST}~{number}.txt"
    return path


def _tell(found: Selection) -> None:
    rows = [(_shown(picked.path), f"{picked.uncertainty:.3f}") for picked in found.picked]
    echo_table(("PICTURE", "UNCERTAINTY"), rows, right=(1,))
    note(
        "{count} of {looked_at} pictures; mean uncertainty of all {mean:.3f}",
        count=len(found.picked),
        looked_at=found.looked_at,
        mean=found.mean,
    )
    if found.listed or found.drawn:
        note(
            "left out, for they have labels: {listed} of --data, {drawn} with a LabelMe file",
            listed=found.listed,
            drawn=found.drawn,
        )
    if found.same:
        note(
            "left out, for they are the same as another one or as a labelled one: {count}, such as {first} and {other}",
            count=len(found.same),
            first=_shown(found.same[0][0]),
            other=_shown(found.same[0][1]),
        )


def _shown(path: str) -> str:
    """Returns a path as one would type it here."""
    here = os.getcwd()
    return os.path.relpath(path, here) if path.startswith(here + os.sep) else path


def _document(found: Selection, written: Path, files: list[Path]) -> dict[str, Any]:
    return {
        "pictures": [{"path": picked.path, "uncertainty": picked.uncertainty} for picked in found.picked],
        "looked_at": found.looked_at,
        "mean_uncertainty": found.mean,
        "labelled": {"data": found.listed, "labelme": found.drawn},
        "same": [{"path": path, "as": other} for path, other in found.same],
        "failures": [{"path": failure.uri, "error": failure.error.message} for failure in found.failures],
        "list": str(written),
        "labelme": [str(path) for path in files],
    }
