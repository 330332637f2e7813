"""Results as a video: a picture each, one after the other."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from zoo.base.files import ensure_folder, replacing, user_path
from zoo.contract.format import Mark
from zoo.errors import OutputError
from zoo.results.encode import read_mark, video_end

if TYPE_CHECKING:
    from zoo.results.result import Result

SUFFIX = ".mp4"
#: Forms that a video can show. A mask's values would not survive it.
KINDS = ("overlay", "side", "color")

_OTHERS = (".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg")

#: Pictures a second where the source is no video.
_RATE = Fraction(25)
_CODECS = ("libx264", "mpeg4")


def is_video(path: Path) -> bool:
    """Says whether a file is called as videos are, of any kind."""
    return path.suffix.lower() in (SUFFIX, *_OTHERS)


def write_movie(
    results: Iterable[Result], save_path: str | os.PathLike[str], kind: str, options: Mapping[str, Any]
) -> Path:
    """Writes results as an MP4 video, as fast as the video they come from, otherwise 25 pictures a second.

    Args:
        results: At least one; each is let go before the next is taken.
        save_path: The file, which is there when all is written and not before. An existing one is replaced only if it
            is an older video of the same source.
        kind: "overlay", "side" or "color".
        options: Arguments of the method of `Result` of this name. There is no legend, whose size changes.

    Returns:
        The file.

    Raises:
        OutputError: The kind is another, a legend is asked for, PyAV is not installed, there is no result, pictures
            have different sizes, or the file cannot be written or is not zoo's.
    """
    if kind not in KINDS:
        raise OutputError(
            "{path} is to be a video, which cannot hold {kind}. Expected one of: {kinds:, }.",
            "Use --save overlay, or another path.",
            path=save_path,
            kind=kind,
            kinds=KINDS,
        )
    if options.get("legend"):
        raise OutputError("A video has no legend, whose size changes with the classes.", "Leave --legend out.")
    path = Path(user_path(save_path))
    ensure_folder(path.parent)
    _refuse_others(path)
    remaining, sources = iter(results), dict[str, None]()
    with replacing(path) as file:
        _encode(file, remaining, kind, {**options, "legend": False}, sources, path)
        mark = Mark.of("zoo.video/1", list(sources))
        file.seek(0, os.SEEK_END)
        file.write(video_end(mark))
        found = read_mark(path)
        if found is not None and found.source != mark.source:
            raise OutputError(
                "{path} exists and holds the results of {owner}. Only older ones of {source} are replaced.",
                "Give another name, or move the file away.",
                path=path,
                owner=found.source,
                source=mark.source,
            )
    return path


def _refuse_others(path: Path) -> None:
    if os.path.lexists(path) and ((mark := read_mark(path)) is None or mark.form != "zoo.video"):
        raise OutputError(
            "{path} exists and is no video that zoo wrote.", "Give another name, or move the file away.", path=path
        )


def _encode(
    file: BinaryIO,
    results: Iterator[Result],
    kind: str,
    options: Mapping[str, Any],
    sources: dict[str, None],
    path: Path,
) -> None:
    try:
        import av
    except ImportError as error:
        raise OutputError(
            "{path} is to be a video, and PyAV, which writes videos, cannot be imported: {reason}.",
            "Run: pip install av",
            path=path,
            reason=error,
        ) from error
    first = next(results, None)
    if first is None:
        raise OutputError("There is no result to be written.", "Give at least one picture.")
    codec = next((name for name in _CODECS if name in av.codecs_available), _CODECS[-1])
    with av.open(file, "w", format="mp4") as container:
        stream: Any = container.add_stream(codec, rate=_rate(first.uri))
        stream.pix_fmt = "yuv420p"
        size = None
        result: Result | None = first
        while result is not None:
            sources[_origin(result.uri)] = None
            picture = _even(getattr(result, kind)(**options))
            if size is None:
                size = stream.height, stream.width = picture.shape[0], picture.shape[1]
            elif size != picture.shape[:2]:
                raise OutputError(
                    "{name} is a picture of another size than those before it. A video has one size.",
                    "Give a folder in place of {path}.",
                    name=result.name,
                    path=path,
                )
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            result = next(results, None)
        container.mux(stream.encode())


def _origin(uri: str) -> str:
    return uri.rpartition("#frame=")[0] or uri


def _rate(uri: str) -> Fraction:
    """Returns the pictures a second of the video that a frame is of."""
    import av

    if "#frame=" not in uri:
        return _RATE
    try:
        with av.open(_origin(uri)) as container:
            return container.streams.video[0].average_rate or _RATE
    except (OSError, IndexError, av.FFmpegError):
        return _RATE


def _even(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Repeats the last row and column of odd sides: the colours of videos have half the size."""
    return np.pad(picture, ((0, picture.shape[0] % 2), (0, picture.shape[1] % 2), (0, 0)), mode="edge")
