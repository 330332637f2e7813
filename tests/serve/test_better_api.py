"""zoo's own routes: the form that was asked for, errors with their values."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image
from serving import Serving

from support import png
from zoo.results.document import decode_mask

ROUTE = "/v1/predict"


@pytest.fixture(scope="module")
def server(zoo_home: object) -> Iterator[Serving]:
    with Serving("starter", "second=starter", "--workers", 1) as server:
        yield server


@pytest.fixture(scope="module")
def street() -> bytes:
    from scenes import draw_scene

    return png(draw_scene(5, 120, 168).image)


def mask_of(content: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.mode == "P"
        return np.asarray(picture)


def test_raw_bytes_and_a_form_give_the_same_label_map(server: Serving, street: bytes) -> None:
    raw = server.post(ROUTE, street)
    assert (raw.status_code, raw.headers["content-type"]) == (200, "image/png")
    form = server.post(ROUTE, b"", files={"image": ("../street.png", street)})
    assert form.status_code == 200
    assert np.array_equal(mask_of(raw.content), mask_of(form.content))
    assert mask_of(raw.content).shape == (120, 168)
    stages = {part.split(";")[0].strip() for part in raw.headers["server-timing"].split(",")}
    assert stages == {"queue", "read", "preprocess", "inference", "postprocess", "encode"}


def test_the_form_of_the_answer_is_negotiated(server: Serving, street: bytes) -> None:
    mask = mask_of(server.post(ROUTE, street, headers={"Accept": "image/*;q=0.5, image/png"}).content)
    document = server.post(ROUTE, street, headers={"Accept": "application/json"})
    assert np.array_equal(decode_mask(document.json()), mask)
    assert sum(each["pixels"] for each in document.json()["classes"]) == mask.size
    overlay = server.post(ROUTE, street, headers={"Accept": "text/html, image/jpeg;q=0.9"})
    assert overlay.headers["content-type"] == "image/jpeg"
    with Image.open(io.BytesIO(overlay.content)) as picture:
        assert picture.size == (168, 120)
    refused = server.post(ROUTE, street, headers={"Accept": "text/html"})
    assert refused.status_code == 406


def test_any_form_of_results_can_be_asked_for(server: Serving, street: bytes) -> None:
    for form in ("labelme", "geojson", "coco", "labelstudio", "json"):
        assert json.loads(server.post(f"{ROUTE}?form={form}", street).content), form
    side = server.post(f"{ROUTE}?form=side", street)
    with Image.open(io.BytesIO(side.content)) as picture:
        assert picture.size == (336, 120)
    assert server.post(f"{ROUTE}?form=cvat", street).content.startswith(b"<?xml")
    wrong = server.post(f"{ROUTE}?form=bmp", street)
    assert wrong.status_code == 400
    assert "labelme" in wrong.json()["detail"]


def test_scores_are_means_of_the_classes(server: Serving, street: bytes) -> None:
    plain = server.post(f"{ROUTE}?form=json", street).json()
    assert "score" not in plain["classes"][0]
    scored = server.post(f"{ROUTE}?form=json&scores=true", street).json()
    assert all(0 < each["score"] <= 1 for each in scored["classes"])
    assert scored["mask"] == plain["mask"]


def test_an_answer_names_no_folder_of_the_machine(server: Serving, street: bytes) -> None:
    text = server.post(f"{ROUTE}?form=json", street).text
    assert '"source":"picture#' in text
    assert "/work" not in text
    assert "/home" not in text


def test_models_are_listed_and_chosen_by_name(server: Serving, street: bytes) -> None:
    server.post(ROUTE, street)
    models = server.get("/v1/models").json()["models"]
    assert [(each["name"], each["default"]) for each in models] == [("starter", True), ("second", False)]
    one = server.get("/v1/models/starter").json()
    assert one["workers"] == 1
    assert one["engine"].startswith("onnxruntime")
    assert len(one["classes"]) == len(one["palette"]) == 11
    document = server.post(f"{ROUTE}?model=second&form=json", street)
    assert document.status_code == 200
    missing = server.post(f"{ROUTE}?model=third", street)
    assert (missing.status_code, missing.json()["values"]["name"]) == (404, "third")
    assert server.get("/v1/models/third").status_code == 404


def test_an_error_is_a_problem_with_its_values(server: Serving) -> None:
    answer = server.post(ROUTE, b"hello")
    assert answer.status_code == 415
    assert answer.headers["content-type"] == "application/problem+json"
    said = answer.json()
    assert said["status"] == 415
    assert said["values"] == {"count": 5, "expected": said["values"]["expected"]}
    assert said["instance"] == f"urn:uuid:{said['logId']}"
    assert said["template"] == "The {count} bytes are no picture of an accepted format. {expected}"
    assert server.post(f"{ROUTE}?scores=perhaps", b"hello").status_code == 422


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"", "multipart/form-data"),
        (b"", "multipart/form-data; boundary=x"),
        (b"--x\r\n\r\n", "multipart/form-data; boundary=x"),
        (b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n', "multipart/form-data; boundary=x"),
        (b'--x\r\nContent-Disposition: form-data; name="a"; filename="a"\r\n\r\n1', "multipart/form-data; boundary=x"),
        (b"\x00" * 100, "multipart/form-data; boundary=x"),
    ],
)
def test_a_damaged_form_is_refused(server: Serving, body: bytes, kind: str) -> None:
    assert server.post(ROUTE, body, headers={"Content-Type": kind}).status_code == 400


def test_a_compressed_body_is_refused(server: Serving, street: bytes) -> None:
    for route in (ROUTE, "/semantic-segmentation"):
        assert server.post(route, street, headers={"Content-Encoding": "gzip"}).status_code == 415


def test_the_document_of_the_routes_is_complete(server: Serving) -> None:
    document = server.get("/openapi.json").json()
    paths = document["paths"]
    assert {"/semantic-segmentation", "/v1/predict", "/v1/models", "/v1/models/{name}", "/metrics"} <= set(paths)
    body = paths["/semantic-segmentation"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    name = body["$ref"].rpartition("/")[2]
    assert document["components"]["schemas"][name]["required"] == ["image"]
    assert {"200", "400", "413", "415", "422", "503", "504"} <= set(
        paths["/semantic-segmentation"]["post"]["responses"]
    )
    assert set(paths["/v1/predict"]["post"]["requestBody"]["content"]) >= {"multipart/form-data", "image/jpeg"}
    assert set(paths["/v1/predict"]["post"]["responses"]["404"]["content"]) == {"application/problem+json"}
    told = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(document)))
    assert told <= set(document["components"]["schemas"])


def test_what_is_watched_is_told(server: Serving, street: bytes) -> None:
    server.post(ROUTE, street)
    text = server.get("/metrics").text
    assert 'zoo_requests_total{route="/v1/predict",status="200"}' in text
    assert 'zoo_stage_seconds_count{stage="inference"}' in text
    assert 'zoo_resident_bytes{process="workers"}' in text
    assert "zoo_worker_restarts_total 0.0" in text
    assert server.get("/health").json()["status"] == "live"
    assert server.get("/health/ready").json() == {"status": "ready", "workers": {"idle": 1}, "queue": 0}
