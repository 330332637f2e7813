"""What the cache costs when a model is loaded that is already here: finding its files and proving them unchanged.

    python benchmarks/warm_load.py

A folder of the size of PP-LiteSeg-T's (33 MB), with settings for its classes, is put into a temporary cache; nothing is
downloaded.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path

from machine import describe

import zoo
from zoo.bundle.bundle import Bundle
from zoo.bundle.section import bundle_section
from zoo.bundle.settings_file import SETTINGS
from zoo.contract.spec import Artifact
from zoo.registry import find_model
from zoo.registry.records import Record, Wanted, now
from zoo.settings.yaml_text import write_yaml
from zoo.store.manifest import FILES
from zoo.store.store import Store

MODEL = "PP-LiteSeg-T"
SIZES = {"inference.json": 300_000, "inference.pdiparams": 32_600_000}


def stock(home: Path) -> None:
    """Puts files of the usual sizes into a cache folder."""
    card = find_model(MODEL).card
    assert isinstance(card.weights, Artifact)
    wanted, store = Wanted(card.name, "inference", card.weights), Store(home)
    store.prepare()
    scratch = store.scratch(wanted.key)
    folder = scratch / FILES
    folder.mkdir()
    for name, size in SIZES.items():
        (folder / name).write_bytes(os.urandom(size))
    program, params = (folder / name for name in SIZES)
    bundle = Bundle(
        folder, program, params, card.name, card.labels, card.preprocess, "logits", 8, dict.fromkeys(SIZES, "ab" * 32)
    )
    (folder / SETTINGS).write_text(write_yaml({"zoo": bundle_section(bundle)}), encoding="utf-8")
    tree, _ = store.keep(scratch)
    store.write_record(
        Record(wanted.key, card.name, "inference", card.weights.urls[0], 1, "ab" * 32, tree, "download", now())
    )


def timed(repeats: int, *, verify: bool = False) -> str:
    """Fetches what is here, again and again."""
    times: list[float] = []
    for _ in range(repeats):
        began = time.perf_counter()
        zoo.fetch(MODEL, verify=verify)
        times.append(1000 * (time.perf_counter() - began))
    return f"median {statistics.median(times):.2f} ms, largest {max(times):.2f} ms of {repeats}"


def main() -> None:
    """Measures and prints."""
    print(describe("zoo-core"))
    with tempfile.TemporaryDirectory() as place:
        os.environ["ZOO_HOME"] = place
        stock(Path(place))
        print("first call in the process, modules imported: ", timed(1))
        print("unchanged files (goal: under 5 ms):          ", timed(200))
        print("verify=True, every digest:                   ", timed(10, verify=True))


if __name__ == "__main__":
    main()
