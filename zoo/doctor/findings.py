"""The report of an examination, as frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: "note" is fine but worth knowing; "problem" keeps something from working.
State = Literal["ok", "note", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        topic: "system", "packages", "plugins", "engines", "devices", "cache" or "settings".
        name: What was looked at.
        value: What was found.
        state: What that means.
        help: The command or action that helps; never empty for a problem.
    """

    topic: str
    name: str
    value: str
    state: State = "ok"
    help: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All findings, those of one topic together."""

    findings: tuple[Finding, ...]

    @property
    def problems(self) -> tuple[Finding, ...]:
        """The findings that keep something from working."""
        return tuple(finding for finding in self.findings if finding.state == "problem")
