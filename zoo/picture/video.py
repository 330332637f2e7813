"""Video files, frame by frame, with PyAV."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from zoo.errors import DecodeError, SourceError
from zoo.message import Message
from zoo.picture.containers import HEAD_BYTES, container_of, missing_bytes
from zoo.picture.opening import HINT_AGAIN, check_size, undecodable
from zoo.picture.rgb import Picture

_EXPECTED = Message("Expected a whole MP4, MOV, Matroska, WebM, AVI or MPEG video.")
_HINT = Message("Play it; if it looks right, convert it: ffmpeg -i IN -c:v libx264 OUT.mp4")


def video_frames(file: BinaryIO, name: str, max_pixels: int) -> Iterator[Picture | SourceError]:
    """Decodes a video, one frame at a time.

    Damage inside is told of where the codec notices it.

    Args:
        file: The file, which must stay open meanwhile.
        name: What error messages call it.
        max_pixels: A video with larger frames is refused before one is decoded.

    Yields:
        Each frame, turned as the file says, with a note such as "frame 12". Frames build upon each other, so an error
        is the last; it also comes where the file was cut, if its container can tell.
    """
    number = 0
    try:
        file.seek(0)
        container = container_of(file.read(HEAD_BYTES))
        missing = missing_bytes(file, container)
        file.seek(0)
        with closing(_frames(file, container, name, max_pixels)) as frames:
            for pixels in frames:
                number += 1
                yield Picture(np.ascontiguousarray(pixels), Message("frame {number}", number=number))
        if not number:
            raise DecodeError("{name} is a video without a frame. {expected}", _HINT, name=name, expected=_EXPECTED)
        if missing:
            fact = Message(
                "{name} breaks off after {number} frames: {missing} of its bytes are missing. {expected}",
                name=name,
                number=number,
                missing=missing,
                expected=_EXPECTED,
            )
            raise DecodeError(fact, HINT_AGAIN)
    except SourceError as error:
        yield error
    except Exception as error:
        yield undecodable(
            Message("{name} (frame {number})", name=name, number=number + 1) if number else name,
            error,
            _EXPECTED,
            _HINT,
        )


def _frames(file: BinaryIO, container: str, name: str, max_pixels: int) -> Generator[NDArray[np.uint8], None, None]:
    try:
        import av
        from av.stream import Disposition
    except ImportError as error:
        fact = Message(
            "{name} is a video, and PyAV, which reads videos, cannot be imported: {reason}.", name=name, reason=error
        )
        raise SourceError(fact, "Run: pip install av") from error
    with av.open(file, format=container) as opened:
        videos = opened.streams.video
        stream = next((video for video in videos if not video.disposition & Disposition.attached_pic), None)
        if stream is None:
            raise DecodeError(
                "{name} holds no pictures, only sound or data. {expected}",
                "Give a video.",
                name=name,
                expected=_EXPECTED,
            )
        check_size(stream.codec_context.height, stream.codec_context.width, name, max_pixels)
        # Left alone, FFmpeg paints over damage it notices; and frames may be larger than the header says.
        stream.codec_context.options = {"err_detect": "crccheck+explode", "max_pixels": str(max_pixels)}
        for frame in opened.decode(stream):
            if frame.is_corrupt:
                raise ValueError(Message("it is damaged"))
            check_size(frame.height, frame.width, name, max_pixels)
            yield np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90))
