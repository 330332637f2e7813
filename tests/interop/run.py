"""What zoo writes, read by others: bundles by PaddleX 3.7.2, masks compared pixel by pixel; COCO, supervision, LabelMe.

    make interop
    python tests/interop/run.py PYTHON_WITH_PADDLEX

zoo runs in this process, PaddleX in a process of the other environment (requirements.txt beside this file); they
exchange files only. Both predict the same picture files from the same bundles, so decoding, preprocessing, the program
and the way back to the size of the picture are all compared. Then COCO files are read by pycocotools, detections by
supervision, and LabelMe files by zoo's own converter. Ends with 1 where a picture is decoded differently, more pixels
differ than the bundle's bound allows, or a mask does not come back whole.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from PIL import Image

with warnings.catch_warnings():  # of a missing compiler cache
    warnings.simplefilter("ignore")
    import paddle
    from paddle import nn

import zoo
from scenes import draw_scene
from zoo.bundle.bundle import Bundle
from zoo.contract.labels import CITYSCAPES
from zoo.contract.spec import Normalize, Resize, Step
from zoo.learn.export import export_bundle
from zoo.learn.networks import build_network
from zoo.picture.image import read_image
from zoo.results import Predictions
from zoo.results.formats import read_labelme

HERE = Path(__file__).resolve().parent
PHOTOS = HERE.parents[2] / "shared" / "data" / "photos"
#: Under this name PaddleX opens all bundles: it must know it.
NAME = "PP-LiteSeg-T"
#: The last bits of the logits depend on how an engine is set up. Where the best two of a pixel differ by less than 1e-5
#: of their spread, either may win: 3 pixels of 19 million in the first two bundles.
EQUAL = 0.99999
#: Seconds for PaddleX and all pictures of a bundle.
TIME_LIMIT = 300


@dataclass(frozen=True, slots=True)
class Case:
    """A bundle and how far the masks must agree.

    Attributes:
        title: What the table calls it.
        network: Whose program, "random" or "starter".
        resize: The step before Normalize, or None.
        agreement: Smallest share of pixels with the same class, over all pictures.
    """

    title: str
    network: str
    resize: Resize | None = None
    agreement: float = EQUAL


CASES = (
    Case("PP-LiteSeg-T, random weights", "random"),
    Case("starter", "starter"),
    Case("starter, Resize 512x1024, ratio kept, multiple 32", "starter", Resize((512, 1024), True, 32, False)),
    Case("starter, Resize 320x480, multiple 32", "starter", Resize((320, 480), False, 32, False)),
    Case("starter, Resize 256x256, ratio kept, multiple 32", "starter", Resize((256, 256), True, 32, False)),
)


class Program(nn.Layer):
    """The program of a bundle as a network, so that it can be exported again in another form."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__()
        self.program = paddle.jit.load(str(bundle.program.with_suffix("")))

    def forward(self, x: paddle.Tensor) -> list[paddle.Tensor]:
        return [self.program(x)]


def main() -> int:
    """Writes pictures and bundles, lets both sides predict, prints a table a bundle."""
    parser = argparse.ArgumentParser(description="compares zoo's masks with those of PaddleX for bundles zoo wrote")
    parser.add_argument("python", type=Path, help="the interpreter of an environment with paddlex")
    other = parser.parse_args().python.absolute()
    began, faults = time.perf_counter(), 0
    mine = ", ".join(f"{name} {version(name)}" for name in ("zoo-core", "paddlepaddle", "numpy", "pillow"))
    print(f"zoo:     {mine}; Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(prefix="zoo-interop-") as name:
        folder = Path(name)
        os.environ["ZOO_HOME"] = str(folder / "home")
        pictures = draw_pictures(folder)
        if PHOTOS.is_dir():
            pictures += sorted(path for path in PHOTOS.glob("*/*") if path.suffix in (".jpg", ".png"))
        else:
            print(f"no photographs at {os.path.relpath(PHOTOS)}: drawn pictures only")
        for index, case in enumerate(CASES):
            bundle = write_bundle(case, folder / f"bundle-{index}")
            theirs = folder / f"theirs-{index}.npz"
            versions = run_paddlex(other, bundle, theirs, pictures, folder)
            if not index:
                print(f"PaddleX: {versions}")
            faults += not compare(case, bundle, theirs, pictures)
        faults += not exchange(other, pictures, folder)
    print(f"\n{len(CASES)} bundles, {len(pictures)} pictures, {faults} failed; {time.perf_counter() - began:.0f} s")
    return 1 if faults else 0


def draw_pictures(folder: Path) -> list[Path]:
    """Writes ten street scenes of several sizes and formats, one of them lying on its side by EXIF."""
    turned = Image.Exif()
    turned[0x112] = 6
    kinds = (
        ("even.png", 256, 512, "RGB", {}),
        ("odd.png", 257, 383, "RGB", {}),
        ("portrait.png", 480, 270, "RGB", {}),
        ("grey.png", 200, 301, "L", {}),
        ("alpha.png", 240, 320, "RGBA", {}),
        ("plain.bmp", 211, 333, "RGB", {}),
        ("fine.jpg", 360, 640, "RGB", {"quality": 95}),
        ("coarse_odd.jpg", 359, 641, "RGB", {"quality": 60}),
        ("turned.jpg", 300, 400, "RGB", {"quality": 90, "exif": turned}),
        ("portrait_444.jpg", 641, 359, "RGB", {"quality": 95, "subsampling": 0}),
    )
    paths: list[Path] = []
    for seed, (name, height, width, mode, options) in enumerate(kinds, 1):
        picture = Image.fromarray(draw_scene(seed, height, width).image).convert(mode)
        if mode == "RGBA":
            picture.putalpha(Image.linear_gradient("L").resize(picture.size))
        paths.append(folder / name)
        picture.save(paths[-1], **options)
    return paths


def write_bundle(case: Case, folder: Path) -> Bundle:
    """Exports a case for PaddleX."""
    steps: tuple[Step, ...] = (Normalize(),) if case.resize is None else (case.resize, Normalize())
    if case.network == "random":
        paddle.seed(0)
        network, labels = build_network(NAME), CITYSCAPES
    else:
        with zoo.load("starter") as model:
            network, labels = Program(model.bundle), model.bundle.labels
    return export_bundle(network, folder, model=NAME, labels=labels, preprocess=steps, compat="paddlex")


def run_paddlex(python: Path, bundle: Bundle, out: Path, pictures: list[Path], folder: Path) -> str:
    """Lets PaddleX predict into a file and returns its versions."""
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment |= {"PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK": "True", "PADDLE_PDX_CACHE_HOME": str(folder / "paddlex")}
    words = [python, HERE / "paddlex_side.py", bundle.folder, NAME, out, *pictures]
    ended = subprocess.run(
        [str(word) for word in words], env=environment, cwd=folder, capture_output=True, text=True, timeout=TIME_LIMIT
    )
    if ended.returncode:
        raise SystemExit(f"PaddleX failed on {bundle.folder.name}:\n{ended.stdout[-1000:]}\n{ended.stderr[-3000:]}")
    return ", ".join(f"{name} {number}" for name, number in json.loads(ended.stdout.splitlines()[-1]).items())


def compare(case: Case, bundle: Bundle, theirs: Path, pictures: list[Path]) -> bool:
    """Predicts with zoo, prints a line a picture and returns whether the bound is kept."""
    arrays = np.load(theirs)
    total, different, undecoded = 0, 0, 0
    with zoo.load(bundle.folder) as model:
        print(f"\n{case.title}; {model.engine}\n  {'picture':<26}{'size':>10}  decoded    classes  pixels differing")
        for index, path in enumerate(pictures):
            image, mask = read_image(path), model.predict(path).one().mask
            decoded, expected = arrays[f"image_{index}"], arrays[f"mask_{index}"]
            if mask.shape != expected.shape:
                print(f"  {path.name}: mask {mask.shape} instead of {expected.shape}  FAILED")
                return False
            same = np.array_equal(image, decoded)
            count = int((mask != expected).sum())
            total, different, undecoded = total + mask.size, different + count, undecoded + (not same)
            size = f"{mask.shape[0]}x{mask.shape[1]}"
            row = f"  {path.name:<26}{size:>10}  {'equal' if same else 'DIFFERENT':<9}{len(np.unique(expected)):>9}"
            print(f"{row}  {count:>6}  {count / mask.size:.4%}")
    agreement = 1 - different / total
    kept = agreement >= case.agreement and not undecoded
    verdict = "" if kept else "  FAILED"
    print(
        f"  {different} of {total} pixels differ: agreement {agreement:.6f}, bound {case.agreement}{verdict}",
        flush=True,
    )
    return kept


def exchange(python: Path, pictures: list[Path], folder: Path) -> bool:
    """Writes COCO and LabelMe files of the starter model, has them read, and returns whether the masks came back."""
    masks: dict[str, np.ndarray] = {}
    lost = 0
    print("\nCOCO, Datumaro, supervision and LabelMe, starter")
    with zoo.load("starter") as model:
        results = list(model.predict(pictures))
    Predictions(iter(results)).save(folder / "all.json", "coco")
    for result in results:
        saved = result.save(folder / "labelme", "labelme")
        lost += not np.array_equal(read_labelme(saved, result.labels), result.mask)
        masks[Path(result.uri).name] = result.mask
    np.savez(folder / "masks.npz", **masks)
    print(f"  LabelMe: {len(results)} files, {lost} whose mask read_labelme changed")
    ended = subprocess.run(
        [str(word) for word in (python, HERE / "formats_side.py", folder / "all.json", folder / "masks.npz")],
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1])},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=TIME_LIMIT,
    )
    said = ended.stdout if ended.returncode == 0 else ended.stderr[-2000:]
    print(
        f"  COCO, Datumaro and supervision: {'all equal' if ended.returncode == 0 else 'FAILED'}: {said.strip()}",
        flush=True,
    )
    return not lost and ended.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
