from zoo.testing import FamilyContract


class TestStarter(FamilyContract):
    entry_point = "starter"
