"""What a person sees at a terminal: one line while something is done, and at the end the results and nothing else."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from scenes import draw_scene
from servers import Reply, Server
from support import ARCHIVE, install_into
from terminal import in_terminal
from zoo.bundle.bundle import Bundle

ZOO = [sys.executable, "-m", "zoo"]
COUNT = 600
BAR = re.compile("[━╌]{30}")


@pytest.fixture
def street(tmp_path: Path) -> Path:
    """A folder with as many pictures as take longer than a moment."""
    folder = tmp_path / "street"
    folder.mkdir()
    for number in range(COUNT):
        path = folder / f"{number:03}.png"
        if number < 8:
            Image.fromarray(draw_scene(number, 40, 56).image).save(path)
        else:
            path.hardlink_to(folder / f"{number % 8:03}.png")
    return folder


def predict(bundle: Bundle, *words: object) -> list[str]:
    return [*ZOO, "predict", *map(str, words), "--model", str(bundle.folder), "--threads", "1"]


def test_one_picture_has_no_bar_and_leaves_nothing_but_its_result(bundle: Bundle, street: Path) -> None:
    seen = in_terminal(predict(bundle, "street/000.png"), cwd=street.parent, columns=400)
    assert seen.code == 0
    assert seen.frames[0].startswith(f"loading {bundle.folder}")
    assert not [frame for frame in seen.frames if BAR.search(frame)]
    assert seen.left[0] == f"street/000.png  40x56  {bundle.model} on cpu"
    assert all(re.fullmatch(r"  \S.*\d+\.\d\d%", line) for line in seen.left[1:-2])
    assert seen.left[-2].startswith("  read ")
    assert seen.left[-1] == "Nothing was saved. Add --save-path FOLDER to keep pictures and masks."


def test_an_evaluation_shows_how_far_it_is_and_leaves_nothing_but_its_figures(bundle: Bundle, street: Path) -> None:
    Image.new("L", (56, 40)).save(street.parent / "mask.png")
    lines = [f"street/{number:03}.png mask.png\n" for number in range(COUNT)]
    (street.parent / "list.txt").write_text("".join(lines))
    command = [*ZOO, "evaluate", str(bundle.folder), "--data", "list.txt", "--threads", "1"]
    seen = in_terminal(command, cwd=street.parent, columns=400)
    assert seen.code == 0
    shown = [frame for frame in seen.frames if BAR.match(frame)]
    assert shown, seen.frames
    assert all(f"/{COUNT}" in frame for frame in shown)
    assert not [line for line in seen.left if BAR.search(line)]
    assert seen.left[-1].startswith(f"{COUNT} pictures of list.txt")


@pytest.mark.parametrize("columns", [pytest.param(120, marks=pytest.mark.full), 44])
def test_many_pictures_stand_above_a_bar_that_is_gone_at_the_end(bundle: Bundle, street: Path, columns: int) -> None:
    seen = in_terminal(predict(bundle, "street", "-o", "out", "--save", "mask"), cwd=street.parent, columns=columns)
    assert seen.code == 0
    shown = [frame for frame in seen.frames if BAR.match(frame)]
    assert shown, seen.frames
    assert all(re.match(r".{30}  \d", frame) for frame in shown)
    assert all(len(frame) < columns for frame in shown)
    text = "".join(seen.left)
    assert re.findall(r"street/(\d+).png  40x56  ", text) == [f"{number:03}" for number in range(COUNT)]
    assert f"{COUNT} segmented" in text
    assert not BAR.search(text)


# On two cores it takes long: `make test-all`.
@pytest.mark.full
def test_a_bar_is_not_glued_to_lines_that_another_program_prints(bundle: Bundle, street: Path) -> None:
    command = shlex.join(predict(bundle, "street"))
    # Two programs write, this one whole lines: what zoo says at the end may come before the last ones of the other.
    seen = in_terminal(["sh", "-c", f"{command} | sed -u s/street/STREET/"], cwd=street.parent, columns=200)
    assert sum(line.startswith(f"{COUNT} segmented") for line in seen.left) == 1
    pictures = [line.partition(" ")[0] for line in seen.left if ".png" in line]
    assert pictures == [f"STREET/{n:03}.png" for n in range(COUNT)]


@pytest.mark.full
def test_results_in_a_file_leave_the_bar_on_the_screen(bundle: Bundle, street: Path, tmp_path: Path) -> None:
    with (tmp_path / "told").open("wb") as told:
        seen = in_terminal(predict(bundle, "street"), cwd=street.parent, stdout=told)
    lines = (tmp_path / "told").read_text().splitlines()
    assert [line.partition(" ")[0] for line in lines] == [f"street/{number:03}.png" for number in range(COUNT)]
    assert [frame for frame in seen.frames if BAR.match(frame)]
    assert seen.left[0].startswith(f"{COUNT} segmented")


def test_ctrl_c_says_how_many_are_left(bundle: Bundle, street: Path) -> None:
    seen = in_terminal(predict(bundle, "street"), cwd=street.parent, interrupt=lambda line: "pictures/s" in line)
    assert seen.code == 130
    done = sum(line.startswith("street/") for line in seen.left)
    assert done
    assert seen.left[-1] == f"Interrupted, {COUNT - done} left."
    assert any(line.startswith(f"{done} segmented") for line in seen.left)
    assert not [line for line in seen.left if "^C" in line or BAR.search(line)]


def test_ctrl_c_in_an_evaluation_says_how_many_are_left(bundle: Bundle, street: Path) -> None:
    Image.new("L", (56, 40)).save(street.parent / "mask.png")
    (street.parent / "list.txt").write_text("".join(f"street/{n:03}.png mask.png\n" for n in range(COUNT)))
    command = [*ZOO, "evaluate", str(bundle.folder), "--data", "list.txt", "--threads", "1"]
    seen = in_terminal(command, cwd=street.parent, interrupt=lambda line: "pictures/s" in line)
    assert seen.code == 130
    [said] = seen.left
    assert re.fullmatch(r"Interrupted, \d+ left\.", said)


def test_ctrl_c_while_a_model_is_loaded_is_said_too(bundle: Bundle, street: Path) -> None:
    seen = in_terminal(predict(bundle, "street"), cwd=street.parent, interrupt=lambda line: line.startswith("loading"))
    assert (seen.code, seen.left) == (130, ["Interrupted."])


SLOW = """
import time
from zoo.plugin import Format, hookimpl

@hookimpl
def zoo_formats():
    return [Format("slow", "Slow", (".txt",), "_slow.txt", "zoo_format_slow:encode", api=1)]

def encode(results, path):
    (path.parent / "begun").touch()
    time.sleep(100)
"""


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A format whose files take longer than anybody waits, and which a run waits for when it ends."""
    (tmp_path / "site").mkdir()
    install_into(tmp_path / "site", "zoo-format-slow", SLOW, group="zoo.formats", name="slow")
    path = os.pathsep.join([str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path.strip(os.pathsep))


def is_segmenting(line: str) -> bool:
    return line.startswith("segmenting  ")


@pytest.mark.usefixtures("slow")
def test_a_second_ctrl_c_ends_at_once_and_leaves_nothing(bundle: Bundle, street: Path) -> None:
    command = predict(bundle, "street", "-o", "out", "--save", "slow")
    began = time.monotonic()

    def is_writing(line: str) -> bool:
        # On a slow machine the line is there while the engine still warms up, where the first Ctrl-C is enough.
        return is_segmenting(line) and (street.parent / "out" / "begun").exists()

    seen = in_terminal(command, cwd=street.parent, interrupt=is_writing, times=2)
    assert (seen.code, seen.left) == (130, [])
    assert any(map(is_segmenting, seen.frames))
    assert time.monotonic() - began < 60


@pytest.mark.usefixtures("slow")
@pytest.mark.parametrize(("first", "second"), [("SIGTERM", "SIGINT"), ("SIGINT", "SIGTERM"), ("SIGTERM", "SIGTERM")])
def test_a_second_signal_of_either_kind_ends_at_once(bundle: Bundle, street: Path, first: str, second: str) -> None:
    words = predict(bundle, "street", "-o", "out", "--save", "slow")[1:]
    with subprocess.Popen(
        [sys.executable, *words], cwd=street.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as command:
        while command.poll() is None and not (street.parent / "out" / "begun").exists():
            time.sleep(0.05)
        command.send_signal(signal.Signals[first])
        time.sleep(1)
        assert command.poll() is None
        command.send_signal(signal.Signals[second])
        said = command.communicate(timeout=20)
    assert (command.returncode, *said) == (130 if second == "SIGINT" else -signal.SIGTERM, "", "")


def test_the_first_use_of_an_engine_is_told_while_it_is_tried(
    bundle: Bundle, street: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "nothing here"))
    first, second = (in_terminal(predict(bundle, "street/000.png"), cwd=street.parent, columns=400) for _ in range(2))
    tried = "first use on this machine, the engine is tried"
    assert [frame for frame in first.frames if frame.startswith("loading") and tried in frame]
    assert not [frame for frame in second.frames if tried in frame]
    assert tried not in "".join(first.left)


def test_a_download_is_one_line_that_is_rewritten(server: Server, home: Path, tmp_path: Path) -> None:
    body = server.files[ARCHIVE]
    server.replies[ARCHIVE] = [Reply(cut=len(body) // 2), Reply(status=503), Reply(rate=len(body) / 2)]
    seen = in_terminal([*ZOO, "download", "PP-LiteSeg-T"], cwd=tmp_path, columns=300)
    assert seen.code == 0, seen.left
    name = ARCHIVE.rpartition("/")[2]
    shown = [frame for frame in seen.frames if frame.startswith(name)]
    assert [frame for frame in shown if "waits" in frame]
    assert [frame for frame in shown if re.search(rf"  \d\.\d/{len(body) / 1e6:.1f} MB  .* MB/s  [━╌]{{30}}", frame)]
    assert len(seen.left) == 1
    assert Path(seen.left[0]).is_dir()
