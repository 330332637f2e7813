"""Cars, vans and buses as extruded side profiles, so that any heading is seen rightly."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from scenes.canvas import CAR, Canvas, Colour, Floats, scaled

PAINTS: tuple[Colour, ...] = (
    (36, 38, 42),
    (120, 124, 130),
    (172, 174, 178),
    (40, 52, 92),
    (130, 30, 34),
    (204, 204, 202),
    (50, 74, 66),
    (84, 88, 96),
)
GLASS: Colour = (44, 52, 60)
TYRE: Colour = (20, 20, 22)

# Side profiles from the rear bumper over the roof to the front bumper: (share of the length, height in metres), and
# which edges are glass, by the index of their first point.
PROFILES: dict[str, tuple[tuple[tuple[float, float], ...], tuple[int, ...]]] = {
    "hatchback": (
        ((0, 0.25), (0, 0.9), (0.08, 1.4), (0.2, 1.48), (0.5, 1.45), (0.72, 0.95), (0.98, 0.75), (1, 0.25)),
        (1, 4),
    ),
    "saloon": (
        ((0, 0.25), (0, 0.92), (0.16, 0.98), (0.3, 1.4), (0.55, 1.42), (0.73, 0.95), (0.98, 0.78), (1, 0.25)),
        (2, 4),
    ),
    "van": (
        ((0, 0.3), (0, 1.2), (0.01, 1.95), (0.04, 2.05), (0.72, 2.05), (0.86, 1.15), (0.99, 0.95), (1, 0.3)),
        (1, 4),
    ),
    "bus": (
        ((0, 0.35), (0, 1.5), (0, 2.6), (0.01, 3.0), (0.98, 3.0), (1, 1.2), (1, 0.9), (1, 0.35)),
        (1, 4),
    ),
}
Placing = Callable[[Floats], Floats]  # from the axes of a vehicle into the street
SIZES = {"hatchback": (3.9, 1.7), "saloon": (4.5, 1.78), "van": (4.9, 1.95), "bus": (9.5, 2.5)}  # length, width


def draw_vehicle(canvas: Canvas, rng: np.random.Generator, right: float, depth: float, heading: float) -> None:
    """Draw a vehicle with its near end at about (right, depth); heading 0 drives away from the camera."""
    kind = str(rng.choice(list(PROFILES), p=[0.48, 0.34, 0.13, 0.05]))
    profile, panes = PROFILES[kind]
    length, width = SIZES[kind]
    paint = scaled(PAINTS[rng.integers(len(PAINTS))], rng.uniform(0.6, 1.1))
    cosine, sine = np.cos(heading), np.sin(heading)
    reach = length / 2 * abs(cosine) + width / 2 * abs(sine)  # keeps the near end in front of the camera
    half = width / 2

    def placed(shape: Floats) -> Floats:
        """Turn (..., 3) of metres right of the axis, up, and ahead of the middle, into the street."""
        across, up, along = shape[..., 0], shape[..., 1], shape[..., 2]
        return np.stack(
            [right + across * cosine + along * sine, up, depth + reach + along * cosine - across * sine], axis=-1
        )

    outline = np.array(profile) * rng.uniform(0.96, 1.05)
    along, up = outline[:, 0] * length - length / 2, outline[:, 1]
    cabin = np.where(up > (1.05 if kind != "bus" else 9.0), 0.84 if kind != "van" else 0.92, 1.0) * half
    flanks = {side: placed(np.stack([side * cabin, up, along], axis=1)) for side in (-1, 1)}
    floor = np.array([(-half, 0, -length / 2), (half, 0, -length / 2), (half, 0, length / 2), (-half, 0, length / 2)])
    canvas.shadow(placed(floor * (1.12, 1, 1.04)), 0.75)
    for end in (-1, 1):
        for side in (-1, 1):
            _draw_tread(canvas, placed, side * half, end * 0.31 * length)
    faces: list[tuple[float, Floats, Colour]] = []
    for first in range(len(outline) - 1):
        face = np.stack([flanks[-1][first], flanks[-1][first + 1], flanks[1][first + 1], flanks[1][first]])
        slope = 1.18 if abs(along[first + 1] - along[first]) > 0.3 * length else 1.0  # flat parts mirror the sky
        faces.append((face[:, 2].mean(), face, scaled(paint, slope)))
    order = sorted(range(len(faces)), key=lambda index: -faces[index][0])
    for index in order:
        _, face, colour = faces[index]
        canvas.polygon(face, colour, CAR)
        if index in panes:
            canvas.details([_inset(face, 0.1)], [scaled(GLASS, rng.uniform(0.5, 1.7))])
        if index == 0:
            _draw_end(canvas, placed, half, -length / 2, float(up[1]), (168, 26, 26), rng)
        if index == len(faces) - 1:
            _draw_end(canvas, placed, half, length / 2, float(up[-2]), (222, 222, 212), rng)
    side = _facing(flanks)
    canvas.polygon(flanks[side], scaled(paint, 0.8), CAR)
    _draw_flank(canvas, placed, side, cabin, outline, length, kind)


def _facing(flanks: dict[int, Floats]) -> int:
    """Return the flank that faces the camera, which stands at the origin."""
    middles = {side: flank[:, [0, 2]].mean(axis=0) for side, flank in flanks.items()}
    return min(middles, key=lambda side: float(np.hypot(*middles[side])))


def _inset(face: Floats, share: float) -> Floats:
    """Return the face shrunk towards its middle."""
    return face + (face.mean(axis=0) - face) * share


def _draw_tread(canvas: Canvas, placed: Placing, side: float, along: float) -> None:
    """Draw a wheel as seen from the front or behind."""
    inner = side * 0.78
    corners = [(side, 0, along), (side, 0.5, along), (inner, 0.5, along), (inner, 0, along)]
    canvas.polygon(placed(np.array(corners)), TYRE, CAR)


def _draw_end(
    canvas: Canvas, placed: Placing, half: float, along: float, top: float, lamp: Colour, rng: np.random.Generator
) -> None:
    """Draw lamps, number plate and bumper on the front or the rear."""
    boxes = [
        (-0.97 * half, 0.27, 0.97 * half, 0.42),
        (-0.96 * half, 0.62 * top, -0.66 * half, 0.9 * top),
        (0.66 * half, 0.62 * top, 0.96 * half, 0.9 * top),
        (-0.27, 0.45, 0.27, 0.57),
    ]
    quads = [
        [(left, low, along), (left, high, along), (right, high, along), (right, low, along)]
        for left, low, right, high in boxes
    ]
    number = (200, 170, 60) if along < 0 else (215, 215, 210)
    lamp = scaled(lamp, rng.uniform(0.7, 1.4))
    canvas.details(placed(np.array(quads)), [(34, 35, 38), lamp, lamp, number])


def _draw_flank(
    canvas: Canvas, placed: Placing, side: int, cabin: Floats, outline: Floats, length: float, kind: str
) -> None:
    """Draw side windows and wheels on the flank that is seen."""
    top, low = float(outline[:, 1].max()), 0.99 if kind != "bus" else 1.5
    edge = float(cabin.min()) if kind != "bus" else float(cabin.max())
    spans = {
        "hatchback": [(0.13, 0.4), (0.42, 0.66)],
        "saloon": [(0.26, 0.45), (0.47, 0.68)],
        "van": [(0.58, 0.8)],
        "bus": [(0.03 + 0.16 * i, 0.17 + 0.16 * i) for i in range(6)],
    }[kind]
    slant = {"hatchback": 0.1, "saloon": 0.1, "van": 0.08, "bus": 0.0}[kind]
    body = float(cabin.max())
    panes: list[list[tuple[float, float, float]]] = []
    for number, (start, stop) in enumerate(spans):
        last = slant if number == len(spans) - 1 else 0.0
        first = slant if number == 0 and kind == "saloon" else 0.0
        shares = (
            (start, low, body),
            (start + first, top - 0.1, edge),
            (stop - last, top - 0.1, edge),
            (stop, low, body),
        )
        panes.append([(side * across, up, share * length - length / 2) for share, up, across in shares])
    canvas.details(placed(np.array(panes)), [GLASS] * len(panes))
    turn = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    for along in (-0.31 * length, 0.31 * length):
        rim = np.stack([np.full(14, side * body), 0.33 + 0.33 * np.sin(turn), along + 0.33 * np.cos(turn)], axis=1)
        canvas.polygon(placed(rim), TYRE, CAR)
        hub = rim.copy()
        hub[:, 1:] = (0.33, along) + (hub[:, 1:] - (0.33, along)) * 0.6
        canvas.details([placed(hub)], [(112, 114, 118)])
