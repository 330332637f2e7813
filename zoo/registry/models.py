"""Every model there is: found by name, listed by pattern. An installed card always beats the catalogue."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal, NoReturn, get_args

from zoo.contract.spec import (
    Artifact,
    ModelCard,
)
from zoo.errors import ModelNotFoundError, ModelNotInstalledError
from zoo.message import Message
from zoo.registry.catalogue import Catalogue, CatalogueEntry, read_catalogue, summarise
from zoo.registry.discovery import DISABLE, discover
from zoo.registry.found import Discovery, InstalledModel, Plugin
from zoo.registry.names import Index, canonical_distribution, fold

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
    card: ModelCard | None = None


class Registry:
    """The models of the installed plugins and of the catalogue.

    Args:
        discovery: The installed plugins.
        read: Reads the catalogue; called when it is needed and not before.
    """

    def __init__(self, discovery: Discovery, read: Callable[[], Catalogue] = read_catalogue) -> None:
        self.discovery = discovery
        self._read = read

    def list_models(
        self,
        pattern: str = "*",
        *,
        family: str | None = None,
        dataset: str | None = None,
        installed: bool | None = None,
        sort: Sort = "name",
    ) -> tuple[ModelEntry, ...]:
        """Lists models; see `zoo.list_models`."""
        if sort not in get_args(Sort):
            raise ValueError(
                Message("sort is {sort!r}; expected one of {choices:, }", sort=sort, choices=list(get_args(Sort)))
            )
        if family is not None:
            self.discovery.families.get(family)  # raises when two distributions bring it
        found = [
            entry
            for entry in self._entries()
            if _matches(entry, fold(pattern))
            and (family is None or fold(family) in (fold(entry.family), fold(entry.title)))
            and (dataset is None or dataset.casefold() == entry.dataset.casefold())
            and (installed is None or installed == (entry.card is not None))
        ]
        return tuple(sorted(found, key=_SORT_KEYS[sort]))

    def find(self, name: str) -> InstalledModel:
        """Finds an installed model; see `zoo.find_model`."""
        model = self.discovery.models.get(name)
        return model if model is not None else self._not_usable(name)

    def describe(self, name: str) -> ModelEntry:
        """Returns the entry of a model, installed or not.

        Raises:
            ModelNotFoundError: No model has this name.
            DuplicateNameError: Two distributions bring it.
        """
        model = self.discovery.models.get(name)
        if model is not None:
            return self._installed(model)
        entry = self._catalogued.get(name)
        return self._offered(entry) if entry is not None else self._not_usable(name)

    def suggestions(self, name: str) -> tuple[str, ...]:
        """Returns up to three names that look like this one."""
        import difflib

        names = {fold(known): entry.name for entry in self._entries() for known in (*entry.aliases, entry.name)}
        close = difflib.get_close_matches(fold(name), names, n=9, cutoff=0.6)
        return tuple(dict.fromkeys(names[key] for key in close))[:3]

    @functools.cached_property
    def catalogue(self) -> Catalogue:
        """The generated catalogue.

        Raises:
            RegistryError: It is missing or damaged.
        """
        return self._read()

    @functools.cached_property
    def _catalogued(self) -> Index[CatalogueEntry]:
        entries = self.catalogue.models
        names = ((name, entry) for entry in entries for name in (entry.name, *entry.aliases))
        return Index("model", ((name, entry.distribution, entry.distribution, entry) for name, entry in names))

    def _entries(self) -> Iterator[ModelEntry]:
        known: set[str] = set()
        for model in self.discovery.installed_models:
            known.add(fold(model.card.name))
            yield self._installed(model)
        for entry in self.catalogue.models:
            if fold(entry.name) not in known:
                yield self._offered(entry)

    def _installed(self, model: InstalledModel) -> ModelEntry:
        summary = summarise(model.card, model.family, model.distribution)
        status: Status = "installed"
        if self.discovery.models.is_clash(model.card.name):
            status = "name clash"
        elif summary.embedded:
            status = "embedded"
        elif _is_cached(model.card):
            status = "cached"
        return _entry(summary, status, card=model.card)

    def _offered(self, summary: CatalogueEntry) -> ModelEntry:
        plugin = self._plugin_of(summary)
        if plugin is None:
            return _entry(summary, "not installed", f"pip install {summary.distribution}")
        if plugin.disabled:
            return _entry(summary, "plugin disabled", f"unset {DISABLE}")
        if plugin.error is not None:
            return _entry(summary, "plugin broken", "zoo plugins check")
        return _entry(summary, "not installed", f"pip install --upgrade {summary.distribution}")

    def _plugin_of(self, summary: CatalogueEntry) -> Plugin | None:
        wanted = canonical_distribution(summary.distribution)
        return next((p for p in self.discovery.plugins if canonical_distribution(p.distribution) == wanted), None)

    def _not_usable(self, name: str) -> NoReturn:
        summary = self._catalogued.get(name)
        if summary is None:
            raise self._unknown(name)
        plugin = self._plugin_of(summary)
        if plugin is None:
            raise ModelNotInstalledError(
                "{model} is known, but its plugin is not installed.",
                "Run: pip install {distribution}",
                model=summary.name,
                distribution=summary.distribution,
            )
        if plugin.disabled:
            raise ModelNotInstalledError(
                "{model} is known, but {disable} leaves out its {plugin}.",
                "Run: unset {disable}",
                model=summary.name,
                disable=DISABLE,
                plugin=plugin,
            )
        if plugin.error is not None:
            raise ModelNotInstalledError(
                "{model} is known, but its {plugin} is broken: {reason}",
                plugin.error.hint,
                model=summary.name,
                plugin=plugin,
                reason=plugin.error.message,
            ) from plugin.error
        raise ModelNotInstalledError(
            "{model} is known, but the installed {plugin} does not bring it.",
            "Run: pip install --upgrade {distribution}",
            model=summary.name,
            plugin=plugin,
            distribution=summary.distribution,
        )

    def _unknown(self, name: str) -> ModelNotFoundError:
        close = self.suggestions(name)
        return ModelNotFoundError(
            "No model is called {name!r}. Did you mean {suggestions: or }?"
            if close
            else "No model is called {name!r}.",
            "Run: zoo list-models",
            name=name,
            suggestions=close,
        )


def registry() -> Registry:
    """Returns the registry of the installed plugins and this zoo-core's catalogue.

    What is wrong with a plugin is logged as a warning the first time.
    """
    return _registry(discover("zoo.models"))


def list_models(
    pattern: str = "*",
    *,
    family: str | None = None,
    dataset: str | None = None,
    installed: bool | None = None,
    sort: Sort = "name",
) -> tuple[ModelEntry, ...]:
    """Lists the models there are, installed or not.

    Args:
        pattern: Glob on names and aliases, such as "PP-LiteSeg*"; letter case does not matter.
        family: Only this family, by its short name or its title.
        dataset: Only models trained on this dataset.
        installed: True for models whose plugin is installed, False for the others, None for both.
        sort: "name", "family", "dataset", "miou" (best first) or "size" (smallest first); unknown figures come last.

    Raises:
        DuplicateNameError: Two distributions bring the family asked for.
        RegistryError: The catalogue is missing or damaged.
        ValueError: `sort` is none of these.
    """
    return registry().list_models(pattern, family=family, dataset=dataset, installed=installed, sort=sort)


def find_model(name: str) -> InstalledModel:
    """Finds an installed model.

    Args:
        name: Name or alias. Letter case does not matter, nor the ending "(slice)", and a blank, `_` or `-` may stand
            for another where only one model can be meant.

    Returns:
        Its card, family and distribution.

    Raises:
        ModelNotInstalledError: It exists, but its plugin is not installed, left out or broken.
        ModelNotFoundError: No model has this name.
        DuplicateNameError: Two distributions bring it.
    """
    return registry().find(name)


@functools.lru_cache(maxsize=1)
def _registry(discovery: Discovery) -> Registry:
    if problems := discovery.problems():
        import logging

        for problem in problems:
            logging.getLogger("zoo").warning("%s Other plugins go on working; see: zoo plugins", problem.message)
    return Registry(discovery)


def _matches(entry: ModelEntry, pattern: str) -> bool:
    names = (fold(name) for name in (entry.name, *entry.aliases))
    return any(name == pattern or fnmatchcase(name, pattern) for name in names)


def _is_cached(card: ModelCard) -> bool:
    from zoo.base.home import home
    from zoo.registry.records import (
        Wanted,
        kept,
    )

    return isinstance(card.weights, Artifact) and kept(home(), Wanted(card.name, "inference", card.weights)) is not None


def _entry(summary: CatalogueEntry, status: Status, install: str = "", card: ModelCard | None = None) -> ModelEntry:
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


_SORT_KEYS: dict[Sort, Callable[[ModelEntry], tuple[bool | str, float | str, str]]] = {
    "name": lambda e: (e.name.casefold(), e.distribution, ""),
    "family": lambda e: (e.family, e.name.casefold(), e.distribution),
    "dataset": lambda e: (e.dataset.casefold(), e.name.casefold(), e.distribution),
    "miou": lambda e: _number_key(None if e.miou is None else -e.miou, e.name),
    "size": lambda e: _number_key(e.size, e.name),
}
