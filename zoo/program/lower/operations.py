"""Every operation there is a translation for."""

from __future__ import annotations

from zoo.program.lower.call import Rule
from zoo.program.lower.rules import (
    activations,
    arithmetic,
    convolution,
    ends,
    norms,
    padding,
    picks,
    pooling,
    products,
    reductions,
    resize,
    shapes,
)

_MODULES = (
    activations,
    arithmetic,
    convolution,
    ends,
    norms,
    padding,
    picks,
    pooling,
    products,
    reductions,
    resize,
    shapes,
)
#: Rules by the name of the operation in PIR.
OPERATIONS: dict[str, Rule] = {name: rule for module in _MODULES for name, rule in module.RULES.items()}
