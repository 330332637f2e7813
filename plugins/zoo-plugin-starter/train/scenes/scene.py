"""One call from a seed to a picture and its mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenes.canvas import SUPERSAMPLING, Camera, Canvas
from scenes.houses import draw_sides
from scenes.light import Weather, develop, paint_sky
from scenes.street import draw_ground, plan_street
from scenes.traffic import draw_traffic

MIN_SIDE = 32


@dataclass(frozen=True, eq=False)
class Scene:
    """A street picture and its ground truth.

    Attributes:
        image: RGB picture, uint8 of shape (H, W, 3).
        mask: class index of each pixel, uint8 of shape (H, W), values 0 to 10 as in `CLASSES`.
    """

    image: NDArray[np.uint8]
    mask: NDArray[np.uint8]


def draw_scene(seed: int, height: int = 360, width: int = 480) -> Scene:
    """Draw the street scene of a seed.

    The same seed and size always give the same arrays. Another size is
    another picture, not a resized one.

    Args:
        seed: non-negative number that selects the scene.
        height: rows of the picture, at least 32.
        width: columns of the picture, at least 32.

    Returns:
        The picture, uint8 (height, width, 3), and its mask, uint8 (height, width).

    Raises:
        ValueError: if a side is shorter than 32 pixels, or the seed is negative.
    """
    if height < MIN_SIDE or width < MIN_SIDE:
        raise ValueError(f"A scene needs at least {MIN_SIDE}x{MIN_SIDE} pixels, got height {height}, width {width}.")
    if seed < 0:
        raise ValueError(f"The seed of a scene must not be negative, got {seed}.")
    rng = np.random.Generator(np.random.PCG64(seed))
    weather = Weather.random(rng)
    camera = _random_camera(rng, height, width)
    canvas = Canvas(height, width, camera, weather.haze_colour, weather.visibility)
    # Every stage has its own stream, so that a change in one leaves the dice of the others alone.
    sky, ground, sides, traffic, film = rng.spawn(5)
    street = plan_street(rng)
    paint_sky(canvas, sky, weather)
    draw_ground(canvas, ground, street, weather)
    draw_sides(canvas, sides, street, weather)
    draw_traffic(canvas, traffic, street)
    image, mask = canvas.finish()
    return Scene(develop(image, mask, film, weather, camera), mask)


def _random_camera(rng: np.random.Generator, height: int, width: int) -> Camera:
    """Choose a viewpoint behind a windscreen, in pixels of the supersampled canvas."""
    focal = rng.uniform(0.85, 1.25) * (0.5 * height + 0.4 * width)
    return Camera(
        focal=SUPERSAMPLING * focal,
        centre=SUPERSAMPLING * width * rng.uniform(0.36, 0.64),
        horizon=SUPERSAMPLING * height * rng.uniform(0.43, 0.58),
        height=rng.uniform(1.2, 1.6),
        curve=rng.normal(0.0, 0.0016) if rng.random() < 0.6 else 0.0,
    )
