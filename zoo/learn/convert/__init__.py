"""Programs of paddle in formats of others, beside them in their export folders; none of this needs paddle."""

from zoo.learn.convert.compare import Comparison
from zoo.learn.convert.folder import convert_bundle, free_folder
from zoo.learn.convert.forms import FORMS, converter

__all__ = ["FORMS", "Comparison", "convert_bundle", "converter", "free_folder"]
