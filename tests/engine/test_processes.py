"""Sessions in processes of their own: the same outputs; an end is an error of one batch; nothing stays behind."""

from __future__ import annotations

import gc
import os
import pickle
import select
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest
from sessions import abort, mortal

import zoo
from zoo.bundle.bundle import Bundle
from zoo.engine.open import candidates, open_engine, session_opener
from zoo.engine.paddle import PaddleBackend
from zoo.engine.streams.lanes import Lanes
from zoo.engine.streams.processes import ProcessSession
from zoo.errors import BackendError, InferenceError
from zoo.plugin import Session
from zoo.predict.model import Model

DEADLY = np.zeros((1, 3, 33, 40), np.float32)


@pytest.fixture(scope="module")
def session(bundle: Bundle) -> Iterator[ProcessSession]:
    opened = ProcessSession(partial(mortal, bundle.verify()), 1)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def alone(bundle: Bundle) -> Session:
    """The same session in this process."""
    return session_opener(bundle.verify())(1)


def batch(height: int, width: int, count: int = 1) -> np.ndarray:
    return np.random.default_rng(height).standard_normal((count, 3, height, width)).astype(np.float32)


def pid(session: ProcessSession) -> int:
    return session._worker._process.pid


def ends(process: int) -> bool:
    """Waits for the end of a process that need not be a child of this one."""
    try:
        descriptor = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 60)[0])
    finally:
        os.close(descriptor)


def shared_memory() -> list[str]:
    """What of this process's memory is shared with workers."""
    with open("/proc/self/maps", encoding="ascii") as maps:
        return [line for line in maps if "memfd:zoo" in line]


def test_outputs_are_those_of_a_session_in_this_process(session: ProcessSession, alone: Session) -> None:
    assert session.facts == alone.facts
    # The memory grows, is used again, and serves smaller ones.
    for values in (batch(40, 56), batch(72, 104, 2), batch(64, 64), batch(200, 320), batch(40, 56)):
        output, expected = session.run(values), alone.run(values)
        assert (output.dtype, output.shape) == (expected.dtype, expected.shape)
        assert np.array_equal(output, expected)
    first = session.run(batch(64, 64))
    kept = first.copy()
    session.run(batch(72, 64))
    assert np.array_equal(first, kept), "an output is the caller's own"


def test_an_error_of_the_engine_comes_over_and_leaves_the_process(session: ProcessSession, alone: Session) -> None:
    before = pid(session)
    for wrong in (np.zeros((0, 3, 32, 32), np.float32), np.zeros((1, 3, 32, 32), np.float64)):
        with pytest.raises(InferenceError) as raised:
            session.run(wrong)
        with pytest.raises(InferenceError) as expected:
            alone.run(wrong)
        assert str(raised.value) == str(expected.value)
    assert pid(session) == before


def test_a_process_that_ends_costs_one_batch_and_is_replaced(session: ProcessSession, alone: Session) -> None:
    before = pid(session)
    with pytest.raises(InferenceError, match=r"ended \(SIGKILL\) on a batch of shape \(1, 3, 33, 40\)"):
        session.run(DEADLY)
    assert np.array_equal(session.run(batch(40, 56)), alone.run(batch(40, 56)))
    assert pid(session) != before
    # Between two batches, by a signal that has no name.
    os.kill(pid(session), signal.SIGRTMIN + 1)
    with pytest.raises(InferenceError, match=r"ended \(signal 35\) on a batch"):
        session.run(batch(40, 56))
    assert np.array_equal(session.run(batch(40, 56)), alone.run(batch(40, 56)))


def test_a_process_that_ends_again_and_again_is_given_up(bundle: Bundle) -> None:
    session = ProcessSession(partial(mortal, bundle.verify()), 1)
    for _ in range(3):
        with pytest.raises(InferenceError, match="SIGKILL"):
            session.run(DEADLY)
    with pytest.raises(InferenceError, match="ended 3 times in a row"):
        session.run(batch(40, 56))
    session.close()


def test_a_process_that_ends_when_it_opens_the_program_is_an_error() -> None:
    with pytest.raises(BackendError, match=r"ended \(SIGABRT\) when it opened"):
        ProcessSession(abort, 1)


def test_an_error_of_opening_comes_over(bundle: Bundle) -> None:
    with pytest.raises(BackendError, match="no engine called 'tensorrt'"):
        ProcessSession(partial(_with_engine, bundle, "tensorrt"), 1)


def _with_engine(bundle: Bundle, engine: str, threads: int) -> Session:
    return session_opener(bundle.verify(), "cpu", engine)(threads)


def test_closing_leaves_no_process_and_no_memory(bundle: Bundle) -> None:
    gc.collect()
    before, named = shared_memory(), os.listdir("/dev/shm")
    session = ProcessSession(partial(mortal, bundle.verify()), 1)
    session.run(batch(64, 64))
    assert len(shared_memory()) == len(before) + 2
    assert os.listdir("/dev/shm") == named
    process = pid(session)
    session.close()
    session.close()
    assert ends(process)
    assert shared_memory() == before
    with pytest.raises(InferenceError, match="closed"):
        session.run(batch(64, 64))


def test_a_session_nobody_refers_to_ends_its_process(bundle: Bundle) -> None:
    session = ProcessSession(partial(mortal, bundle.verify()), 1)
    process = pid(session)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        del session
        gc.collect()
    assert ends(process)


_PARENT = """
import pickle, sys, threading
import numpy as np
from zoo.engine.streams.processes import ProcessSession

opener = pickle.loads(bytes.fromhex(sys.argv[1]))
sessions = [ProcessSession(opener, 1) for _ in range(2)]
sessions[0].run(np.zeros((1, 3, 64, 64), np.float32))
threading.Thread(target=sessions[1].run, args=(np.zeros((1, 3, 34, 64), np.float32),), daemon=True).start()
print(*(session._worker._process.pid for session in sessions), flush=True)
sys.stdin.read()
"""


def test_when_the_parent_is_killed_its_processes_end(bundle: Bundle) -> None:
    """One that waits for a batch, and one whose engine hangs."""
    opener = pickle.dumps(partial(mortal, bundle.verify())).hex()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", _PARENT, opener],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        workers = [int(word) for word in parent.stdout.readline().split()]
        assert len(workers) == 2
        parent.kill()
        parent.wait(60)
        assert all(map(ends, workers))


def test_a_child_that_is_forked_off_has_processes_of_its_own(session: ProcessSession, alone: Session) -> None:
    values = batch(40, 56)
    expected, before = session.run(values), pid(session)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads at a fork
        child = os.fork()
    if not child:
        signal.alarm(60)
        fine = np.array_equal(session.run(values), expected) and pid(session) != before
        session.close()
        os._exit(0 if fine else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert np.array_equal(session.run(values), expected)
    assert pid(session) == before


def test_pictures_run_in_processes_and_one_that_ends_its_process_is_a_failure(bundle: Bundle) -> None:
    opener = partial(mortal, bundle.verify())
    engine = Lanes(ProcessSession(opener, 2), partial(ProcessSession, opener), 2, fall_back=False)
    pictures = [np.full((33 if number == 10 else 40, 56, 3), number, np.uint8) for number in range(20)]
    with zoo.load(bundle.folder, threads=1) as model:
        expected = [result.mask for result in model.predict(pictures)]
    with Model(bundle, engine) as model:
        deadline = time.monotonic() + 120
        while engine.width == 1:
            list(model.predict(pictures[:9]))
            assert time.monotonic() < deadline
        run = model.predict(pictures, on_error="skip")
        masks = [result.mask for result in run]
        assert all(map(np.array_equal, masks, expected[:10] + expected[11:]))
        assert len(masks) == len(expected) - 1
        [failure] = run.failures
        assert "SIGKILL" in failure.error.message
        assert engine.width == 2


@pytest.mark.full
def test_streams_of_an_engine_that_holds_the_interpreter_are_processes_where_they_are_asked_for(
    bundle: Bundle, alone: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = PaddleBackend.open

    def takes_turns(*arguments: object) -> Session:
        session = opened(*arguments)
        session.parallel = False
        return session

    monkeypatch.setattr(PaddleBackend, "open", takes_turns)
    values, program = batch(64, 64), bundle.verify()
    for streams, width in ((2, 2), (None, 1)):
        engine = open_engine(program, candidates(program)[0], threads=2, streams=streams)
        deadline = time.monotonic() + 120
        answers = [engine.submit(values).result()]
        while engine.width < width:
            answers += [answer.result() for answer in [engine.submit(values) for _ in range(4)]]
            assert time.monotonic() < deadline
        answers += [answer.result() for answer in [engine.submit(values) for _ in range(20)]]
        assert all(np.array_equal(answer.output, answers[0].output) for answer in answers)
        assert answers[0].facts.setting.endswith("2 threads")
        assert answers[-1].facts.setting.endswith("1 thread" if streams else "2 threads")
        assert engine.width == width
        engine.close()
