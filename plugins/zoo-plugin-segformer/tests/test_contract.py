from zoo.testing import FamilyContract


class TestSegFormer(FamilyContract):
    entry_point = "segformer"
