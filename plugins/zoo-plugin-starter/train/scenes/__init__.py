"""Procedural street scenes with exact masks: extra training data, demo pictures and test fixtures."""

from scenes.canvas import CLASSES
from scenes.scene import Scene, draw_scene

__all__ = ["CLASSES", "Scene", "draw_scene"]
