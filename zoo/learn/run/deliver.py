"""From a run to a model: its best checkpoint as an export folder. Imports paddle."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from safetensors.numpy import save

from zoo.base.host import HOST
from zoo.bundle.bundle import Bundle, read_bundle
from zoo.contract.labels import LabelSet, distinct_palette
from zoo.learn.convert.original import add_digests
from zoo.learn.data import find_labels
from zoo.learn.dataset.dataset import with_ignore_index
from zoo.learn.networks import build_network
from zoo.learn.run.run_folder import RunFolder
from zoo.learn.run.steps import run_steps
from zoo.registry import find_model

with HOST.undisturbed():
    from zoo.learn.export import export_bundle
    from zoo.learn.training import load_checkpoint


#: File of the weights to train further from, in an export folder.
_TRAINING = "training.safetensors"


def export_run(
    run: RunFolder,
    folder: str | Path,
    name: str | None = None,
    also: Callable[[Bundle], object] | None = None,
    training_weights: bool = True,
) -> Bundle:
    """Exports the best checkpoint of a run.

    Args:
        run: The run; it may still go on.
        folder: Where to write; it must not exist or be empty.
        name: Name of the model; by default that of the one that was trained.
        also: As of `export_bundle`.
        training_weights: Whether the folder gets the weights that it can be trained further from.

    Raises:
        TrainingError: It has no evaluated checkpoint yet.
        ZooError: As `export_bundle`.
    """
    found = find_model(run.configuration()["model"])
    best, labels = load_checkpoint(run.evaluated()), _labels(run)

    def add(partial: Bundle) -> None:
        add_digests(partial.folder, iteration=best.iteration)
        if training_weights:
            # Not by its save_file, whose files nobody else can read.
            (partial.folder / _TRAINING).write_bytes(save(best.average))
            add_digests(partial.folder, _TRAINING, training=_TRAINING)
        if also is not None:
            also(read_bundle(partial.folder))

    return export_bundle(
        build_network(found.card.name, len(labels), weights=best.average),
        folder,
        model=name or found.card.name,
        labels=labels,
        preprocess=run_steps(found.card.preprocess),
        output_stride=found.card.output_stride,
        network_stride=found.card.network_stride,
        value_range=best.value_range,
        also=add,
    )


def _labels(run: RunFolder) -> LabelSet:
    named = find_labels(run.labels_file)
    return with_ignore_index(LabelSet(run.path.name, named.names, distinct_palette(len(named))))
