"""Who may ask: the key, and pages of other sites."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from zoo.serve.refusal import refusal_of

# Who watches a server has no key.
_OPEN = ("/health", "/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready")


def is_health(path: str) -> bool:
    """Says whether a path is one of those by which others see whether the server lives."""
    return path in _OPEN


@dataclass(frozen=True, slots=True)
class Doors:
    """Who may ask.

    Attributes:
        key: The key that a request must bring; empty for none.
        host: The address the server was told to listen on.
        origins: Origins of other pages that may ask, such as "https://example.org".
        open_paths: Paths that need no key, besides those of health: those of the page.
    """

    key: str
    host: str
    origins: tuple[str, ...] = ()
    open_paths: tuple[str, ...] = ()

    def check(self, method: str, path: str, headers: Headers) -> None:
        """Lets a request in.

        Raises:
            RefusedError: It has no right key, or a page of another site sent it.
        """
        if self.key:
            if not is_health(path) and path not in self.open_paths and not self._has_key(headers):
                raise refusal_of(
                    401,
                    "The request has no right key. One was expected in a header.",
                    "Send it as: Authorization: Bearer KEY",
                    (("WWW-Authenticate", 'Bearer realm="zoo"'),),
                )
        elif method not in ("GET", "HEAD") and self._of_another_page(headers):
            raise refusal_of(
                403,
                "A web page of another site sent this request. Without a key the server answers none.",
                "Start it with a key, or with --allow-origin for this site.",
            )

    def _has_key(self, headers: Headers) -> bool:
        given = [headers.get("x-api-key", "")]
        kind, _, key = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            given.append(key.strip())
        # Digests are of one length, whatever is compared.
        wanted = _digest(self.key)
        return any(hmac.compare_digest(_digest(one), wanted) for one in given)

    def _of_another_page(self, headers: Headers) -> bool:
        """Says whether a browser sent it for a page that is not the server's own."""
        origin = headers.get("origin")
        if origin is not None:
            if origin in self.origins:
                return False
            host = headers.get("host", "")
            # A name that leads here for a moment would make any page the server's own: an address cannot.
            return urlsplit(origin).netloc != host or not self._is_ours(host)
        return headers.get("sec-fetch-site", "none") not in ("none", "same-origin")

    def _is_ours(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name in ("localhost", self.host):
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
