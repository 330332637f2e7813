"""What a file in another format says of its model, as texts by name."""

from __future__ import annotations

import json
import math
from importlib import metadata

from zoo.bundle.bundle import Bundle
from zoo.bundle.foreign import unnamed_labels
from zoo.bundle.steps import write_step
from zoo.contract.spec import Normalize, Pad, Resize


def said_of(bundle: Bundle) -> dict[str, str]:
    """Returns everything that is needed to use the program; what is no text is JSON."""
    normalize = normalization(bundle)
    strides = (step.multiple for step in bundle.preprocess if isinstance(step, (Pad, Resize)))
    found = {
        "zoo_version": metadata.version("zoo-core"),
        "model": bundle.model,
        "output": bundle.output,
        "output_stride": json.dumps(bundle.output_stride),
        "stride": json.dumps(math.lcm(*strides)),
        "color_order": "RGB",
        "mean": json.dumps(normalize.mean),
        "std": json.dumps(normalize.std),
        "preprocess": json.dumps([write_step(step) for step in bundle.preprocess]),
    }
    labels = named_classes(bundle)
    if labels:
        found["labels"] = json.dumps(labels, ensure_ascii=False)
        found["colors"] = json.dumps(bundle.labels.palette)
        found["ignore_index"] = json.dumps(bundle.labels.ignore_index)
    return found


def normalization(bundle: Bundle) -> Normalize:
    """Returns the one step of every preprocessing that makes numbers of colours."""
    [step] = (step for step in bundle.preprocess if isinstance(step, Normalize))
    return step


def named_classes(bundle: Bundle) -> tuple[str, ...]:
    """Returns the names of the classes; none where the folder does not give them."""
    return () if bundle.labels == unnamed_labels() else bundle.labels.names
