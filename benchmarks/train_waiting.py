"""How long training waits for data: zoo's loop, a plain loop of PyTorch, and Ultralytics, on the same pictures.

    python benchmarks/train_waiting.py PYTHON [--crop 256] [--batch 4] [--steps 24] [--rounds 3] [--workers 1]

PYTHON belongs to an environment with ultralytics (`pip install ultralytics`, which brings PyTorch). All read the same
24 drawn streets of 360x480, in random order, changed at random, with as many loader processes. The plain loop has a
DataLoader as people write it, whose processes stay, and torchvision's LR-ASPP on MobileNetV3; Ultralytics trains
yolo26n-sem as it comes, on pictures of the side of the crop; zoo trains SeaFormer_tiny. The share of waiting is the
time in which the loop asks for a batch and has none, of the time from the fifth batch to the last. A faster network has
to wait for the same data more, so the seconds of a step stand beside it. Each is a process of its own, in turn.
Nothing is loaded from anywhere.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from train import CLASSES, FIRST, PICTURES, draw

HERE = Path(__file__).parent


class Waits:
    """The batches of a loader, and how long each was waited for; else it is the loader."""

    def __init__(self, loader: Any, most: int) -> None:
        self._loader, self._most = loader, most
        self.seconds: list[float] = []
        self.times: list[float] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def __len__(self) -> int:
        return len(self._loader)

    def __iter__(self) -> Iterator[Any]:
        began = time.perf_counter()
        for batch in self._loader:
            self.times.append(time.perf_counter())
            self.seconds.append(self.times[-1] - began)
            yield batch
            began = time.perf_counter()

    def found(self) -> dict[str, float]:
        """Returns the share of waiting, and the seconds of a step."""
        spent = self.times[self._most - 1] - self.times[FIRST - 1]
        return {"waits": sum(self.seconds[FIRST : self._most]) / spent, "step": spent / (self._most - FIRST)}


def torch_side(arguments: argparse.Namespace) -> dict[str, float]:
    """A plain loop of PyTorch."""
    import torch
    from torchvision.models.segmentation import lraspp_mobilenet_v3_large

    names = [line.split() for line in (arguments.folder / "train.txt").read_text("utf-8").splitlines()]
    torch.set_num_threads(arguments.threads)
    side = arguments.crop

    class Streets(torch.utils.data.Dataset):
        def __len__(self) -> int:
            return len(names)

        def __getitem__(self, number: int) -> tuple[torch.Tensor, torch.Tensor]:
            rng = np.random.default_rng(torch.initial_seed() + number)
            image, mask = (Image.open(arguments.folder / name) for name in names[number])
            factor = rng.uniform(0.75, 2.0)
            size = round(480 * factor), round(360 * factor)
            pixels = np.asarray(image.convert("RGB").resize(size, Image.Resampling.BILINEAR))
            classes = np.asarray(mask.resize(size, Image.Resampling.NEAREST))
            top, left = rng.integers(0, size[1] - side + 1), rng.integers(0, size[0] - side + 1)
            pixels, classes = (whole[top : top + side, left : left + side] for whole in (pixels, classes))
            if rng.random() < 0.5:
                pixels, classes = pixels[:, ::-1], classes[:, ::-1]
            value = (pixels.astype(np.float32) / 255 - 0.5) / 0.5
            return torch.from_numpy(value.transpose(2, 0, 1).copy()), torch.from_numpy(classes.astype(np.int64))

    network = lraspp_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=CLASSES)
    network.train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.0005, weight_decay=0.01)
    # Its processes stay over the epochs, which are short here.
    loader = torch.utils.data.DataLoader(
        Streets(),
        arguments.batch,
        shuffle=True,
        num_workers=arguments.workers,
        drop_last=True,
        persistent_workers=True,
    )
    waits, most = Waits(loader, FIRST + arguments.steps), FIRST + arguments.steps
    while len(waits.times) < most:
        for images, masks in waits:
            loss = torch.nn.functional.cross_entropy(network(images)["out"], masks, ignore_index=255)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if len(waits.times) == most:
                break
    return waits.found()


def ultralytics_side(arguments: argparse.Namespace) -> dict[str, float]:
    """Ultralytics' trainer."""
    from ultralytics import YOLO

    for kind in ("images", "masks"):
        (arguments.folder / kind / "train").mkdir(parents=True, exist_ok=True)
    for line in (arguments.folder / "train.txt").read_text("utf-8").splitlines():
        image, mask = line.split()
        for kind, name in (("images", image), ("masks", mask)):
            place = arguments.folder / kind / "train" / name
            if not place.exists():
                os.link(arguments.folder / name, place)
    names = "".join(f"  {number}: class{number}\n" for number in range(CLASSES))
    about = arguments.folder / "streets.yaml"
    text = f"path: {arguments.folder}\ntrain: images/train\nval: images/train\nmasks_dir: masks\nnames:\n{names}"
    about.write_text(text, encoding="utf-8")
    most = FIRST + arguments.steps
    found: list[Waits] = []

    def watch(trainer: Any) -> None:
        found.append(Waits(trainer.train_loader, most))
        trainer.train_loader = found[0]

    model = YOLO("yolo26n-sem.yaml")
    model.add_callback("on_train_start", watch)
    epochs = -(-most // (PICTURES // arguments.batch))
    with tempfile.TemporaryDirectory() as runs:
        model.train(
            data=str(about),
            imgsz=arguments.crop,
            batch=arguments.batch,
            epochs=epochs,
            workers=arguments.workers,
            device="cpu",
            project=runs,
            val=False,
            plots=False,
            save=False,
            verbose=False,
        )
    return found[0].found()


def main() -> None:
    """Measures all in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("python", help="of the environment with ultralytics")
    parser.add_argument("--crop", type=int, default=256)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1, help="loader processes of the others; zoo has one")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--side", choices=["torch", "ultralytics"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.side:
        print(json.dumps((torch_side if arguments.side == "torch" else ultralytics_side)(arguments)))
        return
    from machine import describe

    shared = [f"--{name}={getattr(arguments, name)}" for name in ("crop", "batch", "steps", "threads")]
    peers = [arguments.python, __file__, arguments.python, *shared, f"--workers={arguments.workers}", "--side"]
    commands = {
        "zoo": [sys.executable, str(HERE / "train.py"), *shared, "--side", "zoo"],
        "PyTorch": [*peers, "torch"],
        "Ultralytics": [*peers, "ultralytics"],
    }
    found: dict[str, list[dict[str, float]]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as place:
        draw(Path(place))
        environ = {**os.environ, "OMP_NUM_THREADS": str(arguments.threads), "YOLO_OFFLINE": "true"}
        environ |= {"YOLO_CONFIG_DIR": place, "YOLO_AUTOINSTALL": "false"}
        for _ in range(arguments.rounds):
            for name, command in commands.items():
                ended = subprocess.run(
                    [*command, "--folder", place], env=environ, capture_output=True, text=True, check=False
                )
                if ended.returncode:
                    raise SystemExit(f"{name}: {ended.stderr[-2000:]}")
                results = json.loads(ended.stdout.splitlines()[-1])
                found[name].append({"step": arguments.batch / results["rate"], **results} if name == "zoo" else results)
    print(describe("paddlepaddle"))
    for name, rounds in found.items():
        waits = [one["waits"] for one in rounds]
        step = statistics.median(one["step"] for one in rounds)
        print(f"{name:<12}{step:.2f} s a step, waits {statistics.median(waits):.1%} (most {max(waits):.1%})")


if __name__ == "__main__":
    main()
