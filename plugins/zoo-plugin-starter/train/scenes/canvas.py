"""A picture and its mask, painted together from points in metres."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw

CLASSES = (
    "sky",
    "building",
    "pole",
    "road",
    "pavement",
    "tree",
    "sign_symbol",
    "fence",
    "car",
    "pedestrian",
    "bicyclist",
)
SKY, BUILDING, POLE, ROAD, PAVEMENT, TREE, SIGN, FENCE, CAR, PEDESTRIAN, BICYCLIST = range(len(CLASSES))

SUPERSAMPLING = 2
NEAREST = 0.7  # metres; what lies nearer is pulled out to here, so that nothing is projected from behind the camera

Floats = NDArray[np.float64]
Colour = tuple[float, float, float]


def scaled(colour: Colour, factor: float) -> Colour:
    """Return the colour, lighter or darker by a factor."""
    return colour[0] * factor, colour[1] * factor, colour[2] * factor


@dataclass(frozen=True)
class Camera:
    """Pinhole camera looking down the street; lengths in metres, `focal`, `centre` and `horizon` in canvas pixels.

    The street bends sideways by `curve * depth ** 2`, so everything else may be laid out along a straight one.
    """

    focal: float
    centre: float
    horizon: float
    height: float
    curve: float

    def project(self, points: ArrayLike) -> Floats:
        """Map points (..., 3) of right, up and depth to canvas pixels (..., 2)."""
        metres = np.asarray(points, dtype=np.float64)
        depth = np.maximum(metres[..., 2], NEAREST)
        scale = self.focal / depth
        pixels = np.empty((*depth.shape, 2))
        pixels[..., 0] = self.centre + (metres[..., 0] + self.curve * depth**2) * scale
        pixels[..., 1] = self.horizon + (self.height - metres[..., 1]) * scale
        return pixels


class Canvas:
    """Draws every silhouette into the picture and the mask alike, without antialiasing.

    The picture is smoothed by reducing the supersampled canvas; the mask keeps one of the pixels each.
    """

    def __init__(self, height: int, width: int, camera: Camera, haze: Colour, visibility: float) -> None:
        """Start an all-sky canvas for a picture of (height, width) pixels."""
        self.size = (SUPERSAMPLING * width, SUPERSAMPLING * height)
        self.camera = camera
        self.image = Image.new("RGB", self.size)
        self.mask = Image.new("L", self.size, SKY)
        self._haze = haze
        self._visibility = visibility
        self._ink = ImageDraw.Draw(self.image)
        self._glaze = ImageDraw.Draw(self.image, "RGBA")
        self._label = ImageDraw.Draw(self.mask)

    def hazed(self, colour: Colour, depth: float) -> tuple[int, int, int]:
        """Return the 8-bit colour that is left of a colour seen from a distance."""
        kept = math.exp(-max(depth, 0.0) / self._visibility)
        red, green, blue = (kept * c + (1 - kept) * h for c, h in zip(colour, self._haze, strict=True))
        return min(max(int(red), 0), 255), min(max(int(green), 0), 255), min(max(int(blue), 0), 255)

    def polygon(self, points: ArrayLike, colour: Colour, value: int) -> None:
        """Fill the polygon of points (N, 3) in picture and mask."""
        corners = np.asarray(points, dtype=np.float64)
        flat: list[float] = self.camera.project(corners).ravel().tolist()
        self._ink.polygon(flat, fill=self.hazed(colour, float(corners[:, 2].mean())))
        self._label.polygon(flat, fill=value)

    def details(self, shapes: ArrayLike, colours: Sequence[Colour]) -> None:
        """Fill polygons (K, N, 3) in the picture only; they must lie within a silhouette already drawn."""
        corners = np.asarray(shapes, dtype=np.float64)
        if corners.size == 0:
            return
        flats: list[list[float]] = self.camera.project(corners).reshape(len(corners), -1).tolist()
        kept = np.exp(-np.maximum(corners[..., 2].mean(axis=1), 0.0) / self._visibility)[:, None]
        mixed = np.clip(kept * np.asarray(colours) + (1 - kept) * np.asarray(self._haze), 0, 255)
        inks: list[list[int]] = mixed.astype(np.int64).tolist()
        for flat, ink in zip(flats, inks, strict=True):
            self._ink.polygon(flat, fill=(ink[0], ink[1], ink[2]))

    def shadow(self, points: ArrayLike, darkness: float) -> None:
        """Darken the polygon of points (N, 3) in the picture; the class beneath stays."""
        flat: list[float] = self.camera.project(points).ravel().tolist()
        self._glaze.polygon(flat, fill=(8, 9, 14, int(255 * darkness)))

    def line(self, points: ArrayLike, metres: float, colour: Colour, value: int) -> None:
        """Draw the polyline of points (N, 3), `metres` thick but never too thin to be seen."""
        corners = np.asarray(points, dtype=np.float64)
        depth = float(corners[:, 2].mean())
        flat: list[float] = self.camera.project(corners).ravel().tolist()
        thickness = max(SUPERSAMPLING, round(metres * self.camera.focal / max(depth, NEAREST)))
        self._ink.line(flat, fill=self.hazed(colour, depth), width=thickness)
        self._label.line(flat, fill=value, width=thickness)

    def glass(self, points: ArrayLike, colour: Colour, opacity: float, value: int) -> None:
        """Glaze the polygon of points (N, 3) see-through in the picture; the mask takes it as solid."""
        flat: list[float] = self.camera.project(points).ravel().tolist()
        red, green, blue = self.hazed(colour, 0.0)
        self._glaze.polygon(flat, fill=(red, green, blue, int(255 * opacity)))
        self._label.polygon(flat, fill=value)

    def stamp(self, corner: tuple[int, int], patch: Image.Image, opaque: Image.Image, outline: Image.Image) -> None:
        """Paste an RGB patch of foliage at canvas pixel `corner` (x, y).

        Args:
            corner: upper left canvas pixel.
            patch: picture of the crown.
            outline: "L" image of the same size, 255 where the mask becomes tree.
            opaque: "L" image of the same size, 255 where the patch hides what is behind; lies within `outline`.
        """
        self.image.paste(patch, corner, opaque)
        self.mask.paste(TREE, corner, outline)

    def finish(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return the reduced picture, uint8 (H, W, 3), and the mask, uint8 (H, W)."""
        image = np.asarray(self.image.reduce(SUPERSAMPLING))
        middle = SUPERSAMPLING // 2
        return image, np.asarray(self.mask)[middle::SUPERSAMPLING, middle::SUPERSAMPLING].copy()
