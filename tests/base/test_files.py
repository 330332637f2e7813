"""Files and folders are whole or not there; what a killed program left of one is removed by the next."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from zoo.base.files import ensure_folder, replacing_folder, write_atomic
from zoo.errors import OutputError

_WRITER = """
import sys, time
from zoo.base.files import replacing
with replacing(sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    print("writing", flush=True)
    time.sleep(60)
"""
_MAKER = """
import sys, time
from zoo.base.files import replacing_folder
with replacing_folder(sys.argv[1]) as folder:
    (folder / "a").write_bytes(b"half")
    print("writing", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("program", [_WRITER, _MAKER], ids=["file", "folder"])
def test_what_a_killed_program_left_is_removed_and_what_another_writes_is_not(program: str, tmp_path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", program, tmp_path / name], stdout=subprocess.PIPE, text=True)
        for name in ("killed", "going-on")
    ]
    for writer in writers:
        assert writer.stdout is not None
        with writer.stdout as told:
            assert told.readline() == "writing\n"
    killed, going_on = writers
    parts = set(tmp_path.iterdir())
    assert len(parts) == 2
    killed.send_signal(signal.SIGKILL)
    killed.wait(10)
    (tmp_path / ".zoo-notes.txt").write_text("the user's own")
    (tmp_path / ".zoo-link.part").symlink_to(tmp_path / ".zoo-notes.txt")
    old = time.time() - 60
    for path in parts:
        os.utime(path, (old, old))
    ensure_folder(tmp_path)
    left = parts & set(tmp_path.iterdir())
    assert not any((tmp_path / name).exists() for name in ("killed", "going-on"))
    going_on.terminate()
    going_on.wait(10)
    assert len(left) == 1, "only that of the killed one is removed"
    assert sorted(path.name for path in set(tmp_path.iterdir()) - left) == [".zoo-link.part", ".zoo-notes.txt"]
    assert write_atomic(tmp_path / "a", b"whole").read_bytes() == b"whole"


def test_a_folder_takes_its_place_when_it_is_whole_and_only_that_of_an_empty_one(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "folder"
    target.mkdir(parents=True)
    with replacing_folder(target) as folder:
        (folder / "a").write_bytes(b"whole")
        assert not any(target.iterdir())
    assert (target / "a").read_bytes() == b"whole"
    with pytest.raises(OutputError, match="cannot be written: Directory not empty"), replacing_folder(target) as folder:
        (folder / "b").write_bytes(b"other")
    with pytest.raises(KeyboardInterrupt), replacing_folder(tmp_path / "never"):
        raise KeyboardInterrupt
    assert [path.name for path in tmp_path.rglob("*")] == ["deep", "folder", "a"]
