"""Every model there is: found by name, listed by pattern. An installed card always beats the catalogue."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from typing import NoReturn, get_args

from zoo.contract.spec import Artifact, ModelCard
from zoo.errors import ModelNotFoundError, ModelNotInstalledError
from zoo.message import Message
from zoo.registry.catalogue import Catalogue, CatalogueEntry, read_catalogue, summarise
from zoo.registry.discovery import DISABLE, discover
from zoo.registry.entry import SORT_KEYS, ModelEntry, Sort, Status, fits_pattern, model_entry
from zoo.registry.found import Discovery, InstalledModel, Plugin
from zoo.registry.names import Index, canonical_distribution, fold

#: Endings of files that people give where a model is asked for.
_FILES = (
    ".pdparams",
    ".pdiparams",
    ".pdmodel",
    ".safetensors",
    ".json",
    ".yml",
    ".yaml",
    ".onnx",
    ".zoo",
    ".tar",
    ".pth",
)


class Registry:
    """The models of the installed plugins and of the catalogue.

    Args:
        discovery: The installed plugins.
        read: Reads the catalogue; called when it is needed and not before.
    """

    def __init__(self, discovery: Discovery, read: Callable[[], Catalogue]) -> None:
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
            if fits_pattern(entry, fold(pattern))
            and (family is None or fold(family) in (fold(entry.family), fold(entry.title)))
            and (dataset is None or dataset.casefold() == entry.dataset.casefold())
            and (installed is None or installed == (entry.card is not None))
        ]
        return tuple(sorted(found, key=SORT_KEYS[sort]))

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
        return model_entry(summary, status, card=model.card)

    def _offered(self, summary: CatalogueEntry) -> ModelEntry:
        plugin = self._plugin_of(summary)
        if plugin is None:
            return model_entry(summary, "not installed", f"pip install ./plugins/{summary.distribution}")
        if plugin.disabled:
            return model_entry(summary, "plugin disabled", f"unset {DISABLE}")
        if plugin.error is not None:
            return model_entry(summary, "plugin broken", "zoo plugins check")
        return model_entry(summary, "not installed", f"pip install --upgrade ./plugins/{summary.distribution}")

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
                "Run in a clone of zoo: pip install ./plugins/{distribution}  (it is on no public index yet)",
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
            "Run in a clone of zoo: pip install --upgrade ./plugins/{distribution}  (it is on no public index yet)",
            model=summary.name,
            plugin=plugin,
            distribution=summary.distribution,
        )

    def _unknown(self, name: str) -> ModelNotFoundError:
        if ("/" in name or name.lower().endswith(_FILES)) and not os.path.lexists(name):
            return ModelNotFoundError(
                "{name} does not exist, and no model is called so.",
                "Check the path, or run: zoo list-models",
                name=name,
            )
        if os.path.isdir(name):
            return ModelNotFoundError(
                "{name} is a folder without inference.yml, and no model is called so.",
                "Give the folder of an export, or run: zoo list-models",
                name=name,
            )
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
        sort: "name", "family", "dataset", "miou" (best first, one dataset after the other) or "size" (smallest first);
            unknown figures come last.

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
    return Registry(discovery, read_catalogue)


def _is_cached(card: ModelCard) -> bool:
    from zoo.base.home import RECORDS, home

    folder = home()
    # A listing where nothing was downloaded yet does without what reads records.
    if not isinstance(card.weights, Artifact) or not (folder / RECORDS).is_dir():
        return False
    from zoo.registry.records import Wanted, kept

    return kept(folder, Wanted(card.name, "inference", card.weights)) is not None
