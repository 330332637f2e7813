"""Every operation gives paddle's numbers in other engines, at random attributes and odd sizes."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import paddle
import pytest
from operation_table import PAGE, page
from paddle.nn import functional as F
from program.cases import CASES, FLOATS, Part, Several, Spec
from programs import ENGINES, by_onnxruntime, save, translated

from zoo.errors import UnsupportedProgramError
from zoo.program.lower import lower
from zoo.program.lower.operations import OPERATIONS

#: Of the largest number, the most that another may be off.
BOUND = 3e-5
SIZES = ((2, 13, 17, 11), (1, 9, 20, 7))


def inputs(name: str, specs: list[Spec]) -> list[list[np.ndarray]]:
    """Numbers for both sizes, of the kinds that cases.py says."""
    rng, batches = np.random.default_rng(3), []
    for sizes in SIZES:
        batch = []
        for shape, dtype in specs:
            free = iter(sizes)
            sides = [next(free) if side is None else side for side in shape]
            batch.append(rng.integers(-7, 8, sides) if dtype == "int64" else rng.standard_normal(sides).astype(dtype))
        if name in ("arithmetic", "logic"):
            batch[1] = np.abs(batch[1]) + np.float32(0.5)
        elif name == "whole numbers":
            batch[1] = np.where(batch[1] == 0, 2, batch[1])
        elif name == "picks":
            batch[1] = np.abs(batch[1]) % 4
        batches.append(batch)
    return batches


def same(found: np.ndarray, wanted: np.ndarray) -> bool:
    if (found.dtype, found.shape) != (wanted.dtype, wanted.shape):
        return False
    if wanted.dtype.kind != "f":
        return bool(np.array_equal(found, wanted))
    equal = (found == wanted) | (np.isnan(found) & np.isnan(wanted))
    largest = np.abs(wanted, where=np.isfinite(wanted), out=np.zeros_like(wanted)).max(initial=1e-30)
    with np.errstate(invalid="ignore"):
        return bool(np.all(equal | (np.abs(found - wanted) <= BOUND * largest)))


@pytest.fixture(scope="module")
def seen() -> set[str]:
    """Operations that were compared."""
    return set()


@pytest.mark.parametrize("name", CASES)
def test_operations_give_the_numbers_of_paddle(name: str, tmp_path: Path, seen: set[str]) -> None:
    make, specs = CASES[name]
    layer, batches = Several(make()), inputs(name, specs)
    layer.eval()
    with paddle.no_grad():
        expected = [[np.asarray(made.numpy()) for made in layer(*map(paddle.to_tensor, batch))] for batch in batches]
    graph = save(layer, tmp_path, specs)
    for engine, run in ENGINES.items():
        for number, (found, wanted) in enumerate(zip(run(translated(graph), batches), expected, strict=True)):
            off = [index for index, pair in enumerate(zip(found, wanted, strict=True)) if not same(*pair)]
            assert off == [], f"{engine}, size {number}: outputs {off}"
    seen |= {operation.name for operation in graph.operations}


def refusal(part: Part, folder: Path, *specs: Spec) -> str:
    with pytest.raises(UnsupportedProgramError) as caught:
        lower(save(Several([part]), folder, list(specs or [FLOATS])))
    return str(caught.value)


def test_every_operation_of_the_table_was_compared(seen: set[str]) -> None:
    # Those of older programs alone are in test_older.py.
    assert set(OPERATIONS) - seen == {"assign_value", "batch_norm", "shape"}


def test_the_page_lists_the_operations_of_the_code() -> None:
    assert page() == PAGE.read_text(encoding="utf-8"), "run: make operations"


class Unheard(paddle.nn.Layer):
    def forward(self, x):
        return paddle.kron(x, x)


def test_an_operation_outside_the_table_is_named_with_its_file_and_place(tmp_path: Path) -> None:
    text = refusal(Unheard(), tmp_path)
    assert "The operation kron in " in text
    assert "inference.json cannot be translated: it is none of the" in text
    assert "(at /Unheard/)" in text


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (lambda x: F.avg_pool2d(x, 3, 1, "SAME", exclusive=False), "pool2d .*padding_algorithm is 'SAME'"),
        (lambda x: F.max_pool2d(x, 2, 3, ceil_mode=True), "pool2d .*ceil_mode is True"),
        (lambda x: F.adaptive_avg_pool2d(x, 100), r"pool2d .*kernel_size is \[100, 100\]"),
        (lambda x: F.interpolate(x, size=[1, 5], mode="bicubic"), r"bicubic_interp .*size is \[1, 5\]"),
        (lambda x: paddle.squeeze(x), "squeeze .*axis is known only when the program runs"),
        (lambda x: paddle.tile(x, paddle.shape(x)), "tile .*repeat_times is known only when the program runs"),
    ],
    ids=["zeros of SAME", "windows outside", "many bins", "one pixel", "any side", "any number"],
)
def test_a_form_of_an_operation_that_engines_differ_in_is_named(part: Part, words: str, tmp_path: Path) -> None:
    assert re.search(words, refusal(part, tmp_path))


def test_the_sides_that_paddle_gets_wrong_are_not_relied_on(tmp_path: Path) -> None:
    """Of a transposed convolution of unknown size it exports -1 and the output padding as if it were known."""
    layer = paddle.nn.Sequential(paddle.nn.Conv2DTranspose(4, 4, 3, 3, 0, 2), paddle.nn.GroupNorm(2, 4))
    graph = save(layer, tmp_path, [FLOATS])
    (kind,) = [graph.types[op.outputs[0]] for op in graph.operations if op.name == "conv2d_transpose"]
    assert kind.shape == (-1, 4, 1, 1)
    batch = np.random.default_rng(0).standard_normal((1, 4, 9, 12)).astype(np.float32)
    ((found,),) = by_onnxruntime(translated(graph), [[batch]])
    with paddle.no_grad():
        assert same(found, layer(paddle.to_tensor(batch)).numpy())
