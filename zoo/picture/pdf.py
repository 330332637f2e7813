"""PDF documents, page by page, with pypdfium2."""

from __future__ import annotations

import math
import threading
from collections.abc import Generator
from contextlib import closing, contextmanager
from typing import Any, BinaryIO

import numpy as np

from zoo.errors import DecodeError, SourceError
from zoo.message import Message
from zoo.picture.opening import check_size, undecodable
from zoo.picture.rgb import Picture

#: Resolution pages are drawn at, in pixels an inch.
DPI = 150

#: A document with more pages is refused: a page tree of a few hundred bytes can claim a million.
MAX_PAGES = 10_000

_EXPECTED = Message("Expected a whole PDF document that opens without a password.")
_HINT = Message("Open it in a viewer; if it looks right there, save it again, or export its pages as PNG.")
# The code of PDFium for it (FPDF_ERR_PASSWORD).
_PASSWORD = 4

# PDFium must not be called from two threads at once, whatever the document.
_ONE_AT_A_TIME = threading.RLock()


def count_pages(file: BinaryIO, name: str) -> int:
    """Returns the number of pages of a document.

    Raises:
        DecodeError: It is damaged, has a password or too many pages.
        SourceError: pypdfium2 is not installed.
    """
    with _document(file, name) as document:
        count = len(document)
    if count > MAX_PAGES:
        raise DecodeError(
            "{name} has {count} pages. At most {limit} are accepted.",
            "Split it first.",
            name=name,
            count=count,
            limit=MAX_PAGES,
        )
    return count


def draw_page(file: BinaryIO, number: int, count: int, name: str, max_pixels: int) -> Picture:
    """Draws a page at `DPI` on white, with its annotations and filled forms.

    Args:
        file: The document.
        number: The page, from 1 on.
        count: What `count_pages` returned.
        name: What error messages call the document.
        max_pixels: Larger pages are refused before they are drawn.

    Raises:
        DecodeError: The page or the document cannot be drawn, or the page is too large.
        SourceError: pypdfium2 is not installed.
    """
    page_name = Message("{name} (page {number} of {count})", name=name, number=number, count=count)
    with _document(file, page_name) as document:
        document.init_forms()
        # Sizes are float32 and rounded up: a page of 80 pixels would become one of 81, and blurred.
        scale = DPI / 72 * (1 - 1e-6)
        # Left to the garbage collector, page and bitmap would be given back outside the lock.
        with closing(document[number - 1]) as page:
            height, width = math.ceil(page.get_height() * scale), math.ceil(page.get_width() * scale)
            check_size(height, width, page_name, max_pixels)
            with closing(page.render(scale=scale, rev_byteorder=True)) as bitmap:
                pixels = np.array(bitmap.to_numpy(), dtype=np.uint8)
    return Picture(pixels, Message("page {number} of {count}", number=number, count=count))


@contextmanager
def _document(file: BinaryIO, name: str) -> Generator[Any, None, None]:
    try:
        import pypdfium2
    except ImportError:
        fact = Message("{name} is a PDF document, and pypdfium2 cannot be imported. It was expected.", name=name)
        raise SourceError(fact, "Run: pip install pypdfium2") from None
    with _ONE_AT_A_TIME:
        try:
            with pypdfium2.PdfDocument(file) as document:
                yield document
        except pypdfium2.PdfiumError as error:
            if error.err_code == _PASSWORD:
                fact = Message("{name} is a PDF document with a password. {expected}", name=name, expected=_EXPECTED)
                raise DecodeError(fact, "Save a copy without the password.") from error
            raise undecodable(name, error, _EXPECTED, _HINT) from error
        except DecodeError:
            raise
        except Exception as error:
            raise undecodable(name, error, _EXPECTED, _HINT) from error
