"""Results as data: the document and its schema, printing, and runs of predictions."""

from __future__ import annotations

import base64
import io
import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from scenes import draw_scene
from zoo.contract.labels import ADE20K, CAMVID, LabelSet
from zoo.errors import ConfigError, DecodeError, OutputError, SourceError
from zoo.results import Failure, Predictions, Result, decode_mask, with_min_score, with_palette

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


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft202012Validator:
    text = resources.files("zoo.results").joinpath("result.schema.json").read_text(encoding="utf-8")
    jsonschema.Draft202012Validator.check_schema(json.loads(text))
    return jsonschema.Draft202012Validator(json.loads(text))


def test_the_document_holds_what_the_result_knows() -> None:
    assert result().to_dict() == {
        "schema": "zoo.result/1",
        "source": "file:///street.png",
        "name": "street.png",
        "note": "",
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


def test_the_document_says_the_precision_and_why_this_engine_where_that_is_known() -> None:
    known = result(precision="bf16", why="asked for").to_dict(mask=None)
    assert (known["precision"], known["why"]) == ("bf16", "asked for")
    assert {"precision", "why"}.isdisjoint(result().to_dict())


@pytest.mark.parametrize("form", ["rle", "full", None])
@pytest.mark.parametrize(
    "mask", [np.array([[5]], np.uint8), np.array([[700, 255]], np.uint16), draw_scene(1, 64, 96).mask]
)
def test_every_document_keeps_the_schema(
    mask: Any, form: Any, schema: jsonschema.Draft202012Validator, tmp_path: Path
) -> None:
    for scores in (None, np.full(mask.shape, 0.25, np.float32)):
        item = result(mask=mask, scores=scores, note="first of 12 frames", precision="float32", why="asked for")
        schema.validate(json.loads(item.save_to_json(tmp_path, mask=form).read_bytes()))
        schema.validate(item.to_dict(form))


def test_documents_of_earlier_versions_are_read_and_valid(schema: jsonschema.Draft202012Validator) -> None:
    document = result(mask=np.array([[0, 255]], np.uint8)).to_dict()
    del document["note"]
    document["classes"][1]["name"] = "ignored"
    schema.validate(document)
    assert decode_mask(document).tolist() == [[0, 255]]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("schema", "zoo.result/2"),
        ("size", [2]),
        ("size", [0, 3]),
        ("classes", []),
        ("seconds", {"read": "x"}),
        ("new", 1),
        ("note", None),
        ("mask", {"encoding": "rle", "dtype": "uint8", "rows": [[0]]}),
        ("mask", {"encoding": "full", "dtype": "uint8", "values": [0], "lengths": [6]}),
        ("mask", {"encoding": "full", "dtype": "uint8", "rows": [[0]], "lengths": [6]}),
        ("mask", {"encoding": "full", "dtype": "uint8", "rows": [[0.5]]}),
    ],
)
def test_the_schema_refuses_other_documents(key: str, value: Any, schema: jsonschema.Draft202012Validator) -> None:
    assert not schema.is_valid({**result().to_dict(), key: value})


masks = st.sampled_from([np.uint8, np.uint16]).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12), fill=st.just(dtype(3)))
)


@settings(deadline=None)
@given(mask=masks, indent=st.sampled_from([None, 0, 4]), form=st.sampled_from(["rle", "full"]))
def test_a_mask_survives_the_way_through_json(mask: Any, indent: int | None, form: Any, tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.mktemp("json", numbered=True)
    path = result(mask=mask).save_to_json(folder, indent=indent, mask=form)
    back = decode_mask(json.loads(path.read_bytes()))
    assert back.dtype == mask.dtype
    assert np.array_equal(back, mask)


def test_a_mask_that_is_a_view_is_encoded_like_its_copy() -> None:
    mask = draw_scene(2, 40, 50).mask[::-2, ::3]
    assert np.array_equal(decode_mask(result(mask=mask).to_dict()), mask)


@settings(deadline=None)
@given(mask=masks)
def test_the_full_list_on_one_line_is_what_json_makes_of_it(mask: Any, tmp_path_factory: Any) -> None:
    item = result(mask=mask)
    written = item.save_to_json(tmp_path_factory.mktemp("full", numbered=True), indent=None, mask="full")
    expected = json.dumps(item.to_dict("full"), separators=(",", ":"), ensure_ascii=False)
    assert written.read_text(encoding="utf-8") == f"{expected}\n"
    assert item.to_dict("full")["mask"]["rows"] == mask.tolist()


@pytest.mark.parametrize("most", [19, 65536])
def test_the_full_list_of_a_large_mask_is_written_in_well_under_a_second(most: int) -> None:
    from zoo.results.masktext import mask_text

    mask = np.random.default_rng(0).integers(0, most, (1024, 2048)).astype(np.uint8 if most < 256 else np.uint16)
    began = time.process_time()
    text = mask_text(mask, "full", broken=True)
    assert time.process_time() - began < 0.6
    assert np.array_equal(np.array(json.loads(text)["rows"]), mask)


def test_every_row_of_the_full_list_has_its_line(tmp_path: Path) -> None:
    lines = result().save_to_json(tmp_path, mask="full").read_text(encoding="utf-8").splitlines()
    assert lines[-3:] == [
        '    "mask": {"encoding":"full","dtype":"uint8","rows":[[0,0,1],',
        "[1,3,3]]}",
        "}",
    ]


def test_the_form_of_a_mask_may_be_none_or_a_bool_and_nothing_else(tmp_path: Path) -> None:
    assert "mask" not in json.loads(result().save_to_json(tmp_path / "x.json", mask=None).read_bytes())
    assert result().to_dict(False) == result().to_dict(None)
    assert result().to_dict(True) == result().to_dict("rle")
    for call in (lambda: result().to_dict("png"), lambda: result().save_to_json(tmp_path / "new", mask="png")):
        with pytest.raises(OutputError, match=r"no form 'png' of a mask\. Expected one of: rle, full"):
            call()
    assert not (tmp_path / "new").exists()


DAMAGE = {
    "lengths do not add up": ({"lengths": [2, 2, 1]}, r"have 5 pixels, and 2x3 were expected"),
    "a length of 0": ({"lengths": [2, 4, 0]}, "mask.lengths holds 0"),
    "a negative length": ({"lengths": [2, 6, -2]}, "mask.lengths holds -2"),
    "fewer values": ({"values": [0, 1]}, "2 values but 3 lengths"),
    "a value too large": ({"values": [0, 1, 256]}, "mask.values holds 256"),
    "a bool": ({"values": [0, True, 3]}, "mask.values holds True"),
    "a float": ({"lengths": [2.0, 2, 2]}, "mask.lengths holds 2.0"),
    "no list": ({"values": "013"}, "mask.values is no list"),
    "another encoding": ({"encoding": "png"}, "`mask.encoding` is 'png'; expected rle or full"),
    "another dtype": ({"dtype": ["uint8"]}, r"`mask.dtype` is \['uint8'\]; expected uint8 or uint16"),
    "no rows": ({"encoding": "full"}, "mask.rows is no list"),
    "a row too few": ({"encoding": "full", "rows": [[0, 0, 1]]}, r"1 rows of \[3\] pixels, and 2x3 were expected"),
    "rows of two lengths": ({"encoding": "full", "rows": [[0, 0, 1], [1, 3]]}, r"2 rows of \[2, 3\] pixels"),
    "a number too large": ({"encoding": "full", "rows": [[0, 0, 1], [1, 3, 256]]}, r"mask.rows\[1\] holds 256"),
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
        ({"schema": "zoo.result/9"}, "The result document: `schema` is 'zoo.result/9'; expected zoo.result/1"),
        ({"schema": None}, "`schema` is None"),
        ({"size": [6]}, r"`size` is \[6\]; expected \[height, width\]"),
        ({"size": [1 << 20, 1 << 20]}, "at most"),
        ({"size": None}, "`size` is None"),
        ({"mask": None}, "`mask` is None"),
    ],
)
def test_a_document_of_another_kind_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(DecodeError, match=words):
        decode_mask({**result().to_dict(), **change})


def test_a_document_that_is_no_object_is_refused() -> None:
    with pytest.raises(DecodeError, match=r"The result document is \[1\]; expected a mapping"):
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


def test_two_names_of_one_option_may_agree_and_not_contradict(capsys: pytest.CaptureFixture[str]) -> None:
    result().print(json_format=False, format_json=False)
    assert capsys.readouterr().out.count("\n") == 1
    with pytest.raises(OutputError, match="json_format is True and format_json is False"):
        result().print(json_format=True, format_json=False)
    assert capsys.readouterr().out == ""


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
        {"scores": np.zeros((3, 2), np.float32)},
        {"scores": np.zeros((2, 3), np.float64)},
        {"scores": np.full((2, 3), np.nan, np.float32)},
        {"scores": np.full((2, 3), 1.01, np.float32)},
        {"scores": np.full((2, 3), -0.01, np.float32)},
    ],
)
def test_fields_that_contradict_each_other_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"expected|too many"):
        result(**changes)


def test_what_a_result_has_is_not_looked_for_in_a_run_without_a_word() -> None:
    run = Predictions(iter([result()]))
    for name in ("mask", "shares", "plot", "note"):
        with pytest.raises(AttributeError, match=rf"a result has it\. Take the only one, \.one\(\)\.{name},"):
            getattr(run, name)
    with pytest.raises(AttributeError, match=r"no attribute 'nothing'$"):
        _ = run.nothing
    with pytest.raises(TypeError, match=r"len\(list\(predictions\)\)"):
        len(run)
    assert run
    assert len(list(run)) == 1


def test_a_result_shows_briefly_what_it_is() -> None:
    shown = repr(result(mask=draw_scene(4, 64, 96).mask))
    assert "street.png" in shown
    assert "array" not in shown
    assert result().class_names == CAMVID.names
    assert result().palette == CAMVID.palette


SCORES = np.array([[0.5, 1.0, 0.25], [0.75, 0.7, 0.1]], np.float32)


def test_the_mean_score_of_a_class_is_that_of_its_pixels() -> None:
    item = result(scores=SCORES)
    assert item.mean_scores() == {"sky": 0.75, "building": 0.5, "road": pytest.approx(0.4)}
    assert [entry["score"] for entry in item.to_dict()["classes"]] == list(item.mean_scores().values())
    ones = result(mask=np.zeros((1500, 1000), np.uint8), scores=np.full((1500, 1000), 1, np.float32))
    assert ones.mean_scores() == {"sky": 1.0}


@pytest.mark.parametrize("call", [lambda item: item.mean_scores(), lambda item: with_min_score(item, 0.5)])
def test_without_scores_there_is_an_error_that_says_how_to_get_them(call: Any) -> None:
    with pytest.raises(OutputError, match=r"street\.png has no scores") as caught:
        call(result())
    assert caught.value.hint == "Use scores=True"


@settings(deadline=None)
@given(data=st.data(), mask=masks, least=st.floats(0, 1, width=32))
def test_pixels_below_the_least_score_become_unknown_and_the_others_stay(data: Any, mask: Any, least: float) -> None:
    scores = data.draw(hnp.arrays(np.float32, mask.shape, elements=st.floats(0, 1, width=32)))
    before = mask.copy()
    changed = with_min_score(result(mask=mask, scores=scores), least)
    assert np.array_equal(changed.mask, np.where(scores < least, 255, before))
    assert changed.mask.dtype == mask.dtype
    assert np.array_equal(mask, before)
    assert changed.scores is scores


def test_unknown_pixels_are_called_so_and_counted() -> None:
    changed = with_min_score(result(scores=SCORES), 0.7)
    assert changed.mask.tolist() == [[255, 0, 255], [1, 3, 255]]
    assert changed.areas() == {"unknown": 3, "sky": 1, "building": 1, "road": 1}
    assert changed.mean_scores()["unknown"] == pytest.approx((0.5 + 0.25 + 0.1) / 3)


def test_a_mask_grows_where_the_ignore_index_needs_it() -> None:
    wide = LabelSet("wide", CAMVID.names, CAMVID.palette, ignore_index=65535)
    changed = with_min_score(result(labels=wide, scores=SCORES), 0.3)
    assert changed.mask.dtype == np.uint16
    assert changed.areas()["unknown"] == 2


@pytest.mark.parametrize("least", [-0.1, 1.1, float("nan")])
def test_a_least_score_outside_of_zero_to_one_is_refused(least: float) -> None:
    with pytest.raises(OutputError, match="A number from 0 to 1 was expected"):
        with_min_score(result(scores=SCORES), least)


@pytest.mark.parametrize("index", [-1, 65536])
def test_an_ignore_index_no_mask_can_hold_is_refused(index: int) -> None:
    odd = LabelSet("odd", CAMVID.names, CAMVID.palette, ignore_index=index)
    with pytest.raises(OutputError, match=f"ignore index of the label set 'odd' is {index}"):
        with_min_score(result(labels=odd, scores=SCORES), 0.5)


def test_a_palette_replaces_the_colours_and_nothing_else() -> None:
    colors = [(n, 2 * n, 255 - n) for n in range(len(CAMVID))]
    for palette in (colors, np.array(colors), [f"#{bytes(color).hex()}" for color in colors]):
        changed = with_palette(result(), palette)
        assert changed.palette == tuple(colors)
        assert changed.color()[0, 2].tolist() == [1, 2, 254]
        assert changed.areas() == result().areas()


def test_a_palette_by_name_leaves_the_other_colours() -> None:
    changed = with_palette(result(), {"road": "#0a0B0c", "sky": np.array([1, 2, 3])})
    expected = {**dict(zip(CAMVID.names, CAMVID.palette, strict=True)), "road": (10, 11, 12), "sky": (1, 2, 3)}
    assert dict(zip(changed.class_names, changed.palette, strict=True)) == expected
    screens = {f"screen ({value})": (value, 0, 0) for value, name in enumerate(ADE20K.names) if name == "screen"}
    assert len(screens) == 2
    painted = with_palette(result(labels=ADE20K), screens).palette
    assert all(painted[color[0]] == color for color in screens.values())


PALETTES = {
    "too few": ([(0, 0, 0)] * 10, "10 colours. 11 were expected", "Give a colour for every class"),
    "a text": ("#000000", "0 colours. 11 were expected", "Give a colour for every class"),
    "a number": (7, "0 colours. 11 were expected", "Give a colour for every class"),
    "no class": ({"raod": "#000000"}, "'raod' is no class of the label set 'camvid'", r"Did you mean road\?"),
    "another case": ({"Sky": "#000000"}, "'Sky' is no class", r"Did you mean sky"),
    "nothing like it": ({"zzz": "#000000"}, "'zzz' is no class", "Its classes are sky, building, pole"),
    "no name": ({3: "#000000"}, "3 is no class", "Its classes are sky"),
    "a short colour": ({"sky": "#000"}, "colour of sky is '#000'", 'as "#804080"'),
    "a large channel": ({"sky": (0, 0, 256)}, r"colour of sky is \(0, 0, 256\)", "#804080"),
    "a negative channel": ({"sky": (0, -1, 0)}, r"colour of sky is \(0, -1, 0\)", "#804080"),
    "a fraction": ({"sky": (0.5, 0, 0)}, r"colour of sky is \(0\.5, 0, 0\)", "#804080"),
    "a bool": ({"sky": (True, 0, 0)}, r"colour of sky is \(True, 0, 0\)", "#804080"),
    "two channels": ({"sky": (1, 2)}, r"colour of sky is \(1, 2\)", "#804080"),
    "control characters": ({"sky": "\x1b[31m"}, r"colour of sky is '\\x1b\[31m'", "#804080"),
}


@pytest.mark.parametrize(("palette", "fact", "hint"), PALETTES.values(), ids=PALETTES)
def test_a_palette_that_does_not_fit_is_refused(palette: Any, fact: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=fact) as caught:
        with_palette(result(), palette)
    assert re.search(hint, caught.value.hint)


def test_a_class_name_that_stands_twice_is_asked_for_by_its_value() -> None:
    with pytest.raises(ConfigError) as caught:
        with_palette(result(labels=ADE20K), {"screen": "#000000"})
    assert caught.value.hint.startswith("Did you mean screen (58), screen (130)")


NAUGHTY = "<script>alert(1)</script>\x1b[31m.png"


def test_a_notebook_shows_a_small_picture_and_a_safe_table() -> None:
    scene = draw_scene(6, 900, 1400)
    item = result(NAUGHTY, scene.mask, image=scene.image, note="first of <2> frames", model="a<b")
    page = item._repr_html_()
    assert len(page) < 300_000
    assert not re.search(r"<script|<2>|a<b|\x1b", page)
    tree = ElementTree.fromstring(re.sub(r"<img([^>]*)>", r"<img\1/>", page))
    assert [row[1].text for row in tree.iter("tr")][1:] == list(item.areas())
    (source,) = (image.attrib["src"] for image in tree.iter("img"))
    with Image.open(io.BytesIO(base64.b64decode(source.partition("base64,")[2]))) as picture:
        assert picture.size == (640, 411)
        shown = np.asarray(picture)
    near = np.asarray(Image.fromarray(item.overlay(legend=False)).resize((640, 411)))
    assert np.abs(shown.astype(int) - near).mean() < 8
    with Image.open(io.BytesIO(item._repr_png_())) as picture:
        assert picture.format == "PNG"
        assert picture.width == 640


def test_a_notebook_shows_scores_and_sums_up_very_many_classes() -> None:
    mask = np.resize(np.arange(300, dtype=np.uint16), (40, 40))
    page = result(mask=mask, scores=np.full(mask.shape, 0.5, np.float32))._repr_html_()
    assert page.count("<td>0.50</td>") == 32
    assert "268 more" in page
    assert result(mask=np.zeros((1, 1), np.uint8))._repr_png_()[:4] == b"\x89PNG"


def broken(name: str) -> Failure:
    return Failure(name, f"file:///{name}", DecodeError(f"{name} is empty.", "Copy it again."))


def test_predictions_yield_results_and_collect_failures_as_they_come() -> None:
    run = Predictions(iter([result("a.png"), broken("b.png"), result("c.png"), broken("d.png")]))
    assert next(run).name == "a.png"
    assert run.failures == ()
    assert [item.name for item in run] == ["c.png"]
    assert [failure.name for failure in run.failures] == ["b.png", "d.png"]


@pytest.mark.parametrize(
    "again",
    [list, Predictions.one, lambda run: run.save_to_img("out"), lambda run: run.save("out", "json"), Predictions.show],
    ids=["loop", "one", "save_to_img", "save", "show"],
)
def test_a_run_that_is_used_a_second_time_says_so(again: Callable[[Predictions], object], tmp_path: Path) -> None:
    run = Predictions(iter([result("a.png"), broken("b.png"), result("c.png")]))
    assert len(list(run)) == 2
    with pytest.raises(SourceError) as caught:
        again(run)
    assert str(caught.value) == (
        "The run is over: it passes once. Results that it handed out: 2.\n"
        "Keep them: results = list(model.predict(...)). Or call predict again."
    )
    assert next(run, None) is None  # as with every iterator


def test_a_run_that_an_error_ended_says_so() -> None:
    def failing() -> Iterator[Result]:
        yield result("a.png")
        raise DecodeError("b.png is empty.", "Copy it again.")

    run = Predictions(failing())
    with pytest.raises(DecodeError):
        list(run)
    with pytest.raises(SourceError, match="The run is over"):
        list(run)


def test_a_run_goes_on_where_a_loop_left_it() -> None:
    run = Predictions(iter([result("a.png"), result("b.png"), result("c.png")]))
    assert [item.name for item, _ in zip(run, range(1), strict=False)] == ["a.png"]
    assert "take the only one with .one()" in repr(run)
    assert len(list(run)) in (1, 2)  # zip takes one more than it gives
    assert repr(run) == "<Predictions: 3 handed out; the run is over>"


def test_a_place_in_a_run_is_refused_with_what_helps() -> None:
    with pytest.raises(TypeError, match=r"\.one\(\), or keep them all with list"):
        Predictions(iter([result()]))[0]


def test_what_is_shown_of_a_result_is_one_short_line() -> None:
    assert repr(result("a.png")) == "<Result of 'a.png': {}x{}, {} classes, {} on {}>".format(
        *result().mask.shape, len(result().labels), result().model, result().device
    )


def test_one_returns_the_only_result() -> None:
    only = result()
    assert Predictions(iter([broken("b.png"), only])).one() is only


@pytest.mark.parametrize(("count", "words"), [(0, "gave 0 results"), (3, "gave 3 results, and exactly one")])
def test_one_says_how_many_there_were(count: int, words: str) -> None:
    run = Predictions(iter([result(f"{n}.png") for n in range(count)]))
    with pytest.raises(SourceError, match=words):
        run.one()
    with pytest.raises(SourceError, match="The run is over"):
        list(run)


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
    with pytest.raises(SourceError, match="The run is over"):
        list(predictions)
    Predictions(iter([result()])).close()
