"""What an export folder knows of its model: how good it was on validation pictures, and how sure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from zoo.settings.rules import SHA256, STRING, array, mapping, optional, whole

_SHARE = {"type": "number", "minimum": 0, "maximum": 1}
_DIFFERS = mapping({"picture": STRING, "agreement": _SHARE})
#: Of `Evaluated` as plain data.
EVALUATION = mapping(
    {
        "data": SHA256,
        "pictures": whole(1, 2**53),
        "miou": optional(_SHARE),
        "accuracy": optional(_SHARE),
        "iou": array(optional(_SHARE)),
    },
    {"agreement": optional(_SHARE), "differs_most": optional(_DIFFERS)},
)
#: Of `Confidence` as plain data.
CONFIDENCE = mapping({"mean": _SHARE, "deviation": _SHARE, "lowest": _SHARE})
# So much below the least sure picture is far, unless the model is surer than that.
_FAR = 0.1
# A model that is sure of everything has a mean of 1 but for rounding.
_ROUNDING = 1e-3


@dataclass(frozen=True, slots=True)
class Evaluated:
    """How good a model was on the validation pictures of its run.

    Attributes:
        data: SHA-256 of the data, as `zoo.learn.run.data.RunData`.
        pictures: How many there were.
        miou: Mean IoU, a fraction; None where nothing was counted.
        accuracy: Share of the pixels that are right; likewise.
        iou: Of every class; None for one that does not occur.
        agreement: Share of the pixels of delivered masks that have the class that the network itself gives them, at the
            size of the pictures; None where that was not measured.
        differs_most: Name of the picture where that share is the smallest, and the share.
    """

    data: str
    pictures: int
    miou: float | None
    accuracy: float | None
    iou: tuple[float | None, ...]
    agreement: float | None = None
    differs_most: tuple[str, float] | None = None

    def plain(self) -> dict[str, Any]:
        """Returns it as plain data."""
        values = {**asdict(self), "iou": list(self.iou)}
        if self.differs_most is None:
            return {key: value for key, value in values.items() if key not in ("agreement", "differs_most")}
        return {**values, "differs_most": dict(zip(("picture", "agreement"), self.differs_most, strict=True))}


def read_evaluation(values: dict[str, Any]) -> Evaluated:
    """Returns an evaluation of what follows `EVALUATION`."""
    differs = values.get("differs_most")
    return Evaluated(
        values["data"],
        values["pictures"],
        values["miou"],
        values["accuracy"],
        tuple(values["iou"]),
        values.get("agreement"),
        None if differs is None else (differs["picture"], differs["agreement"]),
    )


@dataclass(frozen=True, slots=True)
class Confidence:
    """How sure a model is of pictures like those it was trained on: their mean scores.

    Attributes:
        mean: Over validation pictures, of `zoo.segment.scores.mean_score`.
        deviation: Standard deviation.
        lowest: That of the picture it is least sure of.
    """

    mean: float
    deviation: float
    lowest: float

    def plain(self) -> dict[str, Any]:
        """Returns it as plain data."""
        return asdict(self)

    @classmethod
    def of(cls, scores: Sequence[float]) -> Confidence:
        """Returns that of pictures with these mean scores, at least one."""
        mean, deviation, lowest = (round(float(value), 6) for value in (np.mean(scores), np.std(scores), min(scores)))
        return cls(mean, deviation, lowest)

    def is_far(self, score: float) -> bool:
        """Whether a picture with this mean score is unlike them.

        It is when its score is below all of theirs by more than 0.1, or by more than what their mean lacks to 1 where
        that is less: validation pictures are often frames of a few films, and nearer to each other than to others.
        """
        return score < self.lowest - max(_ROUNDING, min(_FAR, 1 - self.mean))


def read_confidence(values: dict[str, Any]) -> Confidence:
    """Returns what follows `CONFIDENCE`."""
    return Confidence(values["mean"], values["deviation"], values["lowest"])
