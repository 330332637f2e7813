"""Results on a terminal and in a notebook."""

from __future__ import annotations

import base64
import html
import io
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageShow

from zoo.errors import OutputError
from zoo.message import printable
from zoo.results.classes import classes_in, unknown_value
from zoo.results.document import describe, to_json
from zoo.results.drawing.draw import OPACITY, blend
from zoo.results.drawing.legend import add_legend

if TYPE_CHECKING:
    from zoo.results.result import Result

#: Longest side of the picture in a notebook, in pixels: the notebook's file keeps it.
_LONGEST_SIDE = 640
_MOST_CLASSES = 32


def print_summary(
    result: Result, json_format: bool | None, format_json: bool | None, indent: int | None, ensure_ascii: bool
) -> None:
    """Prints as `Result.print` says."""
    given = {bool(value) for value in (json_format, format_json) if value is not None}
    if len(given) > 1:
        raise OutputError(
            "json_format is {json_format} and format_json is {format_json}; they are two names of one option.",
            "Give one of them.",
            json_format=json_format,
            format_json=format_json,
        )
    document, space = describe(result), indent if given != {False} else None
    text = to_json(document, None, space, ensure_ascii)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = to_json(document, None, space, True)
    sys.stdout.write(f"{text}\n")


def show_picture(picture: Image.Image) -> None:
    """Shows as `Result.show` says."""
    # A notebook has imported it.
    notebook: Any = sys.modules.get("IPython")
    if notebook is not None and hasattr(notebook.get_ipython(), "kernel"):
        notebook.display.display(picture)
    elif not ImageShow.show(picture):
        raise OutputError(
            "There is no program here that shows pictures.", 'Write it with save_to_img("out"), and look at the file.'
        )


def preview_png(result: Result) -> bytes:
    """Returns a small overlay with legend as a PNG."""
    picture = add_legend(_small_overlay(result), classes_in(result.mask, result.labels), None)
    return _encoded(picture, "PNG", optimize=True)


def preview_html(result: Result) -> str:
    """Returns a small overlay and the table of the classes that occur, largest first."""
    picture = base64.b64encode(_encoded(_small_overlay(result), "JPEG", quality=85)).decode("ascii")
    classes = classes_in(result.mask, result.labels, result.scores)
    rows = [
        f'<tr><td><span style="display:inline-block;width:1em;height:1em;background:#{bytes(area.color).hex()}"></span>'
        f'</td><td style="text-align:left">{_text(area.name)}</td><td>{area.share:.1%}</td>'
        + ("" if area.score is None else f"<td>{area.score:.2f}</td>")
        + "</tr>"
        for area in classes[:_MOST_CLASSES]
    ]
    if rest := classes[_MOST_CLASSES:]:
        share = sum(area.share for area in rest)
        rows.append(f'<tr><td></td><td style="text-align:left">{len(rest)} more</td><td>{share:.1%}</td></tr>')
    scores = "" if result.scores is None else "<th>mean score</th>"
    height, width = result.mask.shape
    facts = [f"{height}x{width}", f"{result.model} on {result.device}", *([result.note] if result.note else [])]
    return (
        f"<div><div><b>{_text(result.name)}</b> {_text(', '.join(facts))}</div>"
        f'<img alt="overlay" src="data:image/jpeg;base64,{picture}" style="max-width:100%">'
        f'<table><tr><th></th><th style="text-align:left">class</th><th>share</th>{scores}</tr>{"".join(rows)}</table>'
        "</div>"
    )


def _small_overlay(result: Result) -> NDArray[np.uint8]:
    height, width = result.mask.shape
    scale = min(1.0, _LONGEST_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    # Made small before it is drawn, so that the picture's size costs no memory a second time.
    image, mask = result.image, result.mask
    if scale < 1:
        image = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX))
        rows = (np.arange(size[1]) * 2 + 1) * height // (2 * size[1])
        columns = (np.arange(size[0]) * 2 + 1) * width // (2 * size[0])
        mask = mask[rows[:, None], columns]
    return blend(image, mask, result.color_table(), OPACITY, outline=True, unknown=unknown_value(result.labels))


def _encoded(picture: NDArray[np.uint8], form: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, form, **options)
    return buffer.getvalue()


def _text(text: str) -> str:
    return html.escape(printable(text))
