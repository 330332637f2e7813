from zoo.plugin import ModelCard
from zoo.testing import FamilyContract
from zoo_plugin_pp_liteseg.network import PPLiteSeg


class TestPPLiteSeg(FamilyContract):
    entry_point = "pp-liteseg"

    def tiny(self, card: ModelCard, num_classes: int) -> PPLiteSeg:
        return PPLiteSeg(num_classes, 3, (1, 1, 1), (8, 16, 16), (8, 8, 8), width=8, context_channels=16)
