"""Video files, frame by frame: with PyAV, with OpenCV where it can be imported, and without either."""

from __future__ import annotations

import functools
import io
import os
import struct
import sys
import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from zoo.errors import DecodeError, SourceError
from zoo.picture.containers import HEAD_BYTES, container_of, missing_bytes
from zoo.picture.sources import SourceOptions, inputs

COUNT = 12
# Container, codec and pixels; FFV1 loses nothing.
FORMATS = {
    "mp4": ("mp4", "libx264", "yuv420p"),
    "mov": ("mov", "mpeg4", "yuv420p"),
    "mkv": ("matroska", "ffv1", "bgr0"),
    "webm": ("webm", "libvpx", "yuv420p"),
    "avi": ("avi", "ffv1", "bgr0"),
    "ts": ("mpegts", "mpeg2video", "yuv420p"),
    "mpg": ("mpeg", "mpeg2video", "yuv420p"),
}


def frame(number: int, height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    """Blocks of eight in plain colours, another corner bright in each."""
    blocks = np.random.default_rng(number).integers(40, 200, (height // 8, width // 8, 3), np.uint8)
    blocks[0, 0] = 255
    return np.kron(blocks, np.ones((8, 8, 1), np.uint8))


@functools.cache
def video(kind: str, turned: int = 0, faststart: bool = False, count: int = COUNT) -> bytes:
    container, codec, pixels = FORMATS[kind]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x")
        options = {"movflags": "faststart"} if faststart else {}
        with av.open(path, "w", format=container, options=options) as out:
            stream = out.add_stream(codec, rate=10, options={"threads": "1"})
            stream.width, stream.height, stream.pix_fmt = 64, 48, pixels
            stream.bit_rate = 4_000_000
            if turned:
                stream.set_display_rotation(turned)
            for number in range(count):
                out.mux(stream.encode(av.VideoFrame.from_ndarray(frame(number), format="rgb24")))
            out.mux(stream.encode())
        return Path(path).read_bytes()


def outcomes(source: object, options: SourceOptions | None = None) -> Iterator[NDArray[np.uint8] | SourceError]:
    for item in inputs(source, options or SourceOptions()):
        try:
            yield item.read()
        except SourceError as error:
            yield error


@pytest.mark.parametrize("kind", FORMATS)
def test_every_frame_of_a_video_is_an_input_in_order(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "clip.txt"
    path.write_bytes(video(kind))
    items = list(inputs([path, {"img": path.read_bytes()}]))
    assert len(items) == 2 * COUNT
    for number, item in enumerate(items):
        image = item.read()
        assert (image.dtype, image.shape, image.flags.c_contiguous) == (np.uint8, (48, 64, 3), True)
        exact = FORMATS[kind][1] == "ffv1"
        assert np.abs(image.astype(int) - frame(number % COUNT)).mean() <= (0 if exact else 12)
    assert [item.name for item in items[:2]] == ["clip_0001", "clip_0002"]
    assert [item.uri for item in items[:2]] == [f"{path}#frame=1", f"{path}#frame=2"]
    assert items[1].note == "frame 2"
    assert items[COUNT].name == f"bytes_{COUNT + 1:04d}_0001"
    assert len({item.uri for item in items}) == 2 * COUNT


@pytest.mark.parametrize("turned", [90, 180, -90])
def test_a_video_is_turned_as_it_says(turned: int) -> None:
    plain, image = next(outcomes(video("mp4"))), next(outcomes(video("mp4", turned)))
    assert np.abs(np.subtract(image, np.rot90(plain, turned // 90), dtype=int)).mean() < 2


def test_frames_are_decoded_one_at_a_time_and_the_file_is_closed_when_the_walk_is(tmp_path: Path) -> None:
    path = tmp_path / "long.mkv"
    path.write_bytes(video("mkv", count=80))
    before = len(os.listdir("/proc/self/fd"))
    walk = inputs([path])
    assert np.array_equal(next(walk).read(), frame(0))
    assert len(os.listdir("/proc/self/fd")) > before
    walk.close()
    assert len(os.listdir("/proc/self/fd")) == before
    tracemalloc.start()
    assert sum(item.read().shape == (48, 64, 3) for item in inputs(path)) == 80
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * 48 * 64 * 3


@pytest.mark.parametrize("kind", ["mp4", "mov", "mkv", "webm", "avi"])
@pytest.mark.parametrize("part", [1, 3, 5, 7, 9])
def test_a_cut_video_ends_in_an_error_and_what_came_before_is_right(kind: str, part: int, tmp_path: Path) -> None:
    data = video(kind, faststart=kind in ("mp4", "mov"))
    path = tmp_path / "cut"
    path.write_bytes(data[: len(data) * part // 10])
    *images, error = outcomes(path)
    assert isinstance(error, DecodeError)
    assert str(path) in str(error)
    assert all(isinstance(image, np.ndarray) for image in images)
    for image, twin in zip(images, outcomes(data), strict=False):
        assert np.abs(np.subtract(image, twin, dtype=int)).mean() < 1
    if images:
        assert f"(frame {len(images) + 1}) cannot be decoded" in str(error) or "breaks off after" in str(error)


def test_missing_bytes_are_counted_from_what_the_container_declares() -> None:
    for kind in ("mp4", "mov", "mkv", "webm", "avi"):
        data = video(kind, faststart=kind in ("mp4", "mov"))
        container = container_of(data[:HEAD_BYTES])
        assert missing_bytes(io.BytesIO(data), container) == 0
        assert missing_bytes(io.BytesIO(data + b"trailing" * 9), container) == 0
        assert missing_bytes(io.BytesIO(data[:-100]), container) == 100
        for place in range(0, 400, 3):
            assert missing_bytes(io.BytesIO(data[: max(8, place)]), container) >= 0
    live = video("mkv")
    place = live.index(b"\x18\x53\x80\x67") + 4
    assert missing_bytes(io.BytesIO(live[:place] + b"\x01" + b"\xff" * 7 + live[place + 8 : -50]), "matroska") == 0


@pytest.mark.parametrize(("kind", "part"), [("mov", 3), ("mov", 5), ("mov", 7), ("mpg", 4), ("mpg", 6), ("ts", 5)])
def test_damage_inside_a_video_is_an_error_where_the_codec_notices_it(kind: str, part: int) -> None:
    data = video(kind)
    place = len(data) * part // 10
    *images, error = outcomes(data[:place] + b"\xff" * 64 + data[place + 64 :])
    assert isinstance(error, DecodeError)
    fact = f"bytes_0001 (frame {len(images) + 1}) cannot be decoded: Invalid data found when processing input. Expected"
    assert fact in error.message
    assert 2 < len(images) < COUNT
    for image, twin in zip(images, outcomes(data), strict=False):
        assert np.array_equal(image, twin)


def test_a_video_over_the_limit_is_refused_before_a_frame_is_decoded() -> None:
    assert len(list(outcomes(video("mp4"), SourceOptions(pixel_limit=48 * 64)))) == COUNT
    (error,) = outcomes(video("mp4"), SourceOptions(pixel_limit=48 * 64 - 1))
    assert "bytes_0001 has 3072 pixels (48x64). At most 3071" in str(error)
    huge = video("avi").replace(struct.pack("<ii", 64, 48), struct.pack("<ii", 15_000, 15_000))
    (error,) = outcomes(huge)
    assert "bytes_0001 has 225000000 pixels (15000x15000)" in str(error)


def sound() -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as out:
        stream = out.add_stream("pcm_s16le", rate=8000)
        samples = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        samples.sample_rate = 8000
        out.mux(stream.encode(samples))
        out.mux(stream.encode())
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "fact"),
    [
        (sound(), "holds no pictures, only sound or data"),
        (video("mp4")[:32], "cannot be decoded"),
        (b"\x1aE\xdf\xa3" + b"\0" * 900, "cannot be decoded"),
        (b"RIFF\x99\0\0\0AVI LIST", "cannot be decoded"),
        (b"\0\0\x01\xba" + b"\xff" * 900, "cannot be decoded"),
        ((b"G" + b"\0" * 187) * 5, "cannot be decoded"),
    ],
)
def test_what_begins_like_a_video_and_holds_no_pictures_is_one_error(data: bytes, fact: str) -> None:
    (item,) = inputs(data)
    assert (item.name, item.uri) == ("bytes_0001", "bytes_0001")
    with pytest.raises(DecodeError, match=f"bytes_0001 {fact}") as caught:
        item.read()
    assert "MP4, MOV, Matroska" in caught.value.message


def test_an_avif_is_a_picture_and_no_video() -> None:
    head = b"\0\0\0\x18ftypavif"
    assert container_of(head) == ""
    (outcome,) = outcomes(head)
    assert "Expected a whole PNG" in str(outcome)


@pytest.mark.parametrize(
    "head",
    [
        b"\0\0\0\x18ftypheic",
        b"\0\0\0\x18ftypM4A ",
        b"the free software",
        b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"G" * 100,
        b"RIFF\0\0\0\0WAVEfmt ",
        b"ID3\x03",
        b"",
    ],
)
def test_sound_other_pictures_text_and_playlists_are_no_videos(head: bytes, tmp_path: Path) -> None:
    assert container_of(head) == ""
    (tmp_path / "a.mp4").write_bytes(head)
    (outcome,) = outcomes(tmp_path)
    assert isinstance(outcome, DecodeError)
    assert "is not a picture" in outcome.message or "is empty" in outcome.message


def test_without_pyav_the_error_names_what_to_install_and_others_are_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    (tmp_path / "a.mp4").write_bytes(video("mp4"))
    Image.fromarray(frame(1)).save(tmp_path / "b.png")
    error, image = outcomes(tmp_path)
    assert type(error) is SourceError
    assert "a.mp4 is a video, and PyAV, which reads videos, cannot be imported" in error.message
    assert error.hint == "Run: pip install av"
    assert np.array_equal(image, frame(1))
