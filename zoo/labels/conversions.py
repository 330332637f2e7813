"""The label mappings zoo brings: between the two numberings of Cityscapes, and from ADE20K to Cityscapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from zoo.labels.ade20k import ADE20K
from zoo.labels.cityscapes import CITYSCAPES
from zoo.labels.label_set import LabelSet
from zoo.labels.mapping import LabelMapping

# Name and colour by id (mcordts/cityscapesScripts, helpers/labels.py). "license plate" has the id -1 and is in no mask.
_CITYSCAPES_IDS = (
    ("unlabeled", (0, 0, 0)),
    ("ego vehicle", (0, 0, 0)),
    ("rectification border", (0, 0, 0)),
    ("out of roi", (0, 0, 0)),
    ("static", (0, 0, 0)),
    ("dynamic", (111, 74, 0)),
    ("ground", (81, 0, 81)),
    ("road", (128, 64, 128)),
    ("sidewalk", (244, 35, 232)),
    ("parking", (250, 170, 160)),
    ("rail track", (230, 150, 140)),
    ("building", (70, 70, 70)),
    ("wall", (102, 102, 156)),
    ("fence", (190, 153, 153)),
    ("guard rail", (180, 165, 180)),
    ("bridge", (150, 100, 100)),
    ("tunnel", (150, 120, 90)),
    ("pole", (153, 153, 153)),
    ("polegroup", (153, 153, 153)),
    ("traffic light", (250, 170, 30)),
    ("traffic sign", (220, 220, 0)),
    ("vegetation", (107, 142, 35)),
    ("terrain", (152, 251, 152)),
    ("sky", (70, 130, 180)),
    ("person", (220, 20, 60)),
    ("rider", (255, 0, 0)),
    ("car", (0, 0, 142)),
    ("truck", (0, 0, 70)),
    ("bus", (0, 60, 100)),
    ("caravan", (0, 0, 90)),
    ("trailer", (0, 0, 110)),
    ("train", (0, 80, 100)),
    ("motorcycle", (0, 0, 230)),
    ("bicycle", (119, 11, 32)),
)

#: The 34 ids of Cityscapes. Pixels without a class are "unlabeled", 0.
CITYSCAPES_IDS = LabelSet(
    "cityscapes-ids",
    tuple(name for name, _ in _CITYSCAPES_IDS),
    tuple(color for _, color in _CITYSCAPES_IDS),
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
