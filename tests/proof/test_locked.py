"""A lock file holds the engine of each model, with its versions and precision: a team gets the same masks."""

from __future__ import annotations

import importlib.util
import json
import logging
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from other_engine import Install

import zoo
from zoo.cli.app import cli
from zoo.registry import Discovery, discover
from zoo.store.lock import read_lock


def run(*arguments: object, code: int = 0) -> Result:
    done = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert done.exit_code == code, (done.output, done.exception)
    return done


def changed(path: Path, **fields: Any) -> Path:
    """The lock with other fields of its engine; None leaves the engine out."""
    document = json.loads(path.read_text())
    [model] = document["models"]
    model["engine"].update(fields)
    other = path.with_name("changed.lock")
    other.write_text(json.dumps(document))
    return other


@pytest.fixture
def lock(tmp_path: Path, home: Path) -> Path:
    run("lock", "starter", "-o", tmp_path / "zoo.lock")
    return tmp_path / "zoo.lock"


def test_the_engine_that_runs_a_model_here_is_written_down(lock: Path) -> None:
    engine = read_lock(lock)["starter"].engine
    assert engine is not None
    paddle = version("paddlepaddle")
    assert (engine.name, engine.distribution, engine.version) == ("paddle", "zoo-core", version("zoo-core"))
    assert (engine.libraries, engine.precision) == ((f"paddle {paddle}",), "float32")


def test_its_engine_and_precision_are_used_unless_others_are_asked_for(install: Install, tmp_path: Path) -> None:
    install()
    path = tmp_path / "zoo.lock"
    said = run("lock", "starter", "-o", path, "--backend", "other", "--precision", "bf16").stderr
    assert f"  starter  (paddle {version('paddlepaddle')}, bf16)" in said
    with zoo.load("starter", threads=1, lock=path) as model:
        assert (model.engine, model.precision) == ("other 1.0, bf16", "bf16")
        assert model.why.startswith("as the lock file says; 100.000% of the pixels as ")
    with zoo.load("starter", threads=1, lock=path, precision="float32") as model:
        assert (model.engine, model.precision) == ("other 1.0", "float32")
    with zoo.load("starter", backend="paddle", precision="float32", threads=1, lock=path) as model:
        assert model.engine.startswith("paddle ")
        assert model.why.startswith("asked for")
    # Written anew without a word about it, the precision stays.
    run("lock", "-o", path, "--backend", "other")
    engine = read_lock(path)["starter"].engine
    assert engine is not None
    assert (engine.name, engine.precision) == ("other", "bf16")


@pytest.mark.parametrize(
    ("fields", "message", "hint"),
    [
        (
            {"name": "openvino", "plugin": {"distribution": "zoo-backend-openvino", "version": "0.1.0"}},
            r"locked with the engine openvino \(zoo-backend-openvino 0\.1\.0, paddle .*\), .*: it is not installed\.",
            r"Run: unset ZOO_DISABLE_PLUGINS  \(it leaves zoo-backend-openvino out\)",
        ),
        (
            {"name": "theirs", "plugin": {"distribution": "their-engine", "version": "2.0"}},
            r"engine theirs \(their-engine 2\.0, .*it is not installed\.",
            r"Install their-engine 2\.0 from where it came, or agree on another engine: zoo lock starter",
        ),
        (
            {"plugin": {"distribution": "zoo-core", "version": "9.9"}},
            r"\(zoo-core 9\.9, .*\); zoo-core \S+ is installed\.",
            r"Install zoo-core 9\.9 from where it came",
        ),
        (
            {"libraries": ["paddle 3.1.0"]},
            r", paddle 3\.1\.0\); paddle \S+ is installed\.",
            r"Run: pip install paddlepaddle==3\.1\.0  \(or agree on what is here: zoo lock starter\)",
        ),
        # A file may not say what is installed.
        ({"libraries": ["evil 1.0", "paddle ;ls"]}, r"evil 1\.0", r"Install zoo-core \S+ from where it came"),
        ({"precision": "bf16"}, r"cannot be used here: it computes in float32 and not in bf16\.", r"Run: |Use "),
    ],
)
def test_another_engine_than_the_locked_one_is_refused(
    lock: Path, fields: dict[str, Any], message: str, hint: str
) -> None:
    with pytest.raises(zoo.LockMismatchError) as caught:
        zoo.load("starter", threads=1, lock=changed(lock, **fields))
    assert re.search(message, caught.value.message)
    assert re.match(hint, caught.value.hint)


def test_an_engine_of_ours_that_is_not_installed_has_its_pip_line(lock: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = discover("zoo.backends")
    without = Discovery(tuple(plugin for plugin in found.plugins if not plugin.disabled))
    monkeypatch.setattr("zoo.proof.locked.discover", lambda *groups: without)
    plugin = {"distribution": "zoo-backend-openvino", "version": "0.1.0"}
    with pytest.raises(zoo.LockMismatchError) as caught:
        zoo.load("starter", threads=1, lock=changed(lock, name="openvino", plugin=plugin))
    assert caught.value.hint == (
        "Run in a clone of zoo of version 0.1.0: pip install ./plugins/zoo-backend-openvino  (or agree on another "
        "engine: zoo lock starter)"
    )


@pytest.mark.full
def test_another_processor_is_told_where_fewer_bits_are_rounded(
    install: Install, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    install()
    for precision, told in (("bf16", 1), ("float32", 0)):
        run("lock", "starter", "-o", tmp_path / "zoo.lock", "--backend", "other", "--precision", precision)
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            zoo.load("starter", threads=1, lock=changed(tmp_path / "zoo.lock", processor="another")).close()
        assert sum("locked on another processor" in record.getMessage() for record in caplog.records) == told


def test_a_lock_without_an_engine_says_so_and_holds_what_else_it_holds(lock: Path) -> None:
    for engine in ({"engine": None}, {}):
        document = json.loads(lock.read_text())
        del document["models"][0]["engine"]
        document["models"][0].update(engine)
        lock.write_text(json.dumps(document))
        assert read_lock(lock)["starter"].engine is None
        with zoo.load("starter", threads=1, lock=lock) as model:
            assert model.why == "no other engine can be used"


def test_where_no_engine_is_installed_the_lock_is_made_without_one(
    lock: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "paddle" else find(name, *more)
    )
    done = run("lock", "starter", "-o", tmp_path / "new.lock")
    said = "starter is locked without an engine. The engine paddle cannot be used on cpu: paddlepaddle is not"
    assert said in done.stderr
    assert json.loads((tmp_path / "new.lock").read_text())["models"][0]["engine"] is None
    assert "Run: pip install" in run("lock", "starter", "--backend", "paddle", code=1).stderr
    with pytest.raises(zoo.LockMismatchError, match="paddlepaddle is not installed") as caught:
        zoo.load("starter", lock=lock)
    assert caught.value.hint.startswith('Run: pip install "paddlepaddle')


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"precision": "fp16"}, "precision` is 'fp16'"),
        ({"libraries": "paddle"}, "libraries` is 'paddle'"),
        ({"plugin": {"distribution": "a b", "version": "1"}}, "plugin.distribution` is 'a b'"),
        ({"name": ""}, "name` is ''"),
    ],
)
def test_a_damaged_engine_of_a_lock_is_named(lock: Path, fields: dict[str, Any], fault: str) -> None:
    with pytest.raises(zoo.LockMismatchError, match=re.escape(fault)):
        read_lock(changed(lock, **fields))
