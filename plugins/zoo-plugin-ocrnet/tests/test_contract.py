from zoo.testing import FamilyContract


class TestOCRNet(FamilyContract):
    entry_point = "ocrnet"
