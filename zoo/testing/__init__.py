"""For tests of plugins: the contract of a family."""

from zoo.testing.contract import FamilyContract

__all__ = ["FamilyContract"]
