"""The store: files are whole or not there, and what was changed is found before it is used."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from zoo.base.digest import file_sha256
from zoo.contract.spec import Artifact
from zoo.errors import CacheError
from zoo.registry.records import Record, Wanted, now, record_bytes
from zoo.store.manifest import FILES, changes, manifest_document, read_manifest, take_manifest, tree_digest
from zoo.store.store import DamagedError, Store

WANTED = Wanted("A model (slice)", "inference", Artifact(("https://example.org/a/m.tar",)))


def filled(home: Path, wanted: Wanted = WANTED, content: bytes = b"weights" * 100) -> Store:
    store = Store(home)
    store.prepare()
    with store.lock(wanted.key):
        scratch = store.scratch(wanted.key)
        (scratch / FILES / "sub").mkdir(parents=True)
        (scratch / FILES / "inference.pdiparams").write_bytes(content)
        (scratch / FILES / "sub" / "inference.yml").write_text("a: 1\n")
        tree, _ = store.keep(scratch)
        store.write_record(
            Record(
                wanted.key, wanted.model, wanted.kind, wanted.artifact.urls[0], 9, "cd" * 32, tree, "download", now()
            )
        )
    return store


def weights(store: Store) -> Path:
    record = store.record(WANTED.key)
    assert record is not None
    return store.trees / record.tree / FILES / "inference.pdiparams"


def test_what_was_kept_is_found_again(tmp_path: Path) -> None:
    found = filled(tmp_path).find(WANTED.key)
    assert found is not None
    assert (found.folder / "inference.pdiparams").read_bytes() == b"weights" * 100
    assert found.record.sha256 == "cd" * 32
    assert sorted(path.name for path in (tmp_path / "store").iterdir()) == [tree_digest(found.manifest)]


def test_an_artifact_with_other_addresses_is_another_artifact() -> None:
    others = [
        Wanted("A model (slice)", "pretrained", WANTED.artifact),
        Wanted("A model", "inference", WANTED.artifact),
        Wanted("A model (slice)", "inference", Artifact(("https://example.org/b/m.tar",))),
    ]
    assert len({wanted.key for wanted in (WANTED, *others)}) == 4
    # A plugin that pins what was recorded finds the files that are here.
    assert Wanted(WANTED.model, "inference", Artifact(WANTED.artifact.urls, "ab" * 32)).key == WANTED.key


@pytest.mark.parametrize(
    "name", ["../x", "a/b", "", "x" * 300, "con", "SegFormer-B0 (slice)", "模型", ".hidden", "a\0b"]
)
def test_no_model_name_leads_out_of_the_folder(name: str) -> None:
    key = Wanted(name, "inference", WANTED.artifact).key
    assert "/" not in key
    assert "\0" not in key
    assert not key.startswith(".")
    assert len(key.encode()) < 150


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def change_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[5] ^= 1
    path.write_bytes(content)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def replace_by_html(path: Path) -> None:
    path.write_text("<html>")


def remove(path: Path) -> None:
    path.unlink()


def add_a_file(path: Path) -> None:
    path.with_name("inference.json").write_text("{}")


def link_elsewhere(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/hostname")


def damage_the_manifest(path: Path) -> None:
    manifest = path.parent.parent / "manifest.json"
    manifest.write_bytes(manifest.read_bytes()[:40])


def change_file_and_manifest(path: Path) -> None:
    path.write_bytes(b"other")
    entries = take_manifest(path.parent)
    (path.parent.parent / "manifest.json").write_text(json.dumps(manifest_document(entries)))


DAMAGES = [
    cut, change_a_byte, empty, replace_by_html, remove, add_a_file, link_elsewhere, damage_the_manifest,
    change_file_and_manifest,
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_found_before_use(damage, tmp_path: Path) -> None:
    store = filled(tmp_path)
    damage(weights(store))
    with pytest.raises(DamagedError, match="are damaged"):
        store.find(WANTED.key)


def test_a_change_that_keeps_size_time_and_inode_is_found_by_the_thorough_check(tmp_path: Path) -> None:
    store = filled(tmp_path)
    path = weights(store)
    before = path.stat()
    with open(path, "r+b") as file:
        file.write(b"W")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert store.find(WANTED.key) is not None
    with pytest.raises(DamagedError, match="another content"):
        store.find(WANTED.key, thorough=True)


def test_an_untouched_file_is_not_read_and_a_touched_one_is_read_once(tmp_path: Path, monkeypatch) -> None:
    from zoo.store import manifest

    read: list[str] = []
    monkeypatch.setattr(manifest, "file_sha256", lambda path: read.append(path.name) or file_sha256(path))
    store = filled(tmp_path)
    read.clear()
    store.find(WANTED.key)
    assert read == []
    os.utime(weights(store), ns=(1, 1))
    store.find(WANTED.key)
    store.find(WANTED.key)
    assert read == ["inference.pdiparams"]


def test_a_copy_of_the_cache_on_another_disk_is_as_good(tmp_path: Path) -> None:
    filled(tmp_path / "one")
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    assert Store(tmp_path / "two").find(WANTED.key) is not None


AS_A_STRANGER = """
import os, sys
from pathlib import Path
from zoo.errors import CacheError
from zoo.store.store import Store
if os.getuid() == 0:  # root may write anywhere
    os.setgid(65534)
    os.setuid(65534)
store = Store(Path(sys.argv[1]))
found = store.find(sys.argv[2], thorough=True)
print(sorted(entry.name for entry in found.manifest))
try:
    store.prepare()
except CacheError as error:
    print(error)
"""


def test_a_complete_cache_is_read_by_someone_who_may_not_write_to_it() -> None:
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        store = filled(home)
        os.utime(weights(store), ns=(1, 1))
        paths = [home, *home.rglob("*")]
        for path in paths:
            path.chmod(0o555 if path.is_dir() else 0o444)
        command = [sys.executable, "-c", AS_A_STRANGER, place, WANTED.key]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        for path in paths:
            path.chmod(0o755)
        assert "['inference.pdiparams', 'sub/inference.yml']" in done.stdout, done.stderr
        assert "cannot be used: Permission denied" in done.stdout
        assert not list((home / "store").glob(".*"))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff", b"[" * 100_000])
def test_a_damaged_record_is_an_error_and_not_a_new_beginning(content: bytes, tmp_path: Path) -> None:
    store = filled(tmp_path)
    (tmp_path / "records" / f"{WANTED.key}.json").write_bytes(content)
    with pytest.raises(CacheError, match=r"record .* is damaged"):
        store.find(WANTED.key)


def test_a_record_survives_being_written_and_read(tmp_path: Path) -> None:
    from zoo.registry.records import read_record

    record = Record("k", "m", "pretrained", "https://example.org/x", 12, "ab" * 32, "cd" * 32, "bundle", now())
    (tmp_path / "k.json").write_bytes(record_bytes(record))
    assert read_record(tmp_path / "k.json") == record


def test_a_file_in_place_of_the_folder_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    store = Store(tmp_path / "home")
    assert store.find(WANTED.key) is None
    with pytest.raises(CacheError, match="cannot be used") as caught:
        store.prepare()
    assert "ZOO_HOME" in caught.value.hint


def test_two_artifacts_with_the_same_files_share_them(tmp_path: Path) -> None:
    other = Wanted("Another", "inference", Artifact(("https://example.org/other.tar",)))
    filled(tmp_path)
    store = filled(tmp_path, other)
    assert len(list((tmp_path / "store").iterdir())) == 1
    assert store.find(other.key) is not None


def test_damaged_files_are_replaced_by_good_ones(tmp_path: Path) -> None:
    store = filled(tmp_path)
    change_a_byte(weights(store))
    filled(tmp_path)
    assert store.find(WANTED.key, thorough=True) is not None


@pytest.mark.parametrize("name", ["../x", "/x", "a//b", "a/../b", "", ".", "a\\b", "a\0b", 3, None])
def test_a_manifest_names_only_files_inside_its_folder(name: object, tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text(json.dumps([{"name": name, "size": 1, "sha256": "ab" * 32}]))
    with pytest.raises(CacheError, match=r"line 1: `\[0\].name`.*expected the name of a file inside its folder"):
        read_manifest(tmp_path / "m.json")


def test_the_address_depends_on_every_name_size_and_byte(tmp_path: Path) -> None:
    rng = random.Random(0)
    seen: set[str] = set()
    for number in range(20):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / rng.choice("ab")).write_bytes(rng.randbytes(rng.randrange(1, 50)))
        (folder / "z").write_bytes(bytes([number]))
        manifest = take_manifest(folder)
        assert changes(folder, manifest, thorough=True) == ([], manifest)
        assert tree_digest(manifest) == tree_digest(tuple(reversed(manifest)))
        seen.add(tree_digest(manifest))
    assert len(seen) == 20
