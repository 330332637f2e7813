"""The side of COCO's, Datumaro's and supervision's tools: reads what zoo wrote and compares it with the masks.

    PYTHONPATH=CHECKOUT python formats_side.py COCO.json MASKS.npz

`MASKS.npz` holds a label map (H, W) a picture, by its file name. zoo makes the detections here, because they are
objects of supervision and no file. The last line on stdout holds versions and counts as JSON.
"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import datumaro
import numpy as np
import supervision
from pycocotools import mask as rle
from pycocotools.coco import COCO

from zoo.contract.labels import CAMVID
from zoo.results import Result


def main(coco_file: str, masks_file: str) -> None:
    """Compares; any difference is an AssertionError that names it."""
    with contextlib.redirect_stdout(sys.stderr):
        coco = COCO(coco_file)
    masks = np.load(masks_file)
    assert {Path(image["file_name"]).name for image in coco.dataset["images"]} == set(masks.files)
    areas = 0
    for image in coco.dataset["images"]:
        name, found = Path(image["file_name"]).name, set()
        mask = masks[name]
        assert (image["height"], image["width"]) == mask.shape, name
        for annotation in coco.imgToAnns[image["id"]]:
            value, mine = annotation["category_id"] - 1, annotation["segmentation"]
            wanted = mask == value
            assert np.array_equal(coco.annToMask(annotation), wanted), f"{name}: pixels of class {value}"
            theirs = rle.encode(np.asfortranarray(wanted.astype(np.uint8)))
            assert mine["counts"] == theirs["counts"].decode("ascii"), f"{name}: run lengths of class {value}"
            assert annotation["area"] == int(rle.area(theirs)), f"{name}: area of class {value}"
            assert annotation["bbox"] == rle.toBbox(theirs).tolist(), f"{name}: box of class {value}"
            found.add(value)
            areas += 1
        assert found == set(np.unique(mask).tolist()), f"{name}: classes {found}"
        check_detections(mask, name)
    check_datumaro(coco.dataset, masks)
    names = ("pycocotools", "datumaro", "supervision", "numpy")
    print(json.dumps({**{each: version(each) for each in names}, "pictures": len(masks.files), "areas": areas}))


def check_datumaro(document: dict[str, Any], masks: Mapping[str, np.ndarray]) -> None:
    """Compares what Datumaro, and CVAT with it, makes of the file with the label maps: no class may be lost."""
    # It has folders of its own, and takes names for paths within them.
    images = [{**image, "file_name": Path(image["file_name"]).name} for image in document["images"]]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "annotations" / "instances_all.json"
        file.parent.mkdir()
        (Path(folder) / "images").mkdir()
        file.write_text(json.dumps({**document, "images": images}))
        dataset = datumaro.Dataset.import_from(folder, "coco_instances")
        labels = [label.name for label in dataset.categories()[datumaro.AnnotationType.label].items]
        assert labels == [category["name"] for category in document["categories"]]
        read = {item.id: item for item in dataset}
        assert len(read) == len(masks.keys())
        for name, mask in masks.items():
            back = np.full(mask.shape, 65535)
            for annotation in read[Path(name).stem].annotations:
                if isinstance(annotation, datumaro.Mask):
                    back[annotation.image > 0] = CAMVID.names.index(labels[annotation.label])
            assert np.array_equal(back, mask), f"{name}: masks of Datumaro"


def check_detections(mask: np.ndarray, name: str) -> None:
    """Compares detections with a label map, through supervision's own functions."""
    image = np.zeros((*mask.shape, 3), np.uint8)
    result = Result(mask, CAMVID, image, name=name, uri="", model="m", device="cpu", engine="e", seconds={})
    made = result.to_supervision()
    assert isinstance(made, supervision.Detections)
    assert np.array_equal(np.sort(made.class_id), np.unique(mask)), f"{name}: class ids"
    assert np.array_equal(made.xyxy, supervision.mask_to_xyxy(made.mask)), f"{name}: boxes"
    back = np.full(mask.shape, 65535)
    for value, pixels in zip(made.class_id, made.mask, strict=True):
        back[pixels] = value
    assert np.array_equal(back, mask), f"{name}: masks of the detections"


if __name__ == "__main__":
    main(*sys.argv[1:])
