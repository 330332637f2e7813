"""Export folders written by PaddleX: `Global:` and `Deploy:` sections (facts from paddlex 3.7.2)."""

from __future__ import annotations

from zoo.hub.reader import Reader
from zoo.labels import LabelSet, distinct_palette
from zoo.spec import Normalize, Resize, Step


def read_paddlex(settings: Reader) -> tuple[str | None, tuple[Step, ...]]:
    """Reads the settings of a PaddleX folder.

    Returns:
        The name of the model, or None where it is not given, and the preprocessing steps.

    Raises:
        BundleError: A step is unknown or has impossible arguments.
    """
    steps: list[Step] = []
    for entry in settings["Deploy"]["transforms"].items():
        kind = entry["type"].text()
        if kind == "Normalize":
            step = Normalize(_channels(entry["mean"], 0.5), _channels(entry["std"], 0.5))
            if 0 in step.std:
                raise entry["std"].fault("Numbers other than 0")
            steps.append(step)
        elif kind == "Resize":
            steps.insert(0, _resize(entry))
        else:
            raise entry["type"].fault("Normalize or Resize")
    if not any(isinstance(step, Normalize) for step in steps):
        raise settings["Deploy"]["transforms"].fault("A list with a Normalize step")
    model = None if settings["Global"].missing else settings["Global"]["model_name"]
    return (None if model is None or model.missing else model.text()), tuple(steps)


def _resize(entry: Reader) -> Resize:
    sides = entry["target_size"].items()
    if len(sides) != 2:
        raise entry["target_size"].fault("[width, height]")
    width, height = (side.whole(1, 65536) for side in sides)
    keep = entry["keep_ratio"].plain
    divisor = entry["size_divisor"]
    # PaddleX's own defaults, paddlex 3.7.2: the ratio is kept and the sides are rounded up to multiples of 32.
    return Resize(
        (height, width),
        keep_ratio=True if keep is None else bool(keep),
        multiple=32 if divisor.missing else divisor.whole(1, 4096),
        antialias=False,
    )


def _channels(values: Reader, default: float) -> tuple[float, ...]:
    if values.missing:
        return (default,) * 3
    if isinstance(values.plain, list):
        return tuple(item.number() for item in values.items())
    return (values.number(),) * 3


def unnamed_labels() -> LabelSet:
    """Returns labels for a folder that does not name its classes: "class 0", "class 1" and so on."""
    return LabelSet("unnamed", tuple(f"class {value}" for value in range(256)), distinct_palette(256), 65535)
