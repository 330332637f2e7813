"""What plugins bring: models, engines and devices, and what is wrong with them."""

from __future__ import annotations

import importlib.util
from collections import Counter
from collections.abc import Iterable, Iterator

from zoo.contract.device import (
    Device,
    Probe,
)
from zoo.contract.engine import Backend
from zoo.doctor.findings import Finding
from zoo.engine.device import (
    CPU,
    available_cores,
)
from zoo.errors import CacheError, RegistryError
from zoo.message import Message
from zoo.registry.catalogue import read_catalogue
from zoo.registry.discovery import DISABLE, Discovery, Plugin
from zoo.registry.names import canonical_distribution

_KEPT = Message("paddle setting")
_PADDLE = Message('Run: pip install "zoo-core[cpu]"')
_REINSTALL = Message("Run: pip install --force-reinstall zoo-core")


def plugins(found: Discovery) -> Iterator[Finding]:
    """Looks at every installed plugin: what it brings, or why it brings nothing."""
    if not found.plugins:
        yield Finding(
            "plugins", "plugins", Message("none installed"), "note", Message("Run: pip install zoo-plugin-starter")
        )
    for plugin in found.plugins:
        yield from _plugin(plugin, found)


def engines(found: Discovery) -> Iterator[Finding]:
    """Looks at every engine and the devices it runs on, and at the settings kept for paddle. Starts none."""
    devices: list[Device] = [CPU(), *(device for plugin in found.plugins for device in plugin.devices)]
    try:
        from zoo.engine.paddle import PaddleBackend
        from zoo.engine.paddle_probe import kept_settings
        from zoo.engine.paddle_settings import SETTINGS
    except ImportError as error:  # numpy is broken or gone; this report is how the user learns of it
        yield Finding("engines", "paddle", Message("cannot be used: {reason}", reason=error), "problem", _REINSTALL)
    else:
        yield _paddle(PaddleBackend(), devices)
        yield from _kept_settings(kept_settings(), SETTINGS[0])
    for plugin in found.plugins:
        for backend in plugin.backends:
            usable, reasons = _usable(backend, devices)
            facts = [Message("runs on {usable:, }", usable=usable), *reasons] if usable else reasons
            yield Finding("engines", backend.name, Message("{facts:; }", facts=facts), "ok" if usable else "note")


def devices(found: Discovery) -> Iterator[Finding]:
    """Looks at the devices: how many there are, or why there is none, or how to get their plugin."""
    yield Finding("devices", "cpu", Message("cores: {available_cores}", available_cores=available_cores()))
    installed = [device for plugin in found.plugins for device in plugin.devices]
    for device in installed:
        probe = _probe(device)
        if probe.count:
            yield Finding("devices", device.kind, str(probe.count))
        else:
            yield Finding(
                "devices",
                device.kind,
                Message("none: {reason}", reason=probe.reason or Message("its plugin gives no reason")),
                "note",
            )
    try:
        catalogue = read_catalogue().devices
    except RegistryError as error:
        yield Finding("devices", "catalogue", error.message, "problem", error.hint)
        return
    kinds = {device.kind for device in installed}
    # Their plugins are there, but broken or left out; that is a finding of its own.
    present = {canonical_distribution(plugin.distribution) for plugin in found.plugins}
    for device in catalogue:
        if device.kind not in kinds and canonical_distribution(device.distribution) not in present:
            yield Finding(
                "devices",
                device.kind,
                "not installed",
                "ok",
                Message("Run: pip install {distribution}", distribution=device.distribution),
            )


def _plugin(plugin: Plugin, found: Discovery) -> Iterator[Finding]:
    if plugin.disabled:
        value = Message("{plugin}, left out by {disable}", plugin=plugin.version, disable=DISABLE)
        yield Finding("plugins", plugin.distribution, value, "note", Message("Run: unset {disable}", disable=DISABLE))
        return
    if plugin.error is None:
        models = [card.name for family in plugin.families for card in family.cards]
        brings = [*models, *(d.kind for d in plugin.devices), *(b.name for b in plugin.backends)]
        yield Finding(
            "plugins",
            plugin.distribution,
            Message("{plugin}: {brings}", plugin=plugin.version, brings=", ".join(brings) or Message("brings nothing")),
        )
    for problem in found.problems(plugin):
        yield Finding("plugins", plugin.distribution, problem.message, "problem", problem.hint)


def _paddle(paddle: Backend, devices: list[Device]) -> Finding:
    usable, reasons = _usable(paddle, devices)
    if not usable:
        return Finding("engines", paddle.name, Message("{facts:; }", facts=reasons), "problem", _PADDLE)
    if importlib.util.find_spec("setuptools") is None:
        # paddlepaddle imports it without asking for it in its metadata.
        return Finding(
            "engines", paddle.name, Message("setuptools, which it needs, is not installed"), "problem", _PADDLE
        )
    return Finding("engines", paddle.name, Message("runs on {usable:, }", usable=usable))


def _usable(backend: Backend, devices: list[Device]) -> tuple[list[str], list[str]]:
    """Returns the kinds of device an engine runs on, and for the others why not."""
    usable: list[str] = []
    reasons: list[str] = []
    for device in devices:
        try:
            probe = backend.probe(device)
        except Exception as error:  # a plugin's code
            probe = Probe(0, Message("its probe failed with {type}: {reason}", type=type(error).__name__, reason=error))
        if probe.count:
            usable.append(device.kind)
        else:
            reasons.append(
                Message("not on {kind}: {reason}", kind=device.kind, reason=probe.reason or Message("no reason given"))
            )
    return usable, reasons


def _probe(device: Device) -> Probe:
    try:
        return device.probe()
    except Exception as error:  # a plugin's code
        return Probe(0, Message("its probe failed with {type}: {reason}", type=type(error).__name__, reason=error))


def _kept_settings(kept: Iterable[tuple[str, str | None]], best: str) -> Iterator[Finding]:
    """Counts what trials of programs on this machine found; see zoo/engine/paddle_probe.py. Starts no trial."""
    versions: dict[str, Counter[str | None]] = {}
    try:
        for version, setting in kept:
            versions.setdefault(version, Counter())[setting] += 1
    except (OSError, CacheError):  # that the cache cannot be used is a finding of its own
        pass
    for version, counts in versions.items():
        if damaged := counts.pop(None, 0):
            value = Message(
                "damaged records of paddle {version}: {damaged}; their programs will be tried again",
                version=version,
                damaged=damaged,
            )
            yield Finding("engines", _KEPT, value, "note")
        # A single program may need what oneDNN runs wrongly; where most of them run slower, it is paddle.
        slower = 2 * counts[best] < counts.total()
        for setting, count in sorted(counts.items(), key=str):
            value = Message(
                "programs of paddle {version} that run with {setting}: {count}",
                version=version,
                setting=setting,
                count=count,
            )
            if slower and setting != best:
                hint = Message("It is slower than {best}, which failed here. {paddle}", best=best, paddle=_PADDLE)
                yield Finding("engines", _KEPT, value, "note", hint)
            else:
                yield Finding("engines", _KEPT, value)
    if not versions:
        yield Finding("engines", _KEPT, Message("none yet; a model tries them when it is first loaded"))
