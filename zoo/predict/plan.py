"""The plan of a run: everything a model and its options decide before a picture is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from zoo.bundle.bundle import Bundle
from zoo.contract.labels import LabelMapping, LabelSet
from zoo.contract.spec import Step, ValueRange, Window
from zoo.errors import BundleError, ConfigError
from zoo.message import Message, joined_notes
from zoo.predict.arguments import Labels, RunOptions
from zoo.results.change import check_unknown
from zoo.results.drawing.palette import read_palette
from zoo.results.mapping import read_mapping
from zoo.segment.scores import score_kind
from zoo.segment.slide import Sliding, obstacle
from zoo.segment.transforms import Geometry, geometry_of
from zoo.segment.views import View, views_of
from zoo.segment.windows import check_window, usual_stride, window_multiple


@dataclass(frozen=True, eq=False)
class Part:
    """What the program runs of a picture at a time: one view of it.

    Attributes:
        view: The view.
        size: Its (height, width).
        steps: Its preprocessing.
        sliding: How it is cut into windows; None where it is taken in one piece.
    """

    view: View
    size: tuple[int, int]
    steps: tuple[Step, ...]
    sliding: Sliding | None

    @property
    def geometry(self) -> Geometry:
        """How the view lies in the input."""
        return geometry_of(self.size, self.steps)


@dataclass(frozen=True, eq=False)
class Plan:
    """What becomes of every picture of a run. It has no state: several threads may use one.

    Attributes:
        bundle: The model.
        sliding: Windows for pictures larger than one; None to take every picture whole.
        views: Views to average; empty for pictures as they are.
        scores: Whether the probability of the winning class is computed.
        min_score: Pixels whose probability is below it become unknown; None for no bound.
        value_range: Which values of more than 8 bits become black and white: as asked for, else as the model says.
        mapping: From the classes of the model to others, or None.
        labels: Classes of the results, in their colours.
        window_note: What a result says of its windows, or of having none.
        views_note: What a result says of its views.
        why: What a result says of why its engine ran it.
    """

    bundle: Bundle
    sliding: Sliding | None
    views: tuple[View, ...]
    scores: bool
    min_score: float | None
    value_range: ValueRange
    mapping: LabelMapping | None
    labels: LabelSet
    window_note: str
    views_note: str
    why: str = ""

    def parts(self, size: tuple[int, int]) -> tuple[Part, ...]:
        """Returns what the program runs of a picture of this (height, width), in this order.

        Raises:
            ConfigError: A scaled view of it would have too many pixels.
        """
        steps = self.bundle.preprocess
        sized = [(view, *view.sized(size, steps)) for view in self.views or (View(),)]
        sliding = self.sliding
        return tuple(Part(*each, sliding if sliding is not None and sliding.cuts(each[1]) else None) for each in sized)

    def note(self, size: tuple[int, int]) -> str:
        """Returns what the result of a picture of this (height, width) says of how it was run."""
        # A picture of one window was taken whole, as any other.
        uncut = self.sliding is not None and all(part.sliding is None for part in self.parts(size))
        return joined_notes("" if uncut else self.window_note, self.views_note)


def make_plan(bundle: Bundle, options: RunOptions) -> Plan:
    """Makes the plan of a run.

    Args:
        bundle: The model.
        options: How to run it.

    Raises:
        BundleError: Scores, windows or views are asked for and the program cannot give them.
        ConfigError: Labels, palette or windows are not possible, or nothing says how large the windows are.
        OutputError: No mask can hold the value of unknown pixels.
    """
    scores = options.scores or options.min_score is not None
    if scores:
        score_kind(bundle)
    if options.min_score is not None:
        check_unknown(bundle.labels)
    window, window_note = _choose_window(bundle, options)
    batch_size = 1 if options.batch_size == "auto" else options.batch_size
    views = views_of(options.flip, options.scales)
    mapping = mapping_of(options.labels, bundle.labels)
    classes = bundle.labels if mapping is None else mapping.labels
    if options.palette is not None:
        classes = replace(classes, palette=read_palette(options.palette, classes))
    return Plan(
        bundle,
        None if window is None else Sliding(window, bundle.preprocess, bundle.output_stride, batch_size),
        views,
        scores,
        options.min_score,
        bundle.value_range if options.value_range is None else options.value_range,
        mapping,
        classes,
        window_note,
        _describe_views(bundle, views),
    )


def mapping_of(labels: Labels | None, source: LabelSet) -> LabelMapping | None:
    """Returns the mapping that the option `labels` asks for, None for none.

    Args:
        labels: The option.
        source: The classes of the model.

    Raises:
        ConfigError: As `read_mapping`.
    """
    if isinstance(labels, Mapping) and "labels" not in labels:
        labels = {"labels": labels}
    return None if labels is None else read_mapping(labels, source)


def _describe_views(bundle: Bundle, views: tuple[View, ...]) -> str:
    if not views:
        return ""
    if bundle.output != "logits":
        raise BundleError(
            "{model} cannot be averaged over views: its program returns {output}. Logits were expected.",
            "Use flip=False and scales=(1.0,), or export the network with zoo, which keeps the logits.",
            model=bundle.model,
            output=bundle.output,
        )
    if len(views) == 1:
        return Message("scaled by {scale:g}", scale=views[0].scale)
    return Message("mean over {views} views", views=len(views))


def _choose_window(bundle: Bundle, options: RunOptions) -> tuple[Window | None, str]:
    """Decides whether large pictures are cut into windows, and what results say about it."""
    reason = obstacle(bundle)
    if options.mode == "whole":
        if options.window or options.stride:
            raise ConfigError(
                "mode is 'whole', which has no windows; window and stride were given.", "Use mode='slide'"
            )
        return None, ""
    if options.mode == "auto" and not options.window and not options.stride:
        if bundle.window is None:
            return None, ""
        if reason:
            return None, Message("whole picture, although the published figure is of windows: {reason}", reason=reason)
    if reason:
        raise BundleError(
            "{model} cannot be run in windows: {reason}.",
            "Use mode='whole', or export the network with zoo without a resizing step.",
            model=bundle.model,
            reason=reason,
        )
    window = _settle_window(bundle, options)
    (height, width), (down, right) = window.size, window.stride
    return window, Message(
        "windows of {height}x{width} every {down}x{right}", height=height, width=width, down=down, right=right
    )


def _settle_window(bundle: Bundle, options: RunOptions) -> Window:
    size = options.window or (bundle.window.size if bundle.window is not None else None)
    if size is None:
        raise ConfigError(
            "Nothing says how large the windows of {model} are.",
            "Use window=(512, 1024)  (height, width)",
            model=bundle.model,
        )
    published = bundle.window.stride if bundle.window is not None and options.window is None else None
    multiple = window_multiple(bundle.preprocess, bundle.output_stride)
    stride = options.stride or published or usual_stride((size[0], size[1]), multiple)
    window = Window((size[0], size[1]), (stride[0], stride[1]))
    check_window(window, multiple)
    return window
