"""Connections to hosts that were allowed, at addresses that were looked at before.

A name is resolved once. All its addresses must be public, and the connection goes to the first of them, so that a name
that means something else a moment later leads nowhere else. requests asks anew for each redirect.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter

from zoo.message import Message
from zoo.store.download.answers import AddressError

#: Returns the addresses of a host.
Resolver = Callable[[str, int], Sequence[str]]

_PORTS = {"https": 443, "http": 80}
# Ranges that hold an address of IPv4, which may be any.
_EMBEDDING = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))


def resolved(host: str, port: int) -> list[str]:
    """Returns the addresses of a host, as the system resolves it."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(address: str) -> bool:
    """Says whether an address is one of the open network: not private, loopback, link-local, multicast or reserved."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return is_public(str(ip.ipv4_mapped))
        if any(ip in network for network in _EMBEDDING) or ip.is_site_local:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


class PinnedAdapter(HTTPAdapter):
    """Connects to allowed hosts only, at public addresses only, without a proxy.

    Args:
        allowed: Hosts as HOST, for the usual port of https, or HOST:PORT. An address among them may be any: who runs
            the server named it itself.
        resolve: Returns the addresses of a host; `resolved` asks the system.
    """

    def __init__(self, allowed: Sequence[str], resolve: Resolver) -> None:
        super().__init__()
        self._allowed = {_split(host) for host in allowed}
        self._resolve = resolve

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        """Sends a request, whose redirects are not followed.

        Raises:
            AddressError: The host is not allowed, or an address of it is not public.
        """
        parts = urlsplit(str(request.url))
        request.headers["Host"] = parts.netloc.rpartition("@")[2]
        # A proxy would resolve the name again.
        return super().send(request, stream=stream, timeout=timeout, verify=verify, cert=cert, proxies=None)

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: bool | str, cert: Any = None
    ) -> Any:
        """Puts the address that was looked at in the place of the name, which the certificate must have."""
        host_params, pool_kwargs = super().build_connection_pool_key_attributes(request, verify, cert)
        parts = urlsplit(str(request.url))
        name = parts.hostname or ""
        address = self._address(name, parts.port or _PORTS.get(parts.scheme, 0))
        if parts.scheme == "https":
            pool_kwargs |= {"server_hostname": name}
        return {**host_params, "host": address}, pool_kwargs

    def _address(self, host: str, port: int) -> str:
        if (host, port) not in self._allowed:
            raise AddressError(Message("{host}:{port} is not among the allowed hosts", host=host, port=port))
        if _is_address(host):
            return host
        try:
            addresses = self._resolve(host, port)
        except OSError:
            addresses = []
        if not addresses:
            raise AddressError(Message("the name of the host cannot be resolved"))
        if not all(map(is_public, addresses)):
            raise AddressError(Message("{host} leads to an address that is not public", host=host))
        return addresses[0]


def _split(host: str) -> tuple[str, int]:
    parts = urlsplit(f"//{host}")
    return (parts.hostname or "").rstrip("."), parts.port or _PORTS["https"]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
