"""Results as data: the document and its schema, printing, and runs of predictions."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from zoo.errors import DecodeError, OutputError, SourceError
from zoo.labels import CAMVID
from zoo.results import Failure, Predictions, Result, decode_mask
from zoo.testing.scenes import draw_scene

SECONDS = {"read": 0.01, "preprocess": 0.002, "inference": np.float32(0.05), "postprocess": 0.003}


def result(name: str = "street.png", mask: Any = None, **changes: Any) -> Result:
    mask = np.array([[0, 0, 1], [1, 3, 3]], np.uint8) if mask is None else mask
    fields = {
        "labels": CAMVID,
        "image": np.zeros((*mask.shape, 3), np.uint8),
        "uri": f"file:///{name}",
        "model": "PP-LiteSeg-T",
        "device": "cpu",
        "engine": "paddle 3.2.2, onednn off, 2 threads",
        "seconds": SECONDS,
    }
    return Result(mask, name=name, **{**fields, **changes})


TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float)}
SIMPLE = {
    "type": lambda value, wanted: isinstance(value, TYPES[wanted]) and not isinstance(value, bool),
    "const": lambda value, wanted: value == wanted,
    "enum": lambda value, wanted: value in wanted,
    "minimum": lambda value, wanted: value >= wanted,
    "maximum": lambda value, wanted: value <= wanted,
    "minItems": lambda value, wanted: len(value) >= wanted,
    "maxItems": lambda value, wanted: len(value) <= wanted,
    "required": lambda value, wanted: set(wanted) <= set(value),
}


def check(value: Any, schema: dict[str, Any], where: str = "document") -> None:
    """A validator of the part of JSON Schema that the shipped schema uses; other keywords fail."""
    rules = {key: rule for key, rule in schema.items() if key not in ("$schema", "$id", "title", "description")}
    properties, others = rules.pop("properties", {}), rules.pop("additionalProperties", True)
    items = rules.pop("items", None)
    for rule, wanted in rules.items():
        assert SIMPLE[rule](value, wanted), f"{where}: {value!r:.80} breaks {rule} {wanted}"
    if items is not None:
        for index, item in enumerate(value):
            check(item, items, f"{where}[{index}]")
    for key in value if isinstance(value, dict) else ():
        inner = properties.get(key, others)
        assert inner is not False, f"{where}: {key} is not allowed"
        if inner is not True:
            check(value[key], inner, f"{where}.{key}")


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return json.loads(resources.files("zoo.results").joinpath("result.schema.json").read_text(encoding="utf-8"))


def test_the_document_holds_what_the_result_knows() -> None:
    assert result().to_dict() == {
        "schema": "zoo.result/1",
        "source": "file:///street.png",
        "name": "street.png",
        "model": "PP-LiteSeg-T",
        "device": "cpu",
        "engine": "paddle 3.2.2, onednn off, 2 threads",
        "size": [2, 3],
        "seconds": {"read": 0.01, "preprocess": 0.002, "inference": pytest.approx(0.05), "postprocess": 0.003},
        "ignore_index": 255,
        "classes": [
            {"value": 0, "name": "sky", "color": [128, 128, 128], "pixels": 2, "share": 2 / 6},
            {"value": 1, "name": "building", "color": [128, 0, 0], "pixels": 2, "share": 2 / 6},
            {"value": 3, "name": "road", "color": [128, 64, 128], "pixels": 2, "share": 2 / 6},
        ],
        "labels": list(CAMVID.names),
        "mask": {"encoding": "rle", "dtype": "uint8", "values": [0, 1, 3], "lengths": [2, 2, 2]},
    }


@pytest.mark.parametrize(
    "mask", [np.array([[5]], np.uint8), np.array([[700, 255]], np.uint16), draw_scene(1, 64, 96).mask]
)
def test_every_document_keeps_the_schema(mask: Any, schema: dict[str, Any], tmp_path: Path) -> None:
    check(json.loads(result(mask=mask).save_to_json(tmp_path).read_bytes()), schema)
    check(result(mask=mask).to_dict(mask=False), schema)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("schema", "zoo.result/2"),
        ("size", [2]),
        ("size", [0, 3]),
        ("classes", []),
        ("seconds", {"read": "x"}),
        ("new", 1),
    ],
)
def test_the_schema_refuses_other_documents(key: str, value: Any, schema: dict[str, Any]) -> None:
    with pytest.raises(AssertionError):
        check({**result().to_dict(), key: value}, schema)


masks = st.sampled_from([np.uint8, np.uint16]).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12), fill=st.just(dtype(3)))
)


@given(mask=masks, indent=st.sampled_from([None, 0, 4]))
def test_a_mask_survives_the_way_through_json(mask: Any, indent: int | None, tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.mktemp("json", numbered=True)
    path = result(mask=mask).save_to_json(folder, indent=indent)
    back = decode_mask(json.loads(path.read_bytes()))
    assert back.dtype == mask.dtype
    assert np.array_equal(back, mask)


def test_a_mask_that_is_a_view_is_encoded_like_its_copy() -> None:
    mask = draw_scene(2, 40, 50).mask[::-2, ::3]
    assert np.array_equal(decode_mask(result(mask=mask).to_dict()), mask)


DAMAGE = {
    "lengths do not add up": ({"lengths": [2, 2, 1]}, r"have 5 pixels, and 2x3 were expected"),
    "a length of 0": ({"lengths": [2, 4, 0]}, "mask.lengths holds 0"),
    "a negative length": ({"lengths": [2, 6, -2]}, "mask.lengths holds -2"),
    "fewer values": ({"values": [0, 1]}, "2 values but 3 lengths"),
    "a value too large": ({"values": [0, 1, 256]}, "mask.values holds 256"),
    "a bool": ({"values": [0, True, 3]}, "mask.values holds True"),
    "a float": ({"lengths": [2.0, 2, 2]}, "mask.lengths holds 2.0"),
    "no list": ({"values": "013"}, "mask.values is no list"),
    "another encoding": ({"encoding": "png"}, "'rle' with 'uint8' or 'uint16' was expected"),
    "another dtype": ({"dtype": ["uint8"]}, "'rle' with 'uint8' or 'uint16' was expected"),
    "a bomb": ({"lengths": [2, 2, 10**15]}, "mask.lengths holds 1000000000000000"),
}


@pytest.mark.parametrize(("change", "words"), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_mask_is_refused(change: dict[str, Any], words: str) -> None:
    document = result().to_dict()
    with pytest.raises(DecodeError, match=words):
        decode_mask({**document, "mask": {**document["mask"], **change}})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"schema": "zoo.result/9"}, "zoo.result/1' was expected"),
        ({"schema": None}, "its schema is None"),
        ({"size": [6]}, r"its size is \[6\]"),
        ({"size": [1 << 20, 1 << 20]}, "at most"),
        ({"size": None}, "its size is no list"),
        ({"mask": None}, "it has no mask"),
    ],
)
def test_a_document_of_another_kind_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(DecodeError, match=words):
        decode_mask({**result().to_dict(), **change})


def test_a_document_that_is_no_object_is_refused() -> None:
    with pytest.raises(DecodeError, match="it is a list"):
        decode_mask(json.loads("[1]"))


def test_a_readable_document_keeps_its_mask_on_one_line(tmp_path: Path) -> None:
    path = result(mask=draw_scene(3, 64, 96).mask).save_to_json(tmp_path)
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[1] == '    "schema": "zoo.result/1",'
    assert lines[-2].startswith('    "mask": {"encoding":"rle"')
    assert len(result().save_to_json(tmp_path, indent=None).read_text(encoding="utf-8").splitlines()) == 1


def test_ensure_ascii_and_names_that_are_no_text_are_escaped(tmp_path: Path) -> None:
    assert "街" in result("街.png").save_to_json(tmp_path).read_text(encoding="utf-8")
    assert result("街.png").save_to_json(tmp_path, ensure_ascii=True).read_bytes().isascii()
    odd = "bytes\udcff\x1b[31m\u202e.png"
    written = result(odd).save_to_json(tmp_path).read_bytes()
    assert written.isascii()
    assert json.loads(written)["name"] == odd


@pytest.mark.parametrize("call", [{}, {"json_format": True, "indent": 4}, {"format_json": True, "ensure_ascii": False}])
def test_print_shows_the_summary_without_the_mask(call: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    result("街.png").print(**call)
    out = capsys.readouterr().out
    assert json.loads(out) == result("街.png").to_dict(mask=False)
    assert '\n    "name": "街.png",\n' in out
    assert "mask" not in out


@pytest.mark.parametrize("call", [{"json_format": False}, {"format_json": False}])
def test_print_without_format_is_one_line(call: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    result().print(**call)
    assert capsys.readouterr().out.count("\n") == 1


def test_print_escapes_what_the_terminal_cannot_show(monkeypatch: pytest.MonkeyPatch) -> None:
    for encoding, name in (("ascii", "街😀é.png"), ("utf-8", "clear\x9b2J\u202e\udcff.png")):
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        monkeypatch.setattr(sys, "stdout", stream)
        result(name).print()
        stream.flush()
        shown = stream.buffer.getvalue()
        assert shown.isascii()
        assert json.loads(shown)["name"] == name


@pytest.mark.parametrize(
    "changes",
    [
        {"mask": np.zeros((2, 3, 1), np.uint8)},
        {"mask": np.zeros((0, 3), np.uint8)},
        {"mask": np.zeros((2, 3), np.int64)},
        {"image": np.zeros((3, 2, 3), np.uint8)},
        {"image": np.zeros((2, 3, 3), np.float32)},
        {"seconds": {"read": float("nan")}},
        {"uri": "x" * 70_000},
    ],
)
def test_fields_that_contradict_each_other_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"expected|too many"):
        result(**changes)


def test_a_result_shows_briefly_what_it_is() -> None:
    shown = repr(result(mask=draw_scene(4, 64, 96).mask))
    assert "street.png" in shown
    assert "array" not in shown
    assert result().class_names == CAMVID.names
    assert result().palette == CAMVID.palette


def broken(name: str) -> Failure:
    return Failure(name, f"file:///{name}", DecodeError(f"{name} is empty.", "Copy it again."))


def test_predictions_yield_results_and_collect_failures_as_they_come() -> None:
    run = Predictions(iter([result("a.png"), broken("b.png"), result("c.png"), broken("d.png")]))
    assert next(run).name == "a.png"
    assert run.failures == ()
    assert [item.name for item in run] == ["c.png"]
    assert [failure.name for failure in run.failures] == ["b.png", "d.png"]
    assert list(run) == []


def test_one_returns_the_only_result() -> None:
    only = result()
    assert Predictions(iter([broken("b.png"), only])).one() is only


@pytest.mark.parametrize(("count", "words"), [(0, "gave 0 results"), (3, "gave 3 results, and exactly one")])
def test_one_says_how_many_there_were(count: int, words: str) -> None:
    run = Predictions(iter([result(f"{n}.png") for n in range(count)]))
    with pytest.raises(SourceError, match=words):
        run.one()
    assert list(run) == []


def test_one_says_why_there_was_none() -> None:
    with pytest.raises(SourceError) as caught:
        Predictions(iter([broken("b.png")])).one()
    assert str(caught.value) == "The run gave 0 results, and exactly one was expected. b.png is empty.\nCopy it again."
    assert isinstance(caught.value.__cause__, DecodeError)


def test_everything_left_is_saved_in_order(tmp_path: Path) -> None:
    run = Predictions(iter([result("a.png"), result("b.png"), broken("x.png"), result("b.png", uri="other/b.png")]))
    next(run)
    assert [path.name for path in run.save_to_img(tmp_path, kind="mask")] == ["b_mask.png", "b~2_mask.png"]
    assert len(run.failures) == 1
    names = [path.name for path in Predictions(iter([result("a.png"), result("b.png")])).save_to_json(tmp_path / "new")]
    assert names == ["a.json", "b.json"]


def test_a_bad_folder_is_reported_before_anything_is_computed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    def run() -> Iterator[Result]:
        pytest.fail("a result was computed")
        yield result()

    with pytest.raises(OutputError):
        Predictions(run()).save_to_img(tmp_path / "file")
    with pytest.raises(OutputError):
        Predictions(run()).save_to_img(tmp_path, kind="masks")
    with pytest.raises(OutputError):
        Predictions(run()).save_to_json(tmp_path / "x.png")


def test_outputs_before_a_failure_stay(tmp_path: Path) -> None:
    def run() -> Iterator[Result]:
        yield result("a.png")
        raise DecodeError("b.png is empty.", "Copy it again.")

    with pytest.raises(DecodeError):
        Predictions(run()).save_to_img(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a_overlay.png"]


def test_closing_ends_the_run_and_its_generator() -> None:
    ended: list[bool] = []

    def run() -> Iterator[Result]:
        try:
            yield result("a.png")
            yield result("b.png")
        finally:
            ended.append(True)

    predictions = Predictions(run())
    next(predictions)
    predictions.close()
    assert ended == [True]
    assert list(predictions) == []
    Predictions(iter([result()])).close()
