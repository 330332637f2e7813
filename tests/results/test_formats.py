"""Results for other programs: outlines, GeoJSON and COCO."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from scenes import draw_scene
from zoo.contract.labels import CAMVID
from zoo.errors import OutputError
from zoo.results import Result
from zoo.results.formats import Polygon, encode_rle, to_coco, trace
from zoo.results.regions import find_regions
from zoo.results.small import without_small

# pycocotools 2.0.11 decodes by a protocol that numpy 2 has changed.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning")


def result(mask: Any, uri: str = "street", **changes: Any) -> Result:
    fields = {"image": np.zeros((*mask.shape, 3), np.uint8), "labels": CAMVID, **changes}
    return Result(mask, name="street", uri=uri, model="m", device="cpu", engine="e", seconds={}, **fields)


masks = st.sampled_from([np.uint8, np.uint16]).flatmap(
    lambda dtype: hnp.arrays(
        dtype, hnp.array_shapes(min_dims=2, max_dims=2, max_side=10), elements=st.sampled_from([0, 1, 10, 255])
    )
)
HOLES_IN_HOLES = np.minimum.reduce([*np.indices((9, 9)), *(8 - np.indices((9, 9)))]).astype(np.uint8) % 2
CHECKERS = (np.indices((7, 6)).sum(0) % 2).astype(np.uint8)
# Regions that touch themselves at corners: from outside, from inside, and both.
PINCHED = np.array([[1, 1, 1, 1], [1, 0, 1, 0], [1, 1, 0, 1], [0, 1, 1, 1]], np.uint8)
CASES = {
    "one pixel": np.array([[10]], np.uint8),
    "one class": np.full((3, 5), 1, np.uint8),
    "one row": np.array([[0, 1, 1, 0, 255]], np.uint8),
    "one column": np.array([[0], [1], [1], [0]], np.uint8),
    "checkers": CHECKERS,
    "holes in holes": HOLES_IN_HOLES,
    "diagonal": np.eye(5, dtype=np.uint8),
    "pinched": PINCHED,
    "large values": np.array([[300, 300, 65535], [300, 0, 65535]], np.uint16),
    "a view": draw_scene(1, 40, 60).mask[::-2, ::3],
    "a street": draw_scene(2, 90, 120).mask,
}
every_case = pytest.mark.parametrize("mask", CASES.values(), ids=CASES)


@settings(deadline=None)
@given(mask=masks, min_area=st.integers(0, 40))
def test_small_regions_become_part_of_large_ones_and_nothing_else_changes(mask: Any, min_area: int) -> None:
    before, merged = find_regions(mask), without_small(mask, min_area)
    small = before.pixels < min_area
    kept = ~small[before.numbers]
    assert merged.dtype == mask.dtype
    assert np.array_equal(merged[kept], mask[kept])
    if small.all():
        assert np.array_equal(merged, mask)
    else:
        assert find_regions(merged).pixels.min() >= min_area


def test_a_small_region_goes_to_the_neighbour_that_surrounds_it_most_and_large_holes_stay() -> None:
    mask = np.zeros((12, 12), np.uint8)
    mask[:, 6:] = 1
    mask[3:5, 4:7], mask[8:10, 2:5], mask[8, 8] = 2, 3, 4
    merged = without_small(mask, 6)
    assert np.array_equal(merged, np.where(mask == 4, 1, mask))  # six pixels are enough
    merged = without_small(mask, 7)
    assert np.array_equal(merged, np.where(mask == 4, 1, np.where(mask >= 2, 0, mask)))
    [ground] = [polygon for polygon in trace(without_small(mask, 6)) if polygon.value == 0]
    assert len(ground.holes) == 1


@pytest.mark.parametrize("min_area", [-1, 2.5])
def test_an_area_that_is_no_number_of_pixels_is_refused(min_area: Any) -> None:
    with pytest.raises(OutputError, match="A whole number of pixels from 0 up was expected"):
        result(np.zeros((3, 3), np.uint8)).to_geojson(min_area=min_area)


def inside(ring: Any, shape: tuple[int, int]) -> Any:
    """Which pixel centres lie in a ring: an odd number of its upright sides stands left of them."""
    turns = np.zeros((shape[0], shape[1] + 1), np.int64)
    for (x, y), (next_x, next_y) in zip(ring.tolist(), np.roll(ring, -1, axis=0).tolist(), strict=True):
        assert (x == next_x) != (y == next_y), "a side must be level or upright"
        if x == next_x:
            turns[min(y, next_y) : max(y, next_y), x] += 1
    return (turns.cumsum(axis=1) % 2 == 1)[:, :-1]


def filled(polygons: tuple[Polygon, ...], shape: tuple[int, int]) -> Any:
    """Fills polygons and checks that no pixel is filled twice and that rings are simple and run the right way."""
    mask = np.full(shape, -1)
    for polygon in polygons:
        pixels = inside(polygon.outer, shape)
        for hole in polygon.holes:
            within = inside(hole, shape)
            assert pixels[within].all(), "a hole lies in its outer ring, and holes do not overlap"
            pixels &= ~within
        assert pixels.sum() == polygon.pixels == area(polygon.outer) + sum(map(area, polygon.holes))
        assert area(polygon.outer) > 0 > max(map(area, polygon.holes), default=-1)
        for ring in (polygon.outer, *polygon.holes):
            assert len({tuple(corner) for corner in ring.tolist()}) == len(ring), "a ring meets itself"
            sides = np.roll(ring, -1, axis=0) - ring
            assert ((sides != 0) != (np.roll(sides, 1, axis=0) != 0)).all(), "a corner is no corner"
        assert (mask[pixels] == -1).all()
        mask[pixels] = polygon.value
    return mask


def area(ring: Any) -> int:
    following = np.roll(ring, -1, axis=0)
    return int((ring[:, 0] * following[:, 1] - following[:, 0] * ring[:, 1]).sum()) // 2


@every_case
def test_filling_the_outlines_gives_the_mask_back(mask: Any) -> None:
    assert np.array_equal(filled(trace(mask), mask.shape), mask)
    assert np.array_equal(filled(result(mask).polygons(), mask.shape), mask)


@settings(deadline=None)
@given(mask=masks)
def test_filling_the_outlines_of_any_mask_gives_it_back(mask: Any) -> None:
    assert np.array_equal(filled(trace(mask), mask.shape), mask)


def test_pixels_that_touch_at_corners_are_regions_of_their_own() -> None:
    assert len(trace(CHECKERS)) == CHECKERS.size
    assert all(polygon.pixels == 1 and not polygon.holes for polygon in trace(CHECKERS))


def test_a_hole_has_the_outline_of_what_lies_in_it_the_other_way_round() -> None:
    outer, middle, inner, *_ = sorted(trace(HOLES_IN_HOLES), key=lambda polygon: -area(polygon.outer))
    assert outer.outer.tolist() == [[0, 0], [9, 0], [9, 9], [0, 9]]
    for around, within in ((outer, middle), (middle, inner)):
        (hole,) = around.holes
        assert sorted(hole.tolist()) == sorted(within.outer.tolist())
        assert area(hole) == -area(within.outer)


def test_a_maze_is_traced_fast_and_whole() -> None:
    # A snake through all rows: one region, joined through thousands of runs.
    snake = np.zeros((1001, 301), np.uint8)
    snake[::2] = 1
    snake[1::4, -1] = snake[3::4, 0] = 1
    (region,) = [polygon for polygon in trace(snake) if polygon.value == 1]
    assert region.pixels == int(snake.sum())


@every_case
def test_a_tolerance_saves_corners_and_stays_near(mask: Any) -> None:
    for exact, simple in zip(trace(mask), trace(mask, 1.5), strict=True):
        for ring, fewer in zip((exact.outer, *exact.holes), (simple.outer, *simple.holes), strict=True):
            assert 3 <= len(fewer) <= len(ring)
            assert {tuple(corner) for corner in fewer.tolist()} <= {tuple(corner) for corner in ring.tolist()}
            starts, ends = fewer.astype(float), np.roll(fewer, -1, axis=0)
            assert max(distance(corner, starts, ends) for corner in ring) <= 1.5
    assert [p.outer.tolist() for p in trace(mask, 0.0)] == [p.outer.tolist() for p in trace(mask)]


def distance(point: Any, starts: Any, ends: Any) -> float:
    along = ends - starts
    share = np.clip(((point - starts) * along).sum(1) / (along**2).sum(1), 0, 1)
    return float(np.hypot(*(starts + share[:, None] * along - point).T).min())


def test_a_tolerance_makes_a_staircase_straight() -> None:
    stairs = np.tri(40, 40, dtype=np.uint8)
    (steps,) = [polygon for polygon in trace(stairs) if polygon.value == 1]
    (slope,) = [polygon for polygon in trace(stairs, 1.0) if polygon.value == 1]
    assert len(steps.outer) == 82
    assert slope.outer.tolist() == [[0, 0], [40, 40], [0, 40]]


@pytest.mark.parametrize("tolerance", [-1.0, float("nan"), float("inf")])
def test_a_tolerance_must_be_a_number_from_zero_up(tolerance: float) -> None:
    with pytest.raises(OutputError, match="A number of pixels from 0 up was expected"):
        result(CHECKERS).polygons(tolerance)


@every_case
def test_geojson_holds_every_region_by_the_right_hand_rule(mask: Any, tmp_path: Path) -> None:
    path = result(mask).save(tmp_path, "geojson")
    assert path.name == "street.geojson"
    document = json.loads(path.read_bytes())
    assert document["type"] == "FeatureCollection"
    # RFC 7946, section 7.1.
    assert not {"coordinates", "geometries", "geometry", "properties"} & set(document)
    polygons: list[Polygon] = []
    for feature in document["features"]:
        assert feature["type"] == "Feature"
        assert feature["geometry"]["type"] == "Polygon"
        rings = feature["geometry"]["coordinates"]
        assert all(ring[0] == ring[-1] and len(ring) >= 4 for ring in rings)
        outer, *holes = [np.array(ring[:-1]) for ring in rings]
        properties = feature["properties"]
        polygons.append(Polygon(properties["value"], properties["pixels"], outer, tuple(holes)))
    # Outer rings counterclockwise, holes clockwise as numbers: `filled` checks the sign of their areas.
    assert np.array_equal(filled(tuple(polygons), mask.shape), mask)
    assert "y down" in document["coordinate_system"]


def test_geojson_names_and_paints_its_features() -> None:
    features = result(np.array([[3, 255]], np.uint8)).to_geojson()["features"]
    assert [feature["properties"] for feature in features] == [
        {"value": 3, "name": "road", "color": "#804080", "pixels": 1},
        {"value": 255, "name": "unknown", "color": "#e0e0c0", "pixels": 1},
    ]


def test_geojson_is_accepted_by_shapely() -> None:
    geometry = pytest.importorskip("shapely.geometry", reason="shapely is not installed")
    for mask in CASES.values():
        for feature in result(mask).to_geojson()["features"]:
            shape = geometry.shape(feature["geometry"])
            assert shape.is_valid
            assert shape.exterior.is_ccw
            assert not any(hole.is_ccw for hole in shape.interiors)
            assert shape.area == feature["properties"]["pixels"]


@pytest.fixture(scope="module")
def coco_mask() -> Any:
    return pytest.importorskip("pycocotools.mask", reason="pycocotools is not installed")


binary = hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, max_side=40))


@settings(deadline=None)
@given(mask=binary)
@example(mask=np.zeros((3, 4), np.bool_))
@example(mask=np.ones((3, 4), np.bool_))
@example(mask=np.ones((1, 1), np.bool_))
def test_run_lengths_are_those_of_pycocotools(mask: Any, coco_mask: Any) -> None:
    expected = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    ours = encode_rle(mask)
    assert ours == {"size": list(mask.shape), "counts": expected["counts"].decode("ascii")}
    plain = encode_rle(mask, compressed=False)
    assert coco_mask.frPyObjects(plain, *mask.shape) == expected
    assert all(type(count) is int for count in plain["counts"])


@pytest.mark.parametrize("share", [0.0005, 0.02, 0.5, 0.999])
def test_run_lengths_of_large_masks_are_those_of_pycocotools(share: float, coco_mask: Any) -> None:
    mask = np.random.default_rng(3).random((1500, 1100)) < share
    assert (
        encode_rle(mask)["counts"].encode("ascii") == coco_mask.encode(np.asfortranarray(mask.view(np.uint8)))["counts"]
    )


@pytest.mark.parametrize("mask", [np.zeros((2, 2), np.uint8), np.zeros(4, np.bool_), np.zeros((0, 2), np.bool_)])
def test_what_is_no_mask_of_one_thing_is_refused(mask: Any) -> None:
    with pytest.raises(ValueError, match=r"expected \(H, W\) bool"):
        encode_rle(mask)


def loaded(document: dict[str, Any], folder: Path) -> Any:
    coco = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed")
    (folder / "coco-document.json").write_text(json.dumps(document), encoding="utf-8")
    with contextlib.redirect_stdout(io.StringIO()):
        return coco.COCO(folder / "coco-document.json")


def read_back(coco: Any, image: dict[str, Any]) -> Any:
    mask = np.full((image["height"], image["width"]), 255)
    for annotation in coco.loadAnns(coco.getAnnIds(image["id"])):
        pixels = coco.annToMask(annotation).astype(bool)
        assert annotation["area"] == pixels.sum()
        rows, columns = np.flatnonzero(pixels.any(1)), np.flatnonzero(pixels.any(0))
        box = [columns[0], rows[0], columns[-1] + 1 - columns[0], rows[-1] + 1 - rows[0]]
        assert annotation["bbox"] == box
        assert (mask[pixels] == 255).all()
        mask[pixels] = annotation["category_id"] - 1
    return mask


@pytest.mark.parametrize("compressed", [True, False])
@every_case
def test_pycocotools_reads_the_mask_back_from_a_document(mask: Any, compressed: bool, tmp_path: Path) -> None:
    coco = loaded(result(mask).to_coco(compressed=compressed), tmp_path)
    (image,) = coco.loadImgs(coco.getImgIds())
    assert np.array_equal(read_back(coco, image), mask)
    names = {category["id"]: category["name"] for category in coco.loadCats(coco.getCatIds())}
    assert 0 not in names  # "no class" elsewhere
    assert {names[value + 1] for value in np.unique(mask).tolist() if value != 255} == set(result(mask).areas()) - {
        "unknown"
    }


def test_box_and_area_are_those_of_pycocotools(coco_mask: Any) -> None:
    for annotation in result(CASES["a street"]).to_coco()["annotations"]:
        assert coco_mask.area(annotation["segmentation"]) == annotation["area"]
        assert coco_mask.toBbox(annotation["segmentation"]).tolist() == annotation["bbox"]


def test_one_document_holds_many_pictures(tmp_path: Path) -> None:
    many = [CASES["a street"], CHECKERS, np.full((2, 2), 255, np.uint8)]
    uris = [str(tmp_path / name) for name in ("a/street.jpg", "b/street.jpg", "street.jpg")]
    made = iter([result(mask, uri) for mask, uri in zip(many, uris, strict=True)])
    document = to_coco(made)
    assert [image["file_name"] for image in document["images"]] == ["a/street.jpg", "b/street.jpg", "street.jpg"]
    assert [annotation["id"] for annotation in document["annotations"]] == list(
        range(1, len(document["annotations"]) + 1)
    )
    coco = loaded(document, tmp_path)
    for image, mask in zip(coco.loadImgs(coco.getImgIds()), many, strict=True):
        assert np.array_equal(read_back(coco, image), mask)


def test_pictures_of_one_name_that_are_no_files_are_known_by_their_uris() -> None:
    made = [result(CHECKERS, uri) for uri in ("street", "https://a/street.png", "street")]
    names = [image["file_name"] for image in to_coco(made)["images"]]
    assert names == ["street", "https://a/street.png", "street"]


def test_an_annotation_has_its_mean_score() -> None:
    scores = np.array([[0.5, 0.25, 1.0]], np.float32)
    document = result(np.array([[3, 3, 0]], np.uint8), scores=scores).to_coco()
    assert [(a["category_id"], a["score"]) for a in document["annotations"]] == [(1, 1.0), (4, 0.375)]
    assert "score" not in result(CHECKERS).to_coco()["annotations"][0]


def test_results_of_two_label_sets_do_not_fit_into_one_document() -> None:
    from zoo.contract.labels import CITYSCAPES

    with pytest.raises(OutputError, match="The result of street has other classes"):
        to_coco([result(CHECKERS), result(CHECKERS, labels=CITYSCAPES)])
    with pytest.raises(OutputError, match="There is no result"):
        to_coco([])
