"""Pictures at addresses: fetched when they are read, within limits, from a real server that fails on request."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from servers import Reply, Server
from support import IMAGE, error_of
from zoo.contract.spec import Artifact
from zoo.errors import DecodeError, FetchError, UnsupportedSourceError
from zoo.picture.sources import Input, SourceOptions, inputs
from zoo.store.download.download import Limits, download

ALL = SourceOptions(frames="all")


def encoded(*images: NDArray[np.uint8], kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    first, *others = (Image.fromarray(image) for image in images)
    first.save(file, kind, **({"save_all": True, "append_images": others} if others else {}))
    return file.getvalue()


PNG = encoded(IMAGE)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.delenv("ZOO_OFFLINE", raising=False)
    with Server({"/a.png": PNG}) as server:
        yield server


def only(source: object, options: SourceOptions | None = None) -> Input:
    (item,) = inputs(source, options or SourceOptions())
    return item


def test_a_picture_is_fetched_when_it_is_read_and_not_before(server: Server) -> None:
    items = list(inputs([server.url("/a.png"), IMAGE, {"img": server.url("/b%20c.jpg?size=2#top")}]))
    assert server.requests == []
    server.files["/b%20c.jpg"] = encoded(IMAGE[::-1])
    assert np.array_equal(items[0].read(), IMAGE)
    assert np.array_equal(items[2].read(), IMAGE[::-1])
    assert [item.name for item in items] == ["a", "array_0002", "b c"]
    assert items[2].uri == server.url("/b%20c.jpg?size=2")
    assert items[2].identify(IMAGE) == items[2].uri
    assert [request.path for request in server.requests] == ["/a.png", "/b%20c.jpg?size=2"]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/", "url_0001"),
        ("", "url_0001"),
        ("/photos/", "photos"),
        ("/get?file=street.png", "get"),
        ("/%E8%A1%97.tar.png", "街.tar"),
        ("/..%2F..%2Fetc%2Fpasswd.png", "passwd"),
        ("/new%0Aline%1B.png", "new_line_"),
        ("/%FF.png", "\ufffd"),
    ],
)
def test_the_name_comes_from_the_path_and_harms_nothing(path: str, name: str) -> None:
    assert only(f"https://pictures.example{path}").name == name


def test_user_and_password_are_sent_to_their_host_and_shown_nowhere(server: Server) -> None:
    url = server.url("/a.png").replace("//", "//me:secret@")
    item = only(url)
    assert np.array_equal(item.read(), IMAGE)
    assert server.requests[0].headers["authorization"].startswith("Basic ")
    server.replies["/a.png"] = Reply(status=403)
    assert "secret" not in f"{item.name} {item.uri} {error_of(item)}"


def test_ten_redirects_are_followed_and_not_one_more(server: Server) -> None:
    for number in range(11):
        server.replies[f"/{number}"] = Reply(status=302, headers={"Location": f"/{number + 1}"})
    server.replies["/10"] = Reply(status=302, headers={"Location": server.url("/a.png")})
    assert np.array_equal(only(server.url("/1")).read(), IMAGE)
    server.requests.clear()
    assert "it redirects more than 10 times" in error_of(only(server.url("/0"))).message
    assert len(server.requests) == 11
    server.replies["/loop"] = Reply(status=301, headers={"Location": "/loop"})
    assert "redirects more than 10 times" in error_of(only(server.url("/loop"))).message


@pytest.mark.parametrize(
    ("location", "reason"),
    [("file:///etc/passwd", "its scheme is 'file'"), ("ftp://127.0.0.1/a.png", "its scheme is 'ftp'")],
)
def test_a_redirect_leads_nowhere_but_to_http(location: str, reason: str, server: Server) -> None:
    server.replies["/a.png"] = Reply(status=302, headers={"Location": location})
    assert reason in error_of(only(server.url("/a.png"))).message


def test_plain_http_is_good_enough_for_pictures_of_any_host_where_it_is_allowed(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The server is the proxy, so that no name needs to be resolved.
    monkeypatch.setenv("http_proxy", server.url(""))
    monkeypatch.delenv("ZOO_ALLOW_HTTP", raising=False)
    server.files["http://pictures.example/a.png"] = PNG
    assert "ZOO_ALLOW_HTTP=1 permits http" in error_of(only("http://pictures.example/a.png")).message
    assert server.requests == []
    monkeypatch.setenv("ZOO_ALLOW_HTTP", "1")
    assert np.array_equal(only("http://pictures.example/a.png").read(), IMAGE)
    server.replies["http://other.example/b"] = Reply(status=302, headers={"Location": "http://pictures.example/a.png"})
    assert np.array_equal(only("http://other.example/b").read(), IMAGE)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes its certificate with openssl")
def test_no_redirect_leads_from_https_down_to_http(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = str(tmp_path / "certificate.pem"), str(tmp_path / "key.pem")
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    files = ["-addext", "subjectAltName=IP:127.0.0.1", "-out", certificate, "-keyout", key]
    subprocess.run([*request, *files], check=True, capture_output=True)
    with Server({"/a.png": PNG}, (certificate, key)) as secure:
        assert "its certificate is not trusted" in error_of(only(secure.url("/a.png"))).message
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificate)
        assert np.array_equal(only(secure.url("/a.png")).read(), IMAGE)
        secure.replies["/down"] = Reply(status=302, headers={"Location": server.url("/a.png")})
        assert "it leads from https down to http" in error_of(only(secure.url("/down"))).message
        server.replies["/up"] = Reply(status=302, headers={"Location": secure.url("/a.png")})
        assert np.array_equal(only(server.url("/up")).read(), IMAGE)
    assert [request.path for request in server.requests] == ["/up"]


HTML = b"<!DOCTYPE html><html><body>Sign in</body></html>"


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(status=404), "cannot be fetched: 404 Not Found"),
        (Reply(status=500), "cannot be fetched: 500"),
        (Reply(status=204), "cannot be fetched: 204"),
        (Reply(body=HTML, headers={"Content-Type": "text/html"}), "got an HTML page instead"),
        (Reply(body=HTML), "got an HTML page instead"),
        (Reply(body=b""), "is empty (0 bytes)"),
        (Reply(body=b"text"), "is not a picture"),
        (Reply(body=PNG[:-30]), "cannot be decoded"),
        (Reply(cut=40), "broke"),
        (Reply(cut=40, framing="chunked"), "broke"),
        (Reply(cut=40, framing="close"), "cannot be decoded"),
        (Reply(cut=40, reset=True), "cannot be fetched"),
        (Reply(headers={"Content-Encoding": "gzip"}), "encoded as gzip"),
        (Reply(headers={"Content-Length": "2000000"}), "cannot be fetched: it has 2000000 bytes or more, and at most"),
        (Reply(endless=True, framing="chunked"), "bytes or more, and at most 1000000 are taken"),
        (Reply(endless=True, framing="close"), "bytes or more, and at most 1000000 are taken"),
        (Reply(body=b"\0" * 2_000_000), "it has 2000000 bytes or more, and at most 1000000 are taken"),
    ],
)
@pytest.mark.parametrize("frames", ["first", "all"])
def test_whatever_is_no_whole_picture_is_an_error_with_the_address_and_the_others_are_read(
    reply: Reply, reason: str, frames: str, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.files["/bad.png"] = PNG
    server.replies["/bad.png"] = reply
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    options = SourceOptions(frames=frames, url_bytes=1_000_000)
    before, bad, after = inputs([server.url("/a.png"), server.url("/bad.png?x=1"), server.url("/a.png")], options)
    assert np.array_equal(before.read(), IMAGE)
    error = error_of(bad)
    assert error.message.startswith(server.url("/bad.png?x=1"))
    assert reason in error.message
    assert np.array_equal(after.read(), IMAGE)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("reply", [Reply(rate=2), Reply(pause=60), Reply(header_pause=0.5), Reply(cut=10, pause=60)])
def test_a_slow_server_is_given_up_in_time(reply: Reply, server: Server) -> None:
    server.replies["/a.png"] = reply
    began = time.monotonic()
    assert "cannot be fetched" in error_of(only(server.url("/a.png"), SourceOptions(url_seconds=1))).message
    assert time.monotonic() - began < 30  # half of what the server would take


def test_a_host_that_does_not_answer_is_an_error() -> None:
    with Server({"/a.png": PNG}) as server:
        gone = server.url("/a.png")
    assert "cannot be fetched: Connection refused" in error_of(only(gone)).message


@pytest.mark.parametrize(
    ("url", "fact"),
    [
        ("http://", "cannot be fetched: it names no host"),
        ("http://a\nb/c.png", "cannot be fetched: it holds characters"),
        ("https://\\a/b.png", "cannot be fetched: it holds characters"),
        ("http://me:secret@[::1/a.png", "url_0001 is an address that cannot be read"),
        ("http://127.0.0.1:99999/secret.png", "url_0001 is an address that cannot be read"),
    ],
)
def test_what_cannot_be_an_address_is_an_error(url: str, fact: str) -> None:
    item = only(url)
    error = error_of(item)
    assert fact in error.message
    assert error.message.isprintable()
    assert "secret" not in f"{item.name} {item.uri} {error}"


def test_offline_means_offline(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    assert "ZOO_OFFLINE is set" in error_of(only(server.url("/a.png"))).message
    monkeypatch.setenv("ZOO_OFFLINE", "perhaps")
    assert "ZOO_OFFLINE is 'perhaps'" in error_of(only(server.url("/a.png"))).message
    assert server.requests == []


def test_the_picture_limit_holds_for_addresses(server: Server) -> None:
    error = error_of(only(server.url("/a.png"), SourceOptions(pixel_limit=34)))
    assert isinstance(error, DecodeError)
    assert "has 35 pixels (5x7). At most 34" in error.message


def test_of_several_frames_the_first_is_taken_and_said_so_or_all_are_when_its_turn_comes(server: Server) -> None:
    server.files["/clip.gif"] = encoded(*(np.full((3, 4, 3), value, np.uint8) for value in (0, 80, 240)), kind="GIF")
    item = only(server.url("/clip.gif"))
    assert item.read()[0, 0, 0] == 0
    assert item.note == "first of 3 frames"
    server.requests.clear()
    walk = inputs([IMAGE, server.url("/clip.gif")], ALL)
    next(walk)
    assert server.requests == []
    frames = list(walk)
    assert [frame.read()[0, 0, 0] for frame in frames] == [0, 80, 240]
    assert [frame.name for frame in frames] == ["clip_0001", "clip_0002", "clip_0003"]
    assert frames[2].uri == server.url("/clip.gif#frame=3")
    assert len(server.requests) == 1


def test_a_document_at_an_address_is_read_with_all_frames_and_its_refusal_says_so(server: Server) -> None:
    server.files["/plan"] = encoded(np.zeros((150, 150, 3), np.uint8), np.zeros((75, 75, 3), np.uint8), kind="PDF")
    error = error_of(only(server.url("/plan")))
    assert isinstance(error, UnsupportedSourceError)
    assert "/plan is a PDF document" in error.message
    assert 'frames="all"' in error.hint
    assert [item.uri for item in inputs(server.url("/plan"), ALL)] == [
        server.url("/plan#page=1"),
        server.url("/plan#page=2"),
    ]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Hosts to which a connection was wanted: none is made, and no name is resolved."""
    hosts: list[str] = []

    def connect(address: tuple[str, int], *_: object, **__: object) -> NoReturn:
        hosts.append(address[0])
        raise ConnectionRefusedError

    def resolve(host: str, *_: object, **__: object) -> NoReturn:
        raise AssertionError(f"{host} was resolved")

    monkeypatch.setattr("urllib3.util.connection.create_connection", connect)
    monkeypatch.setattr("socket.getaddrinfo", resolve)
    monkeypatch.delenv("ZOO_OFFLINE", raising=False)
    monkeypatch.delenv("ZOO_ALLOW_HTTP", raising=False)
    return hosts


HERE = ["localhost", "LOCALHOST", "localhost.", "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f.1", "0177.0.0.1"]
HERE += ["127.8.9.1", "[::1]", "[::ffff:127.0.0.1]"]
ELSEWHERE = ["photos.example", "192.0.2.1", "10.1", "0x0a.1", "128.1", "127.0.0.1.photos.example", "localhost.example"]
ELSEWHERE += ["abba", "0", "[2001:db8::1]", "[::ffff:192.0.2.1]", "127.1x", "dead.beef"]


@pytest.mark.parametrize("host", HERE + ELSEWHERE)
def test_plain_http_is_for_this_machine_whatever_is_fetched(
    host: str, asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = tmp_path / "parts"
    parts.mkdir()

    def try_all(scheme: str) -> list[str]:
        asked.clear()
        url = f"{scheme}://{host}:8123/a.png"
        error_of(only(url))
        with pytest.raises(FetchError):
            download(Artifact((url,)), parts, limits=Limits(tries=1))
        monkeypatch.setenv("ZOO_MIRROR", f"{scheme}://{host}:8123/base")
        with pytest.raises(FetchError):
            download(Artifact(("https://models.example/a.tar",)), parts, limits=Limits(tries=1))
        monkeypatch.delenv("ZOO_MIRROR")
        return [name.strip("[]").lower() for name in asked]

    name = host.strip("[]").lower()
    assert try_all("http") == ([name] * 3 if host in HERE else [])
    assert try_all("https") == [name] * 3
    monkeypatch.setenv("ZOO_ALLOW_HTTP", "1")
    assert try_all("http") == [name] * 3


def test_a_picture_is_not_fetched_where_a_redirect_leaves_this_machine_by_plain_http(server: Server) -> None:
    server.replies["/a.png"] = Reply(status=302, headers={"Location": "http://photos.example/a.png"})
    error = error_of(only(server.url("/a.png")))
    assert "redirects to http://photos.example/a.png: it is plain http" in error.message
