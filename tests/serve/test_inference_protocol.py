"""The Open Inference Protocol as its real client speaks it, and as it can be spoken wrongly."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from serving import Serving

import zoo
from scenes import draw_scene
from support import export_small, png
from zoo.contract.labels import LabelSet, distinct_palette
from zoo.results.document import decode_mask

INFER = "/v2/models/starter/infer"
LENGTH = "Inference-Header-Content-Length"


# It takes minutes on two cores: `make test-all`.
pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def server(zoo_home: object) -> Iterator[Serving]:
    with Serving("--workers", 1, "--max-body", "2M") as server:
        yield server


@pytest.fixture(scope="module")
def street() -> np.ndarray:
    from scenes import draw_scene

    return draw_scene(5, 120, 168).image


@pytest.fixture(scope="module")
def mask(server: Serving, street: np.ndarray) -> np.ndarray:
    return decode_mask(server.post("/v1/predict?form=json", png(street)).json())


#: In a process of its own: gevent, which the client is made of, is for whole programs.
CLIENT = """
import sys
import numpy as np
import tritonclient.http as http

url, file, out = sys.argv[1:4]
client = http.InferenceServerClient(url)
assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("starter")
assert "binary_tensor_data" in client.get_server_metadata()["extensions"]
(output,) = client.get_model_metadata("starter")["outputs"]
assert (output["name"], output["datatype"], output["shape"]) == ("mask", "UINT8", [-1, -1])
picture = open(file, "rb").read()
pixels = np.load(out + ".pixels.npy")
masks = []
for binary in (True, False):
    one = http.InferInput("image", [1], "BYTES")
    one.set_data_from_numpy(np.array([picture], dtype=object), binary_data=True)
    two = http.InferInput("pixels", list(pixels.shape), "UINT8")
    two.set_data_from_numpy(pixels, binary_data=binary)
    for given in (one, two):
        for packing in (None, "gzip", "deflate"):
            wanted = http.InferRequestedOutput("mask", binary_data=binary)
            result = client.infer(
                "starter", [given], outputs=[wanted], request_id="7",
                request_compression_algorithm=packing, response_compression_algorithm="gzip" if packing else None,
            )
            assert result.get_response()["id"] == "7"
            masks.append(result.as_numpy("mask"))
masks.append(client.infer("starter", [one]).as_numpy("mask"))
try:
    client.infer("other", [one])
except http.InferenceServerException as error:
    assert "no model 'other'" in str(error), error
else:
    raise AssertionError
assert all(np.array_equal(masks[0], other) for other in masks)
np.save(out, masks[0])
print(len(masks))
"""


def test_the_client_of_triton_gets_the_mask_of_the_model(
    server: Serving, street: np.ndarray, mask: np.ndarray, tmp_path: Any
) -> None:
    pytest.importorskip("tritonclient.http", reason="tritonclient[http] is not installed")
    file, out = tmp_path / "street.png", tmp_path / "mask.npy"
    file.write_bytes(png(street))
    np.save(f"{out}.pixels.npy", street)
    command = [sys.executable, "-W", "error::UserWarning:zoo", "-c", CLIENT, f"127.0.0.1:{server.port}", file, out]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "13"
    assert np.array_equal(np.load(out), mask)


def request_of(tensor: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"inputs": [{"name": "image", **tensor}], **more}).encode()


def test_json_alone_will_do(server: Serving, street: np.ndarray, mask: np.ndarray) -> None:
    text = base64.b64encode(png(street)).decode()
    for tensor in (
        {"shape": [1], "datatype": "BYTES", "data": [text]},
        {"shape": [1, 120, 168, 3], "datatype": "UINT8", "data": street.reshape(-1).tolist()},
        {"shape": [120, 168, 3], "datatype": "UINT8", "data": street.tolist()},
    ):
        answer = server.post(INFER, request_of(tensor))
        assert answer.status_code == 200, answer.text
        (output,) = answer.json()["outputs"]
        assert (output["datatype"], output["shape"]) == ("UINT8", [120, 168])
        assert output["data"] == mask.reshape(-1).tolist()


BYTES = {"shape": [1], "datatype": "BYTES"}
BAD: dict[str, tuple[bytes, dict[str, str], int]] = {
    "empty": (b"", {}, 400),
    "no inputs": (b"{}", {}, 422),
    "two inputs": (b'{"inputs": [{}, {}]}', {}, 422),
    "no data": (request_of(BYTES), {}, 422),
    "no list": (request_of({**BYTES, "data": {}}), {}, 422),
    "no outputs": (request_of({**BYTES, "data": ["aGVsbG8="]}, outputs=[]), {}, 422),
    "other type": (request_of({"shape": [1], "datatype": "FP32", "data": [1.0]}), {}, 422),
    "two pictures": (request_of({"shape": [2], "datatype": "BYTES", "data": ["", ""]}), {}, 422),
    "no base64": (request_of({**BYTES, "data": ["!"]}), {}, 400),
    "negative": (request_of({"shape": [1, 1, 3], "datatype": "UINT8", "data": [1, -1, 2]}), {}, 422),
    "too large values": (request_of({"shape": [1, 1, 3], "datatype": "UINT8", "data": [1, 256, 2]}), {}, 422),
    "ragged": (request_of({"shape": [1, 1, 3], "datatype": "UINT8", "data": [[1], [2, 3]]}), {}, 422),
    "fractions": (request_of({"shape": [1, 1, 3], "datatype": "UINT8", "data": [1, 0.5, 2]}), {}, 422),
    "too few": (request_of({"shape": [4, 4, 3], "datatype": "UINT8", "data": [1, 2, 3]}), {}, 400),
    "huge shape": (request_of({"shape": [60000, 60000, 3], "datatype": "UINT8", "data": [1, 2, 3]}), {}, 422),
    "grey": (request_of({"shape": [1, 1, 1], "datatype": "UINT8", "data": [1]}), {}, 422),
    "no such output": (request_of({**BYTES, "data": ["aGVsbG8="]}, outputs=[{"name": "x"}]), {}, 422),
    "long head": (b"{}", {LENGTH: "3"}, 400),
    "no length": (b"{}", {LENGTH: "x"}, 400),
    "wrong size": (request_of({**BYTES, "parameters": {"binary_data_size": 9}}), {}, 400),
    "no picture": (request_of({**BYTES, "data": ["aGVsbG8="]}), {}, 415),
    "no gzip": (b"hello", {"Content-Encoding": "gzip"}, 415),
    "half gzip": (gzip.compress(b"{}" * 100)[:-9], {"Content-Encoding": "gzip"}, 415),
    "gzip bomb": (gzip.compress(bytes(50_000_000)), {"Content-Encoding": "gzip"}, 413),
    "other encoding": (b"{}", {"Content-Encoding": "br"}, 415),
    "nested": (b"[" * 10_000 + b"]" * 10_000, {}, 400),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_request_is_refused_in_the_form_of_the_protocol(server: Serving, name: str) -> None:
    body, headers, status = BAD[name]
    answer = server.post(INFER, body, headers=headers)
    assert answer.status_code == status, answer.text
    assert set(answer.json()) == {"error", "logId"}


def test_a_binary_picture_without_its_length_is_told_of_dtype_object(server: Serving) -> None:
    picture = png()
    head = request_of({**BYTES, "parameters": {"binary_data_size": len(picture)}})
    answer = server.post(INFER, head + picture, headers={LENGTH: str(len(head))})
    assert answer.status_code == 400
    assert "dtype=object" in answer.json()["error"]


def test_paths_of_versions_lead_to_the_only_one(server: Serving) -> None:
    assert server.get("/v2/models/starter/versions/1").json()["versions"] == ["1"]
    assert server.get("/v2/models/starter/versions/1/ready").status_code == 200
    assert server.get("/v2/models/starter/versions/2").status_code == 404
    assert server.get("/v2/models/other/ready").status_code == 404
    assert server.get("/v2/health/live").status_code == server.get("/v2/health/ready").status_code == 200


def test_a_value_for_void_that_no_byte_holds_makes_the_label_map_int32(tmp_path: Path) -> None:
    labels = LabelSet("many", tuple("abcdefg"), distinct_palette(7), ignore_index=1000)
    folder = export_small(tmp_path / "many", labels).folder
    scene = draw_scene(5, 64, 96).image
    with zoo.load(folder, threads=1) as model:
        mask = model.predict(scene).one().mask
    assert len(np.unique(mask)) > 1
    tensor = {"shape": [64, 96, 3], "datatype": "UINT8", "data": scene.reshape(-1).tolist()}
    with Serving(f"many={folder}", "--workers", 1, "--backend", "paddle") as server:
        (told,) = server.get("/v2/models/many").json()["outputs"]
        assert (told["datatype"], told["shape"]) == ("INT32", [-1, -1])
        (output,) = server.post("/v2/models/many/infer", request_of(tensor)).json()["outputs"]
        assert (output["datatype"], output["data"]) == ("INT32", mask.reshape(-1).tolist())
        answer = server.post("/v2/models/many/infer", request_of(tensor, parameters={"binary_data_output": True}))
    raw = answer.content[int(answer.headers[LENGTH]) :]
    assert np.array_equal(np.frombuffer(raw, "<i4").reshape(64, 96), mask)
