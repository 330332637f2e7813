"""Outside data of every kind: one reader, one checker, and the place of every fault."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from zoo.bundle import foreign, section_rules
from zoo.bundle.bundle import read_bundle
from zoo.bundle.settings_file import SETTINGS_KIND
from zoo.contract.labels import CAMVID
from zoo.errors import (
    ArchiveError,
    BundleError,
    CacheError,
    ConfigError,
    DecodeError,
    LockMismatchError,
    RegistryError,
    ZooError,
)
from zoo.predict.pipeline import read_pipeline
from zoo.predict.pipeline.schema import PIPELINE
from zoo.registry import catalogue, records
from zoo.registry.catalogue import read_catalogue
from zoo.registry.records import read_record
from zoo.results import mapping
from zoo.results.formats import read_labelme
from zoo.results.mapping import read_mapping
from zoo.settings.check import conform
from zoo.settings.document import DocumentKind, Node, Source, node_of
from zoo.settings.json_text import parse_json, read_json
from zoo.settings.rules import array, optional, whole
from zoo.settings.rules import mapping as mapping_of
from zoo.settings.yaml_text import read_yaml, write_yaml
from zoo.store import lock, manifest, pack
from zoo.store.lock import read_lock
from zoo.store.manifest import read_manifest

#: Every kind of document: how a file of it is read, and the error it is refused with.
YAML: dict[str, tuple[Callable[[Path], object], type[ZooError]]] = {
    "pipeline": (read_pipeline, ConfigError),
    "label mapping": (lambda file: read_mapping(file, CAMVID), ConfigError),
    "settings of a model": (lambda file: read_bundle(file.parent), BundleError),
}
JSON: dict[str, tuple[Callable[[Path], object], type[ZooError]]] = {
    "record": (read_record, CacheError),
    "manifest": (read_manifest, CacheError),
    "lock": (read_lock, LockMismatchError),
    "catalogue": (read_catalogue, RegistryError),
    "LabelMe": (lambda file: read_labelme(file, CAMVID), DecodeError),
}
ALL = {**YAML, **JSON}

SCHEMAS = {
    "settings of zoo": section_rules.SECTION,
    "settings of others": foreign.SETTINGS,
    **{f"transform {name}": rule for name, rule in foreign.TRANSFORMS.items()},
    "record": records.SCHEMA,
    "manifest": manifest.FILES_RULE,
    "lock": lock.SCHEMA,
    "pack": pack.SCHEMA,
    "catalogue": catalogue.SCHEMA,
    "mapping": mapping.SCHEMA,
}


def refused(kind: str, file: Path) -> ZooError:
    read, error = ALL[kind]
    with pytest.raises(error) as caught:
        read(file)
    assert type(caught.value) is error
    assert caught.value.hint or kind == "manifest"
    assert "\n" not in caught.value.message
    return caught.value


# What is no document


HOSTILE_YAML = {
    "aliases": (b"a: &a [1]\nb: *a\n", 2, "alias"),
    "tag": (b"a: 1\nb: !!python/object/apply:os.system [x]\n", 2, "tag"),
    "deep": (b"a: 1\nb: " + b"[" * 500, 2, "deeper than 50"),
    "twice": (b"a: 1\nb: 2\na: 3\n", 3, "'a' twice .first in line 1"),
    "zero byte": (b"a: 1\nb: x\0y\n", 2, "character"),
    "not UTF-8": (b"a: 1\nb: \xff\n", 2, "not UTF-8"),
    "huge number": (b"a: 1\nb: " + b"9" * 5000, 2, "4300 digits|not a key|neither"),
    "a list": (b"\n- a\n", 2, "not a mapping"),
}
HOSTILE_JSON = {
    "deep": (b"[\n" * 100_000, 102, "nested too deep"),
    "twice": (b'{"a": 1,\n"b": {"c": 1,\n"c": 2}}', 3, "'c' twice .first in line 2"),
    "twice in a list": (b'[{"a": [[]]},\n{"a": 1, "a": 2}]', 2, "'a' twice .first in line 2"),
    "zero byte": (b'{"a": 1,\n"b": "x\0y"}', 2, "control character"),
    "not UTF-8": (b'{"a": 1,\n"b": "\xff"}', 2, "not UTF-8"),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), 1, "not UTF-8"),
    "huge number": (b'{"a":\n' + b"9" * 5000 + b"}", 2, "4300 digits"),
    "cut off": (b'{"a": 1,\n', 2, "cannot be parsed"),
    "empty": (b"", 1, "cannot be parsed"),
    "another": (b'{"of": "another kind"}', 1, "."),
}


@pytest.mark.parametrize(
    ("kind", "content", "line", "words"),
    [
        pytest.param(kind, *hostile, id=f"{kind}: {name}")
        for kind in ALL
        for name, hostile in (HOSTILE_YAML if kind in YAML else HOSTILE_JSON).items()
    ],
)
def test_a_hostile_file_of_any_kind_is_refused_with_its_line(
    kind: str, content: bytes, line: int, words: str, tmp_path: Path
) -> None:
    (tmp_path / "inference.yml").write_bytes(content)
    began = time.process_time()
    error = refused(kind, tmp_path / "inference.yml")
    assert time.process_time() - began < 2
    assert f"{tmp_path}/inference.yml" in error.message
    assert re.search(words, error.message), error.message
    assert f"line {line}: " in error.message
    assert len(error.message) < 600


@pytest.mark.parametrize("kind", [kind for kind in ALL if kind not in ("settings of a model", "label mapping")])
def test_what_is_no_regular_file_is_refused_at_once(kind: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.yaml")
    (tmp_path / "zero.yaml").symlink_to("/dev/zero")
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    (tmp_path / "folder.yaml").mkdir()
    before = len(os.listdir("/proc/self/fd"))
    for name in ("fifo", "zero", "loop", "folder", "gone", "a\nb", "a\0b"):
        assert "cannot be read" in (message := refused(kind, tmp_path / f"{name}.yaml").message) or "regular" in message
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_file_is_read_up_to_the_limit_of_its_kind(tmp_path: Path) -> None:
    kind = DocumentKind(CacheError, limit=20)
    (tmp_path / "x").write_text('{"a": "0123456789"}')
    assert read_json(tmp_path / "x", kind).value == read_yaml(tmp_path / "x", kind).value == {"a": "0123456789"}
    (tmp_path / "x").write_text('{"a": "0123456789" }  ')
    for read in (read_json, read_yaml):
        with pytest.raises(CacheError, match="larger than 20 bytes"):
            read(tmp_path / "x", kind)


# Places


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def places(node: Node) -> dict[tuple[Any, ...], int]:
    found = {node.keys: node.line}
    if isinstance(node.value, (list, dict)):
        for _, member in node.members():
            found |= places(member)
    return found


@settings(deadline=None)
@given(VALUES, st.sampled_from([None, 0, 2, "\t"]), st.booleans())
def test_every_value_of_a_json_file_knows_its_line(value: Any, indent: Any, ascii_only: bool) -> None:
    text = json.dumps({"root": value}, indent=indent, ensure_ascii=ascii_only)
    root = parse_json(text, Source(PIPELINE, Path("x")))
    assert root.value == json.loads(text)
    lines = text.split("\n")
    for keys, line in places(root).items():
        key = keys[-1] if keys else None
        shown = json.dumps(key, ensure_ascii=ascii_only) + ":" if isinstance(key, str) else ""
        assert shown in lines[line - 1]


def test_json_and_yaml_become_the_same_nodes_with_the_same_lines(tmp_path: Path) -> None:
    content = {"a": [1, {"b": None, "c.d": [[True, 0.5], "x"]}], "e": {"f": "\u2028"}, "g": {}}
    (tmp_path / "x").write_text(json.dumps(content, indent=2), encoding="utf-8")
    one, other = (read(tmp_path / "x", PIPELINE) for read in (read_json, read_yaml))
    assert one.value == other.value == content
    assert places(one) == places(other)
    assert one["a"][1]["c.d"][0][1].place == f"{tmp_path}/x, line 9: `a[1].c.d[0][1]`"


def test_yaml_written_is_yaml_read(tmp_path: Path) -> None:
    content = {"no": "no", "1:30": ["~", 1.5, None, True], "ä": {"x": "2024-01-31"}}
    (tmp_path / "x").write_text(write_yaml(content), encoding="utf-8")
    assert read_yaml(tmp_path / "x", PIPELINE).value == content


# The checker


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_is_a_json_schema(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])


RULES = st.recursive(
    st.sampled_from(
        [
            {},
            {"type": "null"},
            {"type": "boolean"},
            {"type": "number"},
            {"type": "number", "exclusiveMinimum": 0, "maximum": 2},
            {"type": "string"},
            {"type": "string", "pattern": "^a"},
            {"const": 1},
            {"enum": ["a", None]},
            whole(0, 3),
        ]
    ),
    lambda inner: (
        st.builds(array, inner, st.integers(0, 2), st.none() | st.integers(1, 3))
        | st.builds(optional, inner)
        | st.builds(
            lambda one, other, closed: mapping_of({"a": one}, {"b": other}, closed=closed), inner, inner, st.booleans()
        )
        | st.builds(lambda rule: {"type": "object", "additionalProperties": rule, "minProperties": 1}, inner)
    ),
    max_leaves=5,
)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 4) | st.sampled_from([0.0, 0.5, 1.0, "", "a", "b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None, max_examples=300)
@given(RULES, PLAIN)
def test_the_checker_agrees_with_json_schema(rule: dict[str, Any], value: Any) -> None:
    try:
        checked = conform(node_of(value, PIPELINE), rule)
    except ConfigError:
        assert not Draft202012Validator(rule).is_valid(value)
    else:
        assert Draft202012Validator(rule).is_valid(value)
        assert checked == value


def test_a_wrong_key_is_answered_where_people_write_the_file(tmp_path: Path) -> None:
    for kind, hint in ((SETTINGS_KIND, "Did you mean `size`?"), (records.RECORD, records.RECORD.hint)):
        with pytest.raises(kind.error) as caught:
            conform(node_of({"siez": 1}, kind), mapping_of({"size": whole(0, 1)}, closed=True))
        assert caught.value.hint == hint


def test_a_digest_ends_where_it_ends() -> None:
    from zoo.settings.rules import SHA256

    conform(node_of("ab" * 32, PIPELINE), SHA256)
    for text in ("ab" * 32 + "\n", "AB" * 32, "ab" * 31, ""):
        with pytest.raises(ConfigError, match="expected a SHA-256 digest"):
            conform(node_of(text, PIPELINE), SHA256)


# What the readers make of it


def test_steps_in_settings_are_those_of_the_contract() -> None:
    import dataclasses

    from zoo.bundle.steps import STEP
    from zoo.contract import spec

    for name, rule in STEP["properties"].items():
        fields = dataclasses.fields(getattr(spec, name))
        assert set(rule["properties"]) == {field.name for field in fields}
        assert set(rule["required"]) == {field.name for field in fields if field.default is dataclasses.MISSING}


def test_a_fault_in_a_bundle_file_names_key_and_line(tmp_path: Path) -> None:
    import zipfile

    index = {"format": 1, "lock": {"format": 1, "models": [{"name": ""}]}, "cards": {}}
    with zipfile.ZipFile(tmp_path / "m.zoo", "w") as archive:
        archive.writestr(pack.INDEX, json.dumps(index, indent=1))
    with pytest.raises(ArchiveError, match=r"not a whole pack, line 6: `lock\.models\[0\]` has no `plugin`"):
        pack.read_pack(tmp_path / "m.zoo")


def test_a_lock_with_a_model_twice_or_half_a_download_is_refused(tmp_path: Path) -> None:
    digest = "ab" * 32
    files = {"url": "https://example.org/x", "size": 1, "sha256": digest, "files": []}
    model = {
        "name": "M",
        "plugin": {"distribution": "d", "version": "1"},
        "preprocess": digest,
        "labels": digest,
        "weights": {"inference": files},
    }
    half = {**model, "weights": {"inference": {**files, "sha256": ""}}}
    for models, words in (([model, model], "every model once"), ([half], "an address with its digest, or neither")):
        (tmp_path / "zoo.lock").write_text(json.dumps({"format": 1, "models": models}))
        with pytest.raises(LockMismatchError, match=f"is not a lock file, line 1: .*expected {words}"):
            read_lock(tmp_path / "zoo.lock")
    (tmp_path / "zoo.lock").write_text(json.dumps({"format": 1, "models": [model]}))
    assert read_lock(tmp_path / "zoo.lock")["M"].weights["inference"].sha256 == digest


def test_the_catalogue_and_records_are_read_without_a_yaml_parser() -> None:
    code = (
        "import sys\n"
        "from zoo.registry.catalogue import read_catalogue\n"
        "assert read_catalogue().models\n"
        "import zoo.registry.records\n"
        "print(*{'yaml', 'difflib', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
