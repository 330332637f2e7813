"""Programs of paddle in formats of others, beside them in their export folders; none of this needs paddle."""

from zoo.learn.convert.compare import Checked
from zoo.learn.convert.converters import FORMS, converter
from zoo.learn.convert.folder import convert_bundle, free_folder

__all__ = ["FORMS", "Checked", "convert_bundle", "converter", "free_folder"]
