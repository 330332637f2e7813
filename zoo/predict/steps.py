"""The two steps of every picture: `prepare` before the engine, `finish` after it.

Pure functions of what they are given: a run, an evaluation, a server or another process call the same two.

    prepared = prepare(item, plan)          reads the picture; a Failure where that is impossible
    batches(prepared, plan)                 what the engine runs, made as it is asked for; most pictures are one batch
    finish(prepared, answers, plan)         one answer a batch, in this order -> Result
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.bundle.bundle import Bundle
from zoo.engine.engine import Answer
from zoo.errors import ConfigError, OutputError, SourceError
from zoo.message import Message, joined_notes
from zoo.picture.sources import Input
from zoo.predict.plan import Part, Plan
from zoo.results import Failure, Result
from zoo.results.change import check_unknown, made_unknown, unknown_below
from zoo.segment.channels import class_values
from zoo.segment.label_map import LabelMap, Scores, label_map
from zoo.segment.scores import mean_score
from zoo.segment.slide import ArrayRows, window_inputs, window_logits, window_strips
from zoo.segment.transforms import preprocess
from zoo.segment.views import View, mean_over_views


@dataclass(frozen=True, eq=False)
class Prepared:
    """A picture that is read.

    Attributes:
        name: As in `Result`, like the next three.
        uri: See there.
        note: See there.
        image: See there.
        empty: (H, W), which of its pixels have no data; None where all have.
        tensor: (3, h, w) float32, the input of the program; None where it takes several, windows or views.
        seconds: Time of the stages so far.
    """

    name: str
    uri: str
    note: str
    image: NDArray[np.uint8]
    empty: NDArray[np.bool_] | None
    tensor: NDArray[np.float32] | None
    seconds: Mapping[str, float]

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the picture."""
        return (self.image.shape[0], self.image.shape[1])


def prepare(item: Input, plan: Plan) -> Prepared | Failure:
    """Reads a picture and, if it is a single input of the program, preprocesses it.

    Args:
        item: What to read.
        plan: How to run it.

    Returns:
        The picture; or a failure, where it cannot be read, a scaled view of it would be too large, or it has pixels
        without data and no mask can hold their value.
    """
    began = time.perf_counter()
    try:
        image = item.read()
        read = time.perf_counter()
        parts = plan.parts((image.shape[0], image.shape[1]))
        if item.empty is not None:
            check_unknown(plan.labels)
    except (SourceError, ConfigError, OutputError) as error:
        return Failure(item.name, item.uri, error)
    tensor = None
    if len(parts) == 1 and parts[0].sliding is None:
        tensor = _input_of(image, parts[0], plan)
    seconds = {"read": read - began, "preprocess": time.perf_counter() - read}
    return Prepared(item.name, item.identify(image), item.note, image, item.empty, tensor, seconds)


def batches(prepared: Prepared, plan: Plan) -> Iterator[NDArray[np.float32]]:
    """Yields what the program runs of a picture: batches (N, 3, h, w), each made when it is asked for."""
    if prepared.tensor is not None:
        yield prepared.tensor[np.newaxis]
        return
    for part in plan.parts(prepared.size):
        if part.sliding is None:
            yield _input_of(prepared.image, part, plan)[np.newaxis]
        else:
            picture = part.view.of(prepared.image, plan.bundle.preprocess)
            yield from window_inputs(ArrayRows(picture), part.sliding)


def finish(prepared: Prepared, answers: Iterable[Answer], plan: Plan) -> Result:
    """Makes the result of a picture.

    Args:
        prepared: The picture.
        answers: One for each of its `batches`, in their order; they may be computed as they are asked for.
        plan: The plan it was prepared by.

    Raises:
        InferenceError: An output is not what the bundle declares, or has NaN in it.
    """
    began = time.perf_counter()
    outputs = _Outputs(answers, plan.bundle)
    labels, scores = _label_map(prepared.size, outputs, plan)
    mask = final_classes(labels, scores, plan)
    if prepared.empty is not None:
        mask = made_unknown(mask, prepared.empty, plan.labels)
    seconds = {"inference": outputs.seconds, "postprocess": time.perf_counter() - began - outputs.waited}
    return Result(
        mask=mask,
        labels=plan.labels,
        image=prepared.image,
        name=prepared.name,
        uri=prepared.uri,
        model=plan.bundle.model,
        origin=plan.bundle.origin,
        device=outputs.device,
        engine=outputs.engine,
        precision=outputs.precision,
        why=plan.why,
        seconds={**prepared.seconds, **seconds},
        scores=scores,
        note=joined_notes(prepared.note, plan.note(prepared.size), outputs.note, outputs.doubt),
    )


def final_classes(labels: LabelMap, scores: Scores, plan: Plan) -> LabelMap:
    """Brings the model's label map, or a strip of it, to the classes of the results.

    Args:
        labels: (n, W) classes of the model; not modified.
        scores: (n, W) probabilities, which there are where `plan.min_score` needs them.
        plan: What becomes of them.

    Returns:
        (n, W); of one dtype for all strips of a picture.
    """
    if plan.min_score is not None and scores is not None:
        labels = unknown_below(labels, scores, plan.min_score, plan.bundle.labels)
    return labels if plan.mapping is None else plan.mapping.apply(labels)


def _input_of(image: NDArray[np.uint8], part: Part, plan: Plan) -> NDArray[np.float32]:
    return preprocess(part.view.of(image, plan.bundle.preprocess), part.steps)[0]


def _label_map(size: tuple[int, int], outputs: _Outputs, plan: Plan) -> tuple[LabelMap, Scores]:
    parts = plan.parts(size)
    if plan.views:
        logits = ((_logits(part, outputs), part.geometry) for part in parts)
        return mean_over_views(logits, plan.views, size, plan.scores)
    (part,) = parts
    if part.sliding is None:
        return label_map(next(outputs.of(part))[0], part.geometry, plan.bundle, plan.scores)
    strips = list(window_strips(outputs.of(part), size, part.sliding, plan.scores))
    scores = [strip.scores for strip in strips if strip.scores is not None]
    return np.concatenate([strip.labels for strip in strips]), np.concatenate(scores) if scores else None


def _logits(part: Part, outputs: _Outputs) -> NDArray[np.float32]:
    if part.sliding is None:
        return next(outputs.of(part))[0].astype(np.float32, copy=False)
    return window_logits(outputs.of(part), part.size, part.sliding)


class _Outputs(Iterator[NDArray[Any]]):
    """The outputs of answers, with the engine and device that gave the last one.

    Attributes:
        engine: Name and setting of that engine.
        device: That device.
        precision: In which it computed.
        seconds: Time of the engine for all of them.
        waited: Time until they were there.
        note: What a result says of them.
    """

    def __init__(self, answers: Iterable[Answer], bundle: Bundle) -> None:
        self._answers, self._bundle = iter(answers), bundle
        self._part: Part | None = None
        self._scores: list[float] = []
        self.note = ""
        self.engine, self.device, self.precision, self.seconds, self.waited = "", "", "", 0.0, 0.0

    def __next__(self) -> NDArray[Any]:
        began = time.perf_counter()
        answer = next(self._answers)
        self.waited += time.perf_counter() - began
        self.seconds += answer.seconds
        facts = answer.facts
        self.engine, self.device, self.precision = str(facts), facts.device, facts.precision
        output = class_values(answer.output, self._bundle)
        if output.shape != answer.output.shape:
            first, second = self._bundle.labels.names
            self.note = (
                Message("one channel, a probability cut at 0.5: {first} and {second}", first=first, second=second)
                if self._bundle.one_channel == "probability"
                else Message("one channel, a logit cut at 0: {first} and {second}", first=first, second=second)
            )
        self._look_at(output)
        return output

    def of(self, part: Part) -> _Outputs:
        """Says what the next ones are of."""
        self._part = part
        return self

    def _look_at(self, output: NDArray[Any]) -> None:
        """Notes how sure the model is, of the picture as it is."""
        part, bundle = self._part, self._bundle
        if bundle.confidence is None or bundle.output != "logits" or part is None or part.view != View():
            return
        reach = part.geometry.reach(output.shape[2:]) if part.sliding is None else None
        self._scores += [mean_score(logits, reach) for logits in output]

    @property
    def doubt(self) -> str:
        """What a result says of a picture that is far from those of the training; empty for others."""
        known, scores = self._bundle.confidence, self._scores
        if known is None or not scores or not known.is_far(score := sum(scores) / len(scores)):
            return ""
        return Message(
            "unlike what this model was trained on: mean score {score:.2f}, {mean:.2f} there",
            score=score,
            mean=known.mean,
        )
