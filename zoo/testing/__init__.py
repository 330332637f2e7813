"""For tests of zoo and of its plugins: the contract of a family, and made-up data with known ground truth."""

from zoo.testing.contract import FamilyContract

__all__ = ["FamilyContract"]
