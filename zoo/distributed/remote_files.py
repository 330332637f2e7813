"""Addresses of object stores and other file systems, such as "s3://bucket/photos": whatever pyarrow or fsspec knows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from zoo.errors import ClusterError, ZooError
from zoo.message import described

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_LOCAL = ("file", "http", "https")


@dataclass(frozen=True)
class Remote:
    """A place that is not a path of this machine.

    Attributes:
        address: As it was given.
        path: The same in its file system, such as "bucket/photos"; no separator ends it.
        root: What stands in front of a path of that file system in an address, such as "s3://".
    """

    address: str
    path: str
    root: str

    def files(self) -> Any:
        """Returns the `pyarrow.fs.FileSystem`, which is made anew in every process.

        Raises:
            ClusterError: Nothing here knows such addresses, or the address is not understood.
        """
        return _opened(self.address)[0]


def remote(text: str) -> Remote | None:
    """Returns what an address names; None for a path, and for what every machine reads by itself: http and https.

    Raises:
        ClusterError: As `Remote.files`.
    """
    found = _SCHEME.match(text)
    if found is None or found[1].lower() in _LOCAL:
        return None
    return Remote(text, _opened(text)[1].rstrip("/"), f"{found[1]}://")


def _opened(address: str) -> tuple[Any, str]:
    fs: Any = import_module("pyarrow.fs")
    try:
        return fs.FileSystem.from_uri(address)
    except Exception as first:
        try:
            core: Any = import_module("fsspec.core")
            files, path = core.url_to_fs(address)
            return fs.PyFileSystem(fs.FSSpecHandler(files)), path
        except Exception as error:
            raise ClusterError(
                "{address} cannot be opened: {reason}; {other}.",
                "Check the address; what it needs is installed by its own package, such as gcsfs for gs://",
                address=address,
                reason=described(first),
                other=described(error),
            ) from error


def address_error(kind: type[ZooError], address: str, error: Exception) -> ZooError:
    """Returns the error of a file system that did not do what was asked.

    Args:
        kind: The kind of error.
        address: What was asked for.
        error: What it raised.
    """
    return kind(
        "{address} cannot be used: {reason}.",
        "Look whether it is there, and give every machine its credentials, such as AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY; AWS_ENDPOINT_URL where it is not Amazon's.",
        address=address,
        reason=" ".join(str(error).split()).rstrip("."),
    )
