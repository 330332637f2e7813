"""Sessions of the CPU that misbehave, for processes of their own: those import this module."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np

from zoo.engine.open import session_opener
from zoo.plugin import Program, Session


class Mortal:
    """A real session whose process is killed in the middle of a batch of 33 rows, and hangs in one of 34."""

    parallel = True

    def __init__(self, session: Session) -> None:
        self.session = session

    def __getattr__(self, name: str) -> Any:
        return getattr(self.session, name)

    def run(self, batch: np.ndarray) -> np.ndarray:
        if batch.shape[2] == 33:
            os.kill(os.getpid(), signal.SIGKILL)
        if batch.shape[2] == 34:
            time.sleep(600)
        return self.session.run(batch)


class Stumbling(Mortal):
    """Is killed there too, but only once, for which there is a file."""

    def __init__(self, session: Session, stumbled: Path) -> None:
        super().__init__(session)
        self.stumbled = stumbled

    def run(self, batch: np.ndarray) -> np.ndarray:
        if self.stumbled.exists():
            return self.session.run(batch)
        if batch.shape[2] == 33:
            self.stumbled.touch()
        return super().run(batch)


def stumbling(program: Program, stumbled: Path, threads: int) -> Session:
    return Stumbling(session_opener(program)(threads), stumbled)


def mortal(program: Program, threads: int) -> Session:
    return Mortal(session_opener(program)(threads))


def abort(threads: int) -> Session:
    os.abort()
