"""Checkpoints of others: genuine files load bit by bit, hostile ones run nothing, wrong ones are explained."""

from __future__ import annotations

import contextlib
import os
import pickle
import struct
import time
import tracemalloc
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import paddle
import pytest
from safetensors.numpy import save_file

from support import small_network
from zoo.errors import CheckpointError, UnsafeWeightsError
from zoo.learn.checkpoint import RandomState, apply_weights, load_checkpoint, match_weights, read_pickle


@pytest.fixture(scope="module")
def network() -> Any:
    return small_network()


@pytest.fixture
def weights(network: Any) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in network.state_dict().items()}


class Runs:
    """A pickle of this runs a command when it is opened."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


def same(read: Any, reference: Any) -> bool:
    if isinstance(reference, dict):
        names = set(read) - {"StructuredToParameterName@@"}
        return names == set(reference) and all(same(read[name], value) for name, value in reference.items())
    if isinstance(reference, (list, tuple)):
        return len(read) == len(reference) and all(map(same, read, reference))
    if isinstance(read, tuple):  # paddle keeps the name beside an array inside containers
        read = read[1]
    return np.asarray(read).dtype == np.asarray(reference).dtype and np.array_equal(read, reference)


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_files_of_paddle_save_load_as_paddle_loads_them(network: Any, tmp_path: Path, protocol: int) -> None:
    layer = paddle.nn.Linear(2, 3)
    optimizer = paddle.optimizer.AdamW(
        paddle.optimizer.lr.PolynomialDecay(0.1, 10), parameters=layer.parameters(), weight_decay=0.1
    )
    layer(paddle.ones([1, 2])).sum().backward()
    optimizer.step()
    contents = {
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "nested": {"a": [paddle.ones([2]), {"b": paddle.zeros([1])}], "c": (1, 2.5, "text", None, True)},
        "scalars": {"x": np.float32(3), "y": np.int64(-4)},
    }
    for name, content in contents.items():
        path = tmp_path / name
        paddle.save(content, str(path), protocol=protocol)
        assert same(read_pickle(path), paddle.load(str(path), return_numpy=True)), name
    paddle.save(paddle.get_rng_state(), str(tmp_path / "random"), protocol=protocol)
    [state] = read_pickle(tmp_path / "random")
    assert isinstance(state, RandomState)


def test_numpy_1_names_pairs_and_ordered_dicts_are_read(tmp_path: Path) -> None:
    array = np.arange(6, dtype=">f4").reshape(2, 3, order="F")
    data = pickle.dumps(OrderedDict([("w", ("linear_0.w_0", array))]), protocol=4)
    path = tmp_path / "old.pdparams"
    path.write_bytes(data)
    loaded = load_checkpoint(path)
    np.testing.assert_array_equal(loaded["w"], array)
    assert loaded["w"].dtype == np.float32
    old = pickle.dumps({"w": np.ones(3, np.float32)}, protocol=2).replace(
        b"numpy._core.multiarray", b"numpy.core.multiarray"
    )
    path.write_bytes(old)
    np.testing.assert_array_equal(load_checkpoint(path)["w"], np.ones(3))


def test_a_checkpoint_is_shown_as_one_short_line(tmp_path: Path) -> None:
    save_file({"a": np.zeros((500, 1000), np.float32), "b": np.zeros(3, np.float32)}, tmp_path / "x.safetensors")
    assert repr(load_checkpoint(tmp_path / "x.safetensors")) == "<StateDict of 2 arrays, 2.0 MB>"


def test_safetensors_are_read_by_content_and_exactly(weights: dict[str, np.ndarray], tmp_path: Path) -> None:
    save_file(weights, tmp_path / "weights.pdparams")
    loaded = load_checkpoint(tmp_path / "weights.pdparams")
    assert all(np.array_equal(loaded[name], value) for name, value in weights.items())


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_code_in_a_checkpoint_is_named_and_never_run(
    weights: dict[str, np.ndarray], tmp_path: Path, protocol: int
) -> None:
    marker = tmp_path / "marker"
    for content in (Runs(marker), {**weights, "extra": Runs(marker)}, [Runs(marker)]):
        path = tmp_path / "hostile.pdparams"
        path.write_bytes(pickle.dumps(content, protocol=protocol))
        with pytest.raises(UnsafeWeightsError, match=r"posix\.system.*nothing was run") as caught:
            load_checkpoint(path)
        assert "unsafe=True" in caught.value.hint
    assert not marker.exists()


@pytest.mark.parametrize(
    "body",
    [
        b"cbuiltins\neval\n(Vdata\ntR",
        b"cnumpy\nload\n)R",
        b"cnumpy.core.multiarray\n_reconstruct\ncos\nsystem\n0N",
        b"\x8c\x08builtins\x8c\x04exec\x93",
        b"(ios\nsystem\n",
        b"\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00P1\n",
        b"\x82\x01",
    ],
)
def test_every_way_to_name_code_is_refused(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "hostile.pdparams"
    path.write_bytes(b"\x80\x02" + body + b".")
    with pytest.raises(CheckpointError):
        load_checkpoint(path)


def test_bombs_are_refused_at_once(tmp_path: Path) -> None:
    giant = pickle.dumps({"w": np.zeros(4, np.float32)}, protocol=2).replace(
        b"K\x04\x85", b"\x8a\x06" + (10**12).to_bytes(6, "little") + b"\x85"
    )
    nested = b"\x80\x04" + b"]" * 100_000 + b"a" * 99_999 + b"."
    shared = (
        b"\x80\x04)" + b"\x94".join([b""] + [b"h" + bytes([i]) + b"h" + bytes([i]) + b"\x86" for i in range(60)]) + b"."
    )
    key = shared[:-1] + b"}" + b"h\x3b" + b"K\x01s."
    for index, data in enumerate((giant, nested, shared, key)):
        path = tmp_path / f"bomb{index}.pdparams"
        path.write_bytes(data)
        with pytest.raises(CheckpointError):
            load_checkpoint(path)


def text(word: str) -> bytes:
    return b"X" + struct.pack("<I", len(word)) + word.encode()


def called(module: str, name: str, arguments: bytes) -> bytes:
    return b"c" + f"{module}\n{name}\n".encode() + arguments + b"R"


def state(shape: bytes, dtype: bytes, raw: bytes) -> bytes:
    """The state of an array, whose parts are instructions."""
    return b"(K\x01" + shape + dtype + b"\x89" + raw + b"t"


def growing(kind: str, n: int) -> bytes:
    """A file of some bytes times n, whose reading once took time or memory times n * n."""
    put, get = b"q\x07", b"h\x07"
    array = called("numpy.core.multiarray", "_reconstruct", b"c" + b"numpy\nndarray\nK\x00\x85C\x01b\x87")
    numbers = called("numpy", "dtype", text("f4") + b"K\x00K\x01\x87")
    key = 2**61 - 1
    return {
        # Many marks over a deep stack.
        "marks": b"N" * n + b"(t" * n,
        # Keys of one hash.
        "keys": b"}" + b"".join(b"\x8a\x0c" + (i * key).to_bytes(12, "little") + b"Ns" for i in range(1, n)),
        # The memo gives one object again and again, and each time it is copied.
        "texts": text("a" * n) + put + called("_codecs", "encode", get + text("latin1") + b"\x86") * n,
        "tuples": b"](" + b"N" * n + b"e" + put + called("builtins", "tuple", get + b"\x85") * n,
        "dicts": b"](" + b"".join(text(str(i)) + b"N\x86" for i in range(n)) + b"e" + put
        + called("collections", "OrderedDict", get + b"\x85") * n,
        "arrays": b"B" + struct.pack("<I", 4 * n) + bytes(4 * n) + put
        + (array + state(b"J" + struct.pack("<i", n) + b"\x85", numbers, get) + b"b") * n,
    }[kind]  # fmt: skip


@pytest.mark.parametrize("kind", ["marks", "keys", "texts", "tuples", "dicts", "arrays"])
def test_time_and_memory_are_linear_in_the_file(tmp_path: Path, kind: str) -> None:
    path, spent = tmp_path / "growing.pdparams", []
    for n in (1000, 16_000):
        path.write_bytes(b"\x80\x02" + growing(kind, n) + b".")
        tracemalloc.start()
        began = time.process_time()
        with pytest.raises(CheckpointError):
            load_checkpoint(path)
        spent.append((time.process_time() - began, tracemalloc.get_traced_memory()[1], path.stat().st_size))
        tracemalloc.stop()
    (seconds, _, size), (more, memory, larger) = spent
    assert more / seconds < 4 * larger / size
    assert memory < 200 * larger


def test_nests_that_would_be_written_out_are_refused(tmp_path: Path) -> None:
    """Of 26 pairs of pairs the text would have 200 million characters, and a hash takes as many steps."""
    nest = b")q\x00" + b"".join(b"h" + bytes([i]) + b"h" + bytes([i]) + b"\x86q" + bytes([i + 1]) for i in range(26))
    get = b"h\x1a"
    array = called("numpy.core.multiarray", "_reconstruct", b"c" + b"numpy\nndarray\nK\x00\x85C\x01b\x87")
    numbers = called("numpy", "dtype", text("f4") + b"K\x00K\x01\x87")
    for body in (
        called("numpy", "dtype", get + b"\x85"),
        called("_codecs", "encode", get + text("latin1") + b"\x86"),
        called("_codecs", "encode", text("a") + get + b"\x86"),
        called("collections", "OrderedDict", b"]" + get + b"N\x86a\x85"),
        array + state(get, numbers, b"C\x00") + b"b",
        get + text("x") + b"\x93",
    ):
        (tmp_path / "nest.pdparams").write_bytes(b"\x80\x04" + nest + body + b".")
        tracemalloc.start()
        with pytest.raises(CheckpointError):
            load_checkpoint(tmp_path / "nest.pdparams")
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
        tracemalloc.stop()


def test_damaged_files_are_a_typed_error(weights: dict[str, np.ndarray], tmp_path: Path) -> None:
    data = pickle.dumps({"w": weights["seg_heads.0.conv_out.weight"], "n": np.float32(1)}, protocol=4)
    path = tmp_path / "damaged.pdparams"
    rng = np.random.default_rng(0)
    for _ in range(300):
        broken = bytearray(data)
        for position in rng.integers(0, min(200, len(data)), 2):
            broken[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(broken[: int(rng.integers(1, len(data) + 1))] if rng.random() < 0.5 else broken)
        with contextlib.suppress(CheckpointError):
            load_checkpoint(path)
    path.write_bytes(data + b"more")
    with pytest.raises(CheckpointError, match="4 bytes follow its end"):
        load_checkpoint(path)
    path.write_bytes(struct.pack("<Q", 1 << 40) + b"{}")
    with pytest.raises(CheckpointError, match="safetensors"):
        load_checkpoint(path)
    with pytest.raises(CheckpointError, match="does not exist"):
        load_checkpoint(tmp_path / "gone.pdparams")


def test_what_is_no_state_dict_says_what_it_is(tmp_path: Path) -> None:
    cases = {
        "a list": [np.ones(2)],
        "nothing": {},
        "a dict under 'LR_Scheduler'": {"w": np.ones(2), "LR_Scheduler": {"last_epoch": 1}},
    }
    for words, content in cases.items():
        (tmp_path / "x").write_bytes(pickle.dumps(content))
        with pytest.raises(CheckpointError, match=f"holds {words}"):
            load_checkpoint(tmp_path / "x")


def test_unsafe_loading_needs_the_flag_and_warns(network: Any, tmp_path: Path, caplog) -> None:
    paddle.save(network.state_dict(), str(tmp_path / "w.pdparams"))
    assert set(load_checkpoint(tmp_path / "w.pdparams", unsafe=True)) == set(network.state_dict())
    assert "may run code" in caplog.text


def test_weights_go_in_by_name_and_shape(network: Any, weights: dict[str, np.ndarray]) -> None:
    other = small_network()
    changed = {name: value + 1 for name, value in weights.items()}
    assert apply_weights(other, changed) == ()
    assert all(np.array_equal(value.numpy(), changed[name]) for name, value in other.state_dict().items())
    assert not match_weights(network, weights)


def test_every_difference_is_named_and_nothing_is_changed(network: Any, weights: dict[str, np.ndarray]) -> None:
    before = {name: value.numpy().copy() for name, value in network.state_dict().items()}
    names = list(weights)
    wrong = dict(weights)
    del wrong[names[0]]
    wrong["surplus"] = np.ones(1, np.float32)
    wrong[names[1]] = wrong[names[1]].astype(np.float64)
    wrong[names[2]] = np.full_like(wrong[names[2]], np.nan)
    transposed = next(name for name in names[3:] if weights[name].ndim == 4 and len(set(weights[name].shape[:2])) == 2)
    wrong[transposed] = wrong[transposed].swapaxes(0, 1)
    with pytest.raises(CheckpointError) as caught:
        apply_weights(network, wrong, source="x.pdparams")
    for words in (
        "x.pdparams does not fit",
        f"1 missing: {names[0]}",
        "1 unexpected: surplus",
        f"1 of another shape: {transposed}",
        f"1 of another dtype: {names[1]} float64 instead of float32",
        f"1 with NaN or infinity: {names[2]}",
    ):
        assert words in caught.value.message
    assert all(np.array_equal(value.numpy(), before[name]) for name, value in network.state_dict().items())


def test_another_number_of_classes_needs_a_word(weights: dict[str, np.ndarray], caplog) -> None:
    network = small_network(5)
    with pytest.raises(CheckpointError, match="of another shape") as caught:
        apply_weights(network, weights)
    assert "reset_head=True" in caught.value.hint
    left = apply_weights(network, weights, reset_head=True)
    assert left == tuple(f"seg_heads.{index}.conv_out.weight" for index in range(3))
    assert "seg_heads.0.conv_out.weight" in caplog.text
    name = "backbone.features.0.conv.weight"
    np.testing.assert_array_equal(network.state_dict()[name].numpy(), weights[name])
