"""Checks of what a plugin's hook returned, so that everything after discovery can trust it.

Only what is needed to list and find things is checked here, and nothing is imported for it that the plugin has not
imported itself; `zoo.testing.FamilyContract` checks a family in depth.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.metadata import Distribution
from typing import TYPE_CHECKING, Any, NoReturn, cast, get_args

from zoo.contract.labels import LabelSet
from zoo.contract.spec import API, Artifact, Embedded, Family, Latency, Metric, ModelCard, Step, Window
from zoo.errors import PluginContractError
from zoo.message import Message
from zoo.registry.names import RULE, canonical_distribution, fold, is_valid

if TYPE_CHECKING:
    from zoo.contract.format import Format

_OPTIONAL_INT = (int, type(None))
_CARD_FIELDS: tuple[tuple[str, tuple[type, ...]], ...] = (
    ("name", (str,)),
    ("summary", (str,)),
    ("labels", (LabelSet,)),
    ("dataset", (str,)),
    ("license", (str,)),
    ("weights", (Artifact, Embedded)),
    ("output", (str,)),
    ("output_stride", (int,)),
    ("network_stride", (int,)),
    ("parameters", _OPTIONAL_INT),
    ("gmac", (int, float, type(None))),
    ("listed_size", _OPTIONAL_INT),
    ("pretrained", (Artifact, type(None))),
    ("paper", (str,)),
    ("self_test", (Embedded, type(None))),
    ("window", (Window, type(None))),
)
_CARD_TUPLES: tuple[tuple[str, type | tuple[type, ...]], ...] = (
    ("preprocess", get_args(Step)),
    ("metrics", Metric),
    ("latencies", Latency),
    ("aliases", str),
    ("devices", str),
    ("notes", str),
)


def check_families(plugin: str, result: object, distribution: Distribution | None) -> tuple[Family, ...]:
    """Returns the families a `zoo_families` hook brought.

    Args:
        plugin: How messages name the plugin.
        result: What the hook returned.
        distribution: Whose metadata says which zoo-core it wants, for the hint.

    Raises:
        PluginContractError: It is no sequence of families, a family is written for a newer contract, a field has
            another type than declared, or a name is not allowed.
    """
    families: list[Family] = []
    for item in _items(plugin, "zoo_families", result):
        if not isinstance(item, Family):
            _refuse(
                plugin,
                Message("zoo_families returned {item} where a zoo.plugin.Family was expected", item=_shown(item)),
            )
        _check_api(plugin, Message("the family {family!r}", family=item.name), item.api, distribution)
        _check_family(plugin, item)
        families.append(item)
    return tuple(families)


def check_devices(plugin: str, result: object, distribution: Distribution | None) -> tuple[Any, ...]:
    """Returns the devices a `zoo_devices` hook brought.

    Raises:
        PluginContractError: It is no sequence of `zoo.plugin.Device` objects with valid kinds, one is written for
            another contract, or its variables or the command that installs it are no texts.
    """
    from zoo.contract.device import Device

    devices = _items(plugin, "zoo_devices", result)
    for item in devices:
        if not isinstance(item, Device):
            _refuse(
                plugin,
                Message("zoo_devices returned {item} where a zoo.plugin.Device object was expected", item=_shown(item)),
            )
        kind = getattr(item, "kind", None)
        what = Message("the device {kind!r}", kind=kind)
        _check_api(plugin, what, getattr(item, "api", None), distribution)
        _check_name(plugin, "device", kind)
        _expect(plugin, what, "install", item.install, (str,))
        _expect(plugin, what, "environ", item.environ, (Mapping,))
        for variable, value in item.environ.items():
            _expect(plugin, what, "environ", variable, (str,))
            _expect(plugin, what, "environ", value, (str,))
    return devices


def check_backends(plugin: str, result: object, distribution: Distribution | None) -> tuple[Any, ...]:
    """Returns the engines a `zoo_backends` hook brought.

    Raises:
        PluginContractError: It is no sequence of objects with `name`, `api`, `supports` and `open`, or one is written
            for another contract.
    """
    backends = _items(plugin, "zoo_backends", result)
    for item in backends:
        name = getattr(item, "name", None)
        if isinstance(item, type) or not callable(getattr(item, "open", None)):
            _refuse(
                plugin,
                Message(
                    "zoo_backends returned {item} where a zoo.plugin.Backend object was expected", item=_shown(item)
                ),
            )
        _check_api(plugin, Message("the engine {name!r}", name=name), getattr(item, "api", None), distribution)
        if not callable(getattr(item, "supports", None)):
            _refuse(plugin, Message("the engine {name!r} has no method `supports`", name=name))
        _check_name(plugin, "engine", name)
    return backends


def check_formats(plugin: str, result: object, distribution: Distribution | None) -> tuple[Format, ...]:
    """Returns the forms of results a `zoo_formats` hook brought; each has checked its own fields.

    Raises:
        PluginContractError: It is no sequence of `zoo.plugin.Format`, or one is written for another contract.
    """
    from zoo.contract.format import Format

    formats = _items(plugin, "zoo_formats", result)
    for item in formats:
        if not isinstance(item, Format):
            _refuse(
                plugin, Message("zoo_formats returned {item} where a zoo.plugin.Format was expected", item=_shown(item))
            )
        _check_api(plugin, Message("the format {name!r}", name=item.name), item.api, distribution)
    return formats


def _check_api(plugin: str, what: str, api: object, distribution: Distribution | None) -> None:
    """Refuses what is written for another version of the contract, before anything else of it is looked at."""
    if api is not None:
        _expect(plugin, what, "api", api, (int,))
    if isinstance(api, int) and api > API:
        raise PluginContractError(
            "{plugin} brings {what}, written for version {api} of the plugin contract. This zoo-core knows "
            "version {known} and older.",
            "Install {wanted_core}.",
            plugin=plugin,
            what=what,
            api=api,
            known=API,
            wanted_core=_wanted_core(distribution),
        )
    if api is None or api != API:
        version = (
            Message("which does not say for which version")
            if api is None
            else Message("written for version {api}", api=api)
        )
        owner = distribution.name if distribution is not None else "PLUGIN"
        raise PluginContractError(
            "{plugin} brings {what}, {version} of the plugin contract. This zoo-core knows version {api}.",
            "Install a newer {owner}  (or write api={api} into it, if it is yours)",
            plugin=plugin,
            what=what,
            version=version,
            api=API,
            owner=owner,
        )


def _check_family(plugin: str, family: Family) -> None:
    _check_name(plugin, "family", family.name)
    for field in ("title", "network", "recipe"):
        _expect(plugin, Message("the family {family!r}", family=family.name), field, getattr(family, field), (str,))
    _expect(plugin, Message("the family {family!r}", family=family.name), "cards", family.cards, (tuple,))
    owners: dict[str, str] = {}
    for card in cast("tuple[object, ...]", family.cards):
        if not isinstance(card, ModelCard):
            _refuse(
                plugin,
                Message(
                    "the family {family!r} holds {card} where a ModelCard was expected",
                    family=family.name,
                    card=_shown(card),
                ),
            )
        _check_card(plugin, card)
        for name in {fold(name) for name in (card.name, *card.aliases)}:
            if name in owners:
                _refuse(
                    plugin,
                    Message(
                        "the models {owner!r} and {model!r} share the name {name!r}",
                        owner=owners[name],
                        model=card.name,
                        name=name,
                    ),
                )
            owners[name] = card.name


def _check_card(plugin: str, card: ModelCard) -> None:
    _check_name(plugin, "model", card.name)
    where = Message("the card {model!r}", model=card.name)
    for field, types in _CARD_FIELDS:
        _expect(plugin, where, field, getattr(card, field), types)
    for field, kinds in _CARD_TUPLES:
        values = getattr(card, field)
        _expect(plugin, where, field, values, (tuple,))
        for value in cast("tuple[object, ...]", values):
            _expect(plugin, where, field, value, kinds if isinstance(kinds, tuple) else (kinds,))
    for metric in card.metrics:
        _expect(plugin, where, "metrics", metric.value, (float, int))
        if not 0 <= metric.value <= 1:
            _refuse(
                plugin,
                Message(
                    "{where} gives {metric} as {metric_value}; a fraction of 1 was expected",
                    where=where,
                    metric=metric.name,
                    metric_value=metric.value,
                ),
            )
    for alias in card.aliases:
        _check_name(plugin, "model", alias)


def _check_name(plugin: str, kind: str, name: object) -> None:
    if not is_valid(name):
        _refuse(
            plugin, Message("the {kind} name {name!r} is not allowed; expected {rule}", kind=kind, name=name, rule=RULE)
        )
    if kind in ("device", "engine") and fold(cast("str", name)) == "auto":
        _refuse(
            plugin,
            Message("the {kind} name {name!r} is not allowed; it leaves the choice to zoo", kind=kind, name=name),
        )


def _items(plugin: str, hook: str, result: object) -> tuple[Any, ...]:
    if not isinstance(result, (list, tuple)):
        _refuse(
            plugin,
            Message("{hook} returned {result} where a list or tuple was expected", hook=hook, result=_shown(result)),
        )
    return tuple(cast("list[Any] | tuple[Any, ...]", result))


def _expect(plugin: str, where: str, field: str, value: object, types: tuple[type, ...]) -> None:
    if not isinstance(value, types):
        wanted = " or ".join("None" if kind is type(None) else kind.__name__ for kind in types)
        _refuse(
            plugin,
            Message(
                "{where} has {value} in {field!r} where {wanted} was expected",
                where=where,
                value=_shown(value),
                field=field,
                wanted=wanted,
            ),
        )


def _refuse(plugin: str, fault: str) -> NoReturn:
    raise PluginContractError(
        "{plugin} does not keep the contract: {reason}.", "Run: zoo plugins check", plugin=plugin, reason=fault
    )


def _shown(value: object) -> str:
    if isinstance(value, type):
        return Message("the class {value}", value=value.__name__)
    if value is None or isinstance(value, (str, int, float)):
        return repr(value)[:60]
    return Message("an object of type {type}", type=type(value).__name__)


def _wanted_core(distribution: Distribution | None) -> str:
    """Returns the requirement on zoo-core in a plugin's own metadata."""
    for requirement in (distribution.requires if distribution else None) or ():
        name, limits = re.findall(r"^([\w.\-]+)\s*(?:\[[^\]]*\])?\s*\(?([^;)]*)", requirement)[0]
        if canonical_distribution(name) == "zoo-core":
            return f"zoo-core{limits.strip()}"
    return "zoo-core"
