"""The section on hardware of PaddleX's tutorial, and what the rest of it says of devices, with zoo."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from PIL import Image
from pretend.build import VISIBLE, compiler, plugins
from pretend.machine import Machine

from scenes import draw_scene
from servers import Server

PICTURE = "makassaridn-road_demo.png"
_SCRIPT = """
from zoo import create_pipeline

pipeline = create_pipeline(pipeline="semantic_segmentation", device="npu:0,1")
output = pipeline.predict(["makassaridn-road_demo.png"] * 4)
for res in output:
    print(res.device, res.why.count("untested"))
pipeline.close()
"""


@pytest.fixture
def ready(server: Server, tmp_path: Path) -> Machine:
    """A machine with NPUs only, the tutorial's picture, and a server in place of the publishers'.

    Beside a second kind paddle 3.2.2 copies the labels of such a program through the first device of the first kind.
    """
    if compiler() is None:
        pytest.skip("there is no g++ to build the pretend runtime with")
    machine = Machine(plugins({"npu": VISIBLE["npu"]}), tmp_path)
    Image.fromarray(draw_scene(2, 96, 160).image).save(tmp_path / PICTURE)
    machine.environ |= {"ZOO_MIRROR": server.url(""), "ZOO_OFFLINE": "0"}
    return machine


def tutorial(shared: Path, language: str) -> str:
    return (shared / "reference" / f"semantic_segmentation_pipeline.{language}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("language", "heading"), [("en", "## Multi-hardware Support"), ("zh", "#  多硬件支持")])
def test_its_commands_need_another_device_and_nothing_else(
    shared: Path, ready: Machine, language: str, heading: str
) -> None:
    """Word for word but for the program's name; the address of the Chinese picture is our file."""
    section = tutorial(shared, language).partition(heading)[2]
    found = re.findall(
        r"^paddlex (--pipeline semantic_segmentation --input) \S+ (--device \S+)$", section, re.MULTILINE
    )
    gpu, npu = (shlex.split(f"{start} {PICTURE} {device}") for start, device in found)
    assert (gpu[-1], npu[-1]) == ("gpu:0", "npu:0")
    assert gpu[:-1] == npu[:-1]

    ended = ready.zoo(*npu)
    assert ended.returncode == 0, ended
    assert f"{PICTURE}  96x160  PP-LiteSeg-T on npu:0" in ended.stdout
    assert ready.used() == {"npu:0"}

    # There is none here, and PaddleX would go on on the processor.
    ended = ready.zoo(*gpu)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("The device gpu:0 cannot be used: paddlepaddle")


@pytest.mark.full
def test_a_file_names_the_device_and_a_word_on_the_command_line_beats_it(
    shared: Path, ready: Machine, tmp_path: Path
) -> None:
    """The tutorial's own file with the device changed, and `gpu:1,2` of its parameters as two of our kind."""
    block = re.search(r"\.{6}\n(Pipeline:.*?\n)\.{6}\n", tutorial(shared, "en"), re.DOTALL)
    assert block is not None
    assert 'device: "gpu"' in block[1]
    (tmp_path / "semantic_segmentation.yaml").write_text(block[1].replace('"gpu"', '"npu"'), encoding="utf-8")
    words = "--pipeline", "./semantic_segmentation.yaml", "--input", PICTURE
    for more, used in (((), {"npu:0"}), (("--device", "npu:1"), {"npu:1"}), (("--device", "npu:0,1"), None)):
        ended = ready.zoo(*words, *more)
        assert ended.returncode == 0, ended
        assert ready.used() == (used or {"npu:0", "npu:1"})
    ended = ready.zoo(*words, "--device", "cpu")
    assert ended.returncode == 0, ended
    assert "PP-LiteSeg-T on cpu" in ended.stdout
    assert ready.used() == set()


def test_python_takes_several(ready: Machine) -> None:
    ended = ready.run("-c", _SCRIPT)
    assert ended.returncode == 0, ended
    lines = ended.stdout.splitlines()
    assert len(lines) == 4
    # PaddleX lists this model for Ascend.
    assert set(lines) <= {"npu:0 0", "npu:1 0"}
    assert ready.used() == {"npu:0", "npu:1"}
