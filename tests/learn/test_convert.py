"""Programs in the formats of others: made without paddle and onnx, complete, and held against the original."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import paddle
import pytest
import yaml

import zoo
from support import onnx_folder, run_python, small_network, zoo_process
from zoo.bundle.bundle import Bundle, read_bundle
from zoo.bundle.golden import Golden, read_golden, write_golden
from zoo.cli.commands.export import export
from zoo.contract.labels import LabelSet
from zoo.contract.spec import Normalize
from zoo.engine.kit import import_library
from zoo.engine.open import session_opener
from zoo.errors import BundleError, ExportError, OutputError, UnsupportedProgramError
from zoo.learn.convert import EDGE_FORMS, FORMS, Checked, FormatOptions, convert_bundle, converter
from zoo.learn.export import export_bundle

# OpenVINO takes minutes on two cores: `make test-all`.
BOTH = pytest.mark.parametrize("form", ["onnx", pytest.param("openvino", marks=pytest.mark.full)])
FILES = {"onnx": {"inference.onnx"}, "openvino": {"model.xml", "model.bin"}}
#: Odd and even sizes, one picture and several, none of them a multiple of the network's stride.
SHAPES = ((1, 3, 64, 96), (3, 3, 33, 65), (1, 3, 97, 41))

Run = Callable[[np.ndarray], np.ndarray]


def by_onnxruntime(folder: Path) -> Run:
    """As a user of the file runs it."""
    session = import_library("onnxruntime").InferenceSession(str(folder / "inference.onnx"))
    return lambda batch: session.run(None, {"x": batch})[0]


def by_openvino(folder: Path) -> Run:
    """As a user of the folder runs it, with two threads: with one, errors are lost."""
    library = import_library("openvino")
    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 2}
    compiled = library.Core().compile_model(folder / "model.xml", "CPU", settings)
    return lambda batch: compiled.create_infer_request().infer({"x": batch})[0].copy()


RUN = {"onnx": by_onnxruntime, "openvino": by_openvino}


@pytest.fixture(scope="module")
def converted(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("converted")
    for form in FORMS:
        convert_bundle(bundle, folder / form, converter(form))
    return {form: folder / form for form in FORMS}


def changed_settings(folder: Path, change: Callable[[dict[str, Any]], object]) -> Bundle:
    """Changes the section `zoo`, and takes the digests anew."""
    settings = yaml.safe_load((folder / "inference.yml").read_text())
    change(settings["zoo"])
    settings["zoo"]["sha256"] = {
        name: sha256((folder / name).read_bytes()).hexdigest() for name in settings["zoo"]["sha256"]
    }
    (folder / "inference.yml").write_text(yaml.safe_dump(settings))
    return read_bundle(folder)


def test_the_command_offers_every_format() -> None:
    [choices] = [option.type for option in export.params if option.name == "form"]
    assert set(choices.choices) == {"paddle", "paddlex", *FORMS, *EDGE_FORMS}


@BOTH
def test_the_file_gives_the_logits_of_paddle_at_any_size(form: str, bundle: Bundle, converted: dict[str, Path]) -> None:
    session = session_opener(bundle.verify(), "cpu", "paddle")(1)
    run, rng = RUN[form](converted[form]), np.random.default_rng(4)
    for shape in SHAPES:
        batch = rng.uniform(-1, 1, shape).astype(np.float32)
        ours, theirs = run(batch), session.run(batch)
        assert np.abs(ours - theirs).max() < 3e-5 * np.ptp(theirs)
        assert np.array_equal(ours.argmax(1), theirs.argmax(1))
    golden = read_golden(bundle.golden or Path())
    assert np.abs(run(golden.batch) - golden.output).max() < 3e-5 * np.ptp(golden.output)


@BOTH
def test_the_folder_is_still_one_that_zoo_runs(form: str, bundle: Bundle, converted: dict[str, Path]) -> None:
    copy = read_bundle(converted[form])
    assert {path.name for path in copy.folder.iterdir()} == {path.name for path in bundle.folder.iterdir()} | FILES[
        form
    ]
    assert set(copy.digests) == set(bundle.digests) | FILES[form]
    assert copy.verify().digest == bundle.verify().digest
    for name in FILES[form]:
        assert not (copy.folder / name).stat().st_mode & 0o111
    # One that has an ONNX file already gets the other format too.
    other = next(name for name in FORMS if name != form)
    convert_bundle(copy, converted[form].parent / f"{form} and {other}", converter(other))
    both = read_bundle(converted[form].parent / f"{form} and {other}")
    assert set(both.digests) == set(bundle.digests) | FILES["onnx"] | FILES["openvino"]
    name = min(FILES[form])
    (both.folder / name).write_bytes((both.folder / name).read_bytes()[:-1])
    with pytest.raises(BundleError, match=f"{name} has sha256"):
        both.verify()


def test_an_onnx_file_is_valid_and_says_how_to_use_it(bundle: Bundle, converted: dict[str, Path]) -> None:
    path = converted["onnx"] / "inference.onnx"
    onnx.checker.check_model(str(path), full_check=True)
    model = onnx.load(path)
    assert [(item.domain, item.version) for item in model.opset_import] == [("", 17)]
    [value], [output] = model.graph.input, model.graph.output
    sides = [side.dim_param or side.dim_value for side in value.type.tensor_type.shape.dim]
    assert (value.name, sides) == ("x", ["x_0", 3, "x_2", "x_3"])
    assert output.type.tensor_type.shape.dim[1].dim_value == len(bundle.labels)
    said = {entry.key: entry.value for entry in model.metadata_props}
    assert said["model"] == "small"
    assert said["zoo_version"] == zoo.__version__
    assert (said["output"], said["color_order"]) == ("logits", "RGB")
    assert json.loads(said["labels"]) == list(bundle.labels.names)
    assert json.loads(said["colors"]) == [list(color) for color in bundle.labels.palette]
    assert json.loads(said["mean"]) == json.loads(said["std"]) == [0.5, 0.5, 0.5]
    assert json.loads(said["preprocess"]) == [{"Normalize": {"mean": [0.5] * 3, "std": [0.5] * 3}}]
    assert {name: json.loads(said[name]) for name in ("output_stride", "stride", "ignore_index")} == {
        "output_stride": 8,
        "stride": 1,
        "ignore_index": bundle.labels.ignore_index,
    }


def test_an_ir_says_how_to_use_it_where_openvinos_tools_look(bundle: Bundle, converted: dict[str, Path]) -> None:
    library = import_library("openvino")
    model = library.Core().read_model(converted["openvino"] / "model.xml")
    [value], [output] = model.inputs, model.outputs
    assert (value.any_name, str(value.partial_shape)) == ("x", "[?,3,?,?]")
    assert value.node.layout == library.Layout("NCHW")
    assert output.partial_shape[1] == len(bundle.labels)
    assert model.get_friendly_name() == "small"
    # In float32, by default OpenVINO halves it.
    assert (converted["openvino"] / "model.bin").stat().st_size > 0.9 * bundle.params.stat().st_size

    def told(section: str, name: str) -> str:
        return model.get_rt_info([section, name]).astype(str)

    assert told("model_info", "model_type") == "Segmentation"
    assert told("model_info", "labels").split() == [name.replace(" ", "_") for name in bundle.labels.names]
    assert told("model_info", "mean_values") == told("model_info", "scale_values") == "127.5 127.5 127.5"
    assert told("model_info", "reverse_input_channels") == "True"
    assert not model.has_rt_info(["model_info", "resize_type"])
    assert json.loads(told("zoo", "labels")) == list(bundle.labels.names)
    assert told("zoo", "model") == "small"


# On two cores it takes long: `make test-all`.
@pytest.mark.full
def test_what_model_info_says_prepares_a_picture_as_zoo_does(converted: dict[str, Path], tmp_path: Path) -> None:
    """A fixed size is resized to plainly, which Model API has a word for; its numbers are those of 0 to 255."""
    normalize, labels = (
        Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        LabelSet("two", ("a b", "c"), ((0, 0, 0),) * 2),
    )
    bundle = export_bundle(
        small_network(2), tmp_path / "fixed", model="fixed", labels=labels, preprocess=(normalize,), input_size=(64, 96)
    )
    convert_bundle(bundle, tmp_path / "ir", converter("openvino"))
    model = import_library("openvino").Core().read_model(tmp_path / "ir" / "model.xml")
    assert str(model.inputs[0].partial_shape) == "[?,3,64,96]"
    told = {
        name: model.get_rt_info(["model_info", name]).astype(str)
        for name in ("resize_type", "mean_values", "scale_values", "labels")
    }
    assert (told["resize_type"], told["labels"]) == ("standard", "a_b c")
    colour = np.array([3.0, 128.0, 250.0])
    mean, scale = (np.array(told[name].split(), float) for name in ("mean_values", "scale_values"))
    assert np.allclose((colour - mean) / scale, (colour / 255 - normalize.mean) / normalize.std)


@BOTH
def test_folders_of_paddlex_are_converted_and_no_class_is_named(
    form: str, official_folder: Path, tmp_path: Path
) -> None:
    bundle = read_bundle(official_folder)
    checked = convert_bundle(bundle, tmp_path / "out", converter(form))
    assert (checked.share, checked.references) == (1.0, (f"paddle {paddle.__version__}",))
    batch = np.random.default_rng(0).uniform(-1, 1, (2, 3, 65, 97)).astype(np.float32)
    expected = session_opener(bundle.verify(), "cpu", "paddle")(1).run(batch)
    found = RUN[form](tmp_path / "out")(batch)
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    assert (found == expected).mean() > 0.9999
    assert b"class 0" not in (tmp_path / "out" / max(FILES[form])).read_bytes()
    assert read_bundle(tmp_path / "out").digests == {}


_WITHOUT = """
import sys
for name in {missing!r}:
    sys.modules[name] = None
from zoo.cli import main
code = 0
try:
    main()
except SystemExit as ended:
    code = ended.code
print(*sorted(name for name in ("paddle", "onnx") if sys.modules.get(name)), file=sys.stderr)
sys.exit(code)
"""


def without(missing: tuple[str, ...], *arguments: object) -> subprocess.CompletedProcess[str]:
    """Runs zoo in a process in which these modules cannot be imported; at the end it says which of the rest it has."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-c", _WITHOUT.format(missing=missing), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False, env=environment)


@BOTH
def test_a_bundle_is_converted_with_neither_paddle_nor_onnx(form: str, bundle: Bundle, tmp_path: Path) -> None:
    ended = without(("paddle", "onnx"), "export", bundle.folder, "--format", form, "-o", tmp_path / "out")
    assert (ended.returncode, ended.stdout) == (0, f"{tmp_path / 'out'}\n"), ended.stderr
    file = max(FILES[form])
    said, *cautions, imported, _ = ended.stderr.split("\n")
    assert said.startswith(f"{file}: 100.0000% of ")
    assert said.endswith(" as by golden")
    # What else OpenVINO computes in by itself is no secret.
    assert (" with INFERENCE_PRECISION_HINT f32 as" in said) == (form == "openvino")
    assert ["bf16" in caution for caution in cautions] == [True] * (form == "openvino")
    assert imported == ""


# On two cores it takes long: `make test-all`.
@pytest.mark.full
def test_where_it_is_installed_paddle_is_asked_too_but_not_imported(bundle: Bundle, tmp_path: Path) -> None:
    ended = without((), "export", bundle.folder, "--format", "onnx", "-o", tmp_path / "out")
    said, imported, *_ = ended.stderr.split("\n")
    assert said.endswith(f" as by golden, paddle {paddle.__version__}")
    assert imported == ""


def test_a_file_that_nothing_here_can_check_is_written_and_that_is_said(
    official_folder: Path, bundle: Bundle, tmp_path: Path
) -> None:
    nothing = without(("onnxruntime",), "export", bundle.folder, "--format", "onnx", "-o", tmp_path / "a")
    assert nothing.stderr.splitlines()[0] == "inference.onnx was not checked: onnxruntime is not installed"
    no_reference = without(("paddle",), "export", official_folder, "--format", "onnx", "-o", tmp_path / "b")
    assert no_reference.stderr.splitlines()[0] == (
        "inference.onnx was not checked: the folder has no golden, and no paddle here runs its program"
    )
    assert all((tmp_path / folder / "inference.onnx").stat().st_size > 10_000 for folder in "ab")
    assert (nothing.returncode, no_reference.returncode) == (0, 0)


def test_without_openvino_the_line_that_installs_it_is_given_before_anything_is_done(
    tmp_path: Path, bundle: Bundle
) -> None:
    for arguments in ((bundle.folder,), ("SeaFormer_tiny", "--weights", tmp_path / "not read.pdparams")):
        ended = without(("openvino",), "export", *arguments, "--format", "openvino", "-o", tmp_path / "out")
        assert ended.returncode == 1
        assert ended.stderr.splitlines()[:2] == [
            "openvino is not installed; exporting to its format needs it.",
            "Run: pip install openvino",
        ]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.full
@BOTH
@pytest.mark.parametrize(
    ("module", "told"),
    [
        ("import os; os.abort()", "ended by SIGABRT"),
        ("import os; os._exit(7)", "exit status 7: no message"),
        ("raise OSError('no libtbb')", "cannot be imported: OSError: no libtbb."),
    ],
)
def test_a_library_that_is_broken_ends_no_export_without_a_word(
    form: str, module: str, told: str, bundle: Bundle, tmp_path: Path
) -> None:
    library = {"onnx": "onnxruntime"}.get(form, form)
    (tmp_path / "broken" / library).mkdir(parents=True)
    (tmp_path / "broken" / library / "__init__.py").write_text(module)
    words = "export", bundle.folder, "--format", form, "-o", tmp_path / "out"
    ended = run_python("zoo", *words, first=str(tmp_path / "broken"))
    assert ended.returncode == 1
    fact, hint = ended.stderr.splitlines()
    assert fact.startswith(library)
    assert told in fact
    assert hint == f"Run: pip install --force-reinstall {library}" or module.startswith("import os; os._exit")
    assert os.listdir(tmp_path) == ["broken"]


def test_a_format_that_does_not_exist_is_an_error_of_zoo() -> None:
    with pytest.raises(zoo.ConfigError, match="'tf' is no format") as refused:
        converter("tf")
    assert refused.value.hint == "Known are: mnn, ncnn, onnx, openvino, paddle-lite."
    with pytest.raises(zoo.ConfigError, match="Did you mean `openvino`"):
        converter("open-vino")


@BOTH
# On two cores it takes long: `make test-all`.
@pytest.mark.full
def test_a_checkpoint_is_exported_whole_or_not_at_all(form: str, tmp_path: Path) -> None:
    paddle.seed(0)
    checkpoint = tmp_path / "model.pdparams"
    paddle.save(zoo.build_network("SeaFormer_tiny", num_classes=150).state_dict(), str(checkpoint))
    ended = zoo_process("export", "SeaFormer_tiny", "--weights", checkpoint, "--format", form, "-o", tmp_path / "out")
    assert ended.returncode == 0, ended.stderr
    assert f"{max(FILES[form])}: 100.0000% of " in ended.stderr
    assert {*FILES[form], "golden.npz", "inference.json"} <= {path.name for path in (tmp_path / "out").iterdir()}
    assert read_bundle(tmp_path / "out").verify().trusted

    def refuse(partial: Bundle) -> None:
        assert FORMS[form](partial, FormatOptions()).share == 1.0
        raise ExportError("no", "no")

    labels = LabelSet("seven", tuple("abcdefg"), ((0, 0, 0),) * 7)
    with pytest.raises(ExportError, match="no"):
        export_bundle(small_network(), tmp_path / "other", model="m", labels=labels, also=refuse)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.pdparams", "out"]


@pytest.fixture
def copy(bundle: Bundle, tmp_path: Path) -> Path:
    return Path(shutil.copytree(bundle.folder, tmp_path / "copy"))


@BOTH
def test_what_gives_other_classes_than_the_network_did_is_not_written(form: str, copy: Path, tmp_path: Path) -> None:
    golden = read_golden(copy / "golden.npz")
    write_golden(Golden(golden.batch, golden.output[:, ::-1]), copy / "golden.npz")
    bundle = changed_settings(copy, lambda section: None)
    with pytest.raises(ExportError, match=rf"{max(FILES[form])} gives \d+\.\d+% of the pixels in {form}.* by golden"):
        convert_bundle(bundle, tmp_path / "out", converter(form))
    assert os.listdir(tmp_path) == ["copy"]


@BOTH
def test_an_operation_without_a_translation_is_named_and_nothing_written(form: str, copy: Path, tmp_path: Path) -> None:
    program = copy / "inference.json"
    program.write_text(program.read_text().replace("1.relu", "1.frobnicate"))
    bundle = changed_settings(copy, lambda section: None)
    with pytest.raises(UnsupportedProgramError, match="frobnicate"):
        convert_bundle(bundle, tmp_path / "out", converter(form))
    assert os.listdir(tmp_path) == ["copy"]


@BOTH
def test_a_full_disk_leaves_nothing(form: str, bundle: Bundle, tmp_path: Path) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def on_a_full_disk(partial: Bundle) -> Checked:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
        return FORMS[form](partial, FormatOptions())

    try:
        with pytest.raises(OutputError, match=r"/out cannot be written: (File too large|OpenVINO says )"):
            convert_bundle(bundle, tmp_path / "out", on_a_full_disk)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert os.listdir(tmp_path) == []


def test_what_cannot_be_converted_is_told(bundle: Bundle, seven_labels: LabelSet, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "file").touch()
    with pytest.raises(ExportError, match="is not empty"):
        convert_bundle(bundle, tmp_path / "taken", converter("onnx"))
    strange = read_bundle(onnx_folder(tmp_path / "strange", seven_labels))
    with pytest.raises(ExportError, match=r"cells\.onnx is no program of paddle"):
        convert_bundle(strange, tmp_path / "out", converter("onnx"))
    damaged = replace(bundle, digests={**bundle.digests, bundle.program.name: "0" * 64})
    with pytest.raises(BundleError, match="has sha256"):
        convert_bundle(damaged, tmp_path / "out", converter("onnx"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "Missing option '--weights'. Only --format onnx, openvino, mnn, ncnn and paddle-lite do"),
        (("--format", "paddlex"), "Missing option '--weights'"),
        (("--format", "onnx", "--name", "x", "--label-set", "voc"), "--label-set, --name belongs to a checkpoint"),
        (("--format", "tflite"), "'tflite' is not one of"),
        (("--format", "onnx", "--images", "."), "--images belongs to --format mnn or ncnn"),
        (("--format", "openvino", "--agreement", 0.5), "--agreement belongs to a run of zoo train, or to"),
        (("--fp16",), "--fp16 belongs to a --format other than"),
        (("--format", "mnn", "--no-training-weights"), "--no-training-weights belongs to a run"),
    ],
)
def test_without_a_checkpoint_a_model_is_converted_as_it_is(
    arguments: tuple[object, ...], told: str, tmp_path: Path
) -> None:
    ended = zoo_process("export", "starter", "-o", tmp_path / "out", *arguments)
    assert ended.returncode == 2
    assert told in ended.stderr
    assert not (tmp_path / "out").exists()


# On two cores it takes long: `make test-all`.
@BOTH
@pytest.mark.full
def test_one_size_and_weights_of_half_the_bytes_are_to_be_had(form: str, bundle: Bundle, tmp_path: Path) -> None:
    wish = FormatOptions(half=True, size=(64, 96))
    checked = convert_bundle(bundle, tmp_path / "out", converter(form, wish))
    assert checked.share > 0.995
    # The golden has another size.
    assert checked.references == (f"paddle {paddle.__version__}",)
    program = read_bundle(tmp_path / "out").verify()
    run = RUN[form](tmp_path / "out")
    batch = np.random.default_rng(1).uniform(-1, 1, (1, 3, 64, 96)).astype(np.float32)
    expected = session_opener(program, "cpu", "paddle")(1).run(batch)
    assert 0 < np.abs(run(batch) - expected).max() < 5e-3 * np.ptp(expected)
    with pytest.raises(Exception, match=r"64|shape"):
        run(batch[:, :, :32])
    whole = convert_bundle(bundle, tmp_path / "whole", converter(form))
    halves, wholes = ((tmp_path / name / min(FILES[form])).stat().st_size for name in ("out", "whole"))
    assert whole.share == 1.0
    assert halves < 0.75 * wholes
