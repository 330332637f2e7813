"""What plugins bring: models, engines and devices, and what is wrong with them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from zoo.base.home import home
from zoo.contract.device import Probe
from zoo.doctor.findings import Finding
from zoo.engine.guard import GuardedBackend, GuardedDevice, guarded_backends, guarded_devices
from zoo.engine.paddle_settings import SETTINGS
from zoo.errors import CacheError, RegistryError
from zoo.registry.catalogue import read_catalogue
from zoo.registry.discovery import DISABLE, Discovery, Plugin
from zoo.registry.names import canonical_distribution

# A setting of one single program, by its digest.
_SINGLE = re.compile(r"-[0-9a-f]{32}\.setting\.json$")
_KEPT = "paddle setting"
_PADDLE = 'Run: pip install "zoo-core[cpu]"'
_REINSTALL = "Run: pip install --force-reinstall zoo-core"


def plugins(found: Discovery) -> Iterator[Finding]:
    """Looks at every installed plugin: what it brings, or why it brings nothing."""
    if not found.plugins:
        yield Finding("plugins", "plugins", "none installed", "note", "Run: pip install zoo-plugin-starter")
    for plugin in found.plugins:
        yield from _plugin(plugin, found)


def engines(found: Discovery) -> Iterator[Finding]:
    """Looks at every engine and the devices it runs on, and at the setting kept for paddle. Starts none."""
    devices = list(guarded_devices(found))
    asked = [(backend, *_usable(backend, devices)) for backend in guarded_backends(found)]
    nothing_runs = not any(usable for _, usable, _ in asked)
    for backend, usable, refusals in asked:
        reasons = [f"not on {kind}: {probe.reason}" for kind, probe in refusals]
        value = "; ".join([f"runs on {', '.join(usable)}", *reasons] if usable else reasons)
        install = next((probe.install for _, probe in refusals if probe.install), "zoo plugins")
        # One that does not run is no problem while another does.
        state = "ok" if usable else "problem" if nothing_runs else "note"
        yield Finding("engines", backend.name, value, state, "" if usable else f"Run: {install}")
    if not asked:
        yield Finding("engines", "engines", "none installed", "problem", _REINSTALL)
    yield from _kept_settings(SETTINGS)


def devices(found: Discovery) -> Iterator[Finding]:
    """Looks at the devices: how many there are, or why there is none, or how to get their plugin."""
    installed = list(guarded_devices(found))
    for device in installed:
        probe = device.probe()
        if probe.count:
            names = f": {', '.join(probe.names)}" if probe.names else ""
            yield Finding("devices", device.kind, f"{probe.count}{names}")
        else:
            hint = f"Run: {probe.install}" if probe.install else ""
            yield Finding("devices", device.kind, f"none: {probe.reason}", "note", hint)
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
            yield Finding("devices", device.kind, "not installed", "ok", f"Run: pip install {device.distribution}")


def _plugin(plugin: Plugin, found: Discovery) -> Iterator[Finding]:
    if plugin.disabled:
        value = f"{plugin.version}, left out by {DISABLE}"
        yield Finding("plugins", plugin.distribution, value, "note", f"Run: unset {DISABLE}")
        return
    if plugin.error is None:
        models = [card.name for family in plugin.families for card in family.cards]
        brings = [*models, *(d.kind for d in plugin.devices), *(b.name for b in plugin.backends)]
        yield Finding("plugins", plugin.distribution, f"{plugin.version}: {', '.join(brings) or 'brings nothing'}")
    for problem in found.problems(plugin):
        yield Finding("plugins", plugin.distribution, problem.message, "problem", problem.hint)


def _usable(backend: GuardedBackend, devices: list[GuardedDevice]) -> tuple[list[str], list[tuple[str, Probe]]]:
    """Returns the kinds of device an engine runs on, and its answers for the others."""
    answers = [(device.kind, backend.supports(device, None)) for device in devices]
    return [kind for kind, probe in answers if probe.count], [
        (kind, probe) for kind, probe in answers if not probe.count
    ]


def _kept_settings(known: tuple[str, ...]) -> Iterator[Finding]:
    """Looks at what trials of paddle on this machine found; see zoo/engine/paddle_probe.py. Starts no trial."""
    try:
        records = sorted((home() / "engines").glob("paddle-*.setting.json"))
    except (OSError, CacheError):  # that the cache cannot be used is a finding of its own
        records = []
    kinds = [record for record in records if not _SINGLE.search(record.name)]
    for record in kinds:
        program = record.name.removesuffix(".setting.json")
        try:
            setting = json.loads(record.read_bytes())["setting"]
        except (OSError, ValueError, KeyError, TypeError):
            setting = None
        if setting not in known:
            yield Finding("engines", _KEPT, f"{program}: damaged; the settings will be tried again", "note")
        elif setting == known[0]:
            yield Finding("engines", _KEPT, f"{program}: {setting}")
        else:
            hint = f"It is slower than {known[0]}, which failed here. {_PADDLE}"
            yield Finding("engines", _KEPT, f"{program}: {setting}", "note", hint)
    if len(records) > len(kinds):
        yield Finding("engines", _KEPT, f"single programs without digests: {len(records) - len(kinds)}")
    if not records:
        yield Finding("engines", _KEPT, "none yet; the first model that is loaded will try them")
