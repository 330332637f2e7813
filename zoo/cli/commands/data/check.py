"""`zoo data check`: everything that is wrong with a dataset, and a repaired copy."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.language import tr, translate
from zoo.cli.notes import alert, note
from zoo.cli.progress.counting import Counting
from zoo.cli.progress.line import line
from zoo.cli.tables import echo_json, echo_table
from zoo.message import printable

if TYPE_CHECKING:
    from zoo.learn.data.pairs import Fault
    from zoo.learn.dataset.mend import Mended
    from zoo.learn.dataset.survey import Survey


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--fix", "target", metavar="DST", type=click.Path(path_type=Path), help="Write a repaired copy there.")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="Folder for the page, the histogram and the samples; by default check_DIR here.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def check(ctx: click.Context, folder: Path, target: Path | None, output: Path | None, as_json: bool) -> None:
    """Find everything that is wrong with the dataset in DIR; exit with 1 where something is.

    DIR holds images/, annotations/ or masks/, train.txt, val.txt and labels.txt, or only the two folders.
    """
    from zoo.learn.dataset.dataset import read_contents
    from zoo.learn.dataset.mend import check_new, mend_dataset
    from zoo.learn.dataset.survey import survey_dataset
    from zoo.learn.dataset.written import PAGE_FILE, ensure_free, write_survey

    # What cannot be written is said before everything is read.
    source = read_contents(folder).folder
    if target is not None:
        check_new(source, target)
    output = ensure_free(_default_output(source) if output is None else output)
    progress = Counting()
    with line(progress.text):
        survey = survey_dataset(source, progress)
        document = write_survey(survey, output, lambda text: str(translate(text)))
        mended = None if target is None else mend_dataset(survey, target, progress)
    if mended is not None:
        document["fixed"] = _fixed(mended)
    if as_json:
        echo_json(document)
    else:
        _tell(survey, mended)
    note("saved {page}", page=output / PAGE_FILE)
    left = survey if mended is None else mended.after
    if left.faults:
        alert("Faults: {count}.", count=len(left.faults))
        ctx.exit(1)


def _default_output(folder: Path) -> Path:
    """Returns where a check goes: here, but not into the dataset."""
    here, whole = Path.cwd(), folder.resolve()
    name = f"check_{whole.name}"
    return whole.parent / name if here.is_relative_to(whole) else Path(name)


def _fixed(mended: Mended) -> dict[str, Any]:
    from zoo.learn.dataset.written import result_document

    return {
        "folder": str(mended.folder),
        "repairs": [asdict(repair) for repair in mended.repairs],
        "faults": result_document(mended.after)["faults"],
    }


def _tell(survey: Survey, mended: Mended | None) -> None:
    _classes(survey)
    for text in survey.notes:
        note(text)
    if survey.faults:
        click.echo()
        _faults(survey)
    if mended is None:
        return
    if mended.repairs:
        click.echo()
        rows = [(repair.place, translate(repair.what)) for repair in mended.repairs]
        echo_table(("REPAIRED", "HOW"), rows)
    click.echo()
    _before_and_after(survey, mended)
    if mended.after.faults:
        click.echo()
        _faults(mended.after)
    note("saved {page}", page=mended.folder)


def _classes(survey: Survey) -> None:
    splits = list(survey.contents.splits)
    totals = {split: max(survey.pixels[split].total(), 1) for split in splits}
    rows = [
        (
            name,
            ", ".join(map(str, values)),
            *(f"{survey.pixels[split][number] / totals[split]:.2%}" for split in splits),
            *(str(survey.pictures[split][number]) for split in splits),
        )
        for number, (name, values) in enumerate(zip(survey.meaning.labels.names, survey.meaning.values, strict=True))
    ]
    header = ("CLASS", "VALUE", *(f"{split} %" for split in splits), *splits)
    rows.append((tr("pictures"), "", *("" for _ in splits), *(str(len(survey.contents.splits[s])) for s in splits)))
    echo_table(header, rows, right=range(1, len(header)))


def _faults(survey: Survey) -> None:
    from zoo.learn.dataset.dataset import name_in
    from zoo.learn.dataset.survey import KINDS

    folder = survey.contents.folder
    rows = [
        (_place(fault), translate(KINDS[fault.kind]), name_in(fault.path, folder), printable(translate(fault.reason)))
        for fault in survey.faults
    ]
    echo_table(("PLACE", "KIND", "FILE", "FAULT"), rows)


def _place(fault: Fault) -> str:
    named = fault.listed or (fault.path if fault.line else None)
    return "" if named is None else f"{named.name}:{fault.line}"


def _before_and_after(survey: Survey, mended: Mended) -> None:
    from zoo.learn.dataset.survey import KINDS

    before, after = (Counter(fault.kind for fault in one.faults) for one in (survey, mended.after))
    rows = [
        (translate(text), str(before[kind]), str(after[kind]))
        for kind, text in KINDS.items()
        if before[kind] or after[kind]
    ]
    echo_table(("FAULTS", "BEFORE", "AFTER"), rows, right=(1, 2))
