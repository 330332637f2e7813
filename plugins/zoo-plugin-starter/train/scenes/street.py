"""The street itself: its cross-section, road, pavements, markings and shadows on the ground."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from scenes.canvas import PAVEMENT, ROAD, Canvas, Colour, Floats, scaled
from scenes.light import Weather

STONE: Colour = (140, 138, 134)
TARMAC: Colour = (104, 105, 109)
STEPS = np.linspace(0, 1, 16)


@dataclass(frozen=True)
class Street:
    """Cross-section of the street in metres right of the camera, and the depth at which it ends.

    Attributes:
        left: left kerb, negative.
        right: right kerb, positive.
        left_front: line of the house fronts on the left.
        right_front: line of the house fronts on the right.
        end: depth of the houses or trees that close the view.
        middle: line between the two directions of traffic.
        crossing: depth of a zebra crossing, or None.
    """

    left: float
    right: float
    left_front: float
    right_front: float
    end: float
    middle: float
    crossing: float | None


def plan_street(rng: np.random.Generator) -> Street:
    """Choose the cross-section; traffic keeps left or right."""
    near, far = -rng.uniform(1.6, 3.6), rng.uniform(3.8, 7.5)
    middle = rng.uniform(1.3, 2.2)
    if rng.random() < 0.3:
        near, far, middle = -far, -near, -middle
    return Street(
        left=near,
        right=far,
        left_front=near - rng.uniform(2.2, 6.5),
        right_front=far + rng.uniform(2.2, 6.5),
        end=rng.uniform(28, 60) if rng.random() < 0.3 else rng.uniform(70, 170),
        middle=middle,
        crossing=rng.uniform(7, 25) if rng.random() < 0.25 else None,
    )


def _flat(left: float, right: float, near: float, far: float) -> Floats:
    """Return the outline (32, 3) of a strip on the ground, fine enough to follow the bend."""
    near = max(near, 0.5)
    depth = near * (far / near) ** STEPS
    one = np.ones(16)
    out = np.stack([left * one, 0 * one, depth], axis=1)
    back = np.stack([right * one, 0 * one, depth], axis=1)[::-1]
    return np.concatenate([out, back])


def draw_ground(canvas: Canvas, rng: np.random.Generator, street: Street, weather: Weather) -> None:
    """Draw paving everywhere, then the road, its kerbs, markings and the shadows cast across it."""
    stone = scaled(STONE, rng.uniform(0.72, 1.15))
    tarmac = scaled(TARMAC, rng.uniform(0.75, 1.15))
    bands = np.append(0, np.geomspace(2.5, 400, 12))  # so that the haze grows with depth
    for near, far in pairwise(bands):
        canvas.polygon(_flat(-200, 200, near, far), stone, PAVEMENT)
    for front, kerb in ((street.left_front, street.left), (street.right_front, street.right)):
        _draw_slabs(canvas, rng, front, kerb, stone)
    kerb_width = 0.18
    for near, far in pairwise(np.append(bands[bands < street.end - 4], street.end - 3)):
        sheen = 1 + 0.1 * np.log10(near + 1)  # tarmac mirrors more sky the flatter it is seen
        canvas.polygon(_flat(street.left, street.right, near, far), scaled(tarmac, sheen), ROAD)
    if street.end < 65:
        canvas.polygon(_flat(-90, 90, street.end - 11, street.end - 3), tarmac, ROAD)
    light = scaled(stone, 1.22)
    far = street.end - (11 if street.end < 65 else 3)
    canvas.polygon(_flat(street.left - kerb_width, street.left, 0.5, far), light, PAVEMENT)
    canvas.polygon(_flat(street.right, street.right + kerb_width, 0.5, far), light, PAVEMENT)
    _draw_wear(canvas, rng, street)
    _draw_markings(canvas, rng, street)
    if weather.sun:
        _draw_house_shadow(canvas, rng, street, weather.sun)


def _draw_slabs(canvas: Canvas, rng: np.random.Generator, front: float, kerb: float, stone: Colour) -> None:
    """Draw joints across the pavement, and some odd slabs."""
    joints = [_flat(front, kerb, near, near + 0.05) for near in np.arange(2.0, 24.0, rng.uniform(0.6, 1.6))]
    slabs = [_flat(front, (front + kerb) / 2, near, near + 1.2) for near in rng.uniform(2, 40, 5)]
    canvas.details(joints, [scaled(stone, 0.84)] * len(joints))
    canvas.details(slabs, [scaled(stone, rng.uniform(0.85, 1.12)) for _ in slabs])


def _draw_wear(canvas: Canvas, rng: np.random.Generator, street: Street) -> None:
    """Darken wheel tracks, repairs and manholes."""
    for _ in range(rng.integers(2, 7)):
        left = rng.uniform(street.left, street.right - 1)
        near = rng.uniform(2.5, 40)
        strip = _flat(left, min(left + rng.uniform(0.4, 2), street.right), near, near + rng.uniform(0.6, 12))
        canvas.shadow(strip, rng.uniform(0.05, 0.3))


def _draw_markings(canvas: Canvas, rng: np.random.Generator, street: Street) -> None:
    paint = scaled((225, 225, 220), rng.uniform(0.72, 1.05))
    yellow = scaled((190, 160, 70), rng.uniform(0.7, 1.05))
    strips: list[Floats] = []
    if rng.random() < 0.85:
        dash, gap = rng.choice([2.0, 4.0, 6.0]), rng.choice([2.0, 5.0, 9.0])
        starts = np.arange(rng.uniform(-4, 2), min(street.end - 12, 90), dash + gap)
        strips += [_flat(street.middle - 0.07, street.middle + 0.07, s, s + dash) for s in starts if s + dash > 1]
    if street.crossing is not None:
        lefts = np.arange(street.left + 0.3, street.right - 0.5, 1.1)
        strips += [_flat(left, left + 0.55, street.crossing, street.crossing + 2.8) for left in lefts]
    if rng.random() < 0.3:
        stop = rng.uniform(4, 20)
        strips.append(_flat(street.left + 0.2, street.middle, stop, stop + 0.35))
    canvas.details(strips, [paint] * len(strips))
    if rng.random() < 0.55:
        edges = (street.left + 0.25, street.left + 0.48, street.right - 0.33, street.right - 0.56)
        lines = [_flat(edge, edge + 0.09, 0.5, street.end - 12) for edge in edges]
        canvas.details(lines, [yellow if rng.random() < 0.7 else paint] * len(lines))


def _draw_house_shadow(canvas: Canvas, rng: np.random.Generator, street: Street, sun: int) -> None:
    """Throw the shadow of the house row that stands towards the sun, uneven as its roofs."""
    foot = street.left_front if sun < 0 else street.right_front
    darkness = rng.uniform(0.3, 0.6)
    near = 0.5
    reach = rng.uniform(1, 9)
    while near < street.end:
        far = near + rng.uniform(3, 12)
        if rng.random() < 0.8:
            canvas.shadow(_flat(foot, foot - sun * reach * rng.uniform(0.7, 1.2), near, far), darkness)
        near = far
