"""PipelineConfig: what a pipeline does, whatever form of file said so."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from zoo.errors import ConfigError
from zoo.message import Message
from zoo.predict.arguments import PipelineFields
from zoo.predict.options import BY_NAME, names_of
from zoo.predict.pipeline.schema import MODEL
from zoo.predict.unknown import unknown_option
from zoo.predict.values import GIVEN, given_value
from zoo.settings.check import conform
from zoo.settings.document import node_of

_PIPELINE = Message("a pipeline")


@dataclass(frozen=True)
class PipelineConfig(PipelineFields):
    """The options of a pipeline, in place of those of `zoo.load` and `Model.predict`; `PipelineFields` has each.

    Attributes:
        file: The file it was read from, or None.
        notes: What the file holds that is not used, a sentence each.
    """

    file: Path | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.enable_hpi and self.backend != "auto":
            raise ConfigError(
                "High-performance inference takes the fastest proven engine; the engine {backend} is asked for too.",
                "Leave out enable_hpi=True, or backend='{backend}'",
                backend=self.backend,
            )

    def override(self, **given: Any) -> PipelineConfig:
        """Returns the same pipeline with other options.

        Args:
            given: Options by their names here; None for one that was not given. Paths are relative to the current
                folder.

        Raises:
            ConfigError: There is no such option, its value is not allowed, or two contradict each other.
        """
        changed: dict[str, Any] = {}
        for name, value in given.items():
            if name != "model" and name not in BY_NAME:
                raise unknown_option(name, ("model", *BY_NAME), _PIPELINE)
            if value is None:
                continue
            if name == "model":
                conform(node_of(value, GIVEN, name), MODEL)
            changed[name] = value if name == "model" else given_value(name, value)
        # Both choose the engine: the one given here beats the other one of the file.
        if changed.get("enable_hpi"):
            changed.setdefault("backend", "auto")
        elif "backend" in changed:
            changed["enable_hpi"] = False
        return replace(self, **changed)

    def load_arguments(self) -> dict[str, Any]:
        """Returns the keyword arguments of `zoo.load`, without those that are its defaults."""
        return self._changed("load")

    def predict_arguments(self) -> dict[str, Any]:
        """Returns the keyword arguments of `Model.predict`, without those that are its defaults."""
        return self._changed("predict")

    def save_arguments(self, form: str) -> dict[str, Any]:
        """Returns the keyword arguments of `Result.save` that a form of results takes.

        Args:
            form: Its name.
        """
        from zoo.results.files.save import options_for

        values = {BY_NAME[name].key.removeprefix("save."): getattr(self, name) for name in names_of("save")}
        return options_for(form, {key: value for key, value in values.items() if value is not None})

    def _changed(self, scope: str) -> dict[str, Any]:
        defaults = {field.name: field.default for field in fields(self)}
        values = {name: getattr(self, name) for name in names_of(scope)}
        # A palette may be an array, which has no single answer to `!=`.
        return {
            name: value
            for name, value in values.items()
            if value is not None and (defaults[name] is None or value != defaults[name])
        }
