"""Poles and what hangs on them: lamps, traffic signs and traffic lights."""

from __future__ import annotations

import numpy as np

from scenes.canvas import POLE, SIGN, Canvas, Colour, Floats, scaled

METAL: tuple[Colour, ...] = ((120, 122, 120), (60, 62, 60), (44, 52, 46), (150, 152, 150))
BLUE: Colour = (40, 76, 160)
RED: Colour = (176, 36, 36)
WHITE: Colour = (222, 222, 216)
YELLOW: Colour = (214, 178, 50)


def disc(right: float, up: float, depth: float, across: float, tall: float, corners: int = 14) -> Floats:
    """Return an upright ellipse, or polygon of few corners, that faces the camera, (corners, 3)."""
    turn = np.linspace(0, 2 * np.pi, corners, endpoint=False) + np.pi / 2
    return np.stack([right + across * np.cos(turn), up + tall * np.sin(turn), np.full(corners, depth)], axis=1)


def plate(right: float, bottom: float, depth: float, width: float, height: float) -> Floats:
    """Return an upright rectangle centred on `right` that faces the camera, (4, 3)."""
    left, end, top = right - width / 2, right + width / 2, bottom + height
    return np.array([(left, bottom, depth), (left, top, depth), (end, top, depth), (end, bottom, depth)])


def draw_lamp(canvas: Canvas, rng: np.random.Generator, right: float, depth: float, reach: float) -> None:
    """Draw a street lamp whose arm reaches `reach` metres over the road."""
    colour = scaled(METAL[rng.integers(len(METAL))], rng.uniform(0.8, 1.2))
    height = rng.uniform(5.5, 8.5)
    canvas.line([(right, 0, depth), (right, 1.3, depth)], 0.22, colour, POLE)
    canvas.line([(right, 1.3, depth), (right, height, depth)], 0.15, colour, POLE)
    tip = (right + reach, height + 0.35, depth)
    canvas.line([(right, height - 0.1, depth), (right + 0.4 * reach, height + 0.3, depth), tip], 0.1, colour, POLE)
    canvas.polygon(plate(tip[0], tip[1] - 0.08, depth, 0.7, 0.2), scaled(colour, 1.2), POLE)


def draw_bollard(canvas: Canvas, rng: np.random.Generator, right: float, depth: float) -> None:
    """Draw a knee-high post."""
    canvas.polygon(plate(right, 0, depth, 0.17, 1.0), (48, 50, 50), POLE)
    canvas.details([plate(right, 0.75, depth, 0.17, 0.1)], [scaled(WHITE, rng.uniform(0.5, 1.0))])


def draw_sign(canvas: Canvas, rng: np.random.Generator, right: float, depth: float) -> None:
    """Draw a traffic sign: a prohibition, warning, order or direction."""
    light = rng.uniform(0.55, 1.05)
    up = rng.uniform(2.1, 3.0)
    size = rng.uniform(0.32, 0.55)
    canvas.line([(right, 0, depth), (right, up + 0.3, depth)], 0.09, scaled(METAL[rng.integers(4)], light), POLE)
    kind = rng.integers(5)
    rim, field = ((RED, WHITE), (RED, WHITE), (BLUE, BLUE), (WHITE, BLUE), (BLUE, YELLOW))[kind]
    if kind == 0:
        shapes = [disc(right, up, depth, share * size, share * size) for share in (1.0, 0.74)]
    elif kind == 1:
        shapes = [disc(right, up, depth, share * size, share * size, 3) for share in (1.25, 0.8)]
    elif kind == 2:
        shapes = [disc(right, up, depth, share * size, share * size) for share in (1.0, 0.9)]
    else:
        wide, tall = size * rng.uniform(1.5, 4), size * rng.uniform(1.2, 2.4)
        shapes = [plate(right, up, depth, wide, tall), plate(right, up + 0.05, depth, wide - 0.1, tall - 0.1)]
    if rng.random() < 0.2:  # seen from behind
        rim = field = (112, 114, 114)
    canvas.polygon(shapes[0], scaled(rim, light), SIGN)
    glyph = WHITE if field == BLUE else (40, 40, 44)
    strokes = [plate(right, up - 0.1 * size, depth, 0.24 * size, 0.5 * size)]
    canvas.details([shapes[1]], [scaled(field, light)])
    if field != (112, 114, 114):
        canvas.details(strokes, [scaled(glyph, light)])


def draw_traffic_light(canvas: Canvas, rng: np.random.Generator, right: float, depth: float) -> None:
    """Draw a signal head with one lamp lit, on a post."""
    canvas.line([(right, 0, depth), (right, 3.4, depth)], 0.13, (58, 60, 58), POLE)
    up = rng.uniform(2.3, 2.7)
    canvas.polygon(plate(right, up, depth, rng.uniform(0.45, 0.65), 1.25), (24, 25, 26), SIGN)
    lit = rng.integers(3)
    glow: tuple[Colour, ...] = ((60, 235, 150), (250, 180, 60), (250, 60, 50))
    lamps = [disc(right, up + 0.25 + 0.37 * row, depth, 0.15, 0.15) for row in range(3)]
    canvas.details(lamps, [glow[row] if row == lit else scaled(glow[row], 0.2) for row in range(3)])
