"""Settings from the environment, shown without anybody's credentials."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from zoo.base.home import offline
from zoo.doctor.findings import Finding
from zoo.errors import FetchError
from zoo.message import Message
from zoo.registry.discovery import DISABLE
from zoo.store.download.addresses import ALLOW_HTTP, MIRROR, addresses

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_SCHEME = re.compile(r"[a-z][a-z0-9+.\-]*://", re.IGNORECASE)
# A host, an IPv6 address in brackets or (in NO_PROXY) without, a port, a path or a prefix length.
_PLAIN = re.compile(
    r"(?:(?:[\w.\-*]+|\[[0-9a-f:.]+\])(?::\d{1,5})?|(?:[0-9a-f]{0,4}:){2,}[0-9a-f.]*)?(?:/[\w.\-/~]*)?", re.IGNORECASE
)
_HIDDEN = Message("set, but not to an address; not shown, for it may hold a password")


def settings() -> Iterator[Finding]:
    """Looks at the environment variables that change what zoo does."""
    yield Finding("settings", "ZOO_HOME", os.environ.get("ZOO_HOME") or Message("not set"))
    yield _offline()
    yield _mirror()
    yield _allow_http()
    for name in ("ZOO_MAX_PIXELS", "ZOO_LANG"):
        yield _noted(name, os.environ.get(name, ""))
    yield _noted(DISABLE, os.environ.get(DISABLE, ""))
    for name in _PROXIES:
        yield from _proxy(name)


def without_credentials(address: str) -> str:
    """Returns an address without user, password, query and fragment.

    Args:
        address: Such as "http://user:password@host:3128". It may be damaged; a password may hold any character.

    Returns:
        Such as "http://host:3128"; fixed words where what is left is no address.
    """
    scheme = match[0] if (match := _SCHEME.match(address)) else ""
    # All before the last @ goes, wherever the user's part ends: too much rather than half a password.
    rest = re.split(r"[?#]", address[len(scheme) :].rpartition("@")[2])[0]
    return scheme + rest if rest and _PLAIN.fullmatch(rest) else _HIDDEN


def _noted(name: str, value: str) -> Finding:
    return Finding("settings", name, value, "note") if value else Finding("settings", name, Message("not set"))


def _offline() -> Finding:
    value = os.environ.get("ZOO_OFFLINE", "")
    try:
        if offline():
            return Finding("settings", "ZOO_OFFLINE", Message("{value}: nothing is downloaded", value=value), "note")
    except FetchError as error:
        return Finding("settings", "ZOO_OFFLINE", error.message, "problem", error.hint)
    return Finding("settings", "ZOO_OFFLINE", value or Message("not set"))


def _mirror() -> Finding:
    value = os.environ.get(MIRROR, "")
    is_folder = value.startswith(("/", "~", "."))
    shown = value if is_folder or not value else _shown(value)
    try:
        addresses(("https://host/file",))
    except FetchError as error:
        # Its message has the value in it, and not every value can be read as an address.
        return Finding("settings", MIRROR, Message("{shown}; it cannot be used", shown=shown), "problem", error.hint)
    return _noted(MIRROR, shown)


def _allow_http() -> Finding:
    value = os.environ.get(ALLOW_HTTP, "")
    return _noted(
        ALLOW_HTTP,
        value if value in ("", "1") else Message("{value}: has no effect; only 1 permits plain http", value=value),
    )


def _proxy(name: str) -> Iterator[Finding]:
    """Looks at a variable in both cases; programs read either, requests the lower one first."""
    upper, lower = os.environ.get(name, ""), os.environ.get(name.lower(), "")
    if not upper and not lower:
        yield Finding("settings", name, Message("not set"))
    for spelling, value in ((name, upper), (name.lower(), lower)):
        if not value:
            continue
        shown = _hosts(value) if name == "NO_PROXY" else _shown(value)
        told = shown
        if lower not in ("", value):
            told = Message("{shown}; not used, {name} counts", shown=shown, name=name.lower())
        if shown == _HIDDEN:
            example = "HOST,HOST" if name == "NO_PROXY" else "http://HOST:PORT"
            yield Finding(
                "settings",
                spelling,
                told,
                "problem",
                Message("Run: export {spelling}={example}", spelling=spelling, example=example),
            )
        else:
            yield Finding("settings", spelling, told, "note")


def _shown(address: str) -> str:
    shown = without_credentials(address)
    return Message("{shown} (credentials left out)", shown=shown) if "@" in address and shown != _HIDDEN else shown


def _hosts(names: str) -> str:
    """Returns a comma list of hosts, which have no credentials."""
    plain = all(without_credentials(name.strip()) == name.strip() for name in names.split(",") if name.strip())
    return names if plain else _HIDDEN
