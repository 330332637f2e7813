"""Lanes: batches of whoever calls run at the same time, with the masks and the order of one after the other."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import zoo
from scenes import draw_scene
from support import run_python, zoo_process
from zoo.base.pending import Pending
from zoo.bundle.bundle import Bundle
from zoo.engine.engine import Answer
from zoo.engine.open import session_opener
from zoo.engine.paddle.onednn import ONEDNN
from zoo.engine.streams.lanes import Lanes
from zoo.errors import BackendError, ConfigError, InferenceError
from zoo.plugin import Session
from zoo.predict.model import Model

COUNT = 20


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    sizes = [(48, 64), (33, 47), (64, 48)]
    return [draw_scene(seed, *sizes[seed % 3]).image for seed in range(COUNT)]


@pytest.fixture(scope="module")
def expected(bundle: Bundle, pictures: list[np.ndarray]) -> list[np.ndarray]:
    with zoo.load(bundle.folder, threads=1) as model:
        return [result.mask for result in model.predict(pictures)]


@pytest.fixture(scope="module")
def model(bundle: Bundle, pictures: list[np.ndarray]) -> Iterator[Model]:
    """A model whose two lanes are open."""
    with zoo.load(bundle.folder, threads=2) as opened:
        open_lanes(opened, pictures)
        yield opened


def open_lanes(model: Model, pictures: list[np.ndarray]) -> None:
    list(model.predict(pictures))
    until(lambda: model._engine.width > 1)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def same(masks: list[np.ndarray], expected: list[np.ndarray]) -> bool:
    return len(masks) == len(expected) and all(map(np.array_equal, masks, expected))


@pytest.mark.parametrize("batch_size", [1, 2, 3])
def test_masks_and_order_are_those_of_one_after_the_other(
    model: Model, pictures: list[np.ndarray], expected: list[np.ndarray], batch_size: int
) -> None:
    results = list(model.predict(pictures, batch_size))
    assert same([result.mask for result in results], expected)
    # A result says how many threads it really had: nobody else ran when the first one came.
    assert results[0].engine == model.engine
    assert model.engine.endswith("2 threads")
    assert {result.engine for result in results} == {model.engine, model.engine.replace("2 threads", "1 thread")}


def test_one_caller_with_one_picture_after_the_other_has_all_threads(model: Model, pictures: list[np.ndarray]) -> None:
    assert {model.predict(picture).one().engine for picture in pictures} == {model.engine}


@pytest.mark.full
def test_few_pictures_a_size_that_is_measured_and_large_inputs_stay_at_one_session(
    bundle: Bundle, pictures: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    with zoo.load(bundle.folder, threads=2) as model:
        for _ in range(3):
            assert {result.engine for result in model.predict(pictures, "auto")} == {model.engine}
        assert {result.engine for result in model.predict(pictures[:8])} == {model.engine}
        assert model._engine.width == 1
        open_lanes(model, pictures)
        monkeypatch.setattr("zoo.engine.streams.worker._LARGEST", 48 * 64 - 1)
        engines = [result.engine for result in model.predict(pictures)]
        # Those of 33x47 are small enough.
        assert {engine for engine, picture in zip(engines, pictures, strict=True) if picture.shape[0] != 33} == {
            model.engine
        }


def test_one_stream_is_one_session(bundle: Bundle, pictures: list[np.ndarray]) -> None:
    with zoo.load(bundle.folder, threads=2, streams=1) as model:
        assert {result.engine for result in model.predict(pictures)} == {model.engine}
        assert model._engine.width == 1


def test_more_streams_than_threads_are_refused_before_anything_is_opened(bundle: Bundle) -> None:
    with pytest.raises(ConfigError, match="streams is 3"):
        zoo.load(bundle.folder, threads=2, streams=3)


def test_threads_with_single_pictures_share_the_lanes_of_a_model(
    bundle: Bundle, pictures: list[np.ndarray], expected: list[np.ndarray]
) -> None:
    ran: dict[int, int] = {}

    class Counted(Wrapped):
        def run(self, batch: np.ndarray) -> np.ndarray:
            ran[id(self)] = ran.get(id(self), 0) + 1
            return super().run(batch)

    lanes = wrapped(bundle, Counted, Counted)
    model = Model(bundle, lanes)
    found: dict[int, list[np.ndarray]] = {}

    def work(number: int) -> None:
        found[number] = [model.predict(picture).one().mask for picture in pictures]

    def four_threads() -> bool:
        in_threads(work, 4)
        assert all(same(found[number], expected) for number in range(4))
        return len(ran) == 3

    with model:
        until(four_threads)
        # The main session opened them while it went on; from then on they do nearly everything.
        assert lanes.width == 2
        ran.clear()
        four_threads()
        assert sorted(ran.values())[-2:] > [COUNT, COUNT]


def test_runs_that_share_a_model_share_its_lanes(
    model: Model, pictures: list[np.ndarray], expected: list[np.ndarray]
) -> None:
    found: dict[int, list[np.ndarray]] = {}
    in_threads(lambda number: found.update({number: [r.mask for r in model.predict(pictures)]}), 3)
    assert all(same(found[number], expected) for number in range(3))


def in_threads(work: Callable[[int], object], count: int) -> None:
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
        assert not thread.is_alive()


def test_a_run_that_is_left_early_leaves_the_lanes_to_the_next(
    model: Model, pictures: list[np.ndarray], expected: list[np.ndarray]
) -> None:
    for _ in range(4):
        run = model.predict(pictures)
        for _ in range(COUNT - 5):
            next(run)
        run.close()
    assert same([result.mask for result in model.predict(pictures)], expected)


class Wrapped:
    """A real session that is watched, or made to fail."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def __getattr__(self, name: str) -> Any:
        return getattr(self.session, name)

    def run(self, batch: np.ndarray) -> np.ndarray:
        return self.session.run(batch)


def wrapped(bundle: Bundle, main: Callable[[Session], Session], lane: Callable[[Session], Session]) -> Lanes:
    opener = session_opener(bundle.verify())
    return Lanes(main(opener(2)), lambda threads: lane(opener(threads)), 2)


class Breaking(Wrapped):
    """A session that gives out after three batches."""

    left = 3

    def run(self, batch: np.ndarray) -> np.ndarray:
        self.left -= 1
        if self.left < 0:
            raise InferenceError("The engine is out of memory.", "Use a smaller picture.")
        return super().run(batch)


def refuse(session: Session) -> Session:
    session.close()
    raise BackendError("The engine cannot be opened twice.", "Use one stream.")


@pytest.mark.parametrize("fault", [refuse, Breaking])
def test_a_lane_that_fails_costs_no_picture(
    bundle: Bundle,
    pictures: list[np.ndarray],
    expected: list[np.ndarray],
    fault: Callable[[Session], Session],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Model(bundle, wrapped(bundle, Wrapped, fault)) as model:
        until(lambda: same([r.mask for r in model.predict(pictures)], expected) and len(caplog.records) > 0)
        results = list(model.predict(pictures))
        assert same([result.mask for result in results], expected)
        assert {result.engine for result in results} == {model.engine}
        assert model._engine.width == 1
    assert [record.getMessage() for record in caplog.records] == [
        "a stream failed; the model goes on without streams: "
        + ("The engine cannot be opened twice." if fault is refuse else "The engine is out of memory.")
    ]


@pytest.mark.full
def test_a_picture_that_fails_everywhere_is_a_failure_and_leaves_the_lanes(
    bundle: Bundle, pictures: list[np.ndarray], expected: list[np.ndarray], caplog: pytest.LogCaptureFixture
) -> None:
    class Picky(Wrapped):
        def run(self, batch: np.ndarray) -> np.ndarray:
            if batch.shape[2] == 33:
                raise InferenceError("The engine does not like 33 rows.", "Use 32.")
            return super().run(batch)

    wanted = [mask for mask, picture in zip(expected, pictures, strict=True) if picture.shape[0] != 33]
    with Model(bundle, wrapped(bundle, Picky, Picky)) as model:
        open_lanes(model, [picture for picture in pictures if picture.shape[0] != 33] * 2)
        for batch_size in (1, 3):
            run = model.predict(pictures, batch_size, on_error="skip")
            assert same([result.mask for result in run], wanted)
            assert len(run.failures) == COUNT - len(wanted)
            assert "33 rows" in run.failures[0].error.message
        with pytest.raises(InferenceError, match="33 rows"):
            list(model.predict(pictures))
        assert model._engine.width == 2
    assert caplog.records == []


def test_an_interrupt_at_any_place_costs_no_lane(
    model: Model, pictures: list[np.ndarray], expected: list[np.ndarray]
) -> None:
    for place in range(3, COUNT, 3):
        taken = iter(pictures)

        def interrupted(taken: Iterator[np.ndarray] = taken, place: int = place) -> Iterator[np.ndarray]:
            for _ in range(place):
                yield next(taken)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            list(model.predict(interrupted()))
    assert same([result.mask for result in model.predict(pictures)], expected)


_INTERRUPTED = """
import signal, sys, threading
import numpy as np
import zoo

signal.signal(signal.SIGINT, signal.default_int_handler)
pictures = list(np.load(sys.argv[2]))
with zoo.load(sys.argv[1], threads=2) as model:
    expected = [model.predict(picture).one().mask for picture in pictures]
    ended, right = threading.Event(), []

    def other():
        while not ended.is_set():
            right.extend(np.array_equal(model.predict(p).one().mask, e) for p, e in zip(pictures, expected))

    thread = threading.Thread(target=other)
    thread.start()
    for _ in range(40):
        try:
            print("ready", flush=True)
            while True:
                model.predict(pictures[0]).one()
        except KeyboardInterrupt:
            pass
    ended.set()
    thread.join()
    print(all(right), len(right) > 0, flush=True)
"""


@pytest.mark.full
def test_ctrl_c_in_one_caller_leaves_the_others_alone(
    bundle: Bundle, pictures: list[np.ndarray], tmp_path: Path
) -> None:
    np.save(tmp_path / "pictures.npy", np.stack(pictures[::3]))
    words = [sys.executable, "-W", "ignore", "-c", _INTERRUPTED, str(bundle.folder), str(tmp_path / "pictures.npy")]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        # It must not hang the suite, should it hang.
        limit = threading.Timer(60, child.kill)
        limit.start()
        for _ in range(40):
            assert child.stdout.readline() == "ready\n"
            child.send_signal(signal.SIGINT)
        assert child.stdout.read() == "True True\n"
        limit.cancel()


_FORKED = """
import os, signal, sys, time, warnings
import numpy as np
import zoo

def same(results, expected):
    return len(results) == len(expected) and all(np.array_equal(r.mask, e) for r, e in zip(results, expected))

with np.load(sys.argv[2]) as arrays:
    pictures = [arrays[name] for name in arrays.files]
with zoo.load(sys.argv[1], threads=1) as alone:
    expected = [result.mask for result in alone.predict(pictures)]
half = len(pictures) // 2
with zoo.load(sys.argv[1], threads=2) as model:
    list(model.predict(pictures))
    deadline = time.monotonic() + 60
    while model._engine.width < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    run = model.predict(pictures)
    for _ in range(half):
        next(run)
    warnings.simplefilter("ignore", DeprecationWarning)  # of threads at a fork
    child = os.fork()
    if not child:
        signal.alarm(60)
        results = list(model.predict(pictures))
        fine = same(results, expected)
        fine = fine and {result.engine for result in results} == {model.engine} and model._engine.width == 1
        os._exit(0 if fine else 1)
    print(os.waitpid(child, 0)[1], same(list(run), expected[half:]))
"""


@pytest.mark.full
def test_a_child_that_is_forked_in_the_middle_of_a_run_uses_the_main_session(
    bundle: Bundle, pictures: list[np.ndarray], tmp_path: Path
) -> None:
    """In a process of its own: what other tests did is not to be forked."""
    np.savez(tmp_path / "pictures.npz", *pictures)
    ended = run_python(_FORKED, bundle.folder, tmp_path / "pictures.npz")
    assert (ended.returncode, ended.stdout) == (0, "0 True\n"), ended.stderr


@pytest.mark.full
def test_a_model_that_is_closed_in_the_middle_of_a_run_says_so(
    bundle: Bundle, pictures: list[np.ndarray], caplog: pytest.LogCaptureFixture
) -> None:
    model = zoo.load(bundle.folder, threads=2)
    open_lanes(model, pictures)
    # More than may have run before they are asked for.
    run = model.predict(pictures * 3)
    for _ in range(5):
        next(run)
    model.close()
    with pytest.raises(InferenceError, match="The session is closed"):
        list(run)
    with pytest.raises(InferenceError, match="The session is closed"):
        model.predict(pictures[0]).one()
    model.close()
    assert caplog.records == []


def fault(answer: Pending[Answer]) -> str:
    try:
        answer.result()
    except InferenceError as error:
        return str(error)
    return ""


def test_closing_while_others_run_answers_each_of_them(
    model: Model, bundle: Bundle, pictures: list[np.ndarray]
) -> None:
    batch = np.zeros((1, 3, 96, 96), np.float32)
    engine = wrapped(bundle, Wrapped, Wrapped)
    answers = [engine.submit(batch) for _ in range(12)]
    engine.close()
    assert all(answer.done() for answer in answers)
    failed = [text for answer in answers if (text := fault(answer))]
    assert 0 < len(failed) < 12
    assert all("The session is closed" in text for text in [*failed, fault(engine.submit(batch))])


@pytest.mark.full
def test_a_model_nobody_refers_to_ends_its_threads(bundle: Bundle, pictures: list[np.ndarray]) -> None:
    model = zoo.load(bundle.folder, threads=2)
    open_lanes(model, pictures)
    workers = [worker.thread for worker in model._engine._pool._workers]
    assert len(workers) == 3
    gone = weakref.ref(model._engine)
    del model
    gc.collect()
    assert gone() is None
    for thread in workers:
        thread.join(timeout=60)
        assert not thread.is_alive()


@pytest.mark.full
def test_a_program_that_ends_without_closing_ends(bundle: Bundle) -> None:
    """While lanes run and are being opened."""
    code = (
        f"import numpy, zoo; model = zoo.load({str(bundle.folder)!r}, threads=2);"
        "batch = numpy.zeros((1, 3, 64, 64), 'f');"
        "[model._engine.submit(batch) for _ in range(100)][9].result(); print('end')"
    )
    ended = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=120)
    assert (ended.returncode, ended.stdout) == (0, "end\n"), ended.stderr


def test_a_live_source_is_asked_only_after_its_answer(model: Model, pictures: list[np.ndarray]) -> None:
    answers: list[np.ndarray] = []

    def questions() -> Iterator[np.ndarray]:
        for number, picture in enumerate(pictures):
            assert len(answers) == number
            yield picture

    for result in model.predict(questions(), live=True):
        answers.append(result.mask)  # noqa: PERF401 - one by one
    assert len(answers) == COUNT
    with pytest.raises(ValueError, match="expected 1 with `live`"):
        model.predict(pictures, 2, live=True)


def test_streams_that_were_asked_for_and_cannot_be_are_said(bundle: Bundle, caplog: pytest.LogCaptureFixture) -> None:
    with zoo.load(bundle.folder, threads=3, streams=2) as model:
        model.predict([], "auto").close()
        assert "batch_size is auto" in caplog.text
        # The remainder of the threads is dealt out.
        open_lanes(model, [np.zeros((40, 40, 3), np.uint8)] * 12)
        assert sorted(lane.session.facts.setting[-9:] for lane in model._engine._pool._lanes) == [
            " 1 thread",
            "2 threads",
        ]


def test_nothing_but_results_is_on_stdout(bundle: Bundle, pictures: list[np.ndarray], tmp_path: Path) -> None:
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(tmp_path / f"{number:02}.png")
    words = ("predict", tmp_path, "--model", bundle.folder, "--threads", 2, "--json", "-o", tmp_path / "out")
    ended = zoo_process(*words)
    assert ended.returncode == 0, ended.stderr
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [line["name"] for line in lines] == [f"{number:02}" for number in range(COUNT)]
    ended = zoo_process(*words, "--streams", 3)
    assert ended.returncode == 1
    assert "streams is 3. 1 to 2 was expected" in ended.stderr


_MANY_SIZES = """
import sys, threading
import numpy as np
from pathlib import Path
from zoo.bundle.bundle import read_bundle
from zoo.engine.open import session_opener

opener = session_opener(read_bundle(Path(sys.argv[1])).verify(), "cpu", "paddle")
rng = np.random.default_rng(0)
batches = [rng.standard_normal((1, 3, 32 + 8 * side, 48 + 8 * (side % 5))).astype(np.float32) for side in range(14)]
first = opener(1)
expected = [first.run(batch) for batch in batches]
right = []

def work(session, seed):
    order = np.random.default_rng(seed).integers(len(batches), size=1500)
    right.extend(np.array_equal(session.run(batches[place]), expected[place]) for place in order)

threads = [threading.Thread(target=work, args=(opener(1), seed)) for seed in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(right), all(right), flush=True)
"""


@pytest.mark.full
def test_sessions_side_by_side_run_many_sizes(bundle: Bundle) -> None:
    ended = run_python(_MANY_SIZES, bundle.folder)
    assert ended.stdout.splitlines()[-1:] == ["3000 True"], ended


def test_a_child_waits_for_no_batch_that_ran_when_it_was_forked() -> None:
    inside, over = threading.Event(), threading.Event()

    def run() -> None:
        with ONEDNN.running((1, 3, 7, 7)):
            inside.set()
            over.wait()

    thread = threading.Thread(target=run)
    thread.start()
    inside.wait()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of threads at a fork
            child = os.fork()
        if not child:
            signal.alarm(20)
            with ONEDNN.running((1, 3, 9, 9)):
                os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
    finally:
        over.set()
        thread.join()
