"""The proxy that the environment names for an address."""

from __future__ import annotations

import requests.utils

from zoo.message import Message


def proxy(url: str) -> str | None:
    """Returns the address of the proxy, with its credentials, or None where there is none."""
    return requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url))


def via(url: str) -> str:
    """Returns " (through the proxy ...)" for the reason of a failure, without credentials; empty without a proxy."""
    found = proxy(url)
    if found is None:
        return ""
    scheme, _, rest = found.rpartition("://")
    return Message(" (through the proxy {scheme}://{host})", scheme=scheme or "http", host=rest.rpartition("@")[2])
