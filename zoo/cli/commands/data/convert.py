"""`zoo data convert`: annotations of other tools become a dataset folder."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from zoo.cli.language import translate
from zoo.cli.notes import alert, note
from zoo.cli.options import Word
from zoo.cli.progress.figures import bar, time_left
from zoo.cli.progress.line import line
from zoo.cli.tables import echo_json, echo_table
from zoo.message import Message, printable, shell_word

if TYPE_CHECKING:
    from zoo.learn.annotations import Converted

_FORMS = ("labelme", "coco", "cvat", "voc", "cityscapes", "ade20k", "masks")


@click.command()
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--from", "form", type=Word(_FORMS), required=True, help="What SOURCE holds.")
@click.option(
    "--labels", type=click.Path(path_type=Path), help="File with a class name a line, in the order of their values."
)
@click.option(
    "--palette", type=click.Path(path_type=Path), help="File with a colour and a class a line, for masks in colours."
)
@click.option("--images", type=click.Path(path_type=Path), help="Folder of the pictures, where they are not in SOURCE.")
@click.option("--drop", multiple=True, metavar="LABEL", help="Leave this class out; may be given several times.")
@click.option(
    "--unlabelled",
    type=Word(("background", "ignore")),
    help="What pixels are that no shape covers; by default a class, or ignored where the file of labels has none.",
)
@click.option(
    "--contours",
    type=Word(("auto", "edges", "centres")),
    default="auto",
    show_default=True,
    help="What corners of COCO polygons are: edges of areas, or centres of pixels at the edge.",
)
@click.option(
    "--keep-empty", is_flag=True, help="Take pictures that COCO or CVAT list without annotations: all background."
)
@click.option(
    "--on-error",
    type=Word(("raise", "skip")),
    default="raise",
    show_default=True,
    help="Write nothing if a picture cannot be used, or pass over it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def convert(
    ctx: click.Context,
    source: Path,
    target: Path,
    form: str,
    labels: Path | None,
    palette: Path | None,
    images: Path | None,
    drop: tuple[str, ...],
    unlabelled: str | None,
    contours: str,
    keep_empty: bool,
    on_error: str,
    as_json: bool,
) -> None:
    """Write the annotations in SOURCE as a new dataset folder TARGET, with masks."""
    from zoo.learn.annotations import conversion_figures, convert_annotations, read_wishes

    wishes = read_wishes(labels, palette, images, drop, unlabelled, contours, keep_empty)
    progress, began = [0, 0], time.monotonic()

    def report(done: int, total: int) -> None:
        progress[:] = done, total

    def text() -> str:
        done, total = progress
        if not total:
            return translate(Message("reading annotations"))
        return "  ".join((bar(done, total), f"{done}/{total}", time_left(done, total, time.monotonic() - began)))

    with line(text):
        made = convert_annotations(source, target, form, wishes, on_error == "skip", report)
    if as_json:
        echo_json(conversion_figures(made))
    else:
        _table(made)
    _tell(made)
    if made.failures:
        ctx.exit(3)


def _table(made: Converted) -> None:
    total = max(1, sum(made.pixels.values()))
    names = [*enumerate(made.labels.names), (made.labels.ignore_index, translate(Message("(ignored)")))]
    rows = [
        (
            str(value),
            name,
            str(made.shapes[value]) if made.shapes else "-",
            str(made.pictures[value]),
            f"{100 * made.pixels[value] / total:.2f}",
        )
        for value, name in names
    ]
    echo_table(("VALUE", "CLASS", "SHAPES", "PICTURES", "% OF PIXELS"), rows, right=(0, 2, 3, 4))


def _tell(made: Converted) -> None:
    for rule, count in made.rules.items():
        if count:
            note("{count}: {rule}", count=count, rule=rule)
        else:
            note(rule)
    for what, count in made.dropped.items():
        alert("left out: {count} {what}", count=count, what=what)
    if made.turned:
        note("Masks turned as the EXIF orientation of their pictures says: {count}", count=made.turned)
    for error in made.failures.values():
        alert(printable(error.message))
    note(
        "{count} pictures in {folder}: {lists:, }",
        count=sum(made.splits.values()),
        folder=made.folder,
        lists=[f"{name}.txt {made.splits[name]}" for name in ("train", "val", "test") if name in made.splits],
    )
    if "val" not in made.splits:
        folder = shell_word(made.folder)
        note("Next: zoo data split {folder} --train 80 --val 10 --test 10", folder=folder)
