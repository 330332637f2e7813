"""A model by its name: fetched once, whole or not there, shared by processes, held to what it was, used offline."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import IO

import numpy as np
import pytest

import zoo
from servers import Reply, Server
from support import ARCHIVE, CHECKPOINT, packed
from zoo.registry import find_model
from zoo.store.inventory import cached
from zoo.store.store import Store

OLDER = "/paddlex/official_inference_model/paddle3.0b1_v2/PP-LiteSeg-T_infer.tar"


def run(code: str, stderr: int | IO[bytes] = subprocess.PIPE, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )


def test_a_model_is_fetched_once_and_then_works_without_a_network(
    server: Server, home: Path, picture: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zoo.load("PP-LiteSeg-T", threads=1) as model:
        mask = model.predict(picture).one().mask
        assert model.name == "PP-LiteSeg-T"
        assert model.labels[:3] == ("road", "sidewalk", "building")  # of the card: the folder of PaddleX has none
    assert len(server.requests) == 1

    def refuse(*_: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr("socket.socket.connect", refuse)
    for offline in (False, True):
        with zoo.load("pp-liteseg-t", threads=1, offline=offline, verify=True) as model:
            assert np.array_equal(model.predict(picture).one().mask, mask)
    assert len(server.requests) == 1


def test_loading_untouched_files_again_takes_no_digest(
    server: Server, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zoo.load("PP-LiteSeg-T", threads=1).close()

    def refuse(path: Path) -> str:
        raise AssertionError(f"the digest of {path} was taken")

    for module in ("zoo.bundle.bundle", "zoo.store.manifest"):
        monkeypatch.setattr(f"{module}.file_sha256", refuse)
    zoo.load("PP-LiteSeg-T", threads=1).close()
    with pytest.raises(AssertionError, match="was taken"):
        zoo.load("PP-LiteSeg-T", threads=1, verify=True)


def test_a_notebook_shows_a_download_below_the_cell(
    server: Server, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    zoo.fetch("PP-LiteSeg-T")
    assert capsys.readouterr().err == ""
    shutil.rmtree(home)
    monkeypatch.setitem(sys.modules, "ipykernel", ModuleType("ipykernel"))
    zoo.fetch("PP-LiteSeg-T")
    shown = capsys.readouterr().err
    size = f"{len(server.files[ARCHIVE]) / 1e6:.1f}"
    assert f"\r{ARCHIVE.rpartition('/')[2]}  {size} of {size} MB " in shown
    assert {len(line) for line in shown.replace("\n", "").strip("\r").split("\r")} == {78}


def test_offline_says_at_once_what_is_missing(server: Server, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    with pytest.raises(zoo.OfflineError, match="inference files of PP-LiteSeg-T are not on this machine") as caught:
        zoo.load("PP-LiteSeg-T")
    assert "zoo download PP-LiteSeg-T" in caught.value.hint
    assert server.requests == []
    assert [path.name for path in home.iterdir()] == ["engines"]
    monkeypatch.setenv("ZOO_OFFLINE", "perhaps")
    with pytest.raises(zoo.FetchError, match="ZOO_OFFLINE is 'perhaps'"):
        zoo.fetch("PP-LiteSeg-T")


def test_a_folder_as_mirror_serves_offline_too(
    home: Path, tmp_path: Path, official_archive: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "PP-LiteSeg-T_infer.tar").write_bytes(official_archive)
    monkeypatch.setenv("ZOO_MIRROR", str(tmp_path / "mirror"))
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    assert (zoo.fetch("PP-LiteSeg-T") / "inference.pdiparams").is_file()


def test_a_checkpoint_is_fetched_as_the_file_it_is(server: Server, home: Path) -> None:
    path = zoo.fetch("PP-LiteSeg-T", "pretrained")
    assert path.name == "PP-LiteSeg-T_pretrained.pdparams"
    assert path.read_bytes() == server.files[CHECKPOINT]
    assert zoo.fetch("PP-LiteSeg-T", "pretrained", offline=True) == path
    assert not list((home / "parts").iterdir())


def test_the_first_download_is_recorded_and_later_ones_are_held_to_it(
    server: Server, home: Path, official_folder: Path, official_archive: bytes
) -> None:
    from click.testing import CliRunner

    from zoo.cli.app import cli

    zoo.fetch("PP-LiteSeg-T")
    assert CliRunner().invoke(cli, ["cache", "rm", "PP-LiteSeg-T"]).exit_code == 0
    server.files[ARCHIVE] = packed(official_folder, "another_top")
    with pytest.raises(zoo.ChecksumMismatchError, match="digest") as caught:
        zoo.fetch("PP-LiteSeg-T")
    assert "zoo cache rm PP-LiteSeg-T --forget" in caught.value.hint
    server.files[ARCHIVE] = official_archive
    zoo.fetch("PP-LiteSeg-T")
    assert CliRunner().invoke(cli, ["cache", "rm", "PP-LiteSeg-T"]).exit_code == 0
    server.files[ARCHIVE] = packed(official_folder, "another_top")
    assert CliRunner().invoke(cli, ["cache", "rm", "PP-LiteSeg-T", "--forget"]).exit_code == 0
    zoo.fetch("PP-LiteSeg-T")


def test_the_recorded_address_is_asked_first(server: Server, home: Path, official_archive: bytes) -> None:
    del server.files[ARCHIVE]
    server.files[OLDER] = official_archive
    zoo.fetch("PP-LiteSeg-T")
    assert [request.path for request in server.requests][::2] == [ARCHIVE, OLDER]
    (entry,) = cached(Store(home))
    Store(home).drop(entry.record.tree)
    server.files[ARCHIVE] = b"another release" * 100
    zoo.fetch("PP-LiteSeg-T")
    assert server.requests[-1].path == OLDER


def change_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def replace_by_html(path: Path) -> None:
    path.write_text("<!doctype html><title>Not found</title>")


def remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("damage", [change_a_byte, cut, empty, replace_by_html, remove])
def test_damaged_files_are_fetched_again_and_never_used_offline(damage, server: Server, home: Path) -> None:
    folder = zoo.fetch("PP-LiteSeg-T")
    damage(folder / "inference.pdiparams")
    with pytest.raises(zoo.OfflineError, match=r"are damaged .*inference\.pdiparams"):
        zoo.load("PP-LiteSeg-T", offline=True)
    zoo.load("PP-LiteSeg-T", threads=1).close()
    assert len(server.requests) == 2


@pytest.mark.parametrize("content", [b"<!doctype html><html>Not found</html>", b"", b"no archive" * 100])
def test_what_is_no_archive_is_refused_and_nothing_is_kept(content: bytes, server: Server, home: Path) -> None:
    server.files[ARCHIVE] = content
    with pytest.raises(zoo.FetchError, match=r"PP-LiteSeg-T_infer\.tar"):
        zoo.fetch("PP-LiteSeg-T")
    assert cached(Store(home)) == []
    assert not list((home / "store").iterdir())


def test_an_archive_without_a_whole_model_is_refused_by_name(server: Server, home: Path, tmp_path: Path) -> None:
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "inference.yml").write_text("zoo: {format: 1}\n")
    (tmp_path / "half" / "other.txt").write_text("")
    server.files[ARCHIVE] = packed(tmp_path / "half")
    with pytest.raises(zoo.FetchError, match="holds no model zoo can read") as caught:
        zoo.fetch("PP-LiteSeg-T")
    assert str(home) not in caught.value.message.partition("holds no model")[2]


def test_a_cache_that_cannot_be_written_is_an_error_before_anything_is_asked(
    server: Server, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOO_HOME", str(home / "file"))
    (home / "file").write_text("a file")
    with pytest.raises(zoo.CacheError, match=r"cache folder .* cannot be used"):
        zoo.fetch("PP-LiteSeg-T")
    assert server.requests == []


FETCH = """
import sys, zoo
def show(progress):
    if progress.note:
        print(progress.note, file=sys.stderr, flush=True)
print(zoo.fetch("PP-LiteSeg-T", progress=show), flush=True)
"""


def test_eight_processes_that_want_one_model_download_it_once(server: Server, home: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes"

    def when_all_others_wait(number: int) -> Reply:
        while notes.read_text().count("waits for another process") < 7 and not server.stopping.wait(0.02):
            pass
        return Reply()

    server.replies[ARCHIVE] = when_all_others_wait
    with notes.open("ab") as stderr:
        children = [run(FETCH, stderr=stderr) for _ in range(8)]
    ended = [child.communicate(timeout=100) for child in children]
    assert [child.returncode for child in children] == [0] * 8, notes.read_text()
    assert len({out for out, _ in ended}) == 1
    assert len(server.requests) == 1


@pytest.mark.parametrize("kills", [20, pytest.param(60, marks=pytest.mark.full)])
def test_a_process_killed_at_any_moment_leaves_a_cache_that_works(
    kills: int, server: Server, home: Path, official_archive: bytes, tmp_path: Path
) -> None:
    """Children are killed with SIGKILL: while they import, ask, receive, unpack, rename and record."""
    rng = random.Random(4)
    server.replies[ARCHIVE] = Reply(rate=1_000_000)
    begin = time.monotonic()
    alone = run(FETCH, ZOO_HOME=str(tmp_path / "alone"))
    alone.communicate(timeout=100)
    whole = time.monotonic() - begin
    server.requests.clear()
    # The first to ask gets no whole answer.
    server.replies[ARCHIVE] = lambda number: (
        Reply(rate=rng.choice([1_000_000, 4_000_000, 1e9])) if number else Reply(cut=1000, pause=100)
    )
    survived = 0
    for number in range(kills):
        if number % 10 == 0:
            home = tmp_path / f"home{number}"
        child = run(FETCH, ZOO_HOME=str(home))
        if number == kills - 1:
            assert child.stdout is not None
            child.stdout.readline()  # It is done: this one is killed after its work.
        else:
            # The first half of its time a process spends on imports; few kills are enough there.
            time.sleep(whole * (rng.uniform(0.4, 1.1) if number % 6 else rng.uniform(0, 0.4)))
        child.send_signal(signal.SIGKILL)
        child.communicate()
        store = Store(home)
        for key in store.record_keys():
            found = store.find(key, thorough=True)  # raises where anything is half
            survived += found is not None
        if number % 10 == 9:
            last = run(FETCH, ZOO_HOME=str(home))
            out, error = last.communicate(timeout=100)
            assert last.returncode == 0, error
            assert (Path(out.strip()) / "inference.pdiparams").is_file()
            (entry,) = cached(Store(home))
            assert Store(home).find(entry.record.key, thorough=True) is not None
            assert entry.record.size == len(official_archive)
            assert not list((home / "parts").iterdir())
            assert not [path for path in (home / "store").iterdir() if path.name.startswith(".")]
    assert 0 < survived < kills  # some were killed before they were done, and some after


def test_a_full_disk_leaves_no_part_behind(server: Server, home: Path) -> None:
    code = (
        "import resource, zoo\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "try:\n    zoo.fetch('PP-LiteSeg-T')\nexcept zoo.CacheError as error:\n    print(error)"
    )
    child = run(code)
    out, error = child.communicate(timeout=60)
    assert "bytes" in out, error
    assert not list((home / "parts").iterdir())
    assert not list((home / "store").iterdir())
    zoo.fetch("PP-LiteSeg-T")


def test_every_official_model_has_addresses_that_can_be_asked() -> None:
    from zoo.registry import list_models
    from zoo.store.download.addresses import addresses

    for entry in list_models(installed=True):
        card = find_model(entry.name).card
        for place in (card.weights, card.pretrained):
            urls = getattr(place, "urls", ())
            assert [address.declared for address in addresses(urls)] == list(urls)
