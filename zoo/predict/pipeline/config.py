"""PipelineConfig: what a pipeline does, whatever form of file said so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from zoo.errors import ConfigError
from zoo.predict.pipeline.schema import PIPELINE, PROPERTIES
from zoo.settings.check import conform, suggestion
from zoo.settings.document import node_of

#: Options that choose how a model is opened; they are fixed when the pipeline is.
LOAD = ("device", "backend", "threads", "streams")
#: Options of `Model.predict`.
PREDICT = (
    "batch_size",
    "on_error",
    "color",
    "frames",
    "recursive",
    "scores",
    "min_score",
    "labels",
    "mode",
    "window",
    "stride",
    "flip",
    "scales",
    "palette",
    "live",
)
_SAVE = {f"save_{name}": rule for name, rule in PROPERTIES["save"]["properties"].items()}
#: Every option with its rule.
RULES: dict[str, dict[str, Any]] = {
    **{name: rule for name, rule in PROPERTIES.items() if name not in ("zoo", "save")},
    **_SAVE,
}


@dataclass(frozen=True)
class PipelineConfig:
    """The options of a pipeline, in place of those of `zoo.load` and `Model.predict`.

    Attributes:
        model: Name of a model; an export folder; or "FILE.zoo#MODEL".
        device: Such as "cpu" or "gpu:0".
        backend: Name of an engine, or "auto".
        threads: Threads of a CPU engine, or None for all available cores.
        streams: Pictures that run at the same time when there are many, or None for as many as there are threads, at
            most four.
        target_size: What replaces the model's own resizing: one side or (height, width) to fit pictures into, -1 for
            none, None for the model's own.
        batch_size: Pictures that run together, or "auto".
        on_error: "raise" or "skip".
        recursive: Read the folders inside folders too.
        frames: "first" or "all" of an animated picture.
        color: Order of the channels in arrays, "rgb" or "bgr".
        scores: Compute the probability of the winning class in every pixel.
        min_score: Pixels below it are unknown; None for no bound.
        labels: New classes, in whatever form `Model.predict` takes them: {"labels": {new: [old, ...]}}, a file that
            holds that, or the name of a built-in mapping.
        palette: Colours of all classes in the order of their values, or of some by name.
        mode: "auto", "whole" or "slide".
        window: Sliding window (height, width) in pixels.
        stride: Its steps (down, right) in pixels.
        flip: Also run the mirrored picture.
        scales: Scales to run the picture at.
        live: Take no input ahead of the result that is handed out.
        save_path: Folder for the results, or None.
        save_kinds: What to save of a result.
        file: The file it was read from, or None.
        notes: What the file holds that is not used, a sentence each.
    """

    model: str | Path
    device: str = "cpu"
    backend: str = "auto"
    threads: int | None = None
    streams: int | None = None
    target_size: int | tuple[int, int] | None = None
    batch_size: int | Literal["auto"] = 1
    on_error: Literal["raise", "skip"] = "raise"
    recursive: bool = False
    frames: Literal["first", "all"] = "first"
    color: Literal["rgb", "bgr"] = "rgb"
    scores: bool = False
    min_score: float | None = None
    labels: Any = None
    palette: Any = None
    mode: Literal["auto", "whole", "slide"] = "auto"
    window: tuple[int, int] | None = None
    stride: tuple[int, int] | None = None
    flip: bool = False
    scales: tuple[float, ...] = (1.0,)
    live: bool = False
    save_path: Path | None = None
    save_kinds: tuple[str, ...] = ("overlay", "mask", "json")
    file: Path | None = None
    notes: tuple[str, ...] = ()

    def override(self, **given: Any) -> PipelineConfig:
        """Returns the same pipeline with other options.

        Args:
            given: Options by their names here; None for one that was not given. Paths are relative to the current
                folder.

        Raises:
            ConfigError: There is no such option, or its value is not allowed.
        """
        changed: dict[str, Any] = {}
        for name, value in given.items():
            if name not in RULES:
                raise unknown_option(name, RULES)
            if value is None:
                continue
            if name in ("labels", "palette"):
                # They may be objects that no file can hold; Model.predict looks at them.
                changed[name] = value
                continue
            plain = settle(name, conform(node_of(value, PIPELINE, name), RULES[name]))
            changed[name] = value if name == "model" else plain
        return replace(self, **changed)

    def load_arguments(self) -> dict[str, Any]:
        """Returns the keyword arguments of `zoo.load`, without those that are its defaults."""
        return self._changed(LOAD)

    def predict_arguments(self) -> dict[str, Any]:
        """Returns the keyword arguments of `Model.predict`, without those that are its defaults."""
        return self._changed(PREDICT)

    def _changed(self, names: tuple[str, ...]) -> dict[str, Any]:
        defaults = {field.name: field.default for field in fields(self)}
        values = {name: getattr(self, name) for name in names}
        # A palette may be an array, which has no single answer to `!=`.
        return {
            name: value
            for name, value in values.items()
            if value is not None and (defaults[name] is None or value != defaults[name])
        }


def unknown_option(name: str, known: Iterable[str]) -> ConfigError:
    """Returns the error for an option that does not exist, with the one that may have been meant."""
    return ConfigError("`{name}` is not an option of a pipeline.", suggestion(name, known), name=name)


def settle(name: str, value: Any) -> Any:
    """Returns a value that follows its rule in the form that `PipelineConfig` keeps.

    Raises:
        ConfigError: The formats to save exclude each other.
    """
    if name == "save_path" and value is not None:
        return Path(value)
    if name == "labels" and isinstance(value, dict):
        # In a pipeline file the key itself says what a file of its own says inside.
        return {"labels": value}
    if name in ("window", "stride") and isinstance(value, int):
        return (value, value)
    if name == "save_kinds" and {"json", "labelme"} <= set(value or ()):
        raise ConfigError(
            "json and labelme are both to be saved, and both take the name of the picture with .json. Only one of them "
            "was expected, because LabelMe looks for no other name.",
            "Save labelme in a run of its own, into another folder.",
        )
    return _tupled(value)


def _tupled(value: Any) -> Any:
    return tuple(_tupled(item) for item in value) if isinstance(value, list) else value
