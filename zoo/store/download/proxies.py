"""The proxy that the environment names for an address."""

from __future__ import annotations

from urllib.parse import urlsplit

import requests.utils

from zoo.message import Message
from zoo.store.download.addresses import is_loopback


def proxy(url: str) -> str | None:
    """Returns the address of the proxy, with its credentials, or None where there is none.

    This machine itself is never asked through one, which would look for the address on its own machine.
    """
    if is_loopback(urlsplit(url).hostname or ""):
        return None
    return requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url))


def request_proxies(url: str) -> dict[str, str]:
    """Returns the argument `proxies` with which requests does the same."""
    found = proxy(url)
    return {"no_proxy": "*"} if found is None else {urlsplit(url).scheme: found}


def via(url: str) -> str:
    """Returns " (through the proxy ...)" for the reason of a failure, without credentials; empty without a proxy."""
    found = proxy(url)
    if found is None:
        return ""
    scheme, _, rest = found.rpartition("://")
    return Message(" (through the proxy {scheme}://{host})", scheme=scheme or "http", host=rest.rpartition("@")[2])
