"""The section `zoo:` of an export folder's settings, as it is written."""

from __future__ import annotations

from typing import Any

from zoo.bundle.bundle import Bundle
from zoo.bundle.class_section import class_section
from zoo.bundle.section_rules import FORMAT
from zoo.bundle.steps import write_step


def bundle_section(bundle: Bundle) -> dict[str, Any]:
    """Returns the `zoo:` section of a bundle's settings."""
    window, value_range = bundle.window, bundle.value_range
    section: dict[str, Any] = {
        "format": FORMAT,
        "model": bundle.model,
        "output": bundle.output,
        "output_stride": bundle.output_stride,
        "preprocess": [write_step(step) for step in bundle.preprocess],
        "labels": class_section(bundle.labels),
        "sha256": dict(bundle.digests),
    }
    if bundle.golden is not None:
        section["golden"] = bundle.golden.name
    if bundle.calibration is not None:
        section["calibration"] = bundle.calibration.name
    if bundle.training is not None:
        section["training"] = bundle.training.name
    if bundle.evaluation is not None:
        section["evaluation"] = bundle.evaluation.plain()
    if bundle.confidence is not None:
        section["confidence"] = bundle.confidence.plain()
    if window is not None:
        section["window"] = {"size": list(window.size), "stride": list(window.stride)}
    if value_range is not None:
        section["value_range"] = list(value_range) if isinstance(value_range, tuple) else value_range
    return section
