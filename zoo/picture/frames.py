"""Picture files that hold several pictures: animations, and TIFF with its pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from zoo.contract.spec import ValueRange
from zoo.errors import DecodeError
from zoo.message import Message, joined_notes
from zoo.picture.image import count_frames, open_picture
from zoo.picture.opening import check_size, undecodable
from zoo.picture.rgb import Picture, to_rgb


def picture_frames(
    file: BinaryIO, name: str, max_pixels: int, value_range: ValueRange
) -> Iterator[Picture | DecodeError]:
    """Decodes all frames or pages of a picture file, one after the other.

    Args:
        file: The file, which must stay open meanwhile.
        name: What error messages call it.
        max_pixels: Frames with more pixels are refused before they are decoded.
        value_range: As for `read_image`.

    Yields:
        Each frame, or the error in its place. Behind a damaged page of a TIFF come the others; other formats build
        each frame upon those before it, so a damaged one is the last.

    Raises:
        DecodeError: It is not a picture of an accepted format, or damaged so that its frames cannot be counted.
    """
    with open_picture(file, name, max_pixels) as picture:
        yield from frames_of(picture, _count(file, picture, name, max_pixels), name, max_pixels, value_range)


def number_of_frames(file: BinaryIO, name: str, max_pixels: int) -> int:
    """Returns how many frames or pages a picture file holds, without decoding any.

    Raises:
        DecodeError: It is not a picture of an accepted format, or damaged so that nobody can tell.
    """
    with open_picture(file, name, max_pixels) as picture:
        return _count(file, picture, name, max_pixels)


def frames_of(
    picture: Image.Image, count: int, name: str, max_pixels: int, value_range: ValueRange
) -> Iterator[Picture | DecodeError]:
    """Decodes the frames of an opened picture as `picture_frames` does."""
    for number in range(1, count + 1):
        frame = Message("{name} (frame {number} of {count})", name=name, number=number, count=count)
        try:
            picture.seek(number - 1)
            if isinstance(picture, TiffImageFile) and picture.mode not in ("P", "PA"):
                # Pillow 11.0 colours grey pages with the palette of a page it has seen.
                picture.palette = None
            check_size(picture.height, picture.width, frame, max_pixels)
            decoded = to_rgb(picture, frame, value_range)
            place = Message("frame {number} of {count}", number=number, count=count)
            decoded = decoded._replace(note=joined_notes(place, decoded.note))
        except Exception as error:
            decoded = undecodable(frame, error)
        yield decoded
        if isinstance(decoded, DecodeError) and not isinstance(picture, TiffImageFile):
            return


def _count(file: BinaryIO, picture: Image.Image, name: str, max_pixels: int) -> int:
    try:
        return count_frames(file, picture, name, max_pixels)
    except DecodeError:
        raise
    except Exception as error:
        raise undecodable(name, error) from error
