"""Installed plugins: every entry point loaded alone, every failure kept with its cause and shown, none of them fatal.

pluggy's own loader stops at the first plugin that fails to import, so the entry points are walked here and each module
is given to a plugin manager of its own: a hook that fails cannot take others with it either. Commands that need no
plugin load none, and one that needs models loads no device or engine.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from importlib import metadata
from typing import Any, NamedTuple

import pluggy

from zoo.contract import hooks as hookspecs
from zoo.contract.spec import (
    Family,
    ModelCard,
)
from zoo.errors import PluginContractError, PluginError, PluginLoadError
from zoo.message import Message, described
from zoo.registry.contract import check_backends, check_devices, check_families
from zoo.registry.names import Claim, Index, canonical_distribution

#: Entry-point groups and the hook each is asked for.
HOOKS = {"zoo.models": "zoo_families", "zoo.devices": "zoo_devices", "zoo.backends": "zoo_backends"}

#: The distribution whose own plugins are the processor and the paddle engine.
CORE = "zoo-core"

#: Environment variable: "1" or "all" leaves out every plugin but those of zoo-core, a comma list those distributions or
#: entry points.
DISABLE = "ZOO_DISABLE_PLUGINS"


@dataclass(frozen=True, slots=True)
class Plugin:
    """One entry point and what came of it.

    Attributes:
        name: Name of the entry point.
        group: "zoo.models", "zoo.devices" or "zoo.backends".
        distribution: Name of the distribution that declares it.
        version: Version of that distribution.
        families: Model families it brings.
        devices: Devices it brings (`zoo.plugin.Device`).
        backends: Engines it brings (`zoo.plugin.Backend`).
        error: Why it brings nothing; None when it was loaded.
        disabled: It was left out on request and never imported.
    """

    name: str
    group: str
    distribution: str
    version: str
    families: tuple[Family, ...] = ()
    devices: tuple[Any, ...] = ()
    backends: tuple[Any, ...] = ()
    error: PluginError | None = None
    disabled: bool = False

    def __str__(self) -> str:
        if not self.version:
            return Message("plugin {name!r} of {distribution}", name=self.name, distribution=self.distribution)
        return Message(
            "plugin {name!r} of {distribution} {version}",
            name=self.name,
            distribution=self.distribution,
            version=self.version,
        )


class InstalledModel(NamedTuple):
    """A model whose plugin is installed."""

    card: ModelCard
    family: Family
    distribution: str


class Discovery:
    """The plugins found, in the order of group, distribution and name. Never changes.

    Args:
        plugins: The plugins.
    """

    def __init__(self, plugins: tuple[Plugin, ...] = ()) -> None:
        self.plugins = plugins

    @functools.cached_property
    def models(self) -> Index[InstalledModel]:
        """Installed models by name and alias."""
        return Index("model", self._model_claims())

    @functools.cached_property
    def families(self) -> Index[Family]:
        """Installed families by short name."""
        claims = ((plugin, family.name, family) for plugin in self.plugins for family in plugin.families)
        return Index("family", ((name, str(p), p.distribution, family) for p, name, family in claims))

    @functools.cached_property
    def devices(self) -> Index[Any]:
        """Devices by kind."""
        claims = ((plugin, device.kind, device) for plugin in self.plugins for device in plugin.devices)
        return Index("device", ((kind, str(p), p.distribution, device) for p, kind, device in claims))

    @functools.cached_property
    def backends(self) -> Index[Any]:
        """Engines by name."""
        claims = ((plugin, backend.name, backend) for plugin in self.plugins for backend in plugin.backends)
        return Index("engine", ((name, str(p), p.distribution, backend) for p, name, backend in claims))

    @functools.cached_property
    def installed_models(self) -> tuple[InstalledModel, ...]:
        """Every model of every family that was loaded."""
        return tuple(
            InstalledModel(card, family, plugin.distribution)
            for plugin in self.plugins
            for family in plugin.families
            for card in family.cards
        )

    def owner(self, thing: object) -> Plugin | None:
        """Returns the plugin that brings a device or an engine."""
        return next((p for p in self.plugins if any(thing is brought for brought in (*p.devices, *p.backends))), None)

    def problems(self, plugin: Plugin | None = None) -> tuple[PluginError, ...]:
        """Returns what is wrong with one plugin, or with all: load errors first, then names brought twice."""
        broken = tuple(p.error for p in self.plugins if p.error is not None and plugin in (None, p))
        if plugin is not None and (plugin.error is not None or plugin.disabled):
            return broken
        distribution = plugin.distribution if plugin is not None else None
        indexes: dict[str, tuple[Index[Any], ...]] = {
            "zoo.models": (self.families, self.models),
            "zoo.devices": (self.devices,),
            "zoo.backends": (self.backends,),
        }
        groups = (plugin.group,) if plugin is not None else tuple(HOOKS)
        return broken + tuple(
            clash for group in groups for index in indexes[group] for clash in index.clashes(distribution)
        )

    def _model_claims(self) -> Iterable[Claim[InstalledModel]]:
        for model in self.installed_models:
            owner = Message(
                "{distribution} (family {family!r})", distribution=model.distribution, family=model.family.name
            )
            for name in (model.card.name, *model.card.aliases):
                yield name, owner, model.distribution, model


def discover(*groups: str) -> Discovery:
    """Finds and loads the installed plugins; the answer is kept until `refresh` is called.

    Args:
        groups: Entry-point groups to load; all three when none is named.

    Returns:
        What was found; never raises for the sake of a plugin.
    """
    return _discover(groups or tuple(HOOKS), os.environ.get(DISABLE, ""))


def refresh() -> None:
    """Forgets what `discover` found, for instance after a plugin was installed. Imported modules stay imported."""
    _discover.cache_clear()
    _load_group.cache_clear()
    importlib.invalidate_caches()


def load_plugins(entry_points: Iterable[metadata.EntryPoint], disabled: str = "") -> Discovery:
    """Loads these entry points, each alone.

    Args:
        entry_points: Entry points of zoo's groups; others are passed over.
        disabled: Which to leave out, as in the environment variable ZOO_DISABLE_PLUGINS.
    """
    left_out = {canonical_distribution(name.strip()) for name in disabled.split(",") if name.strip()}
    plugins = [_load(point, left_out) for point in entry_points if point.group in HOOKS]
    groups = list(HOOKS)
    return Discovery(tuple(sorted(plugins, key=lambda p: (groups.index(p.group), p.distribution, p.name))))


@functools.cache
def _discover(groups: tuple[str, ...], disabled: str) -> Discovery:
    return Discovery(tuple(plugin for group in groups for plugin in _load_group(group, disabled)))


@functools.cache
def _load_group(group: str, disabled: str) -> tuple[Plugin, ...]:
    points, damaged = _entry_points(group)
    return (*load_plugins(points, disabled).plugins, *damaged)


def _entry_points(group: str) -> tuple[list[metadata.EntryPoint], list[Plugin]]:
    """Returns the installed entry points; of two copies of a distribution the first on sys.path counts."""
    with contextlib.suppress(Exception):
        return list(metadata.entry_points(group=group)), []
    # The standard library gives up on all of them when one distribution's entry_points.txt is damaged.
    points: list[metadata.EntryPoint] = []
    damaged: list[Plugin] = []
    seen: set[str] = set()
    for distribution in metadata.distributions():
        name, version = _identity(distribution)
        if canonical_distribution(name) in seen:
            continue
        seen.add(canonical_distribution(name))
        try:
            points += [point for point in distribution.entry_points if point.group == group]
        except Exception as cause:
            error = PluginLoadError(
                "The file entry_points.txt of {name} {version} cannot be read: {reason}.",
                "Run: pip install --force-reinstall {name}",
                name=name,
                version=version,
                reason=described(cause),
            )
            error.__cause__ = cause
            damaged.append(Plugin("entry_points.txt", group, name, version, error=error))
    return points, damaged


def _load(point: metadata.EntryPoint, left_out: set[str]) -> Plugin:
    distribution, version = _identity(point.dist)
    plugin = Plugin(point.name, point.group, distribution, version)
    named = {canonical_distribution(distribution), canonical_distribution(point.name)}
    # Without what zoo-core itself brings nothing runs: that is left out by its name only.
    if left_out & (named if CORE in named else {"1", "all", *named}):
        return replace(plugin, disabled=True)
    try:
        return _bring(plugin, point)
    except PluginError as error:
        return replace(plugin, error=error)
    except (Exception, SystemExit) as cause:
        error = PluginLoadError(
            "The {plugin} could not be loaded: {reason}.",
            "Run: pip install --upgrade --force-reinstall {distribution}  (or leave it out: {disable}={distribution})",
            plugin=plugin,
            reason=described(cause),
            distribution=distribution,
            disable=DISABLE,
        )
        error.__cause__ = cause
        return replace(plugin, error=error)


def _bring(plugin: Plugin, point: metadata.EntryPoint) -> Plugin:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    hook = HOOKS[plugin.group]
    try:
        manager.register(point.load(), plugin.name)
        manager.check_pending()
    except pluggy.PluginValidationError as cause:
        raise PluginContractError(
            "The {plugin} does not keep the contract: {reason}.",
            "Run: zoo plugins check",
            plugin=plugin,
            reason=described(cause),
        ) from cause
    caller = getattr(manager.hook, hook)
    if not caller.get_hookimpls():
        raise PluginContractError(
            "The {plugin} does not keep the contract: its module has no {hook} marked with zoo.plugin.hookimpl.",
            "Run: zoo plugins check",
            plugin=plugin,
            hook=hook,
        )
    answers = caller()
    result: object = answers[0] if answers else None  # pluggy leaves None out
    label = Message("The {plugin}", plugin=plugin)
    if hook == "zoo_families":
        return replace(plugin, families=check_families(label, result, point.dist))
    if hook == "zoo_devices":
        return replace(plugin, devices=check_devices(label, result, point.dist))
    return replace(plugin, backends=check_backends(label, result, point.dist))


def _identity(distribution: metadata.Distribution | None) -> tuple[str, str]:
    """Returns name and version; of a distribution without readable metadata the place where it lies."""
    if distribution is None:
        return Message("an unnamed distribution"), ""
    with contextlib.suppress(Exception):
        fields = distribution.metadata
        if "Name" in fields:
            return fields["Name"], distribution.version if "Version" in fields else ""
    return Message("a distribution with damaged METADATA in {folder}", folder=distribution.locate_file("")), ""
