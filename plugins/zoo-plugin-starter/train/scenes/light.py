"""Weather, sky and what lens and sensor make of the painted street."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from scenes.canvas import CLASSES, PAVEMENT, ROAD, SKY, SUPERSAMPLING, Camera, Canvas, Colour

# Relative strength of surface noise, by class index.
GRAIN = np.array([0.0, 0.14, 0.10, 0.10, 0.16, 0.34, 0.08, 0.22, 0.07, 0.14, 0.14], dtype=np.float32)


Singles = NDArray[np.float32]  # single precision: whole pictures pass through here, and time counts


@dataclass(frozen=True)
class Weather:
    """Light of one scene.

    Attributes:
        sun: -1 if the sun stands on the left, 1 if on the right, 0 if the sky is overcast.
        exposure: brightness factor of everything below the sky.
        zenith: sky colour at the top of the picture.
        haze_colour: sky colour at the horizon, which distance fades to.
        clouds: 0 for a plain sky to 1 for a heavy one.
        visibility: depth in metres at which haze has taken 63 %.
    """

    sun: int
    exposure: float
    zenith: Colour
    haze_colour: Colour
    clouds: float
    visibility: float

    @classmethod
    def random(cls, rng: np.random.Generator) -> Weather:
        """Choose among sunny, overcast and dusk."""
        kind = rng.choice(["sunny", "overcast", "dusk"], p=[0.5, 0.35, 0.15])
        if kind == "sunny":
            grey, blue = rng.uniform(225, 250), rng.uniform(0.1, 0.85)
            zenith = (grey - 120 * blue, grey - 65 * blue, grey + 5 - 20 * blue)
            sun, exposure = int(rng.choice([-1, 1])), rng.uniform(0.8, 1.45)
        elif kind == "overcast":
            grey = rng.uniform(205, 250)
            zenith = (grey - 4, grey, grey + 3)
            sun, exposure = 0, rng.uniform(0.7, 1.35)
        else:
            grey = rng.uniform(90, 170)
            zenith = (grey - 18, grey - 6, grey + 8)
            sun, exposure = 0, rng.uniform(0.38, 0.68)
        glow = min(grey + 12, 254)
        warm = rng.uniform(-3, 8)
        return cls(
            sun=sun,
            exposure=exposure,
            zenith=zenith,
            haze_colour=(glow + warm, glow, glow - warm),
            clouds=rng.uniform(0.0, 1.0) ** 1.5,
            visibility=rng.uniform(160, 600),
        )


def noise(rng: np.random.Generator, height: int, width: int, coarsest: int, octaves: int) -> Singles:
    """Return smooth noise (height, width) in about -1..1: octaves of doubling fineness, `coarsest` cells across."""
    total = np.zeros((height, width), dtype=np.float32)
    for octave in range(octaves):
        cells = coarsest * 2**octave
        grid = rng.uniform(-1, 1, (cells, cells)).astype(np.float32)
        total += np.asarray(Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC)) * 0.62**octave
    return total


def paint_sky(canvas: Canvas, rng: np.random.Generator, weather: Weather) -> None:
    """Fill the picture with a gradient and clouds; the mask is all sky to begin with."""
    rows, columns = 96, 128  # clouds are soft, so a small picture does
    down = np.linspace(0, 1, rows)[:, None, None]
    zenith, haze = np.array(weather.zenith), np.array(weather.haze_colour)
    sky = zenith + (haze - zenith) * np.minimum(1, 2 * down)
    tall = noise(rng, rows, columns, 3, 4)
    cover = np.clip(tall * 1.3 + weather.clouds - 0.55, 0, 1)[..., None]
    bright = haze * (1.0 + 0.10 * noise(rng, rows, columns, 4, 4)[..., None] - 0.12 * weather.clouds)
    sky = np.clip(sky + (bright - sky) * cover * 0.85, 0, 255).astype(np.uint8)
    canvas.image.paste(Image.fromarray(sky).resize(canvas.size, Image.Resampling.BILINEAR))


def develop(
    image: NDArray[np.uint8], mask: NDArray[np.uint8], rng: np.random.Generator, weather: Weather, camera: Camera
) -> NDArray[np.uint8]:
    """Add surface texture, exposure, white balance, blur, vignetting and sensor noise.

    Args:
        image: painted picture, uint8 (H, W, 3).
        mask: class indices, uint8 (H, W).
        rng: source of the noise.
        weather: light of the scene.
        camera: view of the scene, in canvas pixels.

    Returns:
        The photograph, uint8 (H, W, 3).
    """
    height, width = mask.shape
    grain = noise(rng, height, width, max(4, min(height, width) // 12), 2) * np.float32(0.8)
    grain += rng.standard_normal((height, width), dtype=np.float32) * np.float32(0.25)
    _lay_on_ground(grain, mask, rng, camera)
    exposure = np.full(len(CLASSES), weather.exposure, dtype=np.float32)
    exposure[SKY] = 1
    factor = (1 + GRAIN[mask] * grain) * exposure[mask] * _vignette(height, width, rng.uniform(0.0, 0.22))
    photo = image * (factor[..., None] * rng.normal(1.0, 0.025, 3).astype(np.float32))
    curve = _tone_curve(rng.uniform(0.85, 1.2), rng.uniform(-4, 10))
    toned = curve[np.clip(photo, 0, len(curve) - 1).astype(np.uint16)]
    blurred = Image.fromarray(toned).filter(ImageFilter.GaussianBlur(rng.uniform(0.0, 0.75)))
    sensor = rng.standard_normal((height, width, 1), dtype=np.float32) * np.float32(rng.uniform(0.8, 4.0))
    return np.clip(np.asarray(blurred) + sensor, 0, 255).astype(np.uint8)


def _lay_on_ground(grain: Singles, mask: NDArray[np.uint8], rng: np.random.Generator, camera: Camera) -> None:
    """Replace the grain of road and pavement by noise that lies flat on them, in place."""
    top = min(int(camera.horizon / SUPERSAMPLING) + 1, mask.shape[0] - 1)
    rows = np.arange(top, mask.shape[0], dtype=np.float32)[:, None]
    columns = np.arange(mask.shape[1], dtype=np.float32)[None, :]
    tile = 256
    pattern = noise(rng, tile, tile, 8, 4) * 0.6 + rng.standard_normal((tile, tile), dtype=np.float32) * 0.3
    drop = np.maximum(rows * SUPERSAMPLING - camera.horizon, 1.0)
    depth = camera.focal * camera.height / drop
    right = (columns * SUPERSAMPLING - camera.centre) * camera.height / drop
    # 14 cells a metre across and 8 along: wear runs along the street.
    across = (right * 14).astype(np.int32) % tile
    along = (np.minimum(depth, 400) * 8).astype(np.int32) % tile
    flat = (mask[top:] == ROAD) | (mask[top:] == PAVEMENT)
    grain[top:] = np.where(flat, 0.7 * pattern[along, across] + 0.4 * grain[top:], grain[top:])


def _vignette(height: int, width: int, strength: float) -> Singles:
    down = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    across = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    return 1 - np.float32(strength * 0.5) * (down**2 + across**2)


def _tone_curve(gain: float, lift: float) -> NDArray[np.uint8]:
    """Return a table (512,) that stretches around a dark grey and rolls highlights off softly, as film does."""
    stretched = np.maximum((np.arange(512) - 70) * gain + 70 + lift, 0)
    knee = 215.0
    rolled = knee + (255 - knee) * (1 - np.exp((knee - np.maximum(stretched, knee)) / 32))
    return np.where(stretched > knee, rolled, stretched).astype(np.uint8)
