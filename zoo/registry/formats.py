"""The forms results are written in: zoo's own, and those that plugins bring through the group `zoo.formats`."""

from __future__ import annotations

from collections.abc import Mapping

from zoo.contract.format import Format
from zoo.contract.hooks import hookimpl

_PICTURES = "zoo.results.pictures"
_FORMATS = "zoo.results.formats"
# Pictures and the document of one result are one form to those that look for its outputs.
_RESULT = "zoo.result"
# A JPEG would change class values, and colours by which classes are told apart.
_PNG, _LOSSY = (".png",), (".png", ".jpg", ".jpeg")

_OWN = (
    Format(
        "json",
        "The result as a document, with its label map as runs",
        (".json",),
        ".json",
        "zoo.results.document:encode",
        api=1,
        form=_RESULT,
    ),
    Format(
        "overlay",
        "The picture under transparent class colours, with outlines and a legend of the classes that occur",
        _LOSSY,
        "_overlay.png",
        f"{_PICTURES}:overlay",
        api=1,
        form=_RESULT,
    ),
    Format("color", "The class colours alone, RGB", _PNG, "_color.png", f"{_PICTURES}:color", api=1, form=_RESULT),
    Format(
        "mask",
        "A PNG whose pixel values are the class values, with the palette; 16-bit grey without one for uint16 masks",
        _PNG,
        "_mask.png",
        f"{_PICTURES}:mask",
        api=1,
        form=_RESULT,
    ),
    Format(
        "side",
        "The picture, and the overlay at its right, with a legend",
        _LOSSY,
        "_side.png",
        f"{_PICTURES}:side",
        api=1,
        form=_RESULT,
    ),
    Format(
        "coco",
        "COCO stuff segmentation: an annotation a class, with run lengths, area, box, and the mean score if there are "
        "scores",
        (".json",),
        "_coco.json",
        f"{_FORMATS}.coco:encode",
        api=1,
        many=True,
    ),
    Format(
        "geojson",
        "GeoJSON: a polygon with holes for every region",
        (".geojson", ".json"),
        ".geojson",
        f"{_FORMATS}.geojson:encode",
        api=1,
    ),
    # LabelMe looks for the annotations of street.jpg in street.json.
    Format("labelme", "LabelMe: a polygon for every region", (".json",), ".json", f"{_FORMATS}.labelme:encode", api=1),
    Format(
        "cvat",
        "CVAT for images 1.1: a mask a class",
        (".xml",),
        "_cvat.xml",
        f"{_FORMATS}.cvat:encode",
        api=1,
        many=True,
    ),
    Format(
        "labelstudio",
        "Label Studio: tasks with predictions for its brush",
        (".json",),
        "_labelstudio.json",
        f"{_FORMATS}.labelstudio:encode",
        api=1,
        many=True,
    ),
    Format(
        "parquet",
        "Parquet: a row a picture with the runs of its label map, and the pixels and mean scores of its classes",
        (".parquet",),
        ".parquet",
        f"{_FORMATS}.parquet:encode",
        api=1,
        many=True,
    ),
)


@hookimpl
def zoo_formats() -> tuple[Format, ...]:
    """Returns zoo's own."""
    return _OWN


def format_names() -> tuple[str, ...]:
    """Returns the names of all forms, zoo's own first."""
    own = [form.name for form in _OWN]
    return tuple(sorted(_found(), key=lambda name: own.index(name) if name in own else len(own)))


def format_suffixes() -> frozenset[str]:
    """Returns what the name of a file of any form may end with."""
    return frozenset(suffix for form in all_formats() for suffix in form.suffixes)


def all_formats() -> tuple[Format, ...]:
    """Returns every form that a plugin brings, also those of one name, of which none can be used."""
    from zoo.registry.discovery import discover

    return tuple(form for plugin in discover("zoo.formats").plugins for form in plugin.formats)


def find_format(name: str) -> Format | None:
    """Returns the form of this very name.

    Raises:
        DuplicateNameError: Two plugins bring it.
    """
    return _found()[name] if name in tuple(_found()) else None


def _found() -> Mapping[str, Format]:
    # Whoever only asks for zoo's own hook has no need of plugins.
    from zoo.registry.discovery import discover

    return discover("zoo.formats").formats
