"""zoo's own device and engine keep the contracts that plugins are held to."""

from __future__ import annotations

from zoo.testing import BackendContract, DeviceContract


class TestCpu(DeviceContract):
    kind = "cpu"


class TestPaddle(BackendContract):
    name = "paddle"
