"""`python -m scenes street.png`: draws a street scene into a file."""

from __future__ import annotations

import argparse
import io
from pathlib import Path

from PIL import Image

from scenes import draw_scene
from zoo.base.files import ensure_folder, write_atomic


def main() -> None:
    """Reads the arguments and draws."""
    parser = argparse.ArgumentParser(prog="python -m scenes", description="Draws a street scene.")
    parser.add_argument("file", type=Path, help="PNG or JPEG file to write")
    parser.add_argument("--seed", type=int, default=68, help="which scene; the same number gives the same picture")
    parser.add_argument("--size", type=int, nargs=2, default=(512, 1024), metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--mask", type=Path, help="PNG file for the true mask")
    arguments = parser.parse_args()
    scene = draw_scene(arguments.seed, *arguments.size)
    for path, pixels in ((arguments.file, scene.image), (arguments.mask, scene.mask)):
        if path is not None:
            buffer = io.BytesIO()
            jpeg = path.suffix.lower() in (".jpg", ".jpeg") and path is not arguments.mask
            Image.fromarray(pixels).save(buffer, "JPEG" if jpeg else "PNG", quality=95)
            ensure_folder(path.parent)
            write_atomic(path, buffer.getvalue())


if __name__ == "__main__":
    main()
