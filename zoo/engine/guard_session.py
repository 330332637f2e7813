"""A guard around sessions, as `zoo.engine.guard` is one around devices and engines."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from zoo.contract.engine import Facts, Program, Session
from zoo.engine.output import input_fault, nan_fault, output_fault
from zoo.engine.replies import checked_facts, failure, report, signed
from zoo.errors import InferenceError
from zoo.message import Message
from zoo.registry.discovery import CORE
from zoo.registry.found import Plugin

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_log = logging.getLogger("zoo.engine")


class GuardedSession(Session):
    """A session of a plugin's engine.

    Args:
        session: What the engine opened.
        facts: What it said of itself then.
        parallel: Likewise.
        program: The program that runs in it.
        owner: How messages name the plugin.
    """

    def __init__(self, session: Session, facts: Facts, parallel: bool, program: Program, owner: Plugin) -> None:
        self._session, self._facts, self._program, self._owner = session, facts, program, owner
        self.parallel = parallel

    @property
    def facts(self) -> Facts:
        """What really runs the program."""
        try:
            self._facts = checked_facts(self._session) or self._facts
        except KeyboardInterrupt:
            raise
        except BaseException as cause:
            _log.info("a session does not say what runs: %s", failure(self._owner, "facts", cause))
        return self._facts

    def run(self, batch: NDArray[np.float32]) -> NDArray[Any]:
        """Runs one batch (N, C, H, W) and returns an output that has the shape and type of the program's kind.

        Raises:
            InferenceError: The batch does not fit, the engine failed, or returned something else.
        """
        if fault := input_fault(batch, self._program):
            raise InferenceError(
                "The batch has {reason}.",
                "Pass pictures to Model.predict, which makes such batches.",
                reason=fault,
            )
        try:
            output = self._session.run(batch)
        except InferenceError as cause:
            if self._owner.distribution == CORE:
                raise
            raise signed(cause, self._facts.engine, self._owner) from cause
        except KeyboardInterrupt:
            raise
        except BaseException as cause:
            raise InferenceError(
                "The engine {engine} failed on a batch of shape {shape}: {reason}.",
                report(self._owner),
                engine=self._facts.engine,
                shape=batch.shape,
                reason=failure(self._owner, "run", cause),
            ) from cause
        fault = output_fault(output, batch.shape, self._program)
        if fault is None and self._owner.distribution != CORE:
            # After zoo's own engine the fault is told where logits are looked through anyway.
            fault = nan_fault(output)
        if fault:
            own = self._owner.distribution == CORE
            raise InferenceError(
                "The engine {engine} of {owner} returned {reason}.",
                Message("Program and settings do not agree: export the model again, or correct inference.yml.")
                if own
                else report(self._owner),
                engine=self._facts.engine,
                owner=self._owner,
                reason=fault,
            )
        return output

    def close(self) -> None:
        """Frees the engine's memory; a failure is logged."""
        try:
            self._session.close()
        except KeyboardInterrupt:
            raise
        except BaseException as cause:
            _log.warning("a session could not be closed: %s", failure(self._owner, "close", cause))
