"""Large TIFF files: every layout reads as the picture it holds, label maps appear whole or not at all."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import textwrap
from itertools import pairwise

import numpy as np
import pytest
import tifffile
from PIL import Image

from scenes import draw_scene
from support import cells
from zoo.contract.labels import CITYSCAPES
from zoo.contract.spec import Normalize
from zoo.errors import ConfigError, DecodeError, OutputError, SourceError
from zoo.picture.image import read_image
from zoo.predict.arguments import RunOptions
from zoo.predict.plan import make_plan
from zoo.predict.tiff import Progress, open_tiff, segment_tiff, write_labels
from zoo.segment.slide import ArrayRows, window_inputs, window_strips
from zoo.store import find_bundle

PICTURE = draw_scene(2, 150, 211).image


def run(batches):
    return map(cells, batches)


def sliding_plan(bundle, labels=None, **options):
    """A plan of windows, 64x64 every 48x48."""
    return make_plan(bundle, RunOptions(mode="slide", window=(64, 64), stride=(48, 48), labels=labels, **options))


@pytest.fixture(scope="module")
def bundle():
    """A bundle of output stride 8 whose preprocessing keeps the size of the picture."""
    return dataclasses.replace(find_bundle("starter"), preprocess=(Normalize(),))


def pieces(path, *heights):
    """All rows of a file, read in pieces of these heights, in turn."""
    with open_tiff(path) as rows:
        read, start = [], 0
        while start < rows.size[0]:
            stop = min(start + heights[len(read) % len(heights)], rows.size[0])
            read.append(rows.read(start, stop))
            start = stop
        return np.concatenate(read)


STORED = [
    {},
    {"rowsperstrip": 7},
    {"rowsperstrip": 1},
    {"tile": (32, 48)},
    {"tile": (256, 256)},
]


@pytest.mark.parametrize("stored", STORED)
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("compression", [None, "zlib", "lzw", "packbits"])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_every_layout_reads_as_the_picture(tmp_path, stored, planar, compression, byteorder):
    path = tmp_path / "a.tif"
    image = PICTURE.transpose(2, 0, 1) if planar == "separate" else PICTURE
    predictor = 2 if compression in ("zlib", "lzw") else None
    with tifffile.TiffWriter(path, byteorder=byteorder) as writer:
        writer.write(
            image, photometric="rgb", planarconfig=planar, compression=compression, predictor=predictor, **stored
        )
    np.testing.assert_array_equal(pieces(path, 150), PICTURE)
    np.testing.assert_array_equal(pieces(path, 13, 40, 1), PICTURE)


GREY = PICTURE[:, :, 1]
DEEP = PICTURE.astype(np.uint16) * 257 - np.uint16(100) * (PICTURE > 0)
KINDS = {
    "grey": (GREY, "minisblack", np.repeat(GREY[:, :, None], 3, axis=2), {}),
    "inverted": (255 - GREY, "miniswhite", np.repeat(GREY[:, :, None], 3, axis=2), {}),
    "alpha": (np.dstack([PICTURE, GREY]), "rgb", PICTURE, {"extrasamples": ["unassalpha"]}),
    "grey alpha": (
        np.dstack([GREY, GREY]),
        "minisblack",
        np.repeat(GREY[:, :, None], 3, axis=2),
        {"extrasamples": ["unassalpha"]},
    ),
    "16 bit": (DEEP, "rgb", (DEEP >> 8).astype(np.uint8), {}),
    "16 bit grey": (DEEP[:, :, 0], "minisblack", np.repeat((DEEP[:, :, :1] >> 8).astype(np.uint8), 3, axis=2), {}),
    "infrared": (np.dstack([PICTURE, GREY]), "rgb", PICTURE, {"extrasamples": ["unspecified"]}),
}


@pytest.mark.parametrize(
    ("kind", "planar"),
    [
        (kind, planar)
        for kind, (image, *_) in KINDS.items()
        for planar in (["contig"] if image.ndim == 2 else ["contig", "separate"])
    ],
)
@pytest.mark.parametrize("stored", [{"rowsperstrip": 20}, {"tile": (64, 64), "compression": "zlib"}])
@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_every_kind_of_pixel_becomes_rgb(tmp_path, kind, stored, planar, byteorder):
    path = tmp_path / "a.tif"
    image, photometric, expected, options = KINDS[kind]
    if planar == "separate":
        image = image.transpose(2, 0, 1)
    with tifffile.TiffWriter(path, byteorder=byteorder) as writer:
        writer.write(image, photometric=photometric, planarconfig=planar, **stored, **options)
    np.testing.assert_array_equal(pieces(path, 33), expected)
    if kind in ("grey", "inverted", "alpha") and planar == "contig":
        np.testing.assert_array_equal(read_image(path), expected)


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("stored", [{"rowsperstrip": 20}, {"tile": (64, 64), "compression": "zlib"}])
def test_colours_multiplied_by_alpha_are_those_read_image_gives(tmp_path, stored, channels, dtype, planar):
    path = tmp_path / "a.tif"
    alpha = np.tile(np.linspace(0, 255, 211).round().astype(np.uint8), (150, 1))[:, :, None]
    multiplied = (PICTURE[:, :, :channels].astype(int) * alpha / 255).round()
    image = np.dstack([multiplied, alpha]).astype(dtype) * dtype(257 if dtype == np.uint16 else 1)
    tifffile.imwrite(
        path,
        image.transpose(2, 0, 1) if planar == "separate" else image,
        photometric="rgb" if channels == 3 else "minisblack",
        planarconfig=planar,
        extrasamples=["assocalpha"],
        **stored,
    )
    found = pieces(path, 33)
    assert not found[:, 0].any()
    np.testing.assert_array_equal(found[:, -1], np.broadcast_to(PICTURE[:, -1, :channels], (150, 3)))
    # Of thin colours little is left to divide; half covered they are back within the rounding.
    assert np.abs(found.astype(int) - PICTURE[:, :, :channels])[:, 106:].max() <= 2
    try:
        expected = read_image(path)
    except DecodeError:
        assert channels == 1 or planar == "separate"
    else:
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("stored", [{"tile": (64, 64)}, {"rowsperstrip": 48}])
@pytest.mark.parametrize("subsampling", [(1, 1), (2, 2)])
def test_jpeg_tiles_are_close_to_the_picture(tmp_path, stored, subsampling):
    path = tmp_path / "a.tif"
    tifffile.imwrite(
        path,
        PICTURE,
        photometric="rgb",
        compression="jpeg",
        compressionargs={"level": 95},
        subsampling=subsampling,
        **stored,
    )
    assert np.abs(pieces(path, 37).astype(int) - PICTURE).mean() < 3
    np.testing.assert_array_equal(pieces(path, 37), tifffile.imread(path))


def test_a_file_pillow_wrote_reads_as_pillow_reads_it(tmp_path):
    path = tmp_path / "a.tif"
    Image.fromarray(PICTURE).save(path, compression="tiff_lzw")
    np.testing.assert_array_equal(pieces(path, 64), PICTURE)


@pytest.mark.parametrize("said", ["garbage", "-9999", "nan"])
def test_a_value_of_pixels_without_data_that_none_can_have_is_told_once(bundle, tmp_path, caplog, said):
    source = tmp_path / "map.tif"
    write(source, PICTURE, extratags=[(42113, 2, 0, said, True)])
    caplog.clear()
    segment_tiff(source, tmp_path / "labels.tif", run, sliding_plan(bundle))
    assert caplog.messages == [
        f"{source}: pixels without data would have the value {said!r} (GDAL_NODATA), which none can have; all count as "
        "data"
    ]


def test_tiles_a_sparse_file_leaves_out_are_black(tmp_path):
    path = tmp_path / "a.tif"
    tiles = (None if index % 4 == 1 else np.full((64, 64, 3), 9, np.uint8) for index in range(12))
    tifffile.imwrite(
        path, tiles, shape=(150, 211, 3), dtype=np.uint8, photometric="rgb", tile=(64, 64), compression="zlib"
    )
    found = pieces(path, 50)
    assert set(np.unique(found)) == {0, 9}
    assert not found[:, 64:128].any()
    assert found[:, :64].all()
    assert found[:, 128:].all()


def test_of_several_pictures_the_first_is_read(tmp_path):
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path, bigtiff=True) as writer:
        writer.write(PICTURE, photometric="rgb")
        writer.write(PICTURE[:20, :20], photometric="rgb")
    np.testing.assert_array_equal(pieces(path, 64), PICTURE)


def write(path, image=PICTURE, **options):
    tifffile.imwrite(path, image, **{"photometric": "rgb", **options})


REFUSED = {
    "float": (lambda path: write(path, PICTURE.astype(np.float32)), "32 bits"),
    "32 bit": (lambda path: write(path, PICTURE.astype(np.uint32)), "32 bits"),
    "signed": (lambda path: write(path, PICTURE.astype(np.int16)), "sample format 2"),
    "bilevel": (lambda path: write(path, GREY > 99, photometric="minisblack"), "1 bits"),
    "palette": (lambda path: Image.fromarray(PICTURE).quantize(9).save(path), "photometric interpretation 3"),
    "cmyk": (lambda path: Image.fromarray(PICTURE).convert("CMYK").save(path), "photometric interpretation 5"),
    "turned": (lambda path: write(path, extratags=[(274, "H", 1, 6, True)]), "orientation 6"),
    "five bands": (
        lambda path: write(path, np.zeros((9, 9, 5), np.uint8), photometric="minisblack", planarconfig="contig"),
        "5 channels",
    ),
    "inverted grey multiplied by alpha": (
        lambda path: write(path, PICTURE[..., :2], photometric="miniswhite", extrasamples=[1], planarconfig="contig"),
        "inverted grey multiplied",
    ),
    "volume": (
        lambda path: write(path, np.zeros((4, 32, 32, 3), np.uint8), volumetric=True, tile=(16, 16, 16)),
        "volume",
    ),
    "one long strip": (
        lambda path: write(path, np.zeros((9000, 10000, 3), np.uint8), compression="zlib", rowsperstrip=9000),
        "257 MB in one strip",
    ),
    "no TIFF": (lambda path: path.write_bytes(b"<html>not found</html>"), "not a TIFF"),
    "empty": (lambda path: path.write_bytes(b""), "cannot be decoded"),
    "header alone": (lambda path: path.write_bytes(b"II*\0"), "cannot be decoded"),
    "folder": (lambda path: path.mkdir(), "a folder"),
    "pipe": (os.mkfifo, "not a regular file"),
    "missing": (lambda path: None, "does not exist"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_not_read_says_why(tmp_path, kind):
    path = tmp_path / "odd\n.tif"
    make, said = REFUSED[kind]
    make(path)
    with pytest.raises(DecodeError, match=said) as caught, open_tiff(path) as rows:
        rows.read(0, 1)
    assert "odd\\n.tif" in caught.value.message


def test_a_long_uncompressed_strip_is_read_piece_by_piece(tmp_path):
    path = tmp_path / "a.tif"
    image = np.zeros((9000, 10000, 3), np.uint8)
    image[::7] = 5
    write(path, image)
    with open_tiff(path) as rows:
        np.testing.assert_array_equal(rows.read(4000, 4100), image[4000:4100])


@pytest.mark.parametrize("stored", [{"tile": (32, 32)}, {"rowsperstrip": 16}])
@pytest.mark.parametrize("compression", [None, "zlib", "lzw", "jpeg"])
def test_a_cut_file_is_an_error_wherever_it_is_cut(tmp_path, stored, compression):
    path = tmp_path / "a.tif"
    write(path, compression=compression, **stored)
    data = path.read_bytes()
    for part in range(1, 30):
        path.write_bytes(data[: len(data) * part // 30])
        with pytest.raises(DecodeError):
            pieces(path, 64)
    path.write_bytes(data)
    assert pieces(path, 64).shape == PICTURE.shape


@pytest.mark.parametrize("compression", ["zlib", "lzw", "jpeg"])
def test_a_damaged_tile_is_an_error_and_no_picture(tmp_path, compression):
    path = tmp_path / "a.tif"
    write(path, compression=compression, tile=(64, 64))
    with tifffile.TiffFile(path) as file:
        offset, length = file.pages[0].dataoffsets[4], file.pages[0].databytecounts[4]
    data = bytearray(path.read_bytes())
    data[offset : offset + length] = bytes(length)
    path.write_bytes(data)
    with open_tiff(path) as rows:
        np.testing.assert_array_equal(rows.read(0, 64).shape, (64, 211, 3))
        with pytest.raises(DecodeError, match=r"a\.tif cannot be decoded"):
            rows.read(64, 128)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (256, 512), (257, 255), (600, 300)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_label_maps_come_back_from_their_file(tmp_path, height, width, dtype):
    mask = np.random.default_rng(1).integers(0, 19, (height, width)).astype(dtype)
    cuts = [0, *range(1, height, 97), height]
    blocks = (mask[start:stop] for start, stop in pairwise(cuts))
    path = write_labels(
        tmp_path / "labels.tif", (height, width), blocks, palette=CITYSCAPES.palette, description='{"source": "x"}'
    )
    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        np.testing.assert_array_equal(page.asarray(), mask)
        assert (page.is_tiled, page.compression.name, page.dtype) == (True, "ADOBE_DEFLATE", dtype)
        assert page.description == '{"source": "x"}'
    with Image.open(path) as picture:
        np.testing.assert_array_equal(np.asarray(picture), mask)
        if dtype == np.uint8:
            assert tuple(picture.getpalette()[:9]) == sum(CITYSCAPES.palette[:3], ())
    assert os.listdir(tmp_path) == ["labels.tif"]


def test_a_tiff_is_segmented_as_the_array_it_holds(bundle, tmp_path):
    source, seen = tmp_path / "a.tif", []
    write(source, tile=(64, 64), compression="zlib")
    plan = sliding_plan(bundle, batch_size=2)
    target = segment_tiff(source, tmp_path / "labels.tif", run, plan, progress=seen.append)
    rows = ArrayRows(PICTURE)
    strips = list(window_strips(run(window_inputs(rows, plan.sliding)), rows.size, plan.sliding, scores=True))
    labels = np.concatenate([strip.labels for strip in strips])
    np.testing.assert_array_equal(tifffile.imread(target), labels)
    assert (seen[-1].done_rows, seen[-1].rows) == PICTURE.shape[:1] * 2
    assert seen[0].done_windows == 2
    segment_tiff(source, target, run, sliding_plan(bundle, min_score=0.9))
    best = np.concatenate([strip.scores for strip in strips])
    unsure = np.where(best < np.float32(0.9), 255, labels)
    np.testing.assert_array_equal(tifffile.imread(target), unsure)
    assert 0.05 < np.mean(best < 0.9) < 0.95
    mapped = sliding_plan(bundle, {"most": list(bundle.labels.names[:4])}, min_score=0.9)
    segment_tiff(source, target, run, mapped)
    np.testing.assert_array_equal(tifffile.imread(target), mapped.mapping.apply(unsure.astype(np.uint8)))


#: UTM zone 33 north, half a metre a pixel, the upper left corner at 500000 5600000.
PLACE = (
    (33550, 12, 3, (0.5, 0.5, 0.0), True),
    (33922, 12, 6, (0.0, 0.0, 0.0, 500000.0, 5600000.0, 0.0), True),
    (34735, 3, 16, (1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32633), True),
    (34736, 12, 2, (6378137.0, 298.257223563), True),
    (34737, 2, 0, "WGS 84 / UTM zone 33N|", True),
)
METADATA = '<GDALMetadata>\n  <Item name="AREA_OR_POINT">Area</Item>\n{band}</GDALMetadata>'
OF_A_BAND = """  <Item name="STATISTICS_MEAN" sample="0">3</Item>
  <Item name="SCALE" sample="0" role="scale">0.01</Item>
"""


def test_a_label_map_lies_where_the_picture_lies(bundle, tmp_path):
    described = (42112, 2, 0, METADATA.format(band=OF_A_BAND), True)
    write(tmp_path / "a.tif", tile=(64, 64), extratags=[*PLACE, described, (42113, 2, 0, "-9999", True)])
    target = segment_tiff(tmp_path / "a.tif", tmp_path / "labels.tif", run, sliding_plan(bundle))
    with tifffile.TiffFile(target) as file:
        tags = file.pages[0].tags
        for code, _, _, value, _ in PLACE:
            assert tags.valueof(code) == value
        # What is said of a band is not true of classes, and no 8-bit pixel is -9999.
        assert tags.valueof(42112) == METADATA.format(band="")
        assert 42113 not in tags
    write(tmp_path / "plain.tif")
    with tifffile.TiffFile(segment_tiff(tmp_path / "plain.tif", tmp_path / "l.tif", run, sliding_plan(bundle))) as file:
        assert not {33550, 33922, 34264, 34735, 42112, 42113} & set(file.pages[0].tags.keys())


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("stored", [{"tile": (64, 64), "compression": "zlib"}, {"rowsperstrip": 50}])
def test_pixels_without_data_are_unknown(bundle, tmp_path, dtype, planar, stored):
    image = np.where(PICTURE == 7, 8, PICTURE).astype(dtype)
    if dtype == np.uint16:
        image = image * 257 + 3  # the high bytes alone say nothing of what is no data
    nodata = 7 if dtype == np.uint8 else 7 * 257
    empty = np.zeros(image.shape[:2], np.bool_)
    empty[20:90, 30:70] = True
    image[empty] = nodata
    image[100, 100] = nodata, 0, nodata  # one channel has data
    stacked = image if planar == "contig" else image.transpose(2, 0, 1)
    tag = (42113, 2, 0, f"{nodata}", True)
    write(tmp_path / "plain.tif", stacked, planarconfig=planar, **stored)
    write(tmp_path / "empty.tif", stacked, planarconfig=planar, extratags=[tag], **stored)
    plan = sliding_plan(bundle)
    labels, told = (
        tifffile.imread(segment_tiff(tmp_path / f"{name}.tif", tmp_path / f"{name}_l.tif", run, plan))
        for name in ("plain", "empty")
    )
    np.testing.assert_array_equal(told, np.where(empty, 255, labels))
    assert not (labels == 255).any()
    with tifffile.TiffFile(tmp_path / "empty_l.tif") as file:
        assert file.pages[0].tags.valueof(42113) == "255"


def test_tiles_a_sparse_file_leaves_out_have_no_data(bundle, tmp_path):
    image = np.zeros(PICTURE.shape, np.uint8)
    image[:64, :64] = np.maximum(PICTURE[:64, :64], 1)
    stored = {"tile": (64, 64), "compression": "zlib", "extratags": [(42113, 2, 0, "0", True)]}
    write(tmp_path / "a.tif", image, **stored)
    labels = tifffile.imread(segment_tiff(tmp_path / "a.tif", tmp_path / "l.tif", run, sliding_plan(bundle)))
    np.testing.assert_array_equal(labels == 255, (image == 0).all(-1))


def test_gdal_reads_the_label_map_at_the_place_of_the_picture(bundle, tmp_path):
    rasterio = pytest.importorskip("rasterio", reason="rasterio, which has GDAL, is not installed")
    image = np.where(PICTURE == 0, 1, PICTURE).transpose(2, 0, 1)
    image[:, 20:90, 30:70] = 0
    form = {"driver": "GTiff", "count": 3, "dtype": "uint8", "crs": "EPSG:32633", "nodata": 0}
    turned = rasterio.Affine(0.4, 0.3, 500000, 0.3, -0.4, 5600000)
    for number, transform in enumerate([rasterio.Affine(0.5, 0, 500000, 0, -0.5, 5600000), turned]):
        source = tmp_path / f"{number}.tif"
        with rasterio.open(
            source, "w", height=image.shape[1], width=image.shape[2], transform=transform, **form
        ) as file:
            file.write(image)
        target = segment_tiff(source, tmp_path / f"{number}_labels.tif", run, sliding_plan(bundle))
        with rasterio.open(target) as file:
            assert file.crs.to_epsg() == 32633
            assert file.transform.almost_equals(transform)
            assert file.nodata == 255
            assert (file.read(1)[20:90, 30:70] == 255).all()


def test_of_16_bits_a_range_is_followed_as_in_pictures_and_nearly_black_is_told(bundle, tmp_path, caplog):
    source, target, plan = tmp_path / "a.tif", tmp_path / "labels.tif", sliding_plan(bundle)
    wide = PICTURE.astype(np.uint16) * 8
    with tifffile.TiffWriter(source) as writer:
        writer.write(wide, photometric="rgb", tile=(64, 64))
    with open_tiff(source, (100, 1500)) as rows:
        np.testing.assert_array_equal(rows.read(0, len(wide)), read_image(source, value_range=(100, 1500)))
    segment_tiff(source, target, run, sliding_plan(bundle, value_range=(0, 2040)))
    told = f"{source}: values 0 to 2040 as black to white; its own are {wide.min()} to {wide.max()}"
    assert caplog.messages == []
    with caplog.at_level("INFO", "zoo"):
        segment_tiff(source, target, run, sliding_plan(bundle, value_range=(0, 2040)))
    assert caplog.messages == [told]
    ranged = tifffile.imread(target)
    segment_tiff(source, target, run, plan)
    assert caplog.messages[-1].endswith("nearly one colour, a range of its own would show more")
    write(source, tile=(64, 64))
    segment_tiff(source, target, run, plan)
    np.testing.assert_array_equal(tifffile.imread(target), ranged)
    with pytest.raises(ConfigError, match="auto"):
        segment_tiff(source, target, run, sliding_plan(bundle, value_range="auto"))


def test_progress_comes_with_every_batch_of_windows_and_ends_with_the_picture(bundle, tmp_path):
    write(tmp_path / "a.tif", draw_scene(3, 500, 900).image)
    seen: list[Progress] = []
    plan = make_plan(bundle, RunOptions(mode="slide", window=(128, 128), stride=(96, 96), batch_size=4))
    segment_tiff(tmp_path / "a.tif", tmp_path / "labels.tif", run, plan, progress=seen.append)
    # A row is ten windows: nine of one width and the last.
    assert [(item.done_windows, item.done_rows > 0) for item in seen[:5]] == [
        *((4, False), (8, False), (9, False), (10, False)),
        (10, True),
    ]
    assert {(item.rows, item.windows) for item in seen} == {(500, 50)}
    assert len({item.done_rows for item in seen}) > 3
    assert all(a.done_rows <= b.done_rows and a.seconds <= b.seconds for a, b in pairwise(seen))
    assert (seen[-1].done_rows, seen[-1].done_windows, seen[-1].left) == (500, 50, 0)
    assert seen[0].left > 0


def test_the_picture_itself_is_never_the_target(bundle, tmp_path):
    source, link = tmp_path / "a.tif", tmp_path / "link.tif"
    write(source)
    link.symlink_to(source)
    before = source.read_bytes()
    for target in (source, link):
        with pytest.raises(OutputError, match="the picture itself"):
            segment_tiff(source, target, run, sliding_plan(bundle))
    assert source.read_bytes() == before


@pytest.mark.parametrize(
    "error", [KeyboardInterrupt, DecodeError("broken", "mend it"), MemoryError, RuntimeError("no")]
)
def test_whatever_ends_a_run_leaves_the_old_file_and_nothing_else(tmp_path, error):
    target = tmp_path / "labels.tif"
    target.write_bytes(b"old")

    def blocks():
        for _ in range(3):
            yield np.zeros((300, 400), np.uint8)
        raise error

    with pytest.raises(error if isinstance(error, type) else type(error)):
        write_labels(target, (2000, 400), blocks())
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["labels.tif"]


def test_missing_folders_are_made_and_one_that_cannot_be_used_is_an_error_before_any_row_is_asked_for(tmp_path):
    def never():
        pytest.fail("rows were asked for")
        yield

    path = write_labels(tmp_path / "new" / "er" / "labels.TIFF", (4, 4), iter([np.ones((4, 4), np.uint8)]))
    assert tifffile.imread(path).sum() == 16
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file cannot be used"):
        write_labels(tmp_path / "file" / "labels.tif", (4, 4), never())
    with pytest.raises(OutputError, match=r"l\.png does not end in \.tif or \.tiff"):
        write_labels(tmp_path / "l.png", (4, 4), never())
    assert sorted(os.listdir(tmp_path)) == ["file", "new"]


def test_a_full_disk_is_an_error_and_leaves_nothing(tmp_path):
    # A limit on the size of files stands for the full disk: writes beyond it fail in the middle of the run.
    script = f"""
        import resource, signal
        import numpy as np
        from zoo.errors import OutputError
        from zoo.predict.tiff import write_labels
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        noise = np.random.default_rng(0).integers(0, 256, (512, 1024), np.uint8)
        try:
            write_labels({str(tmp_path / "labels.tif")!r}, (5120, 1024), (noise for _ in range(10)))
        except OutputError as error:
            print(error)
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=True)
    assert "labels.tif cannot be written: File too large" in ended.stdout
    assert os.listdir(tmp_path) == []


def test_an_interrupt_from_the_keyboard_leaves_nothing(tmp_path):
    script = f"""
        import sys, time
        import numpy as np
        from zoo.predict.tiff import write_labels
        def blocks():
            for number in range(1000):
                yield np.full((256, 512), number % 9, np.uint8)
                print("block", number, flush=True)
                time.sleep(60 if number == 4 else 0)
        write_labels({str(tmp_path / "labels.tif")!r}, (256_000, 512), blocks())
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        for _ in range(5):
            child.stdout.readline()
        assert [name.endswith(".part") for name in os.listdir(tmp_path)] == [True]
        child.send_signal(signal.SIGINT)
        _, errors = child.communicate(timeout=60)
    assert "KeyboardInterrupt" in errors
    assert os.listdir(tmp_path) == []


def test_without_tifffile_the_error_names_the_extra(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tifffile", None)
    with pytest.raises(SourceError, match="tifffile") as caught, open_tiff(tmp_path / "a.tif"):
        pass
    assert caught.value.hint == "Run: pip install tifffile imagecodecs"


def test_no_rows_at_all_are_a_mistake_of_the_caller(tmp_path):
    with pytest.raises(ValueError, match="0 rows were given for a label map of 4"):
        write_labels(tmp_path / "labels.tif", (4, 4), iter([]))


def test_too_few_rows_are_a_mistake_of_the_caller(tmp_path):
    with pytest.raises(ValueError, match="3 rows were given for a label map of 4"):
        write_labels(tmp_path / "labels.tif", (4, 4), iter([np.zeros((3, 4), np.uint8)]))
    assert os.listdir(tmp_path) == []
