"""`zoo data split`: which pictures are trained on, and which only measured."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from zoo.cli.language import tr
from zoo.cli.notes import alert, note
from zoo.cli.progress.figures import bar
from zoo.cli.progress.line import line
from zoo.cli.tables import echo_json, echo_table
from zoo.message import Message

if TYPE_CHECKING:
    from zoo.learn.annotations import Split


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--train", type=click.FloatRange(0), help="Percent of the pictures, or how many of them.")
@click.option("--val", type=click.FloatRange(0), help="Likewise.")
@click.option("--test", type=click.FloatRange(0), help="Likewise; without it a test.txt stays as it is.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Another one splits differently.")
@click.option(
    "--groups",
    metavar="REGEX",
    help="Pictures in whose paths this finds the same stay together; by default `groups` of data.yaml.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def split(
    ctx: click.Context,
    folder: Path,
    train: float | None,
    val: float | None,
    test: float | None,
    seed: int,
    groups: str | None,
    as_json: bool,
) -> None:
    """Write train.txt, val.txt and test.txt of the dataset DIR anew: by classes, without the same picture in two.

    Numbers that make 100 are percent, others how many pictures. Earlier lists are kept as train.txt.1 and so on.
    """
    from zoo.learn.annotations import split_dataset, split_figures

    shares = {name: share for name, share in (("train", train), ("val", val), ("test", test)) if share}
    if not shares:
        raise click.UsageError(tr("Give the shares, such as --train 80 --val 10 --test 10."), ctx)
    progress = [0, 0]

    def report(done: int, total: int) -> None:
        progress[:] = done, total

    with line(lambda: f"{bar(*progress)}  {progress[0]}/{progress[1]}"):
        made = split_dataset(folder, shares, seed, groups, report)
    if as_json:
        echo_json(split_figures(made))
    else:
        _table(made)
    _tell(made)


def _table(made: Split) -> None:
    rows = [("", Message("pictures"), *(str(len(made.lists[name])) for name in made.lists))]
    rows = [(tr(what), *figures) for _, what, *figures in rows]
    for value, name in enumerate(made.labels.names):
        rows.append((name, *(str(made.pictures[split][value]) for split in made.lists)))
    echo_table(("PICTURES WITH", *(name.upper() for name in made.lists)), rows, right=range(1, len(made.lists) + 1))


def _tell(made: Split) -> None:
    for kept in made.kept:
        note("The earlier list is now {kept}", kept=kept)
    for said in made.notes:
        alert(said)
