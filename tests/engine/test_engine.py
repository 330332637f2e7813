"""The paddle engine: a setting that is proven to work, one caller at a time, typed errors."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from zoo.bundle.bundle import Bundle
from zoo.cli.app import cli
from zoo.engine.open import session_opener
from zoo.engine.paddle import probe
from zoo.engine.paddle.probe import working_settings
from zoo.engine.paddle.session import PaddleSession
from zoo.engine.paddle.settings import SETTINGS, make_config
from zoo.engine.trial import TRY_AGAIN, Trial
from zoo.errors import BackendError, InferenceError
from zoo.plugin import Program, Session


def open_session(bundle: Bundle, threads: int = 1) -> Session:
    return session_opener(bundle.verify(), "cpu", "paddle")(threads)


def page(folder: Path, trusted: bool) -> Program:
    """A web page that is named like a program."""
    program, params = folder / "inference.pdmodel", folder / "inference.pdiparams"
    program.write_bytes(b"<html>404</html>" * 50)
    params.write_bytes(b"\0" * 64)
    return Program(program, params, folder, "ab" * 32, trusted, "labels", 1, None)


@pytest.fixture(scope="module")
def batch() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((2, 3, 72, 104)).astype(np.float32)


def test_logits_come_at_the_output_stride(bundle: Bundle, batch: np.ndarray) -> None:
    session = open_session(bundle)
    assert session.run(batch).shape == (2, 7, 9, 13)
    assert str(session.facts).startswith("paddle 3.")
    assert str(session.facts).endswith("1 thread")


def test_a_label_program_gives_the_argmax_of_the_logits_program(
    bundle: Bundle, paddlex_bundle: Bundle, batch: np.ndarray
) -> None:
    from zoo.segment.upsample import upsample_argmax

    labels = open_session(paddlex_bundle).run(batch)
    logits = open_session(bundle).run(batch)
    assert labels.shape == (2, 72, 104)
    assert labels.dtype == np.int32
    ours = np.stack([upsample_argmax(item, (72, 104)) for item in logits])
    assert (labels == ours).mean() > 0.9999
    assert len(np.unique(ours)) > 2, "the test would prove nothing on an empty picture"


@pytest.mark.full
@pytest.mark.parametrize("setting", SETTINGS)
def test_settings_that_work_give_equal_results(bundle: Bundle, batch: np.ndarray, setting: str) -> None:
    """Whatever the probe would choose on this machine, what it accepts agrees with the plain engine."""
    outcome = probe._try(bundle.verify(), setting)
    assert outcome.lasting
    if outcome.reason is not None:
        assert setting != "plain"
        assert "exit status" in outcome.reason
        return

    def create(name: str, threads: int):
        from paddle.inference import create_predictor

        return create_predictor(make_config(bundle.program, bundle.params, name, threads))

    tried, plain = (PaddleSession(create, (name,), "x", 1).run(batch) for name in (setting, "plain"))
    np.testing.assert_allclose(tried, plain, atol=1e-4)


def test_the_setting_is_tried_once_and_then_remembered(bundle: Bundle, tmp_path: Path, monkeypatch) -> None:
    """Whether the folder gives the digests of the program or they are taken from the files."""
    monkeypatch.setenv("ZOO_HOME", str(tmp_path))
    first = working_settings(bundle.verify(), "9.9.9")
    assert first[-1] == "plain"
    [record] = (tmp_path / "engines").iterdir()
    kept = json.loads(record.read_text())
    assert (kept["program"], kept["setting"]) == (bundle.verify().digest, first[0])
    record.write_text(json.dumps({**kept, "setting": "plain"}))
    assert working_settings(bundle.verify(), "9.9.9") == ("plain",)
    assert working_settings(replace(bundle.verify(), trusted=False), "9.9.9") == ("plain",)
    record.write_text("no json")
    assert working_settings(bundle.verify(), "9.9.9") == first
    assert list((tmp_path / "engines").iterdir()) == [record]


def test_a_setting_that_kills_the_process_is_left_out(tmp_path: Path, monkeypatch) -> None:
    """The engine dies on such a program; the probe must see that from outside and live."""
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    assert working_settings(page(tmp_path, trusted=True), "1.0") == ("plain",)
    assert not (tmp_path / "home").exists(), "what failed in every setting is no setting that works"


#: What a shell does in place of the first trial: as the kernel when memory is short, as oneDNN when it gets none (seen
#: with 900 MB of addresses), as Python when an import is broken.
TROUBLES = {"kill": "kill -9 $$", "memory": "echo std::exception >&2; exit 3", "import": "exit 1"}


@pytest.mark.full
@pytest.mark.parametrize("trouble", ["time", "start", *TROUBLES])
def test_a_trial_that_says_nothing_of_the_program_is_not_kept(
    bundle: Bundle, tmp_path: Path, monkeypatch, trouble: str
) -> None:
    """The machine was busy, or something outside ended the child: the next load tries again."""
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    with monkeypatch.context() as patch:
        if trouble == "time":
            patch.setattr(probe, "_SECONDS", 0.01)
        else:
            python = tmp_path / "python"
            if trouble in TROUBLES:
                first = f'case "$4" in *"\\"oneDNN\\"]") {TROUBLES[trouble]};; esac'
                python.write_text(f'#!/bin/sh\n{first}\nexec {sys.executable} "$@"\n')
                python.chmod(0o755)
            patch.setattr(sys, "executable", str(python))
        found = working_settings(bundle.verify(), "9.9.9")
        assert found[0] in (SETTINGS[1:] if trouble in TROUBLES else ("plain",))
    assert not (tmp_path / "home").exists()


@pytest.mark.full
def test_running_plainly_is_said_and_can_be_tried_again(bundle: Bundle, tmp_path: Path, monkeypatch, caplog) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path))
    program = bundle.verify()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", str(tmp_path / "no python"))
        assert working_settings(program, "1.1") == ("plain",)
    [said] = caplog.messages
    assert said.startswith(f"{program.path} runs plainly this time, which is slower: its trial with paddle 1.1 failed")
    # Also where only the faster settings got no memory.
    caplog.clear()
    python = tmp_path / "python"
    shortage = 'case "$4" in *"\\"plain\\"]") ;; *) echo std::exception >&2; exit 3;; esac'
    python.write_text(f'#!/bin/sh\n{shortage}\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", str(python))
        assert working_settings(program, "1.1") == ("plain",)
    [said] = caplog.messages
    assert said.endswith("its trial with paddle 1.1 failed (exit status 3: std::exception)")
    assert not list(tmp_path.glob("engines/*"))
    Trial(program.digest, "paddle", "cpu", "float32", ("paddle 1.1",)).keep("plain", SETTINGS[0])
    caplog.clear()
    assert working_settings(program, "1.1") == working_settings(program, "1.1") == ("plain",)
    [said] = caplog.messages
    assert said.endswith(
        "an earlier trial with paddle 1.1 failed otherwise. To have it tried again, run: zoo cache rm --trials"
    )
    ended = CliRunner().invoke(cli, ["cache", "rm", "--trials"])
    assert (ended.exit_code, ended.stdout) == (0, "trials forgotten: 1\n")
    assert working_settings(program, "1.1")[0] == SETTINGS[0]


def test_want_of_memory_is_met_with_a_hint_about_memory(bundle: Bundle, tmp_path: Path) -> None:
    """Of addresses: the libraries of paddle cannot be loaded. With 900 MB they can, and then paddle 3.2.2 hangs in one
    of five runs when it opens a program: a trial ends that after its time, which is too long for a test.
    """
    load = (
        f"import zoo\ntry: zoo.load({str(bundle.folder)!r}, threads=1)\nexcept zoo.ZooError as error: print(error.hint)"
    )
    ended = subprocess.run(
        ["sh", "-c", 'ulimit -v 600000 && exec "$0" -c "$1"', sys.executable, load],
        capture_output=True,
        text=True,
        timeout=200,
        env={**os.environ, "ZOO_HOME": str(tmp_path), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        check=False,
    )
    assert ended.stdout.strip() == str(TRY_AGAIN), ended.stderr


def test_a_read_only_cache_does_not_matter(bundle: Bundle, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "home").write_text("a file where the folder should be")
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    assert working_settings(bundle.verify(), "2.0")[-1] == "plain"


def test_a_failing_setting_is_left_for_the_next_one_and_said(bundle: Bundle, batch: np.ndarray, caplog) -> None:
    class Broken:
        def get_input_handle(self, name):
            raise RuntimeError("oneDNN does not like this shape")

        def get_input_names(self):
            return ["x"]

    def create(setting: str, threads: int):
        from paddle.inference import create_predictor

        return (
            Broken()
            if setting == "oneDNN"
            else create_predictor(make_config(bundle.program, bundle.params, setting, 1))
        )

    session = PaddleSession(create, ("oneDNN", "plain"), "3.x", 1)
    np.testing.assert_allclose(session.run(batch), open_session(bundle).run(batch), atol=1e-4)
    assert "going on with plain" in caplog.text
    assert str(session.facts) == "paddle 3.x, plain, 1 thread"
    only = PaddleSession(lambda *_: Broken(), ("plain",), "3.x", 1)
    with pytest.raises(InferenceError, match="oneDNN does not like this shape"):
        only.run(batch)


def test_threads_share_a_session_without_mixing_results(bundle: Bundle) -> None:
    session = open_session(bundle)
    rng = np.random.default_rng(1)
    batches = [rng.standard_normal((1, 3, 32 + 8 * i, 64)).astype(np.float32) for i in range(4)]
    expected = [session.run(item) for item in batches]
    wrong: list[int] = []

    def work(index: int) -> None:
        wrong.extend(index for _ in range(10) if not np.array_equal(session.run(batches[index]), expected[index]))

    workers = [threading.Thread(target=work, args=(index,)) for index in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=120)
    assert wrong == []


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((0, 3, 32, 32), np.float32),
        np.zeros((1, 3, 0, 32), np.float32),
        np.zeros((3, 32, 32), np.float32),
        np.zeros((1, 3, 32, 32), np.float64),
        np.zeros((1, 4, 32, 32), np.float32),
    ],
    ids=["no picture", "no rows", "no batch", "float64", "four channels"],
)
def test_a_batch_of_another_form_is_refused(bundle: Bundle, wrong: np.ndarray) -> None:
    session = open_session(bundle)
    with pytest.raises(InferenceError, match=r"shape \("):
        session.run(wrong)


def test_a_closed_session_says_so(bundle: Bundle, batch: np.ndarray) -> None:
    session = open_session(bundle)
    session.close()
    session.close()
    with pytest.raises(InferenceError, match="closed"):
        session.run(batch)


def test_an_unknown_engine_is_named_with_the_installed_ones(bundle: Bundle) -> None:
    with pytest.raises(BackendError, match=r"no engine called 'tensorrt'\. Installed: paddle"):
        session_opener(bundle.verify(), "cpu", "tensorrt")


def test_without_paddle_the_error_gives_the_command(bundle: Bundle) -> None:
    code = (
        "import sys; sys.modules['paddle'] = None\n"
        "import importlib.util; find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *a: None if name == 'paddle' else find(name, *a)\n"
        "import zoo\n"
        f"try: zoo.load({str(bundle.folder)!r})\n"
        "except zoo.BackendNotInstalledError as error: print(error)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=_environment())
    assert ended.stdout.splitlines() == [
        "The engine paddle cannot be used on cpu: paddlepaddle is not installed.",
        'Run: pip install "paddlepaddle>=3.2.2,<3.3" setuptools  (or unset ZOO_DISABLE_PLUGINS)',
    ]


def test_a_model_prints_nothing_on_stdout(bundle: Bundle) -> None:
    code = (
        f"import zoo, numpy; model = zoo.load({str(bundle.folder)!r}, threads=1); "
        "model.predict(numpy.zeros((48, 40, 3), numpy.uint8)).one()"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=_environment())
    assert ended.stdout == ""


_TWO_AND_A_TALKER = r"""
import os, sys, threading, time
import numpy as np
import zoo

lines, ended = 0, threading.Event()

def talk():
    global lines
    while not ended.is_set():
        print("line", lines, flush=True)
        # As C code of others and the processes they start do.
        os.write(1, f"line {lines + 1}\n".encode())
        lines += 2
        time.sleep(0.0005)

def work():
    with zoo.load(sys.argv[1], threads=2) as model:
        for _ in model.predict([np.zeros((40, 40, 3), np.uint8)] * 20):
            pass

talker = threading.Thread(target=talk)
workers = [threading.Thread(target=work) for _ in range(2)]
talker.start()
for worker in workers:
    worker.start()
for worker in workers:
    worker.join()
ended.set()
talker.join()
print("end", lines)
"""


def test_what_others_print_while_models_are_opened_reaches_stdout(bundle: Bundle) -> None:
    # Python 3 buffers what goes into a pipe. Without a buffer a print that is half done when the descriptor is turned
    # aside goes with it.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _TWO_AND_A_TALKER, str(bundle.folder)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert lines == [*(f"line {number}" for number in range(len(lines) - 1)), f"end {len(lines) - 1}"]


_CPP = """
import ctypes
import paddle
from zoo.engine.paddle.cout import COUT

library = ctypes.CDLL("libstdc++.so.6")
cout = ctypes.c_void_p(ctypes.addressof(ctypes.c_char.in_dll(library, "_ZSt4cout")))
put = library["_ZStlsISt11char_traitsIcEERSt13basic_ostreamIcT_ES5_PKc"]
put(cout, b"before ")
with COUT.quiet():
    put(cout, b"lost ")
    with COUT.quiet():
        put(cout, b"lost ")
    put(cout, b"lost ")
put(cout, b"after")
"""


def test_what_cpp_code_prints_is_dropped_only_while_it_is_to_be() -> None:
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _CPP], capture_output=True, text=True, timeout=120, check=True
    )
    assert ended.stdout == "before after"


@pytest.mark.full
def test_a_page_named_like_a_program_kills_the_child_and_not_this_process(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("ZOO_HOME", str(tmp_path / "home"))
    with pytest.raises(BackendError, match=r"inference\.pdmodel.*Nothing was opened in this process"):
        session_opener(page(tmp_path, trusted=False))(1)
    assert not (tmp_path / "home").exists(), "a failure is not kept: the next version of the file may be whole"


def test_a_page_named_like_a_program_is_refused_before_paddle_is_imported(tmp_path: Path) -> None:
    (tmp_path / "deploy.yaml").write_text("Deploy: {transforms: [{type: Normalize}], output_op: argmax}\n")
    (tmp_path / "model.pdmodel").write_bytes(b"<html>404</html>" * 50)
    (tmp_path / "model.pdiparams").write_bytes(b"\0" * 64)
    code = (
        "import sys, zoo\n"
        f"try: zoo.load({str(tmp_path)!r})\n"
        "except zoo.BundleError as error: print(error.message, 'paddle' in sys.modules)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=_environment())
    assert "model.pdmodel is not a ProgramDesc protocol buffer" in ended.stdout
    assert ended.stdout.endswith("False\n")


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
