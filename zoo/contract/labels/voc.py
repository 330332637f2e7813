"""The 21 classes of PASCAL VOC 2012, background first."""

from zoo.contract.labels.label_set import LabelSet, distinct_palette

_NAMES = (
    "background",
    "aeroplane",
    "bicycle",
    "bird",
    "boat",
    "bottle",
    "bus",
    "car",
    "cat",
    "chair",
    "cow",
    "diningtable",
    "dog",
    "horse",
    "motorbike",
    "person",
    "pottedplant",
    "sheep",
    "sofa",
    "train",
    "tvmonitor",
)

VOC = LabelSet("voc", _NAMES, distinct_palette(len(_NAMES)))
