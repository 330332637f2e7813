"""A picture at an address is fetched from allowed hosts only, at addresses that were looked at."""

from __future__ import annotations

import json
import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from serving import Serving
from urllib3.util.connection import create_connection

from servers import Reply, Server, certificate_for
from support import png
from zoo.store.download.answers import AddressError, Limits
from zoo.store.download.http import open_url
from zoo.store.download.pinned import PinnedAdapter, is_public

ROUTE = "/semantic-segmentation"


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
        ),
        *("255.255.255.255", "240.0.0.1", "198.18.0.1", "::1", "::", "fe80::1", "fc00::1", "fec0::1", "ff02::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:1::", "2001:db8::1", "x"),
    ],
)
def test_addresses_that_are_not_public_are_known(address: str) -> None:
    assert not is_public(address)


def test_public_addresses_are_public() -> None:
    assert all(map(is_public, ("8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8")))


class Network:
    """A resolver that says what a test tells it, and where the connections went."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, **addresses: list[list[str]]) -> None:
        self.answers = {name.replace("_", "."): iter(each) for name, each in addresses.items()}
        self.asked: list[str] = []
        self.reached: list[str] = []
        monkeypatch.setattr("urllib3.util.connection.create_connection", self.connect)

    def resolve(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        return next(self.answers[host])

    def connect(self, address: tuple[str, int], *_: Any, **__: Any) -> socket.socket:
        self.reached.append(address[0])
        raise ConnectionRefusedError(111, "refused by the test")

    def fetch(self, url: str, *allowed: str) -> str:
        with (
            pytest.raises(AddressError) as caught,
            open_url(url, Limits(), adapter=PinnedAdapter(allowed, self.resolve)),
        ):
            pass
        return str(caught.value.reason)


def test_a_name_is_resolved_once_and_the_connection_goes_to_what_was_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(monkeypatch, pictures_example=[["93.184.216.34"], ["127.0.0.1"]])
    network.fetch("https://pictures.example/x.png", "pictures.example")
    assert (network.asked, network.reached) == (["pictures.example"], ["93.184.216.34"])


def test_a_name_with_one_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(monkeypatch, pictures_example=[["93.184.216.34", "10.0.0.1"]])
    assert "not public" in network.fetch("https://pictures.example/x.png", "pictures.example")
    assert network.reached == []


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes its certificates with openssl")
def test_the_certificate_must_be_of_the_name_though_the_connection_goes_to_an_address(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    connect = create_connection
    for name in ("pictures.example", "other.example"):
        files = certificate_for(f"DNS:{name}", tmp_path)
        with Server({"/x.png": png()}, files) as server:
            monkeypatch.setattr(
                "urllib3.util.connection.create_connection",
                lambda _, *rest, port=server.port, **more: connect(("127.0.0.1", port), *rest, **more),
            )
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", files[0])
            adapter = PinnedAdapter(["pictures.example"], lambda host, port: ["93.184.216.34"])
            if name == "pictures.example":
                with open_url("https://pictures.example/x.png", Limits(), adapter=adapter) as answer:
                    assert b"".join(answer.blocks) == png()
            else:
                with (
                    pytest.raises(AddressError) as caught,
                    open_url("https://pictures.example/x.png", Limits(), adapter=adapter),
                ):
                    pass
                assert "certificate is not trusted" in str(caught.value.reason)
            # It is asked for the name, not for the address.
            assert server.names == ["pictures.example"]


@pytest.mark.parametrize(
    "url",
    [
        "https://other.example/x",
        "https://pictures.example:8443/x",
        "https://pictures.example@other.example/x",
        "https://pictures.example.other.example/x",
        "https://93.184.216.34/x",
        "https://[::1]/x",
        "https://2130706433/x",
        "http://127.0.0.1:1/x",
        "http://127.1:1/x",
        "http://localhost:1/x",
        "file:///etc/hostname",
        "gopher://pictures.example/x",
    ],
)
def test_other_hosts_are_not_asked(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    network = Network(monkeypatch)
    network.fetch(url, "pictures.example")
    assert (network.asked, network.reached) == ([], [])


def test_the_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    network = Network(monkeypatch, pictures_example=[["93.184.216.34"]])
    network.fetch("https://pictures.example/x.png", "pictures.example")
    assert network.reached == ["93.184.216.34"]


@pytest.fixture
def listener() -> Iterator[tuple[int, list[bytes]]]:
    """A port on which nobody may call."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        ended = threading.Event()

        def listen() -> None:
            while not ended.is_set():
                try:
                    with listening.accept()[0] as call:
                        heard.append(call.recv(100))
                except TimeoutError:
                    continue

        thread = threading.Thread(target=listen)
        thread.start()
        yield listening.getsockname()[1], heard
        ended.set()
        thread.join()


def test_a_server_fetches_from_the_hosts_it_was_told_only(
    zoo_home: object, listener: tuple[int, list[bytes]], picture: Any
) -> None:
    port, heard = listener
    files = {"/street.png": png(picture), "/large.png": png(picture) + bytes(400_000), "/page": b"<html></html>"}
    with Server(files) as pictures:
        host = pictures.url("").removeprefix("http://").rstrip("/")
        pictures.replies["/moved.png"] = Reply(status=302, headers={"Location": f"http://127.0.0.1:{port}/x"})
        pictures.replies["/loop.png"] = Reply(status=302, headers={"Location": "/loop.png"})
        pictures.replies["/missing.png"] = Reply(status=404)
        with Serving("--workers", 1, "--max-body", "300K", "--allow-url", host, ZOO_OFFLINE="") as server:

            def ask(url: str) -> requests.Response:
                body = json.dumps({"image": url, "visualize": False, "format": "rle"}).encode()
                return server.post(ROUTE, body)

            good = ask(pictures.url("/street.png"))
            assert good.status_code == 200, good.text
            assert good.json()["result"]["size"] == [120, 168]
            assert good.json()["result"]["image"] is None
            for path in ("/moved.png", "/loop.png", "/missing.png", "/large.png", "/page"):
                assert ask(pictures.url(path)).status_code in (415, 422), path
            refused = ask(f"http://127.0.0.1:{port}/x?token=secret")
            assert refused.status_code == 422
            assert "not among the allowed hosts" in refused.json()["errorMsg"]
            assert ask("file:///etc/hostname").status_code == 422
            assert heard == []
            assert "secret" not in server.said()


def test_by_default_nothing_is_fetched(zoo_home: object, listener: tuple[int, list[bytes]]) -> None:
    port, heard = listener
    with Serving("--workers", 1) as server:
        answer = server.post(ROUTE, json.dumps({"image": f"http://127.0.0.1:{port}/x"}).encode())
    assert answer.status_code == 422
    assert "--allow-url" in answer.json()["errorMsg"]
    assert heard == []
