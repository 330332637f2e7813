"""Results corrected by hand in LabelMe: files written, files read, and files nobody may overwrite."""

from __future__ import annotations

import base64
import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from scenes import draw_scene
from zoo.contract.labels import ADE20K, CAMVID, LabelSet, distinct_palette
from zoo.errors import DecodeError
from zoo.results import Result
from zoo.results.formats import to_labelme, trace
from zoo.results.formats.labelme import read_labelme

FOUR = LabelSet("four", ("road", "sky", "car", "tree"), distinct_palette(4))


def result(mask: Any, uri: str = "street", labels: LabelSet = CAMVID, image: Any = None) -> Result:
    image = np.zeros((*mask.shape, 3), np.uint8) if image is None else image
    return Result(mask, labels, image, "street", uri, "m", "cpu", "e", {})


masks = st.sampled_from([np.uint8, np.uint16]).flatmap(
    lambda dtype: hnp.arrays(
        dtype, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.sampled_from([0, 1, 10, 77, 255])
    )
)
RINGS = np.minimum.reduce([*np.indices((11, 11)), *(10 - np.indices((11, 11)))]).astype(np.uint8)
PINCHED = np.array([[1, 1, 1, 1], [1, 0, 1, 0], [1, 1, 0, 1], [0, 1, 1, 1]], np.uint8)


@settings(deadline=None)
@given(mask=masks, scale=st.integers(1, 3))
@example(mask=np.array([[5]], np.uint8), scale=1)
@example(mask=np.full((4, 7), 3, np.uint8), scale=1)
@example(mask=RINGS, scale=1)
@example(mask=RINGS % 2, scale=2)
@example(mask=PINCHED, scale=1)
@example(mask=(np.indices((9, 8)).sum(0) % 2).astype(np.uint8), scale=1)
@example(mask=np.array([[300, 65535], [0, 300]], np.uint16), scale=1)
def test_a_mask_survives_the_way_through_labelme(mask: Any, scale: int, tmp_path_factory: Any) -> None:
    mask = np.kron(mask, np.ones((scale, scale), mask.dtype))
    path = result(mask).save(tmp_path_factory.mktemp("labelme", numbered=True), "labelme")
    assert path.name == "street.json"
    assert np.array_equal(read_labelme(path, CAMVID), mask)


@pytest.mark.parametrize("seed", range(4))
def test_a_street_survives_the_way_through_labelme(seed: int, tmp_path: Path) -> None:
    mask = draw_scene(seed, 180, 260).mask
    mask[30:60, 50:90] = 255
    path = result(mask).save(tmp_path / "x.json", "labelme")
    back = read_labelme(path, CAMVID)
    assert back.dtype == np.uint8
    assert np.array_equal(back, mask)


def test_names_that_stand_twice_survive_the_way_through_labelme(tmp_path: Path) -> None:
    screens = [value for value, name in enumerate(ADE20K.names) if name == "screen"]
    mask = np.array([[*screens, 0, 200]], np.uint8)
    path = result(mask, labels=ADE20K).save(tmp_path, "labelme")
    assert np.array_equal(read_labelme(path, ADE20K), mask)


def test_unknown_pixels_have_the_label_that_labelme_ignores() -> None:
    document = to_labelme(result(np.array([[3, 255]], np.uint8)))
    assert [shape["label"] for shape in document["shapes"]] == ["road", "__ignore__"]
    odd = LabelSet("odd", ("__ignore__", "road"), distinct_palette(2))
    shapes = to_labelme(result(np.array([[0, 1, 255]], np.uint8), labels=odd))["shapes"]
    assert [shape["label"] for shape in shapes] == ["__ignore__", "road", "unknown"]


def test_what_lies_in_a_hole_comes_after_what_surrounds_it() -> None:
    shapes = to_labelme(result(RINGS))["shapes"]
    assert [shape["label"] for shape in shapes] == [CAMVID.names[value] for value in range(6)]
    assert shapes[0]["points"] == [[0.0, 0.0], [10.99, 0.0], [10.99, 10.99], [0.0, 10.99]]


def test_a_tolerance_saves_points(tmp_path: Path) -> None:
    mask = np.tri(40, 60, dtype=np.uint8)
    exact, simple = (to_labelme(result(mask), tolerance=tolerance)["shapes"] for tolerance in (0.0, 1.0))
    assert sum(len(shape["points"]) for shape in simple) < sum(len(shape["points"]) for shape in exact) / 10
    path = result(mask).save(tmp_path, "labelme", tolerance=1.0)
    assert (read_labelme(path, CAMVID) == mask).mean() > 0.97


def test_a_file_is_named_by_its_path_from_the_annotations(tmp_path: Path) -> None:
    picture = tmp_path / "pictures" / "street.png"
    picture.parent.mkdir()
    Image.new("RGB", (6, 4)).save(picture)
    path = result(np.zeros((4, 6), np.uint8), str(picture)).save(tmp_path / "labels", "labelme")
    document = json.loads(path.read_bytes())
    assert document["imagePath"] == "../pictures/street.png"
    assert document["imageData"] is None
    assert (document["imageHeight"], document["imageWidth"]) == (4, 6)
    assert os.path.samefile(path.parent / document["imagePath"], picture)


@pytest.mark.parametrize(
    "uri", ["array_0001#ab12", "https://a.example/street.png", "/nowhere/street.png", "/a/x.pdf#page=2"]
)
def test_a_picture_that_is_no_file_is_put_into_the_document(uri: str, tmp_path: Path) -> None:
    scene = draw_scene(1, 33, 40)
    document = json.loads(result(scene.mask, uri, image=scene.image).save(tmp_path, "labelme").read_bytes())
    with Image.open(io.BytesIO(base64.b64decode(document["imageData"]))) as picture:
        assert np.array_equal(np.asarray(picture), scene.image)
    assert document["imagePath"] == "street.png"


def saved_by_labelme(path: Path) -> bytes:
    """What LabelMe writes when a file is corrected: its own fields first, those it does not know behind them."""
    document = json.loads(path.read_bytes())
    own = ("version", "flags", "shapes", "imagePath", "imageData", "imageHeight", "imageWidth")
    others = {key: value for key, value in document.items() if key not in own}
    return json.dumps({**{key: document[key] for key in own}, **others}, indent=2).encode()


def test_what_was_corrected_by_hand_is_never_replaced(tmp_path: Path) -> None:
    item = result(RINGS)
    path = item.save(tmp_path, "labelme")
    assert item.save(tmp_path, "labelme") == path
    corrected = saved_by_labelme(path)
    path.write_bytes(corrected)
    assert item.save(tmp_path, "labelme").name == "street~2.json"
    assert path.read_bytes() == corrected
    assert np.array_equal(read_labelme(path, CAMVID), RINGS)


def test_the_document_of_a_result_and_its_labelme_file_do_not_replace_each_other(tmp_path: Path) -> None:
    item = result(RINGS)
    names = [item.save_to_json(tmp_path).name, item.save(tmp_path, "labelme").name]
    assert names == ["street.json", "street~2.json"]
    before = [(tmp_path / name).read_bytes() for name in names]
    assert [item.save_to_json(tmp_path).name, item.save(tmp_path, "labelme").name] == names
    assert [(tmp_path / name).read_bytes() for name in names] == before


def annotation(*shapes: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"version": "5.5.0", "shapes": list(shapes), "imageHeight": 6, "imageWidth": 8, **changes}


def shape(label: str, *points: Any, **changes: Any) -> dict[str, Any]:
    return {"label": label, "points": [list(point) for point in points], "shape_type": "polygon", **changes}


def read(document: Any, folder: Path, labels: LabelSet = FOUR) -> Any:
    path = folder / "made by hand.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return read_labelme(path, labels)


def test_later_shapes_lie_over_earlier_ones_and_the_rest_is_unknown(tmp_path: Path) -> None:
    mask = read(
        annotation(
            shape("road", (0, 0), (4.7, 0.2), (4.7, 4.9), (0, 4)),
            shape("car", (3, 6), (1, 2), shape_type="rectangle"),
            shape("__ignore__", (0, 0), (0, 0), shape_type="rectangle"),
        ),
        tmp_path,
    )
    expected = np.full((6, 8), 255)
    expected[0:5, 0:5] = 0
    expected[2:7, 1:4] = 2
    expected[0, 0] = 255
    assert mask.tolist() == expected.tolist()


@pytest.mark.parametrize("name", ["_background_", "background"])
def test_the_rest_is_the_background_if_there_is_one(name: str, tmp_path: Path) -> None:
    labels = LabelSet("b", ("road", name), distinct_palette(2))
    assert (read(annotation(), tmp_path, labels) == 1).all()


def test_circles_and_masks_are_filled(tmp_path: Path) -> None:
    stencil = np.array([[1, 0], [1, 1]], bool)
    buffer = io.BytesIO()
    Image.fromarray(stencil).save(buffer, "PNG")
    text = base64.b64encode(buffer.getvalue()).decode()
    mask = read(
        annotation(
            shape("sky", (2, 3), (3, 3), shape_type="circle"),
            shape("tree", (5.4, 4.0), (6.4, 5.0), shape_type="mask", mask=text),
        ),
        tmp_path,
    )
    assert {tuple(place) for place in np.argwhere(mask == 1)} >= {(3, 2), (2, 2), (4, 2), (3, 1), (3, 3)}
    assert np.argwhere(mask == 3).tolist() == [[4, 5], [5, 5], [5, 6]]


BROKEN = {
    "no object": ([1], r"line 1: the file is \[1\]; expected a mapping"),
    "no shapes": ({"imageHeight": 2, "imageWidth": 2}, "line 1: the file has no `shapes`"),
    "no height": (annotation(imageHeight=None), "has no imageHeight and imageWidth, and the picture None is not there"),
    "a picture that is none": (
        annotation(imageWidth=None, imageData="AAAA"),
        "has no imageHeight and imageWidth, and its picture cannot be measured",
    ),
    "half a pixel": (annotation(imageHeight=6.5), "`imageHeight` is 6.5; expected a whole number"),
    "a bool as width": (annotation(imageWidth=True), "`imageWidth` is True"),
    "a huge picture": (
        annotation(imageHeight=10**9, imageWidth=10**9),
        "1000000000x1000000000 pixels; expected at most 1073741824",
    ),
    "a shape that is none": (annotation(3), r"`shapes\[0\]` is 3; expected a mapping"),  # type: ignore[arg-type]
    "a label that is none": (annotation(shape("bus", (0, 0), (1, 1), (0, 1))), r"`shapes\[0\]` has the label 'bus'"),
    "no label": (annotation({"points": []}), r"`shapes\[0\]` has the label None"),
    "two points": (annotation(shape("road", (0, 0), (1, 1))), "polygon of 2 points; at least 3"),
    "a rectangle of three": (
        annotation(shape("road", (0, 0), (1, 1), (2, 2), shape_type="rectangle")),
        "rectangle of 3 points; 2 or 4 were expected",
    ),
    "a line of three": (
        annotation(shape("road", (0, 0), (1, 1), (2, 2), shape_type="line")),
        "line of 3 points; 2 were expected",
    ),
    "a point of two": (annotation(shape("road", (0, 0), (1, 1), shape_type="point")), "point of 2 points; 1 were"),
    "half a rectangle": (
        annotation(shape("road", (0, 0), (1, 1), shape_type="rotation")),
        "rotation of 2 points; 4 were expected",
    ),
    "a cuboid": (annotation(shape("road", (0, 0), shape_type="cuboid")), "'cuboid', a kind of shape that zoo does not"),
    "a kind that is none": (annotation(shape("road", (0, 0), shape_type=[1])), r"\[1\], a kind of shape"),
    "a point of three": (annotation(shape("road", (0, 0, 0), (1, 1), (0, 1))), r"has the point \[0, 0, 0\]"),
    "a point of text": (annotation(shape("road", ("0", 0), (1, 1), (0, 1))), r"has the point \['0', 0\]"),
    "not a number": (annotation(shape("road", (float("nan"), 0), (1, 1), (0, 1))), r"has the point \[nan, 0\]"),
    "infinity": (annotation(shape("road", (float("inf"), 0), (1, 1), (0, 1))), r"has the point \[inf, 0\]"),
    "far away": (annotation(shape("road", (10**12, 0), (1, 1), (0, 1))), r"has the point \[1000000000000, 0\]"),
    "a mask that is none": (
        annotation(shape("road", (0, 0), (1, 1), shape_type="mask", mask="AAAA")),
        "mask that is no picture",
    ),
    "a mask that is no text": (
        annotation(shape("road", (0, 0), (1, 1), shape_type="mask", mask=None)),
        "mask that is no picture",
    ),
}


@pytest.mark.parametrize(("document", "words"), BROKEN.values(), ids=BROKEN)
def test_a_file_that_is_not_understood_is_refused_with_its_name(document: Any, words: str, tmp_path: Path) -> None:
    with pytest.raises(DecodeError, match=words) as caught:
        read(document, tmp_path)
    assert "made by hand.json" in caught.value.message


def test_a_misspelt_label_is_answered_with_the_right_one(tmp_path: Path) -> None:
    with pytest.raises(DecodeError) as caught:
        read(annotation(shape("raod", (0, 0), (1, 1), (0, 1))), tmp_path)
    assert caught.value.hint == "Did you mean road?"


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"{", b"[" * 100_000, b"<html>"])
def test_a_file_that_is_no_json_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(content)
    with pytest.raises(DecodeError, match=r"x\.json cannot be read as a LabelMe file"):
        read_labelme(tmp_path / "x.json", FOUR)
    with pytest.raises(DecodeError, match="does not exist"):
        read_labelme(tmp_path / "missing.json", FOUR)


def label_set(lines: Path) -> LabelSet:
    names = tuple(lines.read_text(encoding="utf-8").split("\n"))
    names = tuple(name for name in names if name)
    return LabelSet(lines.parent.name, names, distinct_palette(len(names)))


@pytest.mark.parametrize(
    ("file", "expected", "names", "off"),
    [
        *[
            (f"voc/annotated/{name}.json", f"voc/expected_masks/{name}.png", "voc/class_names.txt", 1)
            for name in ("2011_000003", "2011_000006", "2011_000025")
        ],
        *[
            (f"street_video/annotated/0000010{n}.json", f"street_video/expected_masks/0000010{n}.png", "", 0)
            for n in range(5)
        ],
        ("embedded/apc2016_obj3.json", "embedded/expected_label.png", "embedded/label_names.txt", 8),
    ],
)
def test_files_made_by_hand_give_the_masks_that_labelme_makes(
    file: str, expected: str, names: str, off: int, shared: Path
) -> None:
    folder = shared / "data" / "labelme_voc"
    street = LabelSet("street", ("_background_", "car", "track"), distinct_palette(3))
    labels = label_set(folder / names) if names else street
    with Image.open(folder / expected) as picture:
        wanted = np.asarray(picture)
    assert int((read_labelme(folder / file, labels) != wanted).sum()) <= off


PRIMITIVES = LabelSet(
    "primitives", ("rectangle", "circle", "polygon", "line", "point", "line_strip", "octagon"), distinct_palette(7)
)


def test_a_file_with_every_kind_of_shape_is_drawn_as_labelme_draws_it(shared: Path) -> None:
    mask = read_labelme(shared / "data" / "labelme_voc" / "primitives" / "primitives.json", PRIMITIVES)
    assert mask.shape == (450, 560)
    at = {name: np.argwhere(mask == value) for value, name in enumerate(PRIMITIVES.names)}
    assert at["point"].min(0).tolist() == [169, 340]
    assert at["point"].max(0).tolist() == [179, 350]
    # Ten pixels wide, and as long as from end to end.
    assert len(at["line"]) == pytest.approx(10 * np.hypot(28, 46), rel=0.05)
    assert len(at["line_strip"]) == pytest.approx(10 * (np.hypot(38, 93) + 142), rel=0.05)
    assert at["octagon"].min(0).tolist() == [305, 417]
    assert at["octagon"].max(0).tolist() == [404, 516]


def png_text(pixels: Any) -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.mark.parametrize(
    ("corner", "far", "top", "left", "rows", "columns"),
    [
        ((2.0, 1.0), (3.0, 2.0), 1, 2, 2, 2),  # whole: cut to the box
        ((2.0, 1.0), (4.5, 3.0), 1, 2, 3, 3),
        ((0.5, 1.5), (2.5, 3.5), 2, 0, 3, 3),  # half to even
        ((1.5, 2.5), (3.5, 4.5), 2, 2, 3, 3),
    ],
)
def test_corners_of_masks_are_rounded_as_labelme_rounds_them(
    corner: Any, far: Any, top: int, left: int, rows: int, columns: int, tmp_path: Path
) -> None:
    text = png_text(np.full((3, 3), 255, np.uint8))
    found = read(annotation(shape("tree", corner, far, shape_type="mask", mask=text)), tmp_path)
    expected = np.full((6, 8), 255)
    expected[top : top + rows, left : left + columns] = 3
    assert found.tolist() == expected.tolist()


@pytest.mark.parametrize("kind", ["rectangle", "oriented_rectangle", "rotation"])
def test_rectangles_of_four_corners_are_filled(kind: str, tmp_path: Path) -> None:
    corners = ((1, 1), (5, 1), (5, 4), (1, 4))
    found = read(annotation(shape("car", *corners, shape_type=kind)), tmp_path)
    assert np.array_equal(found, read(annotation(shape("car", *corners)), tmp_path))
    assert int((found == 2).sum()) == 20


def test_points_of_one_shape_are_not_drawn_and_that_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    found = read(annotation(shape("anything", (1, 1), (5, 1), shape_type="points")), tmp_path)
    assert (found == 255).all()
    assert "`shapes[0]`: LabelMe does not draw points" in caplog.text


def test_a_file_without_a_size_takes_that_of_its_picture(tmp_path: Path) -> None:
    corner = shape("road", (0, 0), (1, 1), shape_type="rectangle")
    embedded = annotation(corner, imageHeight=None, imageData=png_text(np.zeros((4, 9, 3), np.uint8)))
    assert read(embedded, tmp_path).shape == (4, 9)
    exif = Image.Exif()
    exif[0x112] = 6
    (tmp_path / "in").mkdir()
    named = {key: value for key, value in annotation(corner).items() if not key.startswith("image")}
    for name, turn, size in (("a.png", None, (5, 7)), ("b.jpg", exif, (7, 5)), ("c.tif", exif, (7, 5))):
        Image.new("RGB", (7, 5)).save(tmp_path / "in" / name, **({} if turn is None else {"exif": turn}))
        for path in (f"in/{name}", f"in\\{name}"):
            assert read({**named, "imagePath": path}, tmp_path).shape == size
    assert read(annotation(corner, imageHeight=6.0, imageWidth=8.0), tmp_path).shape == (6, 8)


def test_shapes_are_as_many_as_regions() -> None:
    mask = draw_scene(3, 60, 90).mask
    assert len(to_labelme(result(mask))["shapes"]) == len(trace(mask))
