"""The options of a run: the one table of them.

What checks, keeps, shows and documents options follows this table, or is generated from it by `make options`. A new
option is a row here and the place that uses it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from zoo.contract.labels import LabelMapping
from zoo.message import Message
from zoo.settings.rules import BOOLEAN, VALUE_RANGE, array, optional, whole

#: What the name of a device, an engine and so on is completed from on the command line.
Names = Literal["", "device", "engine", "labels", "formats"]
Rule = dict[str, Any]


@dataclass(frozen=True)
class Option:
    """An option.

    Attributes:
        name: Its name in Python; in pipeline files too, unless `key` says otherwise.
        scope: What it belongs to: opening a model, running it, a pipeline alone, or what is written.
        rule: What its values may be, as a JSON schema of the words that `zoo.settings.check` knows; None for an object
            that only Python has.
        default: Its value where none is given.
        help: What it does, a sentence or two; given by keyword, so that it is found for translation.
        commands: The commands that take it.
        unset: What None means, for tables.
        flags: Its spelling on the command line where that is not `--name`.
        metavar: How its value is called there.
        names: What its value is completed from there.
        more: The place in the documentation that tells more.
        typed: Its help on the command line, where values are typed in another form.
        key: Its path in pipeline files, where that is not the name.
        settled: Makes the form that is kept of a value that follows the rule.
        given_as: Its type in Python, where that does not follow from the rule.
        kept_as: The type of the form that is kept, where that is another one.
        objects: Classes of objects that Python takes too, and that are looked at where they are used.
        by_position: Whether `Model.predict` takes it by position.
    """

    name: str
    scope: Literal["load", "predict", "pipeline", "save"]
    rule: Rule | None
    default: Any
    help: str
    typed: str = ""
    commands: tuple[str, ...] = ()
    unset: str = ""
    flags: tuple[str, ...] = ()
    metavar: str = ""
    names: Names = ""
    more: str = ""
    key: str = ""
    settled: Callable[[Any], Any] = lambda value: value
    given_as: str = ""
    kept_as: str = ""
    objects: tuple[type, ...] = ()
    by_position: bool = False

    @property
    def spellings(self) -> tuple[str, ...]:
        """Its spellings on the command line."""
        return self.flags or (f"--{self.name.replace('_', '-')}",)

    @property
    def is_switch(self) -> bool:
        """Whether it is on or off."""
        return self.rule is not None and self.forms[0].get("type") == "boolean"

    @property
    def forms(self) -> tuple[Rule, ...]:
        """The forms its values may have."""
        return () if self.rule is None else tuple(self.rule.get("anyOf", [self.rule]))

    @property
    def checked_rule(self) -> dict[str, Any]:
        """Its rule with the names that plugins may add to."""
        rule = dict(self.rule or {})
        if self.names == "formats":
            from zoo.registry.formats import format_names

            rule["items"] = {"enum": list(format_names())}
        return rule


def _tupled(value: Any) -> Any:
    return tuple(_tupled(item) for item in value) if isinstance(value, list) else value


def _pair(value: Any) -> Any:
    return (value, value) if isinstance(value, int) else _tupled(value)


def _sequence(value: Any) -> Any:
    return _tupled(value) if isinstance(value, list) else (value,)


def _path(value: Any) -> Any:
    return None if value is None else Path(os.path.expanduser(value))


def _labels(value: Any) -> Any:
    # In a pipeline file the key itself says what a file of its own says inside.
    return {"labels": value} if isinstance(value, dict) else value


# Control characters are in no name and no path; a zero byte would even cut one off.
TEXT = {"type": "string", "pattern": "^[^\\u0000-\\u001f]+$"}
_SIDE = whole(1, 65536)
_PAIR = array(_SIDE, 2, 2)
_COUNT = whole(1, 4096)
_SCALE = {"type": "number", "exclusiveMinimum": 0, "maximum": 16}
_HEX = {"title": Message("'#rrggbb' in quotes"), "type": "string", "pattern": "^#[0-9a-fA-F]{6}$"}
_COLOR = {"anyOf": [array(whole(0, 255), 3, 3), _HEX]}


def _mapping_to(items: Rule) -> Rule:
    return {"type": "object", "additionalProperties": items}


def _choice(*words: str) -> Rule:
    return {"enum": list(words)}


_RUNS = ("predict", "evaluate", "tiff")
_SERVED = (*_RUNS, "serve")

OPTIONS: tuple[Option, ...] = (
    Option(
        "device",
        "load",
        TEXT,
        "cpu",
        help="Such as cpu, gpu:0, gpu:0,1 for several, or auto.",
        commands=(*_SERVED, "lock"),
        names="device",
    ),
    Option(
        "backend",
        "load",
        TEXT,
        "auto",
        help="Name of an inference engine; or auto, which takes the fastest that is proven here, or that of the lock "
        "file.",
        commands=(*_SERVED, "lock"),
        names="engine",
        more="engines.md",
    ),
    Option(
        "threads",
        "load",
        optional(_COUNT),
        None,
        help="Threads of a CPU engine; by default all cores that the process may use.",
        commands=_SERVED,
        unset="all cores",
    ),
    Option(
        "streams",
        "load",
        optional(_COUNT),
        None,
        help=(
            "Pictures that run at the same time when there are many, each with its part of the threads; by default "
            "as many as there are threads, at most 4. 1 needs the least memory."
        ),
        commands=_RUNS,
        unset="as threads, at most 4",
        more="python.md#loading",
    ),
    Option(
        "workers",
        "load",
        optional(_COUNT),
        None,
        help=(
            "Processes that share the pictures and the threads of the processor; by default none but this one. Each of "
            "several devices has a process anyway."
        ),
        commands=_RUNS,
        unset="none but this one",
        more="devices.md#several-at-once",
    ),
    Option(
        "precision",
        "load",
        optional(_choice("float32", "bf16", "int8")),
        None,
        help=(
            "Precision of the engine's arithmetic; by default float32, or that of the lock file. bf16 and int8 are "
            "faster where the processor has them, and change some pixels; they are used where enough of them stay the "
            "same."
        ),
        commands=(*_SERVED, "lock"),
        unset="float32",
        more="engines.md#precision",
    ),
    Option(
        "enable_hpi",
        "pipeline",
        BOOLEAN,
        False,
        help=(
            "High-performance inference, as PaddleX calls it: the fastest engine whose masks are right here, as with "
            "backend auto, also where a file names another one."
        ),
        commands=("predict", "serve"),
        flags=("--enable-hpi", "--use-hpip"),
        more="paddlex.md#engines",
    ),
    Option(
        "target_size",
        "pipeline",
        optional(_SIDE, {"const": -1}, _PAIR),
        None,
        help=(
            "Replaces the model's own resizing: pictures are fitted into one side or [height, width], both rounded "
            "up to multiples of 32; -1 leaves them as they are; null keeps the model's own."
        ),
        settled=_tupled,
    ),
    Option(
        "batch_size",
        "predict",
        {"anyOf": [_SIDE, {"const": "auto"}]},
        1,
        help=(
            "Pictures of one input size, or windows, that run together; auto measures. The results do not depend on it."
        ),
        commands=_RUNS,
        by_position=True,
    ),
    Option(
        "on_error",
        "predict",
        _choice("raise", "skip"),
        "raise",
        help="Stop at the first bad input, or go on and list it.",
        commands=("predict", "evaluate"),
        by_position=True,
    ),
    Option(
        "recursive",
        "predict",
        BOOLEAN,
        False,
        help="Read the folders inside folders too.",
        commands=("predict",),
        flags=("--recursive", "-r"),
    ),
    Option(
        "frames",
        "predict",
        _choice("first", "all"),
        "first",
        help="Frames of animations and TIFF files; PDF and video files are read whole.",
        commands=("predict",),
        more="inputs.md#several-pictures-in-one-file",
    ),
    Option("color", "predict", _choice("rgb", "bgr"), "rgb", help="Order of the channels in arrays."),
    Option(
        "value_range",
        "predict",
        VALUE_RANGE,
        None,
        help=(
            "The values of more than 8 bits a channel that become black and white: two numbers, or auto for those of "
            "each picture, which zoo tiff does not take; by default "
            "what the model's folder says, else the lowest and the highest of their type."
        ),
        commands=(*_SERVED, "export"),
        unset="the whole type",
        flags=("--range",),
        metavar="LOW HIGH",
        more="inputs.md#more-than-8-bits-a-channel",
    ),
    Option(
        "max_pixels",
        "predict",
        optional(whole(1, 2**31 - 1)),
        None,
        help="Most pixels of a picture, which is in memory whole; by default ZOO_MAX_PIXELS, or 89 million.",
        commands=("predict", "evaluate", "serve"),
        unset="89 million",
        more="inputs.md#what-is-a-picture",
    ),
    Option(
        "scores",
        "predict",
        BOOLEAN,
        False,
        help="Compute the probability of the winning class in every pixel.",
        commands=("predict",),
        more="results.md#scores-and-unknown-pixels",
    ),
    Option(
        "min_score",
        "predict",
        optional({"type": "number", "minimum": 0, "maximum": 1}),
        None,
        help="Pixels whose winning class is less probable, 0 to 1, become unknown.",
        commands=_SERVED,
        more="results.md#scores-and-unknown-pixels",
    ),
    Option(
        "labels",
        "predict",
        optional(TEXT, _mapping_to(array(TEXT, 1, 65536))),
        None,
        help=(
            "Other classes: a YAML file, or the name of a built-in mapping; in Python and pipeline files also {new: "
            "[old, ...]}."
        ),
        typed="Other classes: a YAML file, or the name of a built-in mapping.",
        commands=_SERVED,
        names="labels",
        more="results.md#other-classes",
        settled=_labels,
        given_as="Labels | None",
        objects=(LabelMapping, Mapping, os.PathLike),
    ),
    Option(
        "palette",
        "predict",
        optional(array(_COLOR, 1, 65536), _mapping_to(_COLOR), _choice("colorblind")),
        None,
        help=(
            "Other colours, '#rrggbb' or [red, green, blue]: of some classes by name, or of all in the order of their "
            "values; or colorblind, colours that everybody can tell apart."
        ),
        typed=(
            "Another colour of a class, such as road=#804080, may be repeated; or colorblind, colours that everybody "
            "can tell apart."
        ),
        commands=("predict", "serve"),
        unset="the card's",
        metavar="CLASS=#rrggbb",
        more="results.md#colours",
        settled=_tupled,
        given_as="Any",
        objects=(Mapping, Iterable),
    ),
    Option(
        "mode",
        "predict",
        _choice("auto", "whole", "slide"),
        "auto",
        help="Whole pictures, sliding windows, or what the model is published with.",
        commands=("predict", "evaluate", "serve"),
        more="large-pictures.md",
    ),
    Option(
        "window",
        "predict",
        optional(_SIDE, _PAIR),
        None,
        help="Height and width of a sliding window; by default the published one.",
        commands=_SERVED,
        unset="the published one",
        metavar="HEIGHT WIDTH",
        settled=_pair,
        kept_as="tuple[int, int] | None",
    ),
    Option(
        "stride",
        "predict",
        optional(_SIDE, _PAIR),
        None,
        help="Steps of the window, down and right; by default the published ones, else three quarters of the window.",
        commands=_SERVED,
        unset="the published ones",
        metavar="DOWN RIGHT",
        settled=_pair,
        kept_as="tuple[int, int] | None",
    ),
    Option(
        "flip",
        "predict",
        BOOLEAN,
        False,
        help="Average with the mirrored picture.",
        commands=("predict", "evaluate", "serve"),
        more="large-pictures.md#views-flip-and-scales",
    ),
    Option(
        "scales",
        "predict",
        {"anyOf": [_SCALE, array(_SCALE, 1, 64)]},
        (1.0,),
        help="Average over these factors of the size, such as 0.75, 1, 1.25.",
        commands=("predict", "evaluate", "serve"),
        more="large-pictures.md#views-flip-and-scales",
        settled=_sequence,
        given_as="Sequence[float] | float",
        kept_as="tuple[float, ...]",
    ),
    Option(
        "live",
        "predict",
        BOOLEAN,
        False,
        help=(
            "Take the next input only after the result before it was handed out, for a camera or a source that waits "
            "for answers; slower than reading ahead."
        ),
        more="inputs.md",
    ),
    Option(
        "skip",
        "predict",
        None,
        None,
        help=(
            "A function that is asked about every input, with its name and uri, before it is read; True passes it over."
        ),
        given_as="Callable[[Input], bool] | None",
    ),
    Option(
        "save_path",
        "save",
        optional(TEXT),
        None,
        help="Folder for the results; on the command line also a file for one form of them.",
        commands=("predict",),
        flags=("--save-path", "-o"),
        metavar="PATH",
        more="results.md#where-files-go",
        key="save.path",
        settled=_path,
        given_as="str | os.PathLike[str] | None",
        kept_as="Path | None",
    ),
    Option(
        "save_kinds",
        "save",
        array(TEXT, 1, 64),
        ("overlay", "mask", "json"),
        help="What to save of a result.",
        commands=("predict",),
        flags=("--save",),
        names="formats",
        more="results.md#where-files-go",
        key="save.kinds",
        settled=_tupled,
        given_as="Sequence[str]",
        kept_as="tuple[str, ...]",
    ),
    Option(
        "keep_tree",
        "save",
        BOOLEAN,
        False,
        help="Put the results of a folder's sub-folders into sub-folders of the same names.",
        commands=("predict",),
        more="results.md#where-files-go",
        key="save.keep_tree",
    ),
    Option(
        "save_tolerance",
        "save",
        {"type": "number", "minimum": 0, "maximum": 1000},
        2.0,
        help=(
            "Pixels by which the outlines of labelme and geojson may leave the exact ones, so that there are fewer "
            "corners to correct; 0 for exact ones."
        ),
        commands=("predict",),
        flags=("--tolerance",),
        more="results.md#other-programs",
        key="save.tolerance",
    ),
    Option(
        "save_min_area",
        "save",
        whole(0, 1 << 30),
        100,
        help=("Smaller regions, in pixels, become part of their neighbours in labelme, geojson and cvat; 0 for none."),
        commands=("predict",),
        flags=("--min-area",),
        more="results.md#other-programs",
        key="save.min_area",
    ),
    Option(
        "save_coordinates",
        "save",
        _choice("picture", "map"),
        "picture",
        help="Coordinates of geojson: pixels of the picture, or those of the map that a GeoTIFF lies on.",
        commands=("predict",),
        flags=("--coordinates",),
        more="results.md#other-programs",
        key="save.coordinates",
    ),
    Option(
        "save_opacity",
        "save",
        {"type": "number", "minimum": 0, "maximum": 1},
        0.4,
        help="Weight of the class colours in overlays: 0 shows the picture, 1 the colours alone.",
        commands=("predict",),
        flags=("--opacity",),
        more="results.md#pictures",
        key="save.opacity",
    ),
    Option(
        "save_outline",
        "save",
        BOOLEAN,
        True,
        help="Draw the edges of the regions in overlays.",
        commands=("predict",),
        flags=("--outline",),
        key="save.outline",
    ),
    Option(
        "save_names",
        "save",
        BOOLEAN,
        False,
        help="Write the names of the classes into the large regions of overlays.",
        commands=("predict",),
        flags=("--names",),
        key="save.names",
    ),
    Option(
        "save_legend",
        "save",
        optional(BOOLEAN),
        None,
        help="Add a panel with the classes, or not; by default to overlays and not to colour pictures.",
        commands=("predict",),
        flags=("--legend",),
        unset="overlays have one",
        key="save.legend",
    ),
    Option(
        "save_font",
        "save",
        optional(TEXT),
        None,
        help="A font file for names and legends, where their letters ask for one.",
        commands=("predict",),
        flags=("--font",),
        metavar="FILE",
        unset="Pillow's, or one of the system",
        more="results.md#pictures",
        key="save.font",
        settled=_path,
        given_as="str | os.PathLike[str] | None",
        kept_as="Path | None",
    ),
)

BY_NAME: Mapping[str, Option] = {option.name: option for option in OPTIONS}


def names_of(*scopes: str) -> tuple[str, ...]:
    """Returns the names of the options of some scopes, in the order of the table."""
    return tuple(option.name for option in OPTIONS if option.scope in scopes)


def options_of(command: str) -> tuple[Option, ...]:
    """Returns the options that a command takes, in the order of the table."""
    return tuple(option for option in OPTIONS if command in option.commands)
