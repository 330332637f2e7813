"""An engine for tests: paddle under another name, which does what a test wants."""

from __future__ import annotations

from collections.abc import Callable

# paddle under another name, which changes what comes out, and takes its time.
ENGINE = """
import time
from zoo.engine.paddle.backend import PaddleBackend
from zoo.plugin import Facts, hookimpl

class Session:
    parallel = False

    def __init__(self, session, request):
        self.session = session
        self.facts = Facts("other", "1.0", "", request.precision, request.device_name)

    def run(self, batch):
        output = self.session.run(batch)
        time.sleep(SLEEP)
        CHANGE
        return output

    def close(self):
        self.session.close()

class Other(PaddleBackend):
    name = "other"
    precisions = ("float32", "bf16")
    reference = False

    def open(self, program, request):
        OPEN
        return Session(super().open(program, request), request)

@hookimpl
def zoo_backends():
    return [Other()]
"""
Install = Callable[..., None]
