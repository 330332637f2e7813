"""Engines that are not here: which one a word means, and how it is had."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from zoo.errors import BackendError, BackendNotInstalledError
from zoo.message import Message
from zoo.registry.catalogue import read_catalogue
from zoo.registry.discovery import DISABLE
from zoo.registry.found import Discovery
from zoo.registry.names import canonical_distribution

#: What others call an engine.
_ELSEWHERE = {"ort": "onnxruntime", "onnx": "onnxruntime", "ov": "openvino"}


def named_engine(name: str, found: Discovery) -> str:
    """Returns the engine that a word names, installed or one of zoo's plugins; empty where none has this name."""
    word = name.strip().lower()
    known = {*found.backends, *(engine.name for engine in read_catalogue().engines)}
    return meant if (meant := _ELSEWHERE.get(word, word)) in known else ""


def no_such_engine(name: str, found: Discovery, present: Sequence[str]) -> BackendError:
    """Returns the error for a name that no engine has that was found.

    Args:
        name: The name.
        found: The installed plugins.
        present: Names of the engines whose libraries are here.
    """
    here, meant = list(present) or [Message("none")], named_engine(name, found)
    if hint := how_to_get(meant or name, found):
        return BackendNotInstalledError(
            "The engine {engine} is disabled: {variable} leaves it out. Installed: {backends:, }."
            if _left_out(meant or name, found)
            else "The engine {engine} is not installed. Installed: {backends:, }.",
            hint,
            engine=meant or name,
            variable=DISABLE,
            backends=here,
        )
    close = [meant] if meant in found.backends else get_close_matches(name.lower(), found.backends, n=1, cutoff=0.5)
    faults = found.faults("zoo.backends")
    if faults and not close:
        return BackendError(
            "There is no engine called {name!r}. Installed: {backends:, }. {faults: }",
            "Run: zoo plugins",
            name=name,
            backends=here,
            faults=list(faults.values()),
        )
    return BackendError(
        "There is no engine called {name!r}. Installed: {backends:, }.",
        "Use backend='{meant}'"
        if close
        else "Use backend='auto'  (engines come from plugins; docs/engines.md shows one for ONNX)",
        name=name,
        meant=close[0] if close else "",
        backends=here,
    )


def how_to_get(name: str, found: Discovery) -> Message | None:
    """Returns the next step to an engine that is disabled, or one of zoo's that is not installed; None for others."""
    if name in found.backends:
        return None
    if _left_out(name, found):
        return Message("Run: unset {variable}  (it leaves {plugin} out)", variable=DISABLE, plugin=name)
    distribution = _distributions().get(name)
    if distribution is None or distribution in _installed(found):
        return None
    return Message(
        "Run in a clone of zoo: pip install ./plugins/{distribution}  (it is on no public index yet)",
        distribution=distribution,
    )


def other_ways(found: Discovery) -> Iterator[str]:
    """Yields how those of zoo's engines are had that are not here, each the end of a sentence."""
    known = _distributions()
    if any(_left_out(name, found) for name in known):
        yield f"unset {DISABLE}"
    if absent := sorted(set(known.values()) - _installed(found)):
        yield Message(
            "in a clone of zoo: pip install ./plugins/{distributions: or ./plugins/}, which is smaller",
            distributions=absent,
        )


def _distributions() -> dict[str, str]:
    return {engine.name: engine.distribution for engine in read_catalogue().engines}


def _installed(found: Discovery) -> set[str]:
    return {canonical_distribution(plugin.distribution) for plugin in found.plugins}


def _left_out(name: str, found: Discovery) -> bool:
    """Returns whether the plugin of an engine is disabled: it has its name, or is the one of zoo's that brings it."""
    distribution = _distributions().get(name)
    return any(
        plugin.disabled
        and plugin.group == "zoo.backends"
        and (plugin.name == name or canonical_distribution(plugin.distribution) == distribution)
        for plugin in found.plugins
    )
