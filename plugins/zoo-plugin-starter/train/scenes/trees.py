"""Trees: trunks, leafy crowns and the bare twigs of winter."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

from scenes.canvas import TREE, Canvas, Colour, scaled
from scenes.light import Singles, noise

LEAVES: tuple[Colour, ...] = ((56, 70, 40), (70, 84, 48), (44, 54, 38), (92, 92, 58), (104, 84, 52))
BARK: Colour = (62, 54, 46)
FINEST = 80  # grid of a crown; larger crowns are enlarged from it, since drawing time grows with the area
ATLAS = 512


def draw_tree(canvas: Canvas, rng: np.random.Generator, right: float, depth: float, height: float) -> None:
    """Draw a tree that stands at (right, depth), `height` metres tall."""
    bare = rng.random() < 0.4
    bark = scaled(BARK, rng.uniform(0.7, 1.3))
    trunk, width = rng.uniform(0.25, 0.4) * height, 0.035 * height
    outline = [(-width, 0), (-0.6 * width, trunk * 1.9), (0.6 * width, trunk * 1.9), (width, 0)]
    canvas.polygon([(right + across, up, depth) for across, up in outline], bark, TREE)
    middle = (right, (trunk + height) / 2, depth)
    radii = (rng.uniform(0.28, 0.42) * height, (height - trunk) * 0.6)
    if not bare:
        draw_crown(canvas, rng, middle, radii, scaled(LEAVES[rng.integers(len(LEAVES))], rng.uniform(0.7, 1.25)), 1.0)
        return
    draw_crown(canvas, rng, middle, radii, scaled(bark, 1.25), rng.uniform(0.55, 0.85))
    for lean in rng.uniform(-0.8, 0.8, 7):
        fork = (right, trunk * rng.uniform(0.9, 1.5), depth)
        tip = (right + lean * radii[0], middle[1] + radii[1] * rng.uniform(0.1, 0.7), depth)
        bend = ((fork[0] + tip[0]) / 2 + 0.15 * lean * radii[0], (fork[1] + tip[1]) / 2, depth)
        canvas.line([fork, bend, tip], 0.012 * height, bark, TREE)


def draw_crown(
    canvas: Canvas,
    rng: np.random.Generator,
    middle: tuple[float, float, float],
    radii: tuple[float, float],
    colour: Colour,
    density: float,
) -> None:
    """Draw a ragged, dappled ball of leaves or twigs.

    Args:
        canvas: picture and mask.
        rng: source of the shape.
        middle: centre of the crown, in metres.
        radii: half width and half height, in metres.
        colour: mean colour of the foliage.
        density: share of the crown that hides what is behind: 1 for leaves, less for bare twigs.
    """
    x, y = canvas.camera.project(middle)
    scale = 1.15 * canvas.camera.focal / max(middle[2], 1.0)
    wide, tall = max(2.0, radii[0] * scale), max(2.0, radii[1] * scale)
    left, right = max(int(x - wide), 0), min(int(x + wide), canvas.size[0])
    top, bottom = max(int(y - tall), 0), min(int(y + tall), canvas.size[1])
    size = (right - left, bottom - top)
    if min(size) < 3:
        return
    cells = min(int(max(wide, tall)) + 2, FINEST)
    down, across = np.ogrid[-1.15 : 1.15 : cells * 1j, -1.15 : 1.15 : cells * 1j]
    lumps = _lumps(rng, cells)
    inside = 128 + 127 * (1 - across**2 - down**2 + 0.55 * lumps)
    shade = 1.0 + 0.42 * lumps - 0.38 * down + 0.22 * _lumps(rng, cells, fine=True)
    colours = np.array(canvas.hazed(colour, middle[2])) * np.maximum(shade, 0.2)[..., None]
    # Only the part within the picture is enlarged: near crowns reach far out of it.
    columns = [cells * (side - x + wide) / (2 * wide) for side in (left, right)]
    rows = [cells * (side - y + tall) / (2 * tall) for side in (top, bottom)]
    window = (max(columns[0], 0), max(rows[0], 0), min(columns[1], cells), min(rows[1], cells))
    outline = _enlarged(inside, size, window).point([0] * 140 + [255] * 116)
    opaque = outline
    if density < 1:
        twigs = Image.fromarray(rng.integers(0, 256, (size[1] // 2 + 1, size[0] // 2 + 1), dtype=np.uint8))
        limit = int(255 * density)
        gaps = twigs.resize(size, Image.Resampling.NEAREST).point([255] * limit + [0] * (256 - limit))
        opaque = ImageChops.darker(outline, gaps)
    canvas.stamp((left, top), _enlarged(colours, size, window), opaque, outline)


@cache
def _atlas(fine: bool) -> Singles:
    """Return the noise that all crowns are cut from, since noise of its own for each would cost half the drawing."""
    rng = np.random.Generator(np.random.PCG64(11))
    return rng.standard_normal((ATLAS, ATLAS), dtype=np.float32) if fine else noise(rng, ATLAS, ATLAS, 28, 4)


def _lumps(rng: np.random.Generator, cells: int, fine: bool = False) -> Singles:
    """Cut a random square out of the atlas, sampled to (cells, cells)."""
    down, across = rng.integers(0, ATLAS - FINEST, 2)
    steps = np.arange(cells) * FINEST // cells
    return _atlas(fine)[np.ix_(down + steps, across + steps)]


def _enlarged(
    field: NDArray[np.floating], size: tuple[int, int], window: tuple[float, float, float, float]
) -> Image.Image:
    """Enlarge the window (left, top, right, bottom) of a grid of values in 0..255 to (width, height)."""
    return Image.fromarray(np.clip(field, 0, 255).astype(np.uint8)).resize(size, Image.Resampling.BILINEAR, window)
