"""Where and in which forms a pipeline writes its results."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from zoo.errors import OutputError
from zoo.picture.sources.tree import roots_of
from zoo.predict.pipeline.config import PipelineConfig
from zoo.results import Failure, Predictions, find_saved
from zoo.results.files.naming import folder_in_tree
from zoo.results.files.save import save

if TYPE_CHECKING:
    from zoo.picture.sources import Input
    from zoo.results import Result


@dataclass(frozen=True)
class Saving:
    """Where and in which forms results are written.

    Attributes:
        folder: The folder.
        kinds: The forms, each with its options.
        roots: Folders whose sub-folders are kept; empty where all results go into the one folder.
    """

    folder: Path
    kinds: Mapping[str, Mapping[str, Any]]
    roots: tuple[str, ...]

    @classmethod
    def of(cls, config: PipelineConfig, source: object) -> Saving | None:
        """Returns what a configuration says; None if nothing is written.

        Args:
            config: The configuration.
            source: What is segmented.
        """
        if config.save_path is None:
            return None
        kinds = {kind: config.save_arguments(kind) for kind in config.save_kinds}
        return cls(config.save_path, kinds, tuple(roots_of(source)) if config.keep_tree else ())

    def writable(self, predictions: Predictions, on_error: Literal["raise", "skip"]) -> Predictions:
        """Passes a run on; where a map is asked for, a picture without a place fails before anything is written.

        Args:
            predictions: The run.
            on_error: Whether such a picture is passed over, as one that cannot be read.

        Returns:
            The run. While iterating it raises `OutputError` for such a picture, unless it is passed over.
        """
        return with_places(predictions, self.kinds, on_error)

    def write(self, result: Result) -> list[Path]:
        """Writes a result and returns its files.

        Raises:
            OutputError: One cannot be written.
        """
        # A folder, whatever its name ends with.
        folder = f"{folder_in_tree(self.folder, result.uri, self.roots)}{os.sep}"
        return [save(result, folder, kind, options, self.kinds) for kind, options in self.kinds.items()]

    def is_done(self, item: Input) -> bool:
        """Whether all results of an input are there."""
        folder = folder_in_tree(self.folder, item.uri, self.roots)
        return all(find_saved(folder, item.name, item.uri, kind) for kind in self.kinds)


def with_places(
    predictions: Predictions, kinds: Mapping[str, Mapping[str, Any]], on_error: Literal["raise", "skip"]
) -> Predictions:
    """Passes a run on as `Saving.writable` says.

    Args:
        predictions: The run.
        kinds: The forms that are written, each with its options.
        on_error: As there.
    """
    on_map = any(options.get("coordinates") == "map" for options in kinds.values())
    return Predictions(_placed(predictions, on_error == "skip")) if on_map else predictions


def _placed(predictions: Predictions, skips: bool) -> Iterator[Result | Failure]:
    from zoo.results.formats.georeference import read_georeference

    try:
        for item in predictions.outcomes():
            try:
                if not isinstance(item, Failure):
                    read_georeference(item.uri, (item.mask.shape[0], item.mask.shape[1]))
            except OutputError as error:
                if not skips:
                    raise
                yield Failure(item.name, item.uri, error)
            else:
                yield item
    finally:
        predictions.close()
