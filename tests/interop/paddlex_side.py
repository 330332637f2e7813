"""The side of PaddleX: opens a bundle, predicts pictures, saves the masks. Knows nothing of zoo.

    python paddlex_side.py BUNDLE MODEL_NAME OUT.npz PICTURE...

`OUT.npz` holds for the picture number i `mask_i` (H, W), and `image_i` (H, W, 3) RGB uint8, the picture as PaddleX
decodes it. The last line on stdout holds the versions as JSON.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from importlib.metadata import version
from typing import Any

os.environ["PADDLE_PDX_DISABLE_MODEL_SOURCE_CHECK"] = "True"


def loopback_only(event: str, arguments: tuple[Any, ...]) -> None:
    """Audit hook: refuses every connection that leaves this machine."""
    if event == "socket.connect" and isinstance(arguments[1], tuple) and arguments[1][0] not in ("127.0.0.1", "::1"):
        raise ConnectionRefusedError(f"this test must not connect to {arguments[1]}")


def main() -> None:
    """Predicts and saves."""
    bundle, name, out, *pictures = sys.argv[1:]
    sys.addaudithook(loopback_only)
    import numpy as np
    from paddlex import create_model
    from paddlex.inference.common.reader import ReadImage

    model = create_model(model_name=name, model_dir=bundle, device="cpu")
    reader = ReadImage(format="RGB")
    arrays: dict[str, Any] = {}
    for index, picture in enumerate(pictures):
        [result] = model.predict(picture)
        arrays[f"mask_{index}"] = np.asarray(result["pred"])[0]
        arrays[f"image_{index}"] = reader([picture])[0]
    np.savez(out, **arrays)
    names = ("paddlex", "paddlepaddle", "numpy", "opencv-contrib-python")
    print(json.dumps({**{name: version(name) for name in names}, "Python": platform.python_version()}))


if __name__ == "__main__":
    main()
