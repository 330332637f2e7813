"""Ray, which the extra "ray" brings."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from zoo.errors import ClusterError

_HINT = 'Run: pip install "ray[data,serve]>=2.55,<2.64"'


def import_ray(part: str = "") -> Any:
    """Imports it.

    Args:
        part: A part of it, such as "data".

    Raises:
        ClusterError: It is not installed, or cannot be imported.
    """
    try:
        return import_module(f"ray.{part}" if part else "ray")
    except ImportError as error:
        raise ClusterError(
            "Many machines need Ray, which cannot be imported: {reason}.", _HINT, reason=error
        ) from error
