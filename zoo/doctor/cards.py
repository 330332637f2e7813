"""What plugins point at: networks, recipes, encoders, folders, and whether those say what the card says."""

from __future__ import annotations

import re
from collections.abc import Iterator

from zoo.base.host import HOST
from zoo.bundle.bundle import read_bundle
from zoo.contract.refs import resolve
from zoo.contract.spec import Embedded, Family, ModelCard
from zoo.errors import PluginContractError, ZooError
from zoo.message import Message
from zoo.registry.discovery import Discovery, Plugin
from zoo.store.embedded import embedded_folder

#: Files of a self-test's folder.
PICTURE, MASK = "picture.png", "mask.png"


def card_problems(found: Discovery) -> Iterator[PluginContractError]:
    """Yields what is wrong with what cards and formats name. Networks, recipes and encoders are imported for it.

    Where something that is not the plugin's own is missing, such as paddle, its networks are not looked at.
    """
    for plugin in found.plugins:
        for family in plugin.families:
            for field in ("network", "recipe"):
                if fault := _reference_fault(getattr(family, field)):
                    yield _problem(plugin, Message("the {field} of {family!r}", field=field, family=family.name), fault)
            yield from _embedded_problems(plugin, family)
        for form in plugin.formats:
            if fault := _reference_fault(form.encode):
                yield _problem(plugin, Message("the encoder of {format!r}", format=form.name), fault)


def _embedded_problems(plugin: Plugin, family: Family) -> Iterator[PluginContractError]:
    for card in family.cards:
        for field in ("weights", "self_test"):
            place = getattr(card, field)
            if isinstance(place, Embedded) and (fault := _folder_fault(card, field, place)):
                yield _problem(plugin, Message("the {field} of {model!r}", field=field, model=card.name), fault)


def _problem(plugin: Plugin, what: Message, fault: str) -> PluginContractError:
    return PluginContractError(
        "The {plugin} does not keep the contract: {what}: {reason}.",
        "Correct the plugin, or install {distribution} again from where it came.",
        plugin=str(plugin),
        what=what,
        reason=fault,
        distribution=plugin.distribution,
    )


def _reference_fault(reference: str) -> str:
    """Returns why a reference leads nowhere; empty where it leads somewhere, or cannot be told."""
    if not reference:
        return ""
    try:
        with HOST.undisturbed():
            resolve(reference)
    except ZooError as error:
        return error.message
    except ImportError as cause:
        # Of another package, such as paddle, the plugin is not to blame.
        own = reference.partition(":")[0].partition(".")[0]
        missing = (cause.name or own).partition(".")[0]
        return str(cause) if missing == own else ""
    except KeyboardInterrupt:
        raise
    except BaseException as cause:
        return re.sub(r"\s+", " ", f"{type(cause).__name__}: {cause}")
    return ""


def _folder_fault(card: ModelCard, field: str, place: Embedded) -> str:
    """Returns what is wrong with a folder inside a package; empty where nothing is."""
    try:
        folder = embedded_folder(place)
        if field == "self_test":
            missing = [name for name in (PICTURE, MASK) if not (folder / name).is_file()]
            return Message("{folder} has no {missing:, }", folder=folder, missing=missing) if missing else ""
        bundle = read_bundle(folder)
        bundle.verify()
    except ZooError as error:
        return error.message
    except ImportError as cause:
        return str(cause)
    for name in ("output", "output_stride", "preprocess", "labels"):
        said, there = getattr(card, name), getattr(bundle, name)
        if said != there:
            return Message(
                "the card says {name} is {said!r:.80}, its folder {there!r:.80}", name=name, said=said, there=there
            )
    return ""
