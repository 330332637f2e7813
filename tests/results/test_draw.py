"""How results look: colours, blending, legend, picture files."""

from __future__ import annotations

import functools
import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageFont, ImageShow
from PIL._util import DeferredError

from scenes import draw_scene
from zoo.contract.labels import ADE20K, CAMVID, CITYSCAPES, VOC, LabelSet, distinct_palette
from zoo.errors import OutputError
from zoo.results import Result, with_palette
from zoo.results.classes import class_names, class_value, classes_in, color_table
from zoo.results.drawing.colorblind import colorblind_palette, seen
from zoo.results.drawing.draw import blend
from zoo.results.drawing.font import system_font

TWO = LabelSet("two", ("ground", "sky"), ((10, 20, 30), (200, 100, 0)))


def result(mask: NDArray[np.uint8 | np.uint16], labels: LabelSet = CAMVID, image: object = None) -> Result:
    picture = np.full((*mask.shape, 3), 100, np.uint8) if image is None else np.asarray(image, np.uint8)
    return Result(mask, labels, picture, "street.png", "file:///street.png", "m", "cpu", "engine", {"read": 0.5})


def test_every_class_is_drawn_in_its_own_colour() -> None:
    mask = np.array([[0, 1], [1, 255]], np.uint8)
    expected = [[[10, 20, 30], [200, 100, 0]], [[200, 100, 0], [224, 224, 192]]]
    assert result(mask, TWO).color().tolist() == expected


def test_half_opacity_is_the_rounded_mean_of_picture_and_colour() -> None:
    image = np.array([[[0, 255, 31], [201, 100, 255]]], np.uint8)
    over = result(np.array([[0, 1]], np.uint8), TWO, image).overlay(0.5, legend=False, outline=False)
    assert over.tolist() == [[[5, 138, 31], [201, 100, 128]]]


@settings(deadline=None)
@given(picture=st.integers(0, 255), color=st.integers(0, 255), opacity=st.floats(0, 1))
def test_blending_is_within_half_a_grey_level_of_the_formula_and_never_leaves_its_ends(
    picture: int, color: int, opacity: float
) -> None:
    table = np.full((256, 3), color, np.uint8)
    image, mask = np.full((1, 1, 3), picture, np.uint8), np.zeros((1, 1), np.uint8)
    got = int(blend(image, mask, table, opacity, outline=False, unknown=None)[0, 0, 0])
    weight = round(256 * opacity) / 256
    assert abs(got - (picture * (1 - weight) + color * weight)) <= 0.5
    assert min(picture, color) <= got <= max(picture, color)


def test_opacity_zero_is_the_picture_and_one_the_colours_in_every_band_of_a_large_picture() -> None:
    scene = draw_scene(1, 600, 500)
    drawn = result(scene.mask, image=scene.image)
    assert np.array_equal(drawn.overlay(0.0, legend=False, outline=False), scene.image)
    assert np.array_equal(drawn.overlay(1.0, legend=False, outline=False), drawn.color())


def test_an_outline_runs_along_the_edges_of_a_region_in_its_colour_a_dark_one_lightened() -> None:
    mask = np.zeros((40, 60), np.uint8)
    mask[10:30, 20:40] = 1
    dark_and_bright = LabelSet("two", ("ground", "sky"), ((0, 0, 60), (250, 240, 10)))
    drawn = result(mask, dark_and_bright)
    plain, lined = (drawn.overlay(legend=False, outline=outline) for outline in (False, True))
    changed = (plain != lined).any(-1)
    edge = np.zeros_like(changed)
    edge[9:31, 20:40] = edge[10:30, 19:41] = True
    edge[11:29, 21:39] = False
    assert np.array_equal(changed, edge)
    assert lined[10, 30].tolist() == [250, 240, 10]
    red, green, blue = lined[9, 30].tolist()
    assert red == green < blue
    assert 0.299 * red + 0.587 * green + 0.114 * blue == pytest.approx(150, abs=1)
    assert np.array_equal(np.asarray(drawn.overlay(0, legend=False))[~edge], drawn.image[~edge])


def test_outlines_grow_with_the_picture() -> None:
    lines: list[int] = []
    for side in (300, 1800):
        mask = np.zeros((side, side), np.uint8)
        mask[:, side // 2 :] = 1
        drawn = result(mask, TWO)
        changed = drawn.overlay(0, legend=False) != drawn.image
        lines.append(int(changed[side // 2].any(-1).sum()))
    assert lines == [2, 6]


def test_pixels_of_unknown_are_left_as_they_are_and_have_an_empty_field_in_the_legend() -> None:
    scene = draw_scene(5, 120, 160)
    scene.mask[40:80, 40:120] = 255
    drawn = result(scene.mask, image=scene.image)
    over = drawn.overlay()
    unknown = scene.mask == 255
    assert np.array_equal(over[:120, :160][unknown], scene.image[unknown])
    assert not (over == color_table(CAMVID, 256)[255]).all(-1).any()
    void = LabelSet("void", ("void", "road"), ((90, 0, 0), (0, 90, 0)), ignore_index=0)
    ones = result(np.zeros((4, 4), np.uint8), void).overlay(1.0, legend=False)
    assert ones[0, 0].tolist() == [90, 0, 0]  # here the ignore index is a class


def test_names_stand_within_the_large_regions_of_their_classes() -> None:
    mask = np.zeros((300, 400), np.uint8)
    mask[100:, :200], mask[100:, 200:], mask[150:160, 20:30] = 3, 255, 8
    drawn = result(mask)
    plain, named = (drawn.overlay(legend=False, names=names) for names in (False, True))
    written = (plain != named).any(-1)
    assert written.sum() > 100
    for value, has_one in ((0, True), (3, True), (8, False), (255, False)):
        assert written[mask == value].any() == has_one, value
    # No letter lies across an edge.
    assert not written[99:101].any()
    assert not written[101:, 199:201].any()


def test_a_region_without_room_for_its_name_has_none() -> None:
    mask = np.zeros((200, 200), np.uint8)
    mask[:, 50:55] = mask[:, 100:105] = mask[:, 150:155] = 3
    drawn = result(mask, LabelSet("l", ("a name that is very long", "b", "c", "x"), distinct_palette(4)))
    assert np.array_equal(drawn.overlay(legend=False, names=True), drawn.overlay(legend=False))


@pytest.mark.parametrize("labels", [CAMVID, VOC, CITYSCAPES], ids=lambda labels: labels.name)
def test_everybody_can_tell_the_colours_of_the_colorblind_palette_apart(labels: LabelSet) -> None:
    def least(palette: tuple[tuple[int, int, int], ...]) -> float:
        views = seen(np.array(palette))
        away = np.linalg.norm(views[:, :, None] - views[:, None], axis=-1)
        return float(away[:, ~np.eye(len(palette), dtype=bool)].min())

    chosen = with_palette(result(np.zeros((2, 2), np.uint8), labels), "colorblind").palette
    assert least(chosen) > 10 > 8 > least(labels.palette)
    assert chosen[0] == (230, 159, 0)


def test_a_colorblind_palette_of_very_many_classes_is_still_one() -> None:
    assert len(colorblind_palette(3000)) == 3000
    assert len(set(colorblind_palette(150))) == 150


def test_a_plot_is_the_overlay_as_a_picture() -> None:
    scene = draw_scene(6, 60, 80)
    drawn = result(scene.mask, image=scene.image)
    plot = drawn.plot(0.3, names=True)
    assert isinstance(plot, Image.Image)
    assert np.array_equal(np.asarray(plot), drawn.overlay(0.3, names=True))


def test_show_gives_the_overlay_to_the_program_for_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Image.Image] = []

    class Screen(ImageShow.Viewer):
        def show(self, image: Image.Image, **options: object) -> int:
            shown.append(image)
            return 1

    monkeypatch.setattr(ImageShow, "_viewers", [Screen()])
    drawn = result(np.zeros((20, 20), np.uint8))
    drawn.show(legend=False)
    assert np.array_equal(np.asarray(shown[0]), drawn.overlay(legend=False))
    monkeypatch.setattr(ImageShow, "_viewers", [])
    with pytest.raises(OutputError, match="no program here that shows pictures") as refused:
        drawn.show()
    assert "save_to_img" in refused.value.hint


@pytest.mark.parametrize("options", [{"outline": 5}, {"names": "car"}, {"legend": "yes"}, {"opacity": True}])
def test_what_cannot_be_drawn_is_refused_in_every_form(options: dict[str, Any], tmp_path: Path) -> None:
    small, [(name, value)] = result(np.zeros((8, 8), np.uint8)), options.items()
    for draw in (small.overlay, small.side, small.plot, functools.partial(small.save_to_img, tmp_path / "a.png")):
        with pytest.raises(OutputError, match=f"{name} is {value!r}"):
            draw(**options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("opacity", [-0.01, 1.01, float("nan"), None, "x"])
def test_an_opacity_outside_zero_to_one_is_refused(opacity: Any) -> None:
    with pytest.raises(OutputError, match="A number from 0 to 1 was expected"):
        result(np.zeros((1, 1), np.uint8)).overlay(opacity)


def test_drawing_modifies_neither_picture_nor_mask() -> None:
    scene = draw_scene(2, 40, 60)
    image, mask = scene.image.copy(), scene.mask.copy()
    image.setflags(write=False)
    mask.setflags(write=False)
    assert result(mask, image=image).overlay().flags.writeable
    assert np.array_equal(image, scene.image)
    assert np.array_equal(mask, scene.mask)


def test_areas_count_every_pixel_and_come_largest_first() -> None:
    scene = draw_scene(3, 110, 100)
    scene = type(scene)(np.tile(scene.image, (10, 10, 1)), np.tile(scene.mask, (10, 10)))
    areas = result(scene.mask).areas()
    assert areas == {CAMVID.names[v]: int((scene.mask == v).sum()) for v in np.unique(scene.mask)}
    assert list(areas.values()) == sorted(areas.values(), reverse=True)
    shares = result(scene.mask).shares()
    assert list(shares) == list(areas)
    assert sum(shares.values()) == pytest.approx(1)


def test_classes_of_equal_area_come_in_the_order_of_their_values() -> None:
    assert list(result(np.array([[7, 2, 5]], np.uint8)).areas()) == ["pole", "tree", "fence"]


def test_repeated_and_missing_names_are_told_apart_by_the_value() -> None:
    first, second = (v for v, name in enumerate(ADE20K.names) if name == "screen")
    assert class_names(ADE20K, [0, first, second, 200, 255]) == [
        "wall",
        f"screen ({first})",
        f"screen ({second})",
        "class 200",
        "unknown",
    ]


def test_no_two_values_ever_share_a_name() -> None:
    tricky = LabelSet("t", ("a", "a", "a (0)", "unknown", "class 9"), distinct_palette(5))
    names = class_names(tricky, [0, 1, 2, 3, 4, 9, 255])
    assert names == ["a (0)", "a (1)", "a (0) (2)", "unknown", "class 9", "class 9 (9)", "unknown (255)"]


NAMES = st.sampled_from(["a", "a (0)", "a (1)", "unknown", "unknown (7)", "class 7", "class 7 (7)", "class 300", "b"])


@settings(deadline=None)
@given(names=st.lists(NAMES, min_size=1, max_size=9), ignored=st.sampled_from([0, 7, 255, 300, 65535]))
def test_every_name_leads_back_to_its_value(names: list[str], ignored: int) -> None:
    labels = LabelSet("t", tuple(names), distinct_palette(len(names)), ignored)
    values = [*range(12), 255, 300, 65535]
    found = class_names(labels, values)
    assert len(set(found)) == len(values)
    assert [class_value(labels, name) for name in found] == values
    assert all(class_names(labels, [value]) == [name] for value, name in zip(values, found, strict=True))
    assert class_value(labels, "nothing of the kind") is None


def test_an_ignore_index_that_is_a_class_keeps_its_name() -> None:
    assert class_names(LabelSet("t", ("void", "road"), distinct_palette(2), ignore_index=0), [0, 1]) == ["void", "road"]


STREET = functools.cache(lambda: draw_scene(3, 256, 512))


def canvas_of(height: int, width: int) -> tuple[Result, NDArray[np.uint8]]:
    scene = STREET()
    mask = np.resize(scene.mask[::20, ::20], (height, width))
    drawn = result(mask, image=np.resize(scene.image, (height, width, 3)))
    return drawn, drawn.overlay()


@pytest.mark.parametrize("size", [(1, 1), (1, 2000), (2000, 1), (32, 32), (512, 1024), (700, 300)])
def test_the_legend_leaves_the_picture_untouched_and_lists_exactly_the_classes_that_occur(
    size: tuple[int, int],
) -> None:
    drawn, canvas = canvas_of(*size)
    height, width = size
    assert np.array_equal(canvas[:height, :width], drawn.overlay(legend=False))
    panel = canvas.copy()
    panel[:height, :width] = 252
    for value, color in enumerate(CAMVID.palette):
        swatch = int((panel == np.array(color)).all(-1).sum())
        assert (swatch > 60) == (value in drawn.mask), CAMVID.names[value]


@pytest.mark.parametrize(("size", "side"), [((512, 1024), "below"), ((700, 300), "right"), ((400, 400), "below")])
def test_the_legend_goes_where_it_fits_along_the_picture(size: tuple[int, int], side: str) -> None:
    _, canvas = canvas_of(*size)
    grown = canvas.shape[0] - size[0], canvas.shape[1] - size[1]
    assert (grown[0] > 0, grown[1] > 0) == (side == "below", side == "right")


def test_the_legend_grows_with_the_picture() -> None:
    panels = [canvas_of(height, 2 * height)[1].shape[0] - height for height in (250, 500, 1000)]
    assert panels[2] > 1.5 * panels[1] > 1.5 * panels[0]


def test_a_legend_of_very_many_classes_sums_up_the_smallest() -> None:
    mask = np.resize(np.arange(3000, dtype=np.uint16), (300, 300))
    canvas = result(mask).overlay()
    assert max(canvas.shape) < 1500


def test_every_class_has_its_share_at_the_right_edge_of_its_line() -> None:
    drawn, canvas = canvas_of(700, 300)
    inked = (canvas[:, -40:-8] < 200).any((1, 2))
    assert int((np.diff(inked.astype(int)) == 1).sum()) == len(drawn.areas())
    assert (canvas[:, -8:] == canvas[-1, -1]).all()


def test_names_that_cannot_be_printed_are_drawn_escaped_and_long_ones_shortened() -> None:
    odd = LabelSet("odd", ("\ud800", "two\nlines\x1b[31m", "x" * 500, ""), distinct_palette(4))
    plain = LabelSet("odd", (r"\ud800", r"two\nlines\x1b[31m", "x" * 29 + "...", ""), distinct_palette(4))
    mask = np.array([[0, 1, 2, 3]], np.uint8)
    assert np.array_equal(result(mask, odd).overlay(), result(mask, plain).overlay())


@pytest.fixture
def no_fonts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A system without fonts."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path))
    system_font.cache_clear()
    yield
    system_font.cache_clear()


def test_a_name_that_no_font_has_letters_for_is_drawn_by_its_number_which_is_said_once(
    no_fonts: None, caplog: pytest.LogCaptureFixture
) -> None:
    odd = LabelSet("odd", ("road", "天空"), distinct_palette(2))
    numbered = LabelSet("odd", ("road", "class 1"), distinct_palette(2))
    mask = np.repeat(np.array([[0], [1]], np.uint8), 100, 0).repeat(200, 1)
    for _ in range(2):
        assert np.array_equal(result(mask, odd).overlay(names=True), result(mask, numbered).overlay(names=True))
    assert [record.getMessage() for record in caplog.records] == [
        "No font here has the letters of 天空; classes with such names are drawn by their numbers. Install one that "
        "has them, or where there is the option, give its file: font=FILE"
    ]


def test_a_font_is_taken_from_the_system_or_from_the_caller_where_letters_ask_for_one(
    no_fonts: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fonts = Path("/usr/share/fonts/truetype/dejavu")
    if not (fonts / "DejaVuSans.ttf").is_file():
        pytest.skip("DejaVu Sans, a font with Cyrillic letters, is not installed")
    drawn = result(np.zeros((60, 200), np.uint8), LabelSet("ru", ("дорога",), distinct_palette(1)))
    numbered = drawn.overlay()
    given = drawn.overlay(font=fonts / "DejaVuSans.ttf")
    (tmp_path / "fonts" / "inner").mkdir(parents=True)
    shutil.copy(fonts / "DejaVuSans.ttf", tmp_path / "fonts" / "inner")
    system_font.cache_clear()
    assert np.array_equal(drawn.overlay(), given)
    assert not np.array_equal(numbered, given)
    english = result(np.zeros((60, 200), np.uint8), LabelSet("en", ("road",), distinct_palette(1)))
    assert not np.array_equal(english.overlay(), english.overlay(font=fonts / "DejaVuSans.ttf"))


def test_names_that_no_font_has_letters_for_leave_the_others_as_they_are(
    no_fonts: None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    font = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
    if not font.is_file():
        pytest.skip("DejaVu Sans, a font with Cyrillic letters, is not installed")
    (tmp_path / "fonts").mkdir()
    shutil.copy(font, tmp_path / "fonts")
    system_font.cache_clear()
    mask = np.repeat(np.array([[0], [1], [2]], np.uint8), 100, 0).repeat(300, 1)
    colors = distinct_palette(3)
    some = result(mask, LabelSet("some", ("дорога", "\N{EGYPTIAN HIEROGLYPH A001}", "road"), colors)).overlay(
        names=True
    )
    same = result(mask, LabelSet("same", ("дорога", "class 1", "road"), colors)).overlay(names=True)
    none = result(mask, LabelSet("none", ("class 0", "class 1", "road"), colors)).overlay(names=True)
    assert np.array_equal(some, same)
    assert not np.array_equal(some, none)
    assert ["\N{EGYPTIAN HIEROGLYPH A001}" in record.getMessage() for record in caplog.records] == [True]


def test_a_file_that_is_no_font_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.ttf").write_text("no font")
    with pytest.raises(OutputError, match=r"a\.ttf cannot be used as a font: .* TrueType"):
        result(np.zeros((4, 4), np.uint8)).overlay(font=tmp_path / "a.ttf")


def test_without_freetype_the_legend_uses_the_bitmap_font(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ImageFont, "core", DeferredError(ImportError("built without FreeType")))
    labels = LabelSet("odd", ("天空", "road"), distinct_palette(2))
    canvas = result(np.array([[0, 1]], np.uint8), labels).overlay()
    assert (canvas < 120).all(-1).sum() > 50


def test_a_mask_picture_holds_the_class_values_and_the_palette(tmp_path) -> None:
    scene = draw_scene(4, 60, 80)
    scene.mask[0, 0] = 255
    with Image.open(result(scene.mask).save_to_img(tmp_path, "mask")) as picture:
        assert picture.mode == "P"
        assert np.array_equal(np.asarray(picture), scene.mask)
        palette = np.reshape(picture.getpalette(), (256, 3))
        assert np.array_equal(palette[: len(CAMVID)], CAMVID.palette)
        assert np.array_equal(np.asarray(picture.convert("RGB")), result(scene.mask).color())


def test_a_mask_of_16_bits_becomes_a_grey_picture_of_16_bits(tmp_path) -> None:
    mask = np.array([[0, 255, 256], [1000, 65535, 7]], np.uint16)
    with Image.open(result(mask).save_to_img(tmp_path, "mask")) as picture:
        assert picture.mode == "I;16"
        assert np.array_equal(np.asarray(picture), mask)


def test_overlay_and_colour_pictures_are_lossless_and_a_jpeg_is_close(tmp_path) -> None:
    scene = draw_scene(5, 60, 80)
    drawn = result(scene.mask, image=scene.image)
    assert np.array_equal(np.asarray(Image.open(drawn.save_to_img(tmp_path))), drawn.overlay())
    assert np.array_equal(np.asarray(Image.open(drawn.save_to_img(tmp_path, "color"))), drawn.color())
    jpeg = io.BytesIO(drawn.save_to_img(tmp_path / "x.JPG").read_bytes())
    with Image.open(jpeg) as picture:
        assert picture.format == "JPEG"
        assert np.abs(np.asarray(picture).astype(int) - drawn.overlay()).mean() < 3


def test_side_by_side_are_the_picture_and_its_overlay(tmp_path) -> None:
    scene = draw_scene(6, 60, 80)
    drawn = result(scene.mask, image=scene.image)
    both = drawn.side(0.3, legend=False)
    assert np.array_equal(both[:, :80], scene.image)
    assert np.array_equal(both[:, 80:], drawn.overlay(0.3, legend=False))
    assert np.array_equal(drawn.side()[:60, :160], drawn.side(legend=False))
    path = drawn.save_to_img(tmp_path, kind="side", opacity=0.3, legend=False)
    assert path.name == "street_side.png"
    assert np.array_equal(np.asarray(Image.open(path)), both)
    with Image.open(drawn.save_to_img(tmp_path / "side.jpg", kind="side")) as picture:
        assert picture.format == "JPEG"


def test_opacity_and_legend_of_a_saved_picture_are_the_users(tmp_path) -> None:
    scene = draw_scene(7, 60, 80)
    drawn = result(scene.mask, image=scene.image)
    for name, options, expected in [
        ("a.png", {"opacity": 0.0, "legend": False, "outline": False}, scene.image),
        ("b.png", {"kind": "color", "legend": True}, drawn.color(legend=True)),
        ("c.png", {"opacity": 0.9}, drawn.overlay(0.9)),
    ]:
        assert np.array_equal(np.asarray(Image.open(drawn.save_to_img(tmp_path / name, **options))), expected)
    assert drawn.color(legend=True).shape > drawn.color().shape
    with pytest.raises(OutputError, match="A mask has no legend"):
        drawn.save_to_img(tmp_path, "mask", legend=True)


@pytest.mark.parametrize("kind", ["mask", "color"])
@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".JPG"])
def test_a_mask_is_never_written_as_a_jpeg(kind, suffix: str, tmp_path) -> None:
    with pytest.raises(OutputError, match=f"ends with {suffix}. Expected a folder, or a name that ends with .png"):
        result(np.zeros((4, 4), np.uint8)).save_to_img(tmp_path / f"mask{suffix}", kind)
    assert list(tmp_path.iterdir()) == []


def test_values_outside_the_label_set_have_colours_of_their_own() -> None:
    table = color_table(TWO, 256)
    assert len({tuple(color) for color in table.tolist()}) == 256
    assert color_table(TWO, 65536)[2:].tolist() == [list(color) for color in distinct_palette(65536)[2:]]
    assert [area.color for area in classes_in(np.array([[200]], np.uint8), TWO)] == [tuple(table[200].tolist())]
