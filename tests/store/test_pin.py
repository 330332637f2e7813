"""`zoo registry pin`: what the official files are, written into the plugins, and enforced from then on."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from servers import Server
from support import ARCHIVE, CHECKPOINT, packed

REPO = Path(__file__).resolve().parents[2]

PIN = """
import sys
from pathlib import Path
from zoo.registry import find_model
from zoo.store.model_files import make_options
from zoo.store.pin import pin
for path in pin([find_model("PP-LiteSeg-T")], Path(sys.argv[1]), make_options(None, True, None)):
    print(path)
"""
SHOW = """
from zoo.registry import find_model
card = find_model("PP-LiteSeg-T").card
print(card.weights.sha256, card.weights.size, card.pretrained.sha256, card.pretrained.size)
"""
FETCH = """
import zoo
try:
    zoo.fetch("PP-LiteSeg-T")
except zoo.ChecksumMismatchError as error:
    print("refused:", error.hint)
"""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A source tree with one plugin, which stands before the installed one."""
    source = REPO / "plugins" / "zoo-plugin-pp-liteseg"
    shutil.copytree(source, tmp_path / "tree" / "plugins" / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "tree"


def run(code: str, tree: Path, home: Path) -> str:
    path = tree / "plugins" / "zoo-plugin-pp-liteseg"
    environment = {**os.environ, "PYTHONPATH": str(path), "ZOO_HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tree)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_pinned_digests_are_those_of_the_files_and_are_enforced(
    server: Server, tree: Path, tmp_path: Path, official_folder: Path
) -> None:
    assert run(SHOW, tree, tmp_path / "a") == "None None None None"
    table = run(PIN, tree, tmp_path / "a")
    assert table == str(tree / "plugins" / "zoo-plugin-pp-liteseg" / "zoo_plugin_pp_liteseg" / "digests.py")
    files = (server.files[ARCHIVE], server.files[CHECKPOINT])
    expected = " ".join(f"{hashlib.sha256(content).hexdigest()} {len(content)}" for content in files)
    assert run(SHOW, tree, tmp_path / "a") == expected
    before = Path(table).read_text()
    run(PIN, tree, tmp_path / "a")
    assert Path(table).read_text() == before
    ruff = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--check", "--line-length", "120", table],
        capture_output=True,
        check=False,
    )
    assert ruff.returncode == 0, ruff.stdout

    assert run(FETCH, tree, tmp_path / "b") == ""
    asked = len(server.requests)
    assert run(FETCH, tree, tmp_path / "a") == ""  # what was recorded is what was pinned
    assert len(server.requests) == asked
    other = bytearray(packed(official_folder))
    other[150] ^= 1
    server.files[ARCHIVE] = bytes(other)
    assert run(FETCH, tree, tmp_path / "c").startswith("refused: The plugin holds the digest.")


def test_a_plugin_that_is_not_of_the_tree_is_refused(server: Server, tmp_path: Path) -> None:
    from zoo.errors import RegistryError
    from zoo.registry import find_model
    from zoo.store.model_files import make_options
    from zoo.store.pin import pin

    with pytest.raises(RegistryError, match="is not installed from"):
        pin([find_model("PP-LiteSeg-T")], tmp_path, make_options(None, True, None))
