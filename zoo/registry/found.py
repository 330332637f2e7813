"""What discovery found: each plugin with what it brings or why it brings nothing, and all of them by name."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from zoo.contract.spec import Family, ModelCard
from zoo.errors import PluginError
from zoo.message import Message
from zoo.registry.names import Claim, Index

if TYPE_CHECKING:
    from zoo.contract.format import Format


@dataclass(frozen=True, slots=True)
class Plugin:
    """One entry point and what came of it.

    Attributes:
        name: Name of the entry point.
        group: Its entry-point group, such as "zoo.models".
        distribution: Name of the distribution that declares it.
        version: Version of that distribution.
        families: Model families it brings.
        devices: Devices it brings (`zoo.plugin.Device`).
        backends: Engines it brings (`zoo.plugin.Backend`).
        formats: Forms of results it brings.
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
    formats: tuple[Format, ...] = ()
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

    def __repr__(self) -> str:
        return f"<InstalledModel {self.card.name}: {self.family.title}, {self.distribution}>"


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
    def formats(self) -> Index[Format]:
        """Forms of results by name."""
        claims = ((plugin, form.name, form) for plugin in self.plugins for form in plugin.formats)
        return Index("format", ((name, str(p), p.distribution, form) for p, name, form in claims))

    @functools.cached_property
    def installed_models(self) -> tuple[InstalledModel, ...]:
        """Every model of every family that was loaded."""
        return tuple(
            InstalledModel(card, family, plugin.distribution)
            for plugin in self.plugins
            for family in plugin.families
            for card in family.cards
        )

    def owner(self, thing: object) -> Plugin:
        """Returns the plugin that brings a device or an engine of those that were found."""
        return next(p for p in self.plugins if any(thing is brought for brought in (*p.devices, *p.backends)))

    def faults(self, group: str) -> dict[str, Message]:
        """Returns why plugins of a group bring nothing, a sentence for each: what is not found may be theirs."""
        return {str(p): p.error.message for p in self.plugins if p.group == group and p.error is not None}

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
            "zoo.formats": (self.formats,),
        }
        groups = (plugin.group,) if plugin is not None else tuple(indexes)
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
