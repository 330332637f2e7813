"""What zoo finds on this machine, and whether a model gives the result it must give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zoo.doctor.examination import examine
from zoo.doctor.findings import Finding, Report, State

if TYPE_CHECKING:
    from zoo.doctor.engines import EngineState
    from zoo.doctor.every import SelfTestFault, present_models, self_tests
    from zoo.doctor.trial import LEAST_AGREEMENT, BesideCpu, SelfTestResult, self_test

__all__ = [
    "LEAST_AGREEMENT",
    "BesideCpu",
    "EngineState",
    "Finding",
    "Report",
    "SelfTestFault",
    "SelfTestResult",
    "State",
    "examine",
    "present_models",
    "self_test",
    "self_tests",
]


def __getattr__(name: str) -> object:
    # The self-test needs numpy; the examination must work where numpy itself is what is broken.
    if name in __all__:
        from zoo.doctor import every, trial

        return getattr(every if hasattr(every, name) else trial, name)
    raise AttributeError(f"module 'zoo.doctor' has no attribute {name!r}")
