"""Minutes of full load on `zoo serve`, and what its other clients notice of killed workers and bad clients.

    python benchmarks/serve_soak.py [--seconds 300] [--trouble 120] [--kills 10]

First the server has as much to do as it can at concurrency 4, and the memory of its processes is looked at every two
seconds: told is how much it grew from the end of the first minute (of the first fifth, where the load is shorter) on.
Then, at the same load, workers are killed, clients vanish, send slowly, half a body, one of 300 MB, or a picture of
14,000 x 14,000 pixels in a small file. Every answer is compared with the mask of the local model. All is on loopback
and bounded in time.
"""

from __future__ import annotations

import argparse
import http.client
import io
import signal
import socket
import statistics
import struct
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from drawn import draw_scene
from machine import describe
from PIL import Image
from serving_load import HOST, Asking, Load, family, load, memory_of, once, png_request
from serving_servers import Server, pidfd, zoo_server

import zoo

CONCURRENCY = 4
_BOMB_SIDE, _LARGE = 14_000, 300 << 20


def bomb() -> bytes:
    """Returns a PNG of one colour, 14,000 x 14,000 pixels in some hundred kilobytes."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    packer = zlib.compressobj(9)
    row = bytes(1 + 3 * _BOMB_SIDE)
    pixels = b"".join(packer.compress(row) for _ in range(_BOMB_SIDE)) + packer.flush()
    head = struct.pack(">IIBBBBB", _BOMB_SIDE, _BOMB_SIDE, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@contextmanager
def every(seconds: float, step: Callable[[], object]) -> Iterator[None]:
    """Does something again and again, as long as the block runs."""
    over = threading.Event()

    def keep_on() -> None:
        while not over.wait(seconds):
            with suppress(OSError, http.client.HTTPException):
                step()

    thread = threading.Thread(target=keep_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(60)


def growth(memory: list[tuple[float, int]], seconds: float) -> float:
    """Returns by how many megabytes the middle of the last samples lies above that of the first ones after a minute."""
    first = memory[0][0] + min(60.0, seconds / 5)
    after = [used for moment, used in memory if moment >= first]
    share = max(1, len(after) // 10)
    return (statistics.median(after[-share:]) - statistics.median(after[:share])) / 1e6


def told(load_: Load) -> str:
    """Returns what came of a load."""
    failures = ", ".join(f"{count} x {what}" for what, count in sorted(load_.failures.items())) or "none"
    return f"{len(load_.latencies)} answers, {load_.rate:.2f} a second, wrong {load_.wrong}, failures: {failures}"


def trouble(server: Server, good: Asking, kills: int, seconds: float) -> Iterator[str]:
    """Makes trouble for some time, and tells what each bad client was answered."""
    end, pause = time.monotonic() + seconds, seconds / kills
    answers: dict[str, list[str]] = {}
    head = f"POST {good.path} HTTP/1.1\r\nHost: a\r\nContent-Type: image/jpeg\r\n"
    large, bad = b"A" * _LARGE, bomb()
    killed = 0
    slow: list[socket.socket] = []
    while time.monotonic() < end and killed < kills:
        workers = [member for member in family(server.process.pid) if member != server.process.pid]
        if workers:
            with suppress(OSError):
                signal.pidfd_send_signal(pidfd(max(workers, key=memory_of)), signal.SIGKILL)
                killed += 1
        for name, body in (("a body of 300 MB", large), ("a picture of 14,000 x 14,000", bad)):
            try:
                status = str(once(server.port, Asking(good.path, body, good.headers), timeout=30)[0])
            except (OSError, http.client.HTTPException):
                status = "cut"
            answers.setdefault(name, []).append(status)
        for _ in range(5):
            with suppress(OSError), socket.create_connection((HOST, server.port), timeout=5) as one:
                one.sendall(f"{head}Content-Length: {len(good.body)}\r\n\r\n".encode() + good.body)
            with suppress(OSError), socket.create_connection((HOST, server.port), timeout=5) as one:
                one.sendall(f"{head}Content-Length: 100000\r\n\r\nhalf".encode())
            with suppress(OSError):
                one = socket.create_connection((HOST, server.port), timeout=5)
                one.sendall(b"POST / HTTP/1.1\r\nX: ")
                slow.append(one)
        time.sleep(max(0.0, min(pause - 1, end - time.monotonic())))
    for one in slow:
        one.close()
    yield f"workers killed: {killed}; 5 clients each time that vanish, send half a body, or stop in a header"
    for name, found in answers.items():
        yield f"{name}: {', '.join(f'{found.count(status)} x {status}' for status in sorted(set(found)))}"


def main() -> None:
    """Loads, troubles and tells."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=300.0, help="of load")
    parser.add_argument("--trouble", type=float, default=120.0, help="seconds of load with trouble")
    parser.add_argument("--kills", type=int, default=10)
    arguments = parser.parse_args()
    print(describe("zoo-core", "numpy", "pillow"))
    sent: list[bytes] = []
    for seed in range(8):
        buffer = io.BytesIO()
        Image.fromarray(draw_scene(seed, 512, 1024).image).save(buffer, "JPEG", quality=90)
        sent.append(buffer.getvalue())
    with zoo.load("starter") as model:
        masks = [model.predict(picture).one().mask for picture in sent]
    askings = [png_request(picture, "starter") for picture in sent]

    def right(place: int, body: bytes) -> bool:
        with Image.open(io.BytesIO(body)) as picture:
            return np.array_equal(np.asarray(picture), masks[place])

    with tempfile.TemporaryDirectory() as scratch, zoo_server(["starter"], Path(scratch) / "log") as server:
        memory: list[tuple[float, int]] = []
        with every(2.0, lambda: memory.append((time.monotonic(), memory_of(server.process.pid)))):
            found = load(server.port, askings, CONCURRENCY, arguments.seconds, health="/health/live", right=right)
        print(f"{arguments.seconds:g} s of load: {told(found)}")
        print(f"memory grew by {growth(memory, arguments.seconds):+.1f} MB to {memory[-1][1] / 1e6:.0f} MB")
        print(f"/health/live: 99 % within {1000 * found.health[int(0.99 * len(found.health))]:.0f} ms")
        lines: list[str] = []
        makes = threading.Thread(
            target=lambda: lines.extend(trouble(server, askings[0], arguments.kills, arguments.trouble)), daemon=True
        )
        makes.start()
        found = load(server.port, askings, CONCURRENCY, arguments.trouble, right=right)
        makes.join(120)
        print(f"{arguments.trouble:g} s of load with trouble: {told(found)}", *lines, sep="\n")
        time.sleep(20)
        print(f"memory 20 s later: {memory_of(server.process.pid) / 1e6:.0f} MB")
        after = load(server.port, askings, CONCURRENCY, 10, right=right)
        print(f"10 s of load afterwards: {told(after)}")


if __name__ == "__main__":
    main()
