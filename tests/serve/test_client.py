"""zoo as a client of a real server: the results of the local model, and its errors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from serving import Serving

import zoo

STREET = Path(__file__).resolve().parents[2] / "docs" / "street.jpg"
KEY = "a key of a server"


# It takes minutes on two cores: `make test-all`.
pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def server(zoo_home: object) -> Iterator[Serving]:
    with Serving(
        "other=starter",
        "starter",
        "--workers",
        1,
        "--max-body",
        "400K",
        "--backend",
        "paddle",
        "--threads",
        1,
        ZOO_API_KEY=KEY,
    ) as running:
        yield running


@pytest.fixture
def model(server: Serving, monkeypatch: pytest.MonkeyPatch) -> Iterator[zoo.RemoteModel]:
    monkeypatch.setenv("ZOO_API_KEY", KEY)
    with zoo.load(server.url(""), model="starter") as opened:
        yield opened


@pytest.fixture(scope="module")
def local(zoo_home: object) -> Iterator[zoo.Model]:
    with zoo.load("starter", threads=1) as opened:
        yield opened


@pytest.mark.parametrize(
    "options", [{}, {"scores": True}, {"min_score": 0.6, "labels": {"ground": ["road", "pavement"]}}]
)
def test_results_are_those_of_the_local_model(
    model: zoo.RemoteModel, local: zoo.Model, options: dict[str, Any]
) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (97, 131, 3), np.uint8)
    for source in (STREET, noise):
        found, expected = (each.predict(source, **options).one() for each in (model, local))
        assert np.array_equal(found.mask, expected.mask)
        assert np.array_equal(found.image, expected.image)
        assert (found.class_names, found.palette, found.name) == (expected.class_names, expected.palette, expected.name)
        assert (found.scores is None) == (expected.scores is None)
        if expected.scores is not None:
            assert np.array_equal(found.scores, expected.scores)
        assert sum(found.seconds.values()) > 0


def test_the_first_model_answers_where_none_is_named(server: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(zoo.RemoteError, match="asks for a key"):
        zoo.load(server.url(""))
    monkeypatch.setenv("ZOO_API_KEY", KEY)
    assert zoo.load(server.url("")).name == "other"
    with pytest.raises(zoo.ModelNotFoundError, match="It has: other, starter"):
        zoo.load(server.url("#unknown"))


def test_what_the_server_refuses_is_a_typed_error(model: zoo.RemoteModel) -> None:
    large = np.random.default_rng(3).integers(0, 256, (400, 400, 3), np.uint8)
    with pytest.raises(zoo.ZooError) as caught:
        model.predict(large).one()
    assert isinstance(caught.value, (zoo.RequestError, zoo.SourceError))
    assert len(str(caught.value).splitlines()) == 2
    small = large[:40, :50]
    found = model.predict([small, large, small], on_error="skip")
    assert [result.mask.shape for result in found] == [(40, 50), (40, 50)]
    assert len(found.failures) == 1


def test_the_page_needs_no_key_and_is_not_sent_twice(server: Serving) -> None:
    for path in ("/", "/page/app.js", "/page/style.css"):
        answer = server.get(path)
        assert answer.status_code == 200
        assert answer.headers["content-security-policy"].startswith("default-src 'self'")
        again = server.get(path, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert requests.head(server.url(path), timeout=30).headers["content-length"] == answer.headers["content-length"]
    assert server.get("/page/assets.py").status_code in (401, 404)
    assert server.get("/v1/models").status_code == 401
