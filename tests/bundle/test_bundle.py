"""Export folders: what is written is read back, and nothing damaged reaches an engine."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import time
from pathlib import Path

import numpy as np
import pytest
import yaml

import zoo
from support import onnx_folder, small_network
from zoo.bundle.bundle import Bundle, read_bundle
from zoo.bundle.structure import check_params, check_program
from zoo.contract.labels import VOC
from zoo.contract.spec import Normalize, Pad, Resize, ResizeLong
from zoo.errors import BundleError, ExportError
from zoo.learn.export import export_bundle


@pytest.fixture
def copy(bundle: Bundle, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle.folder, tmp_path / "copy"))


def change_settings(folder: Path, change) -> None:
    settings = yaml.safe_load((folder / "inference.yml").read_text())
    change(settings)
    (folder / "inference.yml").write_text(yaml.safe_dump(settings))


def test_a_bundle_says_everything_needed_to_run_it(bundle: Bundle, seven_labels) -> None:
    bundle.verify()
    assert bundle.model == "small"
    assert bundle.labels == seven_labels
    assert bundle.preprocess == (Normalize(),)
    assert (bundle.output, bundle.output_stride) == ("logits", 8)
    assert set(bundle.digests) == {"golden.npz", "inference.json", "inference.pdiparams"}
    assert sorted(path.name for path in bundle.folder.iterdir()) == sorted([*bundle.digests, "inference.yml"])
    assert stat.S_IMODE(bundle.folder.stat().st_mode) == 0o755


def test_steps_survive_the_round_trip(bundle: Bundle, tmp_path: Path, seven_labels) -> None:
    steps = (
        Resize((64, 128), keep_ratio=True, multiple=8),
        ResizeLong(96),
        Pad(32, 0.0),
        Normalize((0.1,) * 3, (2.0,) * 3),
    )
    written = export_bundle(small_network(), tmp_path / "steps", model="x", labels=seven_labels, preprocess=steps)
    assert written.preprocess == steps


def test_a_paddlex_bundle_has_the_sections_paddlex_reads(paddlex_bundle: Bundle) -> None:
    settings = yaml.safe_load((paddlex_bundle.folder / "inference.yml").read_text())
    assert settings["Global"]["model_name"] == "small"
    assert settings["Deploy"]["transforms"] == [{"type": "Normalize", "mean": [0.5] * 3, "std": [0.5] * 3}]
    assert paddlex_bundle.output == "labels"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s["zoo"].update(format=2), r"line \d+: `zoo.format` is 2; this zoo reads up to 1"),
        (lambda s: s["zoo"].update(output="boxes"), "`zoo.output` is 'boxes'; expected logits or labels"),
        (lambda s: s["zoo"].update(output_stride=0), "zoo.output_stride"),
        (lambda s: s["zoo"]["labels"].update(classes=[]), "1 to 256 classes"),
        (
            lambda s: s["zoo"].update(preprocess=[{"Reezise": {"size": [1, 1]}}]),
            r"\[0\].Reezise` is not a key",
        ),
        (lambda s: s["zoo"].update(preprocess=[{"Resize": {"size": [0, 0]}}]), "from 1 to 65536"),
        (lambda s: s["zoo"].update(preprocess=[{"Normalize": {"mean": [0.5], "std": [0]}}]), "none of them 0"),
        *(
            (
                lambda s, numbers=numbers: s["zoo"].update(preprocess=[{"Normalize": numbers}]),
                "three means and three standard deviations, none of them 0 or beyond",
            )
            for numbers in (
                {"std": [0.5, 1e308, 0.5]},
                {"std": [0.5, 1e-320, 0.5]},
                {"mean": [1e30, 0.5, 0.5]},
                {"mean": [0.5], "std": [0.5]},
            )
        ),
        (lambda s: s["zoo"].update(preprocess=[]), "whose last one, and no other, is Normalize"),
        (
            lambda s: s["zoo"].update(preprocess=[{"Pad": {"multiple": 8}}]),
            "whose last one, and no other, is Normalize",
        ),
        (lambda s: s["zoo"].update(preprocess=[{"Pad": {"multiple": 8, "value": 256}}]), "from 0 to 255"),
        (
            lambda s: s["zoo"].update(preprocess=[{"Custom": {"ref": "os:system", "options": {}}}]),
            r"\.Custom` is not a key",
        ),
        (lambda s: s.pop("zoo"), "neither a `zoo:` nor a `Deploy:`"),
    ],
)
def test_settings_that_are_wrong_are_named_by_file_and_key(copy: Path, change, words: str) -> None:
    change_settings(copy, change)
    with pytest.raises(BundleError, match=words) as caught:
        read_bundle(copy)
    assert "inference.yml" in caught.value.message or "copy" in caught.value.message


@pytest.mark.parametrize("word", ["no", "on", "1:30", "~", "12", "2024-01-31"])
def test_a_class_name_that_yaml_takes_for_something_else_is_refused_with_the_way_out(copy: Path, word: str) -> None:
    """`no` would be a class called False and `1:30` one called 90."""
    text = (copy / "inference.yml").read_text()
    assert text.count(": class 1") == 1
    (copy / "inference.yml").write_text(text.replace(": class 1", f": {word}"))
    with pytest.raises(BundleError, match=r"line \d+: `zoo.labels.classes\[1\].name`.*in quotes"):
        read_bundle(copy)
    (copy / "inference.yml").write_text(text.replace(": class 1", f": '{word}'"))
    assert read_bundle(copy).labels.names[1] == word


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"# nothing\n", "is empty"),
        (b"# two\n- a\n- b\n", "line 2: the file holds a list"),
        (b"text", "line 1: the file holds a list or a single value"),
        (b"zoo:\n  model: \xff\xfe", "line 2: the file is not UTF-8 text"),
        (b"zoo: {format: 1}\nzoo: {format: 1}\n", "line 2: the file has the key 'zoo' twice"),
        (b"a: &x [1]\nb: *x\n", "line 2: the file has an alias"),
        (b"a: !!python/object/apply:os.system ['true']\n", "tag"),
        (b"a: " + b"[" * 500 + b"]" * 500, "deeper than 50"),
        (
            b"a: &a [x]\n"
            + b"".join(b"%c: &%c [%s]\n" % (98 + i, 98 + i, b",".join([b"*%c" % (97 + i)] * 9)) for i in range(9)),
            "alias",
        ),
        (b"a: 1\n<<: {a: 2}\n", "line 2: .*merge"),
        (b"a: " + b"x" * 1_100_000, "larger than 1000000 bytes"),
        (b"? [1, 2]\n: 3\n", "line 1: the file has a key that is a list or a mapping"),
        (b"a: [1\n", "cannot be parsed"),
    ],
)
def test_hostile_settings_are_refused_quickly(copy: Path, content: bytes, words: str) -> None:
    (copy / "inference.yml").write_bytes(content)
    began = time.process_time()
    with pytest.raises(BundleError, match=words):
        read_bundle(copy)
    assert time.process_time() - began < 2


def test_a_tag_that_names_code_runs_nothing(copy: Path, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    (copy / "inference.yml").write_text(f"zoo: !!python/object/apply:os.system ['touch {marker}']\n")
    with pytest.raises(BundleError, match=r"line 1: the file has the tag .*os\.system"):
        read_bundle(copy)
    assert not marker.exists()


def test_settings_with_a_byte_order_mark_and_crlf_are_read(copy: Path) -> None:
    text = (copy / "inference.yml").read_bytes()
    (copy / "inference.yml").write_bytes(b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n"))
    assert read_bundle(copy).model == "small"


def test_a_changed_byte_is_found_by_the_digest(copy: Path) -> None:
    params = copy / "inference.pdiparams"
    content = bytearray(params.read_bytes())
    content[-1] ^= 1
    params.write_bytes(content)
    with pytest.raises(BundleError, match="sha256"):
        read_bundle(copy).verify()


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data + b"\0" * 100,
        lambda data: data[: len(data) // 2],
        lambda data: b"\0" * len(data),
        lambda data: b"",
        lambda data: b"<!DOCTYPE html><html></html>",
    ],
    ids=["one byte short", "100 bytes more", "half", "zeros", "empty", "html"],
)
def test_damaged_parameters_are_found_without_a_digest(bundle: Bundle, tmp_path: Path, damage) -> None:
    path = tmp_path / "inference.pdiparams"
    path.write_bytes(damage(bundle.params.read_bytes()))
    with pytest.raises(BundleError, match=r"inference\.pdiparams"):
        check_params(path)


def test_a_parameter_file_that_lacks_a_whole_tensor_is_found_without_a_digest(copy: Path) -> None:
    """Cut where a record ends, the file itself is in order; only the program knows how many there should be."""
    params = copy / "inference.pdiparams"
    content = params.read_bytes()
    # The header of a record: three zeros (4, 8 and 4 bytes), the length of the descriptor, and in it data type float32.
    last = content.rfind(b"\0" * 16, 0, len(content) - 24)
    while content[last + 16 : last + 20] == b"\0" * 4 or content[last + 20 : last + 22] != b"\x08\x05":
        last = content.rfind(b"\0" * 16, 0, last + 15)
    params.write_bytes(content[:last])
    count = check_params(params)
    with pytest.raises(BundleError, match=f"holds {count} tensors, but inference.json needs {count + 1}"):
        read_bundle(copy).verify()


def test_whole_parameters_are_counted(bundle: Bundle) -> None:
    # The heads of training are not part of the program, everything else is.
    used = [name for name in small_network().state_dict() if not name.startswith(("seg_heads.1", "seg_heads.2"))]
    assert check_params(bundle.params) == len(used)


@pytest.mark.parametrize("name", ["inference.json", "inference.pdmodel"])
@pytest.mark.parametrize("content", [b"<html><body>404</body></html>", b"", b"{}", b"[1]", b"[" * 100_000])
def test_what_is_no_program_never_reaches_the_engine(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BundleError, match=name):
        check_program(tmp_path / name)


@pytest.mark.parametrize("missing", ["inference.yml", "inference.json", "inference.pdiparams"])
def test_a_missing_file_is_named(copy: Path, missing: str) -> None:
    (copy / missing).unlink()
    with pytest.raises(BundleError, match=missing.replace(".", r"\.")):
        read_bundle(copy)


def test_an_export_never_touches_a_folder_in_use(tmp_path: Path, seven_labels) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(ExportError, match="is not empty"):
        export_bundle(small_network(), tmp_path / "mine", model="x", labels=seven_labels)
    with pytest.raises(ExportError, match="7 classes but the label set 'voc' 21"):
        export_bundle(small_network(), tmp_path / "other", model="x", labels=VOC)
    assert sorted(os.listdir(tmp_path)) == ["mine"]


def test_an_export_that_disagrees_with_the_network_is_not_kept(tmp_path: Path, seven_labels) -> None:
    import paddle

    class Treacherous(paddle.nn.Layer):
        """Another answer when exported than when asked."""

        def __init__(self) -> None:
            super().__init__()
            self.network = small_network()

        def forward(self, x):
            [logits] = self.network(x)
            return [logits if paddle.in_dynamic_mode() else -logits]

    with pytest.raises(ExportError, match="agree on"):
        export_bundle(Treacherous(), tmp_path / "bad", model="x", labels=seven_labels)
    assert os.listdir(tmp_path) == []


# On two cores it takes long: `make test-all`.
@pytest.mark.full
def test_exporting_leaves_the_network_as_it_was(tmp_path: Path, seven_labels) -> None:
    network = small_network()
    network.train()
    network.backbone.eval()
    before = {name: np.array(value.numpy()) for name, value in network.state_dict().items()}
    export_bundle(network, tmp_path / "b", model="x", labels=seven_labels)
    assert network.seg_heads.training
    assert not network.backbone.features.training
    for name, value in network.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[name])


@pytest.fixture
def onnx(tmp_path: Path, seven_labels) -> Path:
    """A folder whose program is an ONNX file, which nothing here looks into."""
    return onnx_folder(tmp_path / "cells", seven_labels)


def test_a_program_of_any_format_is_named_by_the_settings_and_known_by_its_digest(onnx: Path, bundle: Bundle) -> None:
    program = zoo.read_bundle(onnx).verify()
    assert (program.path, program.params, program.folder) == (onnx / "cells.onnx", None, onnx)
    assert (program.trusted, program.output, program.output_stride, program.input_shape) == (True, "logits", 8, None)
    known = bundle.verify()
    assert (known.params, known.trusted, known.input_shape) == (bundle.params, True, (-1, 3, -1, -1))
    assert len({program.digest, known.digest}) == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s["zoo"].update(program="other.onnx"), "the digest of other.onnx"),
        (lambda s: s["zoo"].update(program="../cells.onnx"), "zoo.program"),
        (lambda s: s["zoo"].update(program="cells.json"), "params"),
        (lambda s: s["zoo"].update(params="cells.bin"), "the digest of cells.bin"),
        (lambda s: s["zoo"]["sha256"].update({"../secret": "ab" * 32}), "zoo.sha256"),
        (lambda s: s["zoo"]["sha256"].update({"cells.bin": "ab" * 32}), "has no cells.bin"),
    ],
)
def test_a_folder_that_names_another_program_than_it_has_is_refused(onnx: Path, change, words: str) -> None:
    change_settings(onnx, change)
    with pytest.raises(BundleError, match=words):
        zoo.read_bundle(onnx).verify()


def test_every_file_with_a_digest_is_checked(copy: Path) -> None:
    """Also one that no engine of zoo opens, such as an ONNX file beside the program."""
    (copy / "inference.onnx").write_bytes(b"whole")
    digest = hashlib.sha256(b"whole").hexdigest()
    change_settings(copy, lambda s: s["zoo"]["sha256"].update({"inference.onnx": digest}))
    zoo.read_bundle(copy).verify()
    (copy / "inference.onnx").write_bytes(b"other")
    with pytest.raises(BundleError, match=r"inference\.onnx has sha256"):
        zoo.read_bundle(copy).verify()
