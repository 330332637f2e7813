"""The label mappings zoo brings: between the two numberings of Cityscapes, and from ADE20K to Cityscapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from zoo.contract.labels.ade20k import ADE20K
from zoo.contract.labels.cityscapes import CITYSCAPES
from zoo.contract.labels.label_set import LabelSet
from zoo.contract.labels.mapping import LabelMapping

# Names by id (mcordts/cityscapesScripts, helpers/labels.py). "license plate" has the id -1 and is in no mask.
_IDS = (
    "unlabeled",
    "ego vehicle",
    "rectification border",
    "out of roi",
    "static",
    "dynamic",
    "ground",
    "road",
    "sidewalk",
    "parking",
    "rail track",
    "building",
    "wall",
    "fence",
    "guard rail",
    "bridge",
    "tunnel",
    "pole",
    "polegroup",
    "traffic light",
    "traffic sign",
    "vegetation",
    "terrain",
    "sky",
    "person",
    "rider",
    "car",
    "truck",
    "bus",
    "caravan",
    "trailer",
    "train",
    "motorcycle",
    "bicycle",
)
# Colours of those that are no train id.
_COLORS = {
    "unlabeled": (0, 0, 0),
    "ego vehicle": (0, 0, 0),
    "rectification border": (0, 0, 0),
    "out of roi": (0, 0, 0),
    "static": (0, 0, 0),
    "dynamic": (111, 74, 0),
    "ground": (81, 0, 81),
    "parking": (250, 170, 160),
    "rail track": (230, 150, 140),
    "guard rail": (180, 165, 180),
    "bridge": (150, 100, 100),
    "tunnel": (150, 120, 90),
    "polegroup": (153, 153, 153),
    "caravan": (0, 0, 90),
    "trailer": (0, 0, 110),
    **dict(zip(CITYSCAPES.names, CITYSCAPES.palette, strict=True)),
}

#: The 34 ids of Cityscapes. Pixels without a class are "unlabeled", 0.
CITYSCAPES_IDS = LabelSet(
    "cityscapes-ids",
    _IDS,
    tuple(_COLORS[name] for name in _IDS),
    ignore_index=0,
)

# Classes of ADE20K whose definition lies within that of a class of Cityscapes. "traffic sign", "rider" and "train" have
# none: ADE20K's "signboard" is every sign, and "person" is also who rides. What is left out becomes unknown.
_ADE20K_TO_CITYSCAPES: Mapping[str, tuple[str, ...]] = {
    "road": ("road",),
    "sidewalk": ("sidewalk",),
    "building": ("building", "house", "skyscraper", "hovel", "tower"),
    "wall": ("wall",),
    "fence": ("fence",),
    "pole": ("pole", "streetlight"),
    "traffic light": ("traffic",),
    "vegetation": ("tree", "plant", "palm", "flower"),
    "terrain": ("grass", "earth", "field", "sand", "dirt", "land"),
    "sky": ("sky",),
    "person": ("person",),
    "car": ("car", "van"),
    "truck": ("truck",),
    "bus": ("bus",),
    "motorcycle": ("minibike",),
    "bicycle": ("bicycle",),
}


@dataclass(frozen=True, slots=True)
class Conversion:
    """A mapping between two known label sets.

    Attributes:
        source: The label set it starts from.
        mapping: The mapping.
    """

    source: LabelSet
    mapping: LabelMapping


def _convert(name: str, source: LabelSet, target: LabelSet, groups: Mapping[str, tuple[str, ...]]) -> Conversion:
    """Makes a conversion from the classes of the source that each class of the target takes."""
    table = [target.ignore_index] * len(source)
    for new, old in groups.items():
        for class_name in old:
            table[source.names.index(class_name)] = target.names.index(new)
    return Conversion(source, LabelMapping(name, target, tuple(table), source))


_SAME = {name: (name,) for name in CITYSCAPES.names}

#: By name: "cityscapes-ids", "cityscapes-trainids", "ade20k-to-cityscapes".
CONVERSIONS: Mapping[str, Conversion] = {
    conversion.mapping.name: conversion
    for conversion in (
        _convert("cityscapes-ids", CITYSCAPES, CITYSCAPES_IDS, _SAME),
        _convert("cityscapes-trainids", CITYSCAPES_IDS, CITYSCAPES, _SAME),
        _convert("ade20k-to-cityscapes", ADE20K, CITYSCAPES, _ADE20K_TO_CITYSCAPES),
    )
}

#: The mapping of mask files that count any classes from 1, such as those of ADE20K and LoveDA, where 0 is none.
FROM_ONE = "from-one"
#: By name, what the values of mask files may stand for.
TRUTHS = (*CONVERSIONS, FROM_ONE)
