"""Requests that run together: each gets the answer it would get alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from serving import Serving

from scenes import draw_scene
from support import png

ROUTE = "/v1/predict"

# It takes a server of its own: `make test-serve`.
pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def server(zoo_home: object) -> Iterator[Serving]:
    with Serving("--workers", 1, "--max-batch", 4, "--max-wait-ms", 300) as server:
        yield server


def batch_sizes(server: Serving) -> tuple[float, float]:
    """Returns how many requests ran, and in how many batches."""
    text = server.get("/metrics").text
    requests, batches = (
        re.search(rf"^zoo_batch_size_{end}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE) for end in ("sum", "count")
    )
    assert requests, text
    assert batches, text
    return float(requests[1]), float(batches[1])


def test_requests_of_several_sizes_and_bad_ones_in_a_batch_are_answered_as_alone(server: Serving) -> None:
    bodies = [png(draw_scene(seed, height, 160).image) for seed, height in ((1, 120), (2, 120), (3, 96), (4, 120))]
    bodies.insert(2, b"no picture")
    bodies.insert(4, bodies[0][:-200])
    alone = [server.post(ROUTE, body) for body in bodies]
    assert [each.status_code for each in alone] == [200, 200, 415, 200, 422, 200]
    before = batch_sizes(server)
    with ThreadPoolExecutor(2 * len(bodies)) as threads:
        together = list(threads.map(lambda body: server.post(ROUTE, body), bodies * 2))
    requests, batches = (after - earlier for after, earlier in zip(batch_sizes(server), before, strict=True))
    assert requests == 2 * len(bodies)
    assert batches <= len(bodies)
    for one, expected in zip(together, alone * 2, strict=True):
        assert one.status_code == expected.status_code
        if expected.ok:
            assert one.content == expected.content
