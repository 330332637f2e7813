"""Programs in paddle's older form: every operation gives paddle's numbers there too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from program.test_operations import same
from programs import ENGINES, translated

from zoo.program import Graph, read_program
from zoo.program.lower.spelling import FORMS


@pytest.fixture(scope="module")
def graph(older: Path) -> Graph:
    return read_program(older / "inference.pdmodel", older / "inference.pdiparams")


@pytest.mark.parametrize("engine", ENGINES)
def test_older_operations_give_the_numbers_of_paddle(engine: str, graph: Graph, older: Path) -> None:
    answers = [dict(np.load(older / f"{index}.npz")) for index in range(2)]
    made = ENGINES[engine](translated(graph), [[answer["x0"], answer["x1"]] for answer in answers])
    for answer, found in zip(answers, made, strict=True):
        wanted = [answer[f"out{number}"] for number in range(len(answer) - 2)]
        off = [number for number, pair in enumerate(zip(found, wanted, strict=True)) if not same(*pair)]
        assert off == []


def test_every_older_operation_was_compared(graph: Graph) -> None:
    assert {operation.name for operation in graph.operations} >= set(FORMS)
