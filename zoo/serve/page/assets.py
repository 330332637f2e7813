"""The page: its files as they are sent.

There is no template and no build step. A file is what it is on disk, and the policy sent with it lets a browser load
nothing from anywhere else, and run nothing that is written into the page.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

#: What a browser may do with a file of the page; sent with every one. The camera is asked for by a button.
HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": (
            "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
            "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
            "require-trusted-types-for 'script'"
        ),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-cache",
    }
)

_FOLDER = Path(__file__).parent / "static"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".jpg": "image/jpeg",
}


@dataclass(frozen=True)
class PageFile:
    """A file of the page.

    Attributes:
        body: Its bytes.
        media_type: Value of its Content-Type header.
        etag: Value of its ETag header, which follows from the bytes.
    """

    body: bytes
    media_type: str
    etag: str


def page_file(path: str) -> PageFile | None:
    """Returns the file of the page that an address stands for.

    Args:
        path: Path of the address: "/" for the page itself, "/page/app.js" and so on for what it loads.

    Returns:
        The file; None where the page has none there.
    """
    return _files().get(path)


def page_paths() -> tuple[str, ...]:
    """Returns the paths of all files of the page, "/" first."""
    return tuple(_files())


@cache
def _files() -> Mapping[str, PageFile]:
    # Read once and found by its name: no path of a request ever reaches the file system.
    found = {f"/page/{path.name}": _read(path) for path in sorted(_FOLDER.iterdir()) if path.suffix in _TYPES}
    return {"/": found.pop("/page/index.html"), **found}


def _read(path: Path) -> PageFile:
    body = path.read_bytes()
    return PageFile(body, _TYPES[path.suffix], f'"{hashlib.sha256(body).hexdigest()[:32]}"')
