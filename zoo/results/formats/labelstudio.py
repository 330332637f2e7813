"""Label Studio: tasks with predictions for its brush."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zoo.results.classes import class_names, classes_in
from zoo.results.encode import encode_document
from zoo.results.formats.runs import runs_by_value
from zoo.results.formats.sources import Pictures

if TYPE_CHECKING:
    from zoo.results.result import Result

# Bits of the four lengths a block can have; a block of n values says n - 1.
_LENGTH_BITS = (3, 4, 8, 16)
_VALUE_BITS = 8
#: Each pixel is four bytes, red, green, blue and alpha, all 0 or all 255.
_BYTES_OF_PIXEL = 4


def to_labelstudio(
    results: Result | Iterable[Result], *, from_name: str = "tag", to_name: str = "image"
) -> list[dict[str, Any]]:
    """Makes tasks to be imported into Label Studio, with a prediction each: a brush region a class.

    Label Studio shows a picture it can reach under the uri; of files on its machine it asks for its local storage.
    Pixels without a class have no region.

    Args:
        results: Results of one label set; of an iterator each is let go before the next is taken.
        from_name: Name of the `BrushLabels` tag of the project.
        to_name: Name of its `Image` tag, whose value is "$image".

    Returns:
        A task a picture. "meta" is zoo's, for telling its own files from others.

    Raises:
        OutputError: There is no result, or the results have different classes.
    """
    pictures = Pictures("zoo.labelstudio/1", results)
    tasks: list[dict[str, Any]] = []
    for result in pictures:
        height, width = result.mask.shape
        areas = {area.value: area.score for area in classes_in(result.mask, result.labels, result.scores)}
        regions: list[dict[str, Any]] = []
        for value, runs in runs_by_value(result.mask).items():
            if not pictures.is_class(value):
                continue
            score = areas[value]
            regions.append(
                {
                    "id": f"class-{value}",
                    "from_name": from_name,
                    "to_name": to_name,
                    "type": "brushlabels",
                    "original_width": width,
                    "original_height": height,
                    "image_rotation": 0,
                    "value": {
                        "format": "rle",
                        "rle": pack(runs.counts(0, 0, height, width)),
                        "brushlabels": class_names(result.labels, [value]),
                    },
                    **({} if score is None else {"score": score}),
                }
            )
        tasks.append(
            {
                "meta": {},
                "data": {"image": result.uri},
                "predictions": [{"model_version": result.model, "result": regions}],
            }
        )
    for task in tasks:
        task["meta"] = pictures.mark().fields()
    return tasks


def encode(results: Iterable[Result], path: Path, from_name: str = "tag", to_name: str = "image") -> bytes:
    """Encodes them as a file; the options are those of `to_labelstudio`."""
    return encode_document(to_labelstudio(results, from_name=from_name, to_name=to_name))


def pack(counts: NDArray[np.int64]) -> list[int]:
    """Packs lengths of alternating runs of other and own pixels as Label Studio's brush has them.

    A stream of bits, most significant first: 32 of the number of values, 5 of their bits less 1, four times 4 of the
    bits of the four kinds of lengths less 1. Then blocks: a bit that says "one value repeated", 2 of the kind of
    length, the length less 1, the value. Zeros fill the last byte.

    Args:
        counts: Pixels of each run, the first of other pixels, which may be 0.

    Returns:
        Bytes as numbers.
    """
    values = np.where(np.arange(counts.size) % 2, 255, 0)
    lengths = counts * _BYTES_OF_PIXEL
    # Runs that are longer than a block are cut; the first may be none at all.
    longest = 1 << _LENGTH_BITS[-1]
    pieces = -(-lengths // longest)
    block = np.full(int(pieces.sum()), longest)
    ends = np.cumsum(pieces)
    filled = pieces > 0
    block[ends[filled] - 1] = lengths[filled] - (pieces[filled] - 1) * longest
    kind = np.searchsorted(np.array([1 << bits for bits in _LENGTH_BITS]), block)
    length_bits = np.array(_LENGTH_BITS)[kind]
    code = (((0b100 | kind) << length_bits | (block - 1)) << _VALUE_BITS) | np.repeat(values, pieces)
    head = [(int(lengths.sum()), 32), (_VALUE_BITS - 1, 5), *((bits - 1, 4) for bits in _LENGTH_BITS)]
    numbers = np.concatenate((np.array([number for number, _ in head]), code))
    sizes = np.concatenate((np.array([size for _, size in head]), 3 + length_bits + _VALUE_BITS))
    # Bit j of a number from its left, for those that it has.
    shift = sizes[:, None] - 1 - np.arange(int(sizes.max()))
    bits = (numbers[:, None] >> np.maximum(shift, 0)) & 1
    return np.packbits(bits[shift >= 0].astype(np.uint8)).tolist()
