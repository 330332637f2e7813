"""A model as one line of the listing: what it says, what patterns it matches, how lines are sorted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

from zoo.contract.spec import ModelCard
from zoo.registry.catalogue import CatalogueEntry
from zoo.registry.names import fold

Status = Literal["embedded", "cached", "installed", "not installed", "name clash", "plugin broken", "plugin disabled"]
Sort = Literal["name", "family", "miou", "size", "dataset"]


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One line of the listing.

    Attributes:
        name: Name of the model.
        family: Short name of its family, such as "pp-liteseg".
        title: The family's name for people, such as "PP-LiteSeg".
        distribution: Distribution that brings it.
        dataset: Dataset the weights were trained on.
        classes: Number of classes.
        miou: Headline mIoU, a fraction of 1; None when none is published.
        inference: How the headline was measured, "whole" or "slide".
        size: Published size of the download in bytes, or None.
        status: Whether it can be used here, and how.
        install: The command that makes it usable; empty when it is.
        aliases: Other names.
        card: Its card when the plugin is installed.
    """

    name: str
    family: str
    title: str
    distribution: str
    dataset: str
    classes: int
    miou: float | None
    inference: Literal["whole", "slide"]
    size: int | None
    status: Status
    install: str = ""
    aliases: tuple[str, ...] = ()
    card: ModelCard | None = field(default=None, repr=False)


def fits_pattern(entry: ModelEntry, pattern: str) -> bool:
    """Whether a folded glob fits the name of a model or one of its aliases."""
    names = (fold(name) for name in (entry.name, *entry.aliases))
    return any(name == pattern or fnmatchcase(name, pattern) for name in names)


def model_entry(
    summary: CatalogueEntry, status: Status, install: str = "", card: ModelCard | None = None
) -> ModelEntry:
    """Returns the line of a model that a plugin or the catalogue sums up."""
    return ModelEntry(
        name=summary.name,
        family=summary.family,
        title=summary.title,
        distribution=summary.distribution,
        dataset=summary.dataset,
        classes=summary.classes,
        miou=summary.miou,
        inference=summary.inference,
        size=summary.size,
        status=status,
        install=install,
        aliases=summary.aliases,
        card=card,
    )


def _number_key(value: float | None, name: str) -> tuple[bool, float, str]:
    return (value is None, value or 0.0, name.casefold())


#: How lines are sorted; unknown figures come last.
SORT_KEYS: dict[Sort, Callable[[ModelEntry], tuple[bool | float | str, ...]]] = {
    "name": lambda e: (e.name.casefold(), e.distribution, ""),
    "family": lambda e: (e.family, e.name.casefold(), e.distribution),
    "dataset": lambda e: (e.dataset.casefold(), e.name.casefold(), e.distribution),
    # Figures of different datasets do not compare.
    "miou": lambda e: (e.miou is None, e.dataset.casefold() * (e.miou is not None), -(e.miou or 0), e.name.casefold()),
    "size": lambda e: _number_key(e.size, e.name),
}
