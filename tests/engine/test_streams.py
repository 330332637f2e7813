"""Streams: many pictures run at the same time, with the masks and the order of one after the other."""

from __future__ import annotations

import json
import logging
import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import zoo
from scenes import draw_scene
from support import zoo_process
from zoo.bundle.bundle import Bundle
from zoo.engine.lanes import Streams
from zoo.engine.open import session_opener
from zoo.errors import BackendError, ConfigError, InferenceError
from zoo.plugin import Session
from zoo.predict.model import Model

#: Twice as many as a run does before it opens streams.
COUNT = 16


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    sizes = [(48, 64), (33, 47), (64, 48)]
    return [draw_scene(seed, *sizes[seed % 3]).image for seed in range(COUNT)]


@pytest.fixture(scope="module")
def expected(bundle: Bundle, pictures: list[np.ndarray]) -> list[np.ndarray]:
    with zoo.load(bundle.folder, threads=1) as model:
        return [result.mask for result in model.predict(pictures)]


@pytest.fixture(scope="module")
def model(bundle: Bundle) -> Iterator[Model]:
    """One for all: what a run does to its streams, the next must bear."""
    with zoo.load(bundle.folder, threads=2) as opened:
        yield opened


def same(masks: list[np.ndarray], expected: list[np.ndarray]) -> bool:
    return len(masks) == len(expected) and all(map(np.array_equal, masks, expected))


@pytest.mark.parametrize("batch_size", [1, 2, 3])
def test_masks_and_order_are_those_of_one_after_the_other(
    model: Model, pictures: list[np.ndarray], expected: list[np.ndarray], batch_size: int
) -> None:
    results = list(model.predict(pictures, batch_size))
    assert same([result.mask for result in results], expected)
    assert results[0].engine == model.engine
    assert model.engine.endswith("2 threads")
    # A result says how many threads it really had.
    assert results[-1].engine == model.engine.replace("2 threads", "1 thread")


def test_few_pictures_a_size_that_is_measured_and_large_inputs_stay_at_one_session(
    model: Model, pictures: list[np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert {result.engine for result in model.predict(pictures[:8])} == {model.engine}
    assert {result.engine for result in model.predict(pictures, "auto")} == {model.engine}
    monkeypatch.setattr("zoo.predict.run._LARGEST", 48 * 64 - 1)
    engines = [result.engine for result in model.predict(pictures)]
    # Those of 33x47 are small enough.
    assert {engine for engine, picture in zip(engines, pictures, strict=True) if picture.shape[0] != 33} == {
        model.engine
    }


def test_one_stream_is_one_session(bundle: Bundle, pictures: list[np.ndarray]) -> None:
    with zoo.load(bundle.folder, threads=2, streams=1) as model:
        assert {result.engine for result in model.predict(pictures)} == {model.engine}


def test_more_streams_than_threads_are_refused_before_anything_is_opened(bundle: Bundle) -> None:
    with pytest.raises(ConfigError, match="streams is 3"):
        zoo.load(bundle.folder, threads=2, streams=3)


def test_runs_that_share_a_model_share_its_streams(
    model: Model, pictures: list[np.ndarray], expected: list[np.ndarray]
) -> None:
    found: dict[int, list[np.ndarray]] = {}
    threads = [
        threading.Thread(target=lambda n=number: found.update({n: [r.mask for r in model.predict(pictures)]}))
        for number in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(same(found[number], expected) for number in range(3))


def test_a_run_that_is_left_early_leaves_its_streams_to_the_next(
    model: Model, pictures: list[np.ndarray], expected: list[np.ndarray]
) -> None:
    for _ in range(4):
        run = model.predict(pictures)
        for _ in range(COUNT - 4):
            next(run)
        run.close()
    assert same([result.mask for result in model.predict(pictures)], expected)


def faulty(
    model: Model, opened: Callable[[Session], Session], main: Callable[[Session], Session] = lambda session: session
) -> Model:
    """The same model with streams that fail: when they are opened, or from some batch on."""
    opener = session_opener(model.bundle.verify())
    return Model(model.bundle, Streams(lambda threads: (main if threads == 2 else opened)(opener(threads)), 2))


class Breaking:
    """A session that gives out after three batches."""

    def __init__(self, session: Session) -> None:
        self._session, self._left = session, 3

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def run(self, batch: np.ndarray) -> np.ndarray:
        self._left -= 1
        if self._left < 0:
            raise InferenceError("The engine is out of memory.", "Use a smaller picture.")
        return self._session.run(batch)


def refuse(session: Session) -> Session:
    session.close()
    raise BackendError("The engine cannot be opened twice.", "Use one stream.")


@pytest.mark.parametrize("fault", [refuse, Breaking])
def test_a_stream_that_fails_costs_no_picture(
    model: Model,
    pictures: list[np.ndarray],
    expected: list[np.ndarray],
    fault: Callable[[Session], Session],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING, "zoo.predict.run"):
        results = list(faulty(model, fault).predict(pictures))
    assert same([result.mask for result in results], expected)
    assert [record.getMessage() for record in caplog.records] == [
        "a stream failed; the run goes on without streams: "
        + ("The engine cannot be opened twice." if fault is refuse else "The engine is out of memory.")
    ]
    assert results[-1].engine == model.engine


def test_a_picture_that_fails_in_the_engine_is_a_failure_and_the_others_go_on(
    bundle: Bundle, pictures: list[np.ndarray], expected: list[np.ndarray]
) -> None:
    class Picky(Breaking):
        def run(self, batch: np.ndarray) -> np.ndarray:
            if batch.shape[2] == 33:
                raise InferenceError("The engine does not like 33 rows.", "Use 32.")
            return self._session.run(batch)

    with zoo.load(bundle.folder, threads=2) as model:
        picky = faulty(model, Picky, Picky)
        for batch_size in (1, 3):
            run = picky.predict(pictures, batch_size, on_error="skip")
            wanted = [mask for mask, picture in zip(expected, pictures, strict=True) if picture.shape[0] != 33]
            assert same([result.mask for result in run], wanted)
            assert len(run.failures) == COUNT - len(wanted)
            assert "33 rows" in run.failures[0].error.message
        with pytest.raises(InferenceError, match="33 rows"):
            list(picky.predict(pictures))


def test_an_interrupt_at_any_place_costs_no_stream(
    model: Model, pictures: list[np.ndarray], expected: list[np.ndarray]
) -> None:
    for place in range(9, COUNT, 2):
        taken = iter(pictures)

        def interrupted(taken: Iterator[np.ndarray] = taken, place: int = place) -> Iterator[np.ndarray]:
            for _ in range(place):
                yield next(taken)
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            list(model.predict(interrupted()))
    assert same([result.mask for result in model.predict(pictures)], expected)


def test_a_child_that_is_forked_in_the_middle_of_a_run_uses_the_main_session(
    model: Model, pictures: list[np.ndarray], expected: list[np.ndarray]
) -> None:
    run = model.predict(pictures)
    for _ in range(12):
        next(run)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads at a fork
        child = os.fork()
    if not child:
        signal.alarm(120)
        fine = same([result.mask for result in model.predict(pictures)], expected)
        os._exit(0 if fine else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_a_model_that_is_closed_in_the_middle_of_a_run_says_so(
    bundle: Bundle, pictures: list[np.ndarray], caplog: pytest.LogCaptureFixture
) -> None:
    model = zoo.load(bundle.folder, threads=2)
    run = model.predict(pictures)
    for _ in range(12):
        next(run)
    model.close()
    with pytest.raises(InferenceError, match="The session is closed"):
        list(run)
    assert caplog.records == []


def test_a_live_source_is_asked_only_after_its_answer(model: Model, pictures: list[np.ndarray]) -> None:
    answers: list[np.ndarray] = []

    def questions() -> Iterator[np.ndarray]:
        for number, picture in enumerate(pictures):
            assert len(answers) == number
            yield picture

    for result in model.predict(questions(), live=True):
        answers.append(result.mask)  # noqa: PERF401 - one by one
    assert len(answers) == COUNT
    with pytest.raises(ValueError, match="live=True"):
        model.predict(pictures, 2, live=True)


def test_streams_that_were_asked_for_and_cannot_be_are_said(bundle: Bundle, caplog: pytest.LogCaptureFixture) -> None:
    with zoo.load(bundle.folder, threads=3, streams=2) as model:
        model.predict([], "auto").close()
        assert "batch_size is auto" in caplog.text
        # The remainder of the threads is dealt out.
        list(model.predict([np.zeros((40, 40, 3), np.uint8)] * 12))
        assert sorted(str(stream.facts)[-9:] for stream in model._streams._open) == ["2 threads", " 1 thread"][::-1]


def test_nothing_but_results_is_on_stdout(bundle: Bundle, pictures: list[np.ndarray], tmp_path: Path) -> None:
    for number, picture in enumerate(pictures):
        Image.fromarray(picture).save(tmp_path / f"{number:02}.png")
    words = ("predict", tmp_path, "--model", bundle.folder, "--threads", 2, "--json", "-o", tmp_path / "out")
    ended = zoo_process(*words)
    assert ended.returncode == 0, ended.stderr
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [line["name"] for line in lines] == [f"{number:02}" for number in range(COUNT)]
    assert lines[-1]["engine"].endswith("1 thread")
    ended = zoo_process(*words, "--streams", 3)
    assert ended.returncode == 1
    assert "streams is 3. 1 to 2 was expected" in ended.stderr
