"""Every network without paddle: other engines give its logits, whatever the size and the batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import paddle
import pytest
from programs import ENGINES, difference, save, translated

import zoo
from support import small_network
from zoo.engine.open import session_opener
from zoo.learn.export.forms import Labels, Logits, inference_form
from zoo.program import onnx_bytes, read_program, write_onnx
from zoo.program.lower import lower
from zoo_plugin_deeplabv3.network import DeepLabV3
from zoo_plugin_ocrnet.network import OCRNet

NETWORKS = [card.name for card in zoo.list_models() if card.name != "starter"]
#: The smallest of each family, at full width.
SMALLEST = ["PP-LiteSeg-T", "SeaFormer_tiny", "SegFormer-B0"]
CLASSES = 7
#: Of its spread, the most that logits may be off.
BOUND = 3e-5


def network(name: str) -> paddle.nn.Layer:
    paddle.seed(1)
    return unlike_fresh(zoo.build_network(name, num_classes=CLASSES))


def unlike_fresh(built: paddle.nn.Layer) -> paddle.nn.Layer:
    """Random numbers in what BatchNorm has counted, too, where a fresh one has zeros and ones."""
    for key, value in built.state_dict().items():
        if key.endswith("_mean"):
            value.set_value(paddle.randn(value.shape) * 0.1)
        elif key.endswith("_variance"):
            value.set_value(paddle.uniform(value.shape, min=0.5, max=1.5))
    built.eval()
    return built


def pictures() -> list[list[np.ndarray]]:
    rng = np.random.default_rng(5)
    return [[rng.standard_normal(shape).astype(np.float32)] for shape in ((2, 3, 97, 131), (1, 3, 64, 65))]


def check(layer: paddle.nn.Layer, folder: Path) -> None:
    graph = save(Logits(inference_form(layer)), folder, [((None, 3, None, None), "float32")])
    batches = pictures()
    expected = [logits(layer, batch) for (batch,) in batches]
    # Some networks with random weights carry the last bit of their input further than that.
    noise = [difference(logits(layer, batches[i][0] * (1 + 2**-23)), expected[i]) for i in range(len(batches))]
    nodes = len(lower(graph).nodes)
    for channels_first in (False, True):
        model = lower(graph, channels_first=channels_first)
        if channels_first and len(model.nodes) == nodes:
            continue  # the program has no tensors with their channels last
        content = onnx_bytes(model)
        onnx.checker.check_model(onnx.load_from_string(content), full_check=True)
        for engine, run in ENGINES.items():
            for (found,), wanted, shaky in zip(run(content, batches), expected, noise, strict=True):
                bound, off = max(BOUND, 4 * shaky), difference(found, wanted)
                assert off <= bound, f"{engine}: {off:.1e}, noise {shaky:.1e}"
                # A tie may go either way, where the two best are as close as the logits agree.
                best = np.sort(wanted, axis=1)
                tied = best[:, -1] - best[:, -2] <= 2 * bound * (wanted.max() - wanted.min())
                assert np.all((found.argmax(1) == wanted.argmax(1)) | tied), engine


def logits(layer: paddle.nn.Layer, batch: np.ndarray) -> np.ndarray:
    with paddle.no_grad():
        return layer(paddle.to_tensor(batch))[0].numpy()


@pytest.mark.parametrize("name", SMALLEST)
def test_a_network_gives_its_logits_in_other_engines(name: str, tmp_path: Path) -> None:
    check(network(name), tmp_path)


@pytest.mark.parametrize("plus", [pytest.param(False, marks=pytest.mark.full), True], ids=["DeepLabV3", "DeepLabV3+"])
def test_convolutions_with_holes_too(plus: bool, tmp_path: Path) -> None:
    check(unlike_fresh(DeepLabV3(CLASSES, 3, blocks=(1, 1, 1, 3), plus=plus)), tmp_path)


def test_branches_of_several_sizes_and_object_regions_too(tmp_path: Path) -> None:
    check(unlike_fresh(OCRNet(CLASSES, 3, width=4, channels=16, inner=8, modules=(1, 1, 1))), tmp_path)


def test_a_program_with_upsampling_and_argmax_inside_gives_the_same_classes(tmp_path: Path) -> None:
    form = Labels(small_network(CLASSES), 32)
    graph = save(form, tmp_path, [((None, 3, None, None), "float32")])
    batches = pictures()
    with paddle.no_grad():
        expected = [form(paddle.to_tensor(batch)).numpy() for (batch,) in batches]
    for engine, run in ENGINES.items():
        for (labels,), wanted in zip(run(translated(graph), batches), expected, strict=True):
            assert (labels.dtype, labels.shape) == (np.int32, wanted.shape)
            assert np.count_nonzero(labels != wanted) <= 2, engine


def test_the_starter_model_gives_the_logits_of_paddles_engine_and_picks_no_channel_by_index() -> None:
    bundle = zoo.load("starter").bundle
    graph = read_program(bundle.program, bundle.params)
    assert "take_along_axis" in {operation.name for operation in graph.operations}
    onnx_graph = lower(graph)
    assert not {"GatherElements", "ArgMax"} & {node.operator for node in onnx_graph.nodes}
    assert (list(onnx_graph.inputs), list(onnx_graph.outputs)) == (["x"], ["fetch_name_0"])
    session = session_opener(bundle.verify(), "cpu", "paddle")(1)
    batches = pictures()
    expected = [session.run(batch) for (batch,) in batches]
    session.close()
    for run in ENGINES.values():
        for (logits,), wanted in zip(run(onnx_bytes(onnx_graph), batches), expected, strict=True):
            assert difference(logits, wanted) <= BOUND


def test_the_file_has_what_its_reader_is_told_and_shares_nothing_with_the_parameter_file(tmp_path: Path) -> None:
    bundle = zoo.load("starter").bundle
    graph = read_program(bundle.program, bundle.params)
    write_onnx(lower(graph), tmp_path / "starter.onnx", {"zoo": "classes and steps"})
    model = onnx.load(tmp_path / "starter.onnx")
    assert {item.key: item.value for item in model.metadata_props} == {"zoo": "classes and steps"}
    assert [entry.version for entry in model.opset_import] == [17]
    assert [path.name for path in tmp_path.iterdir()] == ["starter.onnx"]
    array = next(iter(graph.arrays.values()))
    before = bundle.params.read_bytes()
    np.copyto(array, np.zeros_like(array))  # OpenVINO wants arrays it might write to
    assert bundle.params.read_bytes() == before


@pytest.mark.full
@pytest.mark.parametrize("name", [name for name in NETWORKS if name not in SMALLEST])
def test_every_network_gives_its_logits_in_other_engines(name: str, tmp_path: Path) -> None:
    check(network(name), tmp_path)
