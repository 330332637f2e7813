"""What befalls a server: workers that die, full queues, slow and vanished clients, signals."""

from __future__ import annotations

import io
import os
import signal
import socket
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from PIL import Image
from serving import Serving, children, resident, waited

from scenes import draw_scene
from support import png

ROUTE = "/v1/predict"
STREET = png(draw_scene(5, 120, 168).image)


def large(side: int = 3000) -> bytes:
    """A picture that takes a worker seconds."""
    scene = draw_scene(5, 120, 168).image
    file = io.BytesIO()
    Image.fromarray(np.tile(scene, (side // 120, side // 168, 1))).save(file, "JPEG")
    return file.getvalue()


@pytest.fixture(scope="module")
def slow() -> bytes:
    return large()


def ended(process: int) -> bool:
    """Whether a process is gone, or waits only to be buried."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def is_ready(server: Serving) -> bool:
    return server.get("/health/ready").status_code == 200


def busy(server: Serving) -> Any:
    return waited(lambda: server.get("/health").json()["workers"].get("busy"), "a busy worker")


def test_a_worker_that_is_killed_is_replaced_and_its_request_answered(zoo_home: object, slow: bytes) -> None:
    with Serving("--workers", 1) as server, ThreadPoolExecutor(1) as threads:
        for _ in range(3):
            (worker,) = server.workers()
            asked = threads.submit(server.post, ROUTE, slow)
            busy(server)
            os.kill(worker, signal.SIGKILL)
            assert asked.result().status_code == 200
            assert server.workers() != [worker]
        # One that dies while it has nothing to do is replaced too.
        (worker,) = server.workers()
        os.kill(worker, signal.SIGSEGV)
        waited(lambda: ended(worker), "the end of the worker")
        waited(lambda: is_ready(server), "another worker")
        assert server.post(ROUTE, STREET).status_code == 200
        assert "zoo_worker_restarts_total 4.0" in server.get("/metrics").text


@pytest.mark.full
def test_a_picture_that_ends_two_workers_is_refused_and_others_are_answered(zoo_home: object, slow: bytes) -> None:
    with Serving("--workers", 1, "--log-format", "json") as server, ThreadPoolExecutor(2) as threads:
        asked = threads.submit(server.post, ROUTE, slow)
        killed: set[int] = set()
        for _ in range(2):
            (worker,) = waited(lambda: busy(server) and {*server.workers()} - killed, "another worker that is busy")
            os.kill(worker, signal.SIGKILL)
            killed.add(worker)
            waited(lambda: "busy" not in server.get("/health").json()["workers"], "that its end is known")
        answer = asked.result()
        assert answer.status_code == 500
        log_id = answer.json()["logId"]
        assert "second try" in answer.json()["detail"]
        assert server.post(ROUTE, STREET).status_code == 200
        assert log_id in server.said()
        assert "SIGKILL" in server.said()


@pytest.mark.full
def test_after_many_deaths_in_a_row_the_server_says_so_and_does_not_loop(zoo_home: object) -> None:
    with Serving("--workers", 1) as server:

        def kill() -> bool:
            for worker in server.workers():
                os.kill(worker, signal.SIGKILL)
            return server.get("/health/ready").json()["status"] == "failed"

        waited(kill, "that it gives up")
        assert server.workers() == []
        answer = server.post(ROUTE, STREET)
        assert answer.status_code == 503
        assert "5 times in a row" in answer.json()["detail"]
        assert server.get("/health/live").status_code == 200
        time.sleep(1)
        assert server.workers() == []
        assert server.stop() == 0


def test_a_full_queue_says_so_at_once(zoo_home: object, slow: bytes) -> None:
    with Serving("--workers", 1, "--queue", 8) as server, ThreadPoolExecutor(33) as threads:
        first = threads.submit(server.post, ROUTE, slow)
        busy(server)

        def ask() -> tuple[requests.Response, float]:
            began = time.monotonic()
            return server.post(ROUTE, STREET), time.monotonic() - began

        answers = [each.result() for each in [threads.submit(ask) for _ in range(32)]]
        assert first.result().status_code == 200
        statuses = [answer.status_code for answer, _ in answers]
        assert set(statuses) == {200, 503}
        assert statuses.count(503) >= 20
        refused = [(answer, seconds) for answer, seconds in answers if answer.status_code == 503]
        assert all(int(answer.headers["retry-after"]) >= 1 for answer, _ in refused)
        assert min(seconds for _, seconds in refused) < 1


@pytest.mark.full
def test_health_is_answered_while_a_picture_runs(zoo_home: object, slow: bytes) -> None:
    with Serving("--workers", 1) as server, ThreadPoolExecutor(1) as threads:
        asked = threads.submit(server.post, ROUTE, slow)
        times: list[float] = []
        while not asked.done():
            began = time.monotonic()
            assert server.get("/health/live").status_code == 200
            times.append(time.monotonic() - began)
            time.sleep(0.05)
        assert asked.result().status_code == 200
        assert sorted(times)[len(times) * 9 // 10] < 0.5


@pytest.mark.full
def test_a_picture_that_takes_too_long_is_given_up(zoo_home: object, slow: bytes) -> None:
    with Serving("--workers", 1, "--timeout", 0.5) as server:
        # It is opened by then.
        assert server.post(ROUTE, STREET).status_code == 200
        answer = server.post(ROUTE, slow)
        assert answer.status_code == 504
        waited(lambda: is_ready(server), "another worker")
        waited(lambda: server.post(ROUTE, STREET).status_code == 200, "an answer")


def finish(server: Serving, slow: bytes, number: int) -> list[requests.Response]:
    """Sends a signal while requests run, and returns their answers."""
    with ThreadPoolExecutor(3) as threads:
        asked: list[Future[requests.Response]] = [threads.submit(server.post, ROUTE, slow) for _ in range(3)]
        waited(lambda: server.get("/health").json()["queue"] == 2, "three requests")
        workers = server.workers()
        server.process.send_signal(number)
        answers = [each.result() for each in asked]
    assert server.end() == 0
    assert all(map(ended, workers))
    return answers


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_running_requests_finish(zoo_home: object, slow: bytes, number: int) -> None:
    with Serving("--workers", 1, "--grace", 60) as server:
        assert [answer.status_code for answer in finish(server, slow, number)] == [200, 200, 200]
        with pytest.raises(requests.ConnectionError):
            server.get("/health")


@pytest.mark.full
def test_a_second_signal_ends_it_at_once(zoo_home: object, slow: bytes) -> None:
    with Serving("--workers", 1, "--grace", 60) as server, ThreadPoolExecutor(1) as threads:
        asked = threads.submit(server.post, ROUTE, slow)
        busy(server)
        workers = server.workers()
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        assert server.stop(signal.SIGTERM) == 128 + signal.SIGTERM
        waited(lambda: all(map(ended, workers)), "the end of the workers")
        with pytest.raises(requests.ConnectionError):
            asked.result()


@pytest.mark.full
def test_what_takes_longer_than_the_grace_is_cut(zoo_home: object, slow: bytes) -> None:
    with Serving("--workers", 1, "--grace", 1) as server, ThreadPoolExecutor(3) as threads:
        asked = [threads.submit(server.post, ROUTE, slow) for _ in range(3)]
        waited(lambda: server.get("/health").json()["queue"] == 2, "three requests")
        began = time.monotonic()
        assert server.stop() == 1
        assert time.monotonic() - began < 10
        for each in asked:
            assert each.exception() is not None or each.result().status_code in (200, 500, 503)


@pytest.mark.full
def test_a_signal_while_models_are_opened_ends_it(zoo_home: object) -> None:
    with Serving("--workers", 2, ready=False) as server:
        workers = waited(lambda: children(server.process.pid), "a worker")
        assert server.stop() == 0
        waited(lambda: all(map(ended, workers)), "the end of the workers")


def test_workers_end_with_a_server_that_is_killed(zoo_home: object, slow: bytes) -> None:
    with Serving("--workers", 2) as server, ThreadPoolExecutor(1) as threads:
        before = set(Path("/dev/shm").iterdir())
        asked = threads.submit(server.post, ROUTE, slow)
        busy(server)
        workers = server.workers()
        assert len(workers) == 2
        server.process.kill()
        waited(lambda: all(map(ended, workers)), "the end of the workers", 10)
        assert asked.exception() is not None
        assert set(Path("/dev/shm").iterdir()) <= before


def connected(server: Serving) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=30)


@pytest.mark.full
def test_slow_clients_are_cut_and_others_are_answered(zoo_home: object) -> None:
    with Serving("--workers", 1) as server:
        calls = [connected(server) for _ in range(50)]
        silent = connected(server)
        for call in calls:
            call.sendall(b"GET /health HTTP/1.1\r\n")
        began, open_calls = time.monotonic(), set(calls)
        while open_calls and time.monotonic() - began < 20:
            for call in list(open_calls):
                try:
                    call.sendall(b"x")
                except OSError:
                    open_calls.discard(call)
            assert server.post(ROUTE, STREET).status_code == 200
            time.sleep(1)
        assert not open_calls
        assert 9 < time.monotonic() - began < 19
        assert silent.recv(10) == b""
        for call in [*calls, silent]:
            call.close()


@pytest.mark.full
def test_clients_that_vanish_leave_nothing(zoo_home: object, slow: bytes) -> None:
    head = b"POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
    with Serving("--workers", 1, "--queue", 50) as server:
        server.post(ROUTE, STREET)
        opened = len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))
        for number in range(20):
            with connected(server) as call:
                call.sendall(head % len(slow) + (slow if number % 2 else slow[:5000]))
        waited(lambda: server.get("/health").json()["queue"] == 0, "that nothing waits")
        assert server.post(ROUTE, STREET).status_code == 200
        waited(
            lambda: len(list(Path(f"/proc/{server.process.pid}/fd").iterdir())) <= opened + 2, "that files are closed"
        )


def answer_to(server: Serving, content: bytes) -> bytes:
    """Sends bytes and returns what comes back until the connection ends."""
    with connected(server) as call:
        call.sendall(content)
        found = bytearray()
        try:
            while block := call.recv(1 << 16):
                found += block
        except ConnectionResetError:
            pass
        return bytes(found)


@pytest.mark.full
def test_large_bodies_are_refused_before_they_are_read(zoo_home: object) -> None:
    post = b"POST /v1/predict HTTP/1.1\r\nHost: x\r\n"
    with Serving("--workers", 1, "--max-body", "1M") as server:
        server.post(ROUTE, STREET)
        before = resident(server.process.pid)
        assert answer_to(server, post + b"Content-Length: 3000000000\r\n\r\n").startswith(b"HTTP/1.1 413")
        assert answer_to(server, post + b"Content-Length: x\r\n\r\n").startswith(b"HTTP/1.1 400")

        def endless() -> Any:
            yield from (bytes(1 << 16) for _ in range(2000))

        try:
            chunked = server.post(ROUTE, endless())
            assert chunked.status_code == 413
        except requests.ConnectionError:
            pass  # it was cut while it went on sending
        whole = server.post("/semantic-segmentation", bytes(2_000_000))
        assert (whole.status_code, whole.json()["errorCode"]) == (413, 413)
        assert resident(server.process.pid) - before < 30 << 20
        assert server.post(ROUTE, STREET).status_code == 200


@pytest.mark.full
def test_what_is_no_http_is_refused(zoo_home: object) -> None:
    with Serving("--workers", 1) as server:
        for garbage in (b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", bytes(100)):
            assert answer_to(server, garbage + b"\r\n\r\n").startswith((b"HTTP/1.1 400", b""))
        assert answer_to(server, b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000).startswith(b"HTTP/1.1 400")
        both = (
            b"POST /v1/predict HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        )
        assert not answer_to(server, both + b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 200")
        assert server.post(ROUTE, STREET).status_code == 200


@pytest.mark.full
def test_files_that_are_taken_away_are_no_matter_of_a_running_server(
    zoo_home: object, tmp_path: Path, bundle: Any
) -> None:
    import shutil

    folder = tmp_path / "model"
    shutil.copytree(bundle.folder, folder)
    with Serving(folder, "--workers", 1) as server:
        before = server.post(ROUTE, STREET).content
        shutil.rmtree(folder)
        assert server.post(ROUTE, STREET).content == before
        assert str(tmp_path) not in server.post(f"{ROUTE}?form=json", STREET).text
        (worker,) = server.workers()
        os.kill(worker, signal.SIGKILL)
        # Nobody can open it any more; the answer says no path.
        waited(lambda: server.get("/health/ready").json()["status"] == "failed", "that it gives up")
        answer = server.post(ROUTE, STREET)
        assert answer.status_code == 503
        assert str(tmp_path) not in answer.text


@pytest.mark.full
def test_pictures_of_any_size_leave_no_memory_behind(zoo_home: object) -> None:
    rng = np.random.default_rng(1)
    with Serving("--workers", 1) as server, requests.Session() as session:
        pictures = [png(rng.integers(0, 256, (int(h), int(w), 3), np.uint8)) for h, w in rng.integers(8, 200, (40, 2))]

        def ask(count: int) -> int:
            for number in range(count):
                body = pictures[number % len(pictures)] if number % 10 else b"\x89PNG\r\n\x1a\nbad"
                status = session.post(server.url(ROUTE), data=body, timeout=60).status_code
                assert status == (200 if number % 10 else 422)
            return resident(server.process.pid) + sum(map(resident, server.workers()))

        after_quarter = ask(50)
        assert ask(150) - after_quarter < 30 << 20


@pytest.mark.full
def test_a_log_that_nobody_reads_holds_up_no_request(zoo_home: object) -> None:
    with Serving("--workers", 1) as server, requests.Session() as session:
        # Far more than a pipe holds.
        for _ in range(500):
            assert session.post(server.url(ROUTE), data=b"hello", timeout=60).status_code == 415
        assert server.post(ROUTE, STREET).status_code == 200


@pytest.mark.full
def test_models_that_need_too_much_memory_leave_and_come_back(zoo_home: object) -> None:
    names = ("one", "two", "three")
    with Serving(*(f"{name}=starter" for name in names), "--workers", 1, "--memory", "1M") as server:
        assert " bytes of a worker, which --memory leaves 1000000" in server.said()

        def held() -> list[str]:
            return [each["name"] for each in server.get("/v1/models").json()["models"] if each["workers"]]

        masks = set()
        for name in (*names, *names):
            answer = server.post(f"{ROUTE}?model={name}", STREET)
            assert answer.status_code == 200
            masks.add(answer.content)
            assert held() == [name]
        assert len(masks) == 1


@pytest.mark.full
def test_memory_that_there_is_not_costs_the_picture_and_not_the_server(zoo_home: object) -> None:
    import resource

    with Serving("--workers", 1) as server:
        assert server.post(ROUTE, STREET).status_code == 200
        (worker,) = server.workers()
        used = int(Path(f"/proc/{worker}/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.prlimit(worker, resource.RLIMIT_AS, (used + (60 << 20), used + (60 << 20)))
        answer = server.post(ROUTE, large(6000))
        assert answer.status_code in (413, 500, 503), answer.text
        waited(lambda: server.post(ROUTE, STREET).status_code == 200, "an answer")
