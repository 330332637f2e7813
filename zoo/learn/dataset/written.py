"""What a check leaves on disk: the documented JSON file, sample overlays, the class histogram and one HTML page."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from zoo.base.files import ensure_folder, write_atomic
from zoo.errors import OutputError
from zoo.learn.data.pairs import Fault
from zoo.learn.dataset.chart import histogram
from zoo.learn.dataset.dataset import ALL, SPLITS, name_in, with_ignore_index
from zoo.learn.dataset.meanings import lookup
from zoo.learn.dataset.survey import Seen, Survey
from zoo.learn.dataset.webpage import webpage
from zoo.learn.report.overlays import jpeg, small_overlay
from zoo.message import printable

RESULT_FILE, PAGE_FILE = "check_dataset_result.json", "report.html"
_PICTURES = "check_dataset"
_HISTOGRAM = f"{_PICTURES}/histogram.png"
_SAMPLES = 10


def write_survey(survey: Survey, output: str | os.PathLike[str], translate: Callable[[str], str]) -> dict[str, Any]:
    """Writes what a check found into a folder of its own; what an earlier check wrote there is replaced.

    Args:
        survey: What was found.
        output: The folder.
        translate: Returns a text of the page in the reader's language.

    Returns:
        The document that `check_dataset_result.json` holds, as of `result_document`.

    Raises:
        OutputError: It cannot be written to, or holds something else.
    """
    folder = ensure_free(output)
    samples = list(_samples(survey))
    overlays = [_overlay(survey, one, number) for number, one, _ in samples]
    captions = [f"{one.split}: {name_in(one.pair.sample.image, survey.contents.folder)}" for _, one, _ in samples]
    chart = histogram(survey.meaning.labels, survey.pixels, survey.pictures)
    page = webpage(survey, list(zip(captions, overlays, strict=True)), chart, translate)
    document = result_document(survey)
    for _, one, place in samples:
        split = "train" if one.split == ALL else one.split
        document["attributes"][f"{split}_sample_paths"].append(place)
    ensure_folder(folder / _PICTURES / "demo_img")
    for old in (folder / _PICTURES / "demo_img").glob("*.jpg"):
        old.unlink()
    for (_, _, place), content in zip(samples, overlays, strict=True):
        write_atomic(folder / place, content)
    write_atomic(folder / _HISTOGRAM, chart)
    write_atomic(folder / PAGE_FILE, page.encode())
    # A name that is not UTF-8 becomes an escape of JSON.
    text = json.dumps(document, indent=2, ensure_ascii=False)
    write_atomic(folder / RESULT_FILE, text.encode(errors="backslashreplace"))
    return document


def result_document(survey: Survey) -> dict[str, Any]:
    """Returns what a check found as plain data: the attributes of the documented file, without the paths of the
    samples, which are there once they are written; and behind them classes, faults and notes.
    """
    folder, splits = survey.contents.folder, survey.contents.splits
    attributes: dict[str, Any] = {"num_classes": len(survey.meaning.labels)}
    for split in SPLITS:
        # A folder without lists has everything to train with.
        pairs = splits.get(split, splits.get(ALL, ()) if split == "train" else ())
        if pairs or split != "test":
            attributes |= {f"{split}_samples": len(pairs), f"{split}_sample_paths": []}
    names = zip(survey.meaning.labels.names, survey.meaning.values, strict=True)
    return {
        "done_flag": True,
        "check_pass": not survey.faults,
        "attributes": attributes,
        "analysis": {"histogram": _HISTOGRAM},
        "dataset_path": folder.resolve().name,
        "show_type": "image",
        "dataset_type": "SegDataset",
        "classes": [
            {
                "name": name,
                "values": list(values),
                "pixels": {split: counts[number] for split, counts in survey.pixels.items()},
                "pictures": {split: counts[number] for split, counts in survey.pictures.items()},
            }
            for number, (name, values) in enumerate(names)
        ],
        "faults": [_fault(fault, folder) for fault in survey.faults],
        "notes": [printable(note) for note in survey.notes],
    }


def ensure_free(output: str | os.PathLike[str]) -> Path:
    """Makes sure that a folder is empty, absent, or holds an earlier check.

    Raises:
        OutputError: It holds something else, or cannot be used.
    """
    folder = ensure_folder(output)
    if not (folder / RESULT_FILE).is_file() and any(not path.name.startswith(".zoo-") for path in folder.iterdir()):
        raise OutputError(
            "The folder {folder} holds something else than a check.", "Give another folder: --output", folder=folder
        )
    return folder


def _fault(fault: Fault, folder: Path) -> dict[str, Any]:
    return {
        "kind": fault.kind,
        "path": name_in(fault.path, folder),
        "list": None if fault.listed is None else name_in(fault.listed, folder),
        "line": fault.line or None,
        "reason": printable(fault.reason),
    }


def _samples(survey: Survey) -> Iterator[tuple[int, Seen, str]]:
    """Yields ten pictures of each split, from all over it: their numbers and where their overlays go."""
    for split in survey.contents.splits:
        usable = [
            (number, one)
            for number, one in enumerate(survey.seen)
            if one.split == split and not one.image.fault and not one.mask.fault and one.image.size == one.mask.size
        ]
        step = max(len(usable) / _SAMPLES, 1.0)
        for place in range(min(_SAMPLES, len(usable))):
            number, one = usable[int(place * step)]
            yield number, one, f"{_PICTURES}/demo_img/{split}_{place}.jpg"


def _overlay(survey: Survey, one: Seen, number: int) -> bytes:
    """Returns a picture under its classes, as JPEG, at most 480 pixels wide and high."""
    labels = with_ignore_index(survey.meaning.labels)
    image, mask = one.pair.sample.load()
    classes = lookup(survey.meaning, survey.white[number])[mask]
    return jpeg(small_overlay(image, np.where(classes < 0, labels.ignore_index, classes), labels))
