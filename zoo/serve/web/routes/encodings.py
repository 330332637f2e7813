"""Which forms a client takes, and in which it sends its body."""

from __future__ import annotations

from fastapi import Request

from zoo.serve.refusal import refusal_of

_KNOWN = ("gzip", "deflate")


def refuse_encoding(request: Request) -> None:
    """Refuses a body that is compressed.

    Raises:
        RefusedError: It is.
    """
    if encoding := _encoding(request):
        raise refusal_of(
            415, "The body is encoded as {encoding!r:.40}. None was expected.", "Send it as it is.", encoding=encoding
        )


def known_encoding(request: Request) -> str:
    """Returns how a body is compressed; empty for not.

    Raises:
        RefusedError: In a way that is not known.
    """
    encoding = _encoding(request)
    if encoding not in ("", *_KNOWN):
        raise refusal_of(
            415,
            "The body is encoded as {encoding!r:.40}. Expected one of: {choices:, }.",
            "Send it as it is.",
            encoding=encoding,
            choices=list(_KNOWN),
        )
    return encoding


def _encoding(request: Request) -> str:
    encoding = request.headers.get("content-encoding", "").strip().lower()
    return "" if encoding == "identity" else encoding


def accepted(request: Request, forms: dict[str, str]) -> str:
    """Returns the form that a client likes best, the first where it does not say.

    Args:
        request: The request.
        forms: Media type and the form that it means.

    Raises:
        RefusedError: It takes none of them.
    """
    header = request.headers.get("accept", "*/*")[:1000]
    ranges = [_range(part) for part in header.split(",")]
    best, form = 0.0, ""
    for media_type, name in forms.items():
        # The range that says it most exactly decides.
        fitting = [(exact, weight) for kind, exact, weight in ranges if _fits(media_type, kind)]
        if fitting and max(fitting)[1] > best:
            best, form = max(fitting)[1], name
    if not form:
        raise refusal_of(
            406,
            "None of the media types in Accept is one of an answer. Expected one of: {choices:, }.",
            "Leave it out for the label map as a PNG.",
            choices=list(forms),
        )
    return form


def _range(part: str) -> tuple[str, int, float]:
    kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
    weight = next((piece[2:] for piece in parameters if piece.startswith("q=")), "1")
    try:
        return kind, 3 - kind.count("*"), float(weight)
    except ValueError:
        return kind, 3 - kind.count("*"), 0.0


def _fits(media_type: str, kind: str) -> bool:
    return kind in ("*/*", "*", media_type) or (kind.endswith("/*") and media_type.startswith(kind[:-1]))
