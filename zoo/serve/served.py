"""The models of a server, as far as they are known without an engine."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.contract.labels import LabelSet
from zoo.errors import ServeError
from zoo.predict.arguments import RunOptions
from zoo.predict.pipeline import PipelineConfig
from zoo.predict.plan import make_plan
from zoo.store.find import absolute_name, find_bundle

if TYPE_CHECKING:
    from zoo.store.download.progress import Progress

_NAMED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,63})=(.+)")


@dataclass(frozen=True, eq=False, slots=True)
class Served:
    """A model that is served.

    Attributes:
        name: How clients call it.
        config: Its options; its model can be found from any folder.
        labels: The classes of its label maps.
        origin: Whose model it is; empty for a folder of this machine.
    """

    name: str
    config: PipelineConfig
    labels: LabelSet
    origin: str


def find_served(
    names: Sequence[str],
    config: PipelineConfig,
    *,
    offline: bool | None = None,
    lock: Path | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> dict[str, Served]:
    """Finds the models of a server, fetching what is not on this machine.

    Args:
        names: As `zoo.load` takes them, or NAME=MODEL for another name to clients; none for that of `config`.
        config: Their options.
        offline: As in `zoo.load`.
        lock: As in `zoo.load`.
        progress: As in `zoo.load`.

    Returns:
        They by their names, in their order.

    Raises:
        ServeError: Two have one name.
        ZooError: One cannot be found, or the options do not suit it.
    """
    found: dict[str, Served] = {}
    for given in names or (str(config.model),):
        match = None if Path(given).exists() else _NAMED.fullmatch(given)
        name, model = (match[1], match[2]) if match else ("", given)
        bundle = find_bundle(model, offline=offline, lock=lock, progress=progress)
        name = name or bundle.model
        own = config.override(model=str(absolute_name(model)))
        plan = make_plan(bundle, RunOptions.of(**own.predict_arguments()))
        if name in found:
            raise ServeError(
                "Two of the models are called {name}. Different names were expected.",
                "Call one of them otherwise: OTHER={model}",
                name=name,
                model=model,
            )
        origin = "" if Path(bundle.origin).is_absolute() or "#" in bundle.origin else bundle.origin
        found[name] = Served(name, own, plan.labels, origin)
    return found
