"""A comparison as one HTML page: pictures with a slider between two models, where they differ, and what each costs."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zoo.learn.comparison.compare_models import Compared, PictureCompared, Side, common_numbers
from zoo.learn.comparison.one_side import LONGEST
from zoo.learn.report.html import html_page, html_table
from zoo.message import Message, printable

#: Pictures on a page.
SHOWN = 24
_PROGRAM = Path(__file__).with_name("compare_page.js")
_MARKED = np.array([(0, 0, 0), (230, 0, 60)], np.uint8)
_STYLE = """<style>
.pair{display:inline-block;margin:0 1rem 1.5rem 0;max-width:100%;vertical-align:top}
.stack{position:relative;width:fit-content;max-width:100%}
.stack>img{display:block;max-width:100%}.stack>img+img{position:absolute;left:0;top:0;width:100%;height:100%;opacity:.6;
image-rendering:pixelated}
.stack>img.difference{opacity:.8;display:none}.differs .stack>img.difference{display:block}
.pair>input{display:block;width:100%;margin:.2rem 0 0}.pair>p{margin:0;font-size:.8rem;color:#686c74}
.tools{position:sticky;top:0;background:#fcfcfa;padding:.5rem 0;z-index:1}
.tools label{margin-right:1rem}
</style>"""


def compare_page(found: Compared, title: str, translate: Callable[[str], str], shown: int = SHOWN) -> str:
    """Returns the page.

    Args:
        found: What was found.
        title: Heading of the page.
        translate: Returns a text in the reader's language.
        shown: Most pictures that it has: those in which the masks differ most.
    """

    def said(text: str) -> str:
        return escape(printable(translate(text)))

    worst = sorted(found.pictures, key=lambda one: one.agreement)[:shown]
    told = Message(
        "{shown} of {count} pictures, those in which the masks differ most, the worst first.",
        shown=len(worst),
        count=len(found.pictures),
    )
    titles = [side.contender.title for side in found.sides]
    options = "".join(f'<option value="{number}">{escape(title)}</option>' for number, title in enumerate(titles))
    tools = (
        f'<div class="tools"><label>{said(Message("Left"))} <select id="left">{options}</select></label>'
        f'<label>{said(Message("Right"))} <select id="right">{options}</select></label>'
        f'<label><input type="checkbox" id="difference"> {said(Message("Where they differ"))}</label></div>'
    )
    parts = [
        _STYLE,
        _costs(found, said),
        _agreements(found, said),
        f"<h2>{said(Message('Classes'))}</h2>",
        _shares(found, said),
        f"<h2>{said(Message('Pictures'))}</h2><p>{said(told)}</p>",
        tools,
        *(_picture(one, found.sides, said) for one in worst),
        f"<script>{_PROGRAM.read_text(encoding='utf-8')}</script>",
    ]
    return html_page(said(title), parts)


def _costs(found: Compared, said: Callable[[str], str]) -> str:
    labelled = any(side.miou is not None for side in found.sides)
    header = [
        Message("Model"),
        Message("Engine"),
        Message("Pictures/s"),
        Message("Opened in, s"),
        "MB",
        *(["mIoU"] if labelled else []),
        Message("Failed"),
    ]
    rows = [
        [
            escape(printable(side.contender.title)),
            escape(printable(f"{side.engine}, {side.precision}, {side.device}")),
            f"{side.rate:.2f}",
            f"{side.opening:.1f}",
            f"{side.memory / 1e6:.0f}",
            *([_percent(side.miou)] if labelled else []),
            str(len(side.failures)),
        ]
        for side in found.sides
    ]
    return html_table([said(text) for text in header], rows)


def _agreements(found: Compared, said: Callable[[str], str]) -> str:
    rows = [
        [
            escape(printable(f"{found.sides[first].contender.title} / {found.sides[second].contender.title}")),
            _percent(share),
        ]
        for (first, second), share in found.agreements.items()
    ]
    return html_table([said(Message("Masks of")), said(Message("Pixels with one class, %"))], rows)


def _shares(found: Compared, said: Callable[[str], str]) -> str:
    """Returns the mean share of every class in the masks of each side."""
    colors = {
        name: color for side in reversed(found.sides) for name, color in zip(side.classes, side.palette, strict=True)
    }
    means = [
        {name: float(np.mean([one.shares[number].get(name, 0.0) for one in found.pictures])) for name in colors}
        for number in range(len(found.sides))
    ]
    names = [name for name in colors if any(mean[name] for mean in means)]
    names.sort(key=lambda name: -max(mean[name] for mean in means))
    rows = [
        [
            f'<span class="swatch" style="background:rgb{colors[name]}"></span>{escape(printable(name))}',
            *(
                _percent(mean[name]) if name in side.classes else "-"
                for side, mean in zip(found.sides, means, strict=True)
            ),
        ]
        for name in names
    ]
    titles = [escape(printable(side.contender.title)) for side in found.sides]
    return html_table([said(Message("Class")), *(f"{title}, %" for title in titles)], rows)


def _picture(one: PictureCompared, sides: Sequence[Side], said: Callable[[str], str]) -> str:
    small = [_small(file) for file in one.masks]
    layers = "".join(
        f'<img class="side" alt="{escape(printable(side.contender.title))}" src="{_colored(mask, side)}">'
        for mask, side in zip(small, sides, strict=True)
    )
    numbers = [table[mask.astype(np.uint16)] for mask, table in zip(small, common_numbers(sides), strict=True)]
    differs = np.any([number != numbers[0] for number in numbers[1:]], axis=0)
    base = base64.b64encode(one.picture.read_bytes()).decode()
    caption = Message("{name}: {share:.2f} % of the pixels have one class", name=one.name, share=100 * one.agreement)
    return (
        '<div class="pair"><div class="stack">'
        f'<img alt="{escape(printable(one.name))}" src="data:image/jpeg;base64,{base}">{layers}'
        f'<img class="difference" alt="" src="{_png(differs.astype(np.uint8), _MARKED, bytes((0, 255)))}"></div>'
        f'<input type="range" min="0" max="100" value="50" aria-label="{said(Message("Border"))}">'
        f"<p>{said(caption)}</p></div>"
    )


def _small(file: Path) -> NDArray[np.uint8 | np.uint16]:
    with Image.open(file) as picture:
        mask = np.asarray(picture)
    step = max(1, -(-max(mask.shape) // LONGEST))
    return mask[::step, ::step]


def _colored(mask: NDArray[np.uint8 | np.uint16], side: Side) -> str:
    """Returns the mask in the colours of its classes; what is no class can be seen through."""
    colors = np.zeros((256, 3), np.uint8)
    colors[: len(side.palette)] = side.palette
    known = bytes(255 if value < len(side.palette) else 0 for value in range(256))
    return _png(np.where(mask < len(side.palette), mask, 255).astype(np.uint8), colors, known)


def _png(mask: NDArray[np.uint8], colors: NDArray[np.uint8], opacity: bytes) -> str:
    """Returns a mask as the address of a PNG.

    Args:
        mask: (h, w).
        colors: (N, 3) colours of the values.
        opacity: Of the values, 0 to 255.
    """
    file, picture = io.BytesIO(), Image.fromarray(mask)
    picture.putpalette(colors.tobytes())
    picture.save(file, "PNG", transparency=opacity, compress_level=9)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.2f}"


def compare_document(found: Compared) -> str:
    """Returns the figures as JSON."""
    titles = [side.contender.title for side in found.sides]
    document = {
        "models": [
            {
                "title": side.contender.title,
                "model": side.model,
                "engine": side.engine,
                "device": side.device,
                "precision": side.precision,
                "pictures_a_second": side.rate,
                "opening_seconds": side.opening,
                "memory": side.memory,
                "mIoU": side.miou,
                "failures": [{"uri": uri, "error": error} for uri, error in side.failures],
            }
            for side in found.sides
        ],
        "agreement": [
            {"between": [titles[first], titles[second]], "share": share}
            for (first, second), share in found.agreements.items()
        ],
        "pictures": [
            {"uri": one.uri, "agreement": one.agreement, "shares": [dict(shares) for shares in one.shares]}
            for one in found.pictures
        ],
    }
    return json.dumps(document, indent=2)
