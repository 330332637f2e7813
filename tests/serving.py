"""A real server of zoo in a process of its own, and what asks it."""

from __future__ import annotations

import base64
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

import requests

_SERVING = re.compile(r"Serving .* on http://127\.0\.0\.1:(\d+)")
#: Seconds in which whatever a test waits for must have happened, on a loaded machine too.
PATIENCE = 90.0


class Serving:
    """`zoo serve` on a free port of loopback; leaving the `with` stops it.

    Args:
        arguments: What follows `zoo serve --port 0`.
        ready: Wait until it takes requests.
        variables: Of its environment.
    """

    def __init__(self, *arguments: object, ready: bool = True, **variables: str) -> None:
        environment = {name: value for name, value in os.environ.items() if name != "ZOO_DISABLE_PLUGINS"}
        environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        environment |= {"ZOO_OFFLINE": "1", "OMP_NUM_THREADS": "1", **variables}
        # `make test-cluster` has the same tests ask the same server in Ray Serve.
        on_ray = os.environ.get("ZOO_TEST_RAY_SERVE") == "1"
        program = [str(Path(__file__).with_name("serving_ray.py"))] if on_ray else ["-m", "zoo", "serve"]
        command = [sys.executable, *program, "--port", "0", *map(str, arguments)]
        # onnxruntime opens faster than paddle, and needs no trial.
        command += [] if "--backend" in arguments else ["--backend", "onnxruntime"]
        self.process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self._said = b""
        self.port = 0
        if ready:
            try:
                self.port = int(self.until(_SERVING)[1])
            except BaseException:
                self.process.kill()
                raise

    def until(self, pattern: re.Pattern[str]) -> re.Match[str]:
        """Waits until it has said something."""
        return waited(lambda: pattern.search(self.said()), f"{pattern.pattern} in {self._said[-2000:]!r}")

    def said(self) -> str:
        """Returns what it has said so far."""
        assert self.process.stderr is not None
        while select.select([self.process.stderr], [], [], 0)[0]:
            if not (block := os.read(self.process.stderr.fileno(), 1 << 16)):
                break
            self._said += block
        return self._said.decode()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def get(self, path: str, **more: Any) -> requests.Response:
        return requests.get(self.url(path), timeout=PATIENCE, **more)

    def post(self, path: str, data: bytes | Iterator[bytes], **more: Any) -> requests.Response:
        return requests.post(self.url(path), data=data, timeout=PATIENCE, **more)

    def documented(self, picture: bytes, **more: Any) -> requests.Response:
        """Asks as the documented clients do."""
        body = {"image": base64.b64encode(picture).decode("ascii"), **more}
        return requests.post(self.url("/semantic-segmentation"), json=body, timeout=PATIENCE)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Sends a signal, waits for the end and returns the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.end()

    def end(self) -> int:
        """Waits for the end and returns the exit status."""
        waited(lambda: self.said() is not None and self.process.poll() is not None, "the end of the server")
        assert self.process.returncode is not None
        return self.process.returncode

    def workers(self) -> list[int]:
        """Returns the processes it has started."""
        return children(self.process.pid)

    def __enter__(self) -> Serving:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        assert self.process.stderr is not None
        self.process.stderr.close()


def waited(look: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """Looks again and again, and returns what was seen."""
    deadline = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
    return seen


def children(parent: int) -> list[int]:
    """Returns the living children of a process."""
    found: list[int] = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                state, above = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            if int(above) == parent and state != "Z":
                found.append(int(folder.name))
    return found


def resident(process: int) -> int:
    """Returns the resident memory of a process in bytes."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def lines(said: str) -> list[dict[str, Any]]:
    """Returns the lines of a JSON log; what is no JSON is for people."""
    return [json.loads(line) for line in said.splitlines() if line.startswith("{")]
