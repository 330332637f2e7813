from zoo.testing import FamilyContract


class TestDeeplabv3(FamilyContract):
    entry_point = "deeplabv3"
