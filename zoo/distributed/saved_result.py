"""What comes back of a picture that another machine segmented: its figures and its files, no pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class SavedResult:
    """A result whose pixels are in the files that a worker wrote.

    Attributes:
        document: What `Result.to_dict(mask=False)` gave there.
        saved: Paths or addresses of its files.
        part: Number of the part it belongs to, whose table has its row.
    """

    document: Mapping[str, Any]
    saved: tuple[str, ...]
    part: int

    @property
    def name(self) -> str:
        """The input's name."""
        return self.document["name"]

    @property
    def uri(self) -> str:
        """Where the input came from."""
        return self.document["source"]

    @property
    def model(self) -> str:
        """Name of the model."""
        return self.document["model"]

    @property
    def device(self) -> str:
        """Device that was really used."""
        return self.document["device"]

    @property
    def engine(self) -> str:
        """Engine and its setting that were really used."""
        return self.document["engine"]

    @property
    def note(self) -> str:
        """What else is to be known; mostly empty."""
        return self.document["note"]

    @property
    def why(self) -> str:
        """Why this engine ran it; empty where nobody said."""
        return self.document.get("why", "")

    @property
    def seconds(self) -> Mapping[str, float]:
        """Time of each stage."""
        return self.document["seconds"]

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the picture."""
        height, width = self.document["size"]
        return height, width

    def areas(self) -> dict[str, int]:
        """Returns the pixels of each class that occurs, as `Result.areas`."""
        return {area["name"]: area["pixels"] for area in self.document["classes"]}

    def shares(self) -> dict[str, float]:
        """Returns the fraction of the picture of each class that occurs, as `Result.shares`."""
        return {area["name"]: area["share"] for area in self.document["classes"]}

    def mean_scores(self) -> dict[str, float]:
        """Returns the mean score of each class that occurs; empty where scores were not asked for."""
        return {area["name"]: area["score"] for area in self.document["classes"] if "score" in area}

    def to_dict(self, mask: bool | None = None) -> dict[str, Any]:
        """Returns the document, which has no mask: that is in the files.

        Args:
            mask: None or False.

        Raises:
            ValueError: It is another.
        """
        if mask:
            raise ValueError("mask is asked for; it is in the files that were saved")
        return dict(self.document)
