"""What is no whole program ends in an error of ours, within bounds of time and memory."""

from __future__ import annotations

import json
import os
import random
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from program.cases import FLOATS, Several, arithmetic, convolutions, parts, pools, resizes, shapes
from programs import save

import zoo
from zoo.errors import BundleError, UnsupportedProgramError
from zoo.program import onnx_bytes, read_program
from zoo.program.lower import lower

#: How many mutations are tried: `make test-all` tries three hundred, and `make mutations` ten thousand.
COUNT = int(os.environ.get("ZOO_MUTATIONS", "300" if os.environ.get("ZOO_TEST_FULL") else "120"))
#: A mutation may take so many seconds of the processor, and all of them so many bytes more.
SECONDS, BYTES = 5.0, 400 << 20
#: What numbers become.
NUMBERS = (
    0,
    1,
    -1,
    2,
    7,
    255,
    1 << 20,
    1 << 31,
    (1 << 31) - 1,
    -(1 << 31),
    1 << 40,
    1 << 62,
    (1 << 63) - 1,
    -(1 << 63),
    1 << 70,
    0.5,
    1e30,
    -1e30,
)
ANYTHING: tuple[Any, ...] = (
    *NUMBERS,
    None,
    True,
    False,
    "",
    "x",
    "float32",
    "NHWC",
    "SAME",
    [],
    {},
    [1],
    [[]],
    "\ud800",
    "a" * 5000,
)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Path, Path | None]]:
    """A model, and a program with many operations."""
    bundle = zoo.load("starter").bundle
    folder = tmp_path_factory.mktemp("programs")
    save(Several([*convolutions()[:4], *pools(), *resizes()[::5], *shapes(), *parts()]), folder, [FLOATS])
    two = tmp_path_factory.mktemp("two")
    save(Several(arithmetic()), two, [FLOATS, FLOATS])
    return [
        (bundle.program, bundle.params),
        (folder / "inference.json", folder / "inference.pdiparams"),
        (two / "inference.json", None),
    ]


def places(value: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Every place in a document, as the container and the key."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        found.append((value, key))
        if isinstance(item, (dict, list)):
            places(item, found)
    return found


def changed(content: bytes, rng: random.Random) -> bytes:
    """Changes some values of a document, or some bytes."""
    if rng.random() < 0.3:
        return damaged(content, rng)
    document = json.loads(content)
    found = places(document, [])
    for _ in range(rng.choice((1, 1, 1, 2, 5, 30))):
        container, key = rng.choice(found)
        if (isinstance(container, list) and key >= len(container)) or (
            isinstance(container, dict) and key not in container
        ):
            continue
        kind = rng.random()
        if kind < 0.15:
            del container[key]
        elif kind < 0.3 and isinstance(container, list):
            container.insert(key, container[rng.randrange(len(container))])
        elif kind < 0.45:
            other, place = rng.choice(found)
            inside = place < len(other) if isinstance(other, list) else place in other
            container[key] = json.loads(json.dumps(other[place])) if inside else None
        elif isinstance(container[key], (int, float)) and kind < 0.8:
            container[key] = rng.choice(NUMBERS)
        else:
            container[key] = rng.choice(ANYTHING)
    return json.dumps(document).encode()


def damaged(content: bytes, rng: random.Random) -> bytes:
    data = bytearray(content)
    for _ in range(rng.choice((1, 2, 10, 100))):
        at, kind = rng.randrange(len(data)), rng.random()
        if kind < 0.6:
            data[at] = rng.randrange(256)
        elif kind < 0.8:
            del data[at : at + rng.randrange(1, 50)]
        else:
            data[at:at] = data[at : at + rng.randrange(1, 50)]
    return bytes(data[: rng.randrange(len(data))] if rng.random() < 0.1 else data)


def tried(program: Path, params: Path | None, *, first: bool) -> str:
    """Reads and translates, and returns how it ended."""
    start, said = time.process_time(), "inference."
    try:
        onnx_bytes(lower(read_program(program, params), channels_first=first))
        ended = "graph"
    except BundleError as error:
        ended, said = type(error).__name__, str(error)
    assert time.process_time() - start < SECONDS
    assert "inference." in said or "tensors of type" in said
    return ended


def test_changed_programs_end_in_an_error_of_ours_or_a_graph(
    programs: list[tuple[Path, Path | None]], tmp_path: Path
) -> None:
    rng, ends, most = random.Random(5), dict[str, int](), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    for number in range(COUNT):
        program, params = rng.choice(programs)
        mutant = tmp_path / "inference.json"
        mutant.write_bytes(changed(program.read_bytes(), rng))
        try:
            ended = tried(mutant, params, first=number % 2 == 1)
        except Exception as error:
            raise AssertionError(f"mutation {number}") from error
        ends[ended] = ends.get(ended, 0) + 1
    assert set(ends) == {"graph", "BundleError", "UnsupportedProgramError"}, ends
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10) - most < BYTES


def test_changed_older_programs_too(older: Path, tmp_path: Path) -> None:
    source = (older / "inference.pdmodel").read_bytes()
    rng = random.Random(6)
    for number in range(COUNT):
        mutant = tmp_path / "inference.pdmodel"
        mutant.write_bytes(damaged(source, rng))
        try:
            tried(mutant, None, first=False)
        except Exception as error:
            raise AssertionError(f"mutation {number}") from error


def copied(programs: list[tuple[Path, Path | None]], folder: Path, change: Any) -> tuple[Path, Path]:
    program, params = programs[1]
    assert params is not None
    copy = folder / "inference.pdiparams"
    copy.write_bytes(change(bytearray(params.read_bytes())))
    return program, copy


def poisoned(value: float) -> Any:
    def change(data: bytearray) -> bytearray:
        data[-8:-4] = np.float32(value).tobytes()
        return data

    return change


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_parameter_that_is_not_finite_is_named(
    value: float, programs: list[tuple[Path, Path | None]], tmp_path: Path
) -> None:
    last = max(read_program(programs[1][0], None).parameters.values())
    with pytest.raises(BundleError, match=rf"parameter '{last}' in .*inference\.pdiparams holds NaN or infinity"):
        read_program(*copied(programs, tmp_path, poisoned(value)))


def typed(number: int) -> Any:
    def change(data: bytearray) -> bytearray:
        assert data[20:22] == b"\x08\x05"  # float32
        data[21] = number
        return data

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda data: data[:-1], r"breaks off or is damaged in tensor \d+"),
        (lambda data: data + b"\0", r"breaks off or is damaged in tensor \d+"),
        (lambda data: data[:0], "is empty"),
        (typed(2), r"holds int32 .* for the parameter '.*', which is float32"),
        (typed(6), r"breaks off or is damaged in tensor \d+|holds float64"),
        (typed(99), "damaged in tensor 1"),
        (lambda data: data[:22] + b"\x10\xff\xff\xff\xff\xff\xff\xff\xff\x7f" + data[32:], "damaged in tensor"),
    ],
    ids=["a byte short", "a byte more", "empty", "whole numbers", "wide", "no type", "huge"],
)
def test_a_parameter_file_that_is_not_that_of_the_program_is_refused(
    change: Any, words: str, programs: list[tuple[Path, Path | None]], tmp_path: Path
) -> None:
    with pytest.raises(BundleError, match=words):
        read_program(*copied(programs, tmp_path, change))


def test_a_program_of_a_newer_paddle_says_so(programs: list[tuple[Path, Path | None]], tmp_path: Path) -> None:
    document = json.loads(programs[2][0].read_text())
    document["base_code"]["version"] = 9
    (tmp_path / "inference.json").write_text(json.dumps(document))
    with pytest.raises(UnsupportedProgramError, match="PIR program of version 9; this zoo reads versions 1 to 4"):
        read_program(tmp_path / "inference.json", None)


def test_half_a_character_in_a_name_is_damage(programs: list[tuple[Path, Path | None]], tmp_path: Path) -> None:
    text = programs[2][0].read_text()
    (tmp_path / "inference.json").write_text(text.replace('"fetch_name_0"', r'"\ud800"'))
    with pytest.raises(BundleError, match="is not a PIR program: UnicodeEncodeError"):
        read_program(tmp_path / "inference.json", None)
