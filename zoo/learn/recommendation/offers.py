"""Models that may be recommended: what their cards say, and whether their files are on this machine."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from zoo.errors import ConfigError
from zoo.message import Message
from zoo.registry import ModelEntry, registry
from zoo.registry.catalogue import headline
from zoo.registry.names import fold_separators

# What follows the name of a licence in a card: a caution.
_CAUTION = re.compile(r"[:;,(]|\.(?:\s|\Z)")


@dataclass(frozen=True, slots=True)
class Offer:
    """A model.

    Attributes:
        name: Its name.
        dataset: Dataset its weights were trained on.
        measured_on: Dataset and split of its mIoU, such as "cityscapes val"; only figures of one compare. Empty where
            it publishes none.
        miou: Published mIoU, a fraction of 1; None where there is none.
        licence: Licence of its weights, without its cautions; empty where its plugin is not installed.
        absent: Why it cannot be measured here; empty where it can.
        command: What brings it here; empty where it is.
    """

    name: str
    dataset: str
    measured_on: str
    miou: float | None
    licence: str
    absent: str = ""
    command: str = ""


def offers(names: Sequence[str] = (), dataset: str | None = None, licences: Sequence[str] = ()) -> list[Offer]:
    """Returns the models there are, those of the catalogue too.

    Args:
        names: Names or patterns; by default all.
        dataset: Only those trained or measured on it, in any letter case.
        licences: Only those with one of these licences: names or patterns, in any letter case; a blank, `_` and `-`
            count as one sign.

    Raises:
        ModelNotFoundError: No model has a name or matches a pattern.
        ConfigError: No model is of the dataset, or has one of the licences.
    """
    found = [_offer(entry) for entry in _entries(names)]
    if dataset is not None:
        wanted = dataset.casefold()
        kept = [one for one in found if wanted in (one.dataset.casefold(), one.measured_on.casefold())]
        if not kept:
            raise ConfigError(
                "No model is trained on {dataset!r}. There are: {known:, }.",
                "Run: zoo list-models --sort dataset",
                dataset=dataset,
                known=sorted({one.dataset for one in found}),
            )
        found = kept
    if licences:
        patterns = [fold_separators(licence) for licence in licences]
        kept = [one for one in found if any(fnmatchcase(fold_separators(one.licence), each) for each in patterns)]
        if not kept:
            raise ConfigError(
                "No model has the licence {licences: or }. There are: {known:; }.",
                "Write a name as it stands there, or a pattern such as 'CC BY*'.",
                licences=list(licences),
                known=sorted({one.licence for one in found if one.licence}),
            )
        found = kept
    return found


def licence_name(text: str) -> str:
    """Returns the name of a licence out of the text of a card, whose cautions follow it."""
    return _CAUTION.split(text, 1)[0].strip()


def _entries(names: Sequence[str]) -> list[ModelEntry]:
    known = registry()
    entries: dict[str, ModelEntry] = {}
    for name in names or ("*",):
        matching = known.list_models(name)
        if not matching:
            # Raises what says which names are meant.
            known.find(name)
        entries |= {entry.name: entry for entry in matching}
    return list(entries.values())


def _offer(entry: ModelEntry) -> Offer:
    card = entry.card
    metric = None if card is None else headline(card)
    absent, command = "", ""
    if entry.status == "installed":
        absent, command = Message("its files are not on this machine"), f"zoo download {_quoted(entry.name)}"
    elif entry.status not in ("embedded", "cached"):
        reasons = {
            "not installed": Message("its plugin is not installed"),
            "name clash": Message("two plugins bring its name"),
            "plugin broken": Message("its plugin is broken"),
            "plugin disabled": Message("its plugin is left out"),
        }
        absent, command = reasons[entry.status], entry.install or "zoo plugins check"
    return Offer(
        entry.name,
        entry.dataset,
        # The catalogue has no split.
        metric.dataset if metric else entry.dataset if entry.miou is not None else "",
        entry.miou,
        "" if card is None else licence_name(card.license),
        absent,
        command,
    )


def _quoted(name: str) -> str:
    return f'"{name}"' if re.search(r"[^A-Za-z0-9._+-]", name) else name
