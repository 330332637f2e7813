"""An evaluation as one HTML page: figures, classes, the confusion matrix and the worst pictures."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterator, Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from zoo.learn.dataset.dataset import with_ignore_index
from zoo.learn.evaluation.outcome import WORST, Evaluation
from zoo.learn.evaluation.picture_sums import PictureFigures
from zoo.learn.evaluation.plain_figures import BARS, histogram_of
from zoo.learn.report.html import html_page, html_picture, html_table
from zoo.learn.report.matrix import matrix_picture
from zoo.learn.report.overlays import jpeg, sheet, small_overlay
from zoo.message import Message, printable
from zoo.results import Result

_LONGEST = 400
_BAR = (
    '<span style="display:inline-block;width:3.5em">{figure}</span>'
    '<span style="display:inline-block;width:{width:.0f}px;height:.7em;background:#2668b0"></span>'
)
_COLUMN = '<div title="{title}" style="flex:1;margin:1px;background:#2668b0;height:{height:.1f}%"></div>'

Said = Callable[[str], str]


class WorstPictures:
    """Keeps the ten worst pictures of an evaluation, small: picture, truth and prediction side by side."""

    def __init__(self) -> None:
        self._kept: list[tuple[PictureFigures, bytes]] = []

    def watch(self, figures: PictureFigures, result: Result, truth: NDArray[np.uint8 | np.uint16]) -> None:
        """Looks at a picture, as `zoo.learn.evaluation.evaluate` calls it."""
        last = self._kept[-1][0].miou if len(self._kept) == WORST else 2.0
        if figures.pixels and figures.miou < last:
            insort(self._kept, (figures, _side_by_side(result, truth)), key=lambda one: one[0].miou)
            del self._kept[WORST:]

    def __iter__(self) -> Iterator[tuple[PictureFigures, bytes]]:
        """Yields figures and JPEG files, the worst first."""
        return iter(self._kept)


def evaluation_page(
    found: Evaluation,
    worst: WorstPictures,
    title: str,
    facts: Sequence[str],
    translate: Callable[[str], str],
) -> str:
    """Returns the page.

    Args:
        found: What was found.
        worst: What watched it.
        title: Heading of the page.
        facts: What was measured, where and by what: a paragraph each.
        translate: Returns a text in the reader's language.
    """

    def said(text: str) -> str:
        return escape(printable(translate(text)))

    def headed(text: str) -> str:
        return f"<h2>{said(text)}</h2>"

    parts = [
        *(f"<p>{said(fact)}</p>" for fact in (*facts, *found.notes)),
        _whole(found, said),
        headed(Message("Classes")),
        _classes(found, said),
        headed(Message("Confusion")),
        html_picture(
            matrix_picture(found.classes, found.confusion.counts),
            translate(Message("Where the pixels of each class go, in percent; a row a true class")),
        ),
        headed(Message("mIoU of the pictures")),
        _histogram(found, said),
        *([] if found.reliability is None else [headed(Message("Scores")), _reliability(found, said)]),
        headed(Message("The worst pictures")),
        f"<p>{said(Message('Picture, true classes and predicted classes.'))}</p>",
        *(
            html_picture(
                picture, f"{one.image}: mIoU {_percent(one.miou)}, {translate('accuracy')} {_percent(one.accuracy)}"
            )
            for one, picture in worst
        ),
    ]
    return html_page(said(title), parts)


def _side_by_side(result: Result, truth: NDArray[np.uint8 | np.uint16]) -> bytes:
    labels, size = with_ignore_index(result.labels), len(result.labels)
    void = labels.ignore_index
    masks = (
        np.full(truth.shape, void, np.uint16),
        *(np.where(mask < size, mask, void).astype(np.uint16) for mask in (truth, result.mask)),
    )
    return jpeg(sheet([[small_overlay(result.image, mask, labels, _LONGEST) for mask in masks]]))


def _whole(found: Evaluation, said: Said) -> str:
    confusion = found.confusion
    figures: list[tuple[str, float]] = [
        ("mIoU", confusion.miou),
        (Message("accuracy"), confusion.accuracy),
        (Message("mean accuracy"), confusion.mean_accuracy),
        (Message("mean Dice"), confusion.mean_dice),
        (Message("frequency-weighted IoU"), confusion.frequency_weighted_iou),
        (Message("kappa"), confusion.kappa),
    ]
    if found.boundary is not None:
        figures.append((Message("boundary mIoU"), found.boundary.miou))
    if found.reliability is not None:
        figures.append((Message("calibration error"), found.reliability.error))
    return html_table(["", "%"], [[said(name), _percent(value)] for name, value in figures])


def _classes(found: Evaluation, said: Said) -> str:
    confusion = found.confusion
    columns: list[tuple[str, NDArray[np.float64]]] = [
        ("IoU", confusion.iou),
        (Message("accuracy"), confusion.recall),
        (Message("precision"), confusion.precision),
        ("Dice", confusion.dice),
    ]
    if found.boundary is not None:
        columns.append((Message("boundary IoU"), found.boundary.iou))
    rows = [
        [
            f'<span class="swatch" style="background:rgb{found.classes.palette[number]}"></span>'
            f"{escape(printable(name))}",
            *(_bar(figures[number]) for _, figures in columns),
            f"{confusion.true[number]:,}",
        ]
        for number, name in enumerate(found.classes.names)
    ]
    header = [Message("Class"), *(name for name, _ in columns), Message("Pixels")]
    return html_table([said(text) for text in header], rows)


def _histogram(found: Evaluation, said: Said) -> str:
    counts = histogram_of(found).tolist()
    most = max(*counts, 1)
    columns = "".join(
        _COLUMN.format(title=f"{100 * place // BARS}-{100 * (place + 1) // BARS} %: {count}", height=100 * count / most)
        for place, count in enumerate(counts)
    )
    figures = Message("{count} pictures; from 0 to 100 %, the highest column is {most}", count=sum(counts), most=most)
    style = "display:flex;align-items:flex-end;height:9rem;max-width:40rem;border-bottom:1px solid #b0b2b6"
    return f'<div style="{style}">{columns}</div><p>{said(figures)}</p>'


def _reliability(found: Evaluation, said: Said) -> str:
    assert found.reliability is not None
    bins = zip(found.reliability.score, found.reliability.accuracy, found.reliability.pixels.tolist(), strict=True)
    rows = [[_bar(score), _bar(accuracy), f"{pixels:,}"] for score, accuracy, pixels in bins if pixels]
    header = [Message("Mean score"), Message("accuracy"), Message("Pixels")]
    return html_table([said(text) for text in header], rows)


def _bar(value: float) -> str:
    return "-" if value != value else _BAR.format(width=80 * value, figure=_percent(value))


def _percent(value: float) -> str:
    return "-" if value != value else f"{100 * value:.2f}"
