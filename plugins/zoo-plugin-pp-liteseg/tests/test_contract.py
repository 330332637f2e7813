from zoo.testing import FamilyContract


class TestPPLiteSeg(FamilyContract):
    entry_point = "pp-liteseg"
