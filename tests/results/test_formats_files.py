"""Results for CVAT, Label Studio, pandas and supervision, and the files of all formats."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from scenes import draw_scene
from zoo.contract.labels import CAMVID, LabelSet, distinct_palette
from zoo.errors import OutputError
from zoo.results import FORMATS, Predictions, Result
from zoo.results.encode import read_source
from zoo.results.formats import parquet, to_cvat, to_labelstudio, to_pandas, to_supervision
from zoo.results.formats.labelstudio import pack


def result(mask: Any, uri: str = "street", name: str = "street", **changes: Any) -> Result:
    fields = {"image": np.zeros((*mask.shape, 3), np.uint8), "labels": CAMVID, **changes}
    return Result(mask, name=name, uri=uri, model="m", device="cpu", engine="e", seconds={}, **fields)


masks = st.sampled_from([np.uint8, np.uint16]).flatmap(
    lambda dtype: hnp.arrays(
        dtype, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.sampled_from([0, 1, 10, 77, 255])
    )
)
VALUES = {**{name: value for value, name in enumerate(CAMVID.names)}, "class 77": 77, "unknown": 255}


def read_cvat(image: ElementTree.Element) -> Any:
    """The masks of an <image>: run lengths within a box, row after row, the first of other pixels."""
    mask = np.full((int(image.attrib["height"]), int(image.attrib["width"])), 255)
    for element in image.iter("mask"):
        left, top, width, height = (int(element.attrib[key]) for key in ("left", "top", "width", "height"))
        counts = [int(count) for count in element.attrib["rle"].split(",")]
        pixels = np.repeat(np.arange(len(counts)) % 2 == 1, counts).reshape(height, width)
        assert all(side.any() for side in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1])), "the box is tight"
        assert 0 not in counts[1:]
        mask[top : top + height, left : left + width][pixels] = VALUES[element.attrib["label"]]
    return mask


@settings(deadline=None)
@given(mask=masks)
def test_a_mask_survives_the_way_through_cvat(mask: Any) -> None:
    tree = ElementTree.fromstring(to_cvat(result(mask)))
    (image,) = tree.iter("image")
    assert np.array_equal(read_cvat(image), mask)
    assert tree.findtext("version") == "1.1"
    listed = [label.findtext("name") for label in tree.iter("label")]
    assert listed[: len(CAMVID)] == list(CAMVID.names)
    assert {element.attrib["label"] for element in image.iter("mask")} <= set(listed)
    assert {label.findtext("type") for label in tree.iter("label")} == {"mask"}
    assert next(tree.iter("label")).findtext("color") == "#808080"


def test_cvats_own_example_is_a_mask_of_its_box() -> None:
    # The circle in CVAT's description of its format.
    counts = "3, 5, 7, 7, 5, 9, 3, 11, 2, 11, 2, 12, 1, 12, 1, 26, 1, 12, 1, 12, 2, 11, 3, 9, 5, 7, 7, 5, 3"
    image = ElementTree.Element("image", width="13", height="15")
    ElementTree.SubElement(image, "mask", label="sky", rle=counts, left="0", top="0", width="13", height="15")
    mask = read_cvat(image)
    written = ElementTree.fromstring(to_cvat(result(mask.astype(np.uint8))))
    assert next(written.iter("mask")).attrib["rle"] == counts


def test_cvat_shows_odd_names_in_xml_that_is_whole(tmp_path: Path) -> None:
    uri = "/a/--><x>&\"'--\x00\x1b[31m\udcff.png"
    odd = LabelSet("odd", ('a<b>&"c', "\x00\ud800", "天空"), distinct_palette(3))
    path = result(np.array([[0, 1, 2]], np.uint8), uri, labels=odd).save(tmp_path, "cvat")
    tree = ElementTree.parse(path).getroot()
    assert [mask.attrib["label"] for mask in tree.iter("mask")] == ['a<b>&"c', r"\x00\ud800", "天空"]
    assert next(tree.iter("image")).attrib["name"] == "--><x>&\"'--\\x00\\x1b[31m\\udcff.png"
    assert read_source(path) == uri


@settings(deadline=None)
@given(mask=masks)
def test_a_mask_survives_the_way_through_parquet(mask: Any) -> None:
    (row,) = pandas.read_parquet(io.BytesIO(parquet.encode([result(mask)], Path("street.parquet")))).itertuples()
    assert np.array_equal(np.repeat(row.values, row.lengths).reshape(row.height, row.width), mask)
    values, counts = np.unique(mask, return_counts=True)
    assert {area["value"]: area["pixels"] for area in row.classes} == dict(zip(values, counts, strict=True))


def unpack(numbers: list[int]) -> Any:
    """Label Studio's run lengths, bit by bit as its front end reads them."""
    bits = "".join(f"{number:08b}" for number in numbers)
    place = 0

    def take(size: int) -> int:
        nonlocal place
        place += size
        return int(bits[place - size : place], 2)

    total, value_bits = take(32), take(5) + 1
    length_bits = [take(4) + 1 for _ in range(4)]
    values: list[int] = []
    while len(values) < total:
        repeated = take(1)
        length = take(length_bits[take(2)]) + 1
        values += [take(value_bits)] * length if repeated else [take(value_bits) for _ in range(length)]
    assert len(values) == total
    assert len(bits) - place < 8, "nothing follows"
    return np.array(values)


@settings(deadline=None)
@given(mask=masks)
def test_a_mask_survives_the_way_through_label_studio(mask: Any) -> None:
    (task,) = to_labelstudio(result(mask, "https://a.example/street.jpg"))
    assert task["data"] == {"image": "https://a.example/street.jpg"}
    (prediction,) = task["predictions"]
    assert prediction["model_version"] == "m"
    back = np.full(mask.shape, 255)
    for region in prediction["result"]:
        assert (region["type"], region["from_name"], region["to_name"]) == ("brushlabels", "tag", "image")
        assert (region["original_height"], region["original_width"]) == mask.shape
        pixels = unpack(region["value"]["rle"]).reshape(*mask.shape, 4)
        assert (pixels == pixels[..., :1]).all()
        assert set(np.unique(pixels)) <= {0, 255}
        (label,) = region["value"]["brushlabels"]
        back[pixels[..., 3] == 255] = VALUES[label]
    assert np.array_equal(back, mask)
    assert len({region["id"] for region in prediction["result"]}) == len(prediction["result"])


@pytest.mark.parametrize(
    "counts", [[0, 16384], [16384, 1], [0, 16385], [40000, 2, 32768, 70000], [5], [0, 1], [1, 2, 4, 64]]
)
def test_runs_longer_than_a_block_are_cut(counts: list[int]) -> None:
    expected = np.repeat(np.arange(len(counts)) % 2 * 255, 4 * np.array(counts))
    assert np.array_equal(unpack(pack(np.array(counts))), expected)


def test_tags_of_a_label_studio_project_may_have_other_names(tmp_path: Path) -> None:
    path = result(np.array([[0]], np.uint8)).save(tmp_path, "labelstudio", from_name="brush", to_name="picture")
    assert path.name == "street_labelstudio.json"
    (task,) = json.loads(path.read_bytes())
    (region,) = task["predictions"][0]["result"]
    assert (region["from_name"], region["to_name"]) == ("brush", "picture")


SCORED = {
    "mask": np.array([[3, 3, 3, 0, 255]], np.uint8),
    "scores": np.array([[0.5, 0.25, 0.75, 1.0, 0.1]], np.float32),
}


def test_every_format_that_knows_scores_has_them() -> None:
    (task,) = to_labelstudio(result(**SCORED))
    assert [region["score"] for region in task["predictions"][0]["result"]] == [1.0, 0.5]


def test_a_table_has_a_row_for_every_class() -> None:
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    table = to_pandas(result(**SCORED))
    assert isinstance(table, pandas.DataFrame)
    assert list(table.columns) == ["value", "name", "color", "pixels", "share", "score"]
    assert table["name"].tolist() == ["road", "sky", "unknown"]
    assert table["pixels"].tolist() == [3, 1, 1]
    assert table["color"].tolist() == ["#804080", "#808080", "#e0e0c0"]
    assert table["share"].sum() == pytest.approx(1)
    assert table["score"].tolist() == pytest.approx([0.5, 1.0, 0.1])
    assert "score" not in result(SCORED["mask"]).to_pandas().columns


@pytest.fixture(scope="module")
def supervision() -> Any:
    with warnings.catch_warnings():
        # Without OpenCV it says that it will be slower.
        warnings.simplefilter("ignore")
        return pytest.importorskip("supervision", reason="supervision is not installed")


def test_detections_hold_a_mask_and_box_a_class(supervision: Any) -> None:
    mask = draw_scene(4, 60, 80).mask
    mask[:5] = 255
    found = to_supervision(result(mask, scores=np.full(mask.shape, 0.5, np.float32)))
    assert isinstance(found, supervision.Detections)
    assert sorted(found.class_id.tolist()) == sorted(set(np.unique(mask).tolist()) - {255})
    assert np.array_equal(found.mask, mask == found.class_id[:, None, None])
    assert np.array_equal(found.xyxy, supervision.mask_to_xyxy(found.mask))
    assert found.data["class_name"].tolist() == [CAMVID.names[value] for value in found.class_id]
    assert found.confidence.tolist() == [0.5] * len(found)
    assert result(mask).to_supervision().confidence is None
    assert len(result(np.full((2, 3), 255, np.uint8)).to_supervision()) == 0


@pytest.mark.parametrize(("package", "call"), [("pandas", to_pandas), ("supervision", to_supervision)])
def test_a_package_that_is_not_installed_is_asked_for(package: str, call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Hidden:
        def find_spec(self, name: str, path: object = None, target: object = None) -> None:
            if name == package:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.delitem(sys.modules, package, raising=False)
    monkeypatch.setattr(sys, "meta_path", [Hidden(), *sys.meta_path])
    with pytest.raises(OutputError, match=f"to_{package} needs the package {package}") as caught:
        call(result(SCORED["mask"]))
    assert caught.value.hint == f"Run: pip install {package}"


NAMES = {
    "json": "street.json",
    "overlay": "street_overlay.png",
    "color": "street_color.png",
    "mask": "street_mask.png",
    "side": "street_side.png",
    "coco": "street_coco.json",
    "geojson": "street.geojson",
    "labelme": "street.json",
    "cvat": "street_cvat.xml",
    "labelstudio": "street_labelstudio.json",
    "parquet": "street.parquet",
}


def test_the_list_of_formats_is_whole() -> None:
    assert set(NAMES) == set(FORMATS)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize(
    "uri", ["street.png", 'quo"te\\--.png', "newline\n.png", "bytes\udcff.png", "街道.png", "-" * 5000]
)
def test_a_file_of_every_format_tells_whose_it_is_and_is_replaced_by_its_own_input_only(
    form: Any, uri: str, tmp_path: Path
) -> None:
    mask = draw_scene(5, 40, 50).mask
    path = result(mask, uri).save(tmp_path, form)
    assert path == tmp_path / NAMES[form]
    assert read_source(path) == uri
    assert result(mask, uri).save(tmp_path, form) == path
    other = result(mask, "another").save(tmp_path, form)
    assert "~2" in other.name
    assert read_source(path) == uri
    with pytest.raises(OutputError, match="holds the result of another"):
        result(mask, uri).save(other, form)
    assert sorted(os.listdir(tmp_path)) == sorted([path.name, other.name])


@pytest.mark.parametrize("form", sorted(set(FORMATS) - {"json", "overlay", "color", "mask", "side"}))
def test_a_file_of_the_users_is_never_replaced(form: Any, tmp_path: Path) -> None:
    own = tmp_path / NAMES[form]
    own.write_text("mine")
    assert "~2" in result(SCORED["mask"]).save(tmp_path, form).name
    with pytest.raises(OutputError, match="is no file zoo wrote"):
        result(SCORED["mask"]).save(own, form)
    assert own.read_text() == "mine"


def test_a_source_of_the_greatest_length_is_found_again_in_every_format(tmp_path: Path) -> None:
    uri = "--" * 29_000
    for form in FORMATS:
        assert read_source(result(SCORED["mask"], uri).save(tmp_path / form, form)) == uri


@pytest.mark.parametrize(
    ("form", "name", "suffix"),
    [("coco", "x.png", ".json"), ("cvat", "x.json", ".xml"), ("geojson", "x.xml", ".geojson")],
)
def test_a_suffix_that_does_not_fit_a_format_is_refused(form: Any, name: str, suffix: str, tmp_path: Path) -> None:
    for thing in (result(SCORED["mask"]), Predictions(iter([]))):
        with pytest.raises(OutputError, match=rf"a name that ends with \{suffix}"):
            thing.save(tmp_path / name, form)


def test_an_unknown_format_and_an_option_it_does_not_have_are_refused(tmp_path: Path) -> None:
    for thing in (result(SCORED["mask"]), Predictions(iter([]))):
        with pytest.raises(
            OutputError, match=r"no format 'yolo'\. Expected one of: json, overlay, color, mask, side, coco"
        ):
            thing.save(tmp_path / "new", "yolo")
    with pytest.raises(TypeError, match="unexpected keyword argument 'tolerance'"):
        result(SCORED["mask"]).save(tmp_path, "coco", tolerance=1.0)
    assert os.listdir(tmp_path) == []


def test_options_reach_their_format(tmp_path: Path) -> None:
    item = result(np.tri(30, 30, dtype=np.uint8))
    plain = json.loads(item.save(tmp_path, "coco", compressed=False).read_bytes())
    assert isinstance(plain["annotations"][0]["segmentation"]["counts"], list)
    assert "mask" not in json.loads(item.save(tmp_path, "json", mask=None).read_bytes())
    simple = json.loads(item.save(tmp_path, "geojson", tolerance=2.0).read_bytes())
    assert max(len(feature["geometry"]["coordinates"][0]) for feature in simple["features"]) < 10


def run_of(*names: str) -> Iterator[Result]:
    for number, name in enumerate(names):
        yield result(np.full((2, 3), number, np.uint8), f"/p/{name}/img.png", name="img")


def test_the_results_of_a_run_become_a_file_each_in_a_folder(tmp_path: Path) -> None:
    for form in FORMATS:
        paths = Predictions(run_of("a", "b")).save(tmp_path / form, form)
        stem, dot, ending = NAMES[form].replace("street", "img").partition(".")
        kind = stem.removeprefix("img")
        assert [path.name for path in paths] == [f"img{kind}{dot}{ending}", f"img~2{kind}{dot}{ending}"]
        assert Predictions(run_of("a", "b")).save(tmp_path / form, form) == paths


READERS = {
    "coco": lambda path: [image["file_name"] for image in json.loads(path.read_bytes())["images"]],
    "cvat": lambda path: [image.attrib["name"] for image in ElementTree.parse(path).iter("image")],
    "labelstudio": lambda path: [task["data"]["image"].removeprefix("/p/") for task in json.loads(path.read_bytes())],
    "parquet": lambda path: [source.removeprefix("/p/") for source in pandas.read_parquet(path)["source"]],
}


@pytest.mark.parametrize(("form", "pictures"), READERS.items(), ids=READERS)
def test_the_results_of_a_run_become_one_file_if_it_is_named(form: Any, pictures: Any, tmp_path: Path) -> None:
    path = tmp_path / f"all{ {'cvat': '.xml', 'parquet': '.parquet'}.get(form, '.json') }"
    for _ in range(2):
        assert Predictions(run_of("a", "b", "c")).save(path, form) == [path]
    assert pictures(path) == ["a/img.png", "b/img.png", "c/img.png"]
    # Another run, though it begins with the same picture, is another owner.
    before = path.read_bytes()
    for others in (("a",), ("a", "b"), ("a", "b", "d")):
        with pytest.raises(OutputError, match=r"holds the result of 3 pictures, sha256:"):
            Predictions(run_of(*others)).save(path, form)
    assert path.read_bytes() == before
    with pytest.raises(OutputError, match="There is no result"):
        Predictions(iter([])).save(tmp_path / f"none{path.suffix}", form)
    assert os.listdir(tmp_path) == [path.name]


def test_a_format_of_one_picture_does_not_take_a_second(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"holds one picture a file"):
        Predictions(run_of("a", "b")).save(tmp_path / "x.geojson", "geojson")
    assert not list(tmp_path.iterdir())


def test_a_bad_path_is_reported_before_anything_is_computed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    def run() -> Iterator[Result]:
        pytest.fail("a result was computed")
        yield result(SCORED["mask"])

    for form in FORMATS:
        with pytest.raises(OutputError):
            Predictions(run()).save(tmp_path / "file", form)


CHILD = """
import os, resource, sys
import numpy as np
import zoo.results.formats
from zoo.errors import OutputError
from zoo.contract.labels import CAMVID
from zoo.results import FORMATS, Result
mask = np.random.default_rng(0).integers(0, 11, (150, 150), dtype=np.uint8)
image = np.random.default_rng(1).integers(0, 256, (150, 150, 3), dtype=np.uint8)
result = Result(mask, CAMVID, image, "large.png", "large.png", "m", "cpu", "e", {})
if sys.argv[1] == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))
else:
    os.chmod(sys.argv[2], 0o500)
    if os.geteuid() == 0:
        os.seteuid(65534)
for form in FORMATS:
    try:
        result.save(sys.argv[2], form)
    except OutputError as error:
        print(error.message)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits and rights of POSIX systems")
@pytest.mark.parametrize(("fault", "reason"), [("full", "File too large"), ("unwritable", "Permission denied")])
def test_a_full_disk_or_unwritable_folder_leaves_nothing_behind(fault: str, reason: str, tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [os.getcwd(), *sys.path]))}
    command = [sys.executable, "-c", CHILD, fault, str(tmp_path)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.count(reason) == len(FORMATS), done
    tmp_path.chmod(0o700)
    assert os.listdir(tmp_path) == []
