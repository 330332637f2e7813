"""A real HTTP server on 127.0.0.1 that fails in every way a test asks for.

    with Server({"/models/x.tar": content}) as server:
        server.replies["/models/x.tar"] = [Reply(cut=40_000)]      # the first request only; then it behaves
        server.replies["/models/x.tar"] = Reply(status=404)        # every request
        server.replies["/models/x.tar"] = lambda number: ...       # by the number of the request, from 0
        ... server.url("/models/x.tar") ... server.requests ...

Left alone it is a good server: strong ETag, date, ranges, `If-Range`.
"""

from __future__ import annotations

import hashlib
import re
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Literal

_BLOCK = 16_384


@dataclass(frozen=True)
class Reply:
    """How one request is answered; what is left at its default is done well.

    Attributes:
        status: Any but 200 is sent with `body`, whatever was asked for.
        headers: Added, or put in the place of those of the same name; None takes one away.
        body: Sent instead of the file (with the file's own rules for ranges when the status is 200).
        ranges: Whether `Range` is understood.
        if_range: Whether `If-Range` is understood.
        shift: Added to the first byte of a range: it is sent, and named, from there on.
        cut: Bytes of the body after which the connection is closed.
        reset: Close it with RST.
        pause: Seconds of silence at `cut`, after which the rest comes; before the first byte when there is no `cut`.
        rate: Bytes a second.
        header_pause: Seconds between two bytes of the headers.
        length: Added to the Content-Length that is right.
        framing: "length", "chunked", or "close" for a body that ends with the connection.
        endless: The body repeats without end.
        flip: Place of a byte of the file that is changed.
    """

    status: int = 200
    headers: Mapping[str, str | None] = field(default_factory=dict)
    body: bytes | None = None
    ranges: bool = True
    if_range: bool = True
    shift: int = 0
    cut: int | None = None
    reset: bool = False
    pause: float = 0.0
    rate: float | None = None
    header_pause: float = 0.0
    length: int = 0
    framing: Literal["length", "chunked", "close"] = "length"
    endless: bool = False
    flip: int | None = None


Replies = Reply | list[Reply] | Callable[[int], Reply]


@dataclass(frozen=True)
class Request:
    """A request as it came; names of headers are in small letters."""

    method: str
    path: str
    headers: Mapping[str, str]


def certificate_for(name: str, folder: Path) -> tuple[str, str]:
    """Makes a certificate that signs itself, and its key.

    Args:
        name: Whose it is, as openssl has it: "IP:127.0.0.1" or "DNS:pictures.example".
        folder: Where both files are written.
    """
    stem = re.sub(r"\W", "-", name)
    certificate, key = str(folder / f"{stem}.pem"), str(folder / f"{stem}.key.pem")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=zoo", "-addext", f"subjectAltName={name}"]
    subprocess.run([*command, "-out", certificate, "-keyout", key], check=True, capture_output=True)
    return certificate, key


class Server:
    """The server; it runs between `with` and its end, and no thread or socket outlives it.

    Args:
        files: Content by path, without the query; may be changed while it runs.
        certificate: (certificate, key) files, for https.

    Attributes:
        replies: How a path is answered: always so, a list for the first requests, or a function of their number.
        requests: Every request so far.
        names: What clients of https called it before they asked.
    """

    def __init__(self, files: Mapping[str, bytes] | None = None, certificate: tuple[str, str] | None = None) -> None:
        self.files = dict(files or {})
        self.modified = "Wed, 01 Jan 2025 00:00:00 GMT"
        self.replies: dict[str, Replies] = {}
        self.requests: list[Request] = []
        self.names: list[str | None] = []
        self.stopping = threading.Event()
        self._lock = threading.Lock()
        self._http = _Threads(("127.0.0.1", 0), _handler(self))
        self._scheme = "https" if certificate else "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            context.sni_callback = lambda _, name, __: self.names.append(name)
            self._http.socket = context.wrap_socket(self._http.socket, server_side=True)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,))

    def __enter__(self) -> Server:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    @property
    def port(self) -> int:
        return self._http.server_address[1]

    def url(self, path: str) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}{path}"

    def ranges(self, path: str) -> list[str | None]:
        """The `Range` header of every request of a path."""
        return [request.headers.get("range") for request in self.requests if request.path == path]

    def reply(self, request: Request) -> Reply:
        """Notes a request and says how to answer it."""
        path = request.path.partition("?")[0]
        with self._lock:
            number = sum(1 for earlier in self.requests if earlier.path.partition("?")[0] == path)
            self.requests.append(request)
        replies = self.replies.get(path, [])
        if isinstance(replies, Reply):
            return replies
        if isinstance(replies, list):
            return replies[number] if number < len(replies) else Reply()
        return replies(number)


def etag(content: bytes) -> str:
    """The strong ETag the server gives to a content."""
    return f'"{hashlib.sha256(content).hexdigest()[:16]}"'


class _Threads(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is no news."""


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def do_GET(self) -> None:
            request = Request(self.command, self.path, {name.lower(): value for name, value in self.headers.items()})
            self.close_connection = True
            _send(self.connection, server, request, server.reply(request))

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """The log is `server.requests`."""

    return Handler


def _send(connection: socket.socket, server: Server, request: Request, reply: Reply) -> None:
    status, headers, body = _answer(server, request, reply)
    length = len(body) + reply.length
    framing = {"length": ("Content-Length", str(length)), "chunked": ("Transfer-Encoding", "chunked")}
    headers = {"Connection": "close", **dict([framing[reply.framing]] if reply.framing in framing else []), **headers}
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in ({**headers, **reply.headers}).items() if value is not None]
    head = "\r\n".join([*lines, "", ""]).encode("latin-1")
    try:
        if reply.header_pause:
            for index in range(len(head)):
                connection.sendall(head[index : index + 1])
                if server.stopping.wait(reply.header_pause):
                    return
        else:
            connection.sendall(head)
        for piece in _pieces(body, reply, server):
            chunk = b"%x\r\n%s\r\n" % (len(piece), piece) if reply.framing == "chunked" else piece
            connection.sendall(chunk)
        if reply.framing == "chunked" and reply.cut is None:
            connection.sendall(b"0\r\n\r\n")
        if reply.reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
    except OSError:
        pass


def _answer(server: Server, request: Request, reply: Reply) -> tuple[int, dict[str, str], bytes]:
    """Returns status, headers and body as a good server would, but for status, ranges, shift and flip."""
    content = server.files.get(request.path.partition("?")[0]) if reply.body is None else reply.body
    if reply.status != 200:
        return reply.status, {}, reply.body or b"no"
    if content is None:
        return 404, {"Content-Type": "text/html"}, b"<html>not found</html>"
    tag = reply.headers.get("ETag", etag(content))
    headers = {"ETag": etag(content), "Last-Modified": server.modified, "Accept-Ranges": "bytes"}
    if reply.flip is not None:
        content = content[: reply.flip] + bytes([content[reply.flip] ^ 1]) + content[reply.flip + 1 :]
    asked = re.fullmatch(r"bytes=(\d+)-", request.headers.get("range", ""))
    unchanged = request.headers.get("if-range") in (None, tag, reply.headers.get("Last-Modified", server.modified))
    if asked is None or not reply.ranges or (reply.if_range and not unchanged):
        return 200, headers, content
    start = int(asked[1]) + reply.shift
    if start >= len(content):
        return 416, {"Content-Range": f"bytes */{len(content)}", "Content-Type": "text/html"}, b"<html>416</html>"
    headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
    return 206, headers, content[start:]


def _pieces(body: bytes, reply: Reply, server: Server) -> Iterator[bytes]:
    if reply.cut is None:
        server.stopping.wait(reply.pause)
        yield from _paced(body, reply.rate, server)
        while reply.endless and not server.stopping.is_set():
            yield from _paced(body, reply.rate, server)
        return
    yield from _paced(body[: reply.cut], reply.rate, server)
    if reply.pause:
        server.stopping.wait(reply.pause)
        yield from _paced(body[reply.cut :], reply.rate, server)


def _paced(body: bytes, rate: float | None, server: Server) -> Iterator[bytes]:
    block = _BLOCK if rate is None else max(1, min(_BLOCK, int(rate / 50)))
    for start in range(0, len(body), block):
        if server.stopping.is_set():
            return
        yield body[start : start + block]
        if rate is not None:
            server.stopping.wait(block / rate)
