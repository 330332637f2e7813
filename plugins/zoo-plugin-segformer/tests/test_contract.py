from zoo.plugin import ModelCard
from zoo.testing import FamilyContract
from zoo_plugin_segformer.network import SegFormer


class TestSegFormer(FamilyContract):
    entry_point = "segformer"

    def tiny(self, card: ModelCard, num_classes: int) -> SegFormer:
        return SegFormer(num_classes, 3, (8, 16, 40, 64), (1, 1, 1, 1), embedding=32)
