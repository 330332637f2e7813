"""PaddleX's side of pipeline.py: segments a folder, writes masks as PNG and prints pictures a second.

Runs in the environment that `make interop` makes.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ["PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK"] = "True"


def loopback_only(event: str, arguments: tuple[Any, ...]) -> None:
    """Audit hook: refuses every connection that leaves this machine."""
    if event == "socket.connect" and isinstance(arguments[1], tuple) and arguments[1][0] not in ("127.0.0.1", "::1"):
        raise ConnectionRefusedError(f"a benchmark must not connect to {arguments[1]}")


def main(name: str, bundle: str, pictures: str, out: str) -> None:
    """Measures."""
    sys.addaudithook(loopback_only)
    import numpy as np
    from paddlex import create_model
    from PIL import Image

    model = create_model(model_name=name, model_dir=bundle, device="cpu")
    list(model.predict(str(min(Path(pictures).iterdir()))))
    began = time.perf_counter()
    count = 0
    for result in model.predict(pictures, batch_size=1):
        Image.fromarray(np.asarray(result["pred"]).squeeze().astype(np.uint8)).save(Path(out) / f"{count:04d}.png")
        count += 1
    print(count / (time.perf_counter() - began))


if __name__ == "__main__":
    main(*sys.argv[1:])
