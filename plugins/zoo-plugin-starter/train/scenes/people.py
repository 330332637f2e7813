"""Pedestrians and cyclists."""

from __future__ import annotations

import numpy as np

from scenes.canvas import BICYCLIST, PEDESTRIAN, Canvas, Colour, scaled
from scenes.furniture import disc

CLOTHES: tuple[Colour, ...] = (
    (30, 32, 38),
    (46, 50, 66),
    (24, 24, 26),
    (70, 62, 54),
    (120, 40, 40),
    (58, 76, 104),
    (150, 148, 142),
    (200, 200, 60),
)
SKIN: tuple[Colour, ...] = ((178, 136, 112), (150, 108, 86), (94, 66, 50), (196, 158, 136))
HAIR: tuple[Colour, ...] = ((34, 28, 24), (70, 52, 36), (120, 100, 70), (150, 148, 144))


def _dress(rng: np.random.Generator, light: float) -> Colour:
    weights = np.array([6, 5, 6, 3, 2, 3, 2, 1])
    return scaled(CLOTHES[rng.choice(len(CLOTHES), p=weights / weights.sum())], light * rng.uniform(0.7, 1.2))


def _cast(canvas: Canvas, right: float, depth: float, across: float, along: float) -> None:
    turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    ground = np.stack([right + across * np.cos(turn), 0 * turn, depth + along * np.sin(turn)], axis=1)
    canvas.shadow(ground, 0.35)


def _draw_head(
    canvas: Canvas, rng: np.random.Generator, right: float, up: float, depth: float, light: float, value: int
) -> None:
    canvas.polygon(disc(right, up, depth, 0.105, 0.14), scaled(SKIN[rng.integers(4)], light), value)
    hair = disc(right, up, depth, 0.105, 0.14)
    away = rng.random() < 0.5  # the back of the head is all hair
    hair[:, 1] = hair[:, 1] if away else np.maximum(hair[:, 1], up + 0.05)
    canvas.details([hair], [scaled(HAIR[rng.integers(4)], light)])


def draw_pedestrian(canvas: Canvas, rng: np.random.Generator, right: float, depth: float) -> None:
    """Draw somebody who walks or stands at (right, depth)."""
    light = rng.uniform(0.55, 1.05)
    tall = rng.uniform(0.92, 1.08)
    step = rng.uniform(0.02, 0.28)
    wide = rng.uniform(0.19, 0.28)
    trousers, coat = _dress(rng, 0.85 * light), _dress(rng, light)

    def at(across: float, up: float) -> tuple[float, float, float]:
        return right + across, up * tall, depth

    _cast(canvas, right, depth, 0.4, 0.3)
    for foot in (-step, step):
        canvas.line([at(foot * 0.25, 0.85), at(foot * 0.8, 0.45), at(foot, 0.02)], 0.15, trousers, PEDESTRIAN)
        canvas.polygon(
            [at(foot - 0.07, 0), at(foot - 0.07, 0.09), at(foot + 0.12, 0.09), at(foot + 0.12, 0)],
            (28, 26, 26),
            PEDESTRIAN,
        )
    hem = rng.uniform(0.6, 0.9)
    sides = [(-wide * 0.85, hem), (-wide, 1.38), (-0.09, 1.5), (0.09, 1.5), (wide, 1.38), (wide * 0.85, hem)]
    torso = [at(across, up) for across, up in sides]
    canvas.polygon(torso, coat, PEDESTRIAN)
    canvas.details([[torso[0], torso[1], at(-0.3 * wide, 1.4), at(-0.3 * wide, hem)]], [scaled(coat, 0.8)])
    for arm in (-1, 1):
        hand = arm * (wide + 0.05) + rng.normal(0, 0.06)
        canvas.line(
            [at(arm * wide, 1.36), at(arm * (wide + 0.05), 1.1), at(hand, 0.82)], 0.11, scaled(coat, 0.88), PEDESTRIAN
        )
    if rng.random() < 0.3:
        bag = disc(right + rng.choice([-1, 1]) * (wide + 0.08), 0.75 * tall, depth, 0.14, 0.2, 8)
        canvas.polygon(bag, _dress(rng, light), PEDESTRIAN)
    _draw_head(canvas, rng, right, 1.62 * tall, depth, light, PEDESTRIAN)


def draw_cyclist(canvas: Canvas, rng: np.random.Generator, right: float, depth: float, turn: float) -> None:
    """Draw somebody on a bicycle at (right, depth), heading `turn` radians away from the street's direction."""
    light = rng.uniform(0.55, 1.05)
    ahead = np.sin(turn)
    trousers, coat = _dress(rng, 0.85 * light), _dress(rng, light)
    frame = scaled(CLOTHES[rng.integers(len(CLOTHES))], 0.9)
    tyre: Colour = (26, 26, 28)
    stance = 0.13 * np.cos(turn)  # half distance between the feet, seen from behind

    def at(along: float, up: float, across: float = 0.0) -> tuple[float, float, float]:
        return right + along * ahead + across, up, depth

    _cast(canvas, right, depth, 0.3 + 0.6 * abs(ahead), 0.9)
    for along in (0.52, -0.52):
        rim = disc(right + along * ahead, 0.34, depth, max(0.34 * abs(ahead), 0.035), 0.34)
        canvas.glass(rim, tyre, 0.4 if abs(ahead) > 0.3 else 1.0, BICYCLIST)
        canvas.line(np.concatenate([rim, rim[:1]]), 0.05, tyre, BICYCLIST)
    canvas.line([at(-0.52, 0.34), at(0, 0.3), at(0.42, 0.8), at(-0.15, 0.85), at(0, 0.3)], 0.05, frame, BICYCLIST)
    canvas.line([at(0.52, 0.34), at(0.42, 1.0)], 0.05, frame, BICYCLIST)
    canvas.line([at(0.42, 1.02, -1.7 * stance), at(0.42, 1.02, 1.7 * stance)], 0.05, tyre, BICYCLIST)
    lift = rng.uniform(-0.12, 0.12)
    for leg in (-1, 1):
        knee, foot = at(0.25, 0.62 + leg * lift, leg * stance), at(0.05, 0.25 + leg * lift, leg * stance)
        canvas.line([at(-0.12, 0.92, leg * 0.5 * stance), knee, foot], 0.15, trousers, BICYCLIST)
    thick = 0.15 + 0.08 * np.cos(turn)
    outline = [(-0.2, 0.85, -0.8), (0.12, 1.42, -1.0), (0.18, 1.5, 0.0), (0.16, 1.42, 1.0), (-0.14, 0.85, 0.8)]
    torso = [at(along, up, across * thick) for along, up, across in outline]
    canvas.polygon(torso, coat, BICYCLIST)
    canvas.details([[torso[0], torso[1], torso[2], at(-0.16, 0.86)]], [scaled(coat, 0.8)])
    for arm in (-1, 1):
        canvas.line(
            [at(0.14, 1.38, arm * thick), at(0.25, 1.15, arm * 1.2 * thick), at(0.42, 1.04, arm * 1.6 * stance)],
            0.1,
            scaled(coat, 0.9),
            BICYCLIST,
        )
    neck = right + 0.22 * ahead
    _draw_head(canvas, rng, neck, 1.64, depth, light, BICYCLIST)
    if rng.random() < 0.4:
        helmet = disc(neck, 1.7, depth, 0.13, 0.11)
        canvas.polygon(helmet, scaled(CLOTHES[rng.integers(len(CLOTHES))], 1.1), BICYCLIST)
