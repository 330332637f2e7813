"""Requests a second of `zoo serve`, beside PaddleX's server and LitServe around `zoo.load` on the same bundle.

    python benchmarks/serve.py --environments build/serving [--seconds 10] [--rounds 3] [--check 1000] [--alone]

A drawn street of 512x1024 as JPEG is asked for on loopback at concurrency 1, 4 and 8: as the list of the documented
route, as PNG, and as binary tensors of the Open Inference Protocol. `--environments` names the folder of the
environments of the other two, which are made where they are not there; without it zoo is measured alone. All are
measured in turn, round after round; the median round is shown. "health" is `/health/live`, asked ten times a second
meanwhile; memory is that of all processes of a server, what they share counted once. The first line of a model is the
engine's own streams on pictures that are decoded already, in this process. With --check every answer of so many is
compared with the mask of the local model.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import numpy as np
from drawn import draw_scene
from machine import describe
from PIL import Image
from serving_load import Asking, Load, at, list_request, lit_request, load, middle, png_request, spread, v2_request
from serving_servers import Server, environment, lit_server, paddlex_server, zoo_server

import zoo

CORES = len(os.sched_getaffinity(0))
STARTER = Path(zoo.__file__).parents[1] / "plugins" / "zoo-plugin-starter" / "zoo_plugin_starter" / "bundle"
CONCURRENCY = (1, 4, 8)


def pictures(count: int) -> list[bytes]:
    """Returns drawn streets as JPEG."""
    found: list[bytes] = []
    for seed in range(count):
        buffer = io.BytesIO()
        Image.fromarray(draw_scene(seed, 512, 1024).image).save(buffer, "JPEG", quality=90)
        found.append(buffer.getvalue())
    return found


def paddlex_bundle(folder: Path) -> Path:
    """Exports PP-LiteSeg-T with random weights in PaddleX's form."""
    import paddle

    from zoo.learn.export import export_bundle
    from zoo.learn.networks import build_network
    from zoo.registry import find_model

    paddle.seed(0)
    card = find_model("PP-LiteSeg-T").card
    export_bundle(
        build_network(card.name),
        folder,
        model=card.name,
        labels=card.labels,
        preprocess=card.preprocess,
        output_stride=card.output_stride,
        compat="paddlex",
    )
    return folder


def streams_alone(bundle: str, images: list[np.ndarray], seconds: float) -> float:
    """Returns pictures a second of the engine's own streams on arrays."""
    with zoo.load(bundle, threads=CORES) as model:
        deadline = 0.0

        def endless() -> Iterator[np.ndarray]:
            number = 0
            while time.monotonic() < deadline:
                yield images[number % len(images)]
                number += 1

        deadline = time.monotonic() + min(3.0, seconds)
        list(model.predict(endless()))
        deadline, began = time.monotonic() + seconds, time.perf_counter()
        return sum(1 for _ in model.predict(endless())) / (time.perf_counter() - began)


def mask_in(form: str, body: bytes, shape: tuple[int, int]) -> np.ndarray:
    """Returns the mask of an answer."""
    if form == "list":
        result = json.loads(body)["result"]
        return np.array(result["labelMap"]).reshape(result["size"])
    if form == "v2":
        head = body.index(b"}]}") + 3
        return np.frombuffer(body[-shape[0] * shape[1] :], np.uint8).reshape(shape) if head else np.zeros(shape)
    if form == "lit":
        body = base64.b64decode(json.loads(body)["mask"])
    with Image.open(io.BytesIO(body)) as picture:
        return np.asarray(picture)


def row(name: str, form: str, concurrency: int, found: Load, apart: float) -> str:
    """Returns a line of the table."""
    failures = ", ".join(f"{count} x {what}" for what, count in sorted(found.failures.items()))
    health = f"{1000 * at(found.health, 0.99):.0f}" if found.health else "-"
    return (
        f"| {name} | {form} | {concurrency} | {found.rate:.2f} | ±{apart / 2:.0%} | {found.quantile(0.5):.0f} | "
        f"{found.quantile(0.99):.0f} | {found.memory / 1e6:.0f} | {health} | {found.size / 1000:.0f} | {failures} |"
    )


def measured(
    server: Server,
    forms: dict[str, list[Asking]],
    arguments: argparse.Namespace,
    health: str,
    loads: dict[tuple[str, str, int], list[Load]],
) -> None:
    """Measures a server once at every concurrency."""
    for form, askings in forms.items():
        load(server.port, askings, 2, min(2.0, arguments.seconds))
        for concurrency in arguments.concurrency:
            found = load(
                server.port, askings, concurrency, arguments.seconds, process=server.process.pid, health=health
            )
            loads.setdefault((server.name, form, concurrency), []).append(found)


def checked(server: Server, askings: list[Asking], form: str, masks: list[np.ndarray], count: int) -> Load:
    """Compares every answer with the local mask, at concurrency 8."""

    def right(place: int, body: bytes) -> bool:
        return np.array_equal(mask_in(form, body, masks[place].shape), masks[place])

    return load(server.port, askings, 8, 600.0, most=count, right=right)


def forms_of(sent: list[bytes], model: str) -> dict[str, list[Asking]]:
    """Returns what zoo is asked."""
    return {
        "list": [list_request(picture) for picture in sent],
        "png": [png_request(picture, model) for picture in sent],
        "v2": [v2_request(picture, model) for picture in sent],
    }


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=["starter", "PP-LiteSeg-T"])
    parser.add_argument("--environments", type=Path)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--concurrency", type=int, nargs="+", default=CONCURRENCY)
    parser.add_argument("--check", type=int, default=0)
    parser.add_argument("--alone", action="store_true", help="measure zoo only, also where there are environments")
    arguments = parser.parse_args()
    print(describe("zoo-core", "numpy", "pillow"))
    sent = pictures(8)
    images = [np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")) for picture in sent]
    with tempfile.TemporaryDirectory() as scratch:
        for model in arguments.models:
            bundle = STARTER if model == "starter" else paddlex_bundle(Path(scratch) / "bundle")
            measure_model(model, str(bundle), sent, images, arguments, Path(scratch))


def measure_model(
    model: str, bundle: str, sent: list[bytes], images: list[np.ndarray], arguments: argparse.Namespace, scratch: Path
) -> None:
    """Measures all servers with one model."""
    others = None if arguments.alone else arguments.environments
    loads: dict[tuple[str, str, int], list[Load]] = {}
    alone: list[float] = []
    forms = forms_of(sent, "m")
    makers: list[tuple[Callable[[], AbstractContextManager[Server]], dict[str, list[Asking]], str]] = [
        (lambda: zoo_server([f"m={bundle}"], scratch / "zoo.log"), forms, "/health/live")
    ]
    if others is not None:
        lit = environment(others, "litserve")
        asked = {"lit": [lit_request(picture) for picture in sent]}
        makers.append((lambda: lit_server(lit, bundle, scratch / "lit.log", CORES), asked, "/health"))
        if model == "PP-LiteSeg-T":
            other = environment(others, "paddlex")
            makers.append(
                (
                    lambda: paddlex_server(other, Path(bundle), scratch / "paddlex.log"),
                    {"list": forms["list"]},
                    "/health",
                )
            )
    check: Load | None = None
    for turn in range(arguments.rounds):
        alone.append(streams_alone(bundle, images, arguments.seconds))
        for make, asked, health in makers:
            with ExitStack() as stack:
                server = stack.enter_context(make())
                measured(server, asked, arguments, health, loads)
                if arguments.check and turn == 0 and server.name == "zoo":
                    with zoo.load(bundle, threads=1) as local:
                        masks = [local.predict(picture).one().mask for picture in sent]
                    check = checked(server, asked["png"], "png", masks, arguments.check)
    engine = sorted(alone)[(len(alone) - 1) // 2]
    print(f"\n{model}, {CORES} cores. The engine's streams on decoded pictures: {engine:.2f} a second\n")
    print("| server | form | at once | requests/s | spread | p50 ms | p99 ms | MB | health p99 ms | KB | failures |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for (name, form, concurrency), found in loads.items():
        print(row(name, form, concurrency, middle(found), spread(found)))
    if check is not None:
        compared = len(check.latencies)
        print(f"\n{compared} answers compared with the local masks: {check.wrong} wrong, {check.failures} failed")


if __name__ == "__main__":
    main()
