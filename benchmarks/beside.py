"""This zoo beside another one: the same work in turn, in child processes of two interpreters."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
_VERSIONS = (
    "from machine import describe; import zoo; print(describe('zoo-core', 'paddlepaddle', 'numpy'), zoo.__path__[0])"
)


@dataclass(frozen=True)
class Side:
    """One of the two.

    Attributes:
        name: Heading of its column.
        python: Its interpreter.
        home: Its `ZOO_HOME`, so that neither reads what the other recorded.
    """

    name: str
    python: Path
    home: Path

    def run(self, *arguments: str | Path) -> str:
        """Runs its interpreter and returns what it printed."""
        environment = {**os.environ, "ZOO_HOME": str(self.home), "ZOO_OFFLINE": "1"}
        if self.python != Path(sys.executable):
            environment.pop("PYTHONPATH", None)
        # Not in the current folder: `python -m zoo` would take the zoo that lies there.
        ended = subprocess.run(
            [self.python, *arguments], cwd=HERE, env=environment, stdout=subprocess.PIPE, text=True, check=True
        )
        return ended.stdout


@dataclass(frozen=True)
class Measured:
    """What one child process found.

    Attributes:
        rate: Pictures a second.
        engine: The engine as zoo names it.
        answer: What must be the same on both sides.
    """

    rate: float
    engine: str
    answer: object


def parse(parser: argparse.ArgumentParser, rounds: int) -> argparse.Namespace:
    """Adds the options all comparisons have, and parses."""
    parser.add_argument(
        "--baseline", type=Path, metavar="PYTHON", help="interpreter of an environment with another zoo"
    )
    parser.add_argument("--rounds", type=int, default=rounds, help=f"runs of each side (default: {rounds})")
    return parser.parse_args()


def sides(baseline: Path | None, scratch: Path) -> list[Side]:
    """Returns this zoo and the other, and prints what they are."""
    found = [Side("this", Path(sys.executable), scratch / "home-this")]
    if baseline is not None:
        found.append(Side("baseline", baseline.absolute(), scratch / "home-baseline"))
    for side in found:
        print(f"{side.name}: {side.run('-c', _VERSIONS).strip()}", flush=True)
    return found


def export_random(name: str, folder: Path) -> Path:
    """Exports a network with random weights (the work is the same) through the command, and returns the folder."""
    import paddle

    import zoo

    paddle.seed(0)
    checkpoint = folder / "random.pdparams"
    paddle.save(zoo.build_network(name).state_dict(), str(checkpoint))
    target = folder / name
    command = [sys.executable, "-m", "zoo", "export", name, "--weights", checkpoint, "--output", target]
    subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return target


def compare(title: str, sides: list[Side], measure: Callable[[Side], Measured], rounds: int) -> None:
    """Measures the sides in turn; prints rates and the ratios of the rounds, as median and range."""
    found = [[measure(side) for side in sides] for _ in range(rounds)]
    print(title)
    for side, of in zip(sides, zip(*found, strict=True), strict=True):
        rates = [each.rate for each in of]
        low, high = min(rates), max(rates)
        print(f"  {side.name:<9}{statistics.median(rates):8.2f} /s ({low:.2f} to {high:.2f}), {of[0].engine}")
    if len(sides) == 2:
        ratios = [this.rate / other.rate for this, other in found]
        equal = all(each.answer == found[0][0].answer for pair in found for each in pair)
        print(
            f"  ratio    {statistics.median(ratios):8.2f}    ({min(ratios):.2f} to {max(ratios):.2f}), "
            f"{rounds} rounds in turn, same answers: {'yes' if equal else 'no'}",
            flush=True,
        )
