"""HTML pages that need no other file."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from html import escape

from zoo.message import Message, printable

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:76rem;padding:0 1rem}
body{color:#202226;background:#fcfcfa}
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.2rem .8rem .2rem 0;text-align:left;vertical-align:top}
th{border-bottom:1px solid #b0b2b6}.ok{color:#2c7a45}.bad{color:#b02a2a}
.swatch{display:inline-block;width:.8em;height:.8em;border:1px solid #b0b2b6;margin-right:.5em}
figure{display:inline-block;margin:0 1rem 1rem 0}figcaption{font-size:.8rem;color:#686c74}img{max-width:100%}
"""


def html_page(title: str, parts: Iterable[str]) -> str:
    """Returns a page; the title and the parts are HTML already."""
    body = "\n".join((f"<h1>{title}</h1>", *parts))
    head = f'<meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
    return f"<!DOCTYPE html>\n<html><head>{head}</head><body>\n{body}\n</body></html>\n"


def html_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a table of cells that are HTML already."""
    head = "".join(f"<th>{cell}</th>" for cell in header)
    lines = ("".join(f"<td>{cell}</td>" for cell in row) for row in rows)
    return f"<table><tr>{head}</tr>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"


def html_picture(content: bytes, caption: str | Message = "") -> str:
    """Returns a PNG or JPEG file as a part of a page, with a text below it."""
    kind = "png" if content.startswith(b"\x89PNG") else "jpeg"
    data = f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
    said = escape(printable(caption))
    return f'<figure><img alt="{said}" src="{data}"><figcaption>{said}</figcaption></figure>'
