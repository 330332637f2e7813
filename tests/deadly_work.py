"""Work whose process ends at some pictures, as one that has too little memory does: by a signal, and without a word."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass

from zoo.distributed.picture_work import PictureAnswer, PicturePart, PictureWork


@dataclass(frozen=True)
class DeadlyWork(PictureWork):
    """Ends the process at every picture that is called `deadly`, unless it is known to be lost."""

    def answer(self, part: PicturePart) -> PictureAnswer:
        """Does a part, or ends."""
        if any(one.name == "deadly" and one.text not in part.lost for one in part.inputs):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().answer(part)
