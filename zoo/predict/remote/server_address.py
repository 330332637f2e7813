"""Where a server is, and which of its models is meant."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from zoo.errors import ConfigError
from zoo.store.download.addresses import is_loopback, shown_url

_ADDRESS = re.compile(r"https?://", re.IGNORECASE)
_HINT = "Give it as zoo serve prints it, such as http://127.0.0.1:8080, with #MODEL for one of several models."


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """A server, and a model of it.

    Attributes:
        url: Scheme, host, port and perhaps a path, without a slash at the end.
        model: Name of the model there; empty for the server's first.
    """

    url: str
    model: str = ""

    @property
    def near(self) -> bool:
        """Whether it is on this machine."""
        return is_loopback(urlsplit(self.url).hostname or "")

    def __str__(self) -> str:
        return f"{self.url}#{self.model}" if self.model else self.url


def is_server(name: object) -> bool:
    """Says whether a name of a model is the address of a server."""
    return isinstance(name, str) and _ADDRESS.match(name) is not None


def server_address(name: str, model: str | None = None) -> ServerAddress:
    """Takes the address of a server apart.

    Args:
        name: Such as "http://127.0.0.1:8080", or "https://host/zoo#PP-LiteSeg-T".
        model: Name of the model there, where the address does not say it.

    Raises:
        ConfigError: The address cannot be read, holds a password or a query, or two models are named.
    """
    try:
        parts = urlsplit(name)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise ConfigError("The address of the server cannot be read: {reason}.", _HINT, reason=error) from error
    if not host or port == 0:
        raise ConfigError("The address {url} names no host.", _HINT, url=shown_url(name))
    if parts.username is not None or parts.password is not None or parts.query:
        raise ConfigError(
            "The address {url} holds a user, a password or a query. The host and perhaps a path were expected.",
            "Give the key of a server in the variable ZOO_API_KEY.",
            url=shown_url(name),
        )
    if model and parts.fragment and model != parts.fragment:
        raise ConfigError(
            "Two models of the server are named: {model} and {other}. One was expected.",
            "Leave out what follows # in the address, or model=.",
            model=model,
            other=parts.fragment,
        )
    url = parts._replace(fragment="", query="", scheme=parts.scheme.lower()).geturl().rstrip("/")
    return ServerAddress(url, model or parts.fragment)
