"""From a run to a model: its best checkpoint as an export folder, with what the run knows of it. Imports paddle."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from safetensors.numpy import save

from zoo.base.host import HOST
from zoo.bundle.bundle import Bundle, read_bundle
from zoo.bundle.facts import Confidence, Evaluated
from zoo.contract.labels import LabelSet, distinct_palette
from zoo.contract.spec import Step
from zoo.errors import DatasetError, ExportError
from zoo.learn.convert.original import add_digests
from zoo.learn.data import find_labels
from zoo.learn.dataset.dataset import name_in, with_ignore_index
from zoo.learn.networks import build_network
from zoo.learn.run.data import RunData, read_run_data
from zoo.learn.run.run_folder import RunFolder
from zoo.learn.run.steps import padded_steps, run_steps
from zoo.message import Message
from zoo.predict.load import load
from zoo.registry import find_model

with HOST.undisturbed():
    from paddle import nn

    from zoo.learn.export import REQUIRED, export_bundle
    from zoo.learn.run.validation import validate_delivered
    from zoo.learn.training import Checkpoint, load_checkpoint

#: File of the weights to train further from, in an export folder.
_TRAINING = "training.safetensors"


@dataclass(frozen=True, slots=True)
class ExportedRun:
    """The model of a run.

    Attributes:
        bundle: Its export folder, read back.
        unmeasured: Why its masks were not held against the network; empty where they were.
    """

    bundle: Bundle
    unmeasured: str


def export_run(
    run: RunFolder,
    folder: str | Path,
    name: str | None = None,
    also: Callable[[Bundle], object] | None = None,
    training_weights: bool = True,
    agreement: float | None = REQUIRED,
    labels: LabelSet | None = None,
    preprocess: Sequence[Step] | None = None,
) -> ExportedRun:
    """Exports the best checkpoint of a run, with its evaluation.

    Args:
        run: The run; it may still go on.
        folder: Where to write; it must not exist or be empty.
        name: Name of the model; by default that of the one that was trained.
        also: As of `export_bundle`.
        training_weights: Whether the folder gets the weights that it can be trained further from.
        agreement: The least share of pixels of its masks that must have the class that the network gives them, at the
            size of the validation pictures; None to leave the masks alone and keep the evaluation of the run.
        labels: Its classes with other names and colours; by default the names of the run and colours that differ.
        preprocess: As of `export_bundle`; by default pictures keep their size.

    Raises:
        TrainingError: It has no evaluated checkpoint yet.
        ExportError: The masks agree less.
        ZooError: As `export_bundle`.
    """
    configuration = run.configuration()
    card = find_model(configuration["model"]).card
    best, labels = load_checkpoint(run.evaluated()), labels or _labels(run)
    steps = run_steps(card.preprocess) if preprocess is None else tuple(preprocess)
    network = build_network(card.name, len(labels), weights=best.average)
    place = Path(configuration["data"])
    data = Message("it was not asked for") if agreement is None else _data_of(place, best)

    def add(partial: Bundle) -> None:
        facts = (
            _logged(run, best)
            if isinstance(data, str)
            else _measured(network, partial, data, place, padded_steps(steps, card.network_stride), best)
        )
        if facts is not None:
            evaluation, confidence = facts
            if evaluation.agreement is not None and agreement is not None and evaluation.agreement < agreement:
                raise _differs(evaluation, agreement)
            add_digests(partial.folder, evaluation=evaluation.plain(), confidence=confidence.plain())
        add_digests(partial.folder, iteration=best.iteration)
        if training_weights:
            # Not by its save_file, whose files nobody else can read.
            (partial.folder / _TRAINING).write_bytes(save(best.average))
            add_digests(partial.folder, _TRAINING, training=_TRAINING)
        if also is not None:
            also(read_bundle(partial.folder))

    bundle = export_bundle(
        network,
        folder,
        model=name or card.name,
        labels=labels,
        preprocess=steps,
        output_stride=card.output_stride,
        network_stride=card.network_stride,
        value_range=best.value_range,
        also=add,
    )
    return ExportedRun(bundle, data if isinstance(data, str) else "")


def _labels(run: RunFolder) -> LabelSet:
    named = find_labels(run.labels_file)
    return with_ignore_index(LabelSet(run.path.name, named.names, distinct_palette(len(named))))


def _data_of(place: Path, best: Checkpoint) -> RunData | str:
    """Returns the data of a run, or why it cannot be used."""
    try:
        data = read_run_data(place)
    except DatasetError as error:
        return error.message
    if data.digest != best.identity["data"]:
        return Message("the data in {folder} is no longer that of the run", folder=place)
    return data


def _logged(run: RunFolder, best: Checkpoint) -> tuple[Evaluated, Confidence] | None:
    """Returns what the log says of a checkpoint; None where it was not evaluated to the end."""
    for line in run.log():
        if line["iteration"] == best.iteration and "scores" in line:
            scores, figures = line["scores"], (_share(line["miou"]), _share(line["accuracy"]))
            evaluation = Evaluated(best.identity["data"], scores["pictures"], *figures, tuple(line["iou"]))
            return evaluation, Confidence(scores["mean"], scores["deviation"], scores["lowest"])
    return None


def _measured(
    network: nn.Layer, bundle: Bundle, data: RunData, place: Path, steps: tuple[Step, ...], best: Checkpoint
) -> tuple[Evaluated, Confidence]:
    """Holds the masks of an export against the network and the true ones."""
    with load(bundle.folder) as model:
        found = validate_delivered(network, model, data.val, steps, best.value_range)
    confusion, (picture, share) = found.confusion, found.differs_most
    evaluation = Evaluated(
        data.digest,
        len(data.val),
        _share(confusion.miou),
        _share(confusion.accuracy),
        tuple(_share(value) for value in confusion.iou),
        round(found.agreement, 6),
        (name_in(picture, place), round(share, 6)),
    )
    return evaluation, Confidence.of(found.scores)


def _share(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


def _differs(evaluation: Evaluated, agreement: float) -> ExportError:
    assert evaluation.differs_most is not None
    picture, share = evaluation.differs_most
    return ExportError(
        "{found:.4%} of the pixels of the export's masks have the class that the network gives them, {share:.4%} in "
        "{picture}. At least {least:.2%} were expected.",
        "Report it with the name of the model, or take it as it is: zoo export RUN --agreement {found}",
        found=evaluation.agreement,
        share=share,
        picture=picture,
        least=agreement,
    )
