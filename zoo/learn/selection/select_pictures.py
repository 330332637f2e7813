"""Runs a model over pictures and chooses those whose labels would teach it most."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo.base.digest import file_sha256
from zoo.errors import ConfigError
from zoo.learn.dataset.alike import same_pictures
from zoo.learn.dataset.look import ImageLook, image_look, pixels_look
from zoo.learn.picture_files import picture_files
from zoo.learn.selection.farthest import choose_spread
from zoo.learn.selection.glance import Glance, glance
from zoo.learn.selection.labelled import Labelled
from zoo.picture.sources import inputs
from zoo.predict.arguments import RunOptions
from zoo.predict.model import Model
from zoo.predict.plan import Plan, make_plan
from zoo.results import Failure
from zoo.segment.channels import class_values
from zoo.segment.scores import Kind, score_kind


@dataclass(frozen=True, slots=True)
class Picked:
    """A picture that was chosen.

    Attributes:
        path: Its file.
        uncertainty: Mean over the pixels of 1 - (p1 - p2), 0 to 1; see `zoo.learn.selection.glance`.
    """

    path: str
    uncertainty: float


@dataclass(frozen=True, slots=True)
class Selection:
    """What was chosen, and of what.

    Attributes:
        picked: The pictures, those that would teach most first.
        looked_at: How many the model was run on.
        mean: Mean uncertainty of these.
        listed: How many of a list were left out.
        drawn: How many with a LabelMe file were left out.
        same: Pictures that are the same as another one that may be chosen, or as a labelled one: both paths.
        failures: Those that could not be read or run.
    """

    picked: tuple[Picked, ...]
    looked_at: int
    mean: float
    listed: int
    drawn: int
    same: tuple[tuple[str, str], ...]
    failures: tuple[Failure, ...]


def select_pictures(
    model: Model,
    sources: Sequence[str],
    count: int,
    labelled: Labelled,
    report: Callable[[int, int], object] | None = None,
) -> Selection:
    """Chooses pictures.

    Args:
        model: The model.
        sources: Paths and patterns of pictures; folders with their sub-folders.
        count: How many at most.
        labelled: Pictures with labels: these, and those that are the same by content, are left out.
        report: Is told how many pictures were run, and of how many.

    Raises:
        BundleError: The program of the model returns labels alone, which tell nothing of how sure it is.
        ConfigError: There is no picture, or every one has labels already.
        SourceError: There is none of the name, or no picture can be read.
    """
    kind = score_kind(model.bundle)
    paths = picture_files(sources)
    why = [labelled.why(path) for path in paths]
    open_ = [path for path, reason in zip(paths, why, strict=True) if not reason]
    if not open_:
        raise ConfigError("All {count} pictures have labels already.", "Give a folder with others.", count=len(paths))
    failures: list[Failure] = []
    names: list[str] = []
    glances: list[Glance] = []
    looks: list[ImageLook] = []
    plan = make_plan(model.bundle, RunOptions())
    for done, (path, found) in enumerate(_run(model, open_, plan, kind), 1):
        if isinstance(found, Failure):
            failures.append(found)
        else:
            names.append(path)
            glances.append(found[0])
            looks.append(found[1])
        if report is not None:
            report(done, len(open_))
    if not glances:
        raise failures[0].error
    known = sorted(labelled.listed | {path for path, reason in zip(paths, why, strict=True) if reason})
    same = _same(names, looks, known)
    kept = [number for number in range(len(names)) if number not in same]
    features = _stacked(glances, kept)
    order = choose_spread([glances[number].uncertainty for number in kept], features, count)
    picked = tuple(Picked(names[kept[place]], glances[kept[place]].uncertainty) for place in order)
    mean = sum(each.uncertainty for each in glances) / len(glances)
    pairs = tuple((names[number], other) for number, other in sorted(same.items()))
    return Selection(picked, len(glances), mean, why.count("list"), why.count("file"), pairs, tuple(failures))


def _stacked(glances: Sequence[Glance], kept: Sequence[int]) -> NDArray[np.float32]:
    return np.stack([glances[number].features for number in kept]) if kept else np.zeros((0, 1), np.float32)


def _same(names: Sequence[str], looks: Sequence[ImageLook], known: Sequence[str]) -> dict[int, str]:
    """Returns the pictures that are the same as a labelled one or an earlier one, and as which."""
    everything = [*(image_look(Path(path)) for path in known), *looks]
    paths = [*known, *names]
    found: dict[int, str] = {}
    for first, *others in same_pictures(everything):
        found |= {other - len(known): paths[first] for other in others if other >= len(known)}
    return found


def _run(
    model: Model, paths: Sequence[str], plan: Plan, kind: Kind
) -> Iterator[tuple[str, Failure | tuple[Glance, ImageLook]]]:
    """Yields what came of every picture, in order."""
    found = chain.from_iterable(map(inputs, paths))
    for path, (item, answers) in zip(paths, model.answers(found, plan), strict=True):
        if isinstance(item, Failure):
            yield path, item
            continue
        outputs = [values for answer in answers for values in class_values(answer.output, plan.bundle)]
        part = plan.parts(item.size)[0]
        reach = part.geometry.reach(outputs[0].shape[1:]) if part.sliding is None else None
        look = replace(pixels_look(item.image), digest=bytes.fromhex(file_sha256(Path(path))))
        yield path, (glance(outputs, kind, reach), look)
