"""A Ray cluster of this machine: its workers beside `zoo predict`, and what it costs where inference is only a sleep.

    python benchmarks/cluster.py speed [MODEL] [--pictures 400]     1 and 2 workers of one thread, and one process
    python benchmarks/cluster.py sleep [--inputs 10000 100000]      the driver and the object store, without a network

`speed` counts pictures a second from the first answer to the last, so start-up is told apart. Pictures are drawn
scenes of 1024x512; each kind of run is done `--rounds` times in turn. `sleep` gives parts of paths to two actors that
sleep for every picture, and tells what is left of the time: the overhead of a picture, bytes that pass the object
store, the memory of the driver, and parts a second where each has one picture.
"""

from __future__ import annotations

import argparse
import os
import pickle
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

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


def speed(arguments: argparse.Namespace) -> None:
    """Measures pictures a second."""
    rates: dict[str, list[float]] = {"1 worker": [], "2 workers": [], "zoo predict": []}
    starts: dict[str, list[float]] = {name: [] for name in rates}
    with tempfile.TemporaryDirectory() as scratch, connected():
        folder = Path(scratch) / "pictures"
        folder.mkdir()
        draw(folder, arguments.pictures)

        def here() -> object:
            with zoo.load(arguments.model) as model:
                for result in model.predict(str(folder)):
                    result.save(Path(scratch) / "here", "mask")
                    yield result

        for _ in range(arguments.rounds):
            for name in rates:
                workers = int(name[0]) if name[0].isdigit() else 0
                out = Path(scratch) / name.replace(" ", "_")

                def there(out: Path = out, workers: int = workers) -> object:
                    return predict(
                        str(folder), arguments.model, save_path=out, save_kinds=("mask",), workers=workers, part_size=4
                    )

                start, rate = steady(there if workers else here)
                rates[name].append(rate)
                starts[name].append(start)
                print(f"  {name}: {rate:.2f} pictures/s, the first after {start:.1f} s", flush=True)
    medians = {name: statistics.median(values) for name, values in rates.items()}
    print(f"{arguments.model}, {arguments.pictures} pictures {SIZE[1]}x{SIZE[0]}, {describe('ray', 'onnxruntime')}")
    print(f"2 workers / 1 worker: {medians['2 workers'] / medians['1 worker']:.2f}")
    print(f"2 workers / zoo predict: {medians['2 workers'] / medians['zoo predict']:.2f}")


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
    parser.add_argument("what", choices=("speed", "sleep"))
    parser.add_argument("model", nargs="?", default="starter", help="for speed (default: starter)")
    parser.add_argument("--pictures", type=int, default=400, help="for speed (default: 400)")
    parser.add_argument("--rounds", type=int, default=2, help="for speed (default: 2)")
    parser.add_argument("--inputs", type=int, nargs="+", default=[10_000, 100_000], help="for sleep")
    parser.add_argument("--seconds", type=float, default=0.002, help="of a picture, for sleep (default: 0.002)")
    arguments = parser.parse_args()
    # Actors import the work of this folder.
    os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    speed(arguments) if arguments.what == "speed" else sleep(arguments)


if __name__ == "__main__":
    main()
