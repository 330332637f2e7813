"""The example in the documentation is a real plugin: pip installs it and zoo lists it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]
EXAMPLE = REPO / "docs" / "examples" / "zoo-plugin-fcn"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example installed in it."""
    folder = tmp_path_factory.mktemp("site")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(folder), str(EXAMPLE)]
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    return folder


def zoo(site: Path, *arguments: str, program: tuple[str, ...] = ("-m", "zoo")) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(REPO)]), "ZOO_HOME": str(site)}
    command = [sys.executable, *program, *arguments]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=120).stdout


def test_the_model_is_listed_with_what_its_card_says(site: Path) -> None:
    (entry,) = json.loads(zoo(site, "list-models", "fcn*", "--json"))
    assert (entry["name"], entry["title"], entry["distribution"]) == ("FCN-Tiny", "FCN", "zoo-plugin-fcn")
    assert (entry["dataset"], entry["classes"], entry["status"]) == ("voc", 21, "installed")


def test_the_plugins_table_shows_it(site: Path) -> None:
    row = next(line for line in zoo(site, "plugins").splitlines() if "zoo-plugin-fcn" in line)
    assert row.split() == ["fcn", "zoo-plugin-fcn", "1.0.0", "models", "FCN-Tiny", "ok"]


def test_its_network_gives_logits_at_the_stride_of_its_card(site: Path) -> None:
    code = (
        "import paddle, zoo; from zoo.contract.refs import resolve; model = zoo.find_model('FCN-Tiny');"
        "network = resolve(model.family.network)(model.card.name, len(model.card.labels), 3);"
        "print([list(logits.shape) for logits in network(paddle.zeros([1, 3, 32, 64]))], model.card.output_stride)"
    )
    pytest.importorskip("paddle")
    assert zoo(site, program=("-c", code)).splitlines()[-1] == "[[1, 21, 4, 8]] 8"


def test_the_whole_plugin_is_about_thirty_lines() -> None:
    files = [EXAMPLE / "pyproject.toml", EXAMPLE / "zoo_plugin_fcn" / "__init__.py"]
    lines = [line for file in files for line in file.read_text().splitlines() if line.strip()]
    assert len(lines) <= 32
