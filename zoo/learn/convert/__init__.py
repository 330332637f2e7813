"""Programs of paddle in formats of others, beside them in their export folders; none of this needs paddle."""

from zoo.learn.convert.compare import Checked
from zoo.learn.convert.converters import EDGE_FORMS, FORMS, converter
from zoo.learn.convert.folder import convert_bundle, free_folder
from zoo.learn.convert.format_options import FormatOptions
from zoo.learn.convert.frame import check_divides

__all__ = [
    "EDGE_FORMS",
    "FORMS",
    "Checked",
    "FormatOptions",
    "check_divides",
    "convert_bundle",
    "converter",
    "free_folder",
]
