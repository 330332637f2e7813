"""Who and what stands and moves on the street, laid out and drawn from far to near."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from scenes.canvas import Canvas, Colour
from scenes.furniture import draw_bollard, draw_lamp, draw_sign, draw_traffic_light
from scenes.houses import draw_railing
from scenes.people import draw_cyclist, draw_pedestrian
from scenes.street import Street
from scenes.trees import draw_tree
from scenes.vehicles import draw_vehicle

Thing = tuple[float, Callable[[], None]]  # depth, and how to draw it
IRON: Colour = (74, 78, 76)


def draw_traffic(canvas: Canvas, rng: np.random.Generator, street: Street) -> None:
    """Draw street furniture, trees, vehicles, pedestrians and cyclists."""
    things: list[Thing] = []
    for side in (-1, 1):
        things += _furniture(canvas, rng, street, side)
        things += _parked(canvas, rng, street, side)
        things += _walkers(canvas, rng, street, side)
    things += _moving(canvas, rng, street)
    things += _cyclists(canvas, rng, street)
    for _, draw in sorted(things, key=lambda thing: -thing[0]):
        draw()


def _kerb_and_front(street: Street, side: int) -> tuple[float, float]:
    return (street.left, street.left_front) if side < 0 else (street.right, street.right_front)


def _furniture(canvas: Canvas, rng: np.random.Generator, street: Street, side: int) -> list[Thing]:
    """Plan lamps, signs, lights, bollards, railings and trees along one kerb."""
    kerb, front = _kerb_and_front(street, side)
    edge = kerb + side * 0.45
    things: list[Thing] = []

    def add(depth: float, draw: Callable[..., None], *args: object) -> None:
        things.append((depth, lambda: draw(canvas, rng, *args)))

    if rng.random() < 0.8:
        reach = -side * rng.uniform(0, 2.5)
        for depth in np.arange(rng.uniform(6, 22), street.end - 5, rng.uniform(18, 32)):
            add(depth, draw_lamp, edge, depth, reach)
    for depth in rng.uniform(7, 45, rng.integers(1, 6)):
        add(depth, draw_sign, kerb + side * rng.uniform(0.3, 1.5), depth)
    for depth in rng.uniform(8, 40, rng.integers(0, 4)):
        add(depth, draw_traffic_light, kerb + side * rng.uniform(0.3, 0.8), depth)
    if rng.random() < 0.3:
        start = rng.uniform(4, 20)
        for depth in np.arange(start, start + rng.uniform(4, 20), rng.uniform(1.3, 2.2)):
            add(depth, draw_bollard, edge, depth)
    if rng.random() < 0.5:
        start, height = rng.uniform(6, 25), rng.uniform(0.9, 1.2)
        base = np.array([(edge, 0, start), (edge, 0, start + rng.uniform(4, 14))])
        things.append((start + 2, lambda: draw_railing(canvas, base, height, IRON)))
    if rng.random() < 0.3:
        for depth in np.arange(rng.uniform(7, 25), street.end - 5, rng.uniform(9, 18)):
            add(depth, draw_tree, 0.6 * kerb + 0.4 * front, depth, rng.uniform(5, 9))
    return things


def _parked(canvas: Canvas, rng: np.random.Generator, street: Street, side: int) -> list[Thing]:
    kerb, _ = _kerb_and_front(street, side)
    if abs(kerb) < 2.6 or rng.random() < 0.25:
        return []
    stop = min(street.end - 14, 70)
    heading = 0.0 if side * street.middle < 0 or rng.random() < 0.3 else np.pi
    depths = np.arange(rng.uniform(4, 16), stop, rng.uniform(5.6, 6.5))
    right = kerb - side * 1.1
    return [
        (depth, lambda depth=depth: draw_vehicle(canvas, rng, right, depth, heading))
        for depth in depths
        if rng.random() < 0.75
    ]


def _moving(canvas: Canvas, rng: np.random.Generator, street: Street) -> list[Thing]:
    """Plan traffic ahead in the own lane, oncoming, and crossing where the view ends."""
    things: list[Thing] = []

    def add(right: float, depth: float, heading: float) -> None:
        things.append((depth, lambda: draw_vehicle(canvas, rng, right, depth, heading + rng.normal(0, 0.04))))

    outer = street.right if street.middle > 0 else street.left
    oncoming = street.middle + np.sign(street.middle) * 1.4
    if abs(outer) > abs(oncoming) + 1.0:
        for depth in rng.uniform(9, 80, rng.integers(0, 4)):
            add(oncoming, depth, np.pi)
    for depth in np.cumsum(rng.uniform(7, 25, rng.integers(0, 4))):
        add(rng.uniform(-0.4, 0.2), depth, 0.0)
    if street.end < 65:
        for right in rng.uniform(-16, 16, rng.integers(0, 3)):
            add(right, street.end - 6.5, rng.choice([-0.5, 0.5]) * np.pi)
    elif rng.random() < 0.2:
        add(rng.uniform(-3, 5), rng.uniform(9, 25), rng.uniform(0, 2 * np.pi))
    return [thing for thing in things if thing[0] < street.end - 4]


def _walkers(canvas: Canvas, rng: np.random.Generator, street: Street, side: int) -> list[Thing]:
    kerb, front = _kerb_and_front(street, side)
    things: list[Thing] = []
    depths = 5 + 45 * rng.random(rng.integers(1, 9)) ** 1.3
    for at in depths:
        right, depth = kerb + (front - kerb) * rng.uniform(0.15, 0.9), float(at)
        if rng.random() < 0.06:
            right = rng.uniform(street.left, street.right)
        elif street.crossing is not None and rng.random() < 0.3:
            right, depth = rng.uniform(street.left, street.right), street.crossing + rng.uniform(0.2, 2.6)
        things.append((depth, lambda right=right, depth=depth: draw_pedestrian(canvas, rng, right, depth)))
    return things


def _cyclists(canvas: Canvas, rng: np.random.Generator, street: Street) -> list[Thing]:
    things: list[Thing] = []
    for _ in range(rng.integers(1, 6)):
        depth = 4.5 + 26 * rng.random() ** 1.5
        with_us = rng.random() < 0.7
        near, far = (street.left, street.right) if street.middle > 0 else (street.right, street.left)
        kerb = near if with_us else far
        right = kerb - np.sign(kerb) * rng.uniform(0.5, 1.5)
        turn = rng.normal(0, 0.25) if rng.random() < 0.7 else rng.uniform(-1.5, 1.5)
        things.append(
            (depth, lambda right=right, depth=depth, turn=turn: draw_cyclist(canvas, rng, right, depth, turn))
        )
    return things
