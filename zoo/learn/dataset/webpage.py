"""A check as one HTML page that needs no other file."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from html import escape

from zoo.learn.dataset.dataset import name_in
from zoo.learn.dataset.survey import KINDS, Survey
from zoo.message import Message, printable

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:76rem;padding:0 1rem}
body{color:#202226;background:#fcfcfa}
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.2rem .8rem .2rem 0;text-align:left;vertical-align:top}
th{border-bottom:1px solid #b0b2b6}.ok{color:#2c7a45}.bad{color:#b02a2a}
.swatch{display:inline-block;width:.8em;height:.8em;border:1px solid #b0b2b6;margin-right:.5em}
figure{display:inline-block;margin:0 1rem 1rem 0}figcaption{font-size:.8rem;color:#686c74}img{max-width:100%}
"""


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
        f"<h1>{title}</h1>",
        f'<p class="{"bad" if kinds else "ok"}"><b>{said(verdict)}</b></p>',
        "".join(f"<p>{said(note)}</p>" for note in survey.notes),
        _table(
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
        parts += [f"<h2>{said(Message('Faults'))}</h2>", _table([said(text) for text in header], rows)]
    parts += [
        f"<h2>{said(Message('Classes'))}</h2>",
        f'<img alt="histogram" src="{_data("png", chart)}">',
        _classes(survey, said),
        f"<h2>{said(Message('Samples'))}</h2>",
        *(_figure(caption, content) for caption, content in overlays),
    ]
    body = "\n".join(parts)
    head = f'<meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
    return f"<!DOCTYPE html>\n<html><head>{head}</head><body>\n{body}\n</body></html>\n"


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
    return _table(header, rows)


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a table of cells that are HTML already."""
    head = "".join(f"<th>{cell}</th>" for cell in header)
    lines = ("".join(f"<td>{cell}</td>" for cell in row) for row in rows)
    return f"<table><tr>{head}</tr>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def _figure(caption: str, content: bytes) -> str:
    said = escape(printable(caption))
    return f'<figure><img src="{_data("jpeg", content)}"><figcaption>{said}</figcaption></figure>'


def _data(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
