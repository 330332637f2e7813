"""What each model costs: export, parameters, multiply-accumulates, time and memory of a picture on the paddle engine.

    python benchmarks/networks.py [MODEL ...] [--size H W] [--repeat N] [--limit SECONDS]

A row a form: the network as trained and, where its family has one, the equivalent inference form that zoo exports.

"zoo" is the program that returns logits plus the label map at the size of the picture, in which "cells" is the latter's
part. "argmax inside" is the same form with upsampling and argmax inside the program, the usual way to deploy. "faster"
is argmax inside over zoo, in the same form and against that of the network as it is: above 1, zoo is faster. All
programs of a model run in turn in one process on the same settings; medians.

The weights are random, which changes nothing for a program. The time of cells depends on how ragged the classes are, so
it is that for the logits of a drawn street, as in benchmarks/upsample.py; "random" is "faster" with the network's own
logits, which change class in most cells: nearly the worst case.

Peak memory is that of a fresh process that opens one program and segments a picture twice; it contains what Python and
paddle take alone.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from machine import describe

import zoo
from zoo.registry import find_model

COLUMNS = (
    ("model", 20),
    ("form", 9),
    ("size", 8),
    ("M param", 7),
    ("GMAC", 7),
    ("export s", 8),
    ("zoo ms", 8),
    ("cells ms", 8),
    ("argmax inside ms", 16),
    ("faster", 6),
    ("than network", 12),
    ("random", 6),
    ("zoo MB", 6),
    ("argmax inside MB", 16),
)


def main() -> None:
    """Prints a row a form as soon as it is measured; exits with 1 when a model could not be measured."""
    parser = argparse.ArgumentParser(description="cost of each network, logits and cells against argmax inside")
    parser.add_argument("models", nargs="*", default=["*"], help="names or patterns (default: every model)")
    parser.add_argument(
        "--size", nargs=2, type=int, metavar=("H", "W"), help="(default: 512 1024; trained on ADE20K: 512 512)"
    )
    parser.add_argument("--repeat", type=int, default=9, help="repeats of each program (default: 9)")
    parser.add_argument("--limit", type=float, default=900, help="seconds a model may take (default: 900)")
    arguments = parser.parse_args()
    print(describe("paddlepaddle", "numpy"))
    print(line([title for title, _ in COLUMNS]), flush=True)
    engines: set[str] = set()
    failed = False
    for name in names(arguments.models):
        size = arguments.size or ((512, 512) if find_model(name).card.dataset == "ade20k" else (512, 1024))
        try:
            rows = measured(name, size, max(1, arguments.repeat), arguments.limit)
        except RuntimeError as error:
            print(f"{name}: {error}", flush=True)
            failed = True
            continue
        for row in rows:
            print(line(cells(name, size, row)), flush=True)
            engines |= {row["logits engine"], row["labels engine"]}
            if row["logits engine"] != row["labels engine"]:
                print(f"  not alike: zoo ran on {row['logits engine']}, argmax inside on {row['labels engine']}")
    print("Engine:", "; ".join(sorted(engines)) or "-")
    sys.exit(failed)


def names(patterns: list[str]) -> list[str]:
    """Returns the installed models with a network that the patterns name, smallest first."""
    entries = {entry.name: entry for pattern in patterns for entry in zoo.list_models(pattern, installed=True)}
    built = [name for name in entries if find_model(name).family.network]
    return sorted(built, key=lambda name: find_model(name).card.gmac or 0.0)


def measured(name: str, size: tuple[int, int], repeat: int, limit: float) -> list[dict[str, Any]]:
    """Returns the rows of one model.

    Raises:
        RuntimeError: Its process failed or took too long.
    """
    script = Path(__file__).with_name("one_network.py")
    with tempfile.TemporaryDirectory() as folder:
        result, log = Path(folder) / "result.json", Path(folder) / "log"
        command = [sys.executable, str(script), name, *map(str, size), str(repeat), str(result)]
        with log.open("wb") as output:
            # A session of its own, so that the processes it starts end with it.
            child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
            try:
                status = child.wait(limit)
            except BaseException as error:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
                if isinstance(error, subprocess.TimeoutExpired):
                    raise RuntimeError(f"not measured within {limit:g} s") from error
                raise
        if status:
            last = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
            raise RuntimeError(f"exit status {status}: {''.join(last)}")
        rows: list[dict[str, Any]] = json.loads(result.read_text(encoding="utf-8"))
    return rows


def cells(name: str, size: tuple[int, int], row: dict[str, Any]) -> list[str]:
    """Returns one row as text."""
    return [
        name,
        row["form"],
        f"{size[0]}x{size[1]}",
        f"{row['parameters'] / 1e6:.2f}",
        f"{row['macs'] / 1e9:.2f}",
        f"{row['logits export']:.1f}",
        f"{1000 * row['zoo']:.1f}",
        f"{1000 * row['cells']:.1f}",
        f"{1000 * row['labels']:.1f}",
        f"{row['labels'] / row['zoo']:.2f}",
        f"{row['labels of network'] / row['zoo']:.2f}",
        f"{row['labels'] / row['zoo, random']:.2f}",
        f"{row['logits memory'] / 1e6:.0f}",
        f"{row['labels memory'] / 1e6:.0f}",
    ]


def line(texts: list[str]) -> str:
    """Returns texts in columns, names to the left and figures to the right."""
    padded = (
        text.ljust(width) if index < 3 else text.rjust(width)
        for index, (text, (_, width)) in enumerate(zip(texts, COLUMNS, strict=True))
    )
    return "  ".join(padded).rstrip()


if __name__ == "__main__":
    main()
