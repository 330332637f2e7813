"""The type of a label map in the Open Inference Protocol."""

from __future__ import annotations

from typing import Literal, TypeAlias

from zoo.contract.labels import LabelSet

LabelType: TypeAlias = Literal["UINT8", "INT32"]


def label_type(labels: LabelSet) -> LabelType:
    """Returns UINT8 where it can hold the values of all classes and of pixels without one, else INT32."""
    return "UINT8" if max(len(labels) - 1, labels.ignore_index) < 256 else "INT32"
