"""Label sets of the common datasets: names, palette, ignore index."""

from zoo.labels.ade20k import ADE20K
from zoo.labels.camvid import CAMVID
from zoo.labels.cityscapes import CITYSCAPES
from zoo.labels.label_set import Color, LabelSet, distinct_palette
from zoo.labels.mapping import LabelMapping
from zoo.labels.voc import VOC

__all__ = ["ADE20K", "CAMVID", "CITYSCAPES", "VOC", "Color", "LabelMapping", "LabelSet", "distinct_palette"]
