"""Downloads through a real server that fails on purpose: the right file or a clear error, and never anything else."""

from __future__ import annotations

import base64
import contextlib
import errno
import gzip
import hashlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from servers import Reply, Server, certificate_for, etag
from zoo.contract.spec import Artifact
from zoo.errors import ArchiveError, CacheError, ChecksumMismatchError, FetchError
from zoo.store.download import proxies
from zoo.store.download.addresses import addresses, objection, shown_url
from zoo.store.download.download import Download, Limits, discard, download
from zoo.store.download.progress import Progress

SIZE = 100_000
FILE = random.Random(1).randbytes(SIZE)
OTHER = random.Random(2).randbytes(SIZE)
SHA256 = hashlib.sha256(FILE).hexdigest()
QUICK = Limits(connect=5.0, read=1.0, backoff=0.01, longest_wait=3.0, checkpoint=0.05)
HTML = b"\n<!DOCTYPE html><html><body>Please log in</body></html>" * 40


@pytest.fixture(autouse=True)
def no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("ZOO_MIRROR", "ZOO_ALLOW_HTTP"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    folder = tmp_path / "parts"
    folder.mkdir()
    return folder


def right(got: Download, content: bytes = FILE) -> bool:
    return (got.path.read_bytes(), got.size, got.sha256) == (
        content,
        len(content),
        hashlib.sha256(content).hexdigest(),
    )


def leftovers(parts: Path) -> list[str]:
    return sorted(path.name for path in parts.iterdir())


def notes_of(parts: Path) -> dict[str, object]:
    return json.loads(next(parts.glob("*.json")).read_text())


def refusal(artifact: Artifact, parts: Path, limits: Limits = QUICK, **options: object) -> FetchError:
    with pytest.raises(FetchError) as caught:
        download(artifact, parts, limits=limits, **options)
    return caught.value


# Broken connections


@pytest.mark.parametrize(
    "broken",
    [
        Reply(cut=40_000),
        Reply(cut=40_000, reset=True),
        Reply(cut=40_000, framing="chunked"),
        Reply(cut=40_000, pause=60.0),
    ],
    ids=["cut", "reset", "chunk cut", "silence"],
)
def test_a_broken_connection_is_continued_where_it_broke(broken: Reply, parts: Path) -> None:
    with Server({"/x.tar": FILE}) as server:
        server.replies["/x.tar"] = [broken]
        assert right(download(Artifact((server.url("/x.tar"),)), parts, limits=QUICK))
        first, second = server.requests
    received = int(second.headers["range"].removeprefix("bytes=").removesuffix("-"))
    # A reset may overtake bytes that are on their way.
    assert 0 < received <= 40_000 if broken.reset else received == 40_000
    assert second.headers["if-range"] == etag(FILE)
    assert first.headers["accept-encoding"] == "identity"
    assert first.headers["user-agent"].startswith("zoo/")


def test_a_drip_is_a_broken_connection(parts: Path) -> None:
    limits = Limits(read=0.3, slowest=200_000, backoff=0.01, tries=3)
    with Server({"/x.tar": FILE}) as server:
        server.replies["/x.tar"] = [Reply(rate=20_000)]
        assert right(download(Artifact((server.url("/x.tar"),)), parts, limits=limits))
        assert [asked is None for asked in server.ranges("/x.tar")] == [True, False]
        server.replies["/y.tar"] = Reply(rate=20_000)
        server.files["/y.tar"] = FILE
        error = refusal(Artifact((server.url("/y.tar"),)), parts, limits)
        assert "less than 200000 bytes a second" in error.message
        assert len(server.ranges("/y.tar")) == limits.tries


def test_headers_that_drip_are_given_up(parts: Path) -> None:
    with Server({"/x.tar": FILE}) as server:
        server.replies["/x.tar"] = Reply(header_pause=0.05)
        error = refusal(Artifact((server.url("/x.tar"),)), parts, Limits(connect=0.2, read=0.2, tries=2, backoff=0.01))
    assert "no answer within 0.4 s" in error.message


def test_a_server_that_always_breaks_and_knows_no_ranges_is_given_up_after_few_tries(parts: Path) -> None:
    with Server({"/x.tar": FILE}) as server:
        server.replies["/x.tar"] = Reply(cut=40_000, ranges=False)
        error = refusal(Artifact((server.url("/x.tar"),)), parts)
        assert len(server.requests) == 1 + QUICK.tries <= 10
    assert "the connection broke" in error.message
    assert "40000 bytes received" in error.message


def test_a_server_that_always_breaks_but_knows_ranges_gets_there_in_the_end(parts: Path) -> None:
    with Server({"/x.tar": FILE}) as server:
        server.replies["/x.tar"] = Reply(cut=9_000)
        assert right(download(Artifact((server.url("/x.tar"),)), parts, limits=QUICK))
        assert server.ranges("/x.tar") == [None, *(f"bytes={start}-" for start in range(9_000, SIZE, 9_000))]


# Continuing: never two states of a file in one


@pytest.mark.parametrize(
    ("second", "asked"),
    [
        (Reply(ranges=False), [None, "bytes=40000-"]),
        (Reply(shift=-40_000), [None, "bytes=40000-", None]),
        (Reply(shift=7), [None, "bytes=40000-", None]),
        (Reply(headers={"Content-Range": None}), [None, "bytes=40000-", None]),
        (Reply(headers={"Content-Range": "bytes 40000-99999/*"}), [None, "bytes=40000-", None]),
        (Reply(headers={"Content-Range": "bytes 40000-99999/100001"}), [None, "bytes=40000-", None]),
        (Reply(if_range=False, headers={"ETag": '"other"'}), [None, "bytes=40000-", None]),
        (Reply(if_range=False, headers={"ETag": None}), [None, "bytes=40000-", None]),
        (
            Reply(if_range=False, headers={"Last-Modified": "Thu, 02 Jan 2025 00:00:00 GMT"}),
            [None, "bytes=40000-", None],
        ),
        (Reply(if_range=False, headers={"ETag": None, "Last-Modified": None}), [None, "bytes=40000-", None]),
        (Reply(status=416, headers={"Content-Range": "bytes */100"}), [None, "bytes=40000-", None]),
        (Reply(status=416), [None, "bytes=40000-", None]),
    ],
    ids=[
        "no ranges",
        "from the first byte",
        "from another byte",
        "no Content-Range",
        "no total",
        "other total",
        "other ETag",
        "no ETag",
        "other date",
        "no ETag, no date",
        "416 with a total",
        "416",
    ],
)
def test_what_does_not_continue_the_part_starts_it_anew(second: Reply, asked: list[str | None], parts: Path) -> None:
    with Server({"/x.tar": FILE}) as server:
        server.replies["/x.tar"] = [Reply(cut=40_000), second]
        assert right(download(Artifact((server.url("/x.tar"),)), parts, limits=QUICK))
        assert server.ranges("/x.tar") == asked


@pytest.mark.parametrize("if_range", [True, False])
def test_a_file_that_changes_meanwhile_is_fetched_whole(if_range: bool, parts: Path) -> None:
    with Server({"/x.tar": FILE}) as server:

        def replies(number: int) -> Reply:
            server.files["/x.tar"] = OTHER if number else FILE
            return Reply(if_range=if_range) if number else Reply(cut=40_000)

        server.replies["/x.tar"] = replies
        assert right(download(Artifact((server.url("/x.tar"),)), parts, limits=QUICK), OTHER)


@pytest.mark.parametrize(
    ("headers", "sha256", "asked", "condition"),
    [
        ({"ETag": 'W/"1"'}, None, "bytes=40000-", "Wed, 01 Jan 2025 00:00:00 GMT"),
        ({"ETag": None}, None, "bytes=40000-", "Wed, 01 Jan 2025 00:00:00 GMT"),
        ({"ETag": 'W/"1"', "Last-Modified": None}, None, None, None),
        ({"ETag": None, "Last-Modified": None}, None, None, None),
        ({"ETag": None, "Last-Modified": None}, SHA256, "bytes=40000-", None),
    ],
)
def test_a_part_is_continued_only_where_something_proves_that_it_is_the_same_file(
    headers: dict[str, str | None], sha256: str | None, asked: str | None, condition: str | None, parts: Path
) -> None:
    with Server({"/x.tar": FILE}) as server:
        server.replies["/x.tar"] = lambda number: Reply(headers=headers, cut=None if number else 40_000)
        assert right(download(Artifact((server.url("/x.tar"),), sha256), parts, limits=QUICK))
        assert server.ranges("/x.tar") == [None, asked]
        assert server.requests[1].headers.get("if-range") == condition


def broken_part(server: Server, parts: Path, cut: int = 40_000) -> Artifact:
    """Leaves a part behind, as an earlier process would."""
    artifact = Artifact((server.url("/x.tar"),))
    server.replies["/x.tar"] = [Reply(cut=cut), *[Reply(status=503)] * QUICK.tries]
    refusal(artifact, parts)
    server.requests.clear()
    server.replies.clear()
    return artifact


def test_what_an_earlier_process_left_is_proven_and_continued(parts: Path) -> None:
    with Server({"/x.tar": FILE}) as server:
        artifact = broken_part(server, parts)
        assert notes_of(parts) == {
            "url": server.url("/x.tar"),
            "etag": etag(FILE),
            "last_modified": server.modified,
            "total": SIZE,
            "checkpoint": {"bytes": 40_000, "sha256": hashlib.sha256(FILE[:40_000]).hexdigest()},
        }
        with open(next(parts.glob("*.part")), "ab") as part:
            part.write(b"torn by a crash")
        assert right(download(artifact, parts, limits=QUICK))
        assert server.ranges("/x.tar") == ["bytes=40000-"]
        discard(parts, artifact)
        assert leftovers(parts) == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda part, notes: part.write_bytes(b"x" + part.read_bytes()[1:]),
        lambda part, notes: part.write_bytes(part.read_bytes()[:-1]),
        lambda part, notes: part.unlink(),
        lambda part, notes: notes.unlink(),
        lambda part, notes: notes.write_text(""),
        lambda part, notes: notes.write_text("[" * 100_000),
        lambda part, notes: notes.write_bytes(b"\xff\xfe"),
        lambda part, notes: notes.write_text("[]"),
        lambda part, notes: notes.write_text(notes.read_text().replace("40000", "-1")),
        lambda part, notes: notes.write_text(notes.read_text().replace("40000", "true")),
        lambda part, notes: notes.write_text(notes.read_text().replace('"sha256": "', '"sha256": "g')),
        lambda part, notes: notes.write_text(notes.read_text().replace("http://", "https://")),
    ],
)
def test_a_part_that_does_not_fit_is_thrown_away(damage: object, parts: Path) -> None:
    with Server({"/x.tar": FILE}) as server:
        artifact = broken_part(server, parts)
        damage(next(parts.glob("*.part")), next(parts.glob("*.json")))
        assert right(download(artifact, parts, limits=QUICK))
        assert server.ranges("/x.tar") == [None]


def test_a_whole_part_is_not_fetched_again(parts: Path) -> None:
    with Server({"/x.tar": FILE}) as server:
        artifact = Artifact((server.url("/x.tar"),))
        download(artifact, parts, limits=QUICK)
        server.requests.clear()
        # The digest is certain; without one the server is asked whether the file is still the same.
        assert right(download(artifact, parts, sha256=SHA256, limits=QUICK))
        assert server.requests == []
        assert right(download(artifact, parts, limits=QUICK))
        assert server.ranges("/x.tar") == [f"bytes={SIZE}-"]
        # Killed after the last byte and before the last checkpoint.
        notes = next(parts.glob("*.json"))
        checkpoint = {"bytes": 10, "sha256": hashlib.sha256(FILE[:10]).hexdigest()}
        notes.write_text(json.dumps(notes_of(parts) | {"checkpoint": checkpoint}))
        server.requests.clear()
        assert right(download(artifact, parts, sha256=SHA256, limits=QUICK))
        assert server.requests == []
        server.files["/x.tar"] = OTHER
        assert right(download(artifact, parts, limits=QUICK), OTHER)


CHILD = """
import sys
from pathlib import Path
from zoo.store.download.download import Limits, download
from zoo.contract.spec import Artifact
print("ready", flush=True)
download(Artifact((sys.argv[1],)), Path(sys.argv[2]), limits=Limits(checkpoint=0.03))
"""


def test_killed_at_ten_random_moments_it_continues_from_the_last_checkpoint(parts: Path) -> None:
    content = random.Random(3).randbytes(4_000_000)
    moments = random.Random()
    with Server({"/x.tar": content}) as server:
        server.replies["/x.tar"] = Reply(rate=500_000)
        artifact = Artifact((server.url("/x.tar"),))
        continued = 0
        for number in range(10):
            expected = expected_range(parts)
            server.requests.clear()
            command = [sys.executable, "-c", CHILD, artifact.urls[0], str(parts)]
            with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
                assert child.stdout is not None
                assert child.stdout.readline() == b"ready\n"
                time.sleep(moments.uniform(0.0, 0.25))
                while number == 5 and expected_range(parts) is None:
                    time.sleep(0.01)
                child.send_signal(signal.SIGKILL)
            assert child.returncode == -signal.SIGKILL
            # The server may note a killed child's request only after the next child has begun.
            assert set(server.ranges("/x.tar")) <= {expected}
            continued += expected is not None
        assert continued
        expected = expected_range(parts)
        server.requests.clear()
        server.replies.clear()
        assert right(download(artifact, parts, limits=QUICK), content)
        assert server.ranges("/x.tar")[-1] == expected
    discard(parts, artifact)
    assert leftovers(parts) == []


def expected_range(parts: Path) -> str | None:
    """What must be asked for, given what lies in the folder."""
    with contextlib.suppress(StopIteration):
        proven = notes_of(parts)["checkpoint"]["bytes"]
        return f"bytes={proven}-" if proven else None
    return None


# What cannot be the file


def test_a_changed_byte_is_fetched_once_more_and_then_refused(parts: Path) -> None:
    with Server({"/x.tar": FILE}) as server:
        artifact = Artifact((server.url("/x.tar"),), SHA256)
        server.replies["/x.tar"] = [Reply(flip=SIZE // 2)]
        assert right(download(artifact, parts, limits=QUICK))
        assert server.ranges("/x.tar") == [None, None]
        discard(parts, artifact)
        server.requests.clear()
        server.replies["/x.tar"] = Reply(flip=SIZE // 2)
        error = refusal(artifact, parts)
        assert len(server.requests) == 2
    changed = FILE[: SIZE // 2] + bytes([FILE[SIZE // 2] ^ 1]) + FILE[SIZE // 2 + 1 :]
    assert isinstance(error, ChecksumMismatchError)
    assert "publisher" in error.hint
    assert all(part in error.message for part in (SHA256, hashlib.sha256(changed).hexdigest(), artifact.urls[0]))
    assert leftovers(parts) == []


def test_a_recorded_digest_is_enforced_and_two_different_ones_are_the_callers_mistake(parts: Path) -> None:
    with Server({"/x.tar": OTHER}) as server:
        error = refusal(Artifact((server.url("/x.tar"),)), parts, sha256=SHA256)
        assert isinstance(error, ChecksumMismatchError)
        with pytest.raises(ValueError, match="two digests"):
            download(Artifact((server.url("/x.tar"),), SHA256), parts, sha256="0" * 64)
        assert len(server.requests) == 2


@pytest.mark.parametrize("reply", [Reply(), Reply(cut=0), Reply(framing="chunked"), Reply(framing="close")])
def test_another_size_is_refused(reply: Reply, parts: Path) -> None:
    with Server({"/x.tar": FILE}) as server:
        server.replies["/x.tar"] = reply
        for size in (SIZE - 1, SIZE + 1):
            error = refusal(Artifact((server.url("/x.tar"),), size=size), parts)
            assert str(size) in error.message
        if reply.framing == "length":
            assert isinstance(error, ChecksumMismatchError)
            assert len(server.requests) == 2, "the body was asked for again"
            assert leftovers(parts) == []


@pytest.mark.parametrize("length", [1_000, -1_000])
def test_a_content_length_that_lies_is_found_out(length: int, parts: Path) -> None:
    with Server({"/x.tar": FILE}) as server:
        server.replies["/x.tar"] = Reply(length=length)
        refusal(Artifact((server.url("/x.tar"),), size=SIZE), parts)
        if length > 0:
            assert f"{SIZE} bytes received" in refusal(Artifact((server.url("/x.tar"),)), parts).message
            # All of it is there: the digest says so.
            assert right(download(Artifact((server.url("/x.tar"),), SHA256), parts, limits=QUICK))
        else:
            refusal(Artifact((server.url("/x.tar"),), SHA256), parts)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=HTML, headers={"Content-Type": "text/html; charset=utf-8"}),
        Reply(body=HTML),
        Reply(body=HTML, rate=5_000),
        Reply(body=b"\xef\xbb\xbf<?xml version='1.0'?>\n<html>" + b"x" * 3_000),
    ],
    ids=["by its type", "by its content", "slowly", "as XML"],
)
def test_an_html_page_is_no_archive(reply: Reply, parts: Path) -> None:
    with Server() as server:
        server.replies["/x.tar"] = reply
        error = refusal(Artifact((server.url("/x.tar"),)), parts)
        assert "got an HTML page" in error.message
        assert len(server.requests) == 1
    assert leftovers(parts) == []


@pytest.mark.parametrize("cut", [None, 500])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_an_encoded_answer_is_refused(framing: str, cut: int | None, parts: Path) -> None:
    with Server() as server:
        body = gzip.compress(FILE)
        server.replies["/x.tar"] = Reply(body=body, headers={"Content-Encoding": "gzip"}, framing=framing, cut=cut)
        for sha256 in (None, hashlib.sha256(body).hexdigest()):
            assert "gzip" in refusal(Artifact((server.url("/x.tar"),), sha256), parts).message
    assert leftovers(parts) == []


def test_what_never_ends_is_cut_at_the_largest_size(parts: Path) -> None:
    limits = Limits(largest=300_000)
    with Server({"/x.tar": FILE}) as server:
        server.replies["/x.tar"] = Reply(framing="chunked", endless=True)
        assert "more than 300000 bytes" in refusal(Artifact((server.url("/x.tar"),)), parts, limits).message
        server.replies["/x.tar"] = Reply(framing="close", endless=True)
        assert "more than 300000 bytes" in refusal(Artifact((server.url("/x.tar"),), SHA256), parts, limits).message
        artifact = Artifact((server.url("/x.tar"),), size=SIZE)
        assert f"more than {SIZE} bytes" in refusal(artifact, parts, limits).message
        server.requests.clear()
        server.replies.clear()
        server.files["/x.tar"] = bytes(300_001)
        assert "at most 300000" in refusal(Artifact((server.url("/x.tar"),)), parts, limits).message
        assert len(server.requests) == 1
    assert leftovers(parts) == []


def test_a_body_whose_end_nobody_marks_needs_a_digest_or_a_size(parts: Path) -> None:
    with Server({"/x.tar": FILE}) as server:
        server.replies["/x.tar"] = Reply(framing="close")
        assert "how long the file is" in refusal(Artifact((server.url("/x.tar"),)), parts).message
        assert right(download(Artifact((server.url("/x.tar"),), SHA256), parts, limits=QUICK))
        discard(parts, Artifact((server.url("/x.tar"),)))
        assert right(download(Artifact((server.url("/x.tar"),), size=SIZE), parts, limits=QUICK))
        server.replies["/y.tar"] = Reply(body=b"")
        assert "empty" in refusal(Artifact((server.url("/y.tar"),)), parts).message


def test_the_server_does_not_name_the_file(parts: Path) -> None:
    with Server({"/x.tar": FILE}) as server:
        server.replies["/x.tar"] = Reply(headers={"Content-Disposition": 'attachment; filename="../../evil"'})
        got = download(Artifact((server.url("/x.tar"),)), parts, limits=QUICK)
    assert got.path.parent == parts
    assert leftovers(parts) == sorted([got.path.name, got.path.with_suffix(".json").name])


# Servers that cannot or will not


@pytest.mark.parametrize(("status", "form"), [(503, "seconds"), (429, "date")])
def test_retry_after_is_waited_for(status: int, form: str, parts: Path) -> None:
    def busy(number: int) -> Reply:
        if number >= (2 if form == "seconds" else 1):
            return Reply()
        date = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=2), usegmt=True)
        return Reply(status=status, headers={"Retry-After": "1" if form == "seconds" else date})

    notes: list[str] = []
    began = time.monotonic()
    with Server({"/x.tar": FILE}) as server:
        server.replies["/x.tar"] = busy
        artifact = Artifact((server.url("/x.tar"),))
        assert right(download(artifact, parts, limits=QUICK, progress=lambda step: notes.append(step.note)))
    # A date has whole seconds.
    assert time.monotonic() - began >= (2.0 if form == "seconds" else 0.9)
    waits = [re.fullmatch(rf"waits (\d\.\d) s: {status} .*", note) for note in notes if note]
    assert len(waits) == (2 if form == "seconds" else 1)
    for wait in waits:
        assert wait, notes
        assert wait[1] == "1.0" if form == "seconds" else float(wait[1]) <= 2.0


def test_a_wait_beyond_the_limit_is_not_begun(parts: Path) -> None:
    with Server() as server:
        server.replies["/x.tar"] = Reply(status=503, headers={"Retry-After": "3600"})
        error = refusal(Artifact((server.url("/x.tar"),)), parts)
        assert "it asks to wait 3600 s" in error.message
        assert len(server.requests) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 206, 304, 416])
def test_a_final_answer_is_not_asked_for_again(status: int, parts: Path) -> None:
    with Server() as server:
        server.replies["/x.tar"] = Reply(status=status)
        assert str(status) in refusal(Artifact((server.url("/x.tar"),)), parts).message
        assert len(server.requests) == 1
    assert leftovers(parts) == []


def test_a_busy_server_is_given_up_after_some_tries(parts: Path) -> None:
    with Server() as server:
        server.replies["/x.tar"] = Reply(status=503)
        error = refusal(Artifact((server.url("/x.tar"),)), parts)
        assert "503 Service Unavailable (5 tries, 0 bytes received)" in error.message
        assert len(server.requests) == QUICK.tries


def test_nobody_listens_and_nobody_has_the_name(parts: Path) -> None:
    with Server() as server:
        closed = server.url("/x.tar")
    assert "Connection refused" in refusal(Artifact((closed,)), parts).message
    assert "no https address" in refusal(Artifact(("x.tar",)), parts).message
    assert "No address is given" in refusal(Artifact(()), parts).message


# Several addresses


def test_the_next_address_is_asked_when_one_fails(parts: Path) -> None:
    with Server({"/good.tar": FILE, "/other.tar": OTHER}) as server:
        missing, other, good = (server.url(path) for path in ("/missing.tar", "/other.tar", "/good.tar"))
        got = download(Artifact((missing, other, good), SHA256), parts, limits=QUICK)
        assert right(got)
        assert got.url == good
        assert [request.path for request in server.requests] == [
            "/missing.tar",
            "/other.tar",
            "/other.tar",
            "/good.tar",
        ]
        error = refusal(Artifact((missing, other), SHA256), parts, hint="Run: zoo download X")
    assert isinstance(error, ChecksumMismatchError)
    assert error.message.index(f"{missing}: 404") < error.message.index(f"{other}: the file has")
    assert "\n" not in error.message
    assert "404 Not Found" in error.message
    assert SHA256 in error.message
    assert error.hint == "Run: zoo download X"
    discard(parts, Artifact((missing, other, good)))
    assert leftovers(parts) == []


def test_the_caller_looks_at_the_whole_file(parts: Path) -> None:
    def is_archive(path: Path) -> None:
        if path.read_bytes() != FILE:
            raise ArchiveError(f"{path.stat().st_size} bytes are no archive.", "Tell the publisher.")

    with Server({"/bad.tar": OTHER, "/good.tar": FILE}) as server:
        bad, good = server.url("/bad.tar"), server.url("/good.tar")
        assert download(Artifact((bad, good)), parts, check=is_archive, limits=QUICK).url == good
        error = refusal(Artifact((bad,)), parts, check=is_archive)
        assert type(error) is ArchiveError
        assert f"{SIZE} bytes are no archive." in error.message
        assert error.hint == "Tell the publisher."

        def full_disk(path: Path) -> None:
            raise CacheError("no room", "make some")

        server.requests.clear()
        assert refusal(Artifact((bad, good)), parts, check=full_disk).message == "no room"
        assert {request.path for request in server.requests} == {"/bad.tar"}


# Redirects, credentials, proxies, certificates


def test_redirects_are_followed_within_limits(parts: Path) -> None:
    with Server({"/x.tar": FILE}) as server, Server({"/y.tar": FILE}) as elsewhere:

        def to(place: str, status: int = 302) -> Reply:
            return Reply(status=status, headers={"Location": place, "Set-Cookie": "a=1; Path=/"})

        server.replies |= {
            "/1": to("2", 301),
            "/2": to(server.url("/3?signature=secret"), 307),
            "/3": to(elsewhere.url("/y.tar"), 308),
            "/loop": to("/loop"),
            "/file": to("file:///etc/hostname"),
            "/away": to("http://example.invalid/x"),
            "/down": to(elsewhere.url("/404?signature=secret")),
            "/endless": Reply(status=302, headers={"Location": "/x.tar"}, body=b"x" * 1000, endless=True),
            "/nowhere": Reply(status=302),
            "/broken": to("http://[::1/"),
        }
        first = server.url("/1").replace("//", "//me:word@")
        got = download(Artifact((first,)), parts, limits=QUICK)
        assert right(got)
        assert got.url == first
        basic = "Basic " + base64.b64encode(b"me:word").decode()
        assert [request.headers.get("authorization") for request in server.requests] == [basic] * 3
        assert "authorization" not in elsewhere.requests[0].headers
        assert not any("cookie" in request.headers for request in server.requests + elsewhere.requests)
        assert right(download(Artifact((server.url("/endless"),)), parts, limits=QUICK))
        server.requests.clear()
        assert "more than 10 times" in refusal(Artifact((server.url("/loop"),)), parts).message
        assert len(server.requests) <= 11
        assert "file:///etc/hostname: its scheme is 'file'" in refusal(Artifact((server.url("/file"),)), parts).message
        assert "plain http" in refusal(Artifact((server.url("/away"),)), parts).message
        assert "cannot be read" in refusal(Artifact((server.url("/broken"),)), parts).message
        assert "302 Found" in refusal(Artifact((server.url("/nowhere"),)), parts).message
        assert "secret" not in str(refusal(Artifact((server.url("/down"),)), parts))


def test_which_addresses_may_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for good in (
        "https://a.example/x",
        "http://127.0.0.1:8/x",
        "http://[::1]/x",
        "http://localhost/x",
        "http://127.9.9.9",
    ):
        assert objection(good) is None, good
    for bad in (
        "http://a.example/x",
        "http://127.0.0.1.example/x",
        "http://localhost.example/x",
        "http://a.example\\@127.0.0.1/x",
        "ftp://a.example/x",
        "file:///etc/hostname",
        "/etc/hostname",
        "https:///x",
        "https://a.example:x/",
        "https://a.example/\r\nX: y",
        "",
    ):
        assert objection(bad) is not None, bad
    assert "down to http" in str(objection("http://127.0.0.1/x", "https://a.example"))
    monkeypatch.setenv("ZOO_ALLOW_HTTP", "1")
    assert objection("http://a.example/x") is None
    assert objection("http://a.example/x", "https://a.example") is not None


@pytest.mark.parametrize(
    "address",
    [
        "https://user:secret@h/x",
        "https://secret@h/x",
        "https://user:a@secret@h/x",
        "https://h/x#secret",
        "https://u:secret/a@h",
    ],
)
def test_credentials_are_never_shown(address: str) -> None:
    assert "secret" not in shown_url(address)


def test_an_address_with_credentials_is_reported_without_them(parts: Path) -> None:
    steps: list[Progress] = []
    with Server({"/x.tar": FILE}) as server:
        artifact = Artifact((server.url("/missing.tar").replace("//", "//user:secret@"),))
        assert "secret" not in str(refusal(artifact, parts))
        artifact = Artifact((server.url("/x.tar").replace("//", "//user:secret@"),))
        download(artifact, parts, limits=QUICK, progress=steps.append)
    assert {step.url for step in steps} == {server.url("/x.tar")}
    assert "secret" not in next(parts.glob("*.json")).read_text()


def test_passwords_of_netrc_stay_at_home(parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login user password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with Server({"/x.tar": FILE}) as server:
        download(Artifact((server.url("/x.tar"),)), parts, limits=QUICK)
        assert "authorization" not in server.requests[0].headers


@pytest.mark.parametrize(
    "proxy", ["http://user:secret@127.0.0.1:1", "user:secret@127.0.0.1:1", "http://user:se/cret@h:x"]
)
def test_a_proxy_is_used_and_named_without_its_password(
    proxy: str, parts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    error = refusal(Artifact(("https://models.example/x.tar",)), parts)
    assert f"through the proxy http://{proxy.rpartition('@')[2]}" in error.message
    assert not any(word in str(error) for word in ("secret", "cret@", "user"))


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1"])
def test_this_machine_is_never_asked_through_a_proxy(
    name: str, host: str, parts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Server({"/x.tar": FILE}) as server, Server() as proxy:
        monkeypatch.setenv(name, proxy.url(""))
        artifact = Artifact((server.url("/x.tar").replace("127.0.0.1", host),))
        assert right(download(artifact, parts, limits=QUICK))
        assert (len(server.requests), proxy.requests) == (1, [])
        assert proxies.proxy(server.url("/x.tar").replace("127.0.0.1", "[::1]")) is None


def test_hosts_that_the_environment_excepts_are_asked_without_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for scheme in ("http", "https"):
        monkeypatch.setenv(f"{scheme}_proxy", f"http://{scheme}-proxy.example:3128")
        url = f"{scheme}://models.example/x.tar"
        assert proxies.proxy(url) == f"http://{scheme}-proxy.example:3128"
        monkeypatch.setenv("NO_PROXY", "models.example")
        assert proxies.proxy(url) is None
        monkeypatch.delenv("NO_PROXY")


def test_a_proxy_that_works_gets_the_request(parts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_ALLOW_HTTP", "1")
    with Server({"http://models.example/x.tar": FILE}) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url(""))
        assert right(download(Artifact(("http://models.example/x.tar",)), parts, limits=QUICK))
        assert len(proxy.requests) == 1


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes its certificate with openssl")
def test_only_trusted_certificates_and_no_way_down_to_http(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = certificate_for("IP:127.0.0.1", tmp_path)
    with Server({"/x.tar": FILE}, (certificate, key)) as server, Server({"/y.tar": FILE}) as plain:
        server.replies["/down.tar"] = Reply(status=302, headers={"Location": plain.url("/y.tar")})
        error = refusal(Artifact((server.url("/x.tar"),)), parts)
        assert "certificate is not trusted" in error.message
        assert "export REQUESTS_CA_BUNDLE=FILE.pem" in error.hint
        monkeypatch.setenv("SSL_CERT_FILE", certificate)
        assert "certificate is not trusted" in refusal(Artifact((server.url("/x.tar"),)), parts).message
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "absent.pem"))
        assert "absent.pem" in refusal(Artifact((server.url("/x.tar"),)), parts).message
        assert server.requests == []
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", certificate)
        assert right(download(Artifact((server.url("/x.tar"),)), parts, limits=QUICK))
        assert "down to http" in refusal(Artifact((server.url("/down.tar"),)), parts).message
        assert plain.requests == []


# Mirrors

DECLARED = "https://models.example/official/SegFormer-B0%20%28slice%29_infer.tar"


def test_a_mirror_takes_the_place_of_scheme_and_host(parts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = "/base/official/SegFormer-B0%20%28slice%29_infer.tar"
    with Server({path: FILE}) as server:
        monkeypatch.setenv("ZOO_MIRROR", server.url("/base/"))
        got = download(Artifact((DECLARED + "?v=1", DECLARED + "?v=1#again")), parts, limits=QUICK)
        assert right(got)
        assert got.url == DECLARED + "?v=1"
        assert [request.path for request in server.requests] == [path + "?v=1"]
        error = refusal(Artifact(("https://models.example/absent.tar", "https://elsewhere.example/absent.tar")), parts)
        assert "ZOO_MIRROR is set" in error.message
        assert server.url("/base/absent.tar") in error.message
        assert len(server.requests) == 2


@pytest.mark.parametrize("name", ["official/SegFormer-B0 (slice)_infer.tar", "SegFormer-B0 (slice)_infer.tar"])
@pytest.mark.parametrize("form", ["path", "file:"])
def test_a_mirror_can_be_a_folder(
    form: str, name: str, parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror = tmp_path / "mirror here"
    (mirror / name).parent.mkdir(parents=True)
    (mirror / name).write_bytes(FILE)
    monkeypatch.setenv("ZOO_MIRROR", str(mirror) if form == "path" else mirror.as_uri())
    got = download(Artifact((DECLARED,), SHA256, SIZE), parts, limits=QUICK)
    assert right(got)
    assert (mirror / name).read_bytes() == FILE
    discard(parts, Artifact((DECLARED,)))
    (mirror / name).write_bytes(OTHER)
    error = refusal(Artifact((DECLARED,), SHA256), parts)
    assert isinstance(error, ChecksumMismatchError)
    (mirror / name).write_bytes(HTML)
    assert "HTML" in refusal(Artifact((DECLARED,)), parts).message
    (mirror / name).unlink()
    error = refusal(Artifact((DECLARED,)), parts)
    assert "No such file" in error.message
    assert "ZOO_MIRROR is set" in error.message
    os.mkfifo(mirror / name)
    assert "not a regular file" in refusal(Artifact((DECLARED,)), parts).message
    assert leftovers(parts) == []


@pytest.mark.parametrize("path", ["../x.tar", "a/../../x.tar", "%2e%2e/x.tar", "a%2f..%2f..%2fx.tar", "a%00b"])
def test_no_path_leads_out_of_a_mirror(path: str, parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mirror").mkdir()
    (tmp_path / "x.tar").write_bytes(FILE)
    for mirror in (str(tmp_path / "mirror"), "https://mirror.example/base"):
        monkeypatch.setenv("ZOO_MIRROR", mirror)
        assert "leads elsewhere" in refusal(Artifact((f"https://models.example/{path}",)), parts).message


@pytest.mark.parametrize(
    "mirror",
    [
        "ftp://h/x",
        "http://mirror.example",
        "https://u:secret@mirror.example/x?y",
        "/not/there",
        "file://host/x",
        "https://[",
        "0",
    ],
)
def test_a_mirror_that_is_none_is_named(mirror: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_MIRROR", mirror)
    with pytest.raises(FetchError, match="ZOO_MIRROR is ") as caught:
        addresses((DECLARED,))
    assert "secret" not in str(caught.value)


# The disk


def test_without_enough_room_nothing_is_begun(parts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = SIZE * 2 - 1
    usage = shutil.disk_usage(parts)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=free))
    with Server({"/x.tar": FILE}) as server:
        server.replies["/y.tar"] = Reply(body=FILE, framing="chunked")
        x, y = Artifact((server.url("/x.tar"),) * 2), Artifact((server.url("/y.tar"),))
        for error in (refusal(x, parts), refusal(y, parts, size_hint=SIZE)):
            assert isinstance(error, CacheError)
            assert f"{free} bytes free; {2 * SIZE} bytes are needed" in error.message
            assert "zoo cache prune" in error.hint
            assert leftovers(parts) == []
        assert len(server.requests) == 2
        assert right(download(x, parts, limits=QUICK, reserve=0.9))


LIMITED = """
import resource, sys
from pathlib import Path
from zoo.errors import CacheError
from zoo.store.download.download import download
from zoo.contract.spec import Artifact
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
try:
    download(Artifact((sys.argv[1],)), Path(sys.argv[2]))
except CacheError as error:
    print(error)
"""


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_disk_that_fills_up_is_left_as_it_was(framing: str, parts: Path) -> None:
    with Server({"/x.tar": FILE}) as server:
        server.replies["/x.tar"] = Reply(framing=framing, rate=1_000_000)
        command = [sys.executable, "-c", LIMITED, server.url("/x.tar"), str(parts)]
        result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert os.strerror(errno.EFBIG) in result.stdout
    assert "zoo cache prune" in result.stdout
    assert framing == "chunked" or f"{SIZE} bytes" in result.stdout
    assert leftovers(parts) == []


def test_a_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with Server({"/x.tar": FILE}) as server:
        for place in (tmp_path / "file", tmp_path / "absent"):
            error = refusal(Artifact((server.url("/x.tar"),)), place)
            assert isinstance(error, CacheError)
            assert str(place) in error.message
        assert server.requests == []


# The whole of it


def test_progress_is_told_about_ten_times_a_second(parts: Path) -> None:
    steps: list[Progress] = []
    with Server({"/x.tar": FILE}) as server:
        server.replies["/x.tar"] = Reply(rate=150_000)
        began = time.monotonic()
        download(Artifact((server.url("/x.tar"),)), parts, progress=steps.append)
        seconds = time.monotonic() - began
    received = [step.received for step in steps]
    assert received == sorted(received)
    assert steps[-1] == Progress(server.url("/x.tar"), SIZE, SIZE)
    assert 3 <= len(steps) <= 10 * seconds + 4


def replies(pinned: bool) -> st.SearchStrategy[tuple[int, Reply]]:
    """A state of the file, and a fault while it is sent."""
    cuts = st.one_of(st.none(), st.integers(0, 3_000))
    faults = {
        "status": st.sampled_from([200] * 12 + [206, 404, 416, 503]),
        "headers": st.sampled_from(
            [
                {},
                {"ETag": None},
                {"ETag": 'W/"1"'},
                {"ETag": None, "Last-Modified": None},
                {"Content-Range": None},
                {"Content-Encoding": "gzip"},
            ]
        ),
        "ranges": st.sampled_from([True, True, True, False]),
        "if_range": st.booleans(),
        "shift": st.sampled_from([0, 0, 0, -1, 5, -3_000]),
        "cut": cuts,
        "reset": st.booleans(),
        "length": st.sampled_from([0, 0, 0, 1, 700] + [-1, -700] * pinned),
        "framing": st.sampled_from(["length", "length", "chunked", "close"]),
    }
    if pinned:
        faults["flip"] = st.one_of(st.none(), st.integers(0, 999))
    return st.tuples(st.integers(0, 1), st.builds(Reply, **faults))


def run_through(script: list[tuple[int, Reply]], sha256: str | None, calls: int) -> list[bytes]:
    """Downloads several times over, each continuing what the last one left; returns what was given out."""
    states = [FILE[:3_000], OTHER[:3_000]]
    given: list[bytes] = []
    with tempfile.TemporaryDirectory() as folder, Server({"/x": states[0]}) as server:
        pending = iter(script)

        def reply(number: int) -> Reply:
            state, fault = next(pending, (0, Reply()))
            server.files["/x"] = states[state]
            server.modified = f"Wed, 01 Jan 2025 00:00:0{state} GMT"
            return fault

        server.replies["/x"] = reply
        limits = Limits(connect=2.0, read=1.0, tries=2, backoff=0.0, checkpoint=0.0)
        for _ in range(calls):
            try:
                got = download(Artifact((server.url("/x"),), sha256), Path(folder), limits=limits)
                given.append(got.path.read_bytes())
                assert got.sha256 == hashlib.sha256(given[-1]).hexdigest()
            except FetchError:
                pass
    return given


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(script=st.lists(replies(pinned=False), max_size=8))
def test_whatever_the_server_does_an_unpinned_file_is_one_whole_state_of_it(script: list[tuple[int, Reply]]) -> None:
    assert set(run_through(script, None, 3)) <= {FILE[:3_000], OTHER[:3_000]}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(script=st.lists(replies(pinned=True), max_size=8))
def test_whatever_the_server_does_a_pinned_file_is_the_right_one(script: list[tuple[int, Reply]]) -> None:
    assert set(run_through(script, hashlib.sha256(FILE[:3_000]).hexdigest(), 3)) <= {FILE[:3_000]}


def test_a_name_that_says_nothing_is_not_looked_for_at_the_top_of_a_mirror(
    parts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOO_MIRROR", str(tmp_path))
    (tmp_path / "model.pdparams").write_bytes(FILE)
    declared = "https://publisher.example/segformer_b0/model.pdparams"
    assert "No such file" in refusal(Artifact((declared,)), parts).message
    (tmp_path / "segformer_b0").mkdir()
    (tmp_path / "segformer_b0" / "model.pdparams").write_bytes(FILE)
    assert download(Artifact((declared,)), parts, limits=QUICK).size == len(FILE)


# Without a network


def test_a_name_that_nobody_knows_is_one_sentence_and_asked_for_once(
    parts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = unknown_names(monkeypatch)
    urls = ("https://models.example/a.tar", "https://models.example/b.tar", "https://mirror.example/a.tar")
    notes: list[str] = []
    error = refusal(Artifact(urls), parts, Limits(), progress=lambda progress: notes.append(progress.note))
    assert asked == ["models.example", "mirror.example"]
    assert [note for note in notes if note] == []
    assert str(error) == (
        "Nothing can be downloaded: the name models.example or mirror.example cannot be resolved. "
        "Is this machine offline?\n"
        "Check the connection, or set ZOO_MIRROR to a mirror; then run the same command again."
    )


def test_the_name_of_a_proxy_that_nobody_knows_is_told(parts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = unknown_names(monkeypatch)
    monkeypatch.setenv("HTTPS_PROXY", "http://me:secret@proxy.example:3128")
    error = refusal(Artifact(("https://models.example/a.tar",)), parts, Limits())
    assert asked == ["proxy.example"]
    assert "the name proxy.example cannot be resolved" in error.message
    assert "secret" not in str(error)


def test_a_name_that_is_lost_on_the_way_is_asked_for_again(parts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Server({"/x.tar": FILE}) as server:
        server.replies["/x.tar"] = [Reply(cut=40_000)]
        asked = unknown_names(monkeypatch, but=lambda: len(server.requests) != 1 or len(asked) > 2)
        assert right(download(Artifact((server.url("/x.tar"),)), parts, limits=QUICK))
    assert asked == ["127.0.0.1"] * 3


def unknown_names(monkeypatch: pytest.MonkeyPatch, but: Callable[[], bool] = lambda: False) -> list[str]:
    """Puts a resolver in the place of the system's that knows no name but when it may; returns what it is asked."""
    known, asked = socket.getaddrinfo, list[str]()

    def getaddrinfo(host: str, *arguments: object, **named: object) -> object:
        asked.append(host)
        if but():
            return known(host, *arguments, **named)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked
