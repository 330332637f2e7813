"""The models that run on pretend devices, each in a test: what docs/devices.md may say of them."""

from __future__ import annotations

#: By kind; see `tests/devices/test_models.py`.
MODELS = {"npu": ("starter",), "mlu": ("starter",)}
