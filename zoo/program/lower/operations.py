"""Every operation there is a translation for."""

from __future__ import annotations

from zoo.program.lower.call import Rule
from zoo.program.lower.rules import (
    activations,
    arithmetic,
    convolution,
    cuts,
    ends,
    logic,
    norms,
    padding,
    patches,
    picks,
    pooling,
    products,
    reductions,
    resize,
    shapes,
)

#: Modules of rules; each says at its top what it is about.
SUBJECTS = (
    ends,
    convolution,
    pooling,
    norms,
    activations,
    resize,
    patches,
    products,
    arithmetic,
    logic,
    reductions,
    shapes,
    cuts,
    padding,
    picks,
)
#: Rules by the name of the operation in PIR.
OPERATIONS: dict[str, Rule] = {name: rule for subject in SUBJECTS for name, rule in subject.RULES.items()}
