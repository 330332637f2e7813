"""Downloads from this machine: zoo with its digest and checkpoints beside curl, memory, and what a cut costs.

    python benchmarks/fetch.py [--repeat N] [--megabytes N]

A server in a process of its own sends one file of random bytes with sendfile; curl and zoo fetch it in turn, each into
a new file on the same disk. zoo takes the SHA-256 digest on the way, curl does not; the time of the digest is printed
too. Neither flushes the file to the disk. The digest needs a core that is free: on a busy machine the ratio says
little. Goals: at least 0.7 of curl's rate; less than 64 MB above the interpreter.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from machine import describe

from zoo.contract.spec import Artifact
from zoo.store.download.download import Limits, discard, download

BARE = "pass"
REQUESTS = "import requests"
DOWNLOAD = (
    "import sys; from pathlib import Path; from zoo.contract.spec import Artifact; "
    "from zoo.store.download.download import download; "
    "download(Artifact((sys.argv[1],)), Path(sys.argv[2]))"
)
PEAK = "; print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"


def main() -> None:
    """Prints the ratio of rates, the memory, and the bytes asked for after a cut."""
    parser = argparse.ArgumentParser(description="zoo's downloads beside curl's")
    parser.add_argument("--repeat", type=int, default=9, help="runs of each side (default: 9)")
    parser.add_argument("--megabytes", type=int, default=200, help="size of the file (default: 200)")
    parser.add_argument("--serve", metavar="FILE", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(Path(options.serve))
        return
    print(describe("requests", "urllib3"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "random.tar"
        with open(file, "wb") as target:
            for _ in range(options.megabytes):
                target.write(os.urandom(1_000_000))
        with serving(file) as url:
            rates(url, file, folder, max(1, options.repeat))
            memory(url, folder)
            resume(url, file, folder)


def rates(url: str, file: Path, folder: Path, repeat: int) -> None:
    """Fetches with both in turn."""
    size = file.stat().st_size
    times: dict[str, list[float]] = {"curl": [], "zoo": [], "zoo / curl": [], "sha256 alone": []}
    for index in range(repeat + 1):
        target = folder / "curl.tar"
        command = ["curl", "--silent", "--fail", "--output", str(target), "--write-out", "%{time_total}", url]
        curl = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        target.unlink()
        parts = new_folder(folder)
        began = time.perf_counter()
        got = download(Artifact((url,)), parts)
        zoo = time.perf_counter() - began
        began = time.perf_counter()
        digest = sha256(file)
        alone = time.perf_counter() - began
        if (got.sha256, got.size) != (digest, size):
            raise SystemExit(f"{got} is not the file")
        discard(parts, Artifact((url,)))
        if index:  # the first round fills the page cache
            for name, seconds in zip(times, (curl, zoo, curl / zoo, alone), strict=True):
                times[name].append(seconds)
    print(f"{size / 1e6:.0f} MB, {repeat} runs each in turn, medians")
    for name, values in times.items():
        if name == "zoo / curl":
            print(
                f"  zoo / curl     {statistics.median(values):7.2f} x the rate of curl "
                f"({min(values):.2f} to {max(values):.2f}; goal: at least 0.7)"
            )
        else:
            print(f"  {name:<14}{statistics.median(values):8.3f} s  {size / 1e6 / statistics.median(values):7.0f} MB/s")


def memory(url: str, folder: Path) -> None:
    """Compares the peak memory of three processes."""
    bare, requests = peak(BARE), peak(REQUESTS)
    zoo = peak(DOWNLOAD, url, str(new_folder(folder)))
    print(
        f"peak memory {zoo:.1f} MB: {zoo - bare:.1f} MB above bare Python (goal: under 64), "
        f"{zoo - requests:.1f} MB above Python with requests imported"
    )


def peak(code: str, *arguments: str) -> float:
    """Returns the peak of a process's resident memory in MB. The kernel's `ru_maxrss` would include its parent's."""
    result = subprocess.run([sys.executable, "-c", code + PEAK, *arguments], check=True, capture_output=True, text=True)
    return int(result.stdout) * 1024 / 1e6


def resume(url: str, file: Path, folder: Path) -> None:
    """Has the server cut the connection at half, and counts what is asked for afterwards."""
    parts = new_folder(folder)
    artifact = Artifact((url + "?cut",))
    got = download(artifact, parts, limits=Limits(backoff=0.0))
    if got.sha256 != sha256(file):
        raise SystemExit("the resumed file is not the file")
    size = file.stat().st_size
    asked = int((folder / "asked").read_text())
    rest = size - size // 2
    print(f"cut at {size // 2} of {size} bytes: {asked} bytes asked for again, {asked / rest:.3f} of the rest")


def new_folder(folder: Path) -> Path:
    """Returns an empty folder for parts."""
    parts = folder / "parts"
    shutil.rmtree(parts, ignore_errors=True)
    parts.mkdir()
    return parts


def sha256(file: Path) -> str:
    """Returns the hex digest of a file."""
    digest = hashlib.sha256()
    with open(file, "rb", buffering=0) as source:
        while block := source.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def serving(file: Path) -> Generator[str, None, None]:
    """Runs the server as a process and gives the address of the file."""
    command = [sys.executable, __file__, "--serve", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield f"http://127.0.0.1:{process.stdout.readline().strip()}/{file.name}"
        finally:
            process.terminate()


def serve(file: Path) -> None:
    """Sends a file, whole or from a byte on; `?cut` closes the first connection at half."""
    size = file.stat().st_size
    cuts = [size // 2]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            start, stop = int(asked[1]) if asked else 0, size
            if asked:
                (file.parent / "asked").write_text(str(size - start))
            elif self.path.endswith("?cut") and cuts:
                stop = cuts.pop()
            self.send_response(206 if asked else 200)
            self.send_header("ETag", '"random"')
            if asked:
                self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
            self.send_header("Content-Length", str(size - start))
            self.end_headers()
            with open(file, "rb") as source:
                while start < stop and (sent := os.sendfile(self.wfile.fileno(), source.fileno(), start, stop - start)):
                    start += sent

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the name http.server uses)
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
