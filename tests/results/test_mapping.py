"""Label mappings: classes selected, merged and renamed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from zoo.contract.labels import ADE20K, CAMVID, CITYSCAPES, LabelSet, distinct_palette
from zoo.contract.labels.conversions import CITYSCAPES_IDS, CONVERSIONS
from zoo.contract.labels.mapping import LabelMapping
from zoo.errors import ConfigError
from zoo.results.mapping import read_mapping

STREET = {"labels": {"ground": ["road", "pavement"], "vehicles": ["car"], "sky": ["sky"]}}


def test_classes_are_selected_merged_and_renamed_and_the_rest_is_unknown() -> None:
    mapping = read_mapping(STREET, CAMVID)
    assert mapping.labels.names == ("ground", "vehicles", "sky")
    assert mapping.labels.ignore_index == 255
    mask = np.array([[3, 4, 8], [0, 1, 255]], np.uint8)
    assert mapping.apply(mask).tolist() == [[0, 0, 1], [2, 255, 255]]


def test_the_rest_is_kept_behind_the_new_classes_if_asked_for() -> None:
    mapping = read_mapping({**STREET, "rest": "keep"}, CAMVID)
    assert mapping.labels.names == (
        *("ground", "vehicles", "sky"),
        *("building", "pole", "tree", "sign_symbol", "fence", "pedestrian", "bicyclist"),
    )
    assert mapping.apply(np.arange(11, dtype=np.uint8)).tolist() == [2, 3, 4, 0, 0, 5, 6, 7, 1, 8, 9]
    assert mapping.labels.palette[3:] == tuple(CAMVID.palette[index] for index in (1, 2, 5, 6, 7, 9, 10))


def test_a_new_class_has_the_colour_it_is_given_or_that_of_its_first_class() -> None:
    mapping = read_mapping({**STREET, "colors": {"vehicles": "#010203", "sky": [4, 5, 6]}}, CAMVID)
    assert mapping.labels.palette == (CAMVID.palette[3], (1, 2, 3), (4, 5, 6))


def test_a_file_is_read_like_its_content(tmp_path: Path) -> None:
    path = tmp_path / "street.yaml"
    path.write_text('labels:\n  ground: [road, pavement]\n  sky: [sky]\ncolors: {ground: "#804080"}\nrest: drop\n')
    expected = read_mapping(yaml.safe_load(path.read_text()), CAMVID)
    for given_path in (path, str(path)):
        mapping = read_mapping(given_path, CAMVID)
        assert (mapping.labels.names, mapping.table) == (expected.labels.names, expected.table)
        assert mapping.name == mapping.labels.name == "street"


@settings(deadline=None)
@given(data=st.data(), dtype=st.sampled_from([np.uint8, np.uint16]))
def test_every_pixel_is_mapped_by_the_table(data: Any, dtype: Any) -> None:
    size = data.draw(st.integers(1, 20))
    classes = data.draw(st.integers(1, 6))
    ignored = data.draw(st.sampled_from([0, 255, 256, 65535]))
    labels = LabelSet("new", tuple(f"c{n}" for n in range(classes)), distinct_palette(classes), ignored)
    table = data.draw(st.lists(st.sampled_from([*range(classes), ignored]), min_size=size, max_size=size))
    most = np.iinfo(dtype).max
    mask = data.draw(hnp.arrays(dtype, (4, 5), elements=st.sampled_from([0, 1, 5, 19, 20, 255, most])))
    before = mask.copy()
    mapped = LabelMapping("m", labels, tuple(table)).apply(mask)
    expected = [[table[value] if value < size else ignored for value in row] for row in mask.tolist()]
    assert mapped.tolist() == expected
    assert mapped.dtype == (np.uint8 if max(*table, ignored) < 256 else np.uint16)
    assert np.array_equal(mask, before)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"table": (0, 2)}, r"maps to \[2\]"),
        ({"table": (0, -1)}, r"maps to \[-1\]"),
        ({"table": ()}, "empty table"),
        ({"source": CAMVID}, "table of 2 values for 11 classes"),
        ({"labels": LabelSet("x", ("a", "b"), distinct_palette(2), -1)}, "ignore index -1"),
        ({"labels": LabelSet("x", ("a", "b"), distinct_palette(2), 65536)}, "ignore index 65536"),
    ],
)
def test_a_table_that_contradicts_its_labels_is_refused(changes: dict[str, Any], words: str) -> None:
    fields = {"name": "m", "labels": LabelSet("x", ("a", "b"), distinct_palette(2)), "table": (0, 1), **changes}
    with pytest.raises(ValueError, match=words):
        LabelMapping(**fields)


def test_only_masks_are_mapped() -> None:
    with pytest.raises(ValueError, match="mask is int64; expected uint8 or uint16"):
        read_mapping(STREET, CAMVID).apply(np.zeros((2, 2), np.int64))


def test_the_ignore_index_is_never_a_new_class() -> None:
    void = LabelSet("void", ("void", "road"), distinct_palette(2), ignore_index=0)
    mapping = read_mapping({"labels": {"street": ["road"]}}, void)
    assert mapping.labels.ignore_index == 255
    assert mapping.apply(np.array([0, 1, 7], np.uint8)).tolist() == [255, 0, 255]
    many = LabelSet("many", tuple(f"c{n}" for n in range(256)), distinct_palette(256))
    kept = read_mapping({"labels": {"first": ["c0"]}, "rest": "keep"}, many)
    assert kept.labels.ignore_index == 65535
    assert kept.apply(np.array([0, 255, 256], np.uint16)).tolist() == [0, 255, 65535]


def test_a_name_that_stands_twice_is_meant_with_its_value() -> None:
    first, second = (value for value, name in enumerate(ADE20K.names) if name == "screen")
    mapping = read_mapping({"labels": {"screen": [f"screen ({first})", f"screen ({second})"]}}, ADE20K)
    assert {value for value, new in enumerate(mapping.table) if new == 0} == {first, second}


FORM = "Write it as `labels:"
WRONG = {
    "an unknown key": ({"labls": {}}, "`labls` is not a key of a label mapping", "Did you mean `labels`?"),
    "a key of another kind": (
        {"labels": {"a": ["sky"]}, 7: 1},
        "has a key that is 7, which is no text",
        FORM,
    ),
    "no labels": ({"rest": "keep"}, "has no `labels`", "Add it: `labels: ...`"),
    "empty labels": ({"labels": {}}, "`labels` is {}; expected a mapping of new classes", FORM),
    "a list of labels": (
        {"labels": ["sky"]},
        r"`labels` is \['sky'\]; expected a mapping of new classes",
        FORM,
    ),
    "an empty class": (
        {"labels": {"a": []}},
        r"`labels.a` is \[\]; expected a list of classes",
        FORM,
    ),
    "a class without list": (
        {"labels": {"a": "sky"}},
        "`labels.a` is 'sky'; expected a list of classes",
        FORM,
    ),
    "a name that is none": (
        {"labels": {True: ["sky"]}},
        "has a key that is True, which is no text",
        FORM,
    ),
    "a blank name": ({"labels": {" ": ["sky"]}}, "class called ' '", "Put the name in quotes."),
    "no such class": ({"labels": {"a": ["skye"]}}, "'skye' is no class of the label set 'camvid'", "Did you mean sky?"),
    "a class that is no text": ({"labels": {"a": [3]}}, "3 is no class of", "Its classes are sky, building,"),
    "used twice in one": ({"labels": {"a": ["sky", "sky"]}}, "'sky' twice: for 'a' and for 'a'", "Take it out of one"),
    "used twice": ({"labels": {"a": ["sky"], "b": ["sky"]}}, "'sky' twice: for 'a' and for 'b'", "Take it out of one"),
    "kept beside itself": (
        {"labels": {"road": ["pavement"]}, "rest": "keep"},
        "makes a class 'road', and keeps the one",
        "Add it to the list of classes that make up 'road', or choose another name.",
    ),
    "another rest": (
        {"labels": {"a": ["sky"]}, "rest": "all"},
        "`rest` is 'all'; expected drop or keep",
        FORM,
    ),
    "a colour of no class": (
        {"labels": {"cars": ["car"]}, "colors": {"car": "#000000"}},
        "'car' is no class of the new label set",
        "Did you mean cars?",
    ),
    "a colour that is none": (
        {"labels": {"a": ["sky"]}, "colors": {"a": "red"}},
        "colour of a is 'red'",
        'Write a colour as (128, 64, 128) or as "#804080".',
    ),
    "colours that are none": (
        {"labels": {"a": ["sky"]}, "colors": "red"},
        "`colors` is 'red'; expected a mapping of new classes to their colours",
        FORM,
    ),
}


@pytest.mark.parametrize(("content", "fact", "hint"), WRONG.values(), ids=WRONG)
def test_a_mapping_that_is_not_understood_is_refused(content: Any, fact: str, hint: str, tmp_path: Path) -> None:
    path = tmp_path / "classes.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    for form in (content, path):
        with pytest.raises(ConfigError, match=fact) as caught:
            read_mapping(form, CAMVID)
        assert caught.value.hint.startswith(hint)
        assert ("classes.yaml, line " in caught.value.message) == (form is path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"labels: [", "cannot be parsed"),
        (b"- a", "holds a list"),
        (b"labels: {a: [sky], a: [car]}", "line 1: the file has the key 'a' twice"),
        (b"labels: &x {a: [sky]}\nrest: *x", "line 2: the file has an alias"),
        (b"labels: \xff", "is not UTF-8"),
    ],
)
def test_a_file_that_is_no_small_mapping_is_refused(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "classes.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=words) as caught:
        read_mapping(path, CAMVID)
    assert "classes.yaml" in caught.value.message
    assert caught.value.hint.startswith(FORM)


def test_a_name_that_is_neither_a_file_nor_known_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"'cityscape-ids' is not a label mapping") as caught:
        read_mapping("cityscape-ids", CITYSCAPES)
    assert caught.value.hint == "Did you mean cityscapes-ids?"
    with pytest.raises(ConfigError) as caught:
        read_mapping("none.yaml", CITYSCAPES)
    assert (
        caught.value.hint == "Give a YAML file, or one of: cityscapes-ids, cityscapes-trainids, ade20k-to-cityscapes."
    )


@pytest.mark.parametrize("name", CONVERSIONS)
def test_a_built_in_mapping_is_for_its_classes_only(name: str) -> None:
    source = CONVERSIONS[name].source
    assert read_mapping(name, source) is CONVERSIONS[name].mapping
    assert len(CONVERSIONS[name].mapping.table) == len(source)
    with pytest.raises(ConfigError, match=f"{name} starts from the {len(source)} classes of {source.name}"):
        read_mapping(name, CAMVID)
    with pytest.raises(ConfigError, match=f"{name} starts from the {len(source)} classes of {source.name}"):
        read_mapping(CONVERSIONS[name].mapping, CAMVID)
    assert read_mapping(CONVERSIONS[name].mapping, source) is CONVERSIONS[name].mapping


def test_a_mapping_that_was_read_is_for_the_classes_it_was_read_for() -> None:
    mapping = read_mapping(STREET, CAMVID)
    assert mapping.source is CAMVID
    assert read_mapping(mapping, CAMVID) is mapping
    with pytest.raises(ConfigError, match=r"custom starts from the 11 classes of camvid\. The label set 'cityscapes'"):
        read_mapping(mapping, CITYSCAPES)


def test_a_table_without_known_source_must_have_a_value_for_every_class() -> None:
    table = LabelMapping("own", LabelSet("x", ("a",), distinct_palette(1)), (0,) * 11)
    assert read_mapping(table, CAMVID) is table
    with pytest.raises(ConfigError, match=r"own starts from 11 classes\. The label set 'cityscapes' has 19"):
        read_mapping(table, CITYSCAPES)


def test_the_numbers_of_cityscapes_are_the_published_ones() -> None:
    ids = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)
    assert read_mapping("cityscapes-ids", CITYSCAPES).table == ids
    assert len(CITYSCAPES_IDS) == 34
    for train_id, number in enumerate(ids):
        assert CITYSCAPES_IDS.names[number] == CITYSCAPES.names[train_id]
        assert CITYSCAPES_IDS.palette[number] == CITYSCAPES.palette[train_id]


def test_train_ids_become_ids_and_come_back() -> None:
    there, back = read_mapping("cityscapes-ids", CITYSCAPES), read_mapping("cityscapes-trainids", CITYSCAPES_IDS)
    mask = np.array([*range(19), 255], np.uint8)
    assert there.apply(mask)[-1] == CITYSCAPES_IDS.names.index("unlabeled")
    assert np.array_equal(back.apply(there.apply(mask)), mask)
    lost = np.setdiff1d(np.arange(34, dtype=np.uint8), there.apply(mask))
    assert (back.apply(lost) == 255).all()
    # License plates, -1 in the list of labels, are 255 in a picture of 8 bits.
    assert back.apply(np.array([255], np.uint8)).tolist() == [255]


def test_ade20k_becomes_cityscapes_class_by_class() -> None:
    mapping = read_mapping("ade20k-to-cityscapes", ADE20K)
    assert mapping.labels is CITYSCAPES
    became = {
        name: CITYSCAPES.names[new]
        for name, new in zip(ADE20K.names, mapping.table, strict=True)
        if new != CITYSCAPES.ignore_index
    }
    assert {
        name: became[name] for name in ("road", "sidewalk", "van", "minibike", "skyscraper", "grass", "traffic")
    } == {
        "road": "road",
        "sidewalk": "sidewalk",
        "van": "car",
        "minibike": "motorcycle",
        "skyscraper": "building",
        "grass": "terrain",
        "traffic": "traffic light",
    }
    assert not {"bed", "signboard", "sea", "ceiling"} & set(became)
    assert set(CITYSCAPES.names) - set(became.values()) == {"traffic sign", "rider", "train"}


def test_a_mapped_result_has_the_new_names_and_colours() -> None:
    import dataclasses

    from zoo.results import Result

    mask = np.array([[3, 4, 8, 1]], np.uint8)
    found = Result(mask, CAMVID, np.zeros((1, 4, 3), np.uint8), "a", "a", "m", "cpu", "e", {})
    mapping = read_mapping(STREET, CAMVID)
    mapped = dataclasses.replace(found, mask=mapping.apply(found.mask), labels=mapping.labels)
    assert mapped.areas() == {"ground": 2, "vehicles": 1, "unknown": 1}
    assert mapped.color()[0, 0].tolist() == list(CAMVID.palette[3])
