"""What asks a server, on loopback and within bounds of time: requests of a kind, a load of them, and what it costs."""

from __future__ import annotations

import base64
import http.client
import json
import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

HOST = "127.0.0.1"
_PATIENCE = 60.0


@dataclass(frozen=True)
class Asking:
    """A request.

    Attributes:
        path: Where it goes.
        body: What is sent.
        headers: With it.
    """

    path: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


def list_request(picture: bytes) -> Asking:
    """The documented route: JSON in, a list of numbers out."""
    body = json.dumps({"image": base64.b64encode(picture).decode("ascii")}).encode()
    return Asking("/semantic-segmentation", body, {"Content-Type": "application/json"})


def png_request(picture: bytes, model: str) -> Asking:
    """The picture in, the label map as PNG out."""
    return Asking(f"/v1/predict?model={model}", picture, {"Accept": "image/png", "Content-Type": "image/jpeg"})


def v2_request(picture: bytes, model: str) -> Asking:
    """The Open Inference Protocol with its binary extension."""
    content = len(picture).to_bytes(4, "little") + picture
    tensor = {"name": "image", "shape": [1], "datatype": "BYTES", "parameters": {"binary_data_size": len(content)}}
    wanted = {"name": "mask", "parameters": {"binary_data": True}}
    head = json.dumps({"inputs": [tensor], "outputs": [wanted]}).encode()
    return Asking(f"/v2/models/{model}/infer", head + content, {"Inference-Header-Content-Length": str(len(head))})


def lit_request(picture: bytes) -> Asking:
    """LitServe's own route, as serving_litserve.py has it: JSON with base64 in, PNG in base64 out."""
    body = json.dumps({"image": base64.b64encode(picture).decode("ascii")}).encode()
    return Asking("/predict", body, {"Content-Type": "application/json"})


def ask(connection: http.client.HTTPConnection, asking: Asking, method: str = "POST") -> tuple[int, bytes]:
    """Returns status and body of an answer."""
    connection.request(method, asking.path, asking.body or None, asking.headers)
    response = connection.getresponse()
    return response.status, response.read()


def once(port: int, asking: Asking, method: str = "POST", timeout: float = _PATIENCE) -> tuple[int, bytes]:
    """Asks on a connection of its own."""
    connection = http.client.HTTPConnection(HOST, port, timeout=timeout)
    try:
        return ask(connection, asking, method)
    finally:
        connection.close()


@dataclass
class Load:
    """What came of a load.

    Attributes:
        rate: Right answers a second.
        latencies: Seconds of each, sorted.
        failures: Answers of another status, or none, by what they were.
        wrong: Right by their status, and refused by `right`.
        size: Bytes of an answer.
        health: Seconds of `/health/live` meanwhile, sorted.
        memory: Most bytes of the server's processes.
    """

    rate: float = 0.0
    latencies: list[float] = field(default_factory=list)
    failures: dict[str, int] = field(default_factory=dict)
    wrong: int = 0
    size: int = 0
    health: list[float] = field(default_factory=list)
    memory: int = 0

    def quantile(self, share: float) -> float:
        """Returns a quantile of the latencies in milliseconds."""
        return 1000 * at(self.latencies, share)


def at(values: Sequence[float], share: float) -> float:
    """Returns a quantile of sorted values; not a number where there are none."""
    return values[min(len(values) - 1, int(share * len(values)))] if values else float("nan")


def load(
    port: int,
    askings: Sequence[Asking],
    concurrency: int,
    seconds: float,
    *,
    process: int = 0,
    health: str = "",
    most: int = 1_000_000,
    right: Callable[[int, bytes], bool] | None = None,
) -> Load:
    """Asks from so many connections at once.

    Args:
        port: Of the server.
        askings: What is asked, in turn.
        concurrency: Connections.
        seconds: After so many no new request is sent.
        process: The server, whose memory is looked at; 0 for none.
        health: A path that is asked ten times a second meanwhile; empty for none.
        most: Requests in all.
        right: Whether the answer to the asking of this number is right.
    """
    found, lock = Load(), threading.Lock()
    numbers = iter(range(most))
    end = time.monotonic() + seconds

    def client() -> None:
        connection = http.client.HTTPConnection(HOST, port, timeout=_PATIENCE)
        while time.monotonic() < end:
            with lock:
                number = next(numbers, None)
            if number is None:
                break
            place = number % len(askings)
            began = time.perf_counter()
            try:
                status, body = ask(connection, askings[place])
            except (OSError, http.client.HTTPException) as error:
                connection.close()
                _count(found, lock, type(error).__name__)
                continue
            took = time.perf_counter() - began
            if status != 200:
                _count(found, lock, str(status))
                time.sleep(0.01)  # a client that is told to come later
                continue
            fine = right is None or right(place, body)
            with lock:
                found.latencies.append(took)
                found.wrong += not fine
                found.size = max(found.size, len(body))
        connection.close()

    with _watched(found, port, health, process):
        began = time.perf_counter()
        threads = [threading.Thread(target=client, daemon=True) for _ in range(concurrency)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(seconds + 2 * _PATIENCE)
        found.rate = len(found.latencies) / (time.perf_counter() - began)
    found.latencies.sort()
    found.health.sort()
    return found


def _count(found: Load, lock: threading.Lock, what: str) -> None:
    with lock:
        found.failures[what] = found.failures.get(what, 0) + 1


@contextmanager
def _watched(found: Load, port: int, health: str, process: int) -> Iterator[None]:
    over = threading.Event()

    def watch() -> None:
        looked = 0.0
        while not over.wait(0.1):
            # Reading it costs as much processor time as a picture.
            if process and time.monotonic() - looked > 2:
                found.memory = max(found.memory, memory_of(process))
                looked = time.monotonic()
            if health:
                began = time.perf_counter()
                try:
                    once(port, Asking(health, b""), "GET", 10)
                except (OSError, http.client.HTTPException):
                    continue
                found.health.append(time.perf_counter() - began)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(30)


def family(process: int) -> list[int]:
    """Returns a process and all that descend from it."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                words = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if words[0] != "Z":
                parents[int(folder.name)] = int(words[1])
    found = [process]
    for member in found:
        found += [child for child, parent in parents.items() if parent == member and child not in found]
    return [member for member in found if member in parents]


def memory_of(process: int) -> int:
    """Returns the bytes of a process and those that descend from it; what they share counts once."""
    total = 0
    for member in family(process):
        try:
            lines = Path(f"/proc/{member}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total


def middle(loads: Sequence[Load]) -> Load:
    """Returns the load with the median rate."""
    return sorted(loads, key=lambda each: each.rate)[(len(loads) - 1) // 2]


def spread(loads: Sequence[Load]) -> float:
    """Returns how far apart the rates are, as a share of the median."""
    rates = [each.rate for each in loads]
    return (max(rates) - min(rates)) / (statistics.median(rates) or 1.0)


def quiet_environment(**more: str) -> dict[str, str]:
    """Returns the environment of a server that is measured: without proxies, and without anybody to report to."""
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    return {**kept, "DO_NOT_TRACK": "1", "ORT_DISABLE_TELEMETRY": "1", "ZOO_OFFLINE": "1", **more}
