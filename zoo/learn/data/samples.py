"""Labelled pictures: an image and its mask."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo.contract.spec import ValueRange
from zoo.errors import DatasetError
from zoo.learn.data.masks import read_mask
from zoo.message import Message
from zoo.picture.image import read_image


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled picture on disk: paths of the image and of its single-channel mask."""

    image: Path
    mask: Path

    def load(self, value_range: ValueRange = None) -> tuple[NDArray[np.uint8], NDArray[np.uint8 | np.uint16]]:
        """Reads both files.

        Args:
            value_range: Which values of an image of more than 8 bits a channel become black and white, as for
                `Model.predict`.

        Returns:
            The image (H, W, 3) RGB uint8 and the mask (H, W) of class values, uint8 if they fit.

        Raises:
            DatasetError: The files differ in size or the mask is none.
            DecodeError: The image is not a readable picture.
        """
        image = read_image(self.image, value_range=value_range)
        mask = read_mask(self.mask)
        self.check_sizes(image, mask)
        return image, mask

    def check_sizes(self, image: NDArray[np.uint8], mask: NDArray[np.uint8 | np.uint16]) -> None:
        """Makes sure that the mask (H, W) is that of the image (H, W, 3).

        Raises:
            DatasetError: The files differ in size.
        """
        if image.shape[:2] == mask.shape:
            return
        hint = Message("Annotate the picture again at its own size, or take the line out of the list file.")
        if image.shape[:2] == mask.shape[::-1]:
            hint = Message(
                "They differ by a quarter turn: an EXIF orientation turns the picture or the mask, and the other has "
                "none. Save both as they are seen, without one."
            )
        raise DatasetError(
            "{image} is {height}x{width} but its mask {mask} is {mask_height}x{mask_width}. Both must have the "
            "same height and width.",
            hint,
            image=self.image,
            height=image.shape[0],
            width=image.shape[1],
            mask=self.mask,
            mask_height=mask.shape[0],
            mask_width=mask.shape[1],
        )
