from zoo.testing import FamilyContract


class TestFcn(FamilyContract):
    entry_point = "fcn"
