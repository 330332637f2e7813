"""PaddleX's side of pipeline.py; runs in the environment that `make interop` makes."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from paddlex import create_model
from PIL import Image


def main(bundle: str, pictures: str, out: str) -> None:
    """Segments a folder and writes the masks as PNG."""
    model = create_model(model_name="PP-LiteSeg-T", model_dir=bundle, device="cpu")
    Path(out).mkdir()
    list(model.predict(str(sorted(Path(pictures).iterdir())[0])))
    began = time.perf_counter()
    count = 0
    for result in model.predict(pictures, batch_size=1):
        Image.fromarray(np.asarray(result["pred"]).squeeze().astype(np.uint8)).save(Path(out) / f"{count:04d}.png")
        count += 1
    print(f"{count / (time.perf_counter() - began):.2f} pictures/s of {count}")


if __name__ == "__main__":
    main(*sys.argv[1:])
