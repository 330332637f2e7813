"""A batch that the memory holds: measured with one picture, before the first step."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import paddle
import pytest

from support import draw_dataset, small_network, zoo_process
from zoo.base.free_memory import CGROUP, PROC, Memory, read_memory
from zoo.base.peak_memory import family_memory
from zoo.contract.recipe import AdamW, CrossEntropy, PolynomialDecay, Recipe
from zoo.errors import ConfigError
from zoo.learn.networks import build_network
from zoo.learn.run.begin.batch import measure_need
from zoo.learn.run.begin.settle import settle
from zoo.learn.run.configuration import Configuration
from zoo.learn.run.data import read_run_data
from zoo.learn.run.proposal import official_recipe
from zoo.learn.run.run_folder import RunFolder
from zoo.learn.training.losses import total_loss


@pytest.fixture(scope="module")
def streets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_dataset(tmp_path_factory.mktemp("streets"), 20, 64, 64)


def settled(streets: Path, free: float, *given: str) -> Configuration:
    configuration, _ = settle(
        "PP-LiteSeg-T",
        streets,
        read_run_data(streets),
        pretrained=None,
        file=None,
        given=given,
        free=free,
    )
    return configuration["train"]


def test_what_a_batch_needs_is_what_the_allocator_gives_out() -> None:
    statistics: Any = paddle.base.core
    network, losses = small_network(11), (CrossEntropy(), CrossEntropy(), CrossEntropy())
    recipe = Recipe(1, 1, (96, 128), AdamW(), PolynomialDecay(0.01), losses)
    need = measure_need(network, recipe, workers=0)
    before = statistics.host_memory_stat_current_value("Allocated", 0)
    statistics.host_memory_stat_reset_peak_value("Allocated", 0)
    logits = network(paddle.randn([6, 3, 96, 128]))
    total_loss(logits, paddle.randint(0, 11, [6, 96, 128]), recipe.heads, 255).backward()
    used = statistics.host_memory_stat_peak_value("Allocated", 0) - before
    assert used <= need.of(6) - need.fixed <= 1.3 * used
    assert need.most(need.of(6) + 1) == 6
    assert need.most(need.fixed / 2) == 0


def test_the_proposal_is_a_batch_that_fits_and_a_step_keeps_its_pictures(streets: Path) -> None:
    official = official_recipe("PP-LiteSeg-T")
    assert (official.batch_size, official.devices) == (4, 4)
    need = measure_need(build_network("PP-LiteSeg-T", 11), replace(official, crop=(64, 64)), workers=1)

    def found(free: float, *given: str) -> tuple[int, int]:
        train = settled(streets, free, *given)
        return train["batch_size"], train["accumulate"]

    assert found(1e12) == (4, 4)
    assert found(1e12, "train.batch_size=auto") == (16, 1)
    two, five = (need.of(count) + need.picture / 2 for count in (2, 5))
    assert found(two) == found(two, "train.batch_size=auto") == (2, 8)
    assert found(five) == (4, 4)
    assert found(five, "train.batch_size=auto") == (5, 3)
    assert found(five, "train.batch_size=5") == (5, 4)
    with pytest.raises(ConfigError, match=r"A batch of 6 pictures of 64x64 needs about 0\.\d GB .* at most 5\."):
        found(five, "train.batch_size=6")
    with pytest.raises(ConfigError, match=r"A batch of 4 pictures of 64x64 .* at most 0\."):
        found(need.fixed)


def test_a_batch_that_the_machine_cannot_hold_is_refused_before_there_is_a_run(streets: Path, tmp_path: Path) -> None:
    words = ("train", "SeaFormer_tiny", streets, "-o", tmp_path / "run", "--set", "train.iterations=1")
    ended = zoo_process(*words, "--set", "train.batch_size=4096", "--set", "train.crop=[512, 512]")
    assert ended.returncode == 1
    assert "A batch of 4096 pictures of 512x512 needs about " in ended.stderr
    assert not (tmp_path / "run").exists()
    ended = zoo_process(*words, "--set", "train.batch_size=auto")
    assert ended.returncode == 0, ended.stderr
    assert "A batch of 8 needs about " in ended.stderr
    # A resumed run has the same.
    assert RunFolder(tmp_path / "run").configuration()["train"]["batch_size"] == 8


_HOLDS = """
import subprocess, sys
held = bytearray(b"x" * 40_000_000)
if len(sys.argv) > 1:
    subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdin=sys.stdin, stdout=sys.stdout)
print("ready", flush=True)
sys.stdin.read()
"""


def test_the_memory_of_a_run_is_that_of_all_its_processes(tmp_path: Path) -> None:
    """A child and its own child hold 40 MB each."""
    before = family_memory(PROC)
    assert before is not None
    command = [sys.executable, "-c", _HOLDS, _HOLDS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(2)] == [b"ready\n"] * 2
        found = family_memory(PROC)
        process.stdin.close()
    assert found is not None
    assert 80e6 < found - before < 160e6
    assert family_memory(tmp_path) is None


def control_group(folder: Path, *figures: int, names: tuple[str, str], kept: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, figure in zip(names, figures, strict=False):
        (folder / name).write_text(f"{figure}\n")
    (folder / "memory.stat").write_text(f"anon 7\n{kept} {figures[2]}\n")


def test_the_limits_of_control_groups_count(tmp_path: Path) -> None:
    """Those of both versions, of the group and of all above it; files that are only kept are no use of memory."""
    proc, cgroup = tmp_path / "proc", tmp_path / "cgroup"
    (proc / "self").mkdir(parents=True)
    (proc / "meminfo").write_text("MemTotal: 1000 kB\nMemFree: 10 kB\nMemAvailable: 800 kB\n")
    assert read_memory(proc, cgroup) == Memory(1_024_000, 1_024_000, 819_200)
    second, first = ("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")
    (proc / "self" / "cgroup").write_text("0::/jobs/train\n")
    control_group(cgroup / "jobs", 500_000, 300_000, 100_000, names=second, kept="inactive_file")
    (cgroup / "jobs" / "train").mkdir()
    (cgroup / "jobs" / "train" / "memory.max").write_text("max\n")
    assert read_memory(proc, cgroup) == Memory(1_024_000, 500_000, 300_000)
    (proc / "self" / "cgroup").write_text("3:cpu:/\n4:memory:/named/outside\n0::/\n")
    control_group(cgroup / "memory", 400_000, 390_000, 0, names=first, kept="total_inactive_file")
    assert read_memory(proc, cgroup) == Memory(1_024_000, 400_000, 10_000)
    assert read_memory(tmp_path / "nothing", cgroup) is None
    here = read_memory(PROC, CGROUP)
    assert here is not None
    assert np.all(np.diff([0, here.free, here.limit, here.total]) >= 0)
