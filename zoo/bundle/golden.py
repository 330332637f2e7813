"""The golden of an export: an input, and what the network itself made of it when it was exported.

Any engine that runs the program anywhere can be held against it, without the network and without paddle.
"""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.errors import BundleError

#: Name of the file beside the program.
FILE = "golden.npz"
# Golden files that zoo writes have 1 MB at most.
_MOST_BYTES = 256 << 20


@dataclass(frozen=True, slots=True, eq=False)
class Golden:
    """An input and its output.

    Attributes:
        batch: (N, C, H, W) float32.
        output: Logits (N, classes, h, w) float32, or labels (N, H, W), as the program returns them.
    """

    batch: NDArray[np.float32]
    output: NDArray[Any]


def write_golden(golden: Golden, path: Path) -> None:
    """Writes a golden; the same one gives the same bytes.

    Raises:
        OSError: It cannot be written.
    """
    with open(path, "wb") as file:
        np.savez_compressed(file, batch=golden.batch, output=golden.output)


def read_golden(path: Path) -> Golden:
    """Reads a golden. No code in it is executed.

    Raises:
        BundleError: It is damaged or something else.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _MOST_BYTES:
                raise ValueError
        with np.load(path, allow_pickle=False) as arrays:
            golden = Golden(arrays["batch"], arrays["output"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise BundleError(
            "{path} is damaged, or no golden: a batch and the output for it were expected.",
            "Export the model again, or install it again.",
            path=path,
        ) from error
    if golden.batch.ndim != 4 or golden.batch.dtype != np.float32 or len(golden.output) != len(golden.batch):
        raise BundleError(
            "{path} holds a batch of shape {shape} and type {dtype} and {count} outputs. (N, C, H, W) float32 and N "
            "outputs were expected.",
            "Export the model again, or install it again.",
            path=path,
            shape=golden.batch.shape,
            dtype=golden.batch.dtype,
            count=len(golden.output),
        )
    return golden
