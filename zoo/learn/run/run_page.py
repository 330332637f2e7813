"""A run as one HTML page: how it went, what its best checkpoint does, and the settings that led there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape

from zoo.base.files import write_atomic
from zoo.learn.report.html import html_page, html_picture, html_table
from zoo.learn.run.run_figures import BATCH, CLASSES, CONFUSION, CURVES, IOU, VALIDATION
from zoo.learn.run.run_folder import RunFolder
from zoo.message import Message, printable
from zoo.settings.yaml_text import write_yaml

PAGE_FILE = "report.html"
_PICTURES = (
    (CURVES, Message("Loss, mIoU on the validation pictures, and learning rate over the iterations")),
    (
        VALIDATION,
        Message("Validation pictures: their masks, and below each row what the best checkpoint makes of them"),
    ),
    (IOU, Message("IoU of the best checkpoint")),
    (CONFUSION, Message("Where the pixels of each class go, in percent; a row a true class")),
    (CLASSES, Message("Pixels of each class in the training masks")),
    (BATCH, Message("The first batch, as the network gets it")),
)


def write_page(folder: RunFolder, translate: Callable[[str], str]) -> None:
    """Writes `report.html` into the folder of a run.

    Args:
        folder: Its folder, with what `zoo.learn.run.run_figures` has drawn.
        translate: Returns a text in the reader's language.

    Raises:
        OutputError: It cannot be written.
    """

    def said(text: str) -> str:
        return escape(printable(translate(text)))

    configuration = folder.configuration()
    title = said(Message("Training {model}: {run}", model=configuration["model"], run=folder.path.resolve().name))
    settings = f"<h2>{said(Message('Settings'))}</h2><pre>{escape(printable(write_yaml(configuration)))}</pre>"
    write_atomic(
        folder.path / PAGE_FILE,
        html_page(title, [*_measured(folder, said), *_pictures(folder, translate), settings]).encode(),
    )


def _measured(folder: RunFolder, said: Callable[[str], str]) -> Iterator[str]:
    """Yields the table of the evaluations, the best in bold."""
    log = folder.log()
    measured = [line for line in log if "miou" in line]
    best = max((line["miou"] for line in measured), default=0.0)
    losses = {line["iteration"]: line["loss"] for line in log if "loss" in line}
    rows = [
        [
            str(line["iteration"]),
            f"{losses[line['iteration']]:.4f}",
            *(
                f"<b>{100 * line[key]:.2f}</b>" if line["miou"] == best else f"{100 * line[key]:.2f}"
                for key in ("miou", "accuracy")
            ),
        ]
        for line in measured
    ]
    header = [Message("Iteration"), Message("Loss"), "mIoU", Message("Accuracy")]
    yield html_table([said(text) for text in header], rows)


def _pictures(folder: RunFolder, translate: Callable[[str], str]) -> Iterator[str]:
    for name, caption in _PICTURES:
        path = folder.path / name
        if path.is_file():
            yield html_picture(path.read_bytes(), translate(caption))
