"""Files that hold several pictures: animations, pages of TIFF and PDF."""

from __future__ import annotations

import io
import logging
import struct
import sys
import tracemalloc
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageSequence, TiffImagePlugin

from zoo.contract.labels import LabelSet
from zoo.errors import DecodeError, SourceError
from zoo.picture import pdf
from zoo.picture.sources import Input, SourceOptions, inputs
from zoo.results import Result

ALL = SourceOptions(frames="all")
COUNT = 5
KINDS = ("GIF", "PNG", "WEBP", "TIFF")


def frame(number: int, height: int = 24, width: int = 32) -> NDArray[np.uint8]:
    """A grey ramp with a square that moves; few colours, so that GIF keeps them."""
    image = np.repeat((np.arange(width, dtype=np.uint8) // 4 * 16)[None, :, None], height, axis=0).repeat(3, axis=2)
    image[4:9, 3 * number + 1 : 3 * number + 6] = (255, 40 * number, 0)
    return image


def several(kind: str, images: list[NDArray[np.uint8]] | None = None, **options: object) -> bytes:
    pictures = [Image.fromarray(image) for image in images or map(frame, range(COUNT))]
    if kind == "WEBP":
        options = {"lossless": True, **options}
    file = io.BytesIO()
    pictures[0].save(file, kind, save_all=True, append_images=pictures[1:], **options)
    return file.getvalue()


def message_of(item: Input) -> str:
    with pytest.raises(SourceError) as caught:
        item.read()
    assert str(caught.value).count("\n") == 1
    return caught.value.message


def outcomes(source: object, options: SourceOptions = ALL) -> Iterator[NDArray[np.uint8] | SourceError]:
    for item in inputs(source, options):
        try:
            yield item.read()
        except SourceError as error:
            yield error


@pytest.mark.parametrize("kind", KINDS)
def test_of_several_frames_the_first_is_taken_and_the_note_says_so_or_all_are(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "clip.any"
    path.write_bytes(several(kind))
    (item,) = inputs(path)
    with caplog.at_level(logging.INFO, "zoo"):
        assert np.array_equal(item.read(), frame(0))
    assert (item.name, item.uri, item.note) == ("clip", str(path), f"first of {COUNT} frames")
    assert caplog.messages == [f"{path}: the first of {COUNT} frames is taken"]
    items = list(inputs([path, {"img": path.read_bytes()}, frame(0)], ALL))
    for number, item in enumerate(items[:COUNT]):
        assert np.array_equal(item.read(), frame(number))
        assert (item.name, item.uri) == (f"clip_{number + 1:04d}", f"{path}#frame={number + 1}")
        assert item.note == f"frame {number + 1} of {COUNT}"
        assert item.identify(item.read()) == item.uri
    assert [item.name for item in items[COUNT:]] == [f"bytes_0006_{n:04d}" for n in range(1, COUNT + 1)] + [
        "array_0011"
    ]
    assert len({item.uri for item in items}) == len(items)


def test_frames_are_saved_apart_and_a_second_run_replaces_its_own_files_only(
    tmp_path: Path, seven_labels: LabelSet
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "clip.gif").write_bytes(several("GIF"))
    Image.fromarray(frame(0)).save(tmp_path / "in" / "clip_0001.png")
    Image.fromarray(frame(0)).save(tmp_path / "in" / "clip.gif#frame=1", "PNG")

    def run() -> list[str]:
        names = []
        for item in inputs([tmp_path / "in", several("GIF"), frame(1), frame(2)], ALL):
            image = item.read()
            mask = np.zeros(image.shape[:2], np.uint8)
            result = Result(mask, seven_labels, image, item.name, item.identify(image), "m", "cpu", "e", {})
            names.append(result.save_to_img(tmp_path / "out", "mask").name)
        return names

    first = run()
    assert len(first) == len(set(first)) == COUNT + 2 + COUNT + 2
    assert first[:2] == ["clip_0001_mask.png", "clip_0002_mask.png"]
    assert run() == first
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(first)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF", "JPEG", "BMP", "PPM"])
def test_a_picture_alone_in_its_file_stays_one_picture(kind: str) -> None:
    file = io.BytesIO()
    Image.fromarray(frame(1)).save(file, kind)
    (first,), (whole,) = inputs(file.getvalue()), inputs(file.getvalue(), ALL)
    assert (whole.name, whole.uri) == (first.name, first.uri) == ("bytes_0001", "bytes_0001")
    assert np.array_equal(whole.read(), first.read())
    assert whole.note == first.note == ""


def test_pages_of_a_tiff_may_differ_in_size_mode_and_orientation() -> None:
    upside_down = Image.Exif()
    upside_down[0x0112] = 3
    grey, palette = Image.fromarray(frame(0, 9, 7)).convert("L"), Image.fromarray(frame(1)).quantize(16)
    wide = Image.fromarray((frame(2)[:, :, 0].astype(np.uint16)) * 257)
    file = io.BytesIO()
    with TiffImagePlugin.AppendingTiffWriter(file) as writer:
        for page in (grey, Image.fromarray(frame(3)[::-1, ::-1]), palette, wide, grey):
            options = {"exif": upside_down} if page.mode == "RGB" else {}
            page.save(writer, "TIFF", **options)
            writer.newFrame()
    twins = [np.array(grey.convert("RGB")), frame(3), np.array(palette.convert("RGB")), frame(2)[:, :, :1].repeat(3, 2)]
    items = inputs(file.getvalue(), ALL)
    assert [np.array_equal(item.read(), twin) for item, twin in zip(items, [*twins, twins[0]], strict=True)] == [
        True
    ] * 5


@pytest.mark.parametrize("kind", KINDS)
def test_of_a_cut_file_every_frame_is_right_or_an_error_and_none_is_lost_in_silence(kind: str) -> None:
    data = several(kind)
    places = {len(data) * part // 24 for part in range(24)} | set(range(len(data) - 9, len(data)))
    broken = 0
    for place in places:
        read = list(outcomes(data[:place]))
        images = [image for image in read if not isinstance(image, SourceError)]
        broken += len(images) < len(read)
        assert len(images) == COUNT or len(images) < len(read), place
        if kind != "TIFF":
            # Pages are independent; those behind a damaged one are read.
            assert all(isinstance(error, DecodeError) for error in read[len(images) :])
        for image in images:
            assert any(np.array_equal(image, frame(number)) for number in range(COUNT)), place
    assert broken >= 20


def test_behind_a_damaged_page_of_a_tiff_come_the_others() -> None:
    data = several("TIFF", compression="tiff_deflate")
    place = data.index(b"x\x9c", data.index(b"x\x9c") + 2)
    read = list(outcomes(data[:place] + b"\0\0" + data[place + 2 :]))
    assert [isinstance(image, SourceError) for image in read] == [False, True, False, False, False]
    assert "bytes_0001 (frame 2 of 5) cannot be decoded" in str(read[1])
    assert np.array_equal(read[4], frame(4))


def test_a_damaged_frame_of_an_animation_is_the_last() -> None:
    data = several("GIF")
    third = [place for place in range(len(data)) if data.startswith(b"\0,", place)][2] + 1
    flags = data[third + 9]
    pixels = third + 10 + (3 << (flags & 7) + 1 if flags & 0x80 else 0) + 2
    read = list(outcomes(data[:pixels] + b"\xff" * 9 + data[pixels + 9 :]))
    assert [isinstance(image, SourceError) for image in read] == [False, False, True]
    assert "bytes_0001 (frame 3 of 5) cannot be decoded" in str(read[2])


@pytest.mark.parametrize("pixels", [b"\xff" * 40, zlib.compress(b""), zlib.compress(b"\0" * 50)])
@pytest.mark.parametrize("frames", ["first", "all"])
def test_an_animated_png_is_whole_or_refused(pixels: bytes, frames: str) -> None:
    data = several("PNG")
    place = data.index(b"fdAT", data.index(b"fdAT") + 4)
    (length,) = struct.unpack(">I", data[place - 4 : place])
    chunk = data[place : place + 8] + pixels
    chunk = struct.pack(">I", len(pixels) + 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    (item,) = inputs(data[: place - 4] + chunk + data[place + length + 8 :], SourceOptions(frames=frames))
    assert "bytes_0001 cannot be decoded" in message_of(item)


def test_a_damaged_rest_of_an_animation_does_not_cost_the_first_frame() -> None:
    (item,) = inputs(several("GIF")[:-1])
    assert np.array_equal(item.read(), frame(0))
    assert item.note == "first frame of a damaged file"


@pytest.mark.parametrize("kind", KINDS)
def test_frames_over_the_limit_are_refused_before_they_are_decoded(kind: str) -> None:
    data = several(kind, [frame(0), frame(1, 40, 50)] if kind == "TIFF" else None)
    limit = SourceOptions(frames="all", pixel_limit=24 * 32)
    read = list(outcomes(data, limit))
    if kind == "TIFF":
        assert np.array_equal(read[0], frame(0))
        assert "(frame 2 of 2) has 2000 pixels (40x50). At most 768" in str(read[1])
    else:
        assert len(read) == COUNT
        (error, *_) = outcomes(data, SourceOptions(frames="all", pixel_limit=24 * 32 - 1))
        assert "has 768 pixels (24x32). At most 767" in str(error)


def test_a_later_frame_of_a_gif_that_is_larger_than_its_canvas_is_checked_too() -> None:
    data = several("GIF")
    place = data.rindex(b"\0,") + 2
    big = data[: place + 4] + b"\x30\x75\x30\x75" + data[place + 8 :]
    (item,) = inputs(big, ALL)
    assert "has 900" in message_of(item)
    (item,) = inputs(big)
    assert np.array_equal(item.read(), frame(0))


def test_no_more_than_one_decoded_frame_is_held_for_an_input() -> None:
    images = [np.full((500, 600, 3), value, np.uint8) for value in range(30)]
    data = several("TIFF", images, compression="tiff_deflate")
    del images
    tracemalloc.start()
    for value, item in enumerate(inputs(data, ALL)):
        assert item.read()[0, 0, 0] == value
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 500 * 600 * 3


def test_a_pil_image_is_its_present_frame_or_all_of_them_and_is_left_at_it() -> None:
    for kind in KINDS:
        with Image.open(io.BytesIO(several(kind))) as picture:
            if kind != "PNG":
                picture.seek(2)
            present = picture.tell()
            (item,) = inputs(picture)
            assert np.array_equal(item.read(), frame(present))
            items = list(inputs([picture], ALL))
            assert picture.tell() == present
            assert np.array_equal(np.array(picture.convert("RGB")), frame(present))
            assert [item.uri for item in items] == [f"image_0001#frame={number}" for number in range(1, COUNT + 1)]
            assert all(np.array_equal(item.read(), frame(number)) for number, item in enumerate(items))
            sequence = list(inputs(ImageSequence.Iterator(picture)))
            assert all(np.array_equal(item.read(), frame(number)) for number, item in enumerate(sequence))
    with Image.open(io.BytesIO(several("PNG"))) as picture:
        (item,) = inputs(picture, SourceOptions(pixel_limit=9))
        assert "At most 9" in message_of(item)
    (item,) = inputs(Image.fromarray(frame(0)), SourceOptions(pixel_limit=9))
    assert np.array_equal(item.read(), frame(0))


# PDF


def document(*pages: tuple[bytes, bytes], extra: bytes = b"") -> bytes:
    """Writes a PDF; each page is a box and what is drawn on it."""
    kids = b" ".join(b"%d 0 R" % (3 + 2 * number) for number in range(len(pages)))
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(pages))]
    for number, (box, drawing) in enumerate(pages):
        page = b"<< /Type /Page /Parent 2 0 R /MediaBox [%s] /Contents %d 0 R %s >>" % (box, 4 + 2 * number, extra)
        objects += [page, b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawing), drawing)]
    data, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    table = b"xref\n0 %d\n0000000000 65535 f \n%s" % (size, table)
    return data + table + b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (size, len(data))


RED = b"1 0 0 rg 0 0 36 36 re f"
BLUE = b"0 0 1 rg 36 0 36 36 re f"
TWO_PAGES = document((b"0 0 72 72", RED), (b"0 0 144 72", BLUE))


def test_every_page_of_a_pdf_document_is_an_input_at_150_dots_an_inch_on_white(tmp_path: Path) -> None:
    (tmp_path / "plan.png").write_bytes(b"\xef\xbb\xbf" + TWO_PAGES)
    first, second = inputs(tmp_path)
    assert (first.name, first.uri) == ("plan_0001", f"{tmp_path}/plan.png#page=1")
    assert (second.name, second.uri) == ("plan_0002", f"{tmp_path}/plan.png#page=2")
    image = second.read()
    assert second.note == "page 2 of 2"
    assert (image.shape, image.dtype, image.flags.c_contiguous) == ((150, 300, 3), np.uint8, True)
    assert (image[80:, 80:145] == (0, 0, 255)).all()
    assert (image[:70] == 255).all()
    expected = np.full((150, 150, 3), 255, np.uint8)
    expected[75:, :75] = (255, 0, 0)
    assert np.array_equal(first.read(), expected)
    turned = document((b"0 0 72 36", RED), extra=b"/Rotate 90")
    assert [item.read().shape for item in inputs(io.BytesIO(turned))] == [(150, 75, 3)]


def test_a_pdf_that_pillow_wrote_gives_back_its_picture() -> None:
    image = np.kron(np.array([[0, 60], [180, 240]], np.uint8)[:, :, None], np.ones((75, 150, 3), np.uint8))
    data = several("PDF", [image, image[::-1]], resolution=pdf.DPI, quality=95)
    for item, expected in zip(inputs(data), (image, image[::-1]), strict=True):
        assert np.abs(item.read().astype(int) - expected).max() <= 3


@pytest.mark.parametrize(
    ("data", "fact"),
    [
        (TWO_PAGES[: len(TWO_PAGES) // 2], None),
        (b"%PDF-1.7\n1 0 obj\n", "cannot be decoded: Failed to load document"),
        (b"%PDF-", "cannot be decoded: Failed to load document"),
        (
            document((b"0 0 14400 14400", RED)),
            r"\(page 1 of 1\) has 900000000 pixels \(30000x30000\)\. At most 89000000",
        ),
        (document((b"0 0 72 72", RED)).replace(b"/Count 1", b"/Count 9"), None),
    ],
)
def test_damaged_or_huge_documents_are_decode_errors_or_their_pages(data: bytes, fact: str | None) -> None:
    read = list(outcomes(data))
    assert read
    errors = [error for error in read if isinstance(error, SourceError)]
    assert all(type(error) is DecodeError for error in errors)
    if fact is not None:
        with pytest.raises(DecodeError, match=f"bytes_0001 {fact}"):
            raise errors[0]


def test_a_document_cut_anywhere_gives_its_pages_or_errors() -> None:
    whole = [item.read() for item in inputs(TWO_PAGES)]
    for place in range(0, len(TWO_PAGES), 23):
        for image in outcomes(TWO_PAGES[:place]):
            known = isinstance(image, DecodeError) or any(np.array_equal(image, page) for page in whole)
            # A page whose drawing is gone is blank in every viewer.
            assert known or (image == 255).all(), place


def test_a_document_with_a_password_is_an_error_that_says_so() -> None:
    # Encryption entries no password opens.
    locked = TWO_PAGES.replace(
        b"/Root 1 0 R",
        b"/Root 1 0 R /ID [<00> <00>] /Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <%s> /U <%s> >>"
        % (b"ab" * 32, b"cd" * 32),
    )
    (item,) = inputs(locked)
    assert "bytes_0001 is a PDF document with a password" in message_of(item)


def test_a_document_with_more_pages_than_accepted_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "MAX_PAGES", 1)
    (item,) = inputs(TWO_PAGES)
    assert "bytes_0001 has 2 pages. At most 1 are accepted" in message_of(item)


def test_without_pypdfium2_the_error_names_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pypdfium2", None)
    (tmp_path / "a.pdf").write_bytes(TWO_PAGES)
    Image.fromarray(frame(0)).save(tmp_path / "b.png")
    document, picture = inputs(tmp_path)
    with pytest.raises(SourceError, match=r"a\.pdf is a PDF document, and pypdfium2 cannot be imported") as caught:
        document.read()
    assert caught.value.hint == "Run: pip install pypdfium2"
    assert np.array_equal(picture.read(), frame(0))


def test_pages_drawn_in_many_threads_are_those_drawn_in_one(tmp_path: Path) -> None:
    path = tmp_path / "many.pdf"
    path.write_bytes(document(*((b"0 0 72 72", b"%d 0 0 rg 0 0 %d 36 re f" % (n % 2, 5 * n)) for n in range(12))))
    items = list(inputs(path))
    expected = [item.read() for item in items]
    with ThreadPoolExecutor(8) as pool:
        images = list(pool.map(lambda item: item.read(), items * 3))
    assert all(np.array_equal(image, twin) for image, twin in zip(images, expected * 3, strict=True))


FILES = {**{kind: several(kind) for kind in KINDS}, "PDF": TWO_PAGES, "printed PDF": several("PDF")}


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(
    kind=st.sampled_from(list(FILES)),
    edits=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=6),
    cut=st.floats(0.1, 1),
)
@pytest.mark.filterwarnings("ignore")
def test_no_change_of_bytes_raises_anything_but_a_source_error(
    kind: str, edits: list[tuple[float, int]], cut: float
) -> None:
    data = bytearray(FILES[kind])
    for place, value in edits:
        data[int(place * len(data))] = value
    for image in outcomes(bytes(data[: int(cut * len(data))]), SourceOptions(frames="all", pixel_limit=1_000_000)):
        assert isinstance(image, SourceError) or (image.dtype == np.uint8 and image.shape[2:] == (3,))
