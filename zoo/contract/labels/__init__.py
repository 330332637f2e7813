"""Label sets of the common datasets: names, palette, ignore index."""

from zoo.contract.labels.ade20k import ADE20K
from zoo.contract.labels.camvid import CAMVID
from zoo.contract.labels.cityscapes import CITYSCAPES
from zoo.contract.labels.label_set import Color, LabelSet, distinct_palette
from zoo.contract.labels.mapping import LabelMapping
from zoo.contract.labels.voc import VOC

__all__ = ["ADE20K", "CAMVID", "CITYSCAPES", "VOC", "Color", "LabelMapping", "LabelSet", "distinct_palette"]
