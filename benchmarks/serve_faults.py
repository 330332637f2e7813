"""What servers do when something goes wrong: zoo's, LitServe's around `zoo.load`, and PaddleX's, on the same faults.

    python benchmarks/serve_faults.py --environments build/serving [--only zoo] [--large 300] [--drip 20]

A table in Markdown: bad bodies on the route of each server, slow and vanishing clients, a body of 300 MB, a killed
worker, SIGTERM with requests in hand, a killed parent. Everything is on loopback and bounded in time. Without
--environments zoo's server is looked at alone.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from http.client import HTTPException
from pathlib import Path

from machine import describe
from serve import CORES, STARTER, paddlex_bundle
from serving_bad_bodies import bad_bodies, small_jpeg
from serving_load import HOST, Asking, family, list_request, lit_request, memory_of, once
from serving_servers import Server, environment, lit_server, paddlex_server, pidfd, stop, zoo_server

#: Seconds for an answer to a bad body, and until a server that lost a worker must answer again.
_ANSWER, _AGAIN = 20.0, 60.0
Starts = Callable[[], AbstractContextManager[Server]]


@contextmanager
def listening() -> Iterator[tuple[int, list[str]]]:
    """Listens on loopback; what connects there is noted."""
    heard: list[str] = []
    with socket.socket() as door:
        door.bind((HOST, 0))
        door.listen()
        door.settimeout(0.2)
        over = threading.Event()

        def listen() -> None:
            while not over.is_set():
                with suppress(OSError):
                    connection, _ = door.accept()
                    heard.append("a connection")
                    connection.close()

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        try:
            yield door.getsockname()[1], heard
        finally:
            over.set()
            thread.join(5)


def status_of(port: int, asking: Asking, timeout: float = _ANSWER) -> str:
    """Returns the status of an answer, or what came in its place."""
    try:
        return str(once(port, asking, timeout=timeout)[0])
    except TimeoutError:
        return "no answer"
    except (OSError, HTTPException):
        return "cut"


def works_again(server: Server, good: Asking) -> str:
    """Returns after how many seconds a good request is answered, as text."""
    began = time.monotonic()
    while time.monotonic() < began + _AGAIN:
        if status_of(server.port, good, 10) == "200":
            return f"works after {time.monotonic() - began:.1f} s"
        time.sleep(0.2)
    return f"does not work within {_AGAIN:.0f} s"


def bodies(server: Server, good: Asking) -> dict[str, str]:
    """Sends every bad body, and looks whether a good one is answered then."""
    found: dict[str, str] = {}
    with listening() as (port, heard):
        for name, body in bad_bodies(small_jpeg(), port):
            found[f"body: {name}"] = status_of(server.port, Asking(good.path, body, good.headers))
        found["the listener on loopback"] = "hears a connection" if heard else "hears nothing"
    kinds = Counter(status[0] + "xx" if status.isdecimal() else status for status in list(found.values())[:-1])
    found["all bad bodies"] = ", ".join(f"{count} x {kind}" for kind, count in sorted(kinds.items()))
    found["a good request after them"] = works_again(server, good)
    return found


def clients(server: Server, good: Asking, drip: float, large: int) -> dict[str, str]:
    """Drips headers, vanishes, sends half a body and a very large one."""
    slow: list[socket.socket] = []
    for _ in range(50):
        with suppress(OSError):
            connection = socket.create_connection((HOST, server.port), timeout=5)
            connection.sendall(b"POST / HTTP/1.1\r\nX: ")
            slow.append(connection)
    end, cut = time.monotonic() + drip, 0
    during = status_of(server.port, good)
    while slow and time.monotonic() < end:
        for connection in list(slow):
            try:
                connection.sendall(b"a")
                connection.settimeout(0.001)
                gone = connection.recv(1 << 16) != b""
            except TimeoutError:
                continue
            except OSError:
                gone = True
            if gone:
                cut += 1
                connection.close()
                slow.remove(connection)
        time.sleep(1)
    for connection in slow:
        connection.close()
    found = {f"50 headers, a byte a second, {drip:.0f} s": f"{cut} cut; a good request meanwhile: {during}"}
    head = f"POST {good.path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    for _ in range(20):
        with suppress(OSError), socket.create_connection((HOST, server.port), timeout=5) as connection:
            connection.sendall(f"{head}Content-Length: {len(good.body)}\r\n\r\n".encode() + good.body)
    found["20 clients that send and vanish"] = works_again(server, good)
    with suppress(OSError), socket.create_connection((HOST, server.port), timeout=5) as connection:
        connection.sendall(f"{head}Content-Length: 1000\r\n\r\n{{".encode())
    before = memory_of(server.process.pid)
    body = b'{"image": "' + b"A" * (large << 20) + b'"}'
    status = status_of(server.port, Asking(good.path, body, good.headers), 60)
    grown = (memory_of(server.process.pid) - before) / 1e6
    found[f"a body of {large} MB"] = f"{status}; {grown:+.0f} MB afterwards; {works_again(server, good)}"
    return found


def killed_worker(server: Server, good: Asking) -> dict[str, str]:
    """Kills the process with most memory below the first one."""
    below = [member for member in family(server.process.pid) if member != server.process.pid]
    if not below:
        return {"kill -9 of a worker": "there is no process but one"}
    signal.pidfd_send_signal(pidfd(max(below, key=memory_of)), signal.SIGKILL)
    told = works_again(server, good)
    ended = "" if server.process.poll() is None else f"; the server ended with {server.process.returncode}"
    return {"kill -9 of a worker": told + ended}


def sigterm(server: Server, good: Asking) -> dict[str, str]:
    """Sends SIGTERM with three requests in hand."""
    answers: list[str] = []
    threads = [
        threading.Thread(target=lambda: answers.append(status_of(server.port, good, 30)), daemon=True) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    time.sleep(0.05)
    began = time.monotonic()
    status, left = stop(server)
    for thread in threads:
        thread.join(40)
    took = time.monotonic() - began
    end = "it had to be killed" if status is None else f"exit status {status} after {took:.1f} s"
    return {"SIGTERM with 3 requests in hand": f"answers: {', '.join(sorted(answers))}; {end}; {left} processes left"}


def orphans(server: Server) -> dict[str, str]:
    """Kills the first process, and looks who is left."""
    members = family(server.process.pid)
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait()
    time.sleep(5)
    left = [member for member in members[1:] if member in family(member)]
    held = status_of(server.port, Asking("/", b""), 2) != "cut"
    for member in left:
        with suppress(OSError):
            signal.pidfd_send_signal(pidfd(member), signal.SIGKILL)
    return {"kill -9 of the first process, 5 s later": f"{len(left)} processes left; port {'held' if held else 'free'}"}


def look_at(starts: Starts, good: Asking, arguments: argparse.Namespace) -> dict[str, str]:
    """Does everything to a server; it is started anew where it may have suffered."""
    found: dict[str, str] = {}
    with starts() as server:
        if (status := status_of(server.port, good)) != "200":
            raise SystemExit(f"{server.name} answers a good request with {status}: nothing can be compared.")
        found |= bodies(server, good)
    with starts() as server:
        found |= clients(server, good, arguments.drip, arguments.large)
    with starts() as server:
        status_of(server.port, good)
        found |= killed_worker(server, good)
    with starts() as server:
        status_of(server.port, good)
        found |= sigterm(server, good)
    with starts() as server:
        found |= orphans(server)
    return found


def main() -> None:
    """Looks at every server and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--environments", type=Path)
    parser.add_argument("--only", nargs="+", choices=("zoo", "LitServe", "PaddleX"))
    parser.add_argument("--drip", type=float, default=20.0, help="seconds of slow headers")
    parser.add_argument("--large", type=int, default=300, help="megabytes of the large body")
    arguments = parser.parse_args()
    wanted = arguments.only or (["zoo", "LitServe", "PaddleX"] if arguments.environments else ["zoo"])
    if arguments.environments is None and wanted != ["zoo"]:
        parser.error("the other servers need --environments")
    print(describe("zoo-core", "pillow"), end="\n\n")
    columns: dict[str, dict[str, str]] = {}
    picture = small_jpeg()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name in wanted:
            log = folder / f"{name}.log"
            if name == "zoo":

                def starts(log=log):
                    return zoo_server([f"m={STARTER}"], log)

                columns[name] = look_at(starts, list_request(picture), arguments)
            elif name == "LitServe":
                python = environment(arguments.environments, "litserve")

                def starts(log=log, python=python):
                    return lit_server(python, str(STARTER), log, CORES)

                columns[name] = look_at(starts, lit_request(picture), arguments)
            else:
                python, bundle = environment(arguments.environments, "paddlex"), paddlex_bundle(folder / "bundle")

                def starts(log=log, python=python, bundle=bundle):
                    return paddlex_server(python, bundle, log)

                columns[name] = look_at(starts, list_request(picture), arguments)
    print(f"| | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for fault in next(iter(columns.values())):
        print(f"| {fault} | {' | '.join(column.get(fault, '-') for column in columns.values())} |")


if __name__ == "__main__":
    main()
