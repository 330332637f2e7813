"""Results for other programs, one module a format."""

from zoo.results.formats.coco import encode_rle, to_coco
from zoo.results.formats.cvat import to_cvat
from zoo.results.formats.detections import to_supervision
from zoo.results.formats.geojson import to_geojson
from zoo.results.formats.labelme import read_labelme, to_labelme
from zoo.results.formats.labelstudio import to_labelstudio
from zoo.results.formats.polygons import Polygon, trace
from zoo.results.formats.table import to_pandas

__all__ = [
    "Polygon",
    "encode_rle",
    "read_labelme",
    "to_coco",
    "to_cvat",
    "to_geojson",
    "to_labelme",
    "to_labelstudio",
    "to_pandas",
    "to_supervision",
    "trace",
]
