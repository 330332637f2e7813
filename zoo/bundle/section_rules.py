"""What may stand in the section `zoo:` of an export folder's settings."""

from __future__ import annotations

from zoo.bundle.class_section import CLASS_SECTION
from zoo.bundle.facts import CONFIDENCE, EVALUATION
from zoo.bundle.foreign import file_name_rule
from zoo.bundle.steps import SIDES, STEP
from zoo.settings.rules import SHA256, TEXT, VALUE_RANGE, array, mapping, optional, whole

#: Version of the section.
FORMAT = 1

#: The section. Other keys may stand there, for people and for versions to come.
SECTION = mapping(
    {
        "format": {"const": FORMAT},
        "model": TEXT,
        "output": {"enum": ["logits", "labels"]},
        "output_stride": whole(1, 64),
        "preprocess": array(STEP),
        "labels": CLASS_SECTION,
        "sha256": {"type": "object", "additionalProperties": SHA256},
    },
    {
        "program": optional(file_name_rule()),
        "params": optional(file_name_rule()),
        "golden": optional(file_name_rule()),
        "calibration": optional(file_name_rule()),
        "training": optional(file_name_rule()),
        "evaluation": optional(EVALUATION),
        "confidence": optional(CONFIDENCE),
        "window": optional(mapping({"size": SIDES, "stride": SIDES})),
        "value_range": VALUE_RANGE,
    },
)
