"""The models that run on pretend devices, each in a test: what docs/devices.md may say of them."""

from __future__ import annotations

#: One of each family, with random weights; see `tests/devices/test_device_check.py`.
FAMILIES = ("Deeplabv3-R50", "OCRNet_HRNet-W18", "PP-LiteSeg-T", "SegFormer-B0", "SeaFormer_tiny")
#: With their own weights; see `tests/devices/test_models.py`.
WHOLE = ("starter",)
#: The kinds on which all of them run.
KINDS = ("npu", "mlu")
