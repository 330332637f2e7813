"""What files say reaches the terminal as words: no command of theirs, no code a terminal obeys."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from PIL import Image

import zoo
from zoo.bundle.bundle import Bundle
from zoo.cli.app import cli
from zoo.store.lock import LockedModel
from zoo.store.lock_check import check_plugin
from zoo.store.model_files import make_options
from zoo.store.pack import write_pack

STRANGE = "red\x1b[31m\x9b5m\u202eder\n"


def run(*arguments: object, code: int = 0) -> str:
    done = CliRunner().invoke(cli, [str(argument) for argument in arguments])
    assert done.exit_code == code, done.output
    return done.output


def test_names_of_a_settings_file_are_escaped_in_every_output(
    bundle: Bundle, picture: np.ndarray, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(bundle.folder, tmp_path / "strange"))
    settings = yaml.safe_load((folder / "inference.yml").read_text())
    settings["zoo"]["model"] = STRANGE
    for number, item in enumerate(settings["zoo"]["labels"]["classes"]):
        item["name"] = f"{number}{STRANGE}"
    (folder / "inference.yml").write_text(yaml.safe_dump(settings))
    for name in ("a", "b"):
        Image.fromarray(picture).save(tmp_path / f"{name}.png")
    Image.fromarray(np.zeros(picture.shape[:2], np.uint8)).save(tmp_path / "mask.png")
    (tmp_path / "list.txt").write_text("a.png mask.png\n")
    pictures = (tmp_path / "a.png", tmp_path / "b.png")
    outputs = [
        run("predict", pictures[0], "--model", folder),
        run("predict", *pictures, "--model", folder, "-o", tmp_path / "out"),
        run("predict", pictures[0], "--model", folder, "--json"),
        run("evaluate", folder, "--data", tmp_path / "list.txt"),
        run("evaluate", folder, "--data", tmp_path / "list.txt", "--json"),
        run("info", folder),
        run("info", folder, "--json"),
    ]
    for output in outputs:
        assert "red" in output
        assert [line for line in output.split("\n") if not line.isprintable()] == []
    assert json.loads(outputs[2].split("\n")[0])["model"] == STRANGE


@pytest.mark.parametrize("name", ["x --index-url http://evil", "-r evil.txt", "a;rm", "a\nb", 'x"', ""])
@pytest.mark.parametrize("key", ["distribution", "version"])
def test_a_lock_file_whose_plugin_is_no_distribution_is_refused(tmp_path: Path, key: str, name: str) -> None:
    run("lock", "starter", "-o", tmp_path / "zoo.lock")
    document = json.loads((tmp_path / "zoo.lock").read_text())
    document["models"][0]["plugin"][key] = name
    (tmp_path / "zoo.lock").write_text(json.dumps(document))
    with pytest.raises(zoo.LockMismatchError, match=rf"plugin\.{key}.*expected") as caught:
        zoo.load("starter", lock=tmp_path / "zoo.lock")
    assert "pip" not in caught.value.hint


def test_a_lock_file_may_ask_for_another_version_and_for_no_other_plugin() -> None:
    locked = LockedModel("starter", "zoo-plugin-starter", "0.2.0", "0" * 64, "0" * 64, {})
    with pytest.raises(zoo.LockMismatchError) as caught:
        check_plugin(locked, "zoo-plugin-starter", "0.1.0")
    assert "Install zoo-plugin-starter 0.2.0 from where it came" in caught.value.hint
    with pytest.raises(zoo.LockMismatchError) as caught:
        check_plugin(locked, "zoo-plugin-fork", "0.2.0")
    assert "pip" not in caught.value.hint


@pytest.mark.parametrize(
    ("plugin", "told"),
    [
        ("zoo-plugin-pp-liteseg", "zoo: pip install ./plugins/zoo-plugin-pp-liteseg"),
        ("zoo-plugin-pp-liteseq", "the plugin zoo-plugin-pp-liteseq, which zoo does not know"),
    ],
)
def test_a_pack_names_no_plugin_to_install_that_the_catalogue_does_not(
    tmp_path: Path, bundle: Bundle, home: Path, plugin: str, told: str
) -> None:
    write_pack(tmp_path / "own.zoo", ["starter"], ["inference"], make_options(True, False, None))
    with zipfile.ZipFile(tmp_path / "own.zoo") as pack, zipfile.ZipFile(tmp_path / "far.zoo", "w") as other:
        for name in pack.namelist():
            content = pack.read(name)
            if name == "zoo-bundle.json":
                index = json.loads(content)
                [model] = index["lock"]["models"]
                model["name"], model["plugin"]["distribution"] = "Far", plugin
                index["cards"]["Far"] = index["cards"].pop("starter")
                content = json.dumps(index).encode()
            other.writestr(name, content)
    output = run("pack", "install", tmp_path / "far.zoo")
    assert told in output
    assert output.count("pip install") == ("pip install" in told)
