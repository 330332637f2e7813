"""Label mappings: classes of one label set selected, merged and renamed into those of another."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.contract.labels.label_set import LabelSet
from zoo.message import Message

# Type checkers take a variable of this name for true; cards are read without numpy.
TYPE_CHECKING = False

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class LabelMapping:
    """What becomes of each class of a label set.

    Attributes:
        name: Short name, such as "cityscapes-ids".
        labels: The classes there are afterwards.
        table: The new value of each class of the source, in the order of their values; a class that is dropped gets the
            ignore index of `labels`.
        source: The classes it starts from; None if they are not known. With them a mapping is refused where the
            classes are others.

    Raises:
        ValueError: The table is empty, is not as long as the source, or has a value that is neither a class nor the
            ignore index; or no mask can hold the ignore index.
    """

    name: str
    labels: LabelSet
    table: tuple[int, ...]
    source: LabelSet | None = None

    def __post_init__(self) -> None:
        if wrong := sorted(set(self.table) - {*range(len(self.labels)), self.labels.ignore_index}):
            raise ValueError(
                Message(
                    "label mapping {name!r} maps to {wrong}, which are no classes of its label set",
                    name=self.name,
                    wrong=wrong,
                )
            )
        if not self.table:
            raise ValueError(Message("label mapping {name!r} has an empty table", name=self.name))
        if self.source is not None and len(self.source) != len(self.table):
            raise ValueError(
                Message(
                    "label mapping {name!r} has a table of {count} values for {source_count} classes",
                    name=self.name,
                    count=len(self.table),
                    source_count=len(self.source),
                )
            )
        if not 0 <= self.labels.ignore_index <= 65535:
            raise ValueError(
                Message(
                    "the ignore index {ignore_index} does not fit into a mask", ignore_index=self.labels.ignore_index
                )
            )

    def apply(self, mask: NDArray[np.uint8 | np.uint16]) -> NDArray[np.uint8 | np.uint16]:
        """Maps a mask.

        Args:
            mask: Class values of the source, of any shape, uint8 or uint16; not modified. Values that are no class of
                the source, its ignore index among them, become the ignore index.

        Returns:
            A mask of this shape, uint8 if all values of the new label set fit, uint16 otherwise.

        Raises:
            ValueError: The mask has another type.
        """
        import numpy as np

        if mask.dtype.name not in ("uint8", "uint16"):
            raise ValueError(Message("mask is {dtype}; expected uint8 or uint16", dtype=mask.dtype))
        dtype = np.uint8 if max(*self.table, self.labels.ignore_index) < 256 else np.uint16
        values = np.full(np.iinfo(mask.dtype).max + 1, self.labels.ignore_index, dtype)
        values[: len(self.table)] = self.table[: values.size]
        return np.take(values, mask)
