"""The documented route answers what the documented clients send, and says no in the documented way."""

from __future__ import annotations

import base64
import io
import json
import uuid
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image
from serving import PATIENCE, Serving

import zoo
from support import png

ROUTE = "/semantic-segmentation"


@pytest.fixture(scope="module")
def server(zoo_home: object) -> Iterator[Serving]:
    with Serving("--workers", 1) as server:
        yield server


@pytest.fixture(scope="module")
def street() -> np.ndarray:
    from scenes import draw_scene

    return draw_scene(5, 120, 168).image


@pytest.fixture(scope="module")
def expected(street: np.ndarray) -> np.ndarray:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("ZOO_DISABLE_PLUGINS", raising=False)
        with zoo.load("starter", backend="onnxruntime", threads=1) as model:
            return model.predict(street).one().mask


def test_an_answer_has_the_documented_fields_and_the_mask_of_the_model(
    server: Serving, street: np.ndarray, expected: np.ndarray
) -> None:
    answer = server.documented(png(street))
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"logId", "errorCode", "errorMsg", "result"}
    assert str(uuid.UUID(body["logId"])) == body["logId"] == answer.headers["log-id"]
    assert (body["errorCode"], body["errorMsg"]) == (0, "Success")
    result = body["result"]
    assert set(result) == {"labelMap", "size", "image"}
    assert result["size"] == [120, 168]
    assert result["labelMap"] == expected.reshape(-1).tolist()
    with Image.open(io.BytesIO(base64.b64decode(result["image"], validate=True))) as coloured:
        assert (coloured.format, coloured.size) == ("JPEG", (168, 120))


def test_other_forms_of_the_label_map_hold_the_same_mask(
    server: Serving, street: np.ndarray, expected: np.ndarray
) -> None:
    result = server.documented(png(street), format="png", visualize=False).json()["result"]
    assert result["image"] is None
    with Image.open(io.BytesIO(base64.b64decode(result["labelMap"]))) as mask:
        assert np.array_equal(np.asarray(mask), expected)
    runs = server.documented(png(street), format="rle", scores=True).json()["result"]
    assert np.array_equal(np.repeat(runs["labelMap"]["values"], runs["labelMap"]["lengths"]), expected.reshape(-1))
    assert {each["value"] for each in runs["classes"]} == set(np.unique(expected).tolist())
    assert all(0 < each["score"] <= 1 for each in runs["classes"])


def test_json_is_read_whatever_the_client_calls_it(server: Serving, street: np.ndarray) -> None:
    body = json.dumps({"image": base64.b64encode(png(street)).decode()}).encode()
    for kind in ("application/x-www-form-urlencoded", "text/plain", None):
        assert server.post(ROUTE, body, headers={"Content-Type": kind}).status_code == 200, kind


BAD: dict[str, tuple[bytes, int]] = {
    "empty": (b"", 400),
    "no object": (b"[]", 422),
    "no image": (b"{}", 422),
    "a number": (b'{"image": 12}', 422),
    "null": (b'{"image": null}', 422),
    "half": (b'{"image": "aGVsbG8', 400),
    "NaN": (b'{"image": NaN}', 422),
    "NaN alone": (b"NaN", 422),
    "nested": (b"[" * 10_000 + b"]" * 10_000, 400),
    "nested image": (b'{"image": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", 400),
    "no utf-8": (b'{"image": "\xff\xfe"}', 400),
    "twice": (b'{"image": "", "image": ""}', 400),
    "long number": (b'{"image": ' + b"9" * 5000 + b"}", 400),
    "not base64": (b'{"image": "!!!!"}', 400),
    "loose base64": (b'{"image": "aGVs\\nbG8="}', 400),
    "unpadded base64": (b'{"image": "aGVsbG8"}', 400),
    "data address": (b'{"image": "data:image/png;base64,aGVsbG8="}', 400),
    "a path": (b'{"image": "/etc/hostname"}', 400),
    "file address": (b'{"image": "file:///etc/hostname"}', 422),
    "http address": (b'{"image": "http://127.0.0.1:9/x"}', 422),
    "no picture": (b'{"image": "aGVsbG8="}', 415),
    "empty picture": (b'{"image": ""}', 415),
    "no form": (b'{"image": "aGVsbG8=", "format": "gif"}', 422),
    "no switch": (b'{"image": "aGVsbG8=", "visualize": "yes"}', 422),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_body_is_refused_in_the_documented_form(server: Serving, name: str) -> None:
    body, status = BAD[name]
    answer = server.post(ROUTE, body, headers={"Content-Type": "application/json"})
    said: dict[str, Any] = answer.json()
    assert answer.status_code == status, said
    assert set(said) == {"logId", "errorCode", "errorMsg"}
    assert said["errorCode"] == status
    assert said["errorMsg"].endswith((".", "?"))
    assert not any(word in said["errorMsg"] for word in ("Traceback", "/zoo/", "site-packages", "hostname"))


def test_damaged_pictures_are_refused(server: Serving, street: np.ndarray) -> None:
    whole = png(street)
    cut = server.documented(whole[: len(whole) // 2])
    assert cut.status_code == 422
    assert "whole" in cut.json()["errorMsg"]
    bomb = io.BytesIO()
    Image.new("L", (14_000, 14_000)).save(bomb, "PNG")
    large = server.documented(bomb.getvalue())
    assert large.status_code == 422
    assert "196000000" in large.json()["errorMsg"]
    for other in (b"%PDF-1.4\n%%EOF", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"%!PS-Adobe", b"\x80\x04K\x01."):
        assert server.documented(other).status_code == 415


def test_other_methods_and_paths_are_told(server: Serving) -> None:
    wrong = server.get(ROUTE)
    assert (wrong.status_code, wrong.headers["allow"], wrong.json()["errorCode"]) == (405, "POST", 405)
    nothing = server.get("/nothing")
    assert nothing.status_code == 404
    assert nothing.headers["content-type"] == "application/problem+json"


def test_the_documented_python_client_works_as_printed(server: Serving, street: np.ndarray, tmp_path: Any) -> None:
    payload = {"image": base64.b64encode(png(street)).decode("ascii")}
    response = requests.post(server.url(ROUTE), json=payload, timeout=PATIENCE)
    assert response.status_code == 200
    result = response.json()["result"]
    (tmp_path / "out.jpg").write_bytes(base64.b64decode(result["image"]))
    assert (tmp_path / "out.jpg").read_bytes().startswith(b"\xff\xd8")
