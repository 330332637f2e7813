"""What lines the street: house fronts, gardens behind fences and hedges, and the end of the view."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from scenes.canvas import BUILDING, FENCE, TREE, Canvas, Colour, Floats, scaled
from scenes.light import Weather
from scenes.street import Street
from scenes.trees import draw_crown, draw_tree

WALLS: tuple[Colour, ...] = (
    (118, 88, 72),
    (134, 112, 86),
    (96, 74, 64),
    (168, 158, 136),
    (186, 184, 176),
    (122, 122, 120),
    (84, 84, 88),
    (146, 128, 92),
)
SHOPS: tuple[Colour, ...] = ((40, 60, 130), (150, 40, 36), (36, 90, 60), (40, 40, 44), (200, 150, 50), (210, 208, 200))
NEAR_END = 1.5  # metres; depth down to which both sides are lined


def draw_sides(canvas: Canvas, rng: np.random.Generator, street: Street, weather: Weather) -> None:
    """Draw, from far to near, what closes the view and the rows of houses and gardens along both pavements."""
    _draw_end(canvas, rng, street)
    for side, front in ((-1, street.left_front), (1, street.right_front)):
        lit = {0: 0.8, side: 0.55, -side: 1.05}[weather.sun] * rng.uniform(0.85, 1.1)
        houses = rng.uniform(0.4, 0.95)
        storey = rng.uniform(2.7, 3.5)
        floors = rng.integers(2, 5)
        far = street.end - 12 if street.end < 65 else street.end
        while far > NEAR_END:
            near = max(far - rng.uniform(5, 15), NEAR_END - 4)
            if rng.random() < houses:
                height = storey * max(1, floors + rng.integers(-1, 2)) + rng.uniform(-0.4, 0.8)
                _draw_house(canvas, rng, (front, near), (0.0, 1.0), far - near, height, lit)
            else:
                _draw_garden(canvas, rng, side, front, near, far, lit)
            far = near - (rng.uniform(3, 7) if rng.random() < 0.12 else 0.0)


def _draw_end(canvas: Canvas, rng: np.random.Generator, street: Street) -> None:
    """Close the view with a skyline, then a row of houses or trees that faces the camera."""
    if rng.random() < 0.6:
        for left in np.arange(-60, 61, 17):
            draw_crown(
                canvas, rng, (float(left), rng.uniform(2, 5), street.end + 30), (11, rng.uniform(4, 8)), (62, 70, 50), 1
            )
    half = 15 + 0.6 * street.end
    left = -half
    leafy = rng.random() < 0.35
    while left < half:
        width = rng.uniform(6, 16)
        if leafy or rng.random() < 0.2:
            draw_tree(canvas, rng, left + width / 2, street.end + 2, rng.uniform(6, 12))
            canvas.polygon(_upright(left, left + width, 1.4, street.end), (70, 74, 52), TREE)
        else:
            height = rng.uniform(5, 13)
            _draw_house(canvas, rng, (left, street.end), (1.0, 0.0), width, height, rng.uniform(0.6, 0.95))
        left += width


def _upright(left: float, right: float, height: float, depth: float) -> Floats:
    return np.array([(left, 0, depth), (right, 0, depth), (right, height, depth), (left, height, depth)])


def _draw_house(
    canvas: Canvas,
    rng: np.random.Generator,
    start: tuple[float, float],
    along: tuple[float, float],
    length: float,
    height: float,
    lit: float,
) -> None:
    """Draw a house whose front runs from `start` (right, depth) in direction `along`: roof, gable, front, windows."""
    wall = scaled(WALLS[rng.integers(len(WALLS))], lit * rng.uniform(0.65, 1.15))
    roof = scaled((92, 78, 74), lit * rng.uniform(0.6, 1.2))
    outward = np.sign(start[0]) if along[1] else 0.0
    away = np.array([outward, 0.0 if along[1] else 1.0])

    def on_front(shapes: Floats) -> Floats:
        """Lift (..., 3) of metres along the front, up, and back from it, into the street."""
        ground = np.asarray(start) + shapes[..., :1] * np.asarray(along) + shapes[..., 2:] * away
        return np.stack([ground[..., 0], shapes[..., 1], ground[..., 1]], axis=-1)

    ridge = height + (rng.uniform(1.2, 3.2) if rng.random() < 0.6 else 0.15)
    deep = 5.0
    if rng.random() < 0.5:  # a chimney, behind the ridge
        at = rng.uniform(0.1, 0.8) * length
        stack = np.array(
            [(at, height, deep), (at, ridge + 1.3, deep), (at + 1, ridge + 1.3, deep), (at + 1, height, deep)]
        )
        canvas.polygon(on_front(stack), scaled(wall, 0.8), BUILDING)
    gable = np.array([(0, 0, 0), (0, height, 0), (0, ridge, deep), (0, height, 2 * deep), (0, 0, 2 * deep)])
    slope = np.array([(0, height, 0), (0, ridge, deep), (length, ridge, deep), (length, height, 0)])
    front = np.array([(0, 0, 0), (0, height, 0), (length, height, 0), (length, 0, 0)])
    canvas.polygon(on_front(gable), scaled(wall, 0.8), BUILDING)
    canvas.polygon(on_front(slope), roof, BUILDING)
    canvas.polygon(on_front(front), wall, BUILDING)
    _draw_openings(canvas, rng, on_front, length, height, wall, lit, start[1] < 45)


def _draw_openings(
    canvas: Canvas,
    rng: np.random.Generator,
    on_front: Callable[[Floats], Floats],
    length: float,
    height: float,
    wall: Colour,
    lit: float,
    near: bool,
) -> None:
    """Draw eaves, windows, a door or a shop on a front; frames only where they are `near` enough to be seen."""
    boxes: list[tuple[float, float, float, float]] = []  # left, bottom, right, top
    colours: list[Colour] = []

    def box(left: float, bottom: float, right: float, top: float, colour: Colour) -> None:
        boxes.append((left, bottom, min(right, length), min(top, height)))
        colours.append(colour)

    box(0, height - 0.25, length, height, scaled(wall, 0.72))
    box(0, 0, length, 0.5, scaled(wall, 0.75))
    storey = height / max(1, round(height / 3.1))
    shop = rng.random() < 0.45
    frame = scaled((210, 208, 200), lit * rng.uniform(0.5, 1.0))
    pane = scaled((52, 58, 66), rng.uniform(0.4, 1.1))
    wide, tall = rng.uniform(0.8, 2.0), rng.uniform(0.45, 0.62) * storey
    pitch = wide + rng.uniform(0.7, 2.0)
    if shop:
        sign = scaled(SHOPS[rng.integers(len(SHOPS))], lit)
        box(0.2, 0.5, length - 0.2, storey - 0.8, scaled(pane, 0.7))
        for left in np.arange(0.3, length - 1, rng.uniform(1.5, 3)):
            box(left, 0.6, left + 1.1, storey - 1.0, scaled((90, 84, 76), rng.uniform(0.3, 1.2)))
        box(0.1, storey - 0.8, length - 0.1, storey - 0.15, sign)
        box(0.25 * length, storey - 0.6, 0.75 * length, storey - 0.35, scaled((225, 222, 210), lit))
    else:
        door = scaled(SHOPS[rng.integers(len(SHOPS))], 0.8 * lit)
        box(0.6, 0, 1.6, 2.2, door)
    for bottom in np.arange(storey if shop else 0.0, height - 1.6, storey):
        for left in np.arange(2.2 if bottom == 0 else 0.6, length - wide - 0.2, pitch):
            sill = bottom + 0.25 * storey
            if near:
                box(left - 0.08, sill - 0.1, left + wide + 0.08, sill + tall + 0.08, frame)
            box(left, sill, left + wide, sill + tall, scaled(pane, rng.uniform(0.6, 1.8)))
            if near:
                box(left, sill + 0.5 * tall, left + wide, sill + 0.5 * tall + 0.07, frame)
    quads: list[list[tuple[float, float, float]]] = [
        [(left, bottom, 0), (left, top, 0), (right, top, 0), (right, bottom, 0)] for left, bottom, right, top in boxes
    ]
    canvas.details(on_front(np.array(quads)), colours)


def _draw_garden(
    canvas: Canvas, rng: np.random.Generator, side: int, front: float, near: float, far: float, lit: float
) -> None:
    """Draw trees behind a hedge, a garden wall or a railing along the pavement."""
    for depth in sorted(rng.uniform(near, far, rng.integers(1, 4)), reverse=True):
        draw_tree(canvas, rng, front + side * rng.uniform(3, 8), depth, rng.uniform(5, 12))
    leaf = scaled((58, 66, 44), lit * rng.uniform(0.7, 1.3))
    hedge = rng.uniform(1.2, 3.0)
    for depth in np.arange(far, near, -max(3.0, 0.1 * far)):  # farther ones overlap anyway
        draw_crown(canvas, rng, (front + side * 1.4, hedge * 0.6, depth), (2.3, hedge * 0.75), leaf, 1.0)
    _draw_fence(canvas, rng, front, near, far, lit)


def _draw_fence(canvas: Canvas, rng: np.random.Generator, front: float, near: float, far: float, lit: float) -> None:
    """Draw a solid fence, or posts and rails, from `far` to `near` along the line of the fronts."""
    height = rng.uniform(0.9, 1.9)
    colour = scaled(((96, 72, 52), (130, 126, 118), (60, 64, 62), (188, 186, 178))[rng.integers(4)], lit)
    base = np.array([(front, 0, near), (front, 0, far)])
    if rng.random() < 0.65:
        canvas.polygon(np.concatenate([base, np.add(base[::-1], (0, height, 0))]), colour, FENCE)
        seams = np.arange(near, far - 0.2, 0.6)
        slits = [[(front, 0, s), (front, height, s), (front, height, s + 0.07), (front, 0, s + 0.07)] for s in seams]
        canvas.details(slits, [scaled(colour, 0.7)] * len(slits))
        return
    draw_railing(canvas, base, height, colour)


def draw_railing(canvas: Canvas, base: Floats, height: float, colour: Colour) -> None:
    """Draw bars under a handrail between two points on the ground, `base` (2, 3)."""
    panel = np.concatenate([base, np.add(base[::-1], (0, height, 0))])
    canvas.glass(panel, scaled(colour, 0.6), 0.35, FENCE)
    for share in np.linspace(0, 1, 2 + int(np.ptp(base[:, 2]) + np.ptp(base[:, 0])) * 2):
        foot = base[0] + (base[1] - base[0]) * share
        canvas.line([foot, np.add(foot, (0, height, 0))], 0.04, colour, FENCE)
    for up in (0.15 * height, height):
        canvas.line(np.add(base, (0, up, 0)), 0.06, colour, FENCE)
