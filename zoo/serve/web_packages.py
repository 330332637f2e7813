"""What the extra "serve" brings."""

from __future__ import annotations

from importlib import import_module

from zoo.errors import ServeError

_PACKAGES = ("fastapi", "uvicorn", "prometheus_client", "python_multipart")


def check_packages() -> None:
    """Looks whether a server can run here.

    Raises:
        ServeError: A package is not installed.
    """
    for package in _PACKAGES:
        try:
            import_module(package)
        except ImportError as error:
            raise ServeError(
                "The server needs the package {package}, which cannot be imported: {reason}.",
                'Run in a clone of zoo: pip install ".[serve]"',
                package=package,
                reason=error,
            ) from error
