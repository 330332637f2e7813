"""Work of a cluster that sleeps in place of segmenting; a module of its own, because actors import it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from zoo.distributed.picture_work import PictureAnswer, PicturePart

#: What the answer of a picture holds, at the size of a real one: a document of four classes and three files.
DOCUMENT = {
    "schema": "zoo.result/1",
    "source": "",
    "name": "",
    "note": "",
    "model": "starter",
    "device": "cpu",
    "engine": "onnxruntime 1.32.0, 1 thread",
    "size": [512, 1024],
    "seconds": {"read": 0.01, "preprocess": 0.01, "inference": 0.1, "postprocess": 0.01},
    "ignore_index": 255,
    "classes": [
        {"value": value, "name": f"class {value}", "color": [value, 0, 0], "pixels": 131072, "share": 0.25}
        for value in range(4)
    ],
    "labels": [f"class {value}" for value in range(11)],
}


@dataclass(frozen=True)
class SleepingWork:
    """Sleeps for every picture of a part.

    Attributes:
        seconds: So long.
    """

    seconds: float

    def open(self) -> None:
        """Needs nothing."""

    def answer(self, part: PicturePart) -> PictureAnswer:
        """Sleeps, and answers as the real one."""
        time.sleep(self.seconds * len(part.inputs))
        done = tuple(
            ({**DOCUMENT, "source": one.text, "name": one.name}, (f"{one.text}_mask.png", f"{one.text}.json"))
            for one in part.inputs
        )
        return PictureAnswer(done, 0, ())
