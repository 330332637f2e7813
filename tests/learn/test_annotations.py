"""Annotations of other tools become a dataset folder: masks are those of the tools, and nothing gets lost unsaid."""

from __future__ import annotations

import base64
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from scenes import draw_scene
from zoo.cli.app import cli
from zoo.contract.labels import ADE20K, CAMVID, CITYSCAPES, VOC
from zoo.errors import ConfigError, DatasetError, OutputError, ZooError
from zoo.learn.annotations import Converted, Wishes, convert_annotations, read_wishes
from zoo.learn.annotations.drawing.counts import fill_runs, read_lengths
from zoo.learn.annotations.drawing.outlines import fill_area
from zoo.learn.data import read_list, read_mask
from zoo.results import Result
from zoo.results.formats import to_coco

EXAMPLES = Path(__file__).resolve().parents[3] / "shared" / "data" / "labelme_voc"
BACKGROUND = "_background_"


def picture(path: Path, height: int = 30, width: int = 40, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(len(str(path))).integers(0, 255, (height, width, 3), np.uint8)
    Image.fromarray(pixels).save(path, **options)
    return path


def square(*corners: float) -> list[list[float]]:
    left, top, right, bottom = corners
    return [[left, top], [right, top], [right, bottom], [left, bottom]]


def labelme(path: Path, *shapes: dict[str, Any], **more: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    document = {"imagePath": f"{path.stem}.png", "imageData": None, "imageHeight": 30, "imageWidth": 40, **more}
    path.write_text(json.dumps({**document, "shapes": shapes}, indent=1))
    return path


def shape(label: str, points: list[list[float]], **more: Any) -> dict[str, Any]:
    return {"label": label, "points": points, "shape_type": "polygon", **more}


def coco(*annotations: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "images": [{"id": 1, "file_name": "a.png", "height": 30, "width": 40}],
        "categories": [{"id": 0, "name": "cat"}, {"id": 7, "name": "dog"}],
        "annotations": [{"id": 1, "image_id": 1, "iscrowd": 0, **annotation} for annotation in annotations],
        **more,
    }


def masks_of(made: Converted) -> dict[str, Any]:
    """The masks by the names of their pictures, through the lists that were written."""
    lists = [made.folder / f"{name}.txt" for name in made.splits]
    samples = [sample for file in lists for sample in read_list(file)]
    assert all(sample.load()[0].shape[:2] == sample.load()[1].shape for sample in samples)
    return {sample.image.relative_to(made.folder / "images").as_posix(): read_mask(sample.mask) for sample in samples}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    picture(folder / "a.png")
    return folder


@pytest.fixture
def converted(source: Path, tmp_path: Path) -> Callable[..., Converted]:
    return lambda form, **wishes: convert_annotations(source, tmp_path / "new" / "set", form, Wishes(**wishes))


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the examples of LabelMe are not beside this checkout")
@pytest.mark.parametrize(
    ("folder", "labels", "expected", "others"),
    [
        ("voc/annotated", "voc/class_names.txt", "voc/expected_masks", {"2011_000006.png": 1}),
        ("street_video/annotated", "street_video/labels.txt", "street_video/expected_masks", {}),
        ("embedded", "embedded/label_names.txt", "embedded", {"apc2016_obj3.png": 8}),
    ],
)
def test_labelme_s_own_examples_give_its_masks(
    folder: str, labels: str, expected: str, others: dict[str, int], tmp_path: Path
) -> None:
    wishes = read_wishes(EXAMPLES / labels, None, None, (), None, "auto")
    made = convert_annotations(EXAMPLES / folder, tmp_path / "set", "labelme", wishes)
    masks = sorted((made.folder / "annotations").iterdir())
    assert masks
    for path in masks:
        truth = EXAMPLES / expected / path.name
        truth = truth if truth.exists() else EXAMPLES / expected / "expected_label.png"
        differing = np.count_nonzero(read_mask(path) != np.asarray(Image.open(truth)))
        # Pixels of outlines, between versions of Pillow.
        assert differing <= others.get(path.name, 0)


@pytest.mark.skipif(not EXAMPLES.is_dir(), reason="the examples of LabelMe are not beside this checkout")
def test_every_kind_of_shape_is_drawn_and_the_rules_are_told(tmp_path: Path) -> None:
    made = convert_annotations(EXAMPLES / "primitives", tmp_path / "set", "labelme")
    assert made.labels.names[0] == BACKGROUND
    assert sum(made.shapes.values()) == 8
    assert {made.labels.names[value] for value in made.pixels} == set(made.labels.names)
    assert sum(made.rules.values()) == 8
    assert any("10 pixels wide" in rule for rule in made.rules)


@pytest.mark.parametrize(("form", "file"), [("labelme", None), ("coco", "labels.json"), ("cvat", "labels.xml")])
def test_what_zoo_writes_for_other_tools_comes_back_to_the_pixel(form: str, file: str | None, tmp_path: Path) -> None:
    folder, results = tmp_path / "source", []
    for seed in range(3):
        scene = draw_scene(seed, 60, 90)
        path = picture(folder / f"p{seed}.png", 60, 90)
        mask = scene.mask.copy()
        mask[5:9, 20:40] = 255
        results.append(Result(mask, CAMVID, np.asarray(Image.open(path)), f"p{seed}", str(path), "m", "cpu", "e", {}))
    if form == "coco":
        (folder / "labels.json").write_text(json.dumps(to_coco(results)))
    elif form == "cvat":
        from zoo.results.formats import to_cvat

        (folder / "labels.xml").write_text(to_cvat(results))
    else:
        for result in results:
            result.save(folder, "labelme")
    wishes = Wishes(labels=CAMVID.names)
    made = convert_annotations(folder, tmp_path / "set", form, wishes)
    for result in results:
        assert np.array_equal(masks_of(made)[f"{result.name}.png"], result.mask)
    for path in folder.glob("*.png"):
        assert (made.folder / "images" / path.name).read_bytes() == path.read_bytes()
    assert (made.folder / "labels.txt").read_text().split() == list(CAMVID.names)


coordinates = st.floats(-9, 50) | st.integers(-9, 50) | st.integers(-18, 100).map(lambda n: n / 2)


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")
@settings(deadline=None, max_examples=300)
@given(
    points=st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=9),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
)
@example(points=[(0, 0), (2, 0), (2, 2), (0, 2)], size=(3, 3))
@example(points=[(0, 0), (0, 0), (0, 0)], size=(3, 3))
def test_polygons_and_run_lengths_are_filled_as_pycocotools_does(
    points: list[tuple[float, float]], size: tuple[int, int]
) -> None:
    coder = pytest.importorskip("pycocotools.mask", reason="pycocotools is not installed")
    flat = [float(number) for point in points for number in point]
    (encoded,) = coder.frPyObjects([flat], *size)
    expected = coder.decode(encoded) > 0
    assert np.array_equal(fill_area(np.array(flat).reshape(-1, 2), size), expected)
    lengths = read_lengths(encoded["counts"].decode())
    assert np.array_equal(fill_runs(lengths, size[1], size[0]).T, expected)


def test_coco_takes_ids_from_0_crowds_and_both_kinds_of_run_lengths(
    source: Path, converted: Callable[..., Converted]
) -> None:
    plain = {"size": [30, 40], "counts": [30 * 5, 30 * 2, 30 * 33]}
    dense = to_coco(
        Result(np.eye(30, 40, dtype=np.uint8), VOC, np.zeros((30, 40, 3), np.uint8), "a", "a", "m", "c", "e", {})
    )["annotations"][1]["segmentation"]
    document = coco(
        {"category_id": 7, "segmentation": [[10, 10, 20, 10, 20, 20, 10, 20], [30, 0, 34, 0, 34, 4, 30, 4]]},
        {"category_id": 0, "segmentation": plain, "iscrowd": 1},
        {"category_id": 0, "segmentation": dense},
        {"category_id": 7, "bbox": [1, 1, 5, 5], "segmentation": []},
    )
    (source / "instances_val.json").write_text(json.dumps(document))
    (source / "other.json").write_text("{}")
    made = converted("coco")
    assert made.labels.names == (BACKGROUND, "cat", "dog")
    expected = np.zeros((30, 40), np.uint8)
    expected[10:20, 10:20] = expected[0:4, 30:34] = 2
    expected[:, 5:7] = 1
    expected[np.eye(30, 40, dtype=np.bool_)] = 1
    assert np.array_equal(masks_of(made)["a.png"], expected)
    assert dict(made.splits) == {"val": 1}
    assert sorted(made.dropped.values()) == [1, 1]
    assert sum(made.rules.values()) == 3
    assert any("crowd" in rule for rule in made.rules)


def test_outlines_through_centres_of_pixels_are_found_out_and_said(
    source: Path, converted: Callable[..., Converted], tmp_path: Path
) -> None:
    # What a contour finder makes of a disc, its last row and column included, and of one pixel.
    octagon = [12, 10, 18, 10, 19, 11, 20, 12, 20, 18, 18, 20, 12, 20, 10, 18, 10, 12]
    document = coco(
        {"category_id": 7, "segmentation": [octagon]},
        {"category_id": 7, "segmentation": [[39, 29]]},
    )
    (source / "labels.json").write_text(json.dumps(document))
    mask = masks_of(made := converted("coco"))["a.png"]
    assert mask[20, 12:19].tolist() == mask[12:19, 20].tolist() == [2] * 7
    assert mask[29, 39] == 2
    assert any("labels.json" in rule and "--contours edges" in rule for rule in made.rules)
    assert made.dropped == {}
    as_areas = convert_annotations(source, tmp_path / "areas", "coco", Wishes(contours="edges"))
    assert not masks_of(as_areas)["a.png"][20:].any()
    assert list(as_areas.dropped.values()) == [1]


def test_pictures_without_annotations_are_left_out_or_all_background(source: Path, tmp_path: Path) -> None:
    picture(source / "b.png")
    images = [{"id": n, "file_name": f"{name}.png"} for n, name in enumerate("ab", 1)]
    document = coco({"category_id": 7, "segmentation": [RING]}, images=images)
    (source / "labels.json").write_text(json.dumps(document))
    made = convert_annotations(source, tmp_path / "without", "coco")
    assert list(masks_of(made)) == ["a.png"]
    assert list(made.dropped.values()) == [1]
    made = convert_annotations(source, tmp_path / "with", "coco", Wishes(keep_empty=True))
    assert not masks_of(made)["b.png"].any()


def test_cvat_draws_by_z_order_and_says_what_has_no_area(source: Path, converted: Callable[..., Converted]) -> None:
    (source / "annotations.xml").write_text(
        """<?xml version="1.0"?>
<annotations><version>1.1</version><meta><project><labels>
 <label><name>sky</name></label><label><name>car</name></label></labels></project></meta>
 <image id="0" name="a.png" subset="Validation" width="40" height="30">
  <polygon label="car" points="10,10;20,10;20,20;10,20" z_order="1"/>
  <box label="sky" xtl="0" ytl="0" xbr="40" ybr="15" z_order="0"/>
  <mask label="car" rle="1, 2, 1" left="38" top="28" width="2" height="2" z_order="0"/>
  <ellipse label="car" cx="5" cy="25" rx="2" ry="1" z_order="0"/>
  <polyline label="car" points="0,0;9,9" z_order="0"/><tag label="car"/>
 </image></annotations>"""
    )
    made = converted("cvat")
    assert made.labels.names == (BACKGROUND, "sky", "car")
    expected = np.zeros((30, 40), np.uint8)
    expected[:15] = 1
    expected[10:20, 10:20] = 2
    expected[28, 39] = expected[29, 38] = 2
    expected[24:26, 3:7] = 2
    expected[24:26, [3, 6]] = np.where(0.5**2 + (1.5 / 2) ** 2 <= 1, 2, 0)
    assert np.array_equal(masks_of(made)["a.png"], expected)
    assert dict(made.splits) == {"val": 1}
    assert sum(made.dropped.values()) == 2


def test_masks_of_pascal_voc_keep_their_values_and_lists(source: Path, converted: Callable[..., Converted]) -> None:
    mask = (np.arange(1200).reshape(30, 40) % 21).astype(np.uint8)
    mask[0] = 255
    for name in ("x", "y"):
        picture(source / "JPEGImages" / f"{name}.jpg")
        drawn = Image.fromarray(mask)
        drawn.putpalette([9] * 768)
        (source / "SegmentationClass").mkdir(exist_ok=True)
        drawn.save(source / "SegmentationClass" / f"{name}.png")
    picture(source / "JPEGImages" / "no-mask.jpg")
    lists = source / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("x\nnowhere\n")
    (lists / "val.txt").write_text("y\n")
    made = converted("voc")
    assert made.labels.names == VOC.names
    assert {name: found.tolist() for name, found in masks_of(made).items()} == dict.fromkeys(
        ("x.jpg", "y.jpg"), mask.tolist()
    )
    assert dict(made.splits) == {"train": 1, "val": 1}
    assert sorted(made.dropped.values()) == [1, 1]


def test_cityscapes_gives_one_mask_from_ids_train_ids_and_polygons(source: Path, tmp_path: Path) -> None:
    ids = np.full((30, 40), 7, np.uint8)
    ids[5:11, 5:11], ids[20:26, 20:31] = 26, 5
    train_ids = np.where(ids == 7, 0, np.where(ids == 26, 13, 255)).astype(np.uint8)
    objects = [
        {"label": "road", "polygon": square(0, 0, 39, 29)},
        {"label": "cargroup", "polygon": square(5, 5, 10, 10)},
        {"label": "dynamic", "polygon": square(20, 20, 30, 25)},
        {"label": "license plate", "polygon": square(6, 6, 7, 7)},
    ]
    objects = [{**thing, "polygon": np.array(thing["polygon"]).tolist()} for thing in objects]
    for number, ending in enumerate(("labelIds.png", "labelTrainIds.png", "polygons.json")):
        for part, city in (("train", "ulm"), ("test", "bonn")):
            picture(source / "leftImg8bit" / part / city / f"{city}_{number}_leftImg8bit.png")
            path = source / "gtFine" / part / city / f"{city}_{number}_gtFine_{ending}"
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix == ".json":
                path.write_text(json.dumps({"imgHeight": 30, "imgWidth": 40, "objects": objects}))
            else:
                Image.fromarray(train_ids if "Train" in ending else ids).save(path)
    made = convert_annotations(source, tmp_path / "set", "cityscapes")
    assert made.labels.names == CITYSCAPES.names
    assert made.labels.palette == CITYSCAPES.palette
    masks = masks_of(made)
    assert sorted(masks) == [f"train/ulm/ulm_{number}.png" for number in range(3)]
    assert all(np.array_equal(mask, train_ids) for mask in masks.values())
    assert sorted(made.dropped.values()) == [1, 3]
    chosen = convert_annotations(source, tmp_path / "two", "cityscapes", Wishes(labels=("dynamic", "road")))
    assert {name for name in chosen.pictures if name != 255} == {0, 1}


def test_ade20k_counts_from_1_and_0_is_no_class(source: Path, converted: Callable[..., Converted]) -> None:
    raw = (np.arange(1200).reshape(30, 40) % 151).astype(np.uint8)
    for part in ("training", "validation"):
        picture(source / "images" / part / "p.jpg")
        (source / "annotations" / part).mkdir(parents=True)
        Image.fromarray(raw).save(source / "annotations" / part / "p.png")
    made = converted("ade20k")
    assert len(set(made.labels.names)) == len(ADE20K) == 150
    assert dict(made.splits) == {"train": 1, "val": 1}
    expected = np.where(raw == 0, 255, raw - 1)
    assert all(np.array_equal(mask, expected) for mask in masks_of(made).values())


@pytest.mark.parametrize(
    "palette",
    [
        "128 64 128 road\n0,0,255,sky\n1 1 1 __ignore__\n",
        "name,r,g,b\nroad,128,64,128\nsky,0,0,255\n__ignore__,1,1,1\n",
        "# label:color_rgb:parts:actions\nroad:128,64,128::\nsky:0,0,255::\n__ignore__:1,1,1::\n",
        "#804080 road\n#0000ff sky\n#010101 __ignore__\n",
    ],
)
def test_colour_masks_become_classes_by_a_palette_as_people_write_it(
    palette: str, source: Path, tmp_path: Path
) -> None:
    values = (np.arange(1200).reshape(30, 40) % 3).astype(np.uint8)
    table = np.array([[128, 64, 128], [0, 0, 255], [1, 1, 1]], np.uint8)
    (source / "masks").mkdir()
    Image.fromarray(table[values]).save(source / "masks" / "a_L.png")
    indexed = Image.fromarray(2 - values)
    indexed.putpalette(table[::-1].tobytes())
    indexed.save(source / "masks" / "b_L.png")
    picture(source / "images" / "a.png")
    picture(source / "images" / "b.png")
    (tmp_path / "palette.txt").write_text(palette)
    wishes = read_wishes(None, tmp_path / "palette.txt", None, (), None, "auto")
    made = convert_annotations(source, tmp_path / "set", "masks", wishes)
    assert made.labels.names == ("road", "sky")
    assert made.labels.palette == ((128, 64, 128), (0, 0, 255))
    expected = np.where(values == 2, 255, values)
    assert all(np.array_equal(mask, expected) for mask in masks_of(made).values())
    with Image.open(made.folder / "annotations" / "a.png") as mask:
        assert mask.mode == "P"
        assert np.array_equal(np.asarray(mask.convert("RGB"))[values < 2], table[values][values < 2])


def test_unlabelled_pixels_are_a_class_or_ignored_and_labels_can_be_left_out(source: Path, tmp_path: Path) -> None:
    labelme(
        source / "a.json",
        shape("car", square(0, 0, 9, 9)),
        shape("__ignore__", square(20, 0, 29, 9)),
        shape("dog", square(0, 20, 9, 29)),
        {"label": "car", "points": [[1, 1]], "shape_type": "points"},
    )

    def mask(name: str, **wishes: Any) -> tuple[Converted, Any]:
        made = convert_annotations(source, tmp_path / name, "labelme", Wishes(**wishes))
        return made, masks_of(made)["a.png"]

    made, found = mask("plain")
    assert made.labels.names == (BACKGROUND, "car", "dog")
    assert [found[5, 5], found[5, 25], found[25, 5], found[25, 25]] == [1, 255, 2, 0]
    assert list(made.dropped.values()) == [1]
    made, found = mask("ignored", unlabelled="ignore", drop=frozenset({"dog"}))
    assert made.labels.names == ("car",)
    assert [found[5, 5], found[5, 25], found[25, 5], found[25, 25]] == [0, 255, 255, 255]
    assert sorted(made.dropped.values()) == [1, 1]
    made, found = mask("ordered", labels=("dog", "car"))
    assert [found[5, 5], found[5, 25], found[25, 5], found[25, 25]] == [1, 255, 0, 255]
    with pytest.raises(ZooError, match=r"a\.json.*line \d+.*'dog'"):
        mask("unknown", labels=("car", "cat"))
    (tmp_path / "coco.json").write_text(json.dumps(coco()))
    (tmp_path / "cvat.xml").write_text("<annotations><version>1.1</version><image name='a.png'/></annotations>")
    for form, place in (("labelme", source), ("coco", tmp_path / "coco.json"), ("cvat", tmp_path / "cvat.xml")):
        with pytest.raises(DatasetError, match="have no class 'cab', which --drop leaves out"):
            convert_annotations(place, tmp_path.parent / "none", form, Wishes(drop=frozenset({"cab"})))


@pytest.mark.parametrize(
    ("form", "wish", "said"),
    [
        ("labelme", {"palette": (((0, 0, 0), "road"),)}, "--palette has no effect on --from labelme; it is for masks."),
        ("voc", {"unlabelled": "ignore"}, "--unlabelled has no effect on --from voc; it is for labelme, coco, cvat."),
        ("cvat", {"contours": "edges"}, "--contours has no effect on --from cvat; it is for coco."),
        ("masks", {"keep_empty": True}, "--keep-empty has no effect on --from masks; it is for coco, cvat."),
    ],
)
def test_a_wish_that_means_nothing_to_a_format_is_refused(
    converted: Callable[..., Converted], form: str, wish: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        converted(form, **wish)
    assert caught.value.message == said


def test_pictures_inside_labelme_files_and_odd_names_arrive(source: Path, converted: Callable[..., Converted]) -> None:
    content = (source / "a.png").read_bytes()
    inside = base64.b64encode(content).decode()
    labelme(source / "in side.json", shape("x", square(0, 0, 5, 5)), imagePath="nowhere.png", imageData=inside)
    picture(source / "sub" / "line\nbreak ü.png")
    labelme(source / "sub" / "b.json", shape("x", square(0, 0, 5, 5)), imagePath="line\nbreak ü.png")
    labelme(source / "sub" / "c.json", shape("x", square(0, 0, 5, 5)), imagePath="..\\a.png")
    made = converted("labelme")
    assert sorted(masks_of(made)) == ["in side.png", "sub/b.png", "sub/c.png"]
    assert (made.folder / "images" / "in side.png").read_bytes() == content


def test_masks_follow_the_exif_turn_of_their_pictures(source: Path, converted: Callable[..., Converted]) -> None:
    turn = Image.Exif()
    turn[274] = 6
    picture(source / "t.jpg", exif=turn)
    labelme(source / "stored.json", shape("x", square(0, 0, 9, 4)), imagePath="t.jpg")
    seen = {"imagePath": "t.jpg", "imageHeight": 40, "imageWidth": 30}
    labelme(source / "seen.json", shape("x", square(0, 0, 9, 4)), **seen)
    made = converted("labelme")
    masks = masks_of(made)
    assert masks["seen.jpg"][:5, :10].all()
    assert masks["stored.jpg"][:10, -5:].all()
    assert made.turned == 1


DEEP = "[" * 100_000
BOMB = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbb">]><annotations>&b;</annotations>'
CVAT = '<annotations><image name="{}" width="40" height="30">{}</image></annotations>'
RING = [1, 1, 9, 1, 9, 9]
FAULTS: dict[str, tuple[str, Any, str]] = {
    "deep JSON": ("labelme", DEEP, "line 1: the file is nested too deep"),
    "not JSON": ("labelme", "{", "line 1"),
    "no shapes": ("labelme", "{}", "holds no LabelMe file"),
    "a picture outside": ("labelme", {"imagePath": "../outside.png"}, "leads out of"),
    "an absolute path": ("labelme", {"imagePath": "/etc/passwd"}, "leads out of"),
    "a name of 5000 letters": ("labelme", {"imagePath": "a" * 5000}, "which is not in"),
    "no picture": ("labelme", {"imagePath": "missing.png"}, "which is not in"),
    "another size": ("labelme", {"imageHeight": 31}, "is about a picture of 31x40"),
    "a huge size": ("labelme", {"imageHeight": 1 << 29}, "is about a picture of 536870912x40"),
    "a label with a line break": ("labelme", {"shapes": [shape("a\nb", square(0, 0, 5, 5))]}, "cannot stand in a line"),
    "two corners": ("labelme", {"shapes": [shape("a", [[0, 0], [5, 5]])]}, "2 points"),
    "too many classes": (
        "labelme",
        {"shapes": [shape(f"c{n}", square(0, 0, 5, 5)) for n in range(300)]},
        "There are 301 classes",
    ),
    "COCO without an image": ("coco", coco({"category_id": 7, "image_id": 5, "segmentation": [RING]}), "image_id 5"),
    "COCO without a class": ("coco", coco({"category_id": 5, "segmentation": [RING]}), "category_id 5"),
    "run lengths too short": (
        "coco",
        coco({"category_id": 7, "segmentation": {"size": [30, 40], "counts": [5]}}),
        "5 pixels in all; 1200",
    ),
    "run lengths of another size": (
        "coco",
        coco({"category_id": 7, "segmentation": {"size": [1 << 40, 1 << 40], "counts": [5]}}),
        "30x40 was expected",
    ),
    "run lengths that are no text": (
        "coco",
        coco({"category_id": 7, "segmentation": {"size": [30, 40], "counts": "\u00fc"}}),
        "no text of COCO",
    ),
    "a corner far away": ("coco", coco({"category_id": 7, "segmentation": [[1, 1, 1e300, 1, 9, 9]]}), "far outside"),
    "a corner that is no number": (
        "coco",
        coco({"category_id": 7, "segmentation": [[1, 1, float("nan"), 1, 9, 9]]}),
        "far outside",
    ),
    "a COCO file that leads out": (
        "coco",
        coco({"category_id": 7, "segmentation": [RING]}, images=[{"id": 1, "file_name": "../outside.png"}]),
        "leads out of",
    ),
    "XML entities": ("cvat", BOMB, "has a document type"),
    "not XML": ("cvat", "<annotations>", "line 1"),
    "CVAT for video": ("cvat", "<annotations><track/></annotations>", "is not of CVAT for images 1.1"),
    "a mask of CVAT": (
        "cvat",
        CVAT.format("a.png", '<mask label="x" rle="3" left="0" top="0" width="2" height="2"/>'),
        "line 1: <mask> has run lengths of 3 pixels in all; 4",
    ),
    "an ellipse far away": (
        "cvat",
        CVAT.format("a.png", '<ellipse label="x" cx="1e300" cy="0" rx="1" ry="1"/>'),
        "line 1: <ellipse> has a corner far outside",
    ),
    "an XML file that leads out": ("cvat", CVAT.format("../outside.png", '<tag label="x"/>'), "leads out of"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_bad_annotations_are_refused_with_their_place_and_nothing_is_written(
    case: str, source: Path, converted: Callable[..., Converted], tmp_path: Path
) -> None:
    form, content, expected = FAULTS[case]
    picture(tmp_path / "outside.png")
    if isinstance(content, dict) and form == "labelme":
        labelme(source / "a.json", *content.pop("shapes", [shape("x", square(0, 0, 5, 5))]), **content)
    else:
        text = content if isinstance(content, str) else json.dumps(content)
        (source / f"a.{'xml' if form == 'cvat' else 'json'}").write_text(text)
    before = sorted(source.rglob("*"))
    with pytest.raises(ZooError) as raised:
        converted(form)
    assert expected in str(raised.value)
    assert sorted(source.rglob("*")) == before
    assert not (tmp_path / "new").exists() or not list((tmp_path / "new").iterdir())


def test_every_fault_is_told_at_once_and_can_be_passed_over(source: Path, tmp_path: Path) -> None:
    labelme(source / "a.json", shape("x", square(0, 0, 5, 5)))
    for number in range(3):
        picture(source / f"b{number}.png", 20, 20)
        labelme(source / f"b{number}.json", shape("x", square(0, 0, 5, 5)))
    (source / "b2.png").write_bytes(b"none")
    target = tmp_path / "set"
    done = CliRunner().invoke(cli, ["data", "convert", str(source), str(target), "--from", "labelme"])
    assert done.exit_code == 1
    assert all(f"b{number}" in done.output for number in range(3))
    assert not target.exists()
    words = ["data", "convert", str(source), str(target), "--from", "labelme", "--on-error", "skip", "--json"]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 3
    figures = json.loads(done.stdout)
    assert figures["splits"] == {"train": 1}
    assert [failure["name"] for failure in figures["failures"]] == ["b0", "b1", "b2"]
    told = json.loads((target / "convert_result.json").read_text())
    assert told["files"][0]["image"] == "images/a.png"
    assert told["classes"][1]["pixels"] == 36


def test_the_target_is_a_new_folder_outside_of_the_source(source: Path, tmp_path: Path) -> None:
    labelme(source / "a.json", shape("x", square(0, 0, 5, 5)))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    for target, expected in ((tmp_path / "full", "holds something already"), (source / "set", "lies in")):
        with pytest.raises(OutputError, match=expected):
            convert_annotations(source, target, "labelme")
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]
    (tmp_path / "empty").mkdir()
    assert convert_annotations(source, tmp_path / "empty", "labelme").splits == {"train": 1}


def test_links_to_pictures_are_followed_and_names_cannot_climb_out(
    source: Path, converted: Callable[..., Converted], tmp_path: Path
) -> None:
    (source / "linked.png").symlink_to(picture(tmp_path / "store" / "x.png"))
    (source / "store").symlink_to(tmp_path / "store")
    labelme(source / "linked.json", shape("x", square(0, 0, 5, 5)))
    labelme(source / "climbs.json", shape("x", square(0, 0, 5, 5)), imagePath="store/../store/x.png")
    with pytest.raises(ZooError, match=r"climbs\.json.*leads out of"):
        converted("labelme")
    (source / "climbs.json").unlink()
    assert list(masks_of(converted("labelme"))) == ["linked.png"]


def test_a_picture_that_is_a_pipe_blocks_nobody(source: Path, converted: Callable[..., Converted]) -> None:
    os.mkfifo(source / "pipe.png")
    labelme(source / "a.json", shape("x", square(0, 0, 5, 5)), imagePath="pipe.png")
    with pytest.raises(ZooError, match=r"pipe\.png"):
        converted("labelme")


def test_masks_with_soft_edges_are_told_where_they_are(source: Path, converted: Callable[..., Converted]) -> None:
    pixels = np.zeros((30, 40, 3), np.uint8)
    pixels[3, 4] = 77, 0, 0
    picture(source / "images" / "a.png")
    (source / "masks").mkdir()
    Image.fromarray(pixels).save(source / "masks" / "a.png")
    with pytest.raises(ZooError, match=r"masks/a\.png has the colour 77,0,0 at x 4, y 3"):
        converted("masks", palette=(((0, 0, 0), "ground"),))
    with io.BytesIO() as buffer:
        Image.fromarray(pixels).save(buffer, "JPEG")
        (source / "masks" / "a.png").write_bytes(buffer.getvalue())
    with pytest.raises(ZooError, match="JPEG"):
        converted("masks", palette=(((0, 0, 0), "ground"),))
