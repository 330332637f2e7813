"""Makes the self-test inside the wheel: a drawn picture and the mask the exported model gives for it.

    python plugins/zoo-plugin-starter/train/self_test.py

Run it again after every export: `zoo doctor starter` compares what the model gives on a user's machine with this mask.
The picture is a street drawn by zoo, so it carries nobody's rights. The mask says what the model must give, right or
wrong; how far that is from the true classes is printed.
"""

from __future__ import annotations

from pathlib import Path

from PIL import Image

import zoo
from scenes import draw_scene

PACKAGE = Path(__file__).resolve().parents[1] / "zoo_plugin_starter"
SEED, HEIGHT, WIDTH = 5, 180, 320


def main() -> None:
    """Draws, predicts and writes both files."""
    scene = draw_scene(SEED, HEIGHT, WIDTH)
    with zoo.load(PACKAGE / "bundle") as model:
        result = model.predict(scene.image).one()
    folder = PACKAGE / "self_test"
    folder.mkdir(exist_ok=True)
    for name, pixels in (("picture.png", scene.image), ("mask.png", result.mask)):
        Image.fromarray(pixels).save(folder / name, optimize=True)
        print(f"{folder / name}: {(folder / name).stat().st_size} bytes")
    print(f"{result.engine}: {', '.join(result.areas())}")
    print(f"{(result.mask == scene.mask).mean():.4f} of the pixels have their true class")


if __name__ == "__main__":
    main()
