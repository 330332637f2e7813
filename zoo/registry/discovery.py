"""Installed plugins: every entry point loaded alone, every failure kept with its cause and shown, none of them fatal.

pluggy's own loader stops at the first plugin that fails to import, so the entry points are walked here and each module
is given to a plugin manager of its own: a hook that fails cannot take others with it either. Commands that need no
plugin load none, and one that needs models loads no device or engine.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import io
import os
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from importlib import metadata
from typing import Any, TextIO, cast

import pluggy

from zoo.contract import hooks as hookspecs
from zoo.errors import PluginContractError, PluginError, PluginLoadError
from zoo.message import Message, described, printable
from zoo.registry.contract import check_backends, check_devices, check_families, check_formats
from zoo.registry.found import Discovery, Plugin
from zoo.registry.names import canonical_distribution

#: Entry-point groups and the hook each is asked for.
HOOKS = {
    "zoo.models": "zoo_families",
    "zoo.devices": "zoo_devices",
    "zoo.backends": "zoo_backends",
    "zoo.formats": "zoo_formats",
}

#: The field of a plugin that each hook fills, and what checks it.
_BROUGHT: dict[str, tuple[str, Callable[[str, object, metadata.Distribution | None], tuple[Any, ...]]]] = {
    "zoo_families": ("families", check_families),
    "zoo_devices": ("devices", check_devices),
    "zoo_backends": ("backends", check_backends),
    "zoo_formats": ("formats", check_formats),
}

#: The distribution whose own plugins are the processor, the paddle engine and the forms of results.
CORE = "zoo-core"

#: Environment variable: "1" or "all" leaves out every plugin but those of zoo-core, a comma list those distributions or
#: entry points.
DISABLE = "ZOO_DISABLE_PLUGINS"

#: How long a plugin may take to be loaded.
SECONDS = 20.0
# After how long that is said.
_PATIENCE = 3.0
# How much is shown of what it prints, in characters.
_SHOWN = 200


def discover(*groups: str) -> Discovery:
    """Finds and loads the installed plugins; the answer is kept until `refresh` is called.

    Args:
        groups: Entry-point groups to load; all of them when none is named.

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
                "Install {name} again from where it came.",
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
    loading = _Loading(plugin, point)
    # Standard output is for the user's data.
    with contextlib.redirect_stdout(cast("TextIO", _Aside(sys.stdout, loading))):
        cause = loading.fault()
    if printed := loading.printed():
        import logging

        logging.getLogger("zoo").warning("the %s printed while it was loaded: %s", plugin, printable(printed[:_SHOWN]))
    if cause is None or isinstance(cause, PluginError):
        return replace(loading.plugin, error=cause)
    error = PluginLoadError(
        "The {plugin} could not be loaded: {reason}.",
        "Install {distribution} again from where it came  (or leave it out: {disable}={distribution})",
        plugin=plugin,
        reason=described(cause),
        distribution=distribution,
        disable=DISABLE,
    )
    error.__cause__ = cause
    return replace(plugin, error=error)


class _Loading(threading.Thread):
    """Loads a plugin in a thread of its own: there is a limit to its time, and an interruption that its code raises is
    none of the user's.
    """

    def __init__(self, plugin: Plugin, point: metadata.EntryPoint) -> None:
        super().__init__(daemon=True)
        self.plugin = plugin
        self._held = _Held()
        self.said = io.TextIOWrapper(self._held, "utf-8", "replace", write_through=True)
        self._point = point
        self._fault: BaseException | None = None

    def run(self) -> None:
        try:
            self.plugin = _bring(self.plugin, self._point)
        except BaseException as cause:
            self._fault = cause

    def printed(self) -> str:
        """Returns what it printed."""
        return self._held.getvalue().decode("utf-8", "replace").strip()

    def fault(self) -> BaseException | None:
        """Loads it and returns why that failed."""
        self.start()
        self.join(_PATIENCE)
        if self.is_alive():
            import logging

            logging.getLogger("zoo").warning(
                "waiting for the %s to be loaded, %g seconds at most", self.plugin, SECONDS
            )
            self.join(SECONDS - _PATIENCE)
        if self.is_alive():
            return TimeoutError(Message("it takes more than {seconds:g} seconds", seconds=SECONDS))
        return self._fault


class _Held(io.BytesIO):
    """What a plugin printed; it stays when the plugin wraps its standard output anew, and so closes this one."""

    def close(self) -> None:
        """Keeps it."""


class _Aside:
    """Standard output, without what the thread that loads a plugin prints; other threads go on printing."""

    def __init__(self, stream: TextIO, loading: _Loading) -> None:
        self._stream, self._loading = stream, loading

    def fileno(self) -> int:
        """Returns the descriptor for what a plugin starts, never the one that a command keeps for its data."""
        return 1 if self._is_plugin() else self._stream.fileno()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loading.said if self._is_plugin() else self._stream, name)

    def _is_plugin(self) -> bool:
        return threading.current_thread() is self._loading


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
    field, check = _BROUGHT[hook]
    return replace(plugin, **{field: check(label, result, point.dist)})


def _identity(distribution: metadata.Distribution | None) -> tuple[str, str]:
    """Returns name and version; of a distribution without readable metadata the place where it lies."""
    if distribution is None:
        return Message("an unnamed distribution"), ""
    with contextlib.suppress(Exception):
        fields = distribution.metadata
        if "Name" in fields:
            return fields["Name"], distribution.version if "Version" in fields else ""
    return Message("a distribution with damaged METADATA in {folder}", folder=distribution.locate_file("")), ""
