"""The plan of a run: refused before anything is read, the same for whoever uses it, and pure."""

from __future__ import annotations

import dataclasses
import pickle
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import zoo
from scenes import draw_scene
from support import cells
from zoo.base.pending import Pending
from zoo.bundle.bundle import Bundle
from zoo.contract.engine import Facts
from zoo.contract.spec import Normalize, Pad, Resize, ResizeLong
from zoo.engine.engine import Answer
from zoo.errors import BundleError, ConfigError, OutputError, ZooError
from zoo.picture.rgb import Picture
from zoo.picture.sources import Input
from zoo.predict.arguments import RunOptions
from zoo.predict.model import Model
from zoo.predict.plan import make_plan
from zoo.predict.run import answers_in_order
from zoo.predict.steps import Prepared, batches, finish, prepare
from zoo.results import Failure, Result

FACTS = Facts("numpy", "1", "plain", "float32", "desk")
SMALL = {"mode": "slide", "window": (64, 64), "stride": (48, 48)}
OPTIONS: dict[str, dict[str, Any]] = {
    "whole": {},
    "windows": SMALL,
    "two windows at a time": {**SMALL, "batch_size": 2},
    "flip": {"flip": True},
    "one scale": {"scales": 0.5},
    "views": {"flip": True, "scales": (0.75, 1.25), "scores": True},
    "views in windows": {**SMALL, "flip": True, "scales": (0.4, 1.0)},
    "other classes": {"labels": {"first": ["class 0", "class 1"], "last": ["class 6"]}},
    "least score": {"min_score": 0.5},
    "colours": {"palette": {"class 2": "#102030"}},
    "all": {
        **SMALL,
        "min_score": 0.4,
        "labels": {"a": ["class 3"], "b": ["class 1"]},
        "palette": [(9, 9, 9), (1, 2, 3)],
    },
}


@pytest.fixture(scope="module")
def model(bundle: Bundle) -> Iterator[Model]:
    with zoo.load(bundle.folder, threads=1) as opened:
        yield opened


@pytest.fixture(scope="module")
def pictures() -> list[NDArray[np.uint8]]:
    return [draw_scene(seed, *size).image for seed, size in enumerate([(120, 168), (64, 64), (33, 90)])]


def planned(bundle: Bundle, options: dict[str, Any]) -> Any:
    return make_plan(bundle, RunOptions(**options))


def given(image: NDArray[np.uint8]) -> Input:
    return Input("picture", "/a/picture.png", lambda: Picture(image, "first of 2 frames"))


def through(image: NDArray[np.uint8], plan: Any) -> Result:
    """One picture through the two steps, with a network in numpy."""
    prepared = prepare(given(image), plan)
    assert isinstance(prepared, Prepared)
    answers = [Answer(cells(batch), FACTS, 0.25) for batch in batches(prepared, plan)]
    return finish(prepared, answers, plan)


@pytest.mark.parametrize("kind", OPTIONS)
def test_the_two_steps_are_what_predict_does(
    model: Model, bundle: Bundle, pictures: list[NDArray[np.uint8]], kind: str
) -> None:
    options = OPTIONS[kind]
    plan = planned(bundle, options)
    for image, expected in zip(pictures, model.predict(pictures, **options), strict=True):
        prepared = prepare(given(image), plan)
        assert isinstance(prepared, Prepared)
        result = finish(prepared, answers_in_order(model._engine, batches(prepared, plan)), plan)
        np.testing.assert_array_equal(result.mask, expected.mask)
        assert result.mask.dtype == expected.mask.dtype
        assert result.labels == expected.labels
        assert (result.scores is None) == (expected.scores is None)
        if result.scores is not None:
            np.testing.assert_array_equal(result.scores, expected.scores)
        assert result.note == "; ".join(filter(None, ("first of 2 frames", expected.note)))
        assert (result.model, result.device, result.engine) == ("small", "cpu", model.engine)
        assert set(result.seconds) == set(expected.seconds)


def test_classes_scores_and_colours_are_those_of_the_plain_result(
    bundle: Bundle, pictures: list[NDArray[np.uint8]]
) -> None:
    plain = through(pictures[0], planned(bundle, {"scores": True}))
    assert plain.scores is not None
    unsure = np.where(plain.scores < np.float32(0.5), 255, plain.mask)
    np.testing.assert_array_equal(through(pictures[0], planned(bundle, {"min_score": 0.5})).mask, unsure)
    assert 0 < np.mean(unsure == 255) < 1
    plan = planned(bundle, {"min_score": 0.5, **OPTIONS["other classes"]})
    np.testing.assert_array_equal(through(pictures[0], plan).mask, plan.mapping.apply(unsure.astype(np.uint8)))
    assert planned(bundle, OPTIONS["colours"]).labels.palette[2] == (16, 32, 48)
    assert planned(bundle, OPTIONS["all"]).labels.palette == ((9, 9, 9), (1, 2, 3))


@pytest.mark.parametrize(
    ("options", "sizes"),
    [
        ({}, [(1, 3, 120, 168)]),
        (SMALL, [(1, 3, 64, 64)] * 12),
        ({**SMALL, "batch_size": 3}, [(3, 3, 64, 64), (1, 3, 64, 64)] * 3),
        ({"flip": True}, [(1, 3, 120, 168)] * 2),
        ({"scales": (0.5, 2)}, [(1, 3, 60, 84), (1, 3, 240, 336)]),
        # Half the picture fits into one window.
        ({**SMALL, "window": (64, 96), "scales": (0.5, 1)}, [(1, 3, 60, 84)] + [(1, 3, 64, 96)] * 9),
    ],
)
def test_batches_are_what_the_program_runs(
    bundle: Bundle, pictures: list[NDArray[np.uint8]], options: dict[str, Any], sizes: list[tuple[int, ...]]
) -> None:
    plan = planned(bundle, options)
    prepared = prepare(given(pictures[0]), plan)
    assert isinstance(prepared, Prepared)
    # What is one input is prepared at once, ahead of the engine; windows and views are made one after the other.
    assert (prepared.tensor is not None) == (len(sizes) == 1)
    assert [batch.shape for batch in batches(prepared, plan)] == sizes


def test_seconds_and_engine_are_those_of_the_answers(bundle: Bundle, pictures: list[NDArray[np.uint8]]) -> None:
    assert through(pictures[0], planned(bundle, {})).seconds["inference"] == 0.25
    result = through(pictures[0], planned(bundle, SMALL))
    assert result.seconds["inference"] == 12 * 0.25
    assert 0 < result.seconds["postprocess"] < 60
    assert (result.engine, result.device) == ("numpy 1, plain", "desk")


@pytest.mark.parametrize("kind", OPTIONS)
def test_several_threads_use_one_plan(bundle: Bundle, pictures: list[NDArray[np.uint8]], kind: str) -> None:
    plan = planned(bundle, OPTIONS[kind])
    before = [image.copy() for image in pictures]
    expected = [through(image, plan) for image in pictures]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda number: through(pictures[number % 3], plan), range(12)))
    for number, result in enumerate(found):
        np.testing.assert_array_equal(result.mask, expected[number % 3].mask)
        assert result.note == expected[number % 3].note
    for image, copy in zip(pictures, before, strict=True):
        np.testing.assert_array_equal(image, copy)


def never() -> Iterator[NDArray[np.uint8]]:
    pytest.fail("the source was touched")
    yield np.zeros((8, 8, 3), np.uint8)


@pytest.mark.parametrize(
    ("changes", "options", "error", "said"),
    [
        ({"output": "labels"}, {"scores": True}, BundleError, "no scores for small"),
        ({"output": "labels"}, {"min_score": 0.5}, BundleError, "no scores for small"),
        ({"output": "labels"}, SMALL, BundleError, "cannot be run in windows: its program returns labels"),
        (
            {"output": "labels"},
            {"flip": True},
            BundleError,
            "cannot be averaged over views: its program returns labels",
        ),
        ({"preprocess": (Resize((64, 64)), Normalize())}, SMALL, BundleError, "the step Resize"),
        ({"labels": "far"}, {"min_score": 0.5}, OutputError, "ignore index of the label set 'seven' is 70000"),
        ({}, {"mode": "slide"}, ConfigError, "Nothing says how large the windows"),
        ({}, {"mode": "whole", "window": (64, 64)}, ConfigError, "which has no windows"),
        ({}, {"window": (60, 60)}, ConfigError, "Multiples of 8"),
        ({}, {**SMALL, "stride": (72, 64)}, ConfigError, "would be left out"),
        ({}, {"labels": {"a": ["road"]}}, ConfigError, "'road' is no class"),
        ({}, {"labels": "no-such-mapping"}, ConfigError, "is not a label mapping"),
        ({}, {"palette": [(1, 2, 3)]}, ConfigError, "has 1 colours. 7 were expected"),
        ({}, {"palette": {"road": (1, 2, 3)}}, ConfigError, "'road' is no class"),
        # The palette is that of the new classes.
        ({}, {"labels": {"a": ["class 1"]}, "palette": {"class 1": (1, 2, 3)}}, ConfigError, "'class 1' is no class"),
        ({}, {"scales": (1.0, 0)}, ConfigError, "`scales[1]` is 0; expected a number above 0 (at most 16)"),
        ({}, {"scales": 17}, ConfigError, "`scales` is 17; expected a number above 0 (at most 16)"),
        ({}, {"batch_size": 0}, ConfigError, "`batch_size` is 0"),
    ],
)
def test_whatever_is_refused_is_refused_before_the_source_is_touched(
    model: Model, bundle: Bundle, changes: dict[str, Any], options: dict[str, Any], error: type[Exception], said: str
) -> None:
    if changes.get("labels") == "far":
        changes = {"labels": dataclasses.replace(bundle.labels, ignore_index=70_000)}
    changed = Model(dataclasses.replace(bundle, **changes), model._engine)
    with pytest.raises(error) as caught:
        changed.predict(never(), **options)
    assert said in (caught.value.message if isinstance(caught.value, ZooError) else str(caught.value))


def test_a_published_window_that_does_not_fit_the_program_is_refused_at_once(model: Model, bundle: Bundle) -> None:
    window = zoo.plugin.Window((60, 64), (48, 48))
    changed = Model(dataclasses.replace(bundle, window=window), model._engine)
    with pytest.raises(ConfigError, match="Multiples of 8"):
        changed.predict(never())


def test_windows_divide_by_the_stride_that_the_bundle_pads_pictures_to(bundle: Bundle) -> None:
    padding = dataclasses.replace(bundle, preprocess=(Pad(32), Normalize()))
    for wrong, said in (
        ({"window": (136, 128)}, r"The size .* Multiples of 32, the model's stride.*\n.*\(128, 128\)"),
        ({"window": (128, 128), "stride": (96, 104)}, r"The stride .* Multiples of 32"),
    ):
        make_plan(bundle, RunOptions(**wrong))  # whose program is content with its output stride, 8
        with pytest.raises(ConfigError, match=said):
            make_plan(padding, RunOptions(**wrong))
    sliding = make_plan(padding, RunOptions(window=(128, 160))).sliding
    assert sliding is not None
    assert sliding.window.stride == (96, 96)
    for size in ((129, 161), (353, 321), (384, 500)):
        layout = sliding.layout(size)
        for span in layout.rows + layout.columns:
            assert span.start % 32 == span.stop % 32 == 0


def test_a_picture_that_is_too_large_at_a_scale_is_a_failure_of_that_picture(model: Model) -> None:
    wide, small = np.zeros((400, 1600, 3), np.uint8), np.zeros((4, 4, 3), np.uint8)
    run = model.predict([wide, small], on_error="skip", scales=16)
    assert [result.mask.shape for result in run] == [(4, 4)]
    assert "6400x25600" in run.failures[0].error.message
    with pytest.raises(ConfigError, match="6400x25600"):
        model.predict(wide, scales=16).one()


def test_settings_that_blow_a_picture_up_are_refused_before_any_memory_is_taken(model: Model, bundle: Bundle) -> None:
    changed = Model(dataclasses.replace(bundle, preprocess=(ResizeLong(65536), *bundle.preprocess)), model._engine)
    with pytest.raises(
        ConfigError, match=r"an input of 32768x65536 from a picture of 40x80. At most 89000000"
    ) as caught:
        changed.predict(np.zeros((40, 80, 3), np.uint8)).one()
    # A pipeline file may have changed the model's own sizes.
    assert "inference.yml" in caught.value.hint
    assert "target_size of the pipeline file" in caught.value.hint


def test_a_picture_that_cannot_be_read_is_a_failure(bundle: Bundle, tmp_path: Path) -> None:
    path = tmp_path / "no.png"
    path.write_bytes(b"no picture")
    (item,) = zoo.picture.sources.inputs(path)
    failure = prepare(item, planned(bundle, {}))
    assert isinstance(failure, Failure)
    assert failure.uri == str(path)


class Counting:
    """An engine of three lanes that answers only when it is waited for, and counts what is on its way."""

    width = 3
    asked = False

    def __init__(self) -> None:
        self.pending: list[Pending[Answer]] = []
        self.most = 0

    def submit(self, batch: NDArray[np.float32], told: SimpleQueue[None] | None = None) -> Pending[Answer]:
        class Late(Pending[Answer]):
            def result(self) -> Answer:
                if not self.done():
                    self.give(Answer(cells(batch), FACTS, 0.0))
                return super().result()

        self.pending.append(Late(told))
        self.most = max(self.most, sum(not answer.done() for answer in self.pending))
        return self.pending[-1]


def test_windows_run_as_many_at_a_time_as_the_engine_can_and_come_out_in_order(
    bundle: Bundle, pictures: list[NDArray[np.uint8]]
) -> None:
    plan, engine = planned(bundle, SMALL), Counting()
    prepared = prepare(given(pictures[0]), plan)
    assert isinstance(prepared, Prepared)
    result = finish(prepared, answers_in_order(engine, batches(prepared, plan)), plan)
    np.testing.assert_array_equal(result.mask, through(pictures[0], plan).mask)
    assert (engine.most, len(engine.pending)) == (4, 12)
    # Whoever stops half-way leaves nothing behind that waits.
    engine = Counting()
    answers = answers_in_order(engine, batches(prepared, plan))
    next(answers)
    answers.close()
    first, *rest = engine.pending
    assert first.result().output.size
    for answer in rest:
        assert not answer.begin()


@pytest.mark.full
def test_a_model_given_to_another_process_is_opened_there_by_the_same_name(
    bundle: Bundle, model: Model, pictures: list[NDArray[np.uint8]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(bundle.folder.parent)
    with zoo.load(bundle.folder.name + "/", threads=1) as relative:
        (tmp_path / "model.pickle").write_bytes(pickle.dumps(relative))
    np.save(tmp_path / "picture.npy", pictures[0])
    script = """
        import pickle
        import numpy as np
        with open("model.pickle", "rb") as file, pickle.load(file) as model:
            result = model.predict(np.load("picture.npy")).one()
            np.save("mask.npy", result.mask)
            print(result.engine)
    """
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.strip() == model.engine
    np.testing.assert_array_equal(np.load(tmp_path / "mask.npy"), model.predict(pictures[0]).one().mask)


def test_a_pipeline_goes_with_its_options(bundle: Bundle, pictures: list[NDArray[np.uint8]]) -> None:
    with zoo.create_pipeline("semantic_segmentation", model=bundle.folder, target_size=64, min_score=0.4) as pipeline:
        with pickle.loads(pickle.dumps(pipeline)) as again:
            assert again.config == pipeline.config
            expected = pipeline.predict(pictures[0]).one().mask
            np.testing.assert_array_equal(again.predict(pictures[0]).one().mask, expected)
        assert (expected == 255).any()


def test_a_model_keeps_its_other_preprocessing_and_nothing_else_is_taken_for_it(bundle: Bundle) -> None:
    with zoo.load(bundle.folder, threads=1) as model:
        model.bundle = dataclasses.replace(model.bundle, preprocess=(Resize((32, 32)), Normalize()))
        with pickle.loads(pickle.dumps(model)) as again:
            assert again.bundle == model.bundle
        model.bundle = dataclasses.replace(model.bundle, digests={"inference.json": "0" * 64})
        with pytest.raises(BundleError, match="other files here"):
            pickle.loads(pickle.dumps(model))
        with pytest.raises(TypeError, match="not opened by"):
            pickle.dumps(Model(bundle, model._engine))
