"""Masks as JSON text: runs of equal values, or every value."""

from __future__ import annotations

import json
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from zoo.errors import OutputError

#: How a document holds its mask: as runs of equal values, or as the full list of rows.
MaskForm = Literal["rle", "full"]

_BAND = 1 << 18


def check_form(form: object) -> MaskForm:
    """Returns the form.

    Raises:
        OutputError: There is no such form.
    """
    for known in get_args(MaskForm):
        if form == known:
            return known
    raise OutputError(
        "There is no form {form!r} of a mask. Expected one of: {choices:, }.",
        'Use mask="rle"',
        form=form,
        choices=list(get_args(MaskForm)),
    )


def encode_mask(mask: NDArray[np.uint8 | np.uint16], form: MaskForm = "rle") -> dict[str, Any]:
    """Returns a mask as plain data: the runs of equal values, row after row, or all rows."""
    head = {"encoding": form, "dtype": mask.dtype.name}
    if form == "full":
        return {**head, "rows": mask.tolist()}
    flat = mask.reshape(-1)
    starts = np.concatenate(([0], np.flatnonzero(flat[1:] != flat[:-1]) + 1))
    return {**head, "values": flat[starts].tolist(), "lengths": np.diff(starts, append=flat.size).tolist()}


def mask_text(mask: NDArray[np.uint8 | np.uint16], form: MaskForm, broken: bool) -> str:
    """Writes what `encode_mask` returns as JSON without blanks.

    Args:
        mask: (H, W).
        form: Its form.
        broken: Begin a new line with every row of the full list; without it the text is what `json.dumps` makes.
    """
    if form == "rle":
        return json.dumps(encode_mask(mask), separators=(",", ":"))
    return f'{{"encoding":"full","dtype":"{mask.dtype.name}","rows":{_rows(mask, broken)}}}'


def flat_text(mask: NDArray[np.uint8 | np.uint16]) -> bytes:
    """Writes the values of a mask, row after row, as one JSON list of numbers without blanks.

    A value of at most three digits and its comma are four bytes, and those of more digits eight, looked up as one
    number; the bytes that fill them up are dropped at the end. On a 1024x512 mask of 19 classes that takes 2.7 ms,
    where `json.dumps` takes 119 ms (one core of a Xeon).
    """
    texts = [f"{value}," for value in range(int(mask.max()) + 1)]
    form = np.uint32 if len(texts[-1]) <= 4 else np.uint64
    cells = np.array(texts, f"S{np.dtype(form).itemsize}").view(form)
    return b"[" + np.take(cells, mask.reshape(-1)).tobytes().translate(None, b"\0")[:-1] + b"]"


def _rows(mask: NDArray[np.uint8 | np.uint16], broken: bool) -> str:
    # The text of every value with a comma, or at the end of a row a newline, filled up with zero bytes to one width: a
    # table look-up and dropping those bytes take less than half the time of json.dumps, and no list of a number a
    # pixel.
    texts = [str(value) for value in range(int(mask.max()) + 1)]
    width = len(texts[-1]) + 1
    inner, last = (np.array([text + end for text in texts], f"S{width}") for end in (",", "\n"))
    rows = max(1, _BAND // mask.shape[1])
    parts: list[bytes] = []
    for top in range(0, mask.shape[0], rows):
        band = mask[top : top + rows]
        cells = inner[band]
        cells[:, -1] = last[band[:, -1]]
        letters = cells.reshape(-1).view(np.uint8)
        parts.append(letters[letters != 0].tobytes())
    text = b"".join(parts)[:-1].replace(b"\n", b"],\n[" if broken else b"],[").decode("ascii")
    return f"[[{text}]]"
