"""Who may ask, and what the log and the answers tell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from serving import Serving, lines, waited

from scenes import draw_scene
from support import png, zoo_process
from zoo.serve.refusal import RefusedError
from zoo.serve.web.doors import Doors

ROUTE = "/v1/predict"
KEY = "s3cret-key-of-the-test"
STREET = png(draw_scene(5, 60, 84).image)


@pytest.fixture(scope="module")
def locked(zoo_home: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    file = tmp_path_factory.mktemp("key") / "key"
    file.write_text(f"{KEY}\n")
    with Serving("--workers", 1, "--api-key-file", file, "--log-format", "json") as server:
        yield server


@pytest.fixture(scope="module")
def opened(zoo_home: object) -> Iterator[Serving]:
    with Serving("--workers", 1, "--log-format", "json", "--allow-origin", "https://good.example") as server:
        yield server


def test_only_who_brings_the_key_is_answered(locked: Serving) -> None:
    for headers in ({"Authorization": f"Bearer {KEY}"}, {"X-API-Key": KEY}, {"authorization": f"bearer  {KEY}"}):
        assert locked.post(ROUTE, STREET, headers=headers).status_code == 200
    for headers in (
        {},
        {"Authorization": KEY},
        {"Authorization": f"Basic {KEY}"},
        {"Authorization": f"Bearer {KEY}x"},
        {"Authorization": "Bearer "},
        {"X-API-Key": KEY[:-1]},
        {"X-API-Key": "\u00ff"},
        {"Cookie": f"key={KEY}"},
    ):
        answer = locked.post(f"{ROUTE}?api_key={KEY}&token={KEY}", STREET, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
    for path in ("/v1/models", "/metrics", "/openapi.json", "/v2", "/nothing"):
        assert locked.get(path).status_code == 401
    assert locked.post("/semantic-segmentation", b"{}").json()["errorCode"] == 401
    assert set(locked.get("/v2/models/starter").json()) == {"error", "logId"}
    for path in ("/health", "/health/live", "/health/ready", "/v2/health/live"):
        assert locked.get(path).status_code == 200
    assert KEY not in locked.said()


def test_the_key_is_not_on_the_command_line_and_may_come_from_the_environment(zoo_home: object) -> None:
    with Serving("--workers", 1, ZOO_API_KEY=KEY) as server:
        assert server.get("/v1/models").status_code == 401
        assert KEY.encode() not in Path(f"/proc/{server.process.pid}/cmdline").read_bytes()
        for worker in server.workers():
            assert KEY.encode() not in Path(f"/proc/{worker}/environ").read_bytes()


def test_a_key_file_that_is_no_key_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    for file, said in ((tmp_path / "empty", "is empty"), (tmp_path / "missing", "cannot be read")):
        done = zoo_process("serve", "--api-key-file", file)
        assert (done.returncode, said in done.stderr) == (1, True)


def test_listening_elsewhere_without_a_key_is_warned_of(zoo_home: object) -> None:
    with Serving("--workers", 1, "--host", "0.0.0.0", ready=False) as server:
        import re

        server.until(re.compile("it has no key"))
        server.process.kill()


def allowed(host: str, **headers: str) -> bool:
    from starlette.datastructures import Headers

    doors = Doors("", "127.0.0.1", ("https://good.example",))
    try:
        doors.check("POST", ROUTE, Headers({"Host": host, **{k.replace("_", "-"): v for k, v in headers.items()}}))
    except RefusedError as refusal:
        return refusal.denied.status != 403
    return True


def test_pages_of_other_sites_are_refused_without_a_key() -> None:
    assert allowed("127.0.0.1:8080")
    assert allowed("127.0.0.1:8080", Origin="http://127.0.0.1:8080", Sec_Fetch_Site="same-origin")
    assert allowed("localhost:8080", Origin="http://localhost:8080")
    assert allowed("[::1]:8080", Origin="http://[::1]:8080")
    assert allowed("zoo.example", Origin="https://good.example")
    assert not allowed("127.0.0.1:8080", Origin="http://evil.example")
    assert not allowed("127.0.0.1:8080", Origin="null")
    assert not allowed("127.0.0.1:8080", Origin="http://127.0.0.1:3000")
    assert not allowed("127.0.0.1:8080", Sec_Fetch_Site="cross-site")
    assert not allowed("127.0.0.1:8080", Sec_Fetch_Site="same-site")
    # A name that a page made lead here for a moment.
    assert not allowed("evil.example:8080", Origin="http://evil.example:8080", Sec_Fetch_Site="same-origin")


def test_no_answer_lets_another_site_read_it(opened: Serving) -> None:
    evil = {"Origin": "http://evil.invalid"}
    answers = [
        opened.post(ROUTE, STREET, headers=evil),
        opened.get("/v1/models", headers=evil),
        opened.post(ROUTE, STREET, headers={"Origin": "https://good.example"}),
    ]
    assert [answer.status_code for answer in answers] == [403, 200, 200]
    for answer in answers:
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]


def test_the_log_has_a_line_a_request_and_nothing_of_what_was_sent(opened: Serving) -> None:
    forged = "x\r\n2026 ERROR forged \x1b[31mred"
    body = json.dumps({"image": forged, "visualize": forged}).encode()
    answer = opened.post(f"/semantic-segmentation?token=secret-in-the-query&{forged.encode().hex()}", body)
    assert answer.status_code == 422
    answers = [answer, opened.get("/v1/models/%0d%0a2026%20ERROR%20forged")]
    answers += [opened.post(f"{ROUTE}?model=secret-name", STREET), opened.post(ROUTE, STREET)]
    # Lines are written behind the answers, and those of other tests may still come.
    known = [each.headers["log-id"] for each in answers]
    waited(lambda: {each.get("log_id") for each in lines(opened.said())} >= set(known), "four lines")
    found = sorted(
        (each for each in lines(opened.said()) if each.get("log_id") in known),
        key=lambda each: known.index(each.get("log_id")),
    )
    assert [each["route"] for each in found] == ["/semantic-segmentation", "/v1/models/{name}", ROUTE, ROUTE]
    assert found[0]["log_id"] == answer.json()["logId"]
    assert found[3]["status"] == 200
    assert found[3]["inference_ms"] >= 0
    text = opened.said()
    assert not any(word in text for word in ("forged", "secret", "\x1b", "token"))
