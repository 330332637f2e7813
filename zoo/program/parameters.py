"""Reads `.pdiparams`: records of tensors one after the other, in the order of their sorted names, which it lacks.

A record is: version (uint32), number of LoD levels (uint64, 0 in models), tensor version (uint32), length of the
descriptor (int32), the descriptor (protocol buffer: data type and dimensions), the data.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from zoo.errors import BundleError
from zoo.message import Message
from zoo.program.faults import damaged_model
from zoo.program.graph import ELEMENTS, Graph, TensorType
from zoo.program.protobuf import fields, whole_numbers

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

#: Numbers looked at in one go.
_CHUNK = 1 << 22
_WENT_WELL = Message("Export the network again from a checkpoint whose training went well.")


@dataclass(frozen=True, slots=True)
class TensorRecord:
    """Where a tensor lies in the file.

    Attributes:
        type: What it is.
        start: Its first byte.
        length: Number of its bytes.
    """

    type: TensorType
    start: int
    length: int


def read_records(path: Path) -> tuple[TensorRecord, ...]:
    """Walks the records of a file, without its data.

    Returns:
        At least one.

    Raises:
        BundleError: The records do not add up to the size of the file.
    """
    try:
        with open(path, "rb") as file:
            records = tuple(_records(path, file))
    except OSError as error:
        raise damaged_model(path, Message("cannot be read: {reason}", reason=error.strerror or error)) from error
    if not records:
        raise damaged_model(path, Message("is empty"))
    return records


def _records(path: Path, file: BinaryIO) -> Iterator[TensorRecord]:
    size = path.stat().st_size
    count = 0
    while file.tell() < size:
        count += 1
        record = _record(file)
        if record is None or record.start + record.length > size:
            raise damaged_model(path, Message("breaks off or is damaged in tensor {count}", count=count))
        yield record
        file.seek(record.start + record.length)


def _record(file: BinaryIO) -> TensorRecord | None:
    head = file.read(20)
    if len(head) < 20:
        return None
    version, levels, tensor_version, length = struct.unpack("<IQIi", head)
    if version or levels or tensor_version or not 0 < length <= 1024:
        return None
    descriptor = file.read(length)
    try:
        kinds = [value for number, value in fields(descriptor) if number == 1 and isinstance(value, int)]
        sides = whole_numbers(descriptor, 2)
    except (IndexError, ValueError):
        return None
    if len(kinds) != 1 or kinds[0] not in ELEMENTS or any(side < 0 for side in sides):
        return None
    dtype, width = ELEMENTS[kinds[0]]
    return TensorRecord(TensorType(dtype, tuple(sides)), file.tell(), math.prod(sides) * width)


def map_parameters(graph: Graph, path: Path) -> Mapping[str, NDArray[np.generic]]:
    """Maps the parameters of a program from their file; nothing is copied, and what is written to them stays private.

    Returns:
        Arrays by name; unaligned where the file is so.

    Raises:
        BundleError: The file is damaged, does not belong to the program, or holds NaN or infinity.
    """
    import numpy as np

    records, names = read_records(path), sorted(graph.parameters.values())
    if len(records) != len(names):
        raise BundleError(
            "{params} holds {found} tensors, but {program} needs {needed}.",
            "Take both files from the same export.",
            params=path,
            found=len(records),
            program=graph.path.name,
            needed=len(names),
        )
    wanted = {name: graph.types.get(value) for value, name in graph.parameters.items()}
    # OpenVINO shares only arrays it might write to.
    content = np.memmap(path, np.uint8, "c")
    arrays: dict[str, NDArray[np.generic]] = {}
    for name, record in zip(names, records, strict=True):
        if record.type != wanted[name]:
            reason = Message(
                "holds {found} for the parameter {name!r}, which is {wanted}",
                found=_shown(record.type),
                name=name,
                wanted=_shown(wanted[name]),
            )
            raise damaged_model(path, reason)
        data = np.ndarray(record.type.shape, _numpy(path, record.type.dtype), content, record.start)
        if not _finite(data):
            raise BundleError(
                "The parameter {name!r} in {path} holds NaN or infinity. Finite numbers were expected.",
                _WENT_WELL,
                name=name,
                path=path,
            )
        arrays[name] = data
    return arrays


def check_finite(path: Path) -> None:
    """Reads all parameters in a file; one that is damaged is left to the engine.

    Raises:
        BundleError: It holds NaN or infinity.
    """
    import numpy as np

    try:
        records = read_records(path)
    except BundleError:
        return
    content = np.memmap(path, np.uint8, "r")
    for record in records:
        if not _finite(np.ndarray(record.type.shape, _numpy(path, record.type.dtype), content, record.start)):
            raise BundleError("{path} holds NaN or infinity. Finite numbers were expected.", _WENT_WELL, path=path)


def _numpy(path: Path, dtype: str) -> np.dtype[np.generic]:
    import numpy as np

    try:
        return np.dtype(dtype)
    except TypeError:
        raise damaged_model(path, Message("has parameters of type {dtype}", dtype=dtype)) from None


def _finite(array: NDArray[np.generic]) -> bool:
    import numpy as np

    if array.dtype.kind != "f":
        return True
    flat = array.reshape(-1)
    return all(bool(np.isfinite(flat[at : at + _CHUNK]).all()) for at in range(0, flat.size, _CHUNK))


def _shown(kind: TensorType | None) -> str:
    return "no tensor" if kind is None else f"{kind.dtype} {'x'.join(map(str, kind.shape)) or 'scalar'}"
