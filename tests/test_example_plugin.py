"""The examples in the documentation are real plugins: pip installs them, zoo lists and uses them."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pretend.build import compiler, plugins
from pretend.machine import Machine

from scenes import draw_scene
from support import cells, onnx_folder
from zoo.contract.labels import LabelSet
from zoo.errors import ConfigError, OutputError
from zoo.registry.scaffold import KINDS, write_plugin
from zoo.segment.upsample import upsample_argmax

REPO = Path(__file__).resolve().parents[1]
EXAMPLES = REPO / "docs" / "examples"
EXAMPLE, ENGINE, DEVICE, FORMAT = (
    EXAMPLES / name for name in ("zoo-plugin-fcn", "zoo-backend-tiny-onnx", "zoo-device-pretend", "zoo-format-areas")
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the examples installed in it."""
    folder = tmp_path_factory.mktemp("site")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(folder)]
    command += [str(example) for example in (EXAMPLE, ENGINE, DEVICE, FORMAT)]
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=240)
    return folder


@pytest.mark.parametrize(
    ("kind", "name", "example"),
    [("family", "fcn", EXAMPLE), ("device", "pretend", DEVICE), ("backend", "tiny-onnx", ENGINE)],
)
def test_the_examples_are_what_zoo_new_plugin_writes(kind: str, name: str, example: Path, tmp_path: Path) -> None:
    begun = write_plugin(kind, name, tmp_path)
    assert begun.folder == tmp_path / example.name
    assert begun.files == tuple(sorted(file.relative_to(begun.folder) for file in begun.folder.rglob("*.*")))
    for file in begun.files:
        assert (begun.folder / file).read_text() == (example / file).read_text(), file
    with pytest.raises(OutputError, match="exists"):
        write_plugin(kind, name, tmp_path)


@pytest.mark.parametrize(
    ("kind", "name", "told"),
    [
        *(
            (kind, name, "cannot be a name")
            for kind in KINDS
            for name in ("", "My", "a_b", "a--b", "1a", "../a", 41 * "a")
        ),
        ("family", "segformer", "is taken"),
        ("device", "npu", "is taken"),
        ("device", "cpu", "is taken"),
        ("backend", "openvino", "is taken"),
        ("backend", "auto", "is taken"),
        ("device", "none", "is taken"),
        ("backend", "probe", "is taken"),
    ],
)
def test_a_plugin_is_not_begun_under_a_name_that_would_be_refused(
    kind: str, name: str, told: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=told):
        write_plugin(kind, name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def zoo(site: Path, *arguments: str, program: tuple[str, ...] = ("-m", "zoo"), folder: Path | None = None) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), str(REPO)]), "ZOO_HOME": str(site)}
    command = [sys.executable, *program, *arguments]
    return subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True, timeout=120, cwd=folder
    ).stdout


def test_the_model_is_listed_with_what_its_card_says(site: Path) -> None:
    (entry,) = json.loads(zoo(site, "list-models", "fcn*", "--json"))
    assert (entry["name"], entry["title"], entry["distribution"]) == ("FCN-Tiny", "FCN", "zoo-plugin-fcn")
    assert (entry["dataset"], entry["classes"], entry["status"]) == ("voc", 21, "installed")


def test_the_plugins_table_shows_it(site: Path) -> None:
    row = next(line for line in zoo(site, "plugins").splitlines() if "zoo-plugin-fcn" in line)
    assert row.split() == ["fcn", "zoo-plugin-fcn", "1.0.0", "models", "FCN-Tiny", "ok"]


def test_its_network_gives_logits_at_the_stride_of_its_card(site: Path) -> None:
    code = (
        "import paddle, zoo; from zoo.contract.refs import resolve; model = zoo.find_model('FCN-Tiny');"
        "network = resolve(model.family.network)(model.card.name, len(model.card.labels), 3);"
        "print([list(logits.shape) for logits in network(paddle.zeros([1, 3, 32, 64]))], model.card.output_stride)"
    )
    pytest.importorskip("paddle")
    assert zoo(site, program=("-c", code)).splitlines()[-1] == "[[1, 21, 4, 8]] 8"


def test_the_whole_plugin_is_about_thirty_lines() -> None:
    files = [EXAMPLE / "pyproject.toml", EXAMPLE / "zoo_plugin_fcn" / "__init__.py"]
    lines = [line for file in files for line in file.read_text().splitlines() if line.strip()]
    assert len(lines) <= 32


def test_a_format_of_a_plugin_is_a_format_like_any_other(site: Path, tmp_path: Path) -> None:
    """On the command line, in a pipeline file, in its schema, in a shell's completion and in Python."""
    folder, picture = tmp_path / "out", tmp_path / "street.png"
    Image.fromarray(draw_scene(4, 96, 128).image).save(picture)
    row = next(line for line in zoo(site, "plugins").splitlines() if "zoo-format-areas" in line)
    assert row.split() == ["areas", "zoo-format-areas", "1.0.0", "formats", "areas", "ok"]
    assert (
        "areas"
        in json.loads(zoo(site, "pipeline", "schema"))["properties"]["save"]["properties"]["kinds"]["items"]["enum"]
    )
    assert "labelstudio, parquet, areas." in " ".join(zoo(site, "predict", "--help").split())

    zoo(site, "predict", str(picture), "--save-path", str(folder), "--save", "mask,areas")
    assert sorted(os.listdir(folder)) == ["street_areas.csv", "street_mask.png"]
    zoo(site, "predict", str(picture), "--save-path", str(folder / "all.csv"), "--save", "areas")
    file = tmp_path / "team.yaml"
    file.write_text("zoo: 1\nmodel: starter\nsave: {path: out, kinds: [areas]}\n")
    code = f"""
import zoo
with zoo.create_pipeline({str(file)!r}) as pipeline:
    result = pipeline.predict({str(picture)!r}).one()
    print(result.save("named.csv", "areas", delimiter=";"))
    print(zoo.results.find_saved(pipeline.config.save_path, result.name, result.uri, "areas"))
"""
    named, found = zoo(site, program=("-c", code), folder=tmp_path).splitlines()
    assert (named, found) == ("named.csv", str(folder / "street_areas.csv"))
    mark, *lines = Path(found).read_text().splitlines()
    assert json.loads(mark.removeprefix("# ")) == {"schema": "zoo.areas/1", "source": str(picture)}
    rows = list(csv.DictReader(lines))
    assert sum(int(row["pixels"]) for row in rows) == 96 * 128
    assert (folder / "all.csv").read_text().splitlines() == [mark, *lines]
    assert (tmp_path / named).read_text().splitlines()[1] == "picture;class;pixels;share"
    # A second run replaces its own file and no other.
    assert sorted(os.listdir(folder)) == ["all.csv", "street_areas.csv", "street_mask.png"]


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory, seven_labels: LabelSet) -> Path:
    """A folder whose program is an ONNX file."""
    return onnx_folder(tmp_path_factory.mktemp("onnx") / "cells", seven_labels)


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "street.png"
    Image.fromarray(np.random.default_rng(2).integers(0, 256, (50, 70, 3), np.uint8)).save(path)
    return path


def test_a_program_that_only_a_plugin_can_open_is_run_by_it(
    site: Path, program: Path, street: Path, tmp_path: Path
) -> None:
    words = ("predict", str(street), "--model", str(program))
    document = json.loads(zoo(site, *words, "-o", str(tmp_path), "--save", "mask", "--json"))
    assert document["device"] == "cpu"
    assert document["engine"].startswith("tiny-onnx 1.")
    picture = np.asarray(Image.open(street)).transpose(2, 0, 1)[np.newaxis] / np.float32(127.5) - 1
    expected = upsample_argmax(cells(picture.astype(np.float32))[0], (50, 70))
    mask = np.asarray(Image.open(tmp_path / "street_mask.png"))
    assert len(np.unique(expected)) > 2
    assert (mask == expected).mean() > 0.999


@pytest.fixture
def machine(site: Path, tmp_path: Path) -> Machine:
    """A machine with two devices of the example's kind, which has the examples installed."""
    if compiler() is None:
        pytest.skip("there is no g++ to build the pretend runtime with")
    machine = Machine(plugins({"pretend": "PRETEND_VISIBLE_DEVICES"}), tmp_path)
    machine.environ["PYTHONPATH"] = os.pathsep.join([str(site), machine.environ["PYTHONPATH"]])
    return machine


@pytest.mark.full
def test_a_device_of_a_plugin_does_the_work(machine: Machine, street: Path) -> None:
    """Also where its runtime hides one, and two at once."""
    words = "predict", street, street, "--json", "--backend", "paddle", "--device"
    masks: list[object] = []
    for address, variables, used in (
        ("cpu", {}, set[str]()),
        ("Pretend:1", {}, {"pretend:1"}),
        ("pretend", {"PRETEND_VISIBLE_DEVICES": "1"}, {"pretend:1"}),
        ("pretend:0,1", {}, {"pretend:0", "pretend:1"}),
    ):
        ended = machine.zoo(*words, address, **variables)
        assert ended.returncode == 0, ended
        documents = [json.loads(line) for line in ended.stdout.splitlines()]
        masks.append([document["classes"] for document in documents])
        assert {document["engine"].split()[0] for document in documents} == {"paddle"}
        assert ("untested" in documents[0]["why"]) == bool(used)
        assert machine.used() == used
    assert masks[1:] == masks[:1] * 3


@pytest.mark.full
@pytest.mark.parametrize(
    ("device", "variables", "reason"),
    [
        ("pretend:2", {}, "there are 2, numbered from 0"),
        ("pretend", {"PRETEND_COUNT": "0"}, "its runtime finds no device"),
        ("pretend:0", {"FLAGS_selected_pretends": "1"}, "the usable ones are pretend:1"),
        ("pretend", {"CUSTOM_DEVICE_ROOT": "/nowhere"}, "has no device plugin beside it"),
    ],
)
def test_a_device_of_a_plugin_that_is_not_there_is_told(
    machine: Machine, street: Path, device: str, variables: dict[str, str], reason: str
) -> None:
    ended = machine.zoo("predict", street, "--device", device, **variables)
    assert (ended.returncode, ended.stdout) == (1, "")
    fact, _ = ended.stderr.splitlines()
    assert fact.startswith("The device pretend:")
    assert reason in fact


@pytest.mark.full
def test_an_engine_without_a_provider_for_a_device_refuses(machine: Machine, program: Path, street: Path) -> None:
    """onnxruntime itself would warn and go on on the processor."""
    for backend in ("tiny-onnx", "onnxruntime"):
        words = "predict", street, "--model", program, "--backend", backend, "--device"
        ended = machine.zoo(*words, "pretend:1", ZOO_DISABLE_PLUGINS="")
        assert (ended.returncode, ended.stdout) == (1, "")
        assert "PretendExecutionProvider" in ended.stderr.splitlines()[0], ended


def test_a_changed_program_never_reaches_the_engine(site: Path, program: Path, street: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in program.iterdir():
        content = file.read_bytes()
        (copy / file.name).write_bytes(content[:-1] + b"?" if file.suffix == ".onnx" else content)
    with pytest.raises(subprocess.CalledProcessError) as caught:
        zoo(site, "predict", str(street), "--model", str(copy))
    fact, help_ = caught.value.stderr.splitlines()
    assert "cells.onnx has sha256" in fact
    assert help_.startswith("The file was changed or damaged")


@pytest.mark.full
def test_all_keep_their_contracts(site: Path, machine: Machine) -> None:
    """As their own tests say, run as an author runs them."""
    tests = [folder / "tests" for folder in (EXAMPLE, ENGINE, DEVICE)]
    words = "-m", "pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib", *tests
    ended = machine.run(*words)
    assert ended.returncode == 0, ended.stdout
    # int8 is not for it.
    assert "28 passed, 1 skipped" in ended.stdout


def test_zoo_names_them_where_they_belong(site: Path, machine: Machine) -> None:
    rows = {line.split()[1]: line.split()[3:] for line in zoo(site, "plugins").splitlines()}
    assert rows["zoo-backend-tiny-onnx"] == ["engines", "tiny-onnx", "ok"]
    assert rows["zoo-device-pretend"] == ["devices", "pretend", "ok"]
    findings = {
        (item["topic"], item["name"]): item["value"]
        for item in json.loads(machine.zoo("doctor", "--json").stdout)["findings"]
    }
    assert findings["devices", "pretend"] == "installed; not asked for its devices"
    # gpu and xpu are left out: files tell that this paddle is built without them.
    assert findings["engines", "tiny-onnx"].startswith("runs on cpu, pretend; not on mlu: ")
    assert findings["engines", "paddle"] == "runs on cpu, mlu, npu, pretend"
    states = {state["kind"]: state for state in json.loads(machine.zoo("devices", "--probe", "--json").stdout)}
    assert set(states) == {"cpu", "gpu", "mlu", "npu", "pretend", "xpu"}
    assert (states["pretend"]["count"], states["pretend"]["title"]) == (2, "Pretend device")


def test_the_device_has_at_most_sixty_lines() -> None:
    files = DEVICE / "pyproject.toml", DEVICE / "zoo_device_pretend.py"
    assert sum(len(file.read_text().splitlines()) for file in files) <= 60
