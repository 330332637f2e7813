"""A Ray cluster of this machine: its workers beside `zoo predict`, and what it costs where inference is only a sleep.

    python benchmarks/cluster.py speed [MODEL] [--pictures 400]     1 and 2 workers of one thread, and `zoo predict`
    python benchmarks/cluster.py sleep [--inputs 10000 100000]      the driver and the object store, without a network

`speed` counts pictures a second from the first answer to the last, so start-up is told apart. Pictures are drawn
scenes of 1024x512; each kind of run is done `--rounds` times in turn. A worker of one thread reads and writes pictures
beside its network, so alone on two cores it uses more than one of them: it is also measured with everything on one
core. Networks but the starter's have random weights. `sleep` gives parts of paths to two actors that sleep for every
picture, and tells what is left of the time: the overhead of a picture, bytes that pass the object store, the memory of
the driver, and parts a second where each has one picture.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from beside import export_random
from drawn import draw_scene
from machine import describe
from PIL import Image
from sleeping import SleepingWork

import zoo
from zoo.distributed import predict
from zoo.distributed.cluster import connected
from zoo.distributed.listing import Listed
from zoo.distributed.picture_work import PicturePart
from zoo.distributed.ray_parts import Actors, run_parts

SIZE = (512, 1024)
SCENES = 20
PART = 256


def draw(folder: Path, count: int) -> None:
    """Writes drawn scenes as JPEG files, hard links of a few."""
    for seed in range(min(SCENES, count)):
        Image.fromarray(draw_scene(seed, *SIZE).image).save(folder / f"{seed:04d}.jpg", quality=92)
    for number in range(SCENES, count):
        os.link(folder / f"{number % SCENES:04d}.jpg", folder / f"{number:04d}.jpg")


def steady(results: Callable[[], object]) -> tuple[float, float]:
    """Returns the seconds until the first of some results, and how many come a second from then on."""
    began = time.perf_counter()
    times = [time.perf_counter() for _ in results()]  # type: ignore[attr-defined]
    # Parts come together: from the end of the first part to the end.
    first = next((place for place in range(1, len(times)) if times[place] - times[place - 1] > 0.01), 1)
    return times[0] - began, (len(times) - first) / (times[-1] - times[first - 1])


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of run.

    Attributes:
        title: Name in what is printed.
        workers: Of the cluster; 0 for `zoo predict`.
        cores: That everything may use: reading, writing and Ray itself too.
    """

    title: str
    workers: int
    cores: int


KINDS = (
    Kind("1 worker on 1 core", 1, 1),
    Kind("1 worker", 1, 2),
    Kind("2 workers", 2, 2),
    Kind("zoo predict", 0, 2),
)


def speed(arguments: argparse.Namespace) -> None:
    """Measures pictures a second; each run is a process of its own."""
    rates: dict[str, list[float]] = {kind.title: [] for kind in KINDS}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "pictures"
        folder.mkdir()
        draw(folder, arguments.pictures)
        model = arguments.model
        bundle = model if model == "starter" else str(export_random(model, Path(scratch)))
        for _ in range(arguments.rounds):
            for number, kind in enumerate(KINDS):
                words = ["run", bundle, "--folder", scratch, "--kind", str(number)]
                done = subprocess.run([sys.executable, __file__, *words], capture_output=True, text=True, check=False)
                if done.returncode:
                    raise SystemExit(done.stderr[-2000:])
                start, rate = json.loads(done.stdout.splitlines()[-1])
                rates[kind.title].append(rate)
                print(f"  {kind.title}: {rate:.2f} pictures/s, the first after {start:.1f} s", flush=True)
    print(f"{model}, {arguments.pictures} pictures {SIZE[1]}x{SIZE[0]}, {describe('ray', 'onnxruntime')}")
    two = KINDS[2].title
    for kind in (KINDS[0], KINDS[1], KINDS[3]):
        ratios = [ours / other for ours, other in zip(rates[two], rates[kind.title], strict=True)]
        print(f"{two} / {kind.title}: {statistics.median(ratios):.2f}")


def run(arguments: argparse.Namespace) -> None:
    """Does one run, and prints the seconds until the first result and the pictures a second from then on."""
    kind = KINDS[arguments.kind]
    # What this process starts may use the same cores.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: kind.cores])
    pictures = str(arguments.folder / "pictures")
    out = Path(tempfile.mkdtemp(dir=arguments.folder))

    def here() -> object:
        with zoo.load(arguments.model) as model:
            for result in model.predict(pictures):
                result.save(out, "mask")
                yield result

    def there() -> object:
        return predict(
            pictures, arguments.model, save_path=out, save_kinds=("mask",), workers=kind.workers, part_size=4
        )

    if kind.workers:
        with connected():
            found = steady(there)
    else:
        found = steady(here)
    print(json.dumps(found))


def sleep(arguments: argparse.Namespace) -> None:
    """Measures what is left where inference is a sleep."""
    with connected() as cluster:
        room = Actors.fitting(cluster, 1, "", 2)
        print(describe("ray"))
        began = time.perf_counter()
        list(run_parts(SleepingWork(0), _parts(2, 1), room))
        print(f"two actors begin and answer in {time.perf_counter() - began:.1f} s")
        for count in arguments.inputs:
            before = _resident()
            parts = _parts(count, PART)
            began = time.perf_counter()
            first = 0.0
            done = answer_bytes = 0
            for _, answer in run_parts(SleepingWork(arguments.seconds), parts, room):
                first = first or time.perf_counter() - began
                done += len(answer.done)
                answer_bytes += len(pickle.dumps(answer))
            wall = time.perf_counter() - began
            sent = sum(len(pickle.dumps(part)) for part in parts)
            assert done == count
            # The first parts of both actors came together; what is left follows them.
            steady_seconds = (wall - first) * room.count / max(1, count - room.count * PART)
            print(
                f"{count} inputs: {wall:.1f} s, the first part after {first:.1f} s; overhead a picture "
                f"{1000 * (steady_seconds - arguments.seconds):.2f} ms of an actor; {sent / count:.0f} bytes to the "
                f"actors and {answer_bytes / count:.0f} back a picture; the driver grew by "
                f"{(_resident() - before) / 1e6:.0f} MB",
                flush=True,
            )
        began, first = time.perf_counter(), 0.0
        singles = _parts(2000, 1)
        for _ in run_parts(SleepingWork(0), singles, room):
            first = first or time.perf_counter() - began
        rate = (len(singles) - 1) / (time.perf_counter() - began - first)
        print(f"{rate:.0f} parts of one picture a second: the most that the driver takes")


def _parts(count: int, size: int) -> list[PicturePart]:
    found = [Listed(f"/data/photos/of/a/usual/depth/{number:08d}.jpg", f"{number:08d}") for number in range(count)]
    return [
        PicturePart(number, tuple(found[start : start + size])) for number, start in enumerate(range(0, count, size))
    ]


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="a Ray cluster of this machine")
    parser.add_argument("what", choices=("speed", "sleep", "run"), help="run is one run of speed, which starts it")
    parser.add_argument("model", nargs="?", default="starter", help="for speed (default: starter)")
    parser.add_argument("--pictures", type=int, default=400, help="for speed (default: 400)")
    parser.add_argument("--rounds", type=int, default=3, help="for speed (default: 3)")
    parser.add_argument("--inputs", type=int, nargs="+", default=[10_000, 100_000], help="for sleep")
    parser.add_argument("--seconds", type=float, default=0.002, help="of a picture, for sleep (default: 0.002)")
    parser.add_argument("--kind", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    # Actors import the work of this folder.
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    {"speed": speed, "sleep": sleep, "run": run}[arguments.what](arguments)


if __name__ == "__main__":
    main()
