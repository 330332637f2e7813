"""The files of models by name: fetched, locked, kept in order, carried to closed networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo.store.find import find_bundle
    from zoo.store.model_files import fetch

__all__ = ["fetch", "find_bundle"]


def __getattr__(name: str) -> object:
    # Downloads need requests; zoo doctor, which looks at their addresses, must work where that is what is broken.
    if name == "fetch":
        from zoo.store.model_files import fetch

        return fetch
    if name == "find_bundle":
        from zoo.store.find import find_bundle

        return find_bundle
    raise AttributeError(f"module 'zoo.store' has no attribute {name!r}")
