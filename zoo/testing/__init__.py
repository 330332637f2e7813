"""For tests of plugins: the contracts of families, devices and engines."""

from zoo.testing.contract import FamilyContract
from zoo.testing.engine import BackendContract, DeviceContract

__all__ = ["BackendContract", "DeviceContract", "FamilyContract"]
