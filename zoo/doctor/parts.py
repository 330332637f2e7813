"""What plugins bring: models, engines and devices, and what is wrong with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from zoo.doctor.findings import Finding
from zoo.engine.guard import guarded_backends, guarded_devices
from zoo.engine.kinds import device_states
from zoo.engine.trial import kept_trials
from zoo.errors import CacheError, RegistryError
from zoo.message import Message
from zoo.registry.catalogue import read_catalogue
from zoo.registry.discovery import DISABLE
from zoo.registry.found import Discovery, Plugin
from zoo.registry.names import canonical_distribution

_KEPT = Message("trials")
_REINSTALL = Message("Install zoo-core again from where it came.")


def plugins(found: Discovery) -> Iterator[Finding]:
    """Looks at every installed plugin: what it brings, or why it brings nothing."""
    if not any(plugin.group == "zoo.models" for plugin in found.plugins):
        yield Finding(
            "plugins",
            "models",
            Message("none installed"),
            "note",
            Message("Run in a clone of zoo: pip install ./plugins/zoo-plugin-starter"),
        )
    for plugin in found.plugins:
        yield from _plugin(plugin, found)


def engines(found: Discovery) -> Iterator[Finding]:
    """Looks at every engine and the devices it runs on, and at what is kept of trials. Starts none.

    Of devices for which something is not installed nothing is said here: `devices` says why.
    """
    devices = [device for device in guarded_devices(found) if not device.missing()]
    asked = [
        (backend, {device.kind: backend.supports(device, None) for device in devices})
        for backend in guarded_backends(found)
    ]
    nothing_runs = not any(probe.count for _, answers in asked for probe in answers.values())
    for backend, answers in asked:
        usable = [kind for kind, probe in answers.items() if probe.count]
        refusals = [(kind, probe) for kind, probe in answers.items() if not probe.count]
        reasons = [Message("not on {kind}: {reason}", kind=kind, reason=probe.reason) for kind, probe in refusals]
        facts = [Message("runs on {usable:, }", usable=usable), *reasons] if usable else reasons
        install = next((probe.install for _, probe in refusals if probe.install), "zoo plugins")
        # One that does not run is no problem while another does.
        state = "ok" if usable else "problem" if nothing_runs else "note"
        hint = "" if usable else Message("Run: {install}", install=install)
        yield Finding("engines", backend.name, Message("{facts:; }", facts=facts), state, hint)
    if not asked:
        yield Finding("engines", "engines", Message("none installed"), "problem", _REINSTALL)
    libraries = {
        backend.name: {library for probe in answers.values() if probe.count for library in probe.names}
        for backend, answers in asked
    }
    yield from _kept_trials({device.kind: device.install for device in devices}, libraries)


def devices(found: Discovery) -> Iterator[Finding]:
    """Looks at the devices as `zoo devices` does: asks none that must be asked in a process of its own."""
    installed = device_states(probe=False)
    for device in installed:
        if device.count is None:
            hint = Message("Run: zoo devices --probe")
            yield Finding("devices", device.kind, Message("installed; not asked for its devices"), "ok", hint)
        elif device.count:
            value = Message("{count}: {names:, }", count=device.count, names=device.names)
            yield Finding("devices", device.kind, value if device.names else str(device.count))
        else:
            hint = Message("Run: {install}", install=device.install) if device.install else ""
            yield Finding("devices", device.kind, Message("none: {reason}", reason=device.reason), "note", hint)
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
                Message(
                    "Run in a clone of zoo: pip install ./plugins/{distribution}  (it is on no public index yet)",
                    distribution=device.distribution,
                ),
            )


def _plugin(plugin: Plugin, found: Discovery) -> Iterator[Finding]:
    if plugin.disabled:
        value = Message("{plugin}, left out by {disable}", plugin=plugin.version, disable=DISABLE)
        yield Finding("plugins", plugin.distribution, value, "note", Message("Run: unset {disable}", disable=DISABLE))
        return
    if plugin.error is None:
        models = [card.name for family in plugin.families for card in family.cards]
        others = [*(d.kind for d in plugin.devices), *(b.name for b in (*plugin.backends, *plugin.formats))]
        brings = [*models, *others]
        yield Finding(
            "plugins",
            plugin.distribution,
            Message("{plugin}: {brings}", plugin=plugin.version, brings=", ".join(brings) or Message("brings nothing")),
        )
    for problem in found.problems(plugin):
        yield Finding("plugins", plugin.distribution, problem.message, "problem", problem.hint)


def _kept_trials(installs: Mapping[str, str], libraries: Mapping[str, set[str]]) -> Iterator[Finding]:
    """Counts what trials of programs on this machine found. Starts no trial.

    Args:
        installs: The command that installs paddle for a kind of device.
        libraries: Those of the engines that run here, with their versions.
    """
    damaged = 0
    counts: dict[tuple[str, str, bool], Counter[tuple[str, str]]] = {}
    try:
        for trial in kept_trials():
            if trial is None:
                damaged += 1
                continue
            ours = libraries.get(trial["engine"])
            # The cache folder is one for all environments of a user.
            what = ", ".join(trial["versions"]), trial["device"], bool(ours) and ours <= set(trial["versions"])
            counts.setdefault(what, Counter())[trial["setting"], trial["preferred"]] += 1
    except (OSError, CacheError):  # that the cache cannot be used is a finding of its own
        pass
    if damaged:
        value = Message("damaged records: {damaged}; their programs will be tried again", damaged=damaged)
        yield Finding("engines", _KEPT, value, "note")
    for (versions, device, is_here), settings in sorted(counts.items()):
        # A single program may need what its engine does wrongly in the preferred way; of most of them it says more.
        mostly = 2 * sum(count for (used, best), count in settings.items() if used == best) < settings.total()
        for (setting, preferred), count in sorted(settings.items()):
            where = Message("{device} with {setting}", device=device, setting=setting) if setting else device
            value = Message(
                "programs of {versions} that run on {where}: {count}", versions=versions, where=where, count=count
            )
            if not is_here:
                yield Finding("engines", _KEPT, Message("not of this environment: {programs}", programs=value))
            elif mostly and setting != preferred:
                install = installs.get(device.partition(":")[0]) or "zoo doctor"
                hint = Message(
                    "It is slower than {preferred}, which failed here. Run: {install}  (or, to try it again: "
                    "zoo cache rm --trials)",
                    preferred=preferred,
                    install=install,
                )
                yield Finding("engines", _KEPT, value, "note", hint)
            else:
                yield Finding("engines", _KEPT, value)
    if not counts and not damaged:
        yield Finding("engines", _KEPT, Message("none yet; a program is tried when it is first loaded"))
