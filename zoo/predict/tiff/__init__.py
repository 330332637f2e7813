"""Pictures that do not fit into memory: TIFF files read by rows of tiles, and label maps written while they are made.

TIFF itself is tifffile's work; here only the tiles or strips a row needs are decoded, and sizes are checked before
anything is allocated.
"""

from zoo.predict.tiff.read import TiffRows, open_tiff
from zoo.predict.tiff.segment import Progress, check_windows, segment_tiff
from zoo.predict.tiff.write import check_name, check_replaceable, write_labels

__all__ = [
    "Progress",
    "TiffRows",
    "check_name",
    "check_replaceable",
    "check_windows",
    "open_tiff",
    "segment_tiff",
    "write_labels",
]
