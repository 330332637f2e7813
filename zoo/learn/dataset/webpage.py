"""A check as one HTML page that needs no other file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from html import escape

from zoo.learn.dataset.dataset import name_in
from zoo.learn.dataset.survey import KINDS, Survey
from zoo.learn.report.html import html_page, html_picture, html_table
from zoo.message import Message, printable


def webpage(
    survey: Survey, overlays: Sequence[tuple[str, bytes]], chart: bytes, translate: Callable[[str], str]
) -> str:
    """Returns the page.

    Args:
        survey: What was found.
        overlays: Sample pictures as JPEG, each with what stands below it.
        chart: The class histogram as PNG.
        translate: Returns a text in the reader's language.
    """

    def said(text: str) -> str:
        return escape(printable(translate(text)))

    folder = survey.contents.folder
    title = said(Message("Check of the dataset {name}", name=folder.resolve().name))
    kinds = Counter(fault.kind for fault in survey.faults)
    verdict = Message("{count} faults", count=len(survey.faults)) if kinds else Message("no faults")
    parts = [
        f'<p class="{"bad" if kinds else "ok"}"><b>{said(verdict)}</b></p>',
        "".join(f"<p>{said(note)}</p>" for note in survey.notes),
        html_table(
            [said(Message("Split")), said(Message("Pictures"))],
            [[escape(split), str(len(pairs))] for split, pairs in survey.contents.splits.items()],
        ),
    ]
    if kinds:
        rows = [
            [
                escape(printable("" if fault.listed is None else fault.listed.name)),
                str(fault.line or ""),
                said(KINDS[fault.kind]),
                escape(printable(name_in(fault.path, folder))),
                said(fault.reason),
            ]
            for fault in survey.faults
        ]
        header = [Message("List"), Message("Line"), Message("Kind"), Message("File"), Message("Fault")]
        parts += [f"<h2>{said(Message('Faults'))}</h2>", html_table([said(text) for text in header], rows)]
    parts += [
        f"<h2>{said(Message('Classes'))}</h2>",
        html_picture(chart),
        _classes(survey, said),
        f"<h2>{said(Message('Samples'))}</h2>",
        *(html_picture(content, caption) for caption, content in overlays),
    ]
    return html_page(title, parts)


def _classes(survey: Survey, said: Callable[[str], str]) -> str:
    splits = list(survey.contents.splits)
    header = [said(Message("Class")), said(Message("Values")), *(escape(split) for split in splits)]
    labels = survey.meaning.labels
    rows = [
        [
            f'<span class="swatch" style="background:rgb{labels.palette[number]}"></span>{escape(printable(name))}',
            ", ".join(map(str, survey.meaning.values[number])),
            *(
                said(
                    Message(
                        "{pixels} pixels in {pictures} pictures",
                        pixels=survey.pixels[split][number],
                        pictures=survey.pictures[split][number],
                    )
                )
                for split in splits
            ),
        ]
        for number, name in enumerate(labels.names)
    ]
    return html_table(header, rows)
