"""The servers that serve.py and serve_faults.py compare: zoo's, LitServe's and PaddleX's, each in processes of its own.

The other two have environments in a folder that an option names; they are made where they are not there.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from serving_load import Asking, family, once, quiet_environment

REPO = Path(__file__).resolve().parents[1]
LITSERVE, PADDLEX = "0.2.19", "3.7.2"
_PATIENCE = 180.0
_PIPELINE = """pipeline_name: semantic_segmentation
SubModules:
  SemanticSegmentation:
    module_name: semantic_segmentation
    model_name: PP-LiteSeg-T
    model_dir: {bundle}
    batch_size: 1
    target_size: null
"""


@dataclass(frozen=True)
class Server:
    """A server that runs.

    Attributes:
        name: Whose it is.
        port: On loopback.
        process: Its first process.
        log: What it says.
    """

    name: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path


def environment(folder: Path, name: str) -> Path:
    """Returns the Python of an environment, which is made where it is not there."""
    python = folder / name / "bin" / "python"
    if not (folder / name / ".ready").exists():
        print(f"Making an environment for {name} in {folder / name}.", file=sys.stderr)
        plugins = [REPO / "plugins" / plugin for plugin in ("zoo-backend-onnxruntime", "zoo-plugin-starter")]
        wanted = {
            "litserve": [f"litserve=={LITSERVE}", *(word for path in (REPO, *plugins) for word in ("-e", str(path)))],
            "paddlex": [f"paddlex[cv,serving]=={PADDLEX}", "paddlepaddle==3.2.2", "setuptools"],
        }[name]
        subprocess.run([sys.executable, "-m", "venv", str(folder / name)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", *wanted], check=True)
        (folder / name / ".ready").touch()
    return python


def free_port() -> int:
    """Returns a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def zoo_server(models: list[str], log: Path, *options: object) -> Iterator[Server]:
    """Runs `zoo serve`."""
    port = free_port()
    words = [sys.executable, "-m", "zoo", "serve", *models, "--port", port, *options]
    with _running("zoo", words, port, log, "/health/ready") as server:
        yield server


@contextmanager
def lit_server(python: Path, bundle: str, log: Path, workers: int) -> Iterator[Server]:
    """Runs LitServe around `zoo.load`."""
    port = free_port()
    words = [python, Path(__file__).with_name("serving_litserve.py"), bundle, port, workers]
    with _running("LitServe", words, port, log, "/health") as server:
        yield server


@contextmanager
def paddlex_server(python: Path, bundle: Path, log: Path) -> Iterator[Server]:
    """Runs PaddleX's own server on a bundle of PP-LiteSeg-T."""
    port = free_port()
    pipeline = log.with_suffix(".yaml")
    pipeline.write_text(_PIPELINE.format(bundle=bundle), encoding="utf-8")
    words = [python, "-m", "paddlex", "--serve", "--pipeline", pipeline, "--device", "cpu", "--host", "127.0.0.1"]
    with _running("PaddleX", [*words, "--port", port], port, log, "/health") as server:
        yield server


@contextmanager
def _running(name: str, words: list[object], port: int, log: Path, ready: str) -> Iterator[Server]:
    variables = quiet_environment(
        PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK="True", PADDLE_PDX_CACHE_HOME=str(log.parent / "paddlex_home")
    )
    with log.open("wb") as told:
        process = subprocess.Popen(list(map(str, words)), stdout=told, stderr=subprocess.STDOUT, env=variables)
        server = Server(name, port, process, log)
        try:
            _wait(server, ready)
            yield server
        finally:
            stop(server)


def _wait(server: Server, path: str) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        if server.process.poll() is not None:
            break
        try:
            if once(server.port, Asking(path, b""), "GET", 5)[0] == 200:
                return
        except (OSError, HTTPException):
            pass
        time.sleep(0.1)
    raise SystemExit(f"{server.name} did not become ready:\n{server.log.read_text(errors='replace')[-2000:]}")


def stop(server: Server, grace: float = 20.0) -> tuple[int | None, int]:
    """Asks a server to end.

    Returns:
        Its exit status, None where it had to be killed, and how many of its processes were left.
    """
    members = family(server.process.pid)
    status: int | None = None
    if server.process.poll() is None:
        server.process.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        status = server.process.wait(grace)
    left = [member for member in members if member in family(member)]
    if status is not None:
        # What was started by it may take a moment more.
        end = time.monotonic() + 3
        while left and time.monotonic() < end:
            time.sleep(0.1)
            left = [member for member in left if member in family(member)]
    for member in left:
        try:
            signal.pidfd_send_signal(pidfd(member), signal.SIGKILL)
        except OSError:
            continue
    server.process.wait(10)
    return status, len(left)


def pidfd(process: int) -> int:
    """Returns a handle of a process, which never becomes another one's."""
    import os

    return os.pidfd_open(process)
