"""Annotations of other tools brought to a dataset folder, and a dataset split."""

from zoo.learn.annotations.conversion import FORMS, Conversion, convert_annotations
from zoo.learn.annotations.wishes import Wishes

__all__ = ["FORMS", "Conversion", "Wishes", "convert_annotations"]
