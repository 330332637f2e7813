"""The examination: every topic in its turn. Opens no socket, starts no engine and writes nothing that stays."""

from __future__ import annotations

from dataclasses import replace

from zoo.doctor.environment import settings
from zoo.doctor.findings import Report
from zoo.doctor.machine import system
from zoo.doctor.packages import packages
from zoo.doctor.parts import devices, engines, plugins
from zoo.doctor.storage import cache
from zoo.message import printable
from zoo.registry.discovery import discover


def examine() -> Report:
    """Looks at everything zoo depends on.

    Plugins are loaded as any other use of zoo loads them. Packages are not imported, and devices that must be asked in
    a process of their own are not asked.

    Returns:
        What was found. Faults of the machine, of a plugin or of a setting are findings and never raise. No finding
        holds the credentials of a proxy or mirror.
    """
    found = discover()
    findings = (
        *system(),
        *packages(),
        *plugins(found),
        *engines(found),
        *devices(found),
        *cache(),
        *settings(),
    )
    # Here once, and not at every place where a name, a path or a message comes in from outside.
    return Report(
        tuple(
            replace(
                finding,
                name=printable(finding.name),
                value=printable(finding.value),
                help=printable(finding.help),
            )
            for finding in findings
        )
    )
