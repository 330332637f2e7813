"""The data of a run as a file: for its other processes, which need not read it all again, and for a resumed run.

It holds names, classes and digests, and what the files were like when they were checked; no pixels.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.base.files import write_atomic
from zoo.base.spread import in_processes
from zoo.contract.labels import LabelSet
from zoo.engine.device import available_cores
from zoo.errors import DatasetError
from zoo.learn.data import Sample
from zoo.learn.dataset.look import look
from zoo.learn.run.data import ClassSample, RunData, file_digest, file_stamp
from zoo.message import Message
from zoo.settings.check import conform
from zoo.settings.document import DocumentKind
from zoo.settings.json_text import read_json
from zoo.settings.rules import SHA256, STRING, array, mapping, whole

#: Its name in the folder of a run.
DATA = "data.json"
_KIND = DocumentKind(
    error=DatasetError,
    noun=Message("the data of a run"),
    hint=Message("Remove it: the run goes on with its data as it is, if that has not changed."),
    limit=1 << 30,
)
_COUNT = whole(0, 2**63 - 1)
_PAIRS = array(
    mapping(
        {"image": STRING, "mask": STRING, "digest": STRING, "stamp": array({"type": "integer"}, 0, 4)}, closed=True
    ),
)
_SCHEMA = mapping(
    {
        "digest": SHA256,
        "labels": mapping(
            {"name": STRING, "names": array(STRING, 1), "palette": array(array(whole(0, 255), 3, 3)), "ignore": _COUNT},
            closed=True,
        ),
        "values": array(array(whole(0, 65535), 2, 2)),
        "sizes": array(array(_COUNT, 2, 2)),
        "pixels": array(_COUNT),
        "train": _PAIRS,
        "val": _PAIRS,
    },
    closed=True,
)


def write_data(data: RunData, folder: Path, path: Path) -> None:
    """Writes the data of a run.

    Args:
        data: What was read of a dataset folder.
        folder: That folder.
        path: The file.

    Raises:
        OutputError: It cannot be written.
    """
    labels, table = data.labels, data.train[0].table
    values = np.flatnonzero(table != labels.ignore_index)
    content = {
        "digest": data.digest,
        "labels": {
            "name": labels.name,
            "names": labels.names,
            "palette": labels.palette,
            "ignore": labels.ignore_index,
        },
        "values": [[int(value), int(table[value])] for value in values],
        "sizes": data.sizes,
        "pixels": data.pixels,
        "train": [_pair(sample, folder) for sample in data.train],
        "val": [_pair(sample, folder) for sample in data.val],
    }
    write_atomic(path, json.dumps(content).encode())


def read_data(path: Path, folder: Path) -> RunData:
    """Reads what `write_data` wrote, and looks at no picture: one that has changed since then cannot be loaded.

    Raises:
        DatasetError: The file is none of these, or cannot be read.
    """
    content = conform(read_json(path, _KIND), _SCHEMA)
    told = content["labels"]
    palette = tuple((red, green, blue) for red, green, blue in told["palette"])
    labels = LabelSet(told["name"], tuple(told["names"]), palette, told["ignore"])
    table = np.full(65536, labels.ignore_index, np.uint16)
    for value, number in content["values"]:
        table[value] = number
    return RunData(
        tuple(_sample(pair, folder, table) for pair in content["train"]),
        tuple(_sample(pair, folder, table) for pair in content["val"]),
        labels,
        tuple((height, width) for height, width in content["sizes"]),
        tuple(content["pixels"]),
        content["digest"],
        (),
    )


def recognized(data: RunData, progress: Callable[[int, int], None] | None = None) -> RunData:
    """Looks at all files anew: those whose content is what it was are as good as then, whenever they were written.

    Args:
        data: What `read_data` returned.
        progress: As of `zoo.learn.dataset.survey.survey_dataset`.

    Returns:
        The same data; what has changed cannot be loaded, and is counted in a note.
    """
    samples = (*data.train, *data.val)
    found: dict[int, ClassSample] = {}
    for number, looks in in_processes(look, [Sample(one.image, one.mask) for one in samples], available_cores()):
        one = samples[number]
        same = looks is not None and file_digest(*looks) == one.digest
        stamp = file_stamp(one) if same else ()
        found[number] = ClassSample(one.image, one.mask, one.table, stamp, one.digest)
        if progress is not None:
            progress(len(found), len(samples))
    changed = [str(one.image) for one in _ordered(found) if not one.stamp]
    note = Message(
        "{count} pictures or masks are not what the run began with: {names:, }", count=len(changed), names=changed
    )
    ordered, count = tuple(_ordered(found)), len(data.train)
    return RunData(
        ordered[:count], ordered[count:], data.labels, data.sizes, data.pixels, data.digest, (note,) if changed else ()
    )


def _ordered(found: dict[int, ClassSample]) -> Iterable[ClassSample]:
    return (found[number] for number in range(len(found)))


def _pair(sample: ClassSample, folder: Path) -> dict[str, Any]:
    image, mask = (os.path.relpath(path, folder) for path in (sample.image, sample.mask))
    return {"image": image, "mask": mask, "digest": sample.digest, "stamp": sample.stamp}


def _sample(pair: dict[str, Any], folder: Path, table: NDArray[np.uint16]) -> ClassSample:
    image, mask = folder / pair["image"], folder / pair["mask"]
    return ClassSample(image, mask, table, tuple(pair["stamp"]), pair["digest"])
