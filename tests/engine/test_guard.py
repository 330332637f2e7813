"""Devices and engines of plugins that raise, hang, lie or end the process: each is an error in two lines."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

import zoo
from support import install_into, png, zoo_process
from zoo.bundle.bundle import Bundle
from zoo.engine import guard
from zoo.engine.open import candidates, open_engine
from zoo.predict.model import Model
from zoo.proof.measure import subject_of
from zoo.proof.record import Proof
from zoo.registry import refresh

DEVICE = """
import os
from zoo.plugin import Device, Probe, hookimpl

class Thing(Device):
    kind = "thing"
    api = 1
    environ = {ENVIRON}

    def probe(self):
        PROBE

    def configure(self, config, index):
        CONFIGURE

    def name(self, index):
        NAME

@hookimpl
def zoo_devices():
    return [Thing()]
"""

ENGINE = """
import os
import numpy as np
import zoo
from zoo.plugin import Facts, Probe, hookimpl

class Odd(BaseException): pass
class MyBackendError(zoo.BackendError): pass
class MyInferenceError(zoo.InferenceError):
    def __init__(self, number):
        self.number = number

class Opened:
    parallel = property(lambda self: PARALLEL)

    def __init__(self, request):
        self.facts = Facts("odd", "1.0", "", "float32", request.device_name)

    def run(self, batch):
        count, _, height, width = batch.shape
        logits = np.zeros((count, 7, -(-height // 8), -(-width // 8)), np.float32)
        logits[:, 3] = 1
        RUN
        return logits

    def close(self):
        raise RuntimeError("never mind")

class OddEngine:
    name = "odd"
    api = 1
    tried_first = TRIED

    def supports(self, device, program):
        SUPPORTS
        return Probe(1, names=("odd 1.0",))

    def open(self, program, request):
        OPEN
        return Opened(request)

@hookimpl
def zoo_backends():
    return [OddEngine()]
"""

OWNER = "plugin 'zoo-{0}' of zoo-{0} 1.0"
Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Path) -> Iterator[Install]:
    """Installs a device or an engine for one test, which has a cache of its own."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)

    def device(
        probe: str = "return Probe(1)", configure: str = "config.disable_gpu()", environ: str = "", name: str = ""
    ) -> None:
        source = DEVICE.replace("PROBE", probe).replace("CONFIGURE", configure).replace("ENVIRON", environ)
        source = source.replace("NAME", name or "return f'thing:{index}'")
        install_into(site, "zoo-thing", source, group="zoo.devices")
        refresh()

    def engine(
        supports: str = "pass",
        open: str = "pass",  # noqa: A002
        run: str = "pass",
        parallel: str = "False",
        tried: bool = True,
    ) -> None:
        source = ENGINE.replace("SUPPORTS", supports).replace("OPEN", open).replace("TRIED", str(tried))
        source = source.replace("RUN", run).replace("PARALLEL", parallel)
        install_into(site, "zoo-odd", source, group="zoo.backends")
        refresh()

    yield lambda kind, **code: {"device": device, "engine": engine}[kind](**code)
    for module in ("zoo_thing", "zoo_odd"):
        sys.modules.pop(module, None)
    refresh()


def believe(bundle: Bundle) -> None:
    """Keeps a proof, as if the engine gave the right masks."""
    program = bundle.verify()
    [candidate] = candidates(program, engine="odd")
    Proof(subject_of(program, candidate), "golden", 1.0, 0.1, 0.1, 1).keep()


def test_a_device_that_ends_the_process_is_two_lines_and_exit_1(
    install: Install, bundle: Bundle, tmp_path: Path
) -> None:
    """It says there are four, and enables what this paddle lacks, which no `except` can catch."""
    install("device", probe="return Probe(4)", configure="config.enable_custom_device('thing', index)")
    np.save(tmp_path / "picture.npy", np.zeros((40, 40, 3), np.uint8))
    ended = zoo_process("predict", tmp_path / "picture.npy", "--model", bundle.folder, "--device", "thing:3")
    assert ended.returncode == 1, ended.stderr
    lines = ended.stderr.splitlines()
    assert len(lines) == 2, ended.stderr
    ended_so = "the process that opened the program there ended (SIGABRT: (NotFound) No allocator found for the place"
    assert lines[0].startswith(f"The device thing:3 cannot be used: {ended_so}, Place(thing:3)")
    assert lines[1] == "Run: zoo devices --probe"


@pytest.mark.full
@pytest.mark.parametrize(("name", "end"), [("os._exit(0)", "exit status 0"), ("os.abort()", "SIGABRT")])
def test_a_device_whose_name_ends_the_process_does_not_end_the_caller(
    install: Install, bundle: Bundle, name: str, end: str
) -> None:
    """Status 0 without a word would look like a run without results."""
    install("device", name=name)
    ended = zoo_process("predict", Path(__file__), "--model", bundle.folder, "--device", "thing")
    lines = ended.stderr.splitlines()
    assert (ended.returncode, len(lines)) == (1, 2), ended.stderr
    fact = f"The device thing:0 cannot be used: the process that opened the program there ended ({end})."
    assert lines[0] == fact


@pytest.mark.parametrize(
    ("probe", "reason"),
    [
        ("raise RuntimeError('no driver')", "{owner} failed in its probe with RuntimeError: no driver"),
        ("raise SystemExit('bye')", "{owner} failed in its probe with SystemExit: bye"),
        ("os.abort()", "the probe of {owner}, in a process of its own, ended by SIGABRT"),
        ("os._exit(7)", "the probe of {owner}, in a process of its own, exit status 7: no message"),
        ("return 2", "{owner} answered with an object of type int, not with a zoo.plugin.Probe"),
        ("return Probe(-1)", "{owner} counts -1 devices"),
        ("return Probe(2, names=('one',))", "{owner} counts 2 but names 1: one"),
        ("return Probe(1, names=None)", "{owner} answered with a zoo.plugin.Probe of other things than texts"),
        ("os.kill(os.getpid(), 35)", "the probe of {owner}, in a process of its own, ended by signal 35"),
        ("return Probe(0)", "{owner} gives no reason"),
        ("return Probe(0, 'the cable is out')", "the cable is out"),
        ("print('chatter'); os.write(1, b'more'); return Probe(0, 'off')", "off"),
    ],
)
def test_a_probe_that_fails_is_the_reason_why_there_is_no_device(
    install: Install, bundle: Bundle, probe: str, reason: str
) -> None:
    install("device", probe=probe)
    with pytest.raises(zoo.DeviceUnavailableError) as caught:
        zoo.load(bundle.folder, device="thing")
    expected = reason.format(owner=OWNER.format("thing"))
    assert caught.value.message == f"The device thing:0 cannot be used: {expected}."


def test_a_probe_that_hangs_is_given_up(install: Install, bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command it waits for, as a device may ask its driver's own."""
    install("device", probe="import subprocess; subprocess.run(['sleep', '3600'])")
    monkeypatch.setattr(guard, "PROBE_SECONDS", 0.5)
    with pytest.raises(zoo.DeviceUnavailableError, match=r"in a process of its own, took more than 0\.5 seconds"):
        zoo.load(bundle.folder, device="thing")


@pytest.mark.full
@pytest.mark.parametrize(
    ("configure", "reason"),
    [
        ("raise ValueError('no such card')", "failed in configure with ValueError: no such card"),
        ("raise type('Odd', (BaseException,), {})('odd')", "failed in configure with Odd: odd"),
        # On a paddle without GPU this returns, and the run would go on on the processor.
        ("config.enable_use_gpu(100, 0)", "RuntimeError: the installed paddle is built without GPU"),
        # oneDNN and threads are the processor's: none of them is on when a device is asked for.
        ("raise ValueError(config.mkldnn_enabled(), config.cpu_math_library_num_threads())", "ValueError: (False, 1)"),
    ],
)
def test_a_device_that_cannot_be_configured_is_named_with_its_distribution(
    install: Install, bundle: Bundle, configure: str, reason: str
) -> None:
    install("device", configure=configure)
    with pytest.raises(zoo.DeviceUnavailableError) as caught:
        zoo.load(bundle.folder, device="thing", threads=2)
    assert caught.value.message.startswith(f"The device thing:0 cannot be used: {OWNER.format('thing')} failed")
    assert reason in caught.value.message


@pytest.mark.parametrize(
    ("configure", "reason"),
    [
        ("pass", "its plugin enables no device, so paddle would compute on the processor"),
        pytest.param(
            "config.disable_gpu()",
            "its plugin enables no device, so paddle would compute on the processor",
            marks=pytest.mark.full,
        ),
        pytest.param(
            "config.enable_custom_device('thing', index + 1)",
            "its plugin points paddle at number 2",
            marks=pytest.mark.full,
        ),
        ("config.enable_custom_device('thing')", "its plugin points paddle at number 0"),
    ],
)
def test_a_plugin_that_points_paddle_elsewhere_is_found_out(
    install: Install, bundle: Bundle, tmp_path: Path, configure: str, reason: str
) -> None:
    """The result would name a device that did nothing."""
    install("device", probe="return Probe(3)", configure=configure)
    np.save(tmp_path / "picture.npy", np.zeros((40, 40, 3), np.uint8))
    with pytest.raises(zoo.DeviceUnavailableError) as caught:
        zoo.load(bundle.folder, device="thing:1")
    assert caught.value.message == f"The device thing:1 cannot be used: {reason}."
    ended = zoo_process("predict", tmp_path / "picture.npy", "--model", bundle.folder, "--device", "thing:1")
    assert (ended.returncode, ended.stdout, ended.stderr.splitlines()) == (
        1,
        "",
        [caught.value.message, "Use --device cpu, and report it to the plugin's authors."],
    )


def test_a_variable_is_there_when_paddle_is_imported_and_another_value_of_the_user_is_an_error(
    install: Install, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever this process has imported: paddle reads it in the process of the device."""
    import paddle

    assert paddle.__version__
    install("device", environ="'FLAGS_thing': '1'", configure="raise ValueError(os.environ['FLAGS_thing'])")
    with pytest.raises(zoo.DeviceUnavailableError, match="failed in configure with ValueError: 1"):
        zoo.load(bundle.folder, device="thing")
    assert "FLAGS_thing" not in os.environ
    monkeypatch.setenv("FLAGS_thing", "0")
    with pytest.raises(zoo.DeviceError) as caught:
        zoo.load(bundle.folder, device="thing")
    assert str(caught.value) == (
        "The device thing needs FLAGS_thing=1, but paddle has it as '0'. It reads this variable when it is imported.\n"
        "Run: export FLAGS_thing=1  (before Python is started)"
    )


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (
            {"supports": "raise RuntimeError('no luck')"},
            "The engine odd cannot be used on cpu: {owner} failed in its probe with RuntimeError: no luck.",
        ),
        ({"supports": "raise Odd('odd')"}, "The engine odd cannot be used on cpu: {owner} failed in its probe"),
        ({"supports": "return Probe(1, names=None)"}, "The engine odd cannot be used on cpu: {owner} answered with"),
        ({"supports": "return 'yes'"}, "The engine odd cannot be used on cpu: {owner} answered with an object of type"),
        (
            {"open": "raise KeyError('layer')"},
            "The engine odd cannot open {program} on cpu: {owner} failed in open with KeyError: 'layer'.",
        ),
        ({"open": "raise Odd('odd')"}, "The engine odd cannot open {program} on cpu: {owner} failed in open with Odd"),
        ({"open": "raise zoo.BackendError('no {x}.', 'Buy one', x='key')"}, "The engine odd of {owner}: no key."),
        ({"open": "raise MyBackendError('no {x}.', 'Buy one', x='key')"}, "The engine odd of {owner}: no key."),
        ({"parallel": "1 / 0"}, "The engine odd cannot open {program} on cpu: {owner} failed in open with"),
        ({"open": "s = Opened(request); s.facts = Facts(1, 2, 3, 4, 5); return s"}, "The engine odd opened {program}"),
        ({"open": "return object()"}, "The engine odd opened {program} as an object of type object without `run`"),
        ({"open": "os.abort()"}, "The engine odd of {owner} cannot be used: a trial of {program} with the engine odd"),
        (
            {"run": "raise RuntimeError('out of luck')"},
            "The engine odd failed on a batch of shape (1, 3, 384, 384): {owner} failed in run with RuntimeError: out",
        ),
        ({"run": "raise Odd('odd')"}, "The engine odd failed on a batch of shape (1, 3, 384, 384): {owner} failed in"),
        ({"run": "raise zoo.InferenceError('no luck.', 'Wait')"}, "The engine odd of {owner}: no luck."),
        ({"run": "raise MyInferenceError(7)"}, "The engine odd of {owner}: MyInferenceError."),
        (
            {"run": "raise zoo.DeviceError('no luck.', 'Wait')"},
            "The engine odd failed on a batch of shape (1, 3, 384, 384): {owner} failed in run with DeviceError: no",
        ),
        (
            {"run": "return logits[:, :, 1:]"},
            "The engine odd of {owner} returned float32 of shape (1, 7, 47, 48); float32 logits of shape (1, 7, 48, "
            "48) were expected.",
        ),
        ({"run": "return logits.astype('float64')"}, "The engine odd of {owner} returned float64 of shape"),
        ({"run": "return logits.argmax(1)"}, "The engine odd of {owner} returned int64 of shape (1, 48, 48); float32"),
        ({"run": "return [logits]"}, "The engine odd of {owner} returned an object of type list; a numpy array was"),
        (
            {"run": "return logits[0]"},
            "The engine odd of {owner} returned an array of shape (7, 48, 48) for 1 pictures",
        ),
    ],
    ids=lambda value: next(iter(value.values()))[:24] if isinstance(value, dict) else "",
)
# Every fault in a child takes a minute on two cores: `make test-all`.
@pytest.mark.parametrize("tried", [pytest.param(True, marks=pytest.mark.full), False], ids=["in a child", "here"])
def test_an_engine_that_fails_is_named_with_its_distribution_and_the_cause(
    install: Install, bundle: Bundle, fault: dict[str, str], message: str, tried: bool
) -> None:
    if not tried and "os.abort" in str(fault):
        pytest.skip("which no process survives")
    install("engine", **fault, tried=tried)
    if "logits[:, :, 1:]" in str(fault) or ("run" in fault and not tried):
        # Few enough rows are missing of a small picture to be taken for rounding; what is proven fails in this process.
        believe(bundle)
    with pytest.raises(zoo.BackendError) as caught, zoo.load(bundle.folder, backend="odd", threads=1) as model:
        model.predict(np.zeros((384, 384, 3), np.uint8)).one()
    assert type(caught.value).__module__ == "zoo.errors"
    expected = message.format(owner=OWNER.format("odd"), program=bundle.program)
    assert caught.value.message.removeprefix("array_0001: ").startswith(expected)
    assert "\n" not in caught.value.message


def test_one_picture_that_an_engine_fails_on_is_one_failure(install: Install, bundle: Bundle, home: Path) -> None:
    install(
        "engine", run="if height == 33: raise RuntimeError('33 rows')\n        if height == 34: return logits[:, 0]"
    )
    believe(bundle)
    pictures = [np.zeros((rows, 40, 3), np.uint8) for rows in (32, 33, 34, 35)]
    with zoo.load(bundle.folder, backend="odd", threads=1) as model:
        run = model.predict(pictures, on_error="skip")
        assert [(result.mask.shape, result.mask.max(), result.engine) for result in run] == [
            ((32, 40), 3, "odd 1.0"),
            ((35, 40), 3, "odd 1.0"),
        ]
        assert ["33 rows" in failure.error.message for failure in run.failures] == [True, False]
        with pytest.raises(
            zoo.InferenceError, match=r"zoo-odd 1\.0 failed in run with RuntimeError: 33 rows"
        ) as caught:
            list(model.predict(pictures))
        assert isinstance(caught.value.__cause__.__cause__, RuntimeError)


@pytest.mark.parametrize(
    ("kind", "run", "reason"),
    [
        (
            "logits",
            "logits[:, :0]",
            "float32 of shape (1, 0, 5, 5); float32 logits of shape (1, 7, 5, 5) were expected",
        ),
        (
            "logits",
            "logits[:, :5]",
            "float32 of shape (1, 5, 5, 5); float32 logits of shape (1, 7, 5, 5) were expected",
        ),
        ("logits", "np.concatenate([logits] * 2, 1)", "float32 of shape (1, 14, 5, 5); float32 logits of shape (1, 7"),
        ("logits", "logits * np.float32('nan')", "175 of 175 values that are NaN or infinite; finite numbers were exp"),
        (
            "labels",
            "labels[:, :0, :0]",
            "int64 of shape (1, 0, 0); labels, whole numbers of shape (1, 33, 40), were ex",
        ),
        (
            "labels",
            "np.pad(labels, [(0, 0), (0, 7), (0, 0)])",
            "int64 of shape (1, 40, 40); labels, whole numbers of sh",
        ),
        ("labels", "labels[:, 0, 0]", "int64 of shape (1,); labels, whole numbers of shape (1, 33, 40), were expected"),
        (
            "labels",
            "labels / 1",
            "float64 of shape (1, 33, 40); labels, whole numbers of shape (1, 33, 40), were expected",
        ),
        ("labels", "labels + 4", "labels from 7 to 7; 0 to 6 were expected, as there are 7 classes"),
        ("labels", "labels - 4", "labels from -1 to -1; 0 to 6 were expected, as there are 7 classes"),
        (
            "scores",
            "logits[:, :5]",
            "float32 of shape (1, 5, 5, 5); scores of shape (1, 7, 33, 40), or smaller, were exp",
        ),
        (
            "scores",
            "logits[:, :, :0]",
            "float32 of shape (1, 7, 0, 5); scores of shape (1, 7, 33, 40), or smaller, were",
        ),
    ],
)
def test_an_output_of_another_form_costs_the_picture_and_names_the_distribution(
    install: Install, bundle: Bundle, kind: Literal["logits", "labels", "scores"], run: str, reason: str
) -> None:
    """Also where it comes with the second picture, in the middle of a mean over views."""
    usual = "labels" if kind == "labels" else "logits"
    install(
        "engine",
        run=f"labels = np.full((count, height, width), 3); return {run} if height == 33 else {usual}",
        tried=False,
    )
    output_stride = 8 if kind == "logits" else 1
    odd = replace(bundle, output=kind, output_stride=output_stride)
    pictures = [np.zeros((rows, 40, 3), np.uint8) for rows in (32, 33, 35)]
    program = odd.verify()
    with Model(odd, open_engine(program, candidates(program, engine="odd")[0], threads=1)) as model:
        for flip in {False, kind == "logits"}:
            found = model.predict(pictures, on_error="skip", flip=flip)
            assert [(result.mask.shape, set(result.mask.flat)) for result in found] == [
                ((32, 40), {3}),
                ((35, 40), {3}),
            ]
            [failure] = found.failures
            assert isinstance(failure.error, zoo.InferenceError)
            assert failure.error.message.startswith(
                f"array_0002: The engine odd of {OWNER.format('odd')} returned {reason}"
            )


def test_an_interruption_is_the_callers_and_not_a_fault_of_the_engine(install: Install, bundle: Bundle) -> None:
    install("engine", run="raise KeyboardInterrupt", tried=False)
    believe(bundle)
    with zoo.load(bundle.folder, backend="odd", threads=1) as model, pytest.raises(KeyboardInterrupt):
        model.predict(np.zeros((32, 32, 3), np.uint8), on_error="skip").one()


def test_one_interruption_ends_a_program_whose_engine_hangs(install: Install, bundle: Bundle, tmp_path: Path) -> None:
    install("engine", run="print('hangs', flush=True); __import__('time').sleep(600)", tried=False)
    believe(bundle)
    (tmp_path / "picture.png").write_bytes(png())
    words = "-m", "zoo", "predict", str(tmp_path / "picture.png"), "--model", str(bundle.folder), "--backend", "odd"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen(
        [sys.executable, *words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "hangs\n"
        program.send_signal(signal.SIGINT)
        try:
            _, said = program.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            program.kill()
            raise
    assert program.returncode == 130
    assert "Traceback" not in said


def test_what_worked_in_a_child_is_not_tried_again_until_a_version_changes(
    install: Install, bundle: Bundle, home: Path, tmp_path: Path
) -> None:
    note = tmp_path / "opened"
    install("engine", open=f"with open({str(note)!r}, 'a') as note: note.write(f'{{os.getpid()}} ')")
    believe(bundle)
    for _ in range(2):
        zoo.load(bundle.folder, backend="odd", threads=1).close()
    first, *others = note.read_text().split()
    assert len(others) == 2
    assert first not in others
    assert len(set(others)) == 1
    module = tmp_path / "site" / "zoo_odd.py"
    module.write_text(module.read_text().replace("odd 1.0", "odd 1.10"))
    believe(bundle)
    zoo.load(bundle.folder, backend="odd", threads=1).close()
    assert len(note.read_text().split()) == 5


def test_auto_takes_the_next_engine_where_paddle_is_missing(
    install: Install, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "paddle" else find(name, *more)
    )
    install("engine")
    believe(bundle)
    with zoo.load(bundle.folder, threads=1) as model:
        assert model.engine == "odd 1.0"


def test_where_no_engine_runs_a_program_each_says_why(
    install: Install, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "paddle" else find(name, *more)
    )
    install("engine", supports="return Probe(0, 'not today')")
    with pytest.raises(zoo.BackendNotInstalledError) as caught:
        zoo.load(bundle.folder)
    assert str(caught.value) == (
        "No engine can run inference.json on cpu. paddle: paddlepaddle is not installed; odd: not today.\n"
        'Run: pip install "paddlepaddle>=3.2.2,<3.3" setuptools  (or unset ZOO_DISABLE_PLUGINS)'
    )


def test_an_engine_that_cannot_be_loaded_is_not_hidden_behind_not_installed(
    install: Install, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "paddle" else find(name, *more)
    )
    install_into(tmp_path / "site", "zoo-odd", "import a_library", group="zoo.backends")
    refresh()
    with pytest.raises(zoo.BackendError) as caught:
        zoo.load(bundle.folder, backend="odd")
    assert str(caught.value) == (
        f"There is no engine called 'odd'. Installed: none. The {OWNER.format('odd')} could not be loaded: "
        "ModuleNotFoundError: No module named 'a_library'.\nRun: zoo plugins"
    )
    with pytest.raises(zoo.BackendNotInstalledError) as caught:
        zoo.load(bundle.folder)
    assert caught.value.message == (
        "No engine can run inference.json on cpu. paddle: paddlepaddle is not installed; "
        f"{OWNER.format('odd')}: it could not be loaded."
    )


def test_without_paddle_a_device_says_which_build_of_it_to_install(
    install: Install, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "paddle" else find(name, *more)
    )
    install("device", environ="}; install = 'pip install paddlepaddle-thing'; unused = {")
    with pytest.raises(zoo.BackendNotInstalledError) as caught:
        zoo.load(bundle.folder, device="thing")
    assert caught.value.hint == "Run: pip install paddlepaddle-thing"
