"""Addresses of model files: which may be asked, how they are shown, and what `ZOO_MIRROR` makes of them."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from zoo.errors import FetchError
from zoo.message import Message, printable

MIRROR = "ZOO_MIRROR"
ALLOW_HTTP = "ZOO_ALLOW_HTTP"

_NUMBERS = re.compile(r"[0-9a-fx.]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Address:
    """Where one declared address is really fetched from.

    Attributes:
        declared: The address as the model's card gives it.
        place: The address to ask, or a file in the folder of a local mirror.
        mirrored: Whether `ZOO_MIRROR` made the place.
    """

    declared: str
    place: str | Path
    mirrored: bool = False

    @property
    def plain(self) -> str:
        """The place without credentials."""
        return shown_url(self.place) if isinstance(self.place, str) else printable(self.place)

    @property
    def shown(self) -> str:
        """The place in a message."""
        return Message("{plain} ({mirror} is set)", plain=self.plain, mirror=MIRROR) if self.mirrored else self.plain


def addresses(urls: tuple[str, ...]) -> tuple[Address, ...]:
    """Returns where declared addresses are fetched from, in their order and each place once.

    With `ZOO_MIRROR` set nothing but the mirror is asked: a closed network must not wait for the outside.

    Raises:
        FetchError: `ZOO_MIRROR` is neither an address nor a folder, or a declared path leads out of the mirror.
    """
    mirror = _mirror()
    found: dict[str | Path, Address] = {}
    for url in urls:
        address = Address(url, url) if mirror is None else Address(url, _mirrored(url, mirror), True)
        found.setdefault(address.place, address)
    return tuple(found.values())


def objection(url: str, before: str = "") -> str | None:
    """Says why an address may not be asked: the one rule for pictures, model files and mirrors.

    Args:
        url: The address.
        before: The address that redirected to it, if one did.

    Returns:
        The reason, or None when it may be asked: https, or http where `ZOO_ALLOW_HTTP=1` or the host is this machine.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return Message("it cannot be read as an address")
    # Readers of addresses disagree on where a backslash ends the host.
    if not url.isprintable() or "\\" in url:
        return Message("it holds characters no address has")
    if parts.scheme not in ("https", "http"):
        return (
            Message("its scheme is {scheme!r}; https was expected", scheme=parts.scheme)
            if parts.scheme
            else Message("it is no https address")
        )
    if not host:
        return Message("it names no host")
    if parts.scheme == "http":
        if urlsplit(before).scheme == "https":
            return Message("it leads from https down to http")
        if not is_loopback(host) and os.environ.get(ALLOW_HTTP) != "1":
            return Message("it is plain http; https was expected ({allow_http}=1 permits http)", allow_http=ALLOW_HTTP)
    return None


def shown_url(url: str) -> str:
    """Returns an address for people: without user, password and fragment."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        # Nobody can tell where the password of such an address ends.
        return Message("an address that cannot be read")
    return printable(urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="")))


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its spelling alone; names are not resolved for it."""
    if _NUMBERS.fullmatch(host):
        # Resolvers take short forms too, such as 127.1 and 0x7f000001.
        with contextlib.suppress(OSError):
            return ipaddress.IPv4Address(socket.inet_aton(host)).is_loopback
    try:
        address = ipaddress.IPv6Address(host)
    except ValueError:
        return host.removesuffix(".") == "localhost"
    return (address.ipv4_mapped or address).is_loopback


def _mirror() -> str | Path | None:
    value = os.environ.get(MIRROR, "")
    if not value:
        return None
    try:
        parts = urlsplit(value)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme in ("https", "http"):
        reason = objection(value) or (
            Message("it has a query or a fragment") if parts.query or parts.fragment else None
        )
        if reason is None:
            return value.rstrip("/")
        raise _no_mirror(Message("{value}, which cannot be used: {reason}", value=shown_url(value), reason=reason))
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        folder = unquote(parts.path)
    else:
        folder = os.path.expanduser(value)
    if os.path.isdir(folder):
        return Path(folder)
    raise _no_mirror(
        Message("{value}, which is neither an https address nor a folder on this machine", value=shown_url(value))
    )


def _no_mirror(what: str) -> FetchError:
    return FetchError(
        "{mirror} is {what}.",
        "Run: export {mirror}=https://HOST/BASE  (or a folder), or: unset {mirror}",
        mirror=MIRROR,
        what=what,
    )


def _mirrored(url: str, mirror: str | Path) -> str | Path:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _outside(url) from None
    path = unquote(parts.path)
    names = path.split("/")
    if ".." in names or "." in names or "\0" in path:
        raise _outside(url)
    if isinstance(mirror, str):
        return mirror + parts.path + (f"?{parts.query}" if parts.query else "")
    whole = mirror.joinpath(*filter(None, names))
    # PaddleSeg calls every checkpoint model.pdparams: only its folder tells whose it is.
    own_name = not names[-1].startswith("model.")
    return mirror / names[-1] if own_name and not os.path.exists(whole) else whole


def _outside(url: str) -> FetchError:
    return FetchError(
        "{url} cannot be looked up in the mirror: its path leads elsewhere. A plain path was expected.",
        "Run: unset {mirror}  (or correct the model's card)",
        url=shown_url(url),
        mirror=MIRROR,
    )
