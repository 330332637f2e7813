"""Segmentation datasets on disk: list files with an image and a mask a line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zoo.errors import DatasetError
from zoo.message import Message
from zoo.picture.image import read_image


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled picture on disk: paths of the image and of its single-channel mask."""

    image: Path
    mask: Path

    def load(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Reads both files.

        Returns:
            The image (H, W, 3) RGB uint8 and the mask (H, W) uint8 of class values.

        Raises:
            DatasetError: The files differ in size or the mask has more than one channel.
            DecodeError: A file is not a readable picture.
        """
        image = read_image(self.image)
        mask = read_mask(self.mask)
        self.check_sizes(image, mask)
        return image, mask

    def check_sizes(self, image: NDArray[np.uint8], mask: NDArray[np.uint8 | np.uint16]) -> None:
        """Makes sure that the mask (H, W) is that of the image (H, W, 3).

        Raises:
            DatasetError: The files differ in size.
        """
        if image.shape[:2] != mask.shape:
            raise DatasetError(
                "{image} is {height}x{width} but its mask {mask} is {mask_height}x{mask_width}. Both must have the "
                "same height and width.",
                "Annotate the picture again at its own size, or take the line out of the list file.",
                image=self.image,
                height=image.shape[0],
                width=image.shape[1],
                mask=self.mask,
                mask_height=mask.shape[0],
                mask_width=mask.shape[1],
            )


def read_mask(path: Path) -> NDArray[np.uint8]:
    """Reads a mask: an 8-bit grey or palette PNG whose pixel values (or palette indices) are class values.

    Returns:
        (H, W) uint8.

    Raises:
        DatasetError: The file is not such a picture.
    """
    try:
        with Image.open(path, formats=("PNG",)) as picture:
            if picture.mode not in ("L", "P"):
                raise DatasetError(
                    "The mask {path} has pixel mode {mode}. A mask is an 8-bit grey or palette PNG.",
                    "Save it with one channel that holds the class value of every pixel.",
                    path=path,
                    mode=picture.mode,
                )
            return np.array(picture, dtype=np.uint8)
    except (OSError, SyntaxError, ValueError) as error:
        raise DatasetError(
            "The mask {path} cannot be read: {reason}. A mask is an 8-bit grey or palette PNG.",
            "Check the path in the list file, or write the mask again.",
            path=path,
            reason=error,
        ) from error


def read_list(list_file: str | Path, root: str | Path | None = None) -> tuple[Sample, ...]:
    """Reads a list file with `image mask` on every line, paths relative to the dataset's root.

    Args:
        list_file: Text file; blank lines are passed over.
        root: Folder the paths are relative to; by default the folder of the list file.

    Returns:
        The samples in the order of the file.

    Raises:
        DatasetError: The file is missing or empty, a line has not two columns, or a named file does not exist. All
            faulty lines are named at once.
    """
    list_file = Path(list_file)
    root = list_file.parent if root is None else Path(root)
    try:
        lines = list_file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(
            "The list file {list_file} cannot be read: {reason}.",
            "Give a UTF-8 text file of `image mask` lines.",
            list_file=list_file,
            reason=error,
        ) from error
    samples: list[Sample] = []
    faults: list[str] = []
    for number, line in enumerate(lines, 1):
        columns = line.split()
        if not columns:
            continue
        if len(columns) != 2:
            faults.append(Message("line {number} has {count} columns", number=number, count=len(columns)))
            continue
        sample = Sample(root / columns[0], root / columns[1])
        faults += [
            Message("line {number}: {path} does not exist", number=number, path=path)
            for path in (sample.image, sample.mask)
            if not path.is_file()
        ]
        samples.append(sample)
    if faults:
        listed = faults[:5] + ([Message("and {count} more", count=len(faults) - 5)] if len(faults) > 5 else [])
        raise DatasetError(
            "The list file {list_file} has {count} faulty entries: {listed:; }.",
            "Every line is an image path and a mask path, relative to the folder of the list file.",
            list_file=list_file,
            count=len(faults),
            listed=listed,
        )
    if not samples:
        raise DatasetError(
            "The list file {list_file} names no picture.", "Write `image mask` on every line.", list_file=list_file
        )
    return tuple(samples)
