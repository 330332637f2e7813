"""The drawn street scenes that the starter model was trained on, for benchmarks."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "plugins" / "zoo-plugin-starter" / "train"))

draw_scene = importlib.import_module("scenes").draw_scene
