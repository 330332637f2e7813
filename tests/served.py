"""A real `zoo serve` on a port of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

# Seconds; a loaded machine opens a model in several.
_PATIENCE = 120


@contextmanager
def served(log: Path, *arguments: object, key: str = "") -> Iterator[str]:
    """Runs a server and ends it; gives its address, which ends with a slash.

    Args:
        log: A file for what it says.
        arguments: Of `zoo serve`, besides the port.
        key: The API key it asks for.
    """
    from zoo.cli.app import cli

    if cli.get_command(cli.make_context("zoo", [], resilient_parsing=True), "serve") is None:
        pytest.skip("there is no `zoo serve` yet")
    port = free_port()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    if key:
        environment["ZOO_API_KEY"] = key
    with log.open("wb") as told:
        process = subprocess.Popen(
            [sys.executable, "-m", "zoo", "serve", *map(str, arguments), "--port", str(port)],
            stdout=told,
            stderr=subprocess.STDOUT,
            env=environment,
        )
        try:
            address = f"http://127.0.0.1:{port}/"
            _wait(process, f"{address}health/ready", log)
            yield address
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def free_port() -> int:
    """Returns a port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text(errors="replace")
        try:
            if requests.get(address, timeout=5).status_code == 200:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"not ready in {_PATIENCE} s:\n{log.read_text(errors='replace')}")
