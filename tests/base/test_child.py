"""What zoo starts in another process imports nothing from the current folder, where pictures and downloads lie."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from sessions import mortal

import zoo
from support import zoo_process
from zoo.base import child
from zoo.bundle.bundle import Bundle
from zoo.engine.paddle.probe import working_settings
from zoo.engine.paddle.settings import SETTINGS
from zoo.engine.streams.processes import ProcessSession

#: Modules that every child imports, of the standard library and others.
NAMES = ("numpy", "random", "types", "runpy", "tokenize", "zoo_plugin_starter")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A current folder with modules that must not be run, which Python itself would look into first."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name in NAMES:
        (pictures / f"{name}.py").write_text(f"open({str(tmp_path / 'marker')!r}, 'a').write({name!r})\n")
    monkeypatch.chdir(pictures)
    # As it is after `python -c`, and after `python -m`.
    monkeypatch.setattr(sys, "path", ["", str(pictures), *sys.path])
    yield pictures
    assert not (tmp_path / "marker").exists(), "code in the current folder was run"


def test_a_trial_runs_nothing_from_there(folder: Path, bundle: Bundle, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    assert working_settings(bundle.verify(), "9.9.9")[0] == SETTINGS[0]


def test_a_session_in_a_process_runs_nothing_from_there(folder: Path, bundle: Bundle) -> None:
    session = ProcessSession(partial(mortal, bundle.verify()), 1)
    assert session.run(np.zeros((1, 3, 40, 40), np.float32)).ndim == 4
    session.close()


def test_the_program_runs_nothing_from_there_with_python_m(folder: Path, monkeypatch) -> None:
    """Python itself looks there for what it needs before zoo is there; not for what zoo needs."""
    for name in NAMES[1:-1]:
        (folder / f"{name}.py").unlink()
    monkeypatch.setattr(sys, "path", sys.path[2:])
    ended = zoo_process("plugins", "check")
    assert (ended.returncode, ended.stdout) == (0, ""), ended.stderr


def test_a_folder_that_the_user_names_stays(folder: Path, monkeypatch) -> None:
    assert not {"", str(folder)} & set(child.import_paths())
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", "/nowhere", str(folder)]))
    assert child.import_paths()[0] == str(folder)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["", "/nowhere"]))
    assert str(folder) not in child.import_paths()


@pytest.mark.parametrize("safe", ["", "1"])
def test_a_child_has_the_packages_of_its_parent_and_the_arguments(tmp_path: Path, monkeypatch, safe: str) -> None:
    monkeypatch.setenv("PYTHONSAFEPATH", safe)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "told.py").write_text("import sys\nif __name__ == '__main__':\n    print(sys.argv[1:], sys.path[0])\n")
    ended = subprocess.run(child.python("told", "a b"), env=child.environment(), capture_output=True, text=True)
    assert ended.stdout.splitlines() == [f"['a b'] {tmp_path}"], ended.stderr


def test_zoo_starts_python_in_this_way_only() -> None:
    """But for the kit that tests plugins, in the folder of their author."""
    place = Path(zoo.__file__).parent
    starts = re.compile(r"sys\.executable|multiprocessing|os\.(spawn|exec|system|popen)")
    modules = {path.relative_to(place).as_posix(): path.read_text(encoding="utf-8") for path in place.rglob("*.py")}
    found = {name for name, source in modules.items() if starts.search(source)}
    assert found == {"base/child.py", "doctor/machine.py", "testing/contract.py", "testing/engine.py"}
