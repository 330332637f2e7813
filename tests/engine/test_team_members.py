"""A team of processes: one that ends for good, and a process that is forked off."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest
from sessions import mortal

from zoo.bundle.bundle import Bundle
from zoo.engine.streams.processes import ProcessSession
from zoo.engine.streams.team import Team
from zoo.errors import InferenceError

DEADLY = np.zeros((1, 3, 33, 40), np.float32)
BATCH = np.random.default_rng(0).standard_normal((1, 3, 40, 56)).astype(np.float32)


@pytest.fixture
def team(bundle: Bundle) -> Iterator[Team]:
    opened = Team([partial(ProcessSession, partial(mortal, bundle.verify()), 1, again=True) for _ in range(2)])
    yield opened
    opened.close()


def test_a_member_that_is_given_up_leaves_the_batches_to_the_others(
    team: Team, caplog: pytest.LogCaptureFixture
) -> None:
    """It would fail them at once, faster than the others run them."""
    # Each costs its member two processes; the first of three in a row is given up.
    given = [team.submit(DEADLY) for _ in range(8)]
    for pending in given:
        with pytest.raises(InferenceError, match=r"in its second try|in a row"):
            pending.result()
    assert "no more batches for cpu" in caplog.text
    assert sum(not thread.is_alive() for thread in team._threads) == 1


def test_a_batch_whose_process_ended_is_run_again(team: Team, caplog: pytest.LogCaptureFixture) -> None:
    expected = team.submit(BATCH).result().output
    for member in team._members:
        member._worker._process.kill()
        member._worker._process.wait()
    answers = [team.submit(BATCH) for _ in range(4)]
    assert all(np.array_equal(pending.result().output, expected) for pending in answers)
    assert "its batch is run again in another one" in caplog.text


def test_a_process_that_is_forked_off_has_members_of_its_own(team: Team) -> None:
    expected = team.submit(BATCH).result().output
    running = [team.submit(BATCH) for _ in range(4)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads at a fork
        child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(team.submit(BATCH).result().output, expected) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert all(np.array_equal(pending.result().output, expected) for pending in running)
