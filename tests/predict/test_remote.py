"""Models of a server: a small server of the same answers, which fails on request."""

from __future__ import annotations

import json
import pickle
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import Image

import zoo
from zoo.cli.app import cli
from zoo.predict.remote.server_address import server_address
from zoo.results.scoretext import decode_scores, encode_scores

STREET = Path(__file__).resolve().parents[2] / "docs" / "street.jpg"
KEY = "correct horse"


@dataclass
class Script:
    """What the server does, and what it saw."""

    #: Answers before the usual ones: (status, headers, body), or "cut" to close the connection.
    first: list[Any] = field(default_factory=list)
    key: str = ""
    asked: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    script: Script
    model: Any

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.script.asked.append((self.path, dict(self.headers), body))
        if self.script.first and self.command == "POST":
            told = self.script.first.pop(0)
            if told == "cut":
                self.close_connection = True
                return
            self._tell(*told)
        elif self.script.key and self.headers.get("Authorization") != f"Bearer {self.script.key}":
            self._tell(401, {"Content-Type": "application/problem+json"}, b"{}")
        elif self.path == "/v1/models":
            self._tell(200, {}, json.dumps({"models": [self._info("starter", True), self._info("other", False)]}))
        else:
            self._predict(body)

    def _info(self, name: str, default: bool) -> dict[str, Any]:
        labels = self.model.bundle.labels
        return {
            "name": name,
            "classes": list(labels.names),
            "palette": [f"#{bytes(color).hex()}" for color in labels.palette],
            "ignore_index": labels.ignore_index,
            "default": default,
            "engine": "a far engine",
        }

    def _predict(self, body: bytes) -> None:
        query = parse_qs(urlsplit(self.path).query)
        scored = query["form"] == ["scored"]
        result = self.model.predict(body, scores=scored).one()
        document = result.to_dict()
        if scored:
            document["scores"] = encode_scores(result.scores)
        self._tell(200, {}, json.dumps(document))

    def _tell(self, status: int, headers: dict[str, str], body: bytes | str) -> None:
        content = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)


@pytest.fixture(scope="module")
def local() -> Iterator[Any]:
    with zoo.load("starter", threads=1) as model:
        yield model


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def address(local: Any, script: Script) -> Iterator[str]:
    handler = type("Scripted", (Handler,), {"script": script, "model": local})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(7).integers(0, 256, (height, width, 3), np.uint8)


def problem(status: int, **said: Any) -> tuple[int, dict[str, str], bytes]:
    return status, {"Content-Type": "application/problem+json"}, json.dumps({"status": status, **said}).encode()


@pytest.mark.parametrize("kind", ["file", "array"])
@pytest.mark.parametrize(
    "options",
    [{}, {"scores": True}, {"min_score": 0.7, "labels": {"ground": ["road", "pavement"]}, "palette": "colorblind"}],
    ids=["plain", "scores", "changed"],
)
def test_a_result_of_a_server_is_that_of_the_local_model(
    address: str, local: Any, kind: str, options: dict[str, Any]
) -> None:
    source: Any = STREET if kind == "file" else noise(48, 80)
    expected = local.predict(source, **options).one()
    with zoo.load(address, model="starter") as model:
        found = model.predict(source, **options).one()
    assert found.mask.dtype == expected.mask.dtype
    assert np.array_equal(found.mask, expected.mask)
    assert np.array_equal(found.image, expected.image)
    assert (found.class_names, found.palette) == (expected.class_names, expected.palette)
    assert found.labels.ignore_index == expected.labels.ignore_index
    assert (found.scores is None) == (expected.scores is None)
    if expected.scores is not None:
        assert np.array_equal(found.scores, expected.scores)
    same = ("name", "uri", "model", "device", "engine", "precision", "note")
    assert [getattr(found, name) for name in same] == [getattr(expected, name) for name in same]
    assert list(found.seconds) == ["read", "preprocess", "inference", "postprocess", "transfer"]


def test_a_jpeg_file_goes_as_it_is_and_other_pictures_as_their_pixels(address: str, script: Script) -> None:
    with zoo.load(address) as model:
        list(model.predict([STREET, noise(40, 60)]))
    bodies = sorted((body for path, _, body in script.asked if path.startswith("/v1/predict")), key=len)
    assert bodies[1] == STREET.read_bytes()
    assert bodies[0].startswith(b"P6\n60 40\n255\n")
    assert bodies[0].endswith(noise(40, 60).tobytes())


def test_results_come_in_order_with_failures_in_their_places(address: str, tmp_path: Path) -> None:
    sizes = [(40, 40 + 8 * number) for number in range(9)]
    for number, (height, width) in enumerate(sizes):
        Image.fromarray(noise(height, width)).save(tmp_path / f"{number}.png")
    (tmp_path / "4.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing more")
    with zoo.load(address) as model:
        predictions = model.predict(tmp_path, on_error="skip")
        found = list(predictions)
        assert [result.mask.shape for result in found] == [size for place, size in enumerate(sizes) if place != 4]
        assert [failure.name for failure in predictions.failures] == ["4"]
        with pytest.raises(zoo.DecodeError):
            list(model.predict(tmp_path))


def test_the_model_is_named_behind_the_address_or_beside_it(address: str, script: Script) -> None:
    assert zoo.load(f"{address}#other").name == zoo.load(address, model="other").name == "other"
    assert zoo.load(f"{address}/").name == "starter"
    with zoo.load(f"{address}#other") as model:
        assert (model.engine, model.device, model.server) == ("a far engine", "", address)
        list(pickle.loads(pickle.dumps(model)).predict(noise(32, 32)))
    assert parse_qs(urlsplit(script.asked[-1][0]).query)["model"] == ["other"]


def test_the_key_comes_from_the_environment_and_goes_into_a_header(
    address: str, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    script.key = KEY
    for key in ("", "wrong"):
        monkeypatch.setenv("ZOO_API_KEY", key)
        with pytest.raises(zoo.RemoteError) as caught:
            zoo.load(address)
        assert "asks for a key" in str(caught.value)
        assert "export ZOO_API_KEY" in str(caught.value)
    monkeypatch.setenv("ZOO_API_KEY", KEY)
    assert len(list(zoo.load(address).predict(noise(32, 32)))) == 1
    assert all(KEY not in path for path, _, _ in script.asked)


def test_no_proxy_stands_before_this_machine_and_no_netrc_is_read(
    address: str, script: Script, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    zoo.load(address)
    assert "Authorization" not in script.asked[0][1]


@pytest.mark.parametrize(
    ("answer", "error", "says"),
    [
        (
            problem(415, error="UnsupportedSourceError", detail="The 3 bytes are no picture.", hint="Send one."),
            zoo.UnsupportedSourceError,
            "The 3 bytes are no picture.\nSend one.",
        ),
        (
            problem(
                422,
                error="DecodeError",
                detail="a is cut after 7 bytes.",
                template="{name} is cut after {count} bytes.",
                values={"name": "a", "count": 7},
                hint="h",
            ),
            zoo.DecodeError,
            "a is cut after 7 bytes.\nh",
        ),
        (problem(413, error="RequestError?", detail="Too large.", hint=""), zoo.SourceError, "Too large."),
        (problem(404, error="ModelNotFoundError", detail="None.", hint=""), zoo.ModelNotFoundError, "None."),
        (problem(500, error="Exception", detail="It failed.", hint="Look.", logId="ab12"), zoo.InferenceError, "ab12"),
        (problem(500, error="os", detail="It failed.", hint=""), zoo.InferenceError, "It failed."),
        ((502, {"Content-Type": "text/html"}, b"<html>"), zoo.RemoteError, "answers 502 Bad Gateway"),
        ((301, {"Location": "http://127.0.0.1:9/"}, b""), zoo.RemoteError, "answers 301"),
        ((200, {}, b"<html>"), zoo.RemoteError, "The answer of the server, line 1"),
        ((200, {}, b"[" * 100_000), zoo.RemoteError, "nested too deep"),
        ((200, {}, b"{}"), zoo.RemoteError, "has no `model`"),
        ((200, {}, b"0" * 9_000_000), zoo.RemoteError, "answers with more than"),
        ((503, {}, b""), zoo.RemoteError, "answers 503"),
        ((503, {"Retry-After": "9999"}, b""), zoo.RemoteError, "answers 503"),
    ],
)
def test_what_a_server_refuses_is_the_error_of_a_local_model(
    address: str,
    script: Script,
    answer: Any,
    error: type[zoo.ZooError],
    says: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("zoo.predict.remote.channel._BUSY", 0.0)
    with zoo.load(address) as model:
        script.first = [answer]
        with pytest.raises(zoo.ZooError) as caught:
            model.predict(noise(32, 32)).one()
        assert type(caught.value) is error
        assert says in str(caught.value)
        assert model.predict(noise(32, 32)).one().mask.shape == (32, 32)


def test_values_come_along_so_that_an_error_is_shown_in_chinese(
    address: str, script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.fromarray(noise(32, 32)).save(tmp_path / "a.png")
    said = {
        "error": "SourceError",
        "detail": "S answers with more than 5 bytes.",
        "template": "{server} answers with more than {most} bytes.",
        "values": {"server": "S", "most": 5},
        "hint": "",
    }
    script.first = [problem(422, **said)]
    monkeypatch.setenv("ZOO_LANG", "zh")
    done = CliRunner().invoke(cli, ["predict", str(tmp_path / "a.png"), "--model", address])
    assert "S 的回答超过 5 字节" in done.output


def test_a_busy_server_is_asked_again_and_a_broken_connection_once(address: str, script: Script) -> None:
    with zoo.load(address) as model:
        script.first = [(503, {"Retry-After": "0"}, b""), (429, {"Retry-After": "0"}, b""), "cut"]
        assert model.predict(noise(32, 32)).one().mask.shape == (32, 32)
        script.first = ["cut", "cut"]
        with pytest.raises(zoo.RemoteError, match="the connection broke"):
            model.predict(noise(32, 32)).one()


def test_a_server_that_is_gone_ends_a_run_that_passes_over_bad_pictures(address: str, script: Script) -> None:
    with zoo.load(address) as model:
        script.first = ["cut"] * 20
        with pytest.raises(zoo.RemoteError):
            list(model.predict([noise(32, 32)] * 3, on_error="skip"))


def test_an_answer_of_another_picture_is_refused(address: str, local: Any, script: Script) -> None:
    document = local.predict(noise(16, 16)).one().to_dict()
    with zoo.load(address) as model:
        script.first = [(200, {}, json.dumps(document))]
        with pytest.raises(zoo.RemoteError, match="a label map of 16x16 for a picture of 32x32"):
            model.predict(noise(32, 32)).one()


@pytest.mark.parametrize(
    "option", [{"mode": "whole"}, {"flip": True}, {"scales": (0.5, 1)}, {"window": 64, "mode": "slide"}, {"stride": 64}]
)
def test_options_of_the_network_belong_to_the_server(address: str, option: dict[str, Any]) -> None:
    with zoo.load(address) as model, pytest.raises(zoo.ConfigError) as caught:
        model.predict(STREET, **option)
    assert "which a server runs" in str(caught.value)


@pytest.mark.parametrize("option", [{"device": "gpu"}, {"threads": 1}, {"lock": "zoo.lock"}, {"precision": "bf16"}])
def test_options_of_loading_belong_to_the_server(option: dict[str, Any]) -> None:
    with pytest.raises(zoo.ConfigError) as caught:
        zoo.load("http://127.0.0.1:9", **option)
    assert f"`{next(iter(option))}` was given for a model that a server runs." in str(caught.value)


def test_what_needs_the_files_of_a_model_is_refused(address: str, tmp_path: Path) -> None:
    with zoo.load(address) as model:
        with pytest.raises(zoo.ConfigError, match="its files are not on this machine"):
            _ = model.bundle
        with pytest.raises(zoo.ConfigError, match="A large TIFF"):
            model.predict_tiff("a.tif", tmp_path / "b.tif")
        with pytest.raises(AttributeError):
            _ = model.nothing
    with pytest.raises(zoo.ConfigError, match="`target_size` was given"):
        zoo.create_pipeline("semantic_segmentation", model=address, target_size=64)
    with pytest.raises(zoo.ConfigError, match="which is no address of a server"):
        zoo.load("starter", model="starter")


@pytest.mark.parametrize(
    "address",
    ["http://", "http://:80", "http://me:secret@127.0.0.1", "http://127.0.0.1/?a=1", "http://127.0.0.1:99999"],
)
def test_addresses_that_are_none_are_told_without_their_secrets(address: str) -> None:
    with pytest.raises(zoo.ConfigError) as caught:
        zoo.load(address)
    assert "secret" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 2


def test_an_address_is_taken_apart() -> None:
    assert server_address("HTTPS://Host.example/zoo/#A B").url == "https://Host.example/zoo"
    assert server_address("https://h/#A B").model == "A B"
    assert server_address("http://[::1]:80").near
    assert not server_address("http://10.0.0.1").near
    with pytest.raises(zoo.ConfigError, match="Two models"):
        server_address("http://h#a", "b")


def test_another_machine_is_not_asked_offline() -> None:
    with pytest.raises(zoo.OfflineError, match="is on another machine"):
        zoo.load("http://192.0.2.1:8080", offline=True)


def test_a_pipeline_and_the_command_line_use_a_server(address: str, local: Any, tmp_path: Path) -> None:
    expected = local.predict(STREET).one()
    with zoo.create_pipeline("semantic_segmentation", model=address) as pipeline:
        assert np.array_equal(pipeline.predict(STREET).one().mask, expected.mask)
    out = tmp_path / "out"
    done = CliRunner().invoke(cli, ["predict", str(STREET), "--model", address, "-o", str(out), "--save", "mask"])
    assert done.exit_code == 0, done.output
    with Image.open(out / "street_mask.png") as mask:
        assert np.array_equal(np.asarray(mask), expected.mask)
    gone = CliRunner().invoke(cli, ["predict", str(STREET), "--model", "http://127.0.0.1:1"])
    assert (gone.exit_code, gone.output.count("Traceback")) == (1, 0)
    assert "nobody listens there" in gone.output


def test_scores_survive_their_text_and_damage_is_refused() -> None:
    scores = np.random.default_rng(1).random((13, 7), np.float32)
    text = json.loads(json.dumps({"scores": encode_scores(scores)}))
    assert np.array_equal(decode_scores(text, (13, 7)), scores)
    for document, size in (
        (text, (7, 14)),
        ({}, (13, 7)),
        ({"scores": {**text["scores"], "data": "AAAA"}}, (13, 7)),
        ({"scores": {**text["scores"], "data": "ä"}}, (13, 7)),
        ({"scores": {**text["scores"], "dtype": "float16"}}, (13, 7)),
    ):
        with pytest.raises(zoo.DecodeError):
            decode_scores(document, size)
