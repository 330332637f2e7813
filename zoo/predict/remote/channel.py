"""HTTP to a server: the key, proxies, limits of time and size, and another try where that is sound.

Predictions change nothing in a server, so a request whose connection broke before an answer came is sent once more. A
busy server says when to come again, and is asked again for a while.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

import requests
import urllib3

from zoo.errors import RemoteError
from zoo.message import Message
from zoo.predict.remote.server_address import ServerAddress
from zoo.predict.remote.server_faults import fault_of
from zoo.store.download.proxies import request_proxies, via

#: The variable with the API key of a server.
KEY = "ZOO_API_KEY"

# Seconds: until a connection stands; between two parts of an answer, in which a server may open a model; in all while
# it is busy; and at most before the next try.
_CONNECT, _SILENT, _BUSY, _NAP = 10.0, 300.0, 60.0, 10.0
_CHUNK = 1 << 16
_FAULT_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class RemoteReply:
    """An answer.

    Attributes:
        content: Its body.
        headers: Its headers.
        seconds: From the request to the last byte.
    """

    content: bytes
    headers: Mapping[str, str]
    seconds: float


class Channel:
    """The way to a server. Several threads may use it; each has connections of its own.

    Args:
        address: Where the server is.
    """

    def __init__(self, address: ServerAddress) -> None:
        self.address = address
        self._own = threading.local()
        self._opened: list[requests.Session] = []
        self._lock = threading.Lock()

    def get(self, path: str, most: int) -> RemoteReply:
        """Asks for something.

        Args:
            path: Below the address, with its slash.
            most: Most bytes of an answer.

        Raises:
            ZooError: As `post`.
        """
        return self._asked("GET", path, None, {}, most)

    def post(self, path: str, body: bytes, query: Mapping[str, str], most: int) -> RemoteReply:
        """Sends something.

        Args:
            path: Below the address, with its slash.
            body: What is sent.
            query: Of the address.
            most: Most bytes of an answer.

        Raises:
            RemoteError: The server cannot be reached, refuses the key, stays busy, or answers too much.
            ZooError: What it refused the request for, as the same class as there.
        """
        return self._asked("POST", path, body, query, most)

    def close(self) -> None:
        """Closes the connections."""
        with self._lock:
            opened, self._opened = self._opened, []
        for session in opened:
            session.close()

    def _asked(self, method: str, path: str, body: bytes | None, query: Mapping[str, str], most: int) -> RemoteReply:
        end, again = time.monotonic() + _BUSY, True
        while True:
            began = time.perf_counter()
            try:
                with self._sent(method, path, body, query) as response:
                    if response.status_code == 200:
                        content = self._body(response, most)
                        return RemoteReply(content, response.headers, time.perf_counter() - began)
                    wait = _busy_for(response)
                    if wait is None or time.monotonic() + wait > end:
                        raise fault_of(response, self._start_of(response), self.address)
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
                if not again or not isinstance(error, requests.ConnectionError) or _never_stood(error):
                    raise self._unreached(error) from None
                again, wait = False, 0.0
            time.sleep(wait)

    def _sent(self, method: str, path: str, body: bytes | None, query: Mapping[str, str]) -> requests.Response:
        headers = {"Accept": "application/json", "Accept-Encoding": "gzip" if not self.address.near else "identity"}
        if body is not None:
            headers["Content-Type"] = "application/octet-stream"
        if key := os.environ.get(KEY, "").strip():
            headers["Authorization"] = f"Bearer {key}"
        # An explicit `auth` keeps requests from looking into ~/.netrc.
        return self._session().request(
            method,
            self.address.url + path,
            params=dict(query),
            data=body,
            headers=headers,
            auth=lambda request: request,
            proxies=request_proxies(self.address.url),
            stream=True,
            allow_redirects=False,
            timeout=(_CONNECT, _SILENT),
        )

    def _session(self) -> requests.Session:
        # One session a thread: what requests keeps in one is not made for several.
        session: requests.Session | None = getattr(self._own, "session", None)
        if session is None:
            session = self._own.session = requests.Session()
            with self._lock:
                self._opened.append(session)
        return session

    def _body(self, response: requests.Response, most: int) -> bytes:
        content = bytearray()
        for chunk in response.iter_content(_CHUNK):
            content += chunk
            if len(content) > most:
                raise RemoteError(
                    "{server} answers with more than {most} bytes.",
                    "Look whether it is a server of zoo: open the address in a browser.",
                    server=self.address.url,
                    most=most,
                )
        return bytes(content)

    def _start_of(self, response: requests.Response) -> bytes:
        return next(response.iter_content(_FAULT_BYTES), b"")

    def _unreached(self, error: Exception) -> RemoteError:
        if isinstance(error, requests.exceptions.SSLError):
            reason = Message("its certificate is not accepted, or it does not speak https")
        elif isinstance(error, requests.exceptions.ProxyError):
            reason = Message("the proxy does not let it through")
        elif isinstance(error, requests.ConnectTimeout):
            reason = Message("no connection within {seconds:g} s", seconds=_CONNECT)
        elif isinstance(error, requests.ReadTimeout):
            reason = Message("nothing came for {seconds:g} s", seconds=_SILENT)
        elif _never_stood(error):
            reason = Message("nobody listens there")
        else:
            reason = Message("the connection broke")
        # Texts of these errors may hold the credentials of a proxy: nothing of them is kept.
        return RemoteError(
            "{server} cannot be asked: {reason}{via}.",
            "Start it with zoo serve, or look at host and port.",
            server=self.address.url,
            reason=reason,
            via=via(self.address.url),
        )


def _busy_for(response: requests.Response) -> float | None:
    """Returns the seconds after which a busy server is to be asked again; None where it is not busy."""
    if response.status_code not in (429, 503) or "Retry-After" not in response.headers:
        return None
    said = response.headers["Retry-After"]
    return min(_NAP, max(0.05, float(said))) if said.isdecimal() and len(said) < 6 else None


def _never_stood(error: BaseException) -> bool:
    """Whether no connection came about, where another try tells the same."""
    seen: object = error
    # requests and urllib3 wrap one error into the other, four deep.
    for _ in range(8):
        if isinstance(seen, (urllib3.exceptions.NewConnectionError, ConnectionRefusedError)):
            return True
        if not isinstance(seen, BaseException):
            break
        inner = seen.args[0] if seen.args and isinstance(seen.args[0], BaseException) else seen.__cause__
        seen = getattr(seen, "reason", None) or inner
    return False
