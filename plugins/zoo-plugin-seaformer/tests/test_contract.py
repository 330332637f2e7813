from zoo.testing import FamilyContract


class TestSeaFormer(FamilyContract):
    entry_point = "seaformer"
