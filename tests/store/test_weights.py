"""Locks, packs and the commands that keep the cache: what a team agreed on is what runs, here and elsewhere."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import zoo
from servers import Server
from support import ARCHIVE, packed
from zoo.bundle.bundle import Bundle
from zoo.cli.app import cli
from zoo.registry import find_model
from zoo.store.inventory import cached
from zoo.store.lock import labels_digest, preprocess_digest, read_lock
from zoo.store.store import Store

_WEIGHTS_DIGEST = r'("inference.pdiparams",\s+"size": \d+,\s+"sha256": )"\w{64}"'


def run(*arguments: str, code: int = 0) -> Result:
    done = CliRunner().invoke(cli, list(arguments))
    assert done.exit_code == code, (done.output, done.exception)
    return done


def test_a_lock_holds_everything_that_matters_and_lets_the_same_through(
    server: Server, home: Path, tmp_path: Path, picture: np.ndarray
) -> None:
    path = tmp_path / "zoo.lock"
    run("lock", "PP-LiteSeg-T", "starter", "-o", str(path))
    models = read_lock(path)
    locked = models["PP-LiteSeg-T"]
    files = locked.weights["inference"]
    assert (locked.distribution, locked.version) == ("zoo-plugin-pp-liteseg", "0.1.0")
    assert files.url.endswith("paddle3.0.0/PP-LiteSeg-T_infer.tar")
    assert files.size == len(server.files[ARCHIVE])
    assert {entry.name for entry in files.files} == {
        "golden.npz",
        "inference.json",
        "inference.pdiparams",
        "inference.yml",
    }
    assert models["starter"].weights["inference"].url == ""
    card = find_model("PP-LiteSeg-T").card
    assert locked.labels == labels_digest(card.labels)
    assert locked.preprocess == preprocess_digest(card.preprocess)
    for name in ("PP-LiteSeg-T", "starter"):
        with zoo.load(name, threads=1, lock=path) as model:
            model.predict(picture).one()
    run("download", "PP-LiteSeg-T", "--lock", str(path))
    assert len(server.requests) == 1


def test_locking_one_model_leaves_the_others_as_they_were(server: Server, home: Path, tmp_path: Path) -> None:
    path = tmp_path / "zoo.lock"
    run("lock", "PP-LiteSeg-T", "-o", str(path))
    path.write_text(path.read_text().replace("paddle3.0.0", "paddle3.0.1"))
    run("lock", "starter", "-o", str(path))
    assert sorted(read_lock(path)) == ["PP-LiteSeg-T", "starter"]
    assert "paddle3.0.1" in read_lock(path)["PP-LiteSeg-T"].weights["inference"].url
    run("lock", "-o", str(path))
    assert "paddle3.0.0" in read_lock(path)["PP-LiteSeg-T"].weights["inference"].url


def copied(home: Path, other: Path) -> Path:
    """Returns another cache folder on the same machine: without models, with the engine settings that work here."""
    shutil.copytree(home / "engines", other / "engines")
    return other


def changed(path: Path, pattern: str, replacement: str) -> Path:
    text, count = re.subn(pattern, replacement, path.read_text(), count=1)
    assert count == 1
    other = path.with_name("changed.lock")
    other.write_text(text)
    return other


@pytest.mark.parametrize(
    ("pattern", "replacement", "message"),
    [
        (r'"version": "0.1.0"', '"version": "0.2.0"', "was locked with zoo-plugin-pp-liteseg 0.2.0"),
        (r'"distribution": "zoo-plugin-pp-liteseg"', '"distribution": "fork"', "was locked with fork 0.1.0"),
        (r'"labels": "\w{64}"', f'"labels": "{"0" * 64}"', "has other classes or colours"),
        (r'"preprocess": "\w{64}"', f'"preprocess": "{"0" * 64}"', "has another preprocessing"),
        (_WEIGHTS_DIGEST, rf'\1"{"0" * 64}"', "inference.pdiparams has"),
        (r'"name": "inference.json"', '"name": "inference.pdmodel"', r"inference\.json is new"),
        (r'"name": "PP-LiteSeg-T"', '"name": "PP-LiteSeg-B"', "PP-LiteSeg-T is not in .* which holds PP-LiteSeg-B"),
        (r'"format": 1', '"format": 2', "`format` is 2; this zoo reads up to 1"),
        (r'"inference": {', '"pretrained": {', "holds no inference files of PP-LiteSeg-T, only pretrained"),
    ],
)  # fmt: skip
def test_whatever_differs_from_the_lock_is_refused(
    pattern: str, replacement: str, message: str, server: Server, home: Path, tmp_path: Path
) -> None:
    run("lock", "PP-LiteSeg-T", "-o", str(tmp_path / "zoo.lock"))
    lock = changed(tmp_path / "zoo.lock", pattern, replacement)
    with pytest.raises(zoo.LockMismatchError, match=message) as caught:
        zoo.load("PP-LiteSeg-T", lock=lock)
    assert "zoo" in caught.value.hint or "pip" in caught.value.hint


def test_a_locked_download_takes_only_the_locked_file(
    server: Server, home: Path, tmp_path: Path, official_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run("lock", "PP-LiteSeg-T")
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "elsewhere"))
    good = server.files[ARCHIVE]
    server.files[ARCHIVE] = packed(official_folder, "other")
    done = run("download", "PP-LiteSeg-T", "--locked", code=1)
    assert "zoo lock PP-LiteSeg-T" in done.stderr
    assert cached(Store(tmp_path / "elsewhere")) == []
    server.files[ARCHIVE] = good
    run("download", "PP-LiteSeg-T", "--locked")
    run("download", "PP-LiteSeg-T", "--locked", "--offline", "--verify")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 1}', '{"format": 1, "models": [{}]}', "[" * 10_000])
def test_what_is_no_lock_file_is_named(content: str, tmp_path: Path) -> None:
    (tmp_path / "zoo.lock").write_text(content)
    with pytest.raises(zoo.LockMismatchError, match="is not a lock file"):
        read_lock(tmp_path / "zoo.lock")
    with pytest.raises(zoo.LockMismatchError, match="does not exist"):
        read_lock(tmp_path / "none.lock")


def test_a_bundle_file_carries_models_to_a_network_without_a_way_out(
    server: Server, home: Path, tmp_path: Path, picture: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "models.zoo"
    run("pack", "PP-LiteSeg-T", "starter", "-o", str(file))
    with zoo.load("PP-LiteSeg-T", threads=1) as model:
        mask = model.predict(picture).one().mask
    asked = len(server.requests)
    monkeypatch.setenv("ZOO_HOME", str(copied(home, tmp_path / "closed")))
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    with pytest.raises(zoo.OfflineError):
        zoo.load("PP-LiteSeg-T")
    done = run("bundle", "install", str(file))
    assert "`zoo bundle` is called `zoo pack` now." in done.stderr
    assert re.search(r"PP-LiteSeg-T +inference +installed", done.stdout)
    assert re.search(r"starter +inference +part of its plugin", done.stdout)
    assert "already here" in run("pack", "install", str(file)).stdout
    with zoo.load("PP-LiteSeg-T", threads=1, verify=True) as model:
        assert np.array_equal(model.predict(picture).one().mask, mask)
    (entry,) = cached(Store(tmp_path / "closed"))
    assert entry.record.origin == "bundle"
    assert len(server.requests) == asked


def test_a_model_is_opened_right_from_a_bundle_file_without_its_plugin(
    server: Server, home: Path, tmp_path: Path, picture: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "models.zoo"
    run("pack", "PP-LiteSeg-T", "-o", str(file))
    monkeypatch.setenv("ZOO_HOME", str(copied(home, tmp_path / "closed")))
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    for _ in range(2):
        with zoo.load(f"{file}#pp-liteseg-t", threads=1) as model:
            assert model.labels[:2] == ("road", "sidewalk")
            assert model.predict(picture).one().mask.shape == picture.shape[:2]
    with pytest.raises(zoo.ModelNotFoundError, match="holds no model 'B', only PP-LiteSeg-T"):
        zoo.load(f"{file}#B")
    with pytest.raises(zoo.BundleError, match="may hold several models"):
        zoo.load(str(file))
    assert re.search(
        r"PP-LiteSeg-T +inference +[\d.]+ MB +zoo-plugin-pp-liteseg 0.1.0", run("pack", "show", str(file)).stdout
    )


def rewritten(file: Path, change) -> Path:
    other = file.with_name("changed.zoo")
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(other, "w") as new:
        for info in old.infolist():
            name, content = change(info.filename, old.read(info))
            new.writestr(name, content)
    return other


def test_a_bundle_file_that_does_not_hold_what_it_says_is_refused(
    server: Server, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "models.zoo"
    run("pack", "PP-LiteSeg-T", "-o", str(file))
    run("lock", "PP-LiteSeg-T", "-o", str(tmp_path / "zoo.lock"))
    closed = tmp_path / "closed"
    monkeypatch.setenv("ZOO_HOME", str(copied(home, closed)))

    def other_weights(name: str, content: bytes) -> tuple[str, bytes]:
        return name, (b"x" + content[1:] if name.endswith("pdiparams") else content)

    def outside(name: str, content: bytes) -> tuple[str, bytes]:
        return (name.replace("inference.yml", "../../../evil"), content)

    def another_lock(name: str, content: bytes) -> tuple[str, bytes]:
        if name != "zoo-bundle.json":
            return name, content
        index = json.loads(content)
        index["lock"]["models"][0]["weights"]["inference"]["files"][0]["size"] += 1
        return name, json.dumps(index).encode()

    for change, kind in (
        (other_weights, zoo.ChecksumMismatchError),
        (outside, zoo.UnsafeArchiveError),
        (another_lock, zoo.ChecksumMismatchError),
    ):
        with pytest.raises(kind):
            zoo.load(f"{rewritten(file, change)}#PP-LiteSeg-T")
        run("pack", "install", str(rewritten(file, change)), code=1)
        assert cached(Store(closed)) == []
        assert not list((closed / "store").iterdir())
    for content in (b"", b"<html>", file.read_bytes()[:1000]):
        (tmp_path / "cut.zoo").write_bytes(content)
        with pytest.raises(zoo.ArchiveError, match="is not a whole pack"):
            zoo.load(f"{tmp_path / 'cut.zoo'}#PP-LiteSeg-T")
    run("pack", "install", str(file), "--lock", str(tmp_path / "zoo.lock"))
    bad = changed(
        tmp_path / "zoo.lock", r'("inference.pdiparams",\s+"size": \d+,\s+"sha256": )"\w{64}"', rf'\1"{"0" * 64}"'
    )
    assert "inference.pdiparams" in run("pack", "install", str(file), "--lock", str(bad), code=1).stderr


def test_a_bundle_of_another_download_than_the_known_one_is_refused(
    server: Server, home: Path, tmp_path: Path, official_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "models.zoo"
    run("pack", "PP-LiteSeg-T", "-o", str(file))
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "other"))
    server.files[ARCHIVE] = packed(official_folder, "other")
    zoo.fetch("PP-LiteSeg-T")
    assert "--forget" in run("pack", "install", str(file), code=1).stderr


def test_the_cache_is_listed_verified_repaired_pruned_and_emptied(server: Server, home: Path) -> None:
    assert run("cache", "dir").stdout.strip() == str(home)
    assert json.loads(run("cache", "ls", "--json").stdout) == []
    folder = zoo.fetch("PP-LiteSeg-T")
    zoo.fetch("PP-LiteSeg-T", "pretrained")
    listed = json.loads(run("cache", "ls", "--json").stdout)
    assert [(item["model"], item["kind"], item["origin"]) for item in listed] == [
        ("PP-LiteSeg-T", "inference", "download"),
        ("PP-LiteSeg-T", "pretrained", "download"),
    ]
    assert re.search(r"PP-LiteSeg-T +pretrained +0\.0 MB +20\d\d-", run("cache", "ls").stdout)
    assert run("cache", "verify").stdout == "PP-LiteSeg-T inference: ok\nPP-LiteSeg-T pretrained: ok\n"

    path = folder / "inference.pdiparams"
    before = path.stat()
    with open(path, "r+b") as file:
        file.write(b"\xff")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    done = run("cache", "verify", code=1)
    assert "PP-LiteSeg-T inference: damaged" in done.stdout
    assert "inference.pdiparams has another content" in done.stderr
    assert "PP-LiteSeg-T inference: fetched again" in run("cache", "verify", "--repair").stdout
    run("cache", "verify", "PP-LiteSeg-T")
    run("cache", "verify", "SegFormer*", code=1)

    old = time.time() - 40 * 86400
    os.utime(folder.parent, (old, old))
    (home / "parts" / "old.part").write_bytes(b"x" * 10)
    os.utime(home / "parts" / "old.part", (old, old))
    (home / "parts" / "young.part").write_bytes(b"x" * 10)
    # As a part is that another process has just removed.
    (home / "parts" / "gone.part").symlink_to("nowhere")
    would = run("cache", "prune", "--older-than", "30d", "--dry-run").stdout
    assert "would remove PP-LiteSeg-T inference" in would
    assert "would remove unfinished download old.part" in would
    assert folder.is_dir()
    assert re.search(r"removed [\d.]+ MB in all", run("cache", "prune", "--older-than", "30d").stderr)
    (home / "parts" / "gone.part").unlink()
    assert not folder.exists()
    assert [path.name for path in (home / "parts").iterdir()] == ["young.part"]
    run("cache", "prune", "--keep-size", "1GB")
    assert len(cached(Store(home))) == 1
    run("cache", "prune", "--keep-size", "0")
    assert cached(Store(home)) == []
    assert "holds no files of 'PP-LiteSeg-T'" in run("cache", "rm", "PP-LiteSeg-T", code=1).stderr


def test_repairing_offline_removes_what_is_damaged_and_says_so(server: Server, home: Path) -> None:
    (zoo.fetch("PP-LiteSeg-T") / "inference.yml").write_text("")
    done = run("cache", "verify", "--repair", "--offline", code=1)
    assert "not fetched: The inference files of PP-LiteSeg-T are damaged" in done.stdout
    assert len(cached(Store(home))) == 1
    assert "fetched again" in run("cache", "verify", "--repair").stdout
    (home / "records" / "damaged.json").write_text("{")
    assert "record" in run("cache", "verify", code=1).stderr
    assert "forgotten" in run("cache", "verify", "--repair").stdout
    run("cache", "verify")


def test_a_dry_run_tells_what_would_be_downloaded(server: Server, home: Path) -> None:
    zoo.fetch("PP-LiteSeg-T")
    done = run("download", "PP-LiteSeg*", "starter", "--dry-run")
    assert re.search(r"PP-LiteSeg-B +to download +about 47\.0 MB", done.stdout)
    assert re.search(r"PP-LiteSeg-T +here", done.stdout)
    assert re.search(r"starter +part of its plugin", done.stdout)
    assert "1 to download, 47.0 MB" in done.stderr
    plan = json.loads(run("download", "PP-LiteSeg-B", "--weights", "pretrained", "--dry-run", "--json").stdout)
    assert plan == [
        {
            "model": "PP-LiteSeg-B",
            "weights": "pretrained",
            "state": "to download",
            "size": None,
            "size_is_rounded": False,
        }
    ]
    assert len(server.requests) == 1
    run("download", "Nothing*", code=1)
    run("download", code=2)
    assert "has no pretrained weights" in run("download", "starter", "--weights", "pretrained", code=1).stderr


def test_predict_downloads_what_it_needs(server: Server, home: Path, tmp_path: Path, picture: np.ndarray) -> None:
    from PIL import Image

    Image.fromarray(picture).save(tmp_path / "street.png")
    offline = run("predict", str(tmp_path / "street.png"), "--model", "PP-LiteSeg-T", "--offline", code=1)
    assert "zoo download PP-LiteSeg-T" in offline.stderr
    done = run("predict", str(tmp_path / "street.png"), "--model", "PP-LiteSeg-T")
    assert "PP-LiteSeg-T on cpu" in done.stdout
    assert len(server.requests) == 1


def test_what_training_left_is_opened_with_the_right_path(
    paddlex_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(paddlex_bundle.folder, tmp_path / "best" / "inference")
    (tmp_path / "best" / "model.pdparams").write_bytes(b"")
    (tmp_path / "epoch_3").mkdir()
    for name in ("epoch_3/model.safetensors", "loose.pdparams", "best/inference/inference.pdmodel"):
        (tmp_path / name).write_bytes(b"")
    for name, fact, hint in (
        (
            "best",
            "best is a folder without inference.yml, and no model is called so.",
            "Give the folder inside it: best/inference",
        ),
        ("./best", "best has no inference.yml", "Give the folder inside it: best/inference"),
        (Path("best"), "best has no inference.yml", "Give the folder inside it: best/inference"),
        ("best/model.pdparams", "best/model.pdparams has no", "zoo export MODEL --weights best/model.pdparams --out"),
        ("loose.pdparams", "No model is called", "zoo export MODEL --weights loose.pdparams --output FOLDER"),
        ("./epoch_3", "epoch_3 has no", "zoo export MODEL --weights epoch_3/model.safetensors --output FOLDER"),
        (
            "best/inference/inference.pdmodel",
            "inference.pdmodel has no inference.yml",
            "Give the folder: best/inference",
        ),
        ("./gone", "gone does not exist", "Check the path."),
        ("gone", "No model is called 'gone'.", "Run: zoo list-models"),
    ):
        with pytest.raises(zoo.ZooError) as caught:
            zoo.load(name)
        assert fact in caught.value.message
        assert hint in caught.value.hint
    with zoo.load("best/inference", threads=1) as model:
        assert model.bundle.folder == Path("best/inference")
    # An installed model of this name comes first.
    shutil.copytree(tmp_path / "best", tmp_path / "starter")
    with zoo.load("starter", threads=1) as model:
        assert tmp_path not in model.bundle.folder.parents
