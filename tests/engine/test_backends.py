"""The engines of plugins that open programs of paddle: the masks of paddle, without paddle."""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import paddle
import pytest
from paddle import nn
from programs import save

import zoo
from scenes import draw_scene
from support import onnx_folder, run_python
from zoo.bundle.bundle import Bundle, read_bundle
from zoo.contract.device import Device, Probe
from zoo.contract.engine import Precision, Program, Request, Session
from zoo.contract.labels import LabelSet
from zoo.doctor import self_test
from zoo.engine.kit import Kept, kept
from zoo.engine.open import candidates, session_opener
from zoo.errors import (
    BackendError,
    BackendNotInstalledError,
    DeviceUnavailableError,
    InferenceError,
    UnsupportedProgramError,
)
from zoo.learn.export import export_bundle
from zoo.registry import Discovery, discover
from zoo_backend_onnxruntime import OnnxRuntime

REPO = Path(__file__).resolve().parents[2]
NAMES = ("onnxruntime", "openvino")
# The second takes minutes on two cores: `make test-all`.
BOTH = pytest.mark.parametrize(
    "engine", [NAMES[0], *(pytest.param(name, marks=pytest.mark.full) for name in NAMES[1:])]
)
NETWORKS = [card.name for card in zoo.list_models() if card.name != "starter"]
#: Two pictures whose sides are no multiples of anything, one that both networks and engines like, and one small.
SIZES = ((1, 97, 131), (2, 65, 161), (1, 128, 256), (1, 33, 40))

pytestmark = pytest.mark.usefixtures("all_engines")


def batches() -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [rng.standard_normal((n, 3, h, w)).astype(np.float32) for n, h, w in SIZES]


def answers(program: Program, engine: str, threads: int = 1, precision: Precision = "float32") -> list[np.ndarray]:
    session = session_opener(program, "cpu", engine, precision)(threads)
    try:
        return [session.run(batch) for batch in batches()]
    finally:
        session.close()


def agree(program: Program, engine: str) -> None:
    for found, wanted in zip(answers(program, engine), answers(program, "paddle"), strict=True):
        assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype)
        if wanted.ndim == 4:
            np.testing.assert_allclose(found, wanted, atol=3e-5 * float(np.ptp(wanted)))
        else:
            assert (found == wanted).mean() > 0.9999


@BOTH
def test_logits_and_classes_are_those_of_paddle(engine: str, bundle: Bundle, paddlex_bundle: Bundle) -> None:
    """Of the starter model, of a network with logits, of one with upsampling and argmax inside."""
    for program in (zoo.load("starter", backend="paddle").bundle.verify(), bundle.verify(), paddlex_bundle.verify()):
        agree(program, engine)


@BOTH
def test_masks_are_those_of_paddle(engine: str) -> None:
    pictures = [draw_scene(seed, *size).image for seed, size in enumerate(((120, 168), (97, 131), (256, 300)))]
    with zoo.load("starter", backend=engine) as model, zoo.load("starter", backend="paddle") as paddles:
        for picture in pictures:
            result = model.predict(picture).one()
            assert result.engine.startswith(engine)
            assert np.array_equal(result.mask, paddles.predict(picture).one().mask)


@pytest.mark.full
@BOTH
@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_gives_what_it_gives_in_paddle(name: str, engine: str, tmp_path: Path) -> None:
    """Measured from the network in float64: untrained SeaFormers make 4e-4 of the spread of rounding, in any engine."""
    card = zoo.find_model(name).card
    paddle.seed(1)
    network = zoo.build_network(name)
    bundle = export_bundle(network, tmp_path / name, model=name, labels=card.labels, output_stride=card.output_stride)
    program = bundle.verify()
    network.eval()
    network.to(dtype="float64")
    for batch, found, paddles in zip(batches(), answers(program, engine), answers(program, "paddle"), strict=True):
        with paddle.no_grad():
            exact = network(paddle.to_tensor(batch.astype(np.float64)))[0].numpy()
        assert (found.shape, found.dtype) == (paddles.shape, paddles.dtype) == (exact.shape, np.dtype(np.float32))
        rounding = np.abs(paddles - exact).max()
        assert np.abs(found - exact).max() <= max(3e-5 * np.ptp(exact), 8 * rounding)


@BOTH
def test_an_onnx_file_is_opened_as_it_is(engine: str, tmp_path: Path, seven_labels: LabelSet) -> None:
    program = read_bundle(onnx_folder(tmp_path / "cells", seven_labels)).verify()
    session = session_opener(program, "cpu", engine)(1)
    assert session.run(batches()[2]).shape == (1, 7, 16, 32)


@BOTH
def test_streams_give_what_one_session_gives(engine: str, bundle: Bundle) -> None:
    """As many sessions as are wanted, of any share of the threads, in turn."""
    opener = session_opener(bundle.verify(), "cpu", engine)
    sessions = [opener(threads) for threads in (2, 1, 1, 2)]
    for batch in batches():
        first, *others = (session.run(batch) for session in sessions)
        for other in others:
            np.testing.assert_allclose(other, first, atol=1e-5)
    for session in sessions:
        session.close()
    with pytest.raises(InferenceError, match="closed"):
        sessions[0].run(batches()[0])


class Halves(nn.Layer):
    """Adds what was halved and doubled again to what was not: the sides must be multiples of 4."""

    def __init__(self) -> None:
        super().__init__()
        self.down, self.further = (nn.Conv2D(channels, 7, 3, stride=2, padding=1) for channels in (3, 7))
        self.up = nn.Conv2DTranspose(7, 7, 2, stride=2)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        half = nn.functional.relu(self.down(x))
        return half + self.up(self.further(half))


def program_of(layer: nn.Layer, folder: Path) -> Program:
    save(layer, folder, [((None, 3, None, None), "float32")])
    path, params = folder / "inference.json", folder / "inference.pdiparams"
    return Program(path, params, folder, folder.name.ljust(64, "0"), False, "logits", 2, (-1, 3, -1, -1))


@BOTH
@pytest.mark.parametrize("threads", [1, 2])
def test_a_picture_that_does_not_fit_is_an_error_and_never_the_answer_before(
    engine: str, threads: int, tmp_path: Path
) -> None:
    """OpenVINO loses its own error where it has one thread."""
    session = session_opener(program_of(Halves(), tmp_path), "cpu", engine)(threads)
    fits, fits_not = np.ones((1, 3, 64, 96), np.float32), np.ones((1, 3, 63, 94), np.float32)
    before = session.run(fits)
    for _ in range(2):
        with pytest.raises(InferenceError, match=f"{engine} .* failed on a batch of shape \\(1, 3, 63, 94\\)"):
            session.run(fits_not)
        assert np.array_equal(session.run(fits), before)


class Waves(nn.Layer):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2D(3, 7, 1)

    def forward(self, x: paddle.Tensor) -> paddle.Tensor:
        return paddle.fft.fft(self.layer(x)).real()


@BOTH
def test_an_operation_without_translation_is_named(engine: str, tmp_path: Path) -> None:
    with pytest.raises(UnsupportedProgramError, match=r"fft_r2c|fft_c2c"):
        session_opener(program_of(Waves(), tmp_path), "cpu", engine)(1)


@BOTH
def test_a_damaged_parameter_file_is_named(engine: str, tmp_path: Path) -> None:
    program = program_of(Halves(), tmp_path)
    assert program.params is not None
    program.params.write_bytes(program.params.read_bytes()[:-9])
    with pytest.raises(zoo.BundleError, match=r"inference\.pdiparams .*tensor"):
        session_opener(program, "cpu", engine)(1)


def test_a_precision_that_an_engine_lacks_has_the_engine_that_has_it_as_its_hint(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hint(engine: str = "auto") -> str:
        with pytest.raises(BackendNotInstalledError) as caught:
            candidates(bundle.verify(), "cpu", engine, "bf16")
        return caught.value.hint

    assert hint("paddle") == hint("onnxruntime") == "Use backend='openvino', or precision='float32'"
    with monkeypatch.context() as patch:
        patch.setenv("ZOO_DISABLE_PLUGINS", "zoo-backend-openvino")
        assert hint() == "Run: unset ZOO_DISABLE_PLUGINS  (it leaves openvino out)"
    found = discover("zoo.devices", "zoo.backends")
    without = Discovery(tuple(plugin for plugin in found.plugins if plugin.distribution != "zoo-backend-openvino"))
    monkeypatch.setattr("zoo.engine.open.discover", lambda *groups: without)
    assert hint().startswith("Run in a clone of zoo: pip install ./plugins/zoo-backend-openvino  (")


def test_an_engine_that_is_disabled_or_not_installed_is_no_unknown_word(
    bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    def said(engine: str = "auto", device: str = "cpu") -> str:
        with pytest.raises(zoo.ZooError) as caught:
            candidates(bundle.verify(), device, engine)
        return str(caught.value)

    assert said("ort").endswith("\nUse backend='onnxruntime'")
    assert said("ov").endswith("\nUse backend='openvino'")
    assert said(device="OpenVINO").endswith("\nUse backend='openvino'")
    with monkeypatch.context() as patch:
        patch.setenv("ZOO_DISABLE_PLUGINS", "openvino")
        assert said("openvino") == (
            "The engine openvino is disabled: ZOO_DISABLE_PLUGINS leaves it out. Installed: onnxruntime, paddle.\n"
            "Run: unset ZOO_DISABLE_PLUGINS  (it leaves openvino out)"
        )
    found = discover("zoo.devices", "zoo.backends")
    core = Discovery(tuple(plugin for plugin in found.plugins if plugin.distribution == "zoo-core"))
    monkeypatch.setattr("zoo.engine.open.discover", lambda *groups: core)
    clone = "Run in a clone of zoo: pip install ./plugins/zoo-backend-openvino  (it is on no public index yet)"
    assert said("openvino") == f"The engine openvino is not installed. Installed: paddle.\n{clone}"
    assert said("OV") == said("openvino")
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "paddle" else find(name, *a))
    assert "Installed: none." in said("openvino")
    small = "./plugins/zoo-backend-onnxruntime or ./plugins/zoo-backend-openvino"
    assert said().endswith(f" setuptools  (or in a clone of zoo: pip install {small}, which is smaller)")


def test_openvino_computes_in_float32_unless_bf16_is_asked_for(bundle: Bundle) -> None:
    """And says which, as it was read back; a processor without bf16 is refused."""
    program = bundle.verify()
    exact = session_opener(program, "cpu", "openvino")(1)
    assert exact.facts.precision == "float32"
    has_it = "avx512_bf16" in Path("/proc/cpuinfo").read_text(encoding="utf-8")
    if not has_it:
        with pytest.raises(BackendError, match="float32 where bf16 is asked for"):
            session_opener(program, "cpu", "openvino", "bf16")(1)
        return
    fast = session_opener(program, "cpu", "openvino", "bf16")(1)
    assert str(fast.facts).endswith("1 thread, bf16")
    batch = batches()[2]
    difference = np.abs(fast.run(batch) - exact.run(batch)).max() / np.ptp(exact.run(batch))
    assert 1e-5 < difference < 0.05
    with pytest.raises(BackendError, match="computes in float32 and not in bf16"):
        session_opener(program, "cpu", "onnxruntime", "bf16")


# --- what is kept ----------------------------------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "engines"


@pytest.fixture
def open_one(bundle: Bundle) -> Iterator[list[Session]]:
    yield (opened := [])
    for session in opened:
        session.close()


@BOTH
def test_what_was_compiled_is_kept_and_damage_is_noticed(engine: str, cache: Path, bundle: Bundle) -> None:
    program = bundle.verify()
    expected = answers(program, engine)
    [file] = (cache / engine).glob("*.kept")
    whole, made = file.read_bytes(), file.stat().st_ino
    for found, wanted in zip(answers(program, engine), expected, strict=True):
        assert np.array_equal(found, wanted)
    assert file.stat().st_ino == made, "it was made again"
    middle = len(whole) // 2
    edited = whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :]
    for damaged in (whole[:middle], edited, b"", b"something else"):
        file.write_bytes(damaged)
        for found, wanted in zip(answers(program, engine), expected, strict=True):
            assert np.array_equal(found, wanted)
        assert file.read_bytes()[:80] == whole[:80] or engine == "openvino"
        assert len(file.read_bytes()) > middle


def test_the_doctor_says_what_an_engine_keeps_for_later(cache: Path, bundle: Bundle) -> None:
    [state] = self_test(bundle.folder, backend="openvino").engines
    kept = sum(path.stat().st_size for path in (cache / "openvino").iterdir())
    assert (state.engine, state.verdict, state.compiled) == ("openvino", "proven", kept)
    assert "thread" in state.setting


@pytest.mark.full
def test_a_blob_that_openvino_does_not_take_is_made_again(cache: Path, bundle: Bundle) -> None:
    """Whole, but of another version."""
    program = bundle.verify()
    expected = answers(program, "openvino")
    [file] = (cache / "openvino").glob("*.kept")
    key = program.digest, zoo_version("openvino")
    assert Kept(cache / "openvino", key).path == file
    Kept(cache / "openvino", key).write(b"OPENVINO BLOB of 2031")
    for found, wanted in zip(answers(program, "openvino"), expected, strict=True):
        assert np.array_equal(found, wanted)
    assert file.stat().st_size > 10_000


def zoo_version(module: str) -> str:
    return str(sys.modules[module].__version__)


@BOTH
def test_a_cache_that_cannot_be_written_costs_nothing_but_time(
    engine: str, cache: Path, bundle: Bundle, caplog: pytest.LogCaptureFixture
) -> None:
    """A file where the folder should be; then a disk with room for nothing."""
    caplog.set_level("INFO", "zoo.engine")
    cache.mkdir(parents=True)
    (cache / engine).write_text("not a folder")
    assert len(answers(bundle.verify(), engine)) == len(SIZES)
    assert "could not be kept" in caplog.text
    (cache / engine).unlink()
    caplog.clear()
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        assert len(answers(bundle.verify(), engine)) == len(SIZES)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert "could not be kept" in caplog.text
    assert list((cache / engine).iterdir()) == []


@BOTH
def test_processes_may_compile_one_program_at_once(engine: str, cache: Path, bundle: Bundle) -> None:
    code = f"""
import numpy as np, hashlib
from pathlib import Path
from zoo.bundle.bundle import read_bundle
from zoo.engine.open import session_opener
program = read_bundle(Path({str(bundle.folder)!r})).verify()
output = session_opener(program, "cpu", {engine!r})(1).run(np.ones((1, 3, 64, 96), np.float32))
print(hashlib.sha256(output.tobytes()).hexdigest())
"""
    environment = {name: value for name, value in os.environ.items() if name != "ZOO_DISABLE_PLUGINS"}
    children = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    assert len({child.communicate(timeout=120)[0] for child in children}) == 1
    assert [child.returncode for child in children] == [0, 0, 0]
    assert len(list((cache / engine).iterdir())) == 1


def test_what_was_not_used_for_longest_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST_BYTES", 3000)
    made = [Kept(tmp_path, (name,)) for name in "abcd"]
    for age, item in enumerate(made[:3]):
        item.write(b"x" * 800)
        os.utime(item.path, (age, age))
    assert made[0].read() == b"x" * 800
    made[3].write(b"y" * 800)
    assert [item.read() is not None for item in made] == [True, False, True, True]


# On two cores it takes long: `make test-all`.
@pytest.mark.full
def test_zoo_cache_shows_what_engines_keep_and_removes_it(cache: Path, bundle: Bundle) -> None:
    for engine in NAMES:
        answers(bundle.verify(), engine)
    assert "programs that engines compiled: 2, " in run_python("zoo", "cache", "ls").stderr
    removed = run_python("zoo", "cache", "rm", "--compiled").stdout
    assert removed.startswith("removed compiled programs, ")
    assert list(cache.rglob("*.kept")) == []


# --- without paddle --------------------------------------------------------------------------------------------------

_NO_PADDLE = "import sys\nsys.modules['paddle'] = None\n"


@pytest.fixture
def no_paddle(tmp_path: Path) -> str:
    """A folder that, first on the path, hides paddle from every Python."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(_NO_PADDLE)
    return str(tmp_path / "site")


@BOTH
def test_without_paddle_the_starter_model_predicts(engine: str, no_paddle: str, tmp_path: Path) -> None:
    picture = REPO / "docs" / "street.jpg"
    others = ",".join(f"zoo-backend-{name}" for name in NAMES if name != engine)
    ended = run_python(
        "zoo", "predict", picture, "-o", tmp_path / "out", "--save", "mask", "--json",
        first=no_paddle, ZOO_DISABLE_PLUGINS=others, ZOO_HOME=str(tmp_path / "home"),
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    document = json.loads(ended.stdout)
    assert document["engine"].startswith(f"{engine} ")
    with zoo.load("starter", backend="paddle") as model:
        expected = model.predict(picture).one().areas()
    assert {item["name"]: item["pixels"] for item in document["classes"]} == {
        name: area for name, area in expected.items() if area
    }


def test_without_an_engine_models_are_listed_and_a_line_says_what_to_install(no_paddle: str, tmp_path: Path) -> None:
    none = {"ZOO_DISABLE_PLUGINS": ",".join(f"zoo-backend-{name}" for name in NAMES), "ZOO_HOME": str(tmp_path)}
    listed = run_python("zoo", "list-models", first=no_paddle, **none)
    assert (listed.returncode, "starter" in listed.stdout) == (0, True)
    info = run_python("zoo", "info", "starter", first=no_paddle, **none)
    assert info.returncode == 0, info.stderr
    failed = run_python("zoo", "predict", REPO / "docs" / "street.jpg", first=no_paddle, **none)
    assert failed.returncode == 1
    paddle = 'Run: pip install "paddlepaddle>=3.2.2,<3.3" setuptools'
    assert failed.stderr.splitlines()[-1] == f"{paddle}  (or unset ZOO_DISABLE_PLUGINS)"


@BOTH
def test_with_paddle_installed_it_is_not_imported(engine: str, tmp_path: Path) -> None:
    code = f"""
import sys, zoo
with zoo.load("starter", backend={engine!r}) as model:
    print(model.predict({str(REPO / "docs" / "street.jpg")!r}).one().engine)
print([name for name in ("paddle", "openvino_telemetry", "onnx") if name in sys.modules])
"""
    ended = run_python(code, ZOO_HOME=str(tmp_path))
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "[]"


# --- what an engine does to its surroundings -------------------------------------------------------------------------

_QUIET = """
import os, socket, sys
from pathlib import Path
asked = []
for name in ("getaddrinfo", "create_connection"):
    setattr(socket, name, lambda *a, name=name, **k: asked.append(name))
started = []
sys.addaudithook(lambda event, arguments: started.append(event) if event in (
    "os.fork", "os.forkpty", "os.posix_spawn", "subprocess.Popen", "socket.connect") else None)
before = set(os.sched_getaffinity(0))
import numpy as np
from zoo.bundle.bundle import read_bundle
from zoo.engine.open import session_opener
engine, folder = sys.argv[1:]
if folder == "bare":
    __import__(engine)
else:
    # What zoo asks the machine before is not the engine's.
    opener = session_opener(read_bundle(Path(folder)).verify(), "cpu", engine)
    started.clear()
    opener(2).run(np.ones((1, 3, 64, 96), np.float32))
masks = {line.split()[1] for task in Path("/proc/self/task").iterdir()
         for line in (task / "status").read_text().splitlines() if line.startswith("Cpus_allowed_list")}
import time; time.sleep(0.5)
print(len(masks), asked, started, sorted(path.name for path in Path.home().rglob("*")))
"""


@BOTH
def test_nothing_is_reported_and_no_thread_is_pinned(engine: str, bundle: Bundle, tmp_path: Path) -> None:
    """No child, no address looked up, no file in the home folder, without the CI that would silence it."""
    ended = run_python(_QUIET, engine, bundle.folder, HOME=str(tmp_path), ZOO_HOME=str(tmp_path.parent / "cache"))
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == "1 [] [] []"


@BOTH
def test_each_by_itself_does_leave_something_in_the_home_folder(engine: str, tmp_path: Path) -> None:
    """So that the test above sees it."""
    ended = run_python(_QUIET, engine, "bare", HOME=str(tmp_path))
    assert ended.returncode == 0, ended.stderr
    assert ("openvino_ga_cid" if engine == "openvino" else "deviceid") in ended.stdout


def test_what_was_hidden_is_there_again_for_others(bundle: Bundle) -> None:
    code = f"""
import os, sys, types
sys.modules["openvino_telemetry"] = mine = types.ModuleType("openvino_telemetry")
from pathlib import Path
from zoo.bundle.bundle import read_bundle
from zoo.engine.open import session_opener
session_opener(read_bundle(Path({str(bundle.folder)!r})).verify(), "cpu", "openvino")(1)
print(sys.modules["openvino_telemetry"] is mine, "ORT_DISABLE_TELEMETRY" in os.environ)
"""
    assert run_python(code).stdout.strip() == "True False"


@pytest.mark.full
@BOTH
def test_an_installed_engine_that_is_broken_is_said(engine: str, tmp_path: Path) -> None:
    """Where it is asked for; `auto` takes another and says so."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / f"{engine}.py").write_text("raise ImportError('libnothing.so.3: cannot open shared object')")
    where = {"first": str(tmp_path / "site"), "ZOO_HOME": str(tmp_path / "home")}
    words = ("predict", REPO / "docs" / "street.jpg")
    asked = run_python("zoo", *words, "--backend", engine, **where)
    assert asked.returncode == 1
    fact, hint = asked.stderr.splitlines()[-2:]
    assert "libnothing.so.3" in fact
    assert hint == f"Run: pip install --force-reinstall {engine}"
    auto = run_python("zoo", *words, "--json", **where)
    assert auto.returncode == 0, auto.stderr
    assert not json.loads(auto.stdout)["engine"].startswith(engine)
    assert "libnothing.so.3" in auto.stderr


@pytest.mark.full
@BOTH
def test_pictures_of_two_hundred_sizes_leave_memory_flat(engine: str, bundle: Bundle) -> None:
    code = f"""
import numpy as np
from pathlib import Path
from zoo.bundle.bundle import read_bundle
from zoo.engine.open import session_opener
session = session_opener(read_bundle(Path({str(bundle.folder)!r})).verify(), "cpu", {engine!r})(1)
sizes = np.random.default_rng(0).integers(64, 512, (200, 2))
def megabytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4 // 1024
session.run(np.zeros((1, 3, 512, 512), np.float32))
before = megabytes()
for height, width in sizes:
    session.run(np.zeros((1, 3, height, width), np.float32))
print(megabytes() - before)
"""
    ended = run_python(code)
    assert int(ended.stdout) < 100, ended.stderr


class _Toy(Device):
    """A device whose plugin names a provider of onnxruntime."""

    kind = "toy"
    api = 1
    tried_first = False

    def __init__(self, provider: str) -> None:
        self.provider = provider

    def probe(self) -> Probe:
        return Probe(1)

    def configure(self, config: Any, index: int) -> None:
        pass

    def place(self, engine: str, index: int) -> dict[str, Any]:
        return {"providers": [(self.provider, {"device_id": index})]}


@pytest.mark.parametrize("provider", ["CUDAExecutionProvider", "CPUExecutionProvider"])
def test_onnxruntime_says_where_it_would_compute_on_the_processor_for_another_device(
    bundle: Bundle, tmp_path: Path, provider: str
) -> None:
    program = bundle.verify()
    with pytest.raises(DeviceUnavailableError, match=f"on the processor: toy:1 names {provider}, and here it has"):
        OnnxRuntime().open(program, Request(_Toy(provider), 1, 1, tmp_path, "float32"))
