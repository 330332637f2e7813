"""One opened answer of a server.

requests does TLS, proxies and chunks. Redirects are followed here, one by one, so that each is judged; and a header is
believed only as far as it can be checked.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import threading
import time
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import Future, wait
from contextlib import closing, contextmanager
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth

import zoo
from zoo.message import Message
from zoo.store.download.addresses import objection, shown_url
from zoo.store.download.answers import BLOCK, AddressError, FileAnswer, Limits, no_html
from zoo.store.download.proxies import proxy, request_proxies, via


@contextmanager
def open_url(
    url: str, limits: Limits, offset: int = 0, validator: str = "", adapter: HTTPAdapter | None = None
) -> Generator[FileAnswer, None, None]:
    """Asks a server for a file, or for its rest.

    Args:
        url: The address; credentials in it are sent to its own host only.
        limits: Times and sizes.
        offset: First byte to send.
        validator: ETag or date the file must still have if only its rest is sent.
        adapter: Makes the connections, of which it may refuse some; by default those of requests.

    Raises:
        AddressError: There is no such answer. It starts at 0 or at `offset`, and is no HTML and not compressed.
    """
    headers = {"User-Agent": f"zoo/{zoo.__version__}", "Accept": "*/*", "Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
        if validator:
            headers["If-Range"] = validator
    with _Session() as session:
        if adapter is not None:
            session.mount("https://", adapter)
            session.mount("http://", adapter)
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        with closing(_follow(session, url, headers, limits)) as response:
            yield _answer(response, offset, limits)


class _Session(requests.Session):
    """Follows no redirect: requests would read the whole body of the answer first."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


def _follow(session: requests.Session, url: str, headers: Mapping[str, str], limits: Limits) -> requests.Response:
    before, auth = "", None
    for _ in range(limits.hops + 1):
        reason = objection(url, before)
        if reason is not None:
            raise AddressError(
                Message("it redirects to {target}: {reason}", target=_target(url), reason=reason) if before else reason
            )
        if not before:
            auth = _credentials(url)
        response = _ask(session, url, headers, auth, limits)
        location = response.headers.get("Location")
        if response.status_code not in (301, 302, 303, 307, 308) or location is None:
            return response
        response.close()
        try:
            # Headers come as Latin-1, addresses in them as UTF-8.
            following = urljoin(url, location.encode("latin-1", "replace").decode("utf-8", "replace").strip())
        except ValueError:
            raise AddressError(Message("it redirects to an address that cannot be read")) from None
        if objection(following, url) is None and (
            _origin(url) != _origin(following) or _credentials(following) is not None
        ):
            auth = _credentials(following)
        url, before = following, url
    raise AddressError(Message("it redirects more than {limit} times", limit=limits.hops))


def _ask(
    session: requests.Session, url: str, headers: Mapping[str, str], auth: HTTPBasicAuth | None, limits: Limits
) -> requests.Response:
    """Sends one request. It runs in a thread: a server that drips its headers renews every timeout of a socket."""
    parts = urlsplit(url)
    address = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    opened: Future[requests.Response] = Future()

    def ask() -> None:
        try:
            # An explicit `auth` keeps requests from looking into ~/.netrc.
            opened.set_result(
                session.get(
                    address,
                    headers=dict(headers),
                    auth=auth or (lambda request: request),
                    proxies=request_proxies(address),
                    stream=True,
                    allow_redirects=False,
                    timeout=(limits.connect, limits.read),
                )
            )
        except BaseException as error:
            opened.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()
    late = True
    try:
        late = not wait([opened], limits.connect + limits.read).done
    finally:
        if late:
            opened.add_done_callback(_close)
    if late:
        raise AddressError(
            Message("no answer within {seconds:g} s{via}", seconds=limits.connect + limits.read, via=via(url)),
            again=True,
        )
    try:
        return opened.result()
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
        # Texts of these errors may hold credentials: nothing of them is kept.
        raise _failure(error, url, limits) from None


def _close(opened: Future[requests.Response]) -> None:
    if opened.exception() is None:
        opened.result().close()


def _answer(response: requests.Response, offset: int, limits: Limits) -> FileAnswer:
    status, headers = response.status_code, response.headers
    _check_status(response, offset)
    etag, modified = headers.get("ETag", "").strip(), headers.get("Last-Modified", "").strip()
    sent = headers.get("Content-Range", "").strip()
    if status == 416:
        if sent == f"bytes */{offset}":
            return FileAnswer(offset, offset, True, etag, modified, iter(()))
        raise AddressError(
            Message("it has no bytes from {offset} on", offset=offset), again=True, wait=0.0, spoils=True
        )
    encoding = headers.get("Content-Encoding", "").strip().lower()
    transfer = headers.get("Transfer-Encoding", "").strip().lower()
    if encoding not in ("", "identity") or transfer not in ("", "identity", "chunked"):
        raise AddressError(
            Message("it sends the file encoded as {encoding}, which it was asked not to", encoding=encoding or transfer)
        )
    if headers.get("Content-Type", "").split(";")[0].strip().lower() in ("text/html", "application/xhtml+xml"):
        raise AddressError(Message("got an HTML page instead of the file"))
    length = None if transfer == "chunked" else _number(headers.get("Content-Length"))
    blocks = _blocks(response, limits)
    if status == 200:
        return FileAnswer(0, length, length is not None or transfer == "chunked", etag, modified, no_html(blocks))
    match = re.fullmatch(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})", sent)
    first, last, total = (int(number) for number in match.groups()) if match else (-1, -1, -1)
    if not offset == first <= last < total or length not in (None, last - first + 1):
        raise AddressError(
            Message(
                "it was asked for the bytes from {offset} on and sends {sent}",
                offset=offset,
                sent=sent or Message("unnamed ones"),
            ),
            again=True,
            wait=0.0,
            spoils=True,
        )
    return FileAnswer(first, total, True, etag, modified, blocks)


def _check_status(response: requests.Response, offset: int) -> None:
    status = response.status_code
    if status == 200 or (offset and status in (206, 416)):
        return
    said = f"{status} {http.client.responses.get(status, '')}".strip()
    reason = Message("{reason}{via}", reason=said, via=via(response.url))
    if status in (408, 429) or status >= 500:
        raise AddressError(reason, again=True, wait=_retry_after(response.headers.get("Retry-After", "")))
    raise AddressError(reason)


def _retry_after(value: str) -> float | None:
    """Reads seconds or an HTTP date."""
    if re.fullmatch(r"\d{1,9}", value.strip()):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max(0.0, (moment - datetime.now(timezone.utc)).total_seconds())


def _number(value: str | None) -> int | None:
    if value is None:
        return None
    if not re.fullmatch(r"\d{1,18}", value.strip()):
        raise AddressError(Message("its Content-Length is {value!r:.40}", value=value))
    return int(value)


def _blocks(response: requests.Response, limits: Limits) -> Iterator[bytes]:
    """Reads what comes; time that others take between two reads does not count."""
    waited, received = 0.0, 0
    while True:
        began = time.monotonic()
        try:
            # `read` would wait for the whole block, and with it a drip would last for hours.
            block = response.raw.read1(BLOCK, decode_content=False)
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError) as error:
            raise _failure(error, response.url, limits) from None
        if not block:
            return
        waited += time.monotonic() - began
        received += len(block)
        yield block
        if waited >= limits.read:
            if received < limits.slowest * waited:
                raise AddressError(
                    Message(
                        "it sends less than {slowest:g} bytes a second{via}",
                        slowest=limits.slowest,
                        via=via(response.url),
                    ),
                    again=True,
                    slow=True,
                )
            waited, received = 0.0, 0


def _failure(error: Exception, url: str, limits: Limits) -> AddressError:
    """Puts a failed connection into words of our own."""
    inner = _innermost(error)
    again, hint, unknown_host = True, "", ""
    if isinstance(inner, ssl.SSLCertVerificationError):
        reason, again = Message("its certificate is not trusted: {reason}", reason=inner.verify_message), False
        hint = Message(
            "If your network has a certificate of its own, run: export REQUESTS_CA_BUNDLE=FILE.pem  "
            "(the file that your administrators give you; SSL_CERT_FILE is not read)"
        )
    elif isinstance(error, requests.ConnectTimeout):
        reason = Message("no connection within {seconds:g} s", seconds=limits.connect)
    elif isinstance(inner, TimeoutError):
        reason = Message("no byte came for {seconds:g} s", seconds=limits.read)
    elif isinstance(inner, socket.gaierror):
        reason = Message("the name of the host cannot be resolved")
        unknown_host = urlsplit(proxy(url) or url).hostname or ""
    elif isinstance(error, (requests.ConnectionError, urllib3.exceptions.HTTPError, http.client.HTTPException)):
        reason = (inner.strerror if isinstance(inner, OSError) else None) or Message("the connection broke")
    elif isinstance(error, OSError) and not isinstance(error, requests.RequestException):
        # requests found no certificates where REQUESTS_CA_BUNDLE says, or the system refused the socket.
        reason, again = error.strerror or str(error), error.errno is not None
    else:
        reason, again = Message("it cannot be asked ({type})", type=type(error).__name__), False
    return AddressError(
        Message("{reason}{via}", reason=reason, via=via(url)), again=again, hint=hint, unknown_host=unknown_host
    )


def _innermost(error: BaseException) -> BaseException:
    candidates = (getattr(error, "reason", None), *error.args, error.__cause__, error.__context__)
    inner = next((candidate for candidate in candidates if isinstance(candidate, BaseException)), None)
    return error if inner is None else _innermost(inner)


def _credentials(url: str) -> HTTPBasicAuth | None:
    parts = urlsplit(url)
    if parts.username is None:
        return None
    return HTTPBasicAuth(unquote(parts.username).encode(), unquote(parts.password or "").encode())


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def _target(url: str) -> str:
    """A redirect's target for people: its query may be a signature."""
    return shown_url(url).partition("?")[0]
